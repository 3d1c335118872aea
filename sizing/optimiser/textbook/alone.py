"""
Each workload by itself: the cheapest machines for its replicas, from all its kinds and regions, one after another.

For a kind in a region the machines are a covering knapsack, solved by dynamic programming over machine sizes, zones and
ways to buy. What earlier workloads took of pools and quotas is gone for later ones; nothing else of them is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import combinations

import numpy as np

from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.tables import Option, Tables
from sizing.optimiser.engine.trim import trimmed
from sizing.optimiser.problem import Problem
from sizing.optimiser.textbook.knapsack import NEVER, Cover, Offer, covered, joined

ZONES_COMBINED = 4  # up to which every set of zones is tried; of more, each one and all of them
ROUNDS = 2  # orders of the workloads that are tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Where one workload stands, and the machines that were taken for it."""

    placed: Placed
    machines: dict[int, int]  # by pool, in the period that takes most


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What every workload comes to by itself."""

    chosen: dict[int, Chosen]  # by workload that has a place
    within: bool  # whether nothing was passed over for a quota or a team's share: each has the best for itself


@dataclass(slots=True, kw_only=True)
class _Left:
    """What is left for the workloads to come."""

    machines: dict[int, int]  # by pool with a limit
    quotas: list[int]
    units: list[dict[int, int]]  # by quota, of each pool
    team_slots: dict[str, int]
    team_money: dict[str, int]  # micro-USD per hour
    zones: dict[str, set[str]] = field(default_factory=dict)  # in use, by region
    within: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Machines for one option."""

    price: int  # in shares of a micro-USD per hour, see `_per`
    option: int
    zones: tuple[int, ...]
    machines: tuple[tuple[int, int], ...]  # by place


def alone(asked: Tables, pools: frozenset[int]) -> Apart:
    """
    The cheapest machines of *pools* (by place in the problem) for each workload, important and dear ones first.

    Where one that must be served finds no place, all begins anew with it in front, a few times.
    """
    demands = asked.problem.demands
    order = _order(asked, pools)
    for _ in range(ROUNDS):
        found = _in_order(asked, pools, order)
        lost = [at for at in order if demands[at].priority is None and at not in found.chosen]
        if not lost:
            break
        order = [*lost, *(at for at in order if at not in lost)]
    return found


def _in_order(asked: Tables, pools: frozenset[int], order: list[int]) -> Apart:
    """What each workload takes of what those before it leave."""
    left = _everything(asked.problem)
    chosen: dict[int, Chosen] = {}
    for workload in order:
        for candidate in _cheapest_first(asked, workload, pools, left):
            if _may(asked, workload, candidate, left):
                chosen[workload] = _take(asked, workload, candidate, left)
                break
            left.within = False
    return Apart(chosen=chosen, within=left.within)


def _order(asked: Tables, pools: frozenset[int]) -> list[int]:
    """Workloads in the order in which they take: what must be served, then by priority, then the dearest."""
    demands = asked.problem.demands
    dear = [min((_at_least(asked, option, pools) for option in of), default=0) for of in asked.of_workload]
    return sorted(
        range(len(demands)),
        key=lambda at: (demands[at].priority is not None, -(demands[at].priority or 0), -dear[at], at),
    )


def _per(problem: Problem) -> int:
    """What a micro-USD per hour is divided into, so that the price of moves is a whole number too."""
    return problem.payback_h if problem.moves else 1


def _everything(problem: Problem) -> _Left:
    place = {pool: at for at, pool in enumerate(problem.pools)}
    return _Left(
        machines={at: pool.most for at, pool in enumerate(problem.pools) if pool.most is not None},
        quotas=[quota.limit for quota in problem.quotas],
        units=[{place[pool]: units for pool, units in quota.units} for quota in problem.quotas],
        team_slots={team.name: team.slots for team in problem.teams if team.slots is not None},
        team_money={
            team.name: team.micro_usd_per_hour for team in problem.teams if team.micro_usd_per_hour is not None
        },
    )


def _cheapest_first(asked: Tables, workload: int, pools: frozenset[int], left: _Left) -> Iterator[_Candidate]:
    """
    One candidate for each option and set of zones, the cheapest first.

    Options are looked into in the order of what they cost at least, no further than the next candidate asks for.
    """
    ranked = sorted((_at_least(asked, option, pools), option) for option in asked.of_workload[workload])
    waiting: list[tuple[int, int, tuple[int, ...], _Candidate]] = []
    for place, (least, option) in enumerate(ranked):
        while waiting and waiting[0][0] < least:
            yield heappop(waiting)[3]
        if ranked[place][0] >= NEVER:
            break
        places = _places(asked, option, pools)
        ways = _surviving if asked.options[option].zone_loss else _anywhere
        for found in ways(asked, option, places, left):
            heappush(waiting, (found.price, found.option, found.zones, found))
    while waiting:
        yield heappop(waiting)[3]


def _places(asked: Tables, option: int, pools: frozenset[int]) -> list[int]:
    """Places of an option that are in *pools*."""
    span = asked.places_of[option]
    return [place for place in range(span.start, span.stop) if int(asked.pool[place]) in pools]


def _at_least(asked: Tables, option: int, pools: frozenset[int]) -> int:
    """What an option costs at least: its replicas on the cheapest share of a machine, and its storage."""
    problem, of = asked.problem, asked.options[option]
    shares = [
        problem.pools[int(asked.pool[place])].micro_usd_per_hour
        * int(asked.slots[place])
        // problem.pools[int(asked.pool[place])].slots
        for place in _places(asked, option, pools)
    ]
    return (min(shares) * max(of.total) + _storage(problem, of)) * _per(problem) if shares else NEVER


def _best(
    asked: Tables, places: list[int], left: _Left, share: int, needed: tuple[int, int, int]
) -> tuple[int, dict[int, int]] | None:
    """The least for so many replicas in all, not on spot, on spot: price, and machines by place."""
    total, firm, spot = needed
    sides: list[Cover] = []
    for on_spot in (False, True):
        groups: dict[tuple[int, ...], list[Offer]] = {}
        for place in places:
            if bool(asked.is_spot[place]) is on_spot:
                quotas = tuple(at for at, units in enumerate(left.units) if int(asked.pool[place]) in units)
                groups.setdefault(quotas, []).extend(_offers(asked, place, quotas, left, replicas=total, share=share))
        side, _ = covered((), total, ())
        for quotas, offers in groups.items():
            cover, cut = covered(offers, total, [max(0, left.quotas[at]) // share for at in quotas])
            left.within = left.within and not cut
            side = joined(side, cover)
        sides.append(side)
    on_firm = np.arange(firm, total + 1)
    rest = np.maximum(spot, total - on_firm)
    cost = sides[0].cost[on_firm] + sides[1].cost[rest]
    at = int(cost.argmin())
    if cost[at] >= NEVER:
        return None
    return int(cost[at]), sides[0].numbers(int(on_firm[at])) | sides[1].numbers(int(rest[at]))


def _anywhere(asked: Tables, option: int, places: list[int], left: _Left) -> Iterator[_Candidate]:
    """The cheapest machines of an option in each set of zones, when no zone's loss must be survived."""
    of = asked.options[option]
    for zones in _sets_of_zones(len(of.zones)):
        there = [place for place in places if int(asked.zone[place]) in zones]
        best = _best(asked, there, left, 1, (max(of.total), max(of.firm), max(of.spot)))
        if best is not None:
            price = best[0] + _around(asked, of, zones, left)
            yield _Candidate(price=price, option=option, zones=zones, machines=tuple(sorted(best[1].items())))


def _surviving(asked: Tables, option: int, places: list[int], left: _Left) -> Iterator[_Candidate]:
    """
    As many replicas in each of two zones, of three, and so on, on the cheapest machines there.

    Where one of z zones may go and n replicas must be left, each has n / (z - 1) of them, rounded up.
    """
    of = asked.options[option]
    for number in range(2, len(of.zones) + 1):
        total, firm = -(-max(of.total) // (number - 1)), -(-max(of.firm) // (number - 1))
        spot = min(total, -(-max(of.spot) // number))
        found = []
        for zone in range(len(of.zones)):
            there = [place for place in places if int(asked.zone[place]) == zone]
            best = _best(asked, there, left, number, (total, firm, spot))
            if best is not None:
                found.append((best[0], zone, best[1]))
        taken = sorted(found, key=lambda one: one[:2])[:number]
        if len(taken) == number:
            zones = tuple(sorted(zone for _, zone, _ in taken))
            price = sum(price for price, _, _ in taken) + _around(asked, of, zones, left)
            machines = tuple(sorted(pair for _, _, of_zone in taken for pair in of_zone.items()))
            yield _Candidate(price=price, option=option, zones=zones, machines=machines)


def _sets_of_zones(number: int) -> list[tuple[int, ...]]:
    every = range(number)
    if number <= ZONES_COMBINED:
        return [zones for size in range(1, number + 1) for zones in combinations(every, size)]
    return [*((zone,) for zone in every), tuple(every)]


def _offers(
    asked: Tables, place: int, quotas: tuple[int, ...], left: _Left, *, replicas: int, share: int
) -> Iterator[Offer]:
    """The machines of a pool: those that run today, then new ones, which cost their move beside."""
    problem = asked.problem
    at = int(asked.pool[place])
    pool = problem.pools[at]
    slots = int(asked.slots[place])
    together = max(1, -(-slots // pool.slots))  # machines that one replica takes, where it is wider than one
    each = max(1, pool.slots // slots)
    most = left.machines.get(at, -(-replicas // each) * together)
    units = tuple(left.units[quota][at] for quota in quotas)
    for quota, number in zip(quotas, units, strict=True):
        if number:
            most = min(most, max(0, left.quotas[quota]) // share // number)
    price = pool.micro_usd_per_hour * _per(problem)
    new = price + (pool.micro_usd_per_hour * problem.double_running_h if problem.moves else 0)
    running = min(most, pool.running or 0) // together
    for number, usd in ((running, price), (most // together - running, new)):
        if number > 0:
            yield Offer(
                place=place,
                replicas=each,
                price=usd * together,
                most=number,
                units=tuple(unit * together for unit in units),
            )


def _storage(problem: Problem, of: Option) -> int:
    """What stands in the region for the workload beside its machines, in micro-USD per hour."""
    workload = problem.demands[of.workload].workload
    return sum(
        one.micro_usd_per_hour for one in problem.standings if (one.workload, one.region) == (workload, of.region)
    )


def _around(asked: Tables, of: Option, zones: tuple[int, ...], left: _Left) -> int:
    """What a region costs beside the machines: system machines that are not there yet, and storage."""
    problem = asked.problem
    used = left.zones.get(of.region, set())
    after = used | {of.zones[zone] for zone in zones}
    price = 0
    for site in problem.sites:
        if site.region == of.region:
            there = max(site.least_system_machines, len(used)) if used else 0
            price += site.system_micro_usd_per_hour * (max(site.least_system_machines, len(after)) - there)
    return (price + _storage(problem, of)) * _per(problem)


def _machines(asked: Tables, candidate: _Candidate) -> dict[int, int]:
    """Machines of a candidate by pool."""
    found: dict[int, int] = {}
    for place, number in candidate.machines:
        pool = int(asked.pool[place])
        together = max(1, -(-int(asked.slots[place]) // asked.problem.pools[pool].slots))
        found[pool] = found.get(pool, 0) + number * together
    return found


def _may(asked: Tables, workload: int, candidate: _Candidate, left: _Left) -> bool:
    """Whether quotas and the workload's team have as much left."""
    machines = _machines(asked, candidate)
    for limit, units in zip(left.quotas, left.units, strict=True):
        if sum(units.get(pool, 0) * number for pool, number in machines.items()) > limit:
            return False
    slots, money = _for_team(asked, _placed(asked, candidate))
    name = _team(asked, workload)
    return name is None or (slots <= left.team_slots.get(name, slots) and money <= left.team_money.get(name, money))


def _take(asked: Tables, workload: int, candidate: _Candidate, left: _Left) -> Chosen:
    """The candidate, gone from what is left."""
    machines = _machines(asked, candidate)
    placed = _placed(asked, candidate)
    for pool, number in machines.items():
        if pool in left.machines:
            left.machines[pool] -= number
    for quota, units in enumerate(left.units):
        left.quotas[quota] -= sum(units.get(pool, 0) * number for pool, number in machines.items())
    name = _team(asked, workload)
    slots, money = _for_team(asked, placed)
    if name in left.team_slots:
        left.team_slots[name] -= slots
    if name in left.team_money:
        left.team_money[name] -= money
    of = asked.options[candidate.option]
    left.zones.setdefault(of.region, set()).update(of.zones[zone] for zone in candidate.zones)
    return Chosen(placed=placed, machines=machines)


def _placed(asked: Tables, candidate: _Candidate) -> Placed:
    """Replicas on all that was taken, less those that are not needed."""
    replicas = {}
    for place, number in candidate.machines:
        pool = asked.problem.pools[int(asked.pool[place])]
        replicas[place] = [number * max(1, pool.slots // int(asked.slots[place]))] * len(asked.problem.periods)
    return trimmed(asked, candidate.option, replicas)


def _team(asked: Tables, workload: int) -> str | None:
    name = asked.problem.demands[workload].workload
    return next((team.name for team in asked.problem.teams if name in team.workloads), None)


def _for_team(asked: Tables, placed: Placed) -> tuple[int, int]:
    """Slots at a time, and micro-USD an hour rounded up, as if the most replicas were up all day."""
    slots = money = 0
    for place, replicas in placed.replicas:
        pool = asked.problem.pools[int(asked.pool[place])]
        taken = int(asked.slots[place]) * max(replicas)
        slots += taken
        money += -(-taken * pool.micro_usd_per_hour // pool.slots)
    return slots, money
