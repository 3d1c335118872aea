"""What ends a command besides the errors of `sizing`: each carries what went wrong and the mend."""

from __future__ import annotations

from sizing.errors import SizingError

DONE, REFUSED, WRONG_INPUT, PROGRAM_FAILED = 0, 1, 2, 3  # exit statuses


class Refused(Exception):
    """A guard said no; the input may be right all the same. Exit status 1."""


class WrongInput(SizingError):
    """A file or an option that cannot be used. Exit status 2."""
