"""
Quotas for a made-up fleet that make it dearer and still leave it a way to be served, which the greedy strategy finds.

One after another: of the quota that most money is spent under, a share is left, until the fleet costs enough more than
without any. Quotas that were never cut leave what is used in the end and some more.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from benchmarks.fleet_fractions import Way, cheapest, ways
from benchmarks.fleet_market import Market, quotas
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.problem import Problem, Quota
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.textbook.greedy import greedy_on

UNLIMITED = 1 << 40
DEARER = 1.1  # times what it costs without quotas that a fleet costs with them
MUCH_DEARER = 1.35  # more than what a cut should make of it
SHARE_LEFT = (0.3, 0.6)  # of what would be used, by a quota that is cut
MOST_SOFTER = 3  # times that half of a cut is taken back, where it leaves somebody out or costs too much
LOOSE = (1.0, 1.5)  # times what is used, of a quota that is not cut
SHORT = 0.7  # by which all quotas are lowered at a time until somebody is left out
SPLIT = range(5, 201)  # models of which fractions tell the cost: of fewer greedy finds the best, of more it comes near

Limits = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What the fleet buys within some limits."""

    limits: Limits
    found: Purchase  # by the greedy strategy: whether all can be served
    usd: float  # what the fleet costs, in micro-USD an hour; endless where somebody is left out
    used: Mapping[str, float]  # units of each quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What trials are made of."""

    asked: Tables
    sold: Market
    ways: tuple[Way, ...]  # empty: the greedy strategy tells the cost


def quotas_that_bind(chance: random.Random, sold: Market, problem: Problem, *, short: bool) -> tuple[Quota, ...]:
    """The quotas of a fleet; one that is *short* has them lowered until it cannot be served."""
    unlimited = dict.fromkeys(sold.units, UNLIMITED)
    may_be_left_out = tuple(replace(demand, priority=demand.priority or 1) for demand in problem.demands)
    asked = tables(without_dominated(replace(problem, demands=may_be_left_out, quotas=quotas(sold, unlimited))))
    split = len(problem.demands) in SPLIT
    fleet = Fleet(asked=asked, sold=sold, ways=ways(asked, sold) if split else ())
    free = last = _trial(fleet, unlimited)
    kept: set[str] = set()  # that cannot be cut, or were
    while last.usd < DEARER * free.usd and (name := _dearest(fleet, last, kept)) is not None:
        kept.add(name)
        last = _cut(chance, fleet, last, name, most=MUCH_DEARER * free.usd) or last
    limits = _loosely(chance, sold, last)
    while short and not _trial(fleet, limits).found.unserved:
        limits = {name: math.floor(limit * SHORT) for name, limit in limits.items()}
    return quotas(sold, limits)


def _dearest(fleet: Fleet, last: Trial, kept: Collection[str]) -> str | None:
    """The quota that most is spent under, but for those *kept*; None: nothing is."""
    price = {
        name: sum(pool.micro_usd_per_hour for pool, _ in units) / sum(each for _, each in units)
        for name, units in fleet.sold.units.items()
    }
    under = {name: units * price[name] for name, units in last.used.items() if name not in kept and units >= 1}
    return max(under, key=lambda name: (under[name], name), default=None)


def _cut(chance: random.Random, fleet: Fleet, last: Trial, name: str, *, most: float) -> Trial | None:
    """The last trial with a share of one quota left, ever more until all are served for at most *most*; None: never."""
    used, share = last.used[name], chance.uniform(*SHARE_LEFT)
    for _ in range(MOST_SOFTER):
        limit = max(math.floor(used * share), _reserved_units(name, fleet.sold))
        one = _trial(fleet, {**last.limits, name: limit})
        if one.usd <= most:
            return one
        share = (1 + share) / 2
    return None


def _loosely(chance: random.Random, sold: Market, last: Trial) -> Limits:
    """Limits that were cut as they are; the others leave what is used and some more, and a machine where nothing is."""
    used, widest = _used(last.found, sold), max(pool.slots for pool in sold.pools)
    return {
        name: limit
        if limit != UNLIMITED
        else math.ceil(max(used.get(name, 0), last.used.get(name, 0)) * chance.uniform(*LOOSE)) + widest
        for name, limit in last.limits.items()
    }


def _trial(fleet: Fleet, limits: Limits) -> Trial:
    problem = replace(fleet.asked.problem, quotas=quotas(fleet.sold, limits))
    found = greedy_on(replace(fleet.asked, problem=problem))
    served = found.micro_usd_per_hour is not None and not found.unserved
    parts = cheapest(fleet.ways, limits) if fleet.ways and served else None
    cost = parts.micro_usd_per_hour if parts is not None else float(found.micro_usd_per_hour or 0)
    return Trial(
        limits=limits,
        found=found,
        usd=cost if served else math.inf,
        used=parts.used if parts is not None else _used(found, fleet.sold),
    )


def _used(found: Purchase, sold: Market) -> dict[str, float]:
    """Units of each quota that a purchase takes, where it takes any."""
    machines = {bought.pool: bought.most for bought in found.bought}
    used = {name: sum(each * machines.get(pool, 0) for pool, each in units) for name, units in sold.units.items()}
    return {name: float(number) for name, number in used.items() if number}


def _reserved_units(name: str, sold: Market) -> int:
    """Units that reserved machines take: who reserved them has the quota to run them."""
    return sum(each * (pool.most or 0) for pool, each in sold.units[name] if pool.is_kept)
