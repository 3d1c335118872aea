"""Compares recorded resources with a base: what would be created, updated, replaced, deleted."""
