"""
A problem as arrays: the options of every workload and the places where their replicas may stand.

An option is a kind of replica in a region, of which a workload takes one. A place is a pool that has machines for it.
Strategies that look at thousands of options at a time work on these; values are for those who ask and those who check.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sizing.optimiser.problem import Choice, Demand, Pool, Problem, replicas_for

if TYPE_CHECKING:  # the library's door is opened without arrays: they are loaded when something is solved
    import numpy as np
    import numpy.typing as npt

Ints: TypeAlias = "npt.NDArray[np.int64]"
Floats: TypeAlias = "npt.NDArray[np.float64]"
NONE = -1


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
    places_of: tuple[slice, ...] = field(repr=False)  # of each option

    @property
    def periods(self) -> range:
        """Indices of the periods."""
        return range(len(self.problem.periods))


def tables(problem: Problem) -> Tables:
    """The options and places of *problem*; options that cannot carry their demand whatever is bought are left out."""
    workloads = {demand.workload: place for place, demand in enumerate(problem.demands)}
    found: dict[tuple[int, str, str], list[tuple[int, int]]] = {}
    by_machine = _pools_by_machine(problem.pools)
    for number, choice in enumerate(problem.choices):
        demand = problem.demands[workloads[choice.workload]]
        for pool in by_machine.get(choice.machine, ()):
            if problem.may_stand(demand, choice, problem.pools[pool]):
                key = (workloads[choice.workload], choice.kind, problem.pools[pool].region)
                found.setdefault(key, []).append((number, pool))
    return _sorted(problem, found)


def _pools_by_machine(pools: Iterable[Pool]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for number, pool in enumerate(pools):
        found.setdefault(pool.machine, []).append(number)
    return found


def _sorted(problem: Problem, found: dict[tuple[int, str, str], list[tuple[int, int]]]) -> Tables:
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
        if not _can_carry(option, choices, pools):
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
        places_of=tuple(places_of),
    )


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


def _can_carry(option: Option, choices: list[Choice], pools: list[Pool]) -> bool:
    """Whether the pools, all of what there is of them bought, carry the option's replicas."""
    firm: dict[str, int] = {}
    spot: dict[str, int] = {}
    for choice, pool in zip(choices, pools, strict=True):
        room = max(option.total) if pool.most is None else pool.most * pool.slots // choice.slots
        zones = spot if pool.is_spot else firm
        zones[pool.zone] = zones.get(pool.zone, 0) + room
    both = {zone: firm.get(zone, 0) + spot.get(zone, 0) for zone in option.zones}
    return (
        _left(firm, option) >= max(option.firm)
        and _left(both, option) >= max(option.total)
        and sum(spot.values()) >= max(option.spot)
    )


def _left(zones: dict[str, int], option: Option) -> int:
    """Replicas that are left when the zone with most room is gone, where that must be survived."""
    return sum(zones.values()) - (max(zones.values(), default=0) if option.zone_loss else 0)
