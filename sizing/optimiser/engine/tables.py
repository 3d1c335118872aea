"""
A problem as arrays: the options of every workload and the places where their replicas may stand.

An option is a kind of replica in a region, of which a workload takes one. A place is a pool that has machines for it.
Strategies that look at thousands of options at a time work on these; values are for those who ask and those who check.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from sizing.optimiser.problem import Choice, Demand, Pool, Problem, replicas_for
from sizing.units import MICRO_USD_PER_USD

if TYPE_CHECKING:  # the library's door is opened without arrays: they are loaded when something is solved
    import numpy as np
    import numpy.typing as npt

Ints: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"
NONE = -1
LEAST_ZONES = 2  # where the loss of one must be survived
UNLIMITED = 10**6  # machines of a pool: no limit that binds


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A kind of replica of one workload in one region, and how many replicas each period takes."""

    workload: int
    kind: str
    region: str
    zones: tuple[str, ...]  # in which it may stand
    total: tuple[int, ...]  # replicas, on any machines
    firm: tuple[int, ...]  # of them, that must not be on spot
    spot: tuple[int, ...]  # that must be on spot at the least
    zone_loss: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A quota as one pool counts against it."""

    name: str
    limit: int
    units: int  # that one machine takes

    @property
    def machines(self) -> int:
        """Machines of the pool that it leaves, if nothing else takes of it."""
        return self.limit // self.units

    def replicas(self, pool: Pool, choice: Choice) -> Fraction:
        """Replicas of *choice* on so many machines of *pool*, if parts of machines could be had."""
        return Fraction(self.limit * pool.slots, self.units * choice.slots)


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The options of a problem and their places, sorted by option, zone, and whether the pool is on spot."""

    problem: Problem
    options: tuple[Option, ...]
    of_workload: tuple[range, ...]  # options of each workload
    option: Ints  # of each place
    pool: Ints  # of each place
    slots: Ints  # that a replica takes there
    choice: Ints  # of each place
    zone: Ints  # of each place, counted within its option
    is_spot: npt.NDArray[np.bool_]  # of each place
    most: tuple[int, ...]  # machines of each pool that there are of it and that quotas leave; UNLIMITED: no limit
    quotas_of: Mapping[int, tuple[tuple[int, int], ...]] = field(repr=False)  # by pool: quota, and units of a machine
    places_of: tuple[slice, ...] = field(repr=False)  # of each option
    standing: tuple[float, ...] = field(repr=False)  # of each option: USD per hour beside machines

    @property
    def periods(self) -> range:
        """Indices of the periods."""
        return range(len(self.problem.periods))


def rank(problem: Problem, workload: int) -> float:
    """How important a workload is; what must be served is above every priority."""
    priority = problem.demands[workload].priority
    return float("inf") if priority is None else priority


def tables(problem: Problem) -> Tables:
    """The options and places of *problem*; options that cannot carry their demand whatever is bought are left out."""
    workloads = {demand.workload: place for place, demand in enumerate(problem.demands)}
    found: dict[tuple[int, str, str], list[tuple[int, int]]] = {}
    limits = _limits(problem)
    most = [_most(pool, limits.get(pool)) for pool in problem.pools]
    by_machine: dict[str, list[int]] = {}
    for number, pool in enumerate(problem.pools):
        if most[number]:
            by_machine.setdefault(pool.machine, []).append(number)
    for number, choice in enumerate(problem.choices):
        demand = problem.demands[workloads[choice.workload]]
        for at in by_machine.get(choice.machine, ()):
            if problem.may_stand(demand, choice, problem.pools[at]):
                key = (workloads[choice.workload], choice.kind, problem.pools[at].region)
                found.setdefault(key, []).append((number, at))
    return _sorted(problem, found, most, limits)


def _most(pool: Pool, limit: Limit | None) -> int:
    """Machines of *pool* that there are, and that its quotas leave room for."""
    most = UNLIMITED if pool.most is None else pool.most
    return most if limit is None else min(most, limit.machines)


def _sorted(
    problem: Problem,
    found: dict[tuple[int, str, str], list[tuple[int, int]]],
    most: Sequence[int],
    limits: Mapping[Pool, Limit],
) -> Tables:
    import numpy as np  # noqa: PLC0415  loaded where first needed

    options: list[Option] = []
    rows: list[tuple[int, int, int, int, int, bool]] = []
    places_of: list[slice] = []
    counts = [0] * len(problem.demands)
    for (workload, _, region), places in sorted(found.items(), key=lambda item: item[0][0]):
        choices = [problem.choices[choice] for choice, _ in places]
        pools = [problem.pools[pool] for _, pool in places]
        zones = tuple(dict.fromkeys(sorted(pool.zone for pool in pools)))
        option = _option(problem.demands[workload], choices[0], workload=workload, region=region, zones=zones)
        if not _can_carry(option, list(zip(choices, pools, strict=True)), limits):
            continue
        own = sorted(
            (zones.index(pool.zone), pool.is_spot, choice, at) for (choice, at), pool in zip(places, pools, strict=True)
        )
        places_of.append(slice(len(rows), len(rows) + len(own)))
        rows += [
            (len(options), at, problem.choices[choice].slots, choice, zone, spot) for zone, spot, choice, at in own
        ]
        options.append(option)
        counts[workload] += 1
    starts = np.cumsum([0, *counts])
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6)
    return Tables(
        problem=problem,
        options=tuple(options),
        of_workload=tuple(range(starts[m], starts[m + 1]) for m in range(len(counts))),
        option=columns[:, 0],
        pool=columns[:, 1],
        slots=columns[:, 2],
        choice=columns[:, 3],
        zone=columns[:, 4],
        is_spot=columns[:, 5].astype(np.bool_),
        most=tuple(most),
        quotas_of=_quotas_of(problem),
        places_of=tuple(places_of),
        standing=_standing(problem, options),
    )


def _standing(problem: Problem, options: Iterable[Option]) -> tuple[float, ...]:
    prices = {(one.workload, one.region): one.micro_usd_per_hour / MICRO_USD_PER_USD for one in problem.standings}
    return tuple(prices.get((problem.demands[one.workload].workload, one.region), 0.0) for one in options)


def _quotas_of(problem: Problem) -> dict[int, tuple[tuple[int, int], ...]]:
    places = {pool: at for at, pool in enumerate(problem.pools)}
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    for number, quota in enumerate(problem.quotas):
        for pool, units in quota.units:
            found[places[pool]] = (*found.get(places[pool], ()), (number, units))
    return found


def _limits(problem: Problem) -> dict[Pool, Limit]:
    """Of each pool that counts against quotas, the one that leaves fewest machines of it."""
    found: dict[Pool, Limit] = {}
    for quota in problem.quotas:
        for pool, units in quota.units:
            limit = Limit(name=quota.name, limit=quota.limit, units=units)
            if units and (pool not in found or limit.machines < found[pool].machines):
                found[pool] = limit
    return found


def _option(demand: Demand, choice: Choice, *, workload: int, region: str, zones: tuple[str, ...]) -> Option:
    return Option(
        workload=workload,
        kind=choice.kind,
        region=region,
        zones=zones,
        total=tuple(replicas_for(choice.capacity, each) for each in demand.total),
        firm=tuple(replicas_for(choice.capacity, each) for each in demand.firm),
        spot=tuple(replicas_for(choice.capacity, each) for each in demand.spot),
        zone_loss=demand.zone_loss,
    )


def _can_carry(option: Option, places: list[tuple[Choice, Pool]], limits: Mapping[Pool, Limit]) -> bool:
    """
    Whether the pools carry the option's replicas, with all of what there is of them and all of their quotas.

    An option that cannot stand even alone would still be mixed with others in a relaxation, and make its bound weak.
    """
    firm = [(choice, pool) for choice, pool in places if not pool.is_spot]
    spot = [(choice, pool) for choice, pool in places if pool.is_spot]
    return (
        _holds(option, firm, limits, max(option.firm), zone_loss=option.zone_loss)
        and _holds(option, places, limits, max(option.total), zone_loss=option.zone_loss)
        and _holds(option, spot, limits, max(option.spot), zone_loss=False)
    )


def _mixed(most: set[Fraction]) -> int:
    """Replicas that a quota leaves room for on machines of several types together: no more than on the best of them."""
    return math.floor(max(most))


def _holds(
    option: Option, places: list[tuple[Choice, Pool]], limits: Mapping[Pool, Limit], need: int, *, zone_loss: bool
) -> bool:
    """Whether *places* may hold so many replicas as leave *need*, whichever zone is gone."""
    if not need:
        return True
    zones: dict[str, int] = {}
    rooms: dict[str, int] = {}
    most: dict[str, set[Fraction]] = {}  # replicas that a quota leaves room for, on each of its pools alone
    for choice, pool in places:
        room = 2 * max(option.total) if pool.most is None else pool.most * pool.slots // choice.slots
        zones[pool.zone] = zones.get(pool.zone, 0) + room
        limit = limits.get(pool)
        name = "" if limit is None else limit.name
        rooms[name] = rooms.get(name, 0) + room
        if limit is not None:
            most.setdefault(name, set()).add(limit.replicas(pool, choice))
    held = sum(min(room, _mixed(most[name])) if name in most else room for name, room in rooms.items())
    if not zone_loss:
        return min(held, sum(zones.values())) >= need
    if len(zones) < LEAST_ZONES or sum(zones.values()) - max(zones.values()) < need:
        return False
    return held >= need + -(-need // (len(zones) - 1))
