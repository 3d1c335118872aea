"""What can be wrong with a program, and can be mended by the user."""

from __future__ import annotations

from sizing.errors import SizingError


class ProgramError(SizingError):
    """The Pulumi program ended itself with a message (`pulumi.RunError`)."""


class DuplicateResource(SizingError):
    """Two resources of one program have the same URN."""

    def __init__(self, *, urn: str, first: str | None, second: str | None) -> None:
        """Tell the *urn*, and the source positions of both registrations where they are known."""
        self.urn, self.first, self.second = urn, first, second
        where = f" (first at {first or '?'}, again at {second or '?'})" if first or second else ""
        super().__init__(
            f"Duplicate resource URN '{urn}'{where}; try giving it a unique name\n"
            "    hint: two resources of one type under one parent need two names"
        )


class NotAnswerableOffline(SizingError):
    """The program asks the cloud for something while it runs, and goes on only with the answer."""

    def __init__(self, *, what: str, where: str | None, mend: str) -> None:
        """Tell *what* was asked, *where* in the program, and how to do without."""
        self.what, self.where, self.mend = what, where, mend
        at = f"{where}: " if where else ""
        super().__init__(f"{at}{what} cannot be answered offline\n    hint: {mend}")
