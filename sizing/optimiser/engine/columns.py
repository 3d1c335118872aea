"""
Column generation: the linear relaxation in which each workload takes a mix of whole ways to stand, and its bound.

The master buys machines for a mix of columns and prices their slots; pricing finds each workload's cheapest way at
these prices. What the cheapest ways would save together bounds what any purchase costs (Lagrange), whether or not the
master has all the columns that it could use. Once it has, rows that its solution breaks are added, and it goes on.

Prices are smoothed between those of the best bound and those of the master, which keeps them from swinging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sizing.optimiser.engine.alone import Alone, Cheapest, keeps_limits
from sizing.optimiser.engine.covers import least_units
from sizing.optimiser.engine.master import Column, Master, add, cost_at, cover, link, master, penalise, prices_of
from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.pricing import Pricer, placed_at
from sizing.optimiser.engine.slot_prices import SlotPrices, market_prices, replica_prices
from sizing.optimiser.engine.tables import Floats

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

SMOOTHING = 0.6  # share of the best bound's prices in those that columns are sought at
CLOSED = 2e-4  # share of the master's value that is not proved: where generation stops
LEAST_SAVING = 1e-7  # USD per hour: what a column must promise to be taken
FIRST_PENALTY = 4.0  # of a workload that is left out, in units of what it costs by itself
PENALTY = 20.0  # where some are left out at the first, in units of the dearest workload by itself
FIRST_WAYS = 8  # of each workload that the master starts with
LEAST_LEFT_OUT = 1e-6  # share of a workload
LINK_ROUNDS = 10  # of pricing, at the most, each time that links were added


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """The end of a column generation."""

    columns: tuple[Column, ...]
    weights: tuple[float, ...]  # of each column in the master
    bound: float  # USD per hour, with its penalty for each workload that is left out
    penalties: tuple[float, ...]  # of each workload
    place: Floats  # [places, periods]: price of a replica at the best bound, without those of whole machines
    options: Floats  # of each option what it costs at the best bound, or a bound below that

    def bound_without(self, left_out: int) -> float:
        """What no purchase that leaves out so many workloads costs less than, in USD per hour."""
        return self.bound - sum(sorted(self.penalties, reverse=True)[:left_out])


@dataclass(kw_only=True)
class _Search:
    """What is known so far: the prices of the best bound, and the cheapest ways at them."""

    alone: Alone
    prices: SlotPrices
    cheapest: Cheapest
    bound: float = -np.inf
    rounds: int = 0


def relaxation(priced: Pricer, *, rounds: int, links: int) -> Relaxation:
    """
    The linear relaxation over columns, after at most *rounds* of pricing, and after *links* times of adding rows.

    A workload that is left out costs a few times what it would cost by itself; only if some are left out even so does
    it cost as much as no workload does, the same for each. Penalties that are high from the start lead astray.
    """
    from ortools.math_opt.python import mathopt  # noqa: PLC0415  half a second: imported where it is first used

    alone, first = Alone(priced=priced), market_prices(priced.tables)
    search = _Search(alone=alone, prices=first, cheapest=alone.cheapest(first))
    by_itself = _least(priced, search.cheapest.options)
    highest = PENALTY * max(1.0, float(np.max(by_itself, initial=0.0)))
    made = master(priced.tables, np.where(by_itself > 0, FIRST_PENALTY * by_itself, highest))
    add(made, _first_ways(priced, search.cheapest))
    solver = mathopt.IncrementalSolver(made.model, mathopt.SolverType.GLOP)
    result = _generate(made, solver, search, rounds)
    if any(result.variable_values(variable) > LEAST_LEFT_OUT for variable in made.left_out.values()):
        penalise(made, np.full(len(by_itself), highest))
        result = _generate(made, solver, search, 2 * rounds)
    least = least_units(priced.tables)
    for _ in range(links):
        if not link(made, result) + cover(made, result, least):
            break
        result = _generate(made, solver, search, search.rounds + LINK_ROUNDS)
    values = result.variable_values()
    return Relaxation(
        columns=tuple(made.columns),
        weights=tuple(values[weight] for weight in made.columns.values()),
        bound=search.bound,
        penalties=tuple(float(each) for each in made.penalties),
        place=search.cheapest.place,
        options=search.cheapest.options,
    )


def _generate(made: Master, solver: mathopt.IncrementalSolver, search: _Search, rounds: int) -> mathopt.SolveResult:
    """Columns until the master is nearly proved, or after so many rounds in all; the master's last solution."""
    while True:
        result = _solved(made, solver)
        value = result.objective_value()
        if search.rounds >= rounds or value - search.bound <= CLOSED * abs(value):
            return result
        search.rounds += 1
        prices = prices_of(made, result)
        added = 0
        for share in (SMOOTHING if search.rounds > 1 else 0.0, 0.0):
            sought = search.prices.mixed(prices, share)
            cheapest = search.alone.cheapest(sought)
            bound = _lagrangian(search.alone.priced, cheapest.options, sought, made.penalties)
            if bound > search.bound:
                search.prices, search.bound, search.cheapest = sought, bound, cheapest
            added = add(made, _promising(made, result, prices, cheapest.ways))
            if added:
                break
        if not added:
            return result


def _solved(made: Master, solver: mathopt.IncrementalSolver) -> mathopt.SolveResult:
    """The master's solution: from the last basis by GLOP, or anew by HiGHS where GLOP loses its way in the numbers."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415

    result = solver.solve(params=mathopt.SolveParameters(threads=1))
    if result.termination.reason is mathopt.TerminationReason.OPTIMAL:
        return result
    return mathopt.solve(made.model, mathopt.SolverType.HIGHS)


def _least(priced: Pricer, option_costs: Floats) -> Floats:
    """What each workload costs in its cheapest option; 0 where it has none that carries it."""
    found = np.zeros(len(priced.tables.problem.demands))
    least = np.minimum.reduceat(option_costs, priced.first)
    found[priced.with_options] = np.where(np.isinf(least), 0.0, least)
    return found


def _first_ways(priced: Pricer, cheapest: Cheapest) -> list[Column]:
    """The cheapest ways of each workload on several accelerators and in several regions: room for the master to mix."""
    found = list(cheapest.ways.items())
    for m in priced.with_options.tolist():
        own = priced.tables.of_workload[m]
        order = own.start + np.argsort(cheapest.options[own.start : own.stop], kind="stable")
        seen: set[tuple[str, str]] = set()
        for option in order.tolist():
            of = priced.tables.options[option]
            key = of.kind.partition(" ")[0], of.region
            if key in seen:
                continue
            seen.add(key)
            placed = placed_at(priced, option, cheapest.place)
            if placed is not None and keeps_limits(priced.tables, placed):
                found.append((m, placed))
            if len(seen) == FIRST_WAYS:
                break
    return found


def _lagrangian(priced: Pricer, option_costs: Floats, prices: SlotPrices, penalties: Floats) -> float:
    """What no purchase costs less than, with the penalty for each workload that it leaves out."""
    least = penalties.copy()
    cheapest = np.minimum.reduceat(option_costs, priced.first)
    least[priced.with_options] = np.minimum(cheapest, penalties[priced.with_options])
    return prices.machine_side + float(least.sum())


def _promising(
    made: Master, result: mathopt.SolveResult, prices: SlotPrices, ways: Mapping[int, Placed]
) -> list[Column]:
    """Those of *ways* that cost less at the master's own *prices* than what the workload takes now."""
    place = replica_prices(made.tables, prices)
    worth = {m: result.dual_values(row) for m, row in made.chosen.items()}
    return [
        (m, placed) for m, placed in ways.items() if cost_at(made, prices, place, m, placed) < worth[m] - LEAST_SAVING
    ]
