"""Where every byte, operation and second of a prediction comes from."""
