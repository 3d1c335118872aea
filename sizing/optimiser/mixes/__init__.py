"""Mixes of accelerators for a distribution of request sizes, under two rules of routing."""
