"""In-cluster objects, the same on every cloud."""
