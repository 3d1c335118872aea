"""One preview from start to end."""
