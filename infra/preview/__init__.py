"""Records what the program would register, compares it with a base, and prices it."""
