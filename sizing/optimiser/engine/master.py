"""
The master of column generation: machines bought for a mix of ways to stand, and the prices that this puts on slots.

A column is one workload placed. As machines of the master come in parts, a workload that stands alone on a machine
would pay for a part of it. Rows that link the two hold that a pool has all the machines that any one workload stands
on; they are added where a solution breaks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sizing.optimiser.engine.covers import Cover, LeastUnits, broken
from sizing.optimiser.engine.machines import Machines, machines
from sizing.optimiser.engine.placed import Placed, machines_alone, team_usd_per_hour
from sizing.optimiser.engine.slot_prices import Link, SlotPrices, amortised
from sizing.optimiser.engine.tables import Floats, Tables
from sizing.optimiser.problem import Team

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

    from sizing.optimiser.engine.machines import Row, Variable

Column = tuple[int, Placed]  # a workload, and one way that it stands
LEAST_WEIGHT = 1e-6  # of a column that is taken
LEAST_BREACH = 0.02  # machines: what a link must be broken by to be added


@dataclass(kw_only=True)
class Master:
    """The master as it grows."""

    tables: Tables
    model: mathopt.Model
    machines: Machines
    chosen: Mapping[int, Row]  # by workload: one way, or left out
    left_out: Mapping[int, Variable]
    penalties: Floats  # of each workload that is left out, in USD per hour
    columns: dict[Column, Variable] = field(default_factory=dict)  # with their weights
    links: dict[Link, Row] = field(default_factory=dict)
    covers: dict[Cover, Row] = field(default_factory=dict)
    covered_by: dict[int, list[Row]] = field(default_factory=dict)  # by option


def master(tables: Tables, penalties: Floats, *, whole: bool = False) -> Master:
    """A master without columns; *whole*: machines in whole numbers."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    model = mathopt.Model()
    pools = sorted(set(tables.pool.tolist()))
    bought = machines(model, tables.problem, pools, most={at: tables.most[at] for at in pools}, whole=whole)
    left_out = {m: model.add_variable(lb=0) for m in range(len(tables.problem.demands))}
    chosen = {}
    for m, variable in left_out.items():
        chosen[m] = model.add_linear_constraint(lb=1, ub=1)
        chosen[m].set_coefficient(variable, 1)
    for variable, coefficient in {**bought.cost, **bought.moves}.items():
        model.objective.set_linear_coefficient(variable, coefficient)
    made = Master(tables=tables, model=model, machines=bought, chosen=chosen, left_out=left_out, penalties=penalties)
    penalise(made, penalties)
    return made


def penalise(made: Master, penalties: Floats) -> None:
    """Let each workload that is left out cost its penalty from now on."""
    made.penalties = penalties
    for m, variable in made.left_out.items():
        made.model.objective.set_linear_coefficient(variable, float(penalties[m]))


def add(made: Master, columns: Iterable[Column]) -> int:
    """Add those of *columns* that the master does not have: how many."""
    before = len(made.columns)
    for m, placed in columns:
        if (m, placed) in made.columns:
            continue
        weight = made.model.add_variable(lb=0)
        made.columns[m, placed] = weight
        made.chosen[m].set_coefficient(weight, 1)
        price = made.tables.standing[placed.option]
        made.model.objective.set_linear_coefficient(weight, price)
        if made.machines.budget is not None:
            made.machines.budget.set_coefficient(weight, price)
        for row, amount in _taken(made, m, placed).items():
            row.set_coefficient(weight, amount)
        for link, number in _stood(made, m, placed):
            if link in made.links:
                made.links[link].set_coefficient(weight, number)
        for row in made.covered_by.get(placed.option, ()):
            row.set_coefficient(weight, 1)
    return len(made.columns) - before


def _taken(made: Master, workload: int, placed: Placed) -> dict[Row, float]:
    """What one workload placed takes of packing rows and of its team's."""
    tables, bought = made.tables, made.machines
    rows: dict[Row, float] = {}
    team = _team(tables, workload)
    for at, replicas in placed.replicas:
        slots = int(tables.slots[at])
        for period, number in enumerate(replicas):
            row = bought.packing[int(tables.pool[at]), period]
            rows[row] = rows.get(row, 0.0) + number * slots
            if team is not None and team.slots is not None:
                row = bought.team_slots[team.name, period]
                rows[row] = rows.get(row, 0.0) + number * slots
    if team is not None and team.micro_usd_per_hour is not None:
        rows[bought.team_money[team.name]] = team_usd_per_hour(tables, placed)
    return rows


def _team(tables: Tables, workload: int) -> Team | None:
    name = tables.problem.demands[workload].workload
    return next((team for team in tables.problem.teams if name in team.workloads), None)


def _stood(made: Master, workload: int, placed: Placed) -> Iterator[tuple[Link, int]]:
    for (pool, period), number in machines_alone(made.tables, placed).items():
        yield (workload, pool, period), number


def link(made: Master, result: mathopt.SolveResult) -> int:
    """Add the links that a solution of the master breaks: how many."""
    values = result.variable_values()
    stood: dict[Link, float] = {}
    entries: dict[Link, list[tuple[Variable, int]]] = {}
    for (m, placed), weight in made.columns.items():
        for each, number in _stood(made, m, placed):
            entries.setdefault(each, []).append((weight, number))
            stood[each] = stood.get(each, 0.0) + number * values[weight]
    before = len(made.links)
    for each, machines_stood in stood.items():
        _, pool, period = each
        machine = made.machines.count[pool, period]
        if each in made.links or machines_stood <= values[machine] + LEAST_BREACH:
            continue
        made.links[each] = made.model.add_linear_constraint(ub=0)
        made.links[each].set_coefficient(machine, -1)
        for weight, coefficient in entries[each]:
            made.links[each].set_coefficient(weight, coefficient)
    return len(made.links) - before


def cover(made: Master, result: mathopt.SolveResult, least: LeastUnits) -> int:
    """Add the covers that a solution of the master breaks: how many."""
    values = result.variable_values()
    taken: dict[int, float] = {}
    for (_, placed), weight in made.columns.items():
        if values[weight] > LEAST_WEIGHT:
            taken[placed.option] = taken.get(placed.option, 0.0) + values[weight]
    before = len(made.covers)
    for each in broken(made.tables, least, taken):
        if each in made.covers:
            continue
        made.covers[each] = row = made.model.add_linear_constraint(ub=each.most)
        for option in each.options:
            made.covered_by.setdefault(option, []).append(row)
        inside = set(each.options)
        for (_, placed), weight in made.columns.items():
            if placed.option in inside:
                row.set_coefficient(weight, 1)
    return len(made.covers) - before


def cost_at(made: Master, prices: SlotPrices, place: Floats, workload: int, placed: Placed) -> float:
    """What a column costs at *prices*, of which *place* are those of replicas, in USD per hour."""
    replicas = sum(
        float(place[at, period]) * number for at, numbers in placed.replicas for period, number in enumerate(numbers)
    )
    whole = sum(prices.machines.get(each, 0.0) * number for each, number in _stood(made, workload, placed))
    return made.tables.standing[placed.option] + prices.options.get(placed.option, 0.0) + replicas + whole


def prices_of(made: Master, result: mathopt.SolveResult) -> SlotPrices:
    """
    The master's prices: what one slot less would cost.

    Slots of a pool that no column uses are worth anything from nothing to their share of a machine. The highest price
    is taken, at which a machine there would just pay: else every unused pool looks like free room.
    """
    problem, bought = made.tables.problem, made.machines
    duals, reduced = result.dual_values(), result.reduced_costs()
    slots = amortised(made.tables).slots
    for (pool, period), row in bought.packing.items():
        of, machine = problem.pools[pool], bought.count[pool, period]
        share = problem.periods[period].hours / problem.hours if of.is_kept else 1.0
        slots[pool, period] = max(0.0, -duals[row]) + max(0.0, reduced[machine]) * share / of.slots
    team_slots = np.zeros((len(problem.teams), len(problem.periods)))
    team_money = np.zeros(len(problem.teams))
    for at, team in enumerate(problem.teams):
        for period in made.tables.periods:
            if (team.name, period) in bought.team_slots:
                team_slots[at, period] = max(0.0, -duals[bought.team_slots[team.name, period]])
        if team.name in bought.team_money:
            team_money[at] = max(0.0, -duals[bought.team_money[team.name]])
    return SlotPrices(
        slots=slots,
        team_slots=team_slots,
        team_money=team_money,
        machines={each: price for each, row in made.links.items() if (price := -duals[row]) > 0},
        options=_option_prices(made, duals),
        machine_side=result.objective_value() - sum(duals[row] for row in made.chosen.values()),
    )


def _option_prices(made: Master, duals: Mapping[Row, float]) -> dict[int, float]:
    found: dict[int, float] = {}
    for each, row in made.covers.items():
        if -duals[row] > 0:
            for option in each.options:
                found[option] = found.get(option, 0.0) - duals[row]
    return found
