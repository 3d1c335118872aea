"""Applies a stack with Pulumi's own engine, behind a gate: preview, limits, confirm, keep the state, go, tell."""
