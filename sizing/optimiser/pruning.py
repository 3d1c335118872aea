"""
What may be left out of a problem without making its least cost any higher: choices and machine types.

Exact for cost and for who is served, not for what breaks ties: an arrangement on machines that are bought looks at
every choice again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Choice, Commitment, Pool, Problem

Place = tuple[str, str, PurchaseMode]  # region, zone and purchase mode
Kind = tuple[str, str]  # workload and kind


def without_dominated(problem: Problem) -> Problem:
    """
    The problem without choices and machine types that others replace at no more cost: same least objective, smaller.

    A machine type goes only where the other is sold in all of its places and modes without a limit, carries every kind
    that it carries in no more slots, takes no more of any quota, and can be committed to as cheaply; and where nothing
    of it runs.
    """
    choices = undominated(problem.choices)
    market = _market(problem, choices)
    dropped: set[str] = set()
    for machine in market.pools:
        rivals = (rival for rival in market.pools if rival != machine and rival not in dropped)
        if any(market.undersells(rival, machine) for rival in rivals):
            dropped.add(machine)
    smaller = with_pools(problem, (pool for pool in problem.pools if pool.machine not in dropped))
    return replace(smaller, choices=tuple(choice for choice in choices if choice.machine not in dropped))


def with_pools(problem: Problem, pools: Iterable[Pool]) -> Problem:
    """The problem with these of its pools, and what is left of quotas, commitments and sites without the others."""
    kept = dict.fromkeys(pools)
    types = {(pool.machine, pool.region) for pool in kept}
    regions = {pool.region for pool in kept}
    return replace(
        problem,
        pools=tuple(kept),
        quotas=tuple(
            replace(quota, units=tuple((pool, units) for pool, units in quota.units if pool in kept))
            for quota in problem.quotas
        ),
        commitments=tuple(one for one in problem.commitments if (one.machine, one.region) in types),
        sites=tuple(site for site in problem.sites if site.region in regions),
    )


def undominated(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    """
    The choices whose kind no other kind replaces on every machine type that it runs on, in the same order.

    A replica is replaced by as many replicas of the other kind as fit in its slots, on the same machines, wherever it
    stands; if those have at least its capacity, no plan is dearer for it. The earlier of two equal kinds stays.
    """
    on: dict[str, dict[str, dict[str, Choice]]] = {}
    for choice in choices:
        on.setdefault(choice.workload, {}).setdefault(choice.kind, {})[choice.machine] = choice
    kept: set[Kind] = set()
    for workload, kinds in on.items():
        left = list(kinds)
        for kind in reversed(kinds):
            if any(_replaces_everywhere(kinds[rival], kinds[kind]) for rival in left if rival != kind):
                left.remove(kind)
        kept |= {(workload, kind) for kind in left}
    return tuple(choice for choice in choices if (choice.workload, choice.kind) in kept)


def _replaces_everywhere(rival: dict[str, Choice], kind: dict[str, Choice]) -> bool:
    """Whether one kind replaces another on each machine type that the other runs on."""
    return all(machine in rival and _replaces(rival[machine], choice) for machine, choice in kind.items())


def _replaces(rival: Choice, choice: Choice) -> bool:
    """Whether the *rival* replicas that stand in the slots of one *choice* replica do at least its work."""
    return choice.slots // rival.slots * rival.capacity >= choice.capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """A problem's pools, quotas, commitments and kinds by machine type, looked up once."""

    pools: dict[str, dict[Place, list[Pool]]]
    kinds: dict[str, dict[Kind, int]]  # slots of each
    units: dict[Pool, dict[str, int]]  # of each quota that a machine takes of
    committed: dict[str, list[Commitment]]

    def undersells(self, rival: str, machine: str) -> bool:
        """Whether a whole number of *rival* machines takes the replicas of one *machine*, everywhere, for no more."""
        whole, part = (next(iter(self.pools[name].values()))[0].slots for name in (machine, rival))
        number, rest = divmod(whole, part)
        return (
            not rest
            and all(self._is_cheaper(rival, place, pools, number) for place, pools in self.pools[machine].items())
            and all(self.kinds[rival].get(kind, slots + 1) <= slots for kind, slots in self.kinds[machine].items())
            and all(self._is_committed(rival, one, number) for one in self.committed.get(machine, ()))
        )

    def _is_cheaper(self, rival: str, place: Place, pools: list[Pool], number: int) -> bool:
        """Whether the rival is sold in one place without a limit, for no more money and no more of any quota."""
        free = next((one for one in self.pools[rival].get(place, ()) if _is_unlimited(one)), None)
        if free is None:
            return False
        taken = self.units.get(free, {})
        return all(
            not pool.running
            and pool.name is None
            and number * free.micro_usd_per_hour <= pool.micro_usd_per_hour
            and all(number * units <= self.units.get(pool, {}).get(quota, 0) for quota, units in taken.items())
            for pool in pools
        )

    def _is_committed(self, rival: str, own: Commitment, number: int) -> bool:
        """Whether what a commitment to the one gives, one to the other gives too."""
        return not own.owned and any(
            (one.region, one.mode, one.most) == (own.region, own.mode, None)
            and number * one.micro_usd_per_hour <= own.micro_usd_per_hour
            for one in self.committed.get(rival, ())
        )


def _market(problem: Problem, choices: tuple[Choice, ...]) -> _Market:
    market = _Market(pools={}, kinds={}, units={}, committed={})
    for pool in problem.pools:
        places = market.pools.setdefault(pool.machine, {})
        places.setdefault((pool.region, pool.zone, pool.mode), []).append(pool)
        market.kinds.setdefault(pool.machine, {})
    for choice in choices:
        market.kinds.setdefault(choice.machine, {})[choice.workload, choice.kind] = choice.slots
    for quota in problem.quotas:
        for pool, units in quota.units:
            market.units.setdefault(pool, {})[quota.name] = units
    for one in problem.commitments:
        market.committed.setdefault(one.machine, []).append(one)
    return market


def _is_unlimited(pool: Pool) -> bool:
    return pool.most is None and pool.name is None and pool.only_for is None
