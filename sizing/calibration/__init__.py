"""Fits the constants of the performance model to measurements, and tells how wrong it is on them."""
