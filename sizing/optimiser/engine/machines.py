"""
The machine side of every linear model: what is bought, its price, and the limits on it.

Replicas come in from outside: a row for each pool and period says that the slots they take, together with those that
are taken already, are no more than the machines have. Money is in USD per hour, on average over the periods.

Coefficients are set once for each variable of a row: MathOpt overwrites where a variable comes twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Commitment, Problem
from sizing.units import MICRO_USD_PER_USD

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

    Variable: TypeAlias = mathopt.Variable
    Row: TypeAlias = mathopt.LinearConstraint


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What replicas that a model does not decide on take already, on its pools and on others."""

    slots: Mapping[tuple[int, int], int]  # by pool and period, on pools of the model
    quotas: Mapping[tuple[int, int], int]  # by quota and period, by machines of other pools
    zones: frozenset[tuple[str, str]]  # region and zone, where machines of other pools stand
    usd_per_hour: float  # of machines of other pools, and of what workloads cost beside machines
    team_slots: Mapping[tuple[str, int], int]  # by team and period
    team_usd_per_hour: Mapping[str, float]


NOTHING_TAKEN = Taken(slots={}, quotas={}, zones=frozenset(), usd_per_hour=0.0, team_slots={}, team_usd_per_hour={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """The variables of what is bought, and the rows that replicas take part in."""

    count: Mapping[tuple[int, int], Variable]  # machines, by pool and period; one variable for all where it is kept
    packing: Mapping[tuple[int, int], Row]  # by pool and period: slots of replicas less those of machines <= 0
    team_slots: Mapping[tuple[str, int], Row]
    team_money: Mapping[str, Row]
    in_use: Mapping[str, Variable]  # 1 where a region is in use
    committed: Mapping[int, Variable]  # by place among the problem's commitments
    system: Mapping[str, Variable]  # system machines of a region
    cost: Mapping[Variable, float]  # without moves
    moves: Mapping[Variable, float]  # price of machines that are added to the current plan
    budget: Row | None  # of money, USD per hour


def machines(
    model: mathopt.Model,
    problem: Problem,
    pools: Sequence[int],
    *,
    most: Mapping[int, int],
    taken: Taken = NOTHING_TAKEN,
    whole: bool = True,
) -> Machines:
    """
    Variables and rows of everything that can be bought in *pools*, added to *model*.

    Args:
        model: Takes variables and rows.
        problem: What can be bought.
        pools: Places of the pools, among the problem's, that may be used.
        most: Machines of each pool that could be of use beyond those that are taken.
        taken: By replicas that stand fixed.
        whole: Whether machines are counted in whole numbers; else the linear relaxation.
    """
    count, packing = _counts(model, problem, pools, most, taken, whole=whole)
    cost: dict[Variable, float] = {}
    for (pool, period), variable in count.items():
        share = 1.0 if _is_one(problem, pool) else problem.periods[period].hours / problem.hours
        if not _is_one(problem, pool) or period == 0:
            cost[variable] = usd(problem.pools[pool].micro_usd_per_hour) * share
    _quotas(model, problem, count, taken)
    committed = _commitments(model, problem, pools, count, cost, whole=whole)
    in_use, system = _sites(model, problem, pools, count, cost=cost, taken=taken, whole=whole)
    moves = _moves(model, problem, count) if problem.moves else {}
    limit = problem.budget_micro_usd_per_hour
    budget = None if limit is None else _row(model, cost, upper=usd(limit) - taken.usd_per_hour)
    slots, money = _teams(model, problem, taken)
    return Machines(
        count=count,
        packing=packing,
        team_slots=slots,
        team_money=money,
        in_use=in_use,
        committed=committed,
        system=system,
        cost=cost,
        moves=moves,
        budget=budget,
    )


def usd(micro_usd: int) -> float:
    """USD of whole micro-dollars."""
    return micro_usd / MICRO_USD_PER_USD


def owned_and_offered(problem: Problem) -> dict[tuple[str, str], list[tuple[int, Commitment]]]:
    """Commitments with their places in the problem, by the machine type and region that they cover."""
    found: dict[tuple[str, str], list[tuple[int, Commitment]]] = {}
    for place, one in enumerate(problem.commitments):
        found.setdefault((one.machine, one.region), []).append((place, one))
    return found


def _is_one(problem: Problem, pool: int) -> bool:
    """Whether a pool has one count for all periods."""
    return len(problem.periods) == 1 or problem.pools[pool].is_kept


def _counts(
    model: mathopt.Model,
    problem: Problem,
    pools: Sequence[int],
    most: Mapping[int, int],
    taken: Taken,
    *,
    whole: bool,
) -> tuple[dict[tuple[int, int], Variable], dict[tuple[int, int], Row]]:
    count: dict[tuple[int, int], Variable] = {}
    packing: dict[tuple[int, int], Row] = {}
    for pool in pools:
        of = problem.pools[pool]
        held = [taken.slots.get((pool, period), 0) for period in range(len(problem.periods))]
        for period, slots in enumerate(held):
            if period == 0 or not _is_one(problem, pool):
                least = -(-(max(held) if _is_one(problem, pool) else slots) // of.slots)
                upper = least + most[pool] if of.most is None else min(least + most[pool], of.most)
                count[pool, period] = model.add_variable(lb=least, ub=max(least, upper), is_integer=whole)
            else:
                count[pool, period] = count[pool, 0]
            row = model.add_linear_constraint(ub=-slots)
            row.set_coefficient(count[pool, period], -of.slots)
            packing[pool, period] = row
    return count, packing


def _quotas(model: mathopt.Model, problem: Problem, count: Mapping[tuple[int, int], Variable], taken: Taken) -> None:
    places = {pool: place for place, pool in enumerate(problem.pools)}
    for number, quota in enumerate(problem.quotas):
        inside = [(places[pool], units) for pool, units in quota.units if (places[pool], 0) in count and units]
        step = math.gcd(*(units for _, units in inside))  # what is left below a whole machine of any is of no use
        for period in range(len(problem.periods)) if inside else ():
            entries = {count[at, period]: float(units) for at, units in inside}
            left = quota.limit - taken.quotas.get((number, period), 0)
            _row(model, entries, upper=left // step * step)


def _commitments(
    model: mathopt.Model,
    problem: Problem,
    pools: Sequence[int],
    count: Mapping[tuple[int, int], Variable],
    cost: dict[Variable, float],
    *,
    whole: bool,
) -> dict[int, Variable]:
    """Machines under commitment, and their price in place of the one on demand."""
    committed: dict[int, Variable] = {}
    on_demand: dict[tuple[str, str], list[int]] = {}
    for at in pools:
        if problem.pools[at].mode is PurchaseMode.ON_DEMAND:
            on_demand.setdefault((problem.pools[at].machine, problem.pools[at].region), []).append(at)
    for place, offered in owned_and_offered(problem).items():
        covered = on_demand.get(place, [])
        if not covered:
            continue
        for number, one in offered:
            committed[number] = model.add_variable(lb=0, ub=_bound(one.most), is_integer=whole)
            cost[committed[number]] = usd(one.micro_usd_per_hour)
        bought = {committed[number]: -1.0 for number, _ in offered}
        for time, period in enumerate(problem.periods):
            under = {at: model.add_variable(lb=0) for at in covered}
            _row(model, {**dict.fromkeys(under.values(), 1.0), **bought}, upper=sum(one.owned for _, one in offered))
            for at, variable in under.items():
                _row(model, {variable: 1.0, count[at, time]: -1.0}, upper=0)
                cost[variable] = -usd(problem.pools[at].micro_usd_per_hour) * period.hours / problem.hours
    return committed


def _bound(most: int | None) -> float:
    return float("inf") if most is None else most


def _sites(
    model: mathopt.Model,
    problem: Problem,
    pools: Sequence[int],
    count: Mapping[tuple[int, int], Variable],
    *,
    cost: dict[Variable, float],
    taken: Taken,
    whole: bool,
) -> tuple[dict[str, Variable], dict[str, Variable]]:
    """A system machine for each zone that pools use, and the least number where a region is used at all."""
    in_use: dict[str, Variable] = {}
    system: dict[str, Variable] = {}
    zones: dict[tuple[str, str], list[int]] = {}
    for pool in pools:
        zones.setdefault((problem.pools[pool].region, problem.pools[pool].zone), []).append(pool)
    for site in problem.sites:
        own = {zone: inside for (region, zone), inside in zones.items() if region == site.region}
        if not own:
            continue
        in_use[site.region] = model.add_variable(lb=0, ub=1, is_integer=whole)
        most_zones = len({*own, *(zone for region, zone in taken.zones if region == site.region)})
        system[site.region] = model.add_variable(lb=0, ub=max(site.least_system_machines, most_zones), is_integer=whole)
        cost[system[site.region]] = usd(site.system_micro_usd_per_hour)
        _row(model, {in_use[site.region]: site.least_system_machines, system[site.region]: -1.0}, upper=0)
        zones_in_use = {
            _zone(model, problem, inside, count, is_taken=(site.region, zone) in taken.zones, whole=whole): 1.0
            for zone, inside in own.items()
        }
        for region, zone in taken.zones:
            if region == site.region and zone not in own:
                zones_in_use[model.add_variable(lb=1, ub=1)] = 1.0
        _row(model, {**zones_in_use, system[site.region]: -1.0}, upper=0)
        for zone in zones_in_use:
            _row(model, {zone: 1.0, in_use[site.region]: -1.0}, upper=0)
    return in_use, system


def _zone(
    model: mathopt.Model,
    problem: Problem,
    inside: Iterable[int],
    count: Mapping[tuple[int, int], Variable],
    *,
    is_taken: bool,
    whole: bool,
) -> Variable:
    """1 where any machine stands in a zone, of these pools or, where the zone is taken, of others."""
    used = model.add_variable(lb=float(is_taken), ub=1, is_integer=whole)
    if is_taken:
        return used
    for pool in inside:
        for variable in dict.fromkeys(count[pool, period] for period in range(len(problem.periods))):
            _row(model, {variable: 1.0, used: -max(1.0, variable.upper_bound)}, upper=0)
    return used


def _moves(model: mathopt.Model, problem: Problem, count: Mapping[tuple[int, int], Variable]) -> dict[Variable, float]:
    """Machines beyond those that run today, each at the price of running beside what it replaces."""
    share = problem.double_running_h / problem.payback_h
    added: dict[int, Variable] = {}
    for (pool, _), variable in count.items():
        if pool not in added:
            added[pool] = model.add_variable(lb=0)
        _row(model, {variable: 1.0, added[pool]: -1.0}, upper=problem.pools[pool].running or 0)
    return {more: usd(problem.pools[pool].micro_usd_per_hour) * share for pool, more in added.items()}


def _teams(model: mathopt.Model, problem: Problem, taken: Taken) -> tuple[dict[tuple[str, int], Row], dict[str, Row]]:
    slots: dict[tuple[str, int], Row] = {}
    money: dict[str, Row] = {}
    for team in problem.teams:
        if team.slots is not None:
            for period in range(len(problem.periods)):
                room = team.slots - taken.team_slots.get((team.name, period), 0)
                slots[team.name, period] = model.add_linear_constraint(ub=room)
        if team.micro_usd_per_hour is not None:
            left = usd(team.micro_usd_per_hour) - taken.team_usd_per_hour.get(team.name, 0.0)
            money[team.name] = model.add_linear_constraint(ub=left)
    return slots, money


def _row(model: mathopt.Model, entries: Mapping[Variable, float], *, upper: float) -> Row:
    """A row of *entries*, at most *upper*."""
    row = model.add_linear_constraint(ub=upper)
    for variable, coefficient in entries.items():
        row.set_coefficient(variable, coefficient)
    return row
