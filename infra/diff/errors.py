"""What can be wrong with a state."""

from __future__ import annotations

from sizing.errors import SizingError


class InvalidState(SizingError):
    """A state export that cannot be read, or that says things this reader does not know."""

    def __init__(self, *, source: str, what: str, mend: str) -> None:
        """Tell *what* is wrong with the state in *source* and the mend."""
        self.source, self.what, self.mend = source, what, mend
        super().__init__(f"{source}: {what}\n    hint: {mend}")
