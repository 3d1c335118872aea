"""What can be rented, and what models are made of: dated, sourced facts."""
