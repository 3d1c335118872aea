"""The allocation problem of one region, as plain integers: what is asked, what a replica needs, what can be bought.

Everything here is rounded to the safe side already: demand up, capacity down, prices up to whole micro-dollars. Knows
nothing of models, accelerators or latency: those have been weighed when a `Choice` is made.

One region is one problem: a plan uses exactly one region, so the best plan is the best of the regions' best plans, and
every region's own optimum is there to be compared with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from sizing.catalog.offer import PurchaseMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """
    What one workload needs, in micro-requests per second.

    Spot capacity can go all at once, so its share is a share of the traffic, not of the machines: on-demand machines
    alone must carry *firm*, all machines together *total*. With *zone_loss* both hold after any one zone is gone.
    """

    workload: str
    total: int
    firm: int  # what must not rest on spot; equal to total where spot is not allowed
    spot: int  # what spot machines must be able to carry at the least; 0: spot is never required
    zone_loss: bool

    def __post_init__(self) -> None:
        """Refuse demands that contradict themselves."""
        in_range = self.total > 0 and 0 <= self.firm <= self.total and 0 <= self.spot <= self.total
        if not in_range or (self.spot and not self.may_use_spot):
            raise ValueError(f"{self.workload}: demand {self.total}, firm {self.firm}, spot {self.spot} do not agree")

    @property
    def may_use_spot(self) -> bool:
        """Whether spot machines may carry a part of it."""
        return self.firm < self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """
    One way to run a replica of one workload on one machine type.

    Requests are spread evenly over the replicas of a workload, on demand and on spot alike, so all of them must carry
    as much: only choices of the same *kind* may stand side by side.
    """

    workload: str
    machine: str
    kind: str  # accelerator, layout and precisions; one kind of a workload has one capacity on every machine type
    slots: int  # accelerators of the machine that a replica occupies, those it idles for lack of host memory included
    capacity: int  # micro-requests per second within the objectives
    runs_today: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Equal machines that can be bought one way in one zone."""

    machine: str
    zone: str
    mode: PurchaseMode
    slots: int  # accelerators of one machine
    micro_usd_per_hour: int  # of one whole machine
    running: int | None = None  # machines of the current plan; None: there is no current plan

    @property
    def is_spot(self) -> bool:
        """Whether the cloud may take the machines back at any time."""
        return self.mode is PurchaseMode.SPOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    All workloads of a stack in one region.

    The system machines (cluster services) are part of the cost: one for each zone of the network, which spans the
    zones that pools use, and at least *least_system_machines*.
    """

    demands: tuple[Demand, ...]
    choices: tuple[Choice, ...]
    pools: tuple[Pool, ...]
    system_micro_usd_per_hour: int
    least_system_machines: int
    budget_micro_usd_per_hour: int | None = None

    def __post_init__(self) -> None:
        """Refuse what the packing row is not exact for (sizes that do not divide each other), and unequal replicas."""
        for machine in {choice.machine for choice in self.choices}:
            sizes = {choice.slots for choice in self.choices if choice.machine == machine}
            for whole in {pool.slots for pool in self.pools if pool.machine == machine}:
                if any(large % small for small, large in pairwise(sorted(sizes | {whole}))):
                    raise ValueError(f"{machine}: replica sizes {sorted(sizes)} of {whole} do not divide each other")
        capacities = {(choice.workload, choice.kind, choice.capacity) for choice in self.choices}
        if len(capacities) > len({(workload, kind) for workload, kind, _ in capacities}):
            raise ValueError("a kind of replica has two capacities")

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones of all pools, sorted."""
        return tuple(sorted({pool.zone for pool in self.pools}))


def replicas_for(capacity: int, demand: int) -> int:
    """Replicas of *capacity* that carry *demand*, both in micro-requests per second."""
    return -(-demand // capacity)


def without_dominated(problem: Problem) -> Problem:
    """
    The problem without choices and machine types that others replace at no more cost: same least cost, smaller.

    Exact for cost, not for latency. A machine type is kept where the current plan runs it.
    """
    choices = undominated(problem.choices)
    dropped: set[str] = set()
    for machine in dict.fromkeys(pool.machine for pool in problem.pools):
        rivals = dict.fromkeys(pool.machine for pool in problem.pools if pool.machine not in {machine, *dropped})
        if any(_undersells(rival, machine, choices, problem.pools) for rival in rivals):
            dropped.add(machine)
    return replace(
        problem,
        choices=tuple(choice for choice in choices if choice.machine not in dropped),
        pools=tuple(pool for pool in problem.pools if pool.machine not in dropped),
    )


def undominated(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """
    The choices whose kind no other kind replaces on every machine type that it runs on, in the same order.

    A replica is replaced by as many replicas of the other kind as fit in its slots, on the same machines, wherever it
    stands; if those have at least its capacity, no plan is dearer for it. The earlier of two equal kinds stays.
    """
    kinds = dict.fromkeys((choice.workload, choice.kind) for choice in choices)
    on = {kind: {c.machine: c for c in choices if (c.workload, c.kind) == kind} for kind in kinds}
    kept = list(kinds)
    for kind in reversed(kinds):
        rivals = [rival for rival in kept if rival != kind and rival[0] == kind[0]]
        if any(_replaces_everywhere(on[rival], on[kind]) for rival in rivals):
            kept.remove(kind)
    return tuple(choice for choice in choices if (choice.workload, choice.kind) in kept)


def _replaces_everywhere(rival: dict[str, Choice], kind: dict[str, Choice]) -> bool:
    """Whether one kind replaces another on each machine type that the other runs on."""
    return all(machine in rival and _replaces(rival[machine], choice) for machine, choice in kind.items())


def _replaces(rival: Choice, choice: Choice) -> bool:
    """Whether the *rival* replicas that stand in the slots of one *choice* replica do at least its work."""
    return choice.slots // rival.slots * rival.capacity >= choice.capacity


def _undersells(rival: str, machine: str, choices: tuple[Choice, ...], pools: tuple[Pool, ...]) -> bool:
    """Whether a whole number of *rival* machines takes the replicas of one *machine*, everywhere, for no more."""
    own = {(pool.zone, pool.mode): pool for pool in pools if pool.machine == machine}
    others = {(pool.zone, pool.mode): pool for pool in pools if pool.machine == rival}
    for place, pool in own.items():
        if place not in others or pool.running:
            return False
        number, rest = divmod(pool.slots, others[place].slots)
        if rest or number * others[place].micro_usd_per_hour > pool.micro_usd_per_hour:
            return False
    slots = {(c.workload, c.kind): c.slots for c in choices if c.machine == rival}
    return all(
        slots.get((choice.workload, choice.kind), choice.slots + 1) <= choice.slots
        for choice in choices
        if choice.machine == machine
    )
