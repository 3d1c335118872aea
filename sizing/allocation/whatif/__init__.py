"""What would be, under another spec: sweeps, fronts, and trials of them."""
