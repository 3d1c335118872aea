"""
What is bought so far while workloads are placed one after another: machines, free slots, and what limits leave.

Mutable by design: strategies that place and take back work on it. A purchase is made from placements at the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Pool, Problem

UNLIMITED = 1 << 60


@dataclass(slots=True, kw_only=True)
class Stock:
    """Slots that are taken of each pool, in the period that takes most, and the quotas that its machines take."""

    problem: Problem
    moves: bool  # whether there is a current plan, so that moving away from it is priced
    taken: dict[int, int] = field(default_factory=dict)  # slots, by pool
    machines: dict[int, int] = field(default_factory=dict)  # by pool
    left: list[int] = field(default_factory=list)  # of each quota
    limits: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # by pool: quotas and units
    owned: dict[tuple[str, str], int] = field(default_factory=dict)  # committed machines that run nothing yet
    zones: dict[str, dict[str, int]] = field(default_factory=dict)  # machines, by region and zone

    def machines_that_may_come(self, pool: int) -> int:
        """Machines that limits leave."""
        of = self.problem.pools[pool]
        most = UNLIMITED if of.most is None else of.most - self.machines.get(pool, 0)
        return max(0, min([most, *(self.left[quota] // units for quota, units in self.limits.get(pool, ()))]))

    def free(self, pool: int) -> int:
        """Slots of machines that are bought and carry nothing."""
        return self.machines.get(pool, 0) * self.problem.pools[pool].slots - self.taken.get(pool, 0)

    def room(self, pool: int, slots: int) -> int:
        """Replicas of *slots* that may still come."""
        return (self.free(pool) + self.machines_that_may_come(pool) * self.problem.pools[pool].slots) // slots

    def price(self, pool: int, slots: int) -> float:
        """What machines for *slots* more cost, in micro-USD an hour; moves are priced in."""
        of = self.problem.pools[pool]
        new = -(-max(0, slots - self.free(pool)) // of.slots)
        if not new:
            return 0.0
        paid = new
        if of.mode is PurchaseMode.ON_DEMAND:
            paid = max(0, new - self.owned.get((of.machine, of.region), 0))
        price = float(paid * of.micro_usd_per_hour)
        if self.moves:
            added = max(0, self.machines.get(pool, 0) + new - max(of.running or 0, self.machines.get(pool, 0)))
            price += added * of.micro_usd_per_hour * self.problem.double_running_h / self.problem.payback_h
        return price

    def put(self, pool: int, slots: int) -> None:
        """Take *slots* of a pool, with the machines that they need; below zero: give them back."""
        of = self.problem.pools[pool]
        before = self.machines.get(pool, 0)
        self.taken[pool] = self.taken.get(pool, 0) + slots
        self.machines[pool] = after = -(-self.taken[pool] // of.slots)
        for quota, units in self.limits.get(pool, ()):
            self.left[quota] -= units * (after - before)
        if of.mode is PurchaseMode.ON_DEMAND and (of.machine, of.region) in self.owned:
            self.owned[of.machine, of.region] -= after - before
        inside = self.zones.setdefault(of.region, {})
        inside[of.zone] = inside.get(of.zone, 0) + after - before

    def system_machines(self, region: str) -> int:
        """System machines of a region as it stands."""
        used = sum(1 for number in self.zones.get(region, {}).values() if number)
        return max(used, self._least(region)) if used else 0

    def system_price(self, region: str) -> int:
        """What they cost, in micro-USD an hour."""
        site = next(site for site in self.problem.sites if site.region == region)
        return self.system_machines(region) * site.system_micro_usd_per_hour

    def _least(self, region: str) -> int:
        return next(site.least_system_machines for site in self.problem.sites if site.region == region)


def empty_stock(problem: Problem) -> Stock:
    """Nothing bought, nothing taken."""
    places: dict[Pool, int] = {pool: place for place, pool in enumerate(problem.pools)}
    limits: dict[int, list[tuple[int, int]]] = {}
    for number, quota in enumerate(problem.quotas):
        for pool, units in quota.units:
            if units and pool in places:
                limits.setdefault(places[pool], []).append((number, units))
    owned: dict[tuple[str, str], int] = {}
    for one in problem.commitments:
        owned[one.machine, one.region] = owned.get((one.machine, one.region), 0) + one.owned
    return Stock(
        problem=problem, moves=problem.moves, left=[quota.limit for quota in problem.quotas], limits=limits, owned=owned
    )
