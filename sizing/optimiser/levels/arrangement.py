"""
Where replicas stand on machines that are bought: what costs nothing is decided here, region by region.

Levels, each a solve of its own: fewest changes of what runs today, best latency, fewest replicas, fewest machine types
a workload, the first in the order of the problem. Every choice takes part, also those that are dominated in cost: on
machines that are paid anyway a wider replica may answer faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from sizing.optimiser.engine.stands import purchase_of_stands
from sizing.optimiser.levels.lexicographic import Aim, lexicographic
from sizing.optimiser.levels.rows import Place, Rows, rows, weighted
from sizing.optimiser.problem import Choice, Pool, Problem, Site, Team
from sizing.optimiser.purchase import Purchase, Stand

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

DETERMINISTIC_LIMIT = 4.0  # of all levels of a region, in CP-SAT's deterministic time: about seconds of one core
NOTHING: Mapping[Place, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What an arrangement goes by."""

    latency: Callable[[Choice], int]
    today: Mapping[Place, int]
    limit: float


def arranged(
    problem: Problem,
    purchase: Purchase,
    *,
    latency: Callable[[Choice], int],
    today: Mapping[Place, int] = NOTHING,
    deterministic_limit: float = DETERMINISTIC_LIMIT,
) -> Purchase:
    """
    The purchase with its replicas in their best places, at the same cost or, where a machine gets empty, at less.

    Each workload stays in its region. A region whose limit is reached before anything is found keeps what was given.

    Args:
        problem: What the machines were bought for.
        purchase: The machines, and one way to stand on them.
        latency: How slow a choice is at the load it will carry, in any unit; asked only of choices that can run here.
        today: Replicas of the current plan, in the period that has most of them.
        deterministic_limit: Of each region, shared evenly by its levels.
    """
    if purchase.micro_usd_per_hour is None:
        return purchase
    wish = _Wish(latency=latency, today=today, limit=deterministic_limit)
    bought = {one.pool: one.machines for one in purchase.bought}
    types = {pool.machine for pool in bought}
    here = replace(
        problem,
        pools=tuple(pool for pool in problem.pools if pool in bought),
        choices=tuple(choice for choice in problem.choices if choice.machine in types),
        quotas=(),
    )
    stands: list[Stand] = list(purchase.stands)
    interrupted = purchase.interrupted
    for region in dict.fromkeys(pool.region for pool in here.pools):
        if interrupted:
            break
        try:
            stands = _in_region(here, region, bought, stands, wish)
        except KeyboardInterrupt:
            interrupted = True
    return replace(
        purchase_of_stands(here, stands), status=purchase.status, bound=purchase.bound, interrupted=interrupted
    )


def _in_region(
    problem: Problem,
    region: str,
    bought: Mapping[Pool, tuple[int, ...]],
    stands: list[Stand],
    wish: _Wish,
) -> list[Stand]:
    """All stands, with those of *region* in their best places."""
    own = {stand.choice.workload for stand in stands if stand.pool.region == region}
    elsewhere = [stand for stand in stands if stand.pool.region != region]
    part = replace(
        problem,
        demands=tuple(replace(one, priority=None) for one in problem.demands if one.workload in own),
        choices=tuple(choice for choice in problem.choices if choice.workload in own),
        pools=tuple(pool for pool in problem.pools if pool.region == region),
        sites=(Site(region=region, system_micro_usd_per_hour=0, least_system_machines=0),),
        standings=(),
        commitments=(),
        teams=tuple(_rest(team, elsewhere, problem) for team in problem.teams),
    )
    made = rows(part)
    for pool, numbers in made.machines.items():
        for number, most in zip(numbers, bought[pool], strict=True):
            made.model.add(number <= most)
    for stand in stands:
        for number, replicas in zip(made.replicas.get((stand.choice, stand.pool), ()), stand.replicas, strict=False):
            made.model.add_hint(number, replicas)
    levels = _levels(part, made, wish)
    aims = [Aim(expression=level, limit=wish.limit / len(levels)) for level in levels]
    value = lexicographic(made.model, aims).value
    if value is None:
        return stands
    found = [
        Stand(choice=choice, pool=pool, replicas=tuple(map(value, numbers)))
        for (choice, pool), numbers in made.replicas.items()
    ]
    return [*elsewhere, *(stand for stand in found if stand.most)]


def _rest(team: Team, elsewhere: list[Stand], problem: Problem) -> Team:
    """What other regions leave of a team's share."""
    own = [stand for stand in elsewhere if stand.choice.workload in team.workloads]
    slots = sum(stand.choice.slots * stand.most for stand in own)
    spent = sum(_micro_usd_hours(stand, problem) for stand in own)
    return replace(
        team,
        slots=None if team.slots is None else team.slots - slots,
        micro_usd_per_hour=None
        if team.micro_usd_per_hour is None
        else team.micro_usd_per_hour - spent // problem.hours,
    )


def _micro_usd_hours(stand: Stand, problem: Problem) -> int:
    """What a team pays for one stand, rounded up."""
    hours = [stand.most if stand.pool.is_kept else number for number in stand.replicas]
    up = sum(number * period.hours for number, period in zip(hours, problem.periods, strict=True))
    return -(-stand.choice.slots * stand.pool.micro_usd_per_hour * up // stand.pool.slots)


def _levels(problem: Problem, made: Rows, wish: _Wish) -> list[cp_model.LinearExpr]:
    """What is made least, in this order; without levels that have nothing to decide."""
    hours = [period.hours for period in problem.periods]
    slow: dict[tuple[str, str, str], int] = {}
    for choice, pool in made.replicas:
        option = (choice.workload, choice.kind, pool.region)
        slow[option] = max(slow.get(option, 0), wish.latency(choice))
    types, chosen = _types(made), list(made.chosen.values())
    replicas = [number for numbers in made.replicas.values() for number in numbers]
    levels: list[tuple[list[cp_model.IntVar], Iterable[int]]] = [
        _other_kinds(made),
        _changes(made, wish.today),
        ([made.chosen[option] for option in slow], slow.values()),
        (replicas, hours * len(made.replicas)),
        (types, [1] * len(types)),
        ([*chosen, *types], range(1, len(chosen) + len(types) + 1)),
        (replicas, range(1, len(replicas) + 1)),
    ]
    return [weighted(variables, weights) for variables, weights in levels if variables]


def _other_kinds(made: Rows) -> tuple[list[cp_model.IntVar], list[int]]:
    """Workloads that run today and would run as another kind."""
    runs = {choice.workload for choice, _ in made.replicas if choice.runs_today}
    kept = {(choice.workload, choice.kind) for choice, _ in made.replicas if choice.runs_today}
    others = [used for (name, kind, _), used in made.chosen.items() if name in runs and (name, kind) not in kept]
    return others, [1] * len(others)


def _changes(made: Rows, today: Mapping[Place, int]) -> tuple[list[cp_model.IntVar], list[int]]:
    """Replicas that are added somewhere or taken away, of workloads that run today."""
    moving = {choice.workload for choice, _ in today}
    changed = []
    for (choice, pool), numbers in made.replicas.items():
        if choice.workload in moving:
            bound, was = made.most_replicas[choice], today.get((choice, pool), 0)
            most, apart = made.model.new_int_var(0, bound, ""), made.model.new_int_var(0, max(bound, was), "")
            made.model.add_max_equality(most, list(numbers))
            made.model.add(apart >= most - was)
            made.model.add(apart >= was - most)
            changed.append(apart)
    return changed, [1] * len(changed)


def _types(made: Rows) -> list[cp_model.IntVar]:
    """Whether a workload uses a machine type, on spot or not: each makes its deployments longer."""
    found: dict[tuple[str, str, bool], cp_model.IntVar] = {}
    for (choice, pool), numbers in made.replicas.items():
        key = (choice.workload, pool.machine, pool.is_spot)
        used = found.setdefault(key, made.model.new_bool_var(""))
        for number in numbers:
            made.model.add(number <= made.most_replicas[choice] * used)
    return list(found.values())
