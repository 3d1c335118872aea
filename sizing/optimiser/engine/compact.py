"""
The whole problem, or some of its workloads beside others that stand, as one mixed-integer model.

A binary for each option, a count of replicas for each place, and the machine side. Replicas of options that are not
taken need no row that keeps them at zero: nothing is gained by them, and they are left out when the answer is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.optimiser.engine.machines import NOTHING_TAKEN, Machines, Taken, machines, usd
from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.solving import Ended, Limits, solved
from sizing.optimiser.engine.tables import Option, Tables
from sizing.optimiser.engine.trim import trimmed

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

    from sizing.optimiser.engine.machines import Variable

FEW_WORKLOADS = 64  # up to these, rows tie each option to its region: tighter, and quick enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Compact:
    """One model and what its variables stand for."""

    model: mathopt.Model
    tables: Tables
    workloads: tuple[int, ...]
    options: Mapping[int, Variable]  # by option: whether it is taken
    replicas: Mapping[tuple[int, int], Variable]  # by place and period
    left_out: Mapping[int, Variable]  # by workload, of those that may be
    machines: Machines
    cost: Mapping[Variable, float]  # with moves and standing costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a solve of a model came to."""

    ended: Ended
    placed: Mapping[int, Placed] | None  # None: no solution
    bound: float | None  # of what was minimised


def compact(
    tables: Tables,
    workloads: Sequence[int],
    *,
    options: Iterable[int] | None = None,
    may_be_left_out: frozenset[int] = frozenset(),
    taken: Taken = NOTHING_TAKEN,
    whole: bool = True,
) -> Compact:
    """
    The model of *workloads*.

    Args:
        tables: Of the problem.
        workloads: That are decided on, by their places in the problem.
        options: That may be taken; None: all of those workloads.
        may_be_left_out: Workloads that need not be served.
        taken: By workloads that stand already, on the pools that `pools_of` tells and on others.
        whole: Whether in whole numbers; else the linear relaxation.
    """
    from ortools.math_opt.python import mathopt  # noqa: PLC0415  half a second: imported where it is first used

    model = mathopt.Model()
    own = [j for m in workloads for j in tables.of_workload[m]] if options is None else list(options)
    places = [i for j in own for i in range(tables.places_of[j].start, tables.places_of[j].stop)]
    pools = pools_of(tables, own)
    most = dict.fromkeys(pools, 0) | _most(tables, own)
    bought = machines(model, tables.problem, pools, most=most, taken=taken, whole=whole)
    chosen = {j: model.add_variable(lb=0, ub=1, is_integer=whole) for j in own}
    replicas = {
        (i, t): model.add_variable(lb=0, ub=_at_most(tables.options[tables.option[i]], t), is_integer=whole)
        for i in places
        for t in tables.periods
    }
    left_out = {m: model.add_variable(lb=0, ub=1, is_integer=whole) for m in workloads if m in may_be_left_out}
    standings = {variable: price for j, variable in chosen.items() if (price := tables.standing[j])}
    if bought.budget is not None:
        for variable, price in standings.items():
            bought.budget.set_coefficient(variable, price)
    built = Compact(
        model=model,
        tables=tables,
        workloads=tuple(workloads),
        options=chosen,
        replicas=replicas,
        left_out=left_out,
        machines=bought,
        cost={**bought.cost, **bought.moves, **standings},
    )
    _one_option(built)
    for j in own:
        for t in tables.periods:
            _carried(built, j, t)
    _pack(built, places)
    _teams(built, places)
    return built


def pools_of(tables: Tables, options: Iterable[int]) -> list[int]:
    """The pools that replicas of *options* may stand on, and those that share a commitment with one of them, sorted."""
    pools = {int(pool) for j in options for pool in tables.pool[tables.places_of[j]]}
    if tables.problem.commitments:
        covered = {(one.machine, one.region) for one in tables.problem.commitments}
        inside = {(tables.problem.pools[at].machine, tables.problem.pools[at].region) for at in pools} & covered
        pools |= {at for at, of in enumerate(tables.problem.pools) if (of.machine, of.region) in inside}
    return sorted(pools)


def _at_most(option: Option, period: int) -> int:
    return max(option.total[period], option.firm[period], option.spot[period])


def _most(tables: Tables, options: Iterable[int]) -> dict[int, int]:
    """Machines of each pool that could be of use: for each workload, those that its widest option could fill."""
    by_workload: dict[tuple[int, int], int] = {}
    for j in options:
        option = tables.options[j]
        for i in range(tables.places_of[j].start, tables.places_of[j].stop):
            pool = int(tables.pool[i])
            wide = -(-int(tables.slots[i]) // tables.problem.pools[pool].slots)
            number = wide * max(_at_most(option, t) for t in tables.periods)
            key = (pool, option.workload)
            by_workload[key] = max(number, by_workload.get(key, 0))
    most: dict[int, int] = {}
    for (pool, _), number in by_workload.items():
        most[pool] = most.get(pool, 0) + number
    return most


def _one_option(built: Compact) -> None:
    """Each workload takes one option, or is left out; a region where one is taken is in use."""
    few = len(built.workloads) <= FEW_WORKLOADS
    for m in built.workloads:
        row = built.model.add_linear_constraint(lb=1, ub=1)
        regions: dict[str, list[Variable]] = {}
        for j in built.tables.of_workload[m]:
            if j in built.options:
                row.set_coefficient(built.options[j], 1)
                regions.setdefault(built.tables.options[j].region, []).append(built.options[j])
        if m in built.left_out:
            row.set_coefficient(built.left_out[m], 1)
        for region, variables in regions.items() if few else ():
            tie = built.model.add_linear_constraint(ub=0)
            tie.set_coefficient(built.machines.in_use[region], -1)
            for variable in variables:
                tie.set_coefficient(variable, 1)


def _carried(built: Compact, option: int, period: int) -> None:
    """Enough replicas where the option is taken, whichever zone is gone."""
    tables, of = built.tables, built.tables.options[option]
    span = tables.places_of[option]
    everywhere = range(span.start, span.stop)
    firm = [i for i in everywhere if not tables.is_spot[i]]
    total, least_firm = of.total[period], of.firm[period]
    rows: list[tuple[Sequence[int], int]] = (
        [(everywhere, total)] if len(firm) < len(everywhere) or total > least_firm else []
    )
    rows += [(firm, least_firm if rows else max(total, least_firm))]
    for places, number in rows:
        for lost in range(len(of.zones)) if of.zone_loss else (None,):
            left = [i for i in places if tables.zone[i] != lost]
            _at_least(built, left, period, number, option)
    _at_least(built, [i for i in everywhere if tables.is_spot[i]], period, of.spot[period], option)


def _at_least(built: Compact, places: Sequence[int], period: int, number: int, option: int) -> None:
    if not number:
        return
    row = built.model.add_linear_constraint(lb=0)
    row.set_coefficient(built.options[option], -number)
    for i in places:
        row.set_coefficient(built.replicas[i, period], 1)


def _pack(built: Compact, places: Iterable[int]) -> None:
    for i in places:
        for t in built.tables.periods:
            row = built.machines.packing[int(built.tables.pool[i]), t]
            row.set_coefficient(built.replicas[i, t], int(built.tables.slots[i]))


def _teams(built: Compact, places: Iterable[int]) -> None:
    """Each replica takes its slots of its team's, and costs it their share of the machine's price."""
    problem = built.tables.problem
    by_workload = {name: team for team in problem.teams for name in team.workloads}
    for i in places:
        pool = problem.pools[built.tables.pool[i]]
        team = by_workload.get(problem.demands[built.tables.options[built.tables.option[i]].workload].workload)
        if team is None:
            continue
        slots = int(built.tables.slots[i])
        for t in built.tables.periods:
            if team.slots is not None:
                built.machines.team_slots[team.name, t].set_coefficient(built.replicas[i, t], slots)
        if team.micro_usd_per_hour is not None:
            price = usd(pool.micro_usd_per_hour) * slots / pool.slots
            row = built.machines.team_money[team.name]
            if pool.is_kept and len(problem.periods) > 1:
                row.set_coefficient(_highest(built, i), price)
                continue
            for t, period in enumerate(problem.periods):
                row.set_coefficient(built.replicas[i, t], price * period.hours / problem.hours)


def _highest(built: Compact, place: int) -> Variable:
    """The most replicas of a place in any period."""
    highest = built.model.add_variable(lb=0)
    for t in built.tables.periods:
        row = built.model.add_linear_constraint(lb=0)
        row.set_coefficient(highest, 1)
        row.set_coefficient(built.replicas[place, t], -1)
    return highest


def cheapest(built: Compact, limits: Limits, *, hint: Mapping[int, Placed] | None = None) -> Found:
    """The least cost of a model, within *limits*; *hint*: a solution to start from."""
    return least(built, built.cost, limits, hint)


def fewest_left_out(built: Compact, limits: Limits, workloads: Iterable[int]) -> Found:
    """The fewest of *workloads* that are left out."""
    return least(built, {built.left_out[m]: 1.0 for m in workloads if m in built.left_out}, limits)


def hold_left_out(built: Compact, workloads: Iterable[int], number: int) -> None:
    """No more than *number* of *workloads* are left out from now on."""
    row = built.model.add_linear_constraint(ub=number)
    for m in workloads:
        if m in built.left_out:
            row.set_coefficient(built.left_out[m], 1)


def least(
    built: Compact, objective: Mapping[Variable, float], limits: Limits, hint: Mapping[int, Placed] | None = None
) -> Found:
    """The least of any *objective* of a model, within *limits*; *hint*: a solution to start from."""
    built.model.minimize(0.0)
    for variable, coefficient in objective.items():
        built.model.objective.set_linear_coefficient(variable, coefficient)
    ended = solved(built.model, limits, hint=None if hint is None else _values(built, hint))
    return Found(ended=ended, placed=None if ended.values is None else _placed(built, ended.values), bound=ended.bound)


def _values(built: Compact, placed: Mapping[int, Placed]) -> dict[Variable, float]:
    """Values of options and replicas in a solution that is known."""
    values: dict[Variable, float] = dict.fromkeys([*built.options.values(), *built.replicas.values()], 0.0)
    for m, variable in built.left_out.items():
        values[variable] = 0.0 if m in placed else 1.0
    for m in built.workloads:
        if m in placed and placed[m].option in built.options:
            values[built.options[placed[m].option]] = 1.0
            for place, replicas in placed[m].replicas:
                for t, number in enumerate(replicas):
                    values[built.replicas[place, t]] = number
    return values


def _placed(built: Compact, values: Mapping[Variable, float]) -> dict[int, Placed]:
    """The workloads that are served, with no replica more than it takes."""
    found: dict[int, Placed] = {}
    for m in built.workloads:
        for j in built.tables.of_workload[m]:
            if j in built.options and values[built.options[j]] > 0.5:
                span = built.tables.places_of[j]
                replicas = {
                    i: [round(values[built.replicas[i, t]]) for t in built.tables.periods]
                    for i in range(span.start, span.stop)
                }
                found[m] = trimmed(built.tables, j, replicas)
    return found
