"""Pulumi component resources, built from plan values."""
