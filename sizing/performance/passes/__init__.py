"""Time of one forward pass: matrices, attention, experts, collectives, and what each costs besides."""
