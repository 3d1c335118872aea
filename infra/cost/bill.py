"""What a recorded graph costs, as values. Knows neither prices nor how resources are priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sizing.units import usd_per_month


class CostKind(StrEnum):
    """How a cost comes about."""

    FIXED = "fixed"  # runs by the hour from creation on; the total is the sum of these
    USAGE = "usage"  # depends on what flows or is stored; shown with its unit price, never in the total
    UPFRONT = "upfront"  # paid once, at purchase; a sum of its own, never in the total
    FREE = "free"  # known to cost nothing


class CostGroup(StrEnum):
    """What a line pays for."""

    MACHINE = "machine"
    DISK = "disk"
    STORAGE = "storage"
    NETWORK = "network"
    PLATFORM = "platform"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of a cost that one workload bears."""

    workload: str
    part: float  # of one


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """
    One thing that a resource costs. None is unknown, never zero.

    A FIXED line without `usd_per_hour` is a price that is not known: it is counted and shown beside the total.
    """

    item: str  # what is paid for: p5.48xlarge on demand; NAT gateway; root volume gp3
    group: CostGroup
    urn: str
    resource: str  # name of the resource
    quantity: float | None  # None: known after apply, or by use only
    unit: str  # of the quantity and of the price: hour, GB-month, GB
    usd_per_unit: float | None
    usd_per_hour: float | None  # quantity x price over the hours of the unit; None: not known, by use, or paid once
    kind: CostKind
    source: str  # of the price; empty where there is none
    as_of: str
    note: str = ""
    upfront_usd: float | None = None  # paid once; None where it is not known, and for every other kind
    usd_per_hour_limits: tuple[float, float] | None = None  # where an autoscaler may take it; None: it stays
    shares: tuple[Share, ...] = ()  # the workloads that bear it, their parts adding up to one; empty: shared by all

    @property
    def workload(self) -> str | None:
        """The one workload that bears it; None where several or all do."""
        return self.shares[0].workload if len(self.shares) == 1 else None

    @property
    def is_unknown(self) -> bool:
        """True where something is paid for and no source tells how much."""
        match self.kind:
            case CostKind.FIXED:
                return self.usd_per_hour is None
            case CostKind.USAGE:
                return self.usd_per_unit is None
            case CostKind.UPFRONT:
                return self.upfront_usd is None
            case CostKind.FREE:
                return False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCost:
    """What one workload costs: its own lines, and its part of those that it bears with others."""

    workload: str | None  # None: what all workloads share
    usd_per_hour: float
    upfront_usd: float
    unknown: int  # lines of it whose price is not known

    @property
    def usd_per_month(self) -> float:
        """The hourly sum over a month of 730 hours."""
        return usd_per_month(self.usd_per_hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one graph costs, line by line, in the order the resources were registered."""

    lines: tuple[CostLine, ...]

    @property
    def usd_per_hour(self) -> float:
        """Sum of the fixed lines whose price is known; `unknown` tells how many are missing from it."""
        return sum(line.usd_per_hour or 0.0 for line in self.lines if line.kind is CostKind.FIXED)

    @property
    def usd_per_month(self) -> float:
        """The hourly total over a month of 730 hours."""
        return usd_per_month(self.usd_per_hour)

    @property
    def usd_per_hour_limits(self) -> tuple[float, float]:
        """The hourly total where every autoscaler goes to its least, and to its most; both the total without any."""
        limits = [x.usd_per_hour_limits or (x.usd_per_hour or 0.0,) * 2 for x in self.lines if x.kind is CostKind.FIXED]
        return sum(least for least, _ in limits), sum(most for _, most in limits)

    @property
    def upfront_usd(self) -> float:
        """Sum of what is paid once and whose price is known; apart from the running cost."""
        return sum(line.upfront_usd or 0.0 for line in self.lines if line.kind is CostKind.UPFRONT)

    @property
    def fixed(self) -> tuple[CostLine, ...]:
        """Lines that are in the total."""
        return tuple(x for x in self.lines if x.kind is CostKind.FIXED and x.usd_per_hour is not None)

    @property
    def usage(self) -> tuple[CostLine, ...]:
        """Lines that depend on use, with a known unit price."""
        return tuple(x for x in self.lines if x.kind is CostKind.USAGE and x.usd_per_unit is not None)

    @property
    def upfront(self) -> tuple[CostLine, ...]:
        """Lines that are paid once, known or not."""
        return tuple(x for x in self.lines if x.kind is CostKind.UPFRONT)

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        """Lines that cost something which no source tells."""
        return tuple(x for x in self.lines if x.is_unknown)

    @property
    def free(self) -> tuple[CostLine, ...]:
        """Lines of resources that are known to cost nothing."""
        return tuple(x for x in self.lines if x.kind is CostKind.FREE)

    @property
    def workloads(self) -> tuple[WorkloadCost, ...]:
        """A sum for each workload in the order they appear, then for what they share; they add up to the total."""
        lines: dict[str | None, list[tuple[CostLine, float]]] = {}
        shared = [(line, 1.0) for line in self.lines if not line.shares]
        for line in self.lines:
            for share in line.shares:
                lines.setdefault(share.workload, []).append((line, share.part))
        return tuple(_workload_cost(name, parts) for name, parts in (*lines.items(), (None, shared)))

    def of_workload(self, workload: str | None) -> WorkloadCost:
        """The sum for one workload, which may be none of this cost's; for None, what is shared by all."""
        found = next((x for x in self.workloads if x.workload == workload), None)
        return found or _workload_cost(workload, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """One line before and after; None on the side where the resource does not cost it."""

    item: str
    urn: str
    before: CostLine | None
    after: CostLine | None
    is_comparable: bool = True  # False: the resource pays for the same on the other side, at a price that is not known

    @property
    def difference_usd_per_hour(self) -> float | None:
        """After less before; None where either side is not known."""
        if not self.is_comparable or (self.before and self.before.is_unknown) or (self.after and self.after.is_unknown):
            return None
        return _hourly(self.after) - _hourly(self.before)

    @property
    def is_same(self) -> bool:
        """True where neither the amount nor the money moved."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.quantity == self.after.quantity
            and self.before.usd_per_unit == self.after.usd_per_unit
            and self.before.usd_per_hour == self.after.usd_per_hour
            and self.before.upfront_usd == self.after.upfront_usd
            and self.before.kind is self.after.kind
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadChange:
    """What one workload costs before and after; a side on which it does not exist costs nothing."""

    workload: str | None  # None: what all workloads share
    before: WorkloadCost
    after: WorkloadCost


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """Two costs joined by resource and item; `before` is None where there is no base to compare with."""

    before: Cost | None
    after: Cost
    lines: tuple[LineChange, ...]

    @property
    def difference_usd_per_hour(self) -> float:
        """Sum of the differences that are known; `not_compared` tells how many lines it leaves out."""
        return sum(line.difference_usd_per_hour or 0.0 for line in self.lines)

    @property
    def difference_usd_per_month(self) -> float:
        """The hourly difference over a month of 730 hours."""
        return usd_per_month(self.difference_usd_per_hour)

    @property
    def difference_upfront_usd(self) -> float:
        """What is paid once after, less what was paid once before, where known: nothing of it is ever paid back."""
        return self.after.upfront_usd - (self.before.upfront_usd if self.before else 0.0)

    @property
    def not_compared(self) -> tuple[LineChange, ...]:
        """Lines that move the hourly total by an amount which is not known: a price is missing on a side."""
        return tuple(
            x
            for x in self.lines
            if not x.is_same
            and x.difference_usd_per_hour is None
            and any(side is not None and side.kind is CostKind.FIXED for side in (x.before, x.after))
        )

    @property
    def workloads(self) -> tuple[WorkloadChange, ...]:
        """Each workload of either side, then what they share."""
        before = {x.workload: x for x in self.before.workloads} if self.before else {}
        after = {x.workload: x for x in self.after.workloads}
        names = [name for name in (*after, *before) if name is not None]
        return tuple(
            WorkloadChange(
                workload=name,
                before=before.get(name) or _workload_cost(name, ()),
                after=after.get(name) or _workload_cost(name, ()),
            )
            for name in (*dict.fromkeys(names), None)
        )


def is_in_total(line: CostLine | None) -> bool:
    """True for a line that the hourly total counts."""
    return line is not None and line.kind is CostKind.FIXED and line.usd_per_hour is not None


def _hourly(line: CostLine | None) -> float:
    return (line.usd_per_hour or 0.0) if line is not None and line.kind is CostKind.FIXED else 0.0


def _workload_cost(workload: str | None, parts: Sequence[tuple[CostLine, float]]) -> WorkloadCost:
    """The sum of these lines, of each the part that the workload bears."""
    fixed = [(x, part) for x, part in parts if x.kind is CostKind.FIXED]
    return WorkloadCost(
        workload=workload,
        usd_per_hour=sum((x.usd_per_hour or 0.0) * part for x, part in fixed),
        upfront_usd=sum((x.upfront_usd or 0.0) * part for x, part in parts),
        unknown=sum(x.is_unknown for x, part in parts if part > 0),
    )
