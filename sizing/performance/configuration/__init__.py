"""What is run: a model, split by a layout, in formats, on accelerators, by an engine; and what each of them holds."""
