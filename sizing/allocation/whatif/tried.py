"""What came of a what-if: each point with its answer, where the plan changes machine, and which points are a front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sizing.allocation.whatif.pareto import Axis, Spot, efficient
from sizing.allocation.whatif.sweep import machines_of, machines_that_differ
from sizing.catalog.offer import PurchaseMode
from sizing.outcome import NoPlan, Sized
from sizing.plan import SizingPlan
from sizing.spec.change_values import Times
from sizing.spec.changes import Change, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One point and the answer to it."""

    point: Point
    answer: Sized | NoPlan

    @property
    def plan(self) -> SizingPlan | None:
        """The plan; None where there is none."""
        return self.answer.plan if isinstance(self.answer, Sized) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Two points one after the other whose plans stand on other types of machines, or ways to buy them."""

    before: Tried
    after: Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """All points of a what-if."""

    stack: str
    tried: tuple[Tried, ...]  # at least one
    today: SizingPlan | None  # the locked plan
    missing: int = 0  # points that the user did not wait for
    axis: Axis | None = None  # of a front

    @property
    def has_plan(self) -> bool:
        """Whether any point has one."""
        return any(one.plan is not None for one in self.tried)

    @property
    def moving(self) -> tuple[Change, ...]:
        """What takes several values."""
        return tuple(change for change, _ in self.tried[0].point.settings if len(change.values) > 1)

    @property
    def fixed(self) -> tuple[Change, ...]:
        """What is changed in the same way at every point."""
        return tuple(change for change, _ in self.tried[0].point.settings if len(change.values) == 1)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Where the plan changes machine along what varies fastest."""
        found = []
        for before, after in zip(self.tried, self.tried[1:], strict=False):
            along = before.point.settings[:-1] == after.point.settings[:-1]
            if along and before.plan and after.plan and _types(before.plan) != _types(after.plan):
                found.append(Turn(before=before, after=after))
        return tuple(found)

    @property
    def front(self) -> tuple[Tried, ...]:
        """The plans that no other beats in cost and on the axis both, in the order of the axis; without one, none."""
        if self.axis is None:
            return ()
        planned = [one for one in self.tried if one.plan is not None]
        spots = [Spot(at=self.at(one), usd_per_hour=one.plan.usd_per_hour) for one in planned if one.plan is not None]
        return tuple(planned[one] for one in efficient(spots, less_is_better=self.axis.less_is_better))

    def at(self, tried: Tried) -> float:
        """Where a point stands on the axis: what was asked, or how many machines are bought newly."""
        if self.axis is not None and self.axis.name == "changes":
            plan = tried.plan
            return 0 if self.today is None or plan is None else machines_that_differ(self.today, plan)
        value = tried.point.settings[-1][1]
        if isinstance(value, Times):
            return value.factor
        return value if isinstance(value, int | float) else 0.0


def _types(plan: SizingPlan) -> frozenset[tuple[str, PurchaseMode]]:
    return frozenset((one.machine, one.mode) for one in machines_of(plan))


def neighbours(tries: Tries) -> Sequence[Sequence[Tried]]:
    """The points in rows along what varies fastest: one row for each combination of the rest."""
    rows: dict[object, list[Tried]] = {}
    for one in tries.tried:
        rows.setdefault(one.point.settings[:-1], []).append(one)
    return list(rows.values())
