"""The script that writes the packaged facts: python -m tools.facts FOLDER."""
