"""How accurate and how fast sizeup is, measured."""
