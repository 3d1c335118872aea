"""What a recorded graph costs, as values. Knows neither prices nor how resources are priced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.units import usd_per_month


class CostKind(StrEnum):
    """How a cost comes about."""

    FIXED = "fixed"  # runs by the hour from creation on; the total is the sum of these
    USAGE = "usage"  # depends on what flows or is stored; shown with its unit price, never in the total
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
class CostLine:
    """
    One thing that a resource costs. None is unknown, never zero.

    A FIXED line without `usd_per_hour` is a price that is not known: it is counted and shown beside the total.
    """

    item: str  # what is paid for: p5.48xlarge on demand; NAT gateway; root volume gp3
    group: CostGroup
    urn: str
    resource: str  # name of the resource
    workload: str | None
    quantity: float | None  # None: known after apply, or by use only
    unit: str  # of the quantity and of the price: hour, GB-month, GB
    usd_per_unit: float | None
    usd_per_hour: float | None  # quantity x price over the hours of the unit; None: not known, or by use
    kind: CostKind
    source: str  # of the price; empty where there is none
    as_of: str
    note: str = ""

    @property
    def is_unknown(self) -> bool:
        """True where something is paid for and no source tells how much."""
        return (self.kind is CostKind.FIXED and self.usd_per_hour is None) or (
            self.kind is CostKind.USAGE and self.usd_per_unit is None
        )


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
    def fixed(self) -> tuple[CostLine, ...]:
        """Lines that are in the total."""
        return tuple(x for x in self.lines if x.kind is CostKind.FIXED and x.usd_per_hour is not None)

    @property
    def usage(self) -> tuple[CostLine, ...]:
        """Lines that depend on use, with a known unit price."""
        return tuple(x for x in self.lines if x.kind is CostKind.USAGE and x.usd_per_unit is not None)

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        """Lines that cost something which no source tells."""
        return tuple(x for x in self.lines if x.is_unknown)

    @property
    def free(self) -> tuple[CostLine, ...]:
        """Lines of resources that are known to cost nothing."""
        return tuple(x for x in self.lines if x.kind is CostKind.FREE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """One line before and after; None on the side where the resource does not cost it."""

    item: str
    urn: str
    before: CostLine | None
    after: CostLine | None

    @property
    def difference_usd_per_hour(self) -> float | None:
        """After less before; None where either side is not known."""
        if (self.before and self.before.is_unknown) or (self.after and self.after.is_unknown):
            return None
        return _known(self.after) - _known(self.before)

    @property
    def is_same(self) -> bool:
        """True where neither the amount nor the money moved."""
        return (
            self.before is not None
            and self.after is not None
            and self.before.quantity == self.after.quantity
            and self.before.usd_per_unit == self.after.usd_per_unit
            and self.before.usd_per_hour == self.after.usd_per_hour
            and self.before.kind is self.after.kind
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange:
    """Two costs joined by resource and item; `before` is None where there is no base to compare with."""

    before: Cost | None
    after: Cost
    lines: tuple[LineChange, ...]

    @property
    def difference_usd_per_hour(self) -> float:
        """Total after less total before, over the lines whose price is known."""
        return self.after.usd_per_hour - (self.before.usd_per_hour if self.before else 0.0)


def _known(line: CostLine | None) -> float:
    return (line.usd_per_hour or 0.0) if line is not None and line.kind is CostKind.FIXED else 0.0
