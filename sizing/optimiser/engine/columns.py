"""
Column generation: the linear relaxation in which each workload takes a mix of whole ways to stand, and its bound.

A column is one workload placed. The master buys machines for a mix of columns and prices their slots; pricing finds
each workload's cheapest way at these prices. What the cheapest ways would save together bounds what any purchase costs
(Lagrange), whether or not the master has all the columns that it could use.

Prices are smoothed between those of the best bound and those of the master, which keeps them from swinging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sizing.optimiser.engine.machines import Machines, machines, usd
from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.pricing import Pricer, costs, placed_at
from sizing.optimiser.engine.tables import Floats, Tables

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

    from sizing.optimiser.engine.machines import Row, Variable

SMOOTHING = 0.6  # share of the best bound's prices in those that columns are sought at
CLOSED = 2e-4  # share of the master's value that is not proved: where generation stops
LEAST_SAVING = 1e-7  # USD per hour: what a column must promise to be taken
FIRST_PENALTY = 4.0  # of a workload that is left out, in units of what it costs by itself
PENALTY = 20.0  # where some are left out at the first, in units of the dearest workload by itself
FIRST_WAYS = 8  # of each workload that the master starts with
LEAST_LEFT_OUT = 1e-6  # share of a workload
ROOM = 100_000  # machines of a pool in the relaxation: no limit that binds


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """The end of a column generation."""

    columns: tuple[tuple[int, Placed], ...]  # workload, and one way that it stands
    weights: tuple[float, ...]  # of each column in the master
    bound: float  # USD per hour, with its penalty for each workload that is left out
    penalties: tuple[float, ...]  # of each workload
    left_out: Mapping[int, float]  # share of each workload that no column of the master carries
    place: Floats  # [places, periods]: price of a replica at the best bound
    rounds: int

    def bound_without(self, left_out: int) -> float:
        """What no purchase that leaves out so many workloads costs less than, in USD per hour."""
        return self.bound - sum(sorted(self.penalties, reverse=True)[:left_out])


@dataclass(frozen=True, kw_only=True)
class _Prices:
    """Prices of what replicas take, and what the machine side is worth at them."""

    slots: Floats  # [pools, periods]
    team_slots: Floats  # [teams, periods]
    team_money: Floats  # [teams]
    machine_side: float  # the dual objective without the workloads'

    def mixed(self, other: _Prices, share: float) -> _Prices:
        """*share* of these prices and the rest of the *other* ones."""
        return _Prices(
            slots=share * self.slots + (1 - share) * other.slots,
            team_slots=share * self.team_slots + (1 - share) * other.team_slots,
            team_money=share * self.team_money + (1 - share) * other.team_money,
            machine_side=share * self.machine_side + (1 - share) * other.machine_side,
        )


@dataclass(kw_only=True)
class _Master:
    """The master as it grows."""

    model: mathopt.Model
    machines: Machines
    chosen: Mapping[int, Row]  # by workload: one way, or left out
    left_out: Mapping[int, Variable]
    penalties: Floats  # of each workload that is left out
    columns: list[tuple[int, Placed]] = field(default_factory=list)
    weights: list[Variable] = field(default_factory=list)
    known: set[tuple[int, Placed]] = field(default_factory=set)


def relaxation(priced: Pricer, *, rounds: int) -> Relaxation:
    """
    The linear relaxation over columns, after at most *rounds* of pricing.

    A workload that is left out costs a few times what it would cost by itself; only if some are left out even so does
    it cost as much as no workload does, the same for each. Penalties that are high from the start lead astray.
    """
    from ortools.math_opt.python import mathopt  # noqa: PLC0415  half a second: imported where it is first used

    first = _market_prices(priced.tables)
    place = _replica_prices(priced.tables, first)
    alone = _alone(priced, costs(priced, place))
    highest = PENALTY * max(1.0, float(np.max(alone, initial=0.0)))
    master = _master(priced.tables, np.where(alone > 0, FIRST_PENALTY * alone, highest))
    _add(master, priced.tables, _first_ways(priced, place, costs(priced, place)))
    solver = mathopt.IncrementalSolver(master.model, mathopt.SolverType.GLOP)
    search = _Search(best=first, bound=-np.inf, place=place, rounds=0)
    result = _generate(priced, master, solver, search, rounds)
    if any(result.variable_values(variable) > LEAST_LEFT_OUT for variable in master.left_out.values()):
        _penalise(master, np.full(len(alone), highest))
        result = _generate(priced, master, solver, search, 2 * rounds)
    values = result.variable_values()
    return Relaxation(
        columns=tuple(master.columns),
        weights=tuple(values[variable] for variable in master.weights),
        bound=search.bound,
        penalties=tuple(float(each) for each in master.penalties),
        left_out={m: values[variable] for m, variable in master.left_out.items()},
        place=search.place,
        rounds=search.rounds,
    )


@dataclass(kw_only=True)
class _Search:
    """The prices of the best bound so far."""

    best: _Prices
    bound: float
    place: Floats
    rounds: int


def _generate(
    priced: Pricer, master: _Master, solver: mathopt.IncrementalSolver, search: _Search, rounds: int
) -> mathopt.SolveResult:
    """Columns until the master is nearly proved, or after so many rounds in all; the master's last solution."""
    while True:
        result = _solved(master, solver)
        value = result.objective_value()
        if search.rounds >= rounds or value - search.bound <= CLOSED * abs(value):
            return result
        search.rounds += 1
        prices = _duals(priced.tables, master, result)
        added = 0
        for share in (SMOOTHING if search.rounds > 1 else 0.0, 0.0):
            sought = search.best.mixed(prices, share)
            place = _replica_prices(priced.tables, sought)
            option_costs = costs(priced, place)
            bound = _lagrangian(priced, option_costs, sought, master.penalties)
            if bound > search.bound:
                search.best, search.bound, search.place = sought, bound, place
            found = _ways(priced, place, option_costs)
            added = _add(master, priced.tables, _promising(priced.tables, master, result, prices, found))
            if added:
                break
        if not added:
            return result


def _solved(master: _Master, solver: mathopt.IncrementalSolver) -> mathopt.SolveResult:
    """The master's solution: from the last basis by GLOP, or anew by HiGHS where GLOP loses its way in the numbers."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    result = solver.solve(params=mathopt.SolveParameters(threads=1))
    if result.termination.reason is mathopt.TerminationReason.OPTIMAL:
        return result
    return mathopt.solve(master.model, mathopt.SolverType.HIGHS)


def _alone(priced: Pricer, option_costs: Floats) -> Floats:
    """What each workload costs by itself at market prices; 0 where it has no option."""
    found = np.zeros(len(priced.tables.problem.demands))
    found[priced.with_options] = _cheapest(priced, option_costs)[1]
    return found


def _amortised(tables: Tables) -> _Prices:
    """Slots at their share of the machine's price, as if every machine were full and nothing were short."""
    problem = tables.problem
    hours = np.array([period.hours for period in problem.periods]) / problem.hours
    slots = np.array([usd(pool.micro_usd_per_hour) / pool.slots for pool in problem.pools])
    return _Prices(
        slots=slots[:, None] * hours[None, :],
        team_slots=np.zeros((len(problem.teams), len(hours))),
        team_money=np.zeros(len(problem.teams)),
        machine_side=0.0,
    )


def _market_prices(tables: Tables) -> _Prices:
    """
    Where prices start: slots of machines of which there are only so many, at what others of the type cost at the least.

    Reservations that are paid for look free, and at no price everyone would stand there first.
    """
    found = _amortised(tables)
    pools = tables.problem.pools
    dearest = found.slots.max(axis=0, initial=0.0)
    unlimited: dict[str, Floats] = {}
    for at, pool in enumerate(pools):
        if pool.most is None:
            unlimited[pool.machine] = np.minimum(unlimited.get(pool.machine, dearest), found.slots[at])
    for at, pool in enumerate(pools):
        if pool.most is not None:
            found.slots[at] = np.maximum(found.slots[at], unlimited.get(pool.machine, dearest))
    return found


def _replica_prices(tables: Tables, prices: _Prices) -> Floats:
    """[places, periods]: what one replica costs at *prices*."""
    problem = tables.problem
    found = tables.slots[:, None] * prices.slots[tables.pool]
    if not problem.teams:
        return found
    team_of = {name: place for place, team in enumerate(problem.teams) for name in team.workloads}
    workload = [team_of.get(demand.workload, -1) for demand in problem.demands]
    team = np.array([workload[tables.options[j].workload] for j in tables.option])
    inside = np.flatnonzero(team >= 0)
    found[inside] += tables.slots[inside, None] * prices.team_slots[team[inside]]
    shares = _amortised(tables).slots[tables.pool[inside]] * tables.slots[inside, None]
    found[inside] += prices.team_money[team[inside], None] * shares
    return found


def _cheapest(priced: Pricer, option_costs: Floats) -> tuple[Floats, Floats]:
    """For each workload with options, its cheapest one and what it costs."""
    least = np.minimum.reduceat(option_costs, priced.first)
    at = np.array(
        [
            own.start + int(np.argmin(option_costs[own.start : own.stop]))
            for own in (priced.tables.of_workload[m] for m in priced.with_options)
        ]
    )
    return at, least


def _ways(priced: Pricer, place: Floats, option_costs: Floats) -> list[tuple[int, Placed]]:
    """The cheapest way of each workload."""
    found = []
    for m, option in zip(priced.with_options, _cheapest(priced, option_costs)[0], strict=True):
        placed = placed_at(priced, int(option), place)
        if placed is not None:
            found.append((int(m), placed))
    return found


def _first_ways(priced: Pricer, place: Floats, option_costs: Floats) -> list[tuple[int, Placed]]:
    """The cheapest ways of each workload on several accelerators and in several regions: room for the master to mix."""
    found = []
    for m in priced.with_options:
        own = priced.tables.of_workload[m]
        order = own.start + np.argsort(option_costs[own.start : own.stop], kind="stable")
        seen: set[tuple[str, str]] = set()
        for option in order:
            of = priced.tables.options[option]
            key = of.kind.partition(" ")[0], of.region
            if key in seen:
                continue
            seen.add(key)
            placed = placed_at(priced, int(option), place)
            if placed is not None:
                found.append((int(m), placed))
            if len(seen) == FIRST_WAYS:
                break
    return found


def _lagrangian(priced: Pricer, option_costs: Floats, prices: _Prices, penalties: Floats) -> float:
    """What no purchase costs less than, with the penalty for each workload that it leaves out."""
    least = penalties.copy()
    least[priced.with_options] = np.minimum(_cheapest(priced, option_costs)[1], penalties[priced.with_options])
    return prices.machine_side + float(least.sum())


def _master(tables: Tables, penalties: Floats) -> _Master:
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    problem = tables.problem
    model = mathopt.Model()
    pools = sorted(set(tables.pool.tolist()))
    bought = machines(model, problem, pools, most=dict.fromkeys(pools, ROOM), whole=False)
    left_out = {m: model.add_variable(lb=0) for m in range(len(problem.demands))}
    chosen = {}
    for m, variable in left_out.items():
        chosen[m] = model.add_linear_constraint(lb=1, ub=1)
        chosen[m].set_coefficient(variable, 1)
    for variable, coefficient in {**bought.cost, **bought.moves}.items():
        model.objective.set_linear_coefficient(variable, coefficient)
    made = _Master(model=model, machines=bought, chosen=chosen, left_out=left_out, penalties=penalties)
    _penalise(made, penalties)
    return made


def _penalise(master: _Master, penalties: Floats) -> None:
    """Let each workload that is left out cost its penalty from now on."""
    master.penalties = penalties
    for m, variable in master.left_out.items():
        master.model.objective.set_linear_coefficient(variable, float(penalties[m]))


def _add(master: _Master, tables: Tables, ways: Iterable[tuple[int, Placed]]) -> int:
    """The columns of *ways* that the master does not have: how many."""
    before = len(master.columns)
    for m, placed in ways:
        if (m, placed) in master.known:
            continue
        master.known.add((m, placed))
        master.columns.append((m, placed))
        weight = master.model.add_variable(lb=0)
        master.weights.append(weight)
        master.chosen[m].set_coefficient(weight, 1)
        price = _standing(tables, m, placed)
        if price:
            master.model.objective.set_linear_coefficient(weight, price)
            if master.machines.budget is not None:
                master.machines.budget.set_coefficient(weight, price)
        for row, amount in taken_rows(tables, master.machines, m, placed).items():
            row.set_coefficient(weight, amount)
    return len(master.columns) - before


def _standing(tables: Tables, workload: int, placed: Placed) -> float:
    name, region = tables.problem.demands[workload].workload, tables.options[placed.option].region
    return sum(
        usd(one.micro_usd_per_hour) for one in tables.problem.standings if (one.workload, one.region) == (name, region)
    )


def taken_rows(tables: Tables, bought: Machines, workload: int, placed: Placed) -> dict[Row, float]:
    """What one workload placed takes of packing rows and of its team's."""
    problem = tables.problem
    rows: dict[Row, float] = {}
    team = next((t for t in problem.teams if problem.demands[workload].workload in t.workloads), None)
    for at, replicas in placed.replicas:
        pool, slots = problem.pools[tables.pool[at]], int(tables.slots[at])
        for period, number in enumerate(replicas):
            row = bought.packing[int(tables.pool[at]), period]
            rows[row] = rows.get(row, 0.0) + number * slots
            if team is not None and team.slots is not None:
                row = bought.team_slots[team.name, period]
                rows[row] = rows.get(row, 0.0) + number * slots
        if team is not None and team.micro_usd_per_hour is not None:
            row = bought.team_money[team.name]
            hours = [period.hours / problem.hours for period in problem.periods]
            up = max(replicas) if pool.is_kept else sum(n * h for n, h in zip(replicas, hours, strict=True))
            rows[row] = rows.get(row, 0.0) + up * slots * usd(pool.micro_usd_per_hour) / pool.slots
    return rows


def _promising(
    tables: Tables,
    master: _Master,
    result: mathopt.SolveResult,
    prices: _Prices,
    ways: Iterable[tuple[int, Placed]],
) -> list[tuple[int, Placed]]:
    """Those of *ways* that cost less at the master's own *prices* than what the workload takes now."""
    place = _replica_prices(tables, prices)
    worth = {m: result.dual_values(row) for m, row in master.chosen.items()}
    found = []
    for m, placed in ways:
        cost = _standing(tables, m, placed) + sum(
            float(place[at, period]) * number
            for at, replicas in placed.replicas
            for period, number in enumerate(replicas)
        )
        if cost < worth[m] - LEAST_SAVING:
            found.append((m, placed))
    return found


def _duals(tables: Tables, master: _Master, result: mathopt.SolveResult) -> _Prices:
    """
    The master's prices: what one slot less would cost.

    Slots of a pool that no column uses are worth anything from nothing to their share of a machine. The highest price
    is taken, at which a machine there would just pay: else every unused pool looks like free room.
    """
    problem = tables.problem
    duals, reduced = result.dual_values(), result.reduced_costs()
    slots = _amortised(tables).slots
    for (pool, period), row in master.machines.packing.items():
        of, machine = problem.pools[pool], master.machines.count[pool, period]
        share = problem.periods[period].hours / problem.hours if of.is_kept else 1.0
        slots[pool, period] = max(0.0, -duals[row]) + max(0.0, reduced[machine]) * share / of.slots
    team_slots = np.zeros((len(problem.teams), len(problem.periods)))
    team_money = np.zeros(len(problem.teams))
    for at, team in enumerate(problem.teams):
        for period in tables.periods:
            if (team.name, period) in master.machines.team_slots:
                team_slots[at, period] = max(0.0, -duals[master.machines.team_slots[team.name, period]])
        if team.name in master.machines.team_money:
            team_money[at] = max(0.0, -duals[master.machines.team_money[team.name]])
    workloads = sum(duals[row] for row in master.chosen.values())
    return _Prices(
        slots=slots,
        team_slots=team_slots,
        team_money=team_money,
        machine_side=result.objective_value() - workloads,
    )
