"""The error tree of the sizing library; each error carries fields, and its text is made from them.

SizingError
├── InvalidSpec      what the user asked is wrong: every mistake of one input, at once
├── InvalidModel     a model configuration that cannot be read
├── UnknownFact      the catalog has no such fact
└── UnusablePlan
    ├── StalePlan    the plan belongs to another spec
    └── DamagedPlan  the plan file cannot be read, or is of a newer format

That nothing fits is an answer (`NoPlan`), not an error.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in one place of an input: what is wrong, where, why, and the mend."""

    path: str  # where in the document: sizeup:workloads[0].traffic.requests_per_s
    what: str  # what stands there, and why it cannot be
    mend: str  # what to write instead
    line: int | None = None  # 1-based line in the file, where it is known

    def __str__(self) -> str:
        """The two lines that a person reads."""
        where = self.path if self.line is None else f"line {self.line}, {self.path}"
        return f"  {where}: {self.what}\n    hint: {self.mend}"


class SizingError(Exception):
    """Root of every error that a user can mend."""


class InvalidSpec(SizingError):
    """What was asked cannot be read; tells all mistakes of the input at once."""

    def __init__(self, problems: tuple[Problem, ...], *, source: str = "the spec") -> None:
        """Keep *problems* (at least one) in document order, and *source*, the file they are in."""
        self.problems = problems
        self.source = source
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__("\n".join([f"{count} in {source}", *map(str, problems)]))


class InvalidModel(SizingError):
    """A model configuration (`config.json`) that does not describe a decoder we can size."""

    def __init__(self, *, source: str, what: str, mend: str) -> None:
        """Tell *what* is wrong in *source* and how to mend it."""
        self.source, self.what, self.mend = source, what, mend
        super().__init__(f"{source}: {what}\n    hint: {mend}")


class UnknownFact(SizingError):
    """The catalog does not hold a fact that was asked for by name."""

    def __init__(self, *, kind: str, name: str, nearest: tuple[str, ...] = ()) -> None:
        """Tell which *kind* of fact has no entry *name*, and the *nearest* names that exist."""
        self.kind, self.name, self.nearest = kind, name, nearest
        hint = f"\n    hint: did you mean {', '.join(nearest)}?" if nearest else ""
        super().__init__(f"no {kind} named {name!r} in the catalog{hint}")


class UnusablePlan(SizingError):
    """A plan that must not be provisioned from."""

    def __init__(self, *, source: str, what: str, mend: str) -> None:
        """Tell *what* is wrong with the plan in *source* and how to mend it."""
        self.source, self.what, self.mend = source, what, mend
        super().__init__(f"{source}: {what}\n    hint: {mend}")


class StalePlan(UnusablePlan):
    """The plan was made for another spec than the stack file holds now."""


class DamagedPlan(UnusablePlan):
    """The plan file cannot be read, was cut short, or is of a newer format."""
