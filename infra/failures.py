"""What ends a command besides the errors of `sizing`: each carries what went wrong and the mend."""

from __future__ import annotations

from sizing.errors import SizingError

DONE, REFUSED, WRONG_INPUT, PROGRAM_FAILED = 0, 1, 2, 3  # exit statuses


class Refused(Exception):
    """A guard said no; the input may be right all the same. Exit status 1."""


class ProgramFailed(Exception):
    """Another program, or a cloud, failed: the engine, credentials, the network. Exit status 3."""

    def __init__(self, what: str, *, mend: str) -> None:
        """Tell *what* failed and the mend."""
        self.what, self.mend = what, mend
        super().__init__(f"{what}\n    hint: {mend}")


class WrongInput(SizingError):
    """A file or an option that cannot be used. Exit status 2."""
