"""What recorded resources cost, line by line."""
