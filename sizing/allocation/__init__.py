"""What to rent: candidates, and the exact choice among them."""
