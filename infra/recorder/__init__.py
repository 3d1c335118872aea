"""Runs a Pulumi program against a monitor of our own, and records what it registers."""
