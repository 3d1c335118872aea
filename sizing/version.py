"""The version of sizeup that plans carry; `pyproject.toml` holds the same, by test."""

from __future__ import annotations

from importlib import metadata

VERSION = "0.1.0"


def solver_version() -> str:
    """Name and version of the solver."""
    return f"ortools {metadata.version('ortools')}"
