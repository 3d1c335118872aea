"""Jobs that take all their machines at once, and end in time."""
