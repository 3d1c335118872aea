"""What can be wrong with what a preview is compared with."""

from __future__ import annotations

from sizing.errors import SizingError


class UnusableBase(SizingError):
    """A revision that the preview cannot be compared with."""

    def __init__(self, *, base: str, what: str, mend: str) -> None:
        """Tell *what* keeps *base* from being used, and the mend."""
        self.base, self.what, self.mend = base, what, mend
        super().__init__(f"{base}: {what}\n    hint: {mend}")
