"""The methods of the field that ours is compared with, as named strategies."""
