"""Turns one preview into text, JSON, Markdown and HTML; decides nothing."""
