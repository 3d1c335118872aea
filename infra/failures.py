"""What ends a command besides the errors of `sizing`: each carries what went wrong and the mend."""

from __future__ import annotations


class Refused(Exception):
    """A guard said no; the input may be right all the same. Exit status 1."""
