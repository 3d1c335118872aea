"""What a model achieves on a layout of devices, with its error."""
