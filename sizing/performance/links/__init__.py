"""Links between accelerators, and the time of collectives over them."""
