"""The version of sizeup that plans carry; `pyproject.toml` holds the same, by test."""

VERSION = "0.1.0"
