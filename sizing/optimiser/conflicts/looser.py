"""
A problem with some of its requirements let go: each part as loose as the loosest that any of them leaves.

A requirement is known by an id only; what letting it go does is told by a second problem, which differs from the first
in nothing else. So whoever asks needs not say which rows a requirement stands for, and it can be any number of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Demand, Pool, Problem, Quota, Team

T = TypeVar("T")
Key = frozenset[str]  # requirements that must all be let go
ASKED: Key = frozenset()
Place = tuple[str, str, str, PurchaseMode, str | None]  # what makes a pool the same pool, however many there are of it


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """
    What is asked, and what it is without each of its requirements.

    A key of several requirements stands for what only comes in when all of them are let go.
    """

    asked: Problem
    let_go: Mapping[Key, Problem]
    apart: tuple[frozenset[str], ...] = ()  # regions, by cloud: a purchase stands on one of them; empty: no such rule

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Every requirement, in the order in which they are given."""
        return tuple(dict.fromkeys(id_ for key in self.let_go for id_ in sorted(key)))

    @property
    def versions(self) -> Iterator[tuple[Key, Problem]]:
        """What is asked, and what each key makes of it."""
        yield ASKED, self.asked
        yield from self.let_go.items()

    def without(self, off: Iterable[str]) -> Problem:
        """The problem with the requirements *off* let go."""
        gone = frozenset(off)
        return loosest(self.asked, *(looser for key, looser in self.let_go.items() if key <= gone))


def place_of(pool: Pool) -> Place:
    """What makes a pool the same pool in two problems."""
    return pool.machine, pool.region, pool.zone, pool.mode, pool.name


def loosest(asked: Problem, *others: Problem) -> Problem:
    """*asked* with every part as loose as the loosest of *others* has it; all are of the same workloads."""
    problems = (asked, *others)
    pools: dict[Place, Pool] = {}
    for problem in problems:
        for pool in problem.pools:
            known = pools.get(place_of(pool))
            pools[place_of(pool)] = pool if known is None else _loosest_pool(known, pool)
    budgets = [problem.budget_micro_usd_per_hour for problem in problems]
    return replace(
        asked,
        demands=tuple(
            _loosest_demand(one, [_demand(problem, one.workload) for problem in others]) for one in asked.demands
        ),
        choices=tuple(dict.fromkeys(choice for problem in problems for choice in problem.choices)),
        pools=tuple(pools.values()),
        sites=tuple({site.region: site for problem in problems for site in problem.sites}.values()),
        standings=tuple({(s.workload, s.region): s for problem in problems for s in problem.standings}.values()),
        quotas=tuple(_quotas(problems, pools)),
        commitments=tuple(dict.fromkeys(one for problem in problems for one in problem.commitments)),
        teams=tuple(_teams(problems)),
        budget_micro_usd_per_hour=_most(budgets),
    )


def _loosest_pool(one: Pool, other: Pool) -> Pool:
    """As many machines as either has, for whomever either is for."""
    anyone = one.only_for is None or other.only_for is None
    return replace(
        one,
        most=_most([one.most, other.most]),
        only_for=None if anyone else (one.only_for or frozenset()) | (other.only_for or frozenset()),
    )


def _demand(problem: Problem, workload: str) -> Demand:
    return next(demand for demand in problem.demands if demand.workload == workload)


def _loosest_demand(asked: Demand, others: Iterable[Demand]) -> Demand:
    """Amounts at their least, places and ways to buy at their most."""
    every = (asked, *others)
    return replace(
        asked,
        total=tuple(map(min, zip(*(one.total for one in every), strict=True))),
        firm=tuple(map(min, zip(*(one.firm for one in every), strict=True))),
        spot=tuple(map(min, zip(*(one.spot for one in every), strict=True))),
        zone_loss=all(one.zone_loss for one in every),
        regions=_union([one.regions for one in every]),
        modes=_union([one.modes for one in every]),
    )


def _union(sets: Iterable[frozenset[T] | None]) -> frozenset[T] | None:
    """All that any of the sets has; None, which is anything, where one of them is that."""
    listed = list(sets)
    return None if None in listed else frozenset(member for one in listed for member in one or ())


def _most(limits: Iterable[int | None]) -> int | None:
    """The highest limit; None, which is no limit, where one of them is that."""
    known = list(limits)
    return None if None in known else max(limit for limit in known if limit is not None)


def _quotas(problems: Iterable[Problem], pools: Mapping[Place, Pool]) -> Iterator[Quota]:
    """Quotas that every problem has, at their highest, over the pools of all."""
    listed = list(problems)
    for quota in listed[0].quotas:
        alike = [[one for one in problem.quotas if one.name == quota.name] for problem in listed]
        if all(alike):
            units = {place_of(pool): units for one in alike for pool, units in one[0].units}
            limit = max(one[0].limit for one in alike)
            yield replace(quota, limit=limit, units=tuple((pools[place], n) for place, n in units.items()))


def _teams(problems: Iterable[Problem]) -> Iterator[Team]:
    """Teams that every problem has, with the most that any gives them."""
    listed = list(problems)
    for team in listed[0].teams:
        alike = [[one for one in problem.teams if one.name == team.name] for problem in listed]
        if all(alike):
            slots = _most([one[0].slots for one in alike])
            spent = _most([one[0].micro_usd_per_hour for one in alike])
            yield replace(team, slots=slots, micro_usd_per_hour=spent)
