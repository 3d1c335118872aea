"""
Every rule of a problem as rows of a CP-SAT model; what is made least is for those who solve it.

Packing needs no variable a machine: replica sizes divide each other and the machine, so placing the largest first
wastes nothing, and replicas pack if and only if their slots together are no more than the machines have.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Choice, Commitment, Demand, Pool, Problem, Team, replicas_for

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

Place = tuple[Choice, Pool]
Option = tuple[str, str, str]  # workload, kind and region


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A weighted sum of variables, to be added to."""

    variables: list[cp_model.IntVar]
    weights: list[int]

    def add(self, variable: cp_model.IntVar, weight: int) -> None:
        """One term more."""
        self.variables.append(variable)
        self.weights.append(weight)

    @property
    def expression(self) -> cp_model.LinearExpr:
        """The sum, as an expression even where it is empty."""
        return weighted(self.variables, self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The variables of one model; a tuple has one for each period."""

    model: cp_model.CpModel
    machines: dict[Pool, tuple[cp_model.IntVar, ...]]
    most_machines: dict[Pool, int]  # that could be of use in any period
    replicas: dict[Place, tuple[cp_model.IntVar, ...]]
    most_replicas: dict[Choice, int]  # in one pool, that could be of use in any period
    chosen: dict[Option, cp_model.IntVar]
    system_machines: dict[str, cp_model.IntVar]  # by region
    committed: dict[Commitment, cp_model.IntVar]  # bought beyond those that are owned
    cost: cp_model.LinearExpr  # micro-USD an hour times the sum of weights
    hours: tuple[int, ...]  # of each period, in their smallest whole ratio


def rows(problem: Problem, *, times: int | None = None) -> Rows:
    """
    The model of *problem* without its budget and its objective.

    Args:
        problem: What is asked.
        times: How many times its demand a workload may be carried; how much of it must be is then for the caller to
            add. None: exactly the demand is carried, and nothing more is of use.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    model = cp_model.CpModel()
    demands = {demand.workload: demand for demand in problem.demands}
    places = standing_places(problem)
    most = {choice: _most(choice, demands[choice.workload], times or 1) for choice, _ in places}
    enough = _enough(problem, places, most)
    most_machines = {pool: max(bounds) for pool, bounds in enough.items()}
    machines = {pool: _machines(model, pool, bounds) for pool, bounds in enough.items()}
    replicas = {
        (choice, pool): tuple(model.new_int_var(0, number, "") for number in most[choice]) for choice, pool in places
    }
    options = dict.fromkeys((choice.workload, choice.kind, pool.region) for choice, pool in places)
    chosen = {option: model.new_bool_var("") for option in options}
    _serve(model, problem.demands, chosen)
    by_option: dict[Option, list[Place]] = {}
    for choice, pool in places:
        by_option.setdefault((choice.workload, choice.kind, pool.region), []).append((choice, pool))
    for option, used in chosen.items():
        standing = {place: replicas[place] for place in by_option[option]}
        if times is None:
            _carry(model, demands[option[0]], standing, used)
        else:
            _no_more(model, demands[option[0]], standing, used, times)
    _pack(model, machines, replicas)
    _limit(model, problem, machines)
    for team in problem.teams:
        _share(model, problem, team, replicas, most)
    hours = _ratio([period.hours for period in problem.periods])
    cost = Sum(variables=[], weights=[])
    for pool, numbers in machines.items():
        paid = [(numbers[0], sum(hours))] if pool.is_kept else zip(numbers, hours, strict=True)
        for number, h in paid:
            cost.add(number, h * pool.micro_usd_per_hour)
    system = _system(model, problem, machines, most_machines, cost=cost, hours=sum(hours))
    for one in problem.standings:
        for option, variable in chosen.items():
            if (option[0], option[2]) == (one.workload, one.region):
                cost.add(variable, one.micro_usd_per_hour * sum(hours))
    committed = _commit(model, problem, machines, most_machines, cost=cost, hours=hours)
    return Rows(
        model=model,
        machines=machines,
        most_machines=most_machines,
        replicas=replicas,
        most_replicas={choice: max(bounds) for choice, bounds in most.items()},
        chosen=chosen,
        system_machines=system,
        committed=committed,
        cost=cost.expression,
        hours=hours,
    )


def standing_places(problem: Problem) -> list[Place]:
    """Every choice on every pool where it may stand, in the order of the problem."""
    demands = {demand.workload: demand for demand in problem.demands}
    pools: dict[str, list[Pool]] = {}
    for pool in problem.pools:
        pools.setdefault(pool.machine, []).append(pool)
    return [
        (choice, pool)
        for choice in problem.choices
        for pool in pools.get(choice.machine, ())
        if pool.most != 0 and problem.may_stand(demands[choice.workload], choice, pool)
    ]


def weighted(variables: Sequence[cp_model.IntVar], weights: Iterable[int]) -> cp_model.LinearExpr:
    """The sum of *variables* times *weights*, as an expression even where there is none."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    return cp_model.LinearExpr.weighted_sum(variables, list(weights))


def _ratio(hours: Sequence[int]) -> tuple[int, ...]:
    """Hours in their smallest whole ratio: one period counts once, whatever its hours."""
    divisor = math.gcd(*hours)
    return tuple(h // divisor for h in hours)


def _most(choice: Choice, demand: Demand, times: int) -> tuple[int, ...]:
    """Replicas in one pool beyond which more are of no use, whatever zone is lost."""
    return tuple(replicas_for(choice.capacity, each * times) for each in demand.total)


def _enough(
    problem: Problem, places: Sequence[Place], most: dict[Choice, tuple[int, ...]]
) -> dict[Pool, tuple[int, ...]]:
    """Machines of each pool beyond which more are of no use: what each workload alone could fill, together."""
    periods = range(len(problem.periods))
    used = {pool for _, pool in places}
    fill: dict[Pool, dict[str, list[int]]] = {pool: {} for pool in problem.pools if pool in used}
    for choice, pool in places:
        own = fill[pool].setdefault(choice.workload, [0 for _ in periods])
        for period, replicas in enumerate(most[choice]):
            own[period] = max(own[period], _whole_machines(replicas, choice.slots, pool.slots))
    bounds = {}
    for pool, by_workload in fill.items():
        numbers = [sum(own[period] for own in by_workload.values()) for period in periods]
        bounds[pool] = tuple(number if pool.most is None else min(number, pool.most) for number in numbers)
    return bounds


def _whole_machines(replicas: int, size: int, slots: int) -> int:
    """Machines that replicas of one size take alone."""
    return -(-replicas // (slots // size)) if size <= slots else replicas * (size // slots)


def _machines(model: cp_model.CpModel, pool: Pool, bounds: tuple[int, ...]) -> tuple[cp_model.IntVar, ...]:
    """Machines by period; those that are paid for all hours are the same in all of them."""
    if pool.is_kept:
        return (model.new_int_var(0, max(bounds), ""),) * len(bounds)
    return tuple(model.new_int_var(0, number, "") for number in bounds)


def _serve(model: cp_model.CpModel, demands: Sequence[Demand], chosen: dict[Option, cp_model.IntVar]) -> None:
    """Each workload runs as one kind in one region; what has a priority may also be left out."""
    own: dict[str, list[cp_model.IntVar]] = {demand.workload: [] for demand in demands}
    for (workload, _, _), used in chosen.items():
        own[workload].append(used)
    for demand in demands:
        ways = sum(own[demand.workload])
        model.add(ways == 1) if demand.priority is None else model.add(ways <= 1)


def _carry(
    model: cp_model.CpModel, demand: Demand, replicas: dict[Place, tuple[cp_model.IntVar, ...]], used: cp_model.IntVar
) -> None:
    """
    Enough replicas of one kind in one region, whichever zone is gone.

    Replicas of a kind carry alike, so the rows count whole replicas: tighter than sums of capacities.
    """
    capacity = next(iter(replicas))[0].capacity
    zones = dict.fromkeys(pool.zone for _, pool in replicas)
    on_spot = any(pool.is_spot for _, pool in replicas)
    for period, needs in enumerate(zip(demand.total, demand.firm, demand.spot, strict=True)):
        total, firm, spot = (replicas_for(capacity, each) for each in needs)
        standing = [(pool, numbers[period]) for (_, pool), numbers in replicas.items()]
        for _, number in standing:
            model.add(number <= total * used)
        for lost in (None, *zones) if demand.zone_loss else (None,):
            left = [(pool, number) for pool, number in standing if pool.zone != lost]
            model.add(sum(number for _, number in left) >= total * used)
            if on_spot and firm:
                model.add(sum(number for pool, number in left if not pool.is_spot) >= firm * used)
        if spot:
            model.add(sum(number for pool, number in standing if pool.is_spot) >= spot * used)


def _no_more(
    model: cp_model.CpModel,
    demand: Demand,
    replicas: dict[Place, tuple[cp_model.IntVar, ...]],
    used: cp_model.IntVar,
    times: int,
) -> None:
    """No replicas of an option that is not taken, nor more in a pool than carry so many times the demand."""
    for (choice, _), numbers in replicas.items():
        for number, total in zip(numbers, demand.total, strict=True):
            model.add(number <= replicas_for(choice.capacity, total * times) * used)


def _pack(
    model: cp_model.CpModel,
    machines: dict[Pool, tuple[cp_model.IntVar, ...]],
    replicas: dict[Place, tuple[cp_model.IntVar, ...]],
) -> None:
    """The slots of all replicas are no more than those of all machines, pool by pool and period by period."""
    on_pool: dict[Pool, list[Place]] = {}
    for place in replicas:
        on_pool.setdefault(place[1], []).append(place)
    for pool, places in on_pool.items():
        for period, number in enumerate(machines[pool]):
            taken = weighted([replicas[place][period] for place in places], [place[0].slots for place in places])
            model.add(taken <= pool.slots * number)


def _limit(model: cp_model.CpModel, problem: Problem, machines: dict[Pool, tuple[cp_model.IntVar, ...]]) -> None:
    """No more of any quota at a time than there is."""
    for quota in problem.quotas:
        taking = [(machines[pool], units) for pool, units in quota.units if pool in machines]
        for period in range(len(problem.periods)):
            used = weighted([numbers[period] for numbers, _ in taking], [units for _, units in taking])
            model.add(used <= quota.limit)


def _share(
    model: cp_model.CpModel,
    problem: Problem,
    team: Team,
    replicas: dict[Place, tuple[cp_model.IntVar, ...]],
    most: dict[Choice, tuple[int, ...]],
) -> None:
    """No more slots at a time, and no more money on average, than a team may have."""
    own = [place for place in replicas if place[0].workload in team.workloads]
    if team.slots is not None:
        for period in range(len(problem.periods)):
            taken = weighted([replicas[place][period] for place in own], [place[0].slots for place in own])
            model.add(taken <= team.slots)
    if team.micro_usd_per_hour is None:
        return
    hours = _ratio([period.hours for period in problem.periods])
    whole = math.lcm(*(pool.slots for _, pool in own))
    spent = Sum(variables=[], weights=[])
    for choice, pool in own:
        each = choice.slots * pool.micro_usd_per_hour * (whole // pool.slots)
        for number, h in _paid(model, pool, replicas[choice, pool], max(most[choice]), hours):
            spent.add(number, each * h)
    model.add(spent.expression <= team.micro_usd_per_hour * sum(hours) * whole)


def _paid(
    model: cp_model.CpModel, pool: Pool, numbers: tuple[cp_model.IntVar, ...], bound: int, hours: tuple[int, ...]
) -> list[tuple[cp_model.IntVar, int]]:
    """What a team pays replicas for: the hours that they are up; on machines that are kept, the most of them always."""
    if not pool.is_kept or len(numbers) == 1:
        return list(zip(numbers, hours, strict=True))
    most = model.new_int_var(0, bound, "")
    for number in numbers:
        model.add(most >= number)
    return [(most, sum(hours))]


def _system(
    model: cp_model.CpModel,
    problem: Problem,
    machines: dict[Pool, tuple[cp_model.IntVar, ...]],
    most: dict[Pool, int],
    *,
    cost: Sum,
    hours: int,
) -> dict[str, cp_model.IntVar]:
    """System machines of each region in use: one for each zone with machines, and at least the site's least."""
    found = {}
    for site in problem.sites:
        here = {pool: numbers for pool, numbers in machines.items() if pool.region == site.region}
        if not here:
            continue
        zones = {zone: model.new_bool_var("") for zone in dict.fromkeys(pool.zone for pool in here)}
        for pool, numbers in here.items():
            for number in dict.fromkeys(numbers):
                model.add(number <= most[pool] * zones[pool.zone])
        in_use = model.new_bool_var("")
        for zone in zones.values():
            model.add_implication(zone, in_use)
        system = model.new_int_var(0, max(site.least_system_machines, len(zones)), "")
        model.add(system >= site.least_system_machines * in_use)
        model.add(system >= sum(zones.values()))
        cost.add(system, site.system_micro_usd_per_hour * hours)
        found[site.region] = system
    return found


def _commit(
    model: cp_model.CpModel,
    problem: Problem,
    machines: dict[Pool, tuple[cp_model.IntVar, ...]],
    most: dict[Pool, int],
    *,
    cost: Sum,
    hours: tuple[int, ...],
) -> dict[Commitment, cp_model.IntVar]:
    """Commitments that are bought, and on-demand machines that they and those owned cover: these cost nothing more."""
    by_place: dict[tuple[str, str], list[Commitment]] = {}
    for one in problem.commitments:
        by_place.setdefault((one.machine, one.region), []).append(one)
    found = {}
    for (machine, region), offered in by_place.items():
        pools = [
            pool
            for pool in machines
            if (pool.machine, pool.region, pool.mode) == (machine, region, PurchaseMode.ON_DEMAND)
        ]
        enough = sum(most[pool] for pool in pools)
        for one in offered:
            found[one] = model.new_int_var(0, enough if one.most is None else min(one.most, enough), "")
            cost.add(found[one], one.micro_usd_per_hour * sum(hours))
        owned = sum(one.owned for one in offered)
        for period, h in enumerate(hours):
            covered = []
            for pool in pools:
                number = machines[pool][period]
                covered.append(model.new_int_var(0, most[pool], ""))
                model.add(covered[-1] <= number)
                cost.add(covered[-1], -h * pool.micro_usd_per_hour)
            model.add(sum(covered) <= owned + sum(found[one] for one in offered))
    return found
