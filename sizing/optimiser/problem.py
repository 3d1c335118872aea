"""
The allocation problem in whole numbers: what each workload needs, what could carry it, and what can be bought.

Knows nothing of models, latency or prices' sources: performance limits have been weighed when a `Choice` is made, and
what may not stand where is left out of it. Time is a few periods of a day, each with its hours; one period is enough
where traffic does not change. A workload stands in one region, with replicas of one kind; a replica's place is a pool.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sizing.catalog.offer import PurchaseMode

PAYBACK_H = 30 * 24  # a move must pay for itself within thirty days
DOUBLE_RUNNING_H = 24  # a machine that is newly bought is paid for a day beside what it replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A part of the day in which demand is the same."""

    name: str
    hours: int  # at least 1


ALWAYS = (Period(name="always", hours=24),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    What one workload needs, in micro-requests per second, in each period.

    Spot capacity can go all at once, so its share is a share of the traffic, not of the machines: machines that are
    not on spot must alone carry *firm*, all machines together *total*. With *zone_loss* both hold after any one zone
    is gone. *spot* is what spot machines must be able to carry at the least.
    """

    workload: str
    total: tuple[int, ...]
    firm: tuple[int, ...]  # equal to total where spot is not allowed
    spot: tuple[int, ...]  # 0: spot is never required
    zone_loss: bool
    priority: int | None = None  # higher is more important; None: must be served
    regions: frozenset[str] | None = None  # where it may stand; None: anywhere
    modes: frozenset[PurchaseMode] | None = None  # how its machines may be bought; None: any way

    def __post_init__(self) -> None:
        """Refuse demands that contradict themselves."""
        for total, firm, spot in zip(self.total, self.firm, self.spot, strict=True):
            in_range = total >= 0 and 0 <= firm <= total and 0 <= spot <= total
            if not in_range or (spot and firm == total):
                raise ValueError(f"{self.workload}: demand {total}, firm {firm}, spot {spot} do not agree")
        if not any(self.total):
            raise ValueError(f"{self.workload}: demands nothing")

    @property
    def may_use_spot(self) -> bool:
        """Whether spot machines may carry a part of it."""
        return self.firm != self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """
    One way to run a replica of one workload on one machine type.

    Requests are spread evenly over the replicas of a workload, wherever they stand, so all of them must carry as much:
    only choices of the same *kind* may stand side by side.
    """

    workload: str
    machine: str
    kind: str  # accelerator, layout and precisions; one kind of a workload has one capacity on every machine type
    slots: int  # accelerators that a replica occupies, those it idles for lack of host memory included
    capacity: int  # micro-requests per second within the objectives
    runs_today: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Equal machines that can be bought one way in one zone."""

    machine: str
    region: str
    zone: str
    mode: PurchaseMode
    slots: int  # accelerators of one machine
    micro_usd_per_hour: int  # of one whole machine
    running: int | None = None  # machines of the current plan; None: there is no current plan
    most: int | None = None  # machines that there are of it; None: no limit is known
    name: str | None = None  # of the reservation or capacity block that the machines come from
    only_for: frozenset[str] | None = None  # workloads that may stand on it; None: any

    @property
    def is_spot(self) -> bool:
        """Whether the cloud may take the machines back at any time."""
        return self.mode is PurchaseMode.SPOT

    @property
    def is_kept(self) -> bool:
        """Whether it is paid for all hours, used or not; other machines are paid while they are up."""
        return self.mode in {PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    What a region costs as soon as anything stands there: its system machines, which carry the cluster's own services.

    One for each zone that pools use, and at least *least_system_machines*.
    """

    region: str
    system_micro_usd_per_hour: int
    least_system_machines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one workload costs in one region beside its machines: storage of its weights, copies, traffic out."""

    workload: str
    region: str
    micro_usd_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What an account may run at a time, in the provider's own unit."""

    name: str  # L-417A185B in us-east-1
    limit: int
    units: tuple[tuple[Pool, int], ...]  # how much of it one machine of each pool takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """
    Machines that are paid for all hours, for a year or three, at a lower price.

    It covers on-demand machines of its type in its region, in whichever zone; what runs beyond it is paid on demand.
    """

    machine: str
    region: str
    mode: PurchaseMode  # committed_1y, committed_3y
    micro_usd_per_hour: int
    owned: int = 0  # that are paid anyway
    most: int | None = None  # that may be bought beside; None: any number


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Workloads that share a quota. A replica costs its team its share of the machine, by the slots that it takes."""

    name: str
    workloads: frozenset[str]
    slots: int | None = None  # at a time
    micro_usd_per_hour: int | None = None  # on average over the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All workloads of a stack, in all regions that any of them may use."""

    demands: tuple[Demand, ...]
    choices: tuple[Choice, ...]
    pools: tuple[Pool, ...]
    sites: tuple[Site, ...]  # one for each region of a pool
    periods: tuple[Period, ...] = ALWAYS
    standings: tuple[Standing, ...] = ()
    quotas: tuple[Quota, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    teams: tuple[Team, ...] = ()
    budget_micro_usd_per_hour: int | None = None  # on average over the day
    payback_h: int = PAYBACK_H
    double_running_h: int = DOUBLE_RUNNING_H

    def __post_init__(self) -> None:
        """Refuse what packing rows are not exact for, unequal replicas of a kind, and parts that do not belong."""
        for text in (*self._sizes(), *self._kinds(), *self._parts()):
            raise ValueError(text)

    def _sizes(self) -> Iterator[str]:
        """Sizes that do not divide each other: then the largest first may waste slots, and the packing row is wrong."""
        sizes: dict[str, set[int]] = {}
        for choice in self.choices:
            sizes.setdefault(choice.machine, set()).add(choice.slots)
        whole = {pool.machine: pool.slots for pool in self.pools}
        for machine, of in sizes.items():
            if machine in whole and any(large % small for small, large in pairwise(sorted(of | {whole[machine]}))):
                yield f"{machine}: replica sizes {sorted(of)} of {whole[machine]} do not divide each other"

    def _kinds(self) -> Iterator[str]:
        """Kinds of replicas with two capacities."""
        capacities = {(choice.workload, choice.kind, choice.capacity) for choice in self.choices}
        if len(capacities) > len({(workload, kind) for workload, kind, _ in capacities}):
            yield "a kind of replica has two capacities"

    def _parts(self) -> Iterator[str]:
        """Demands of other periods, pools without a site, things that stand in the problem twice."""
        if any(len(demand.total) != len(self.periods) for demand in self.demands):
            yield "a demand has other periods than the problem"
        if {pool.region for pool in self.pools} - {site.region for site in self.sites}:
            yield "a pool's region has no site"
        for parts in ([d.workload for d in self.demands], [s.region for s in self.sites], self.pools, self.choices):
            if len(set(parts)) < len(parts):
                yield "something stands in the problem twice"

    @property
    def hours(self) -> int:
        """Hours of all periods together."""
        return sum(period.hours for period in self.periods)

    @property
    def moves(self) -> bool:
        """Whether there is a current plan, so that moving away from it is priced."""
        return any(pool.running is not None for pool in self.pools)

    def may_stand(self, demand: Demand, choice: Choice, pool: Pool) -> bool:
        """Whether replicas of *choice*, which serve *demand*, may stand on *pool*."""
        return (
            choice.machine == pool.machine
            and (demand.regions is None or pool.region in demand.regions)
            and (demand.modes is None or pool.mode in demand.modes)
            and (pool.only_for is None or demand.workload in pool.only_for)
            and (demand.may_use_spot or not pool.is_spot)
        )


def replicas_for(capacity: int, demand: int) -> int:
    """Replicas of *capacity* that carry *demand*, both in micro-requests per second."""
    return -(-demand // capacity)
