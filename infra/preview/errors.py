"""What can be wrong with a program, a state or a base, and can be mended by the user."""

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


class InvalidState(SizingError):
    """A state export that cannot be read, or that says things this reader does not know."""

    def __init__(self, *, source: str, what: str, mend: str) -> None:
        """Tell *what* is wrong with the state in *source* and the mend."""
        self.source, self.what, self.mend = source, what, mend
        super().__init__(f"{source}: {what}\n    hint: {mend}")


class UnusableBase(SizingError):
    """A revision that the preview cannot be compared with."""

    def __init__(self, *, base: str, what: str, mend: str) -> None:
        """Tell *what* keeps *base* from being used, and the mend."""
        self.base, self.what, self.mend = base, what, mend
        super().__init__(f"{base}: {what}\n    hint: {mend}")
