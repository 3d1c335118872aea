"""Emulated clouds for the real Pulumi engine: providers, a language host, faults, and a place to run them in."""
