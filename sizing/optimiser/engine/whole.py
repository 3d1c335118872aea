"""
The columns of the relaxation in whole numbers: one way for each workload, on whole machines, as one model.

It can only mix the ways that it is given: those that the relaxation came by, the cheapest ones at its prices, and how
workloads stand already. What it answers is a fleet, never a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from sizing.optimiser.engine.alone import keeps_limits
from sizing.optimiser.engine.columns import Relaxation
from sizing.optimiser.engine.fleet import Fleet
from sizing.optimiser.engine.master import Column, Master, add, master
from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.pricing import Pricer, placed_at
from sizing.optimiser.engine.solving import Limits, solved
from sizing.optimiser.engine.tables import rank

if TYPE_CHECKING:
    from sizing.optimiser.engine.machines import Variable

NEAR_OPTIONS = 6  # of each workload, the cheapest at the relaxation's prices: a way of each is a column


def best_of_columns(
    priced: Pricer, relaxed: Relaxation, standing: Fleet, limits: Limits, *, most_columns: int
) -> Mapping[int, Placed] | None:
    """
    The best fleet of columns that is found within *limits*; None: none is, or there are more than *most_columns*.

    Who stands is served; of the others as many as can be, the most important first.
    """
    columns = dict.fromkeys([*relaxed.columns, *_near(priced, relaxed), *standing.placed.items()])
    if len(columns) > most_columns:
        return None
    made = _whole_master(priced, columns, standing)
    cost = {term.variable: term.coefficient for term in made.model.objective.linear_terms()}
    missing = {m: rank(priced.tables.problem, m) for m in made.left_out if m not in standing.placed}
    for each in sorted(set(missing.values()), reverse=True):
        level = {made.left_out[m]: 1.0 for m, own in missing.items() if own == each}
        values = _minimised(made, level, limits, hint=None)
        if values is None:
            return None
        row = made.model.add_linear_constraint(ub=round(sum(values[variable] for variable in level)))
        for variable in level:
            row.set_coefficient(variable, 1)
    known = {weight: float(standing.placed.get(m) == placed) for (m, placed), weight in made.columns.items()}
    values = _minimised(made, cost, limits, hint=None if missing else known)
    if values is None:
        return None
    return {m: placed for (m, placed), weight in made.columns.items() if values[weight] > 0.5}


def _near(priced: Pricer, relaxed: Relaxation) -> Iterator[Column]:
    """The ways of each workload in its cheapest options, where they keep limits."""
    for m in priced.with_options.tolist():
        own = priced.tables.of_workload[m]
        order = own.start + np.argsort(relaxed.options[own.start : own.stop], kind="stable")
        for option in order[:NEAR_OPTIONS].tolist():
            placed = placed_at(priced, option, relaxed.place)
            if placed is not None and keeps_limits(priced.tables, placed):
                yield m, placed


def _whole_master(priced: Pricer, columns: Mapping[Column, None], standing: Fleet) -> Master:
    made = master(priced.tables, np.zeros(len(priced.tables.of_workload)), whole=True)
    add(made, columns)
    for m, variable in made.left_out.items():
        variable.upper_bound = float(m not in standing.placed)
        variable.integer = True
    for weight in made.columns.values():
        weight.upper_bound = 1.0
        weight.integer = True
    return made


def _minimised(
    made: Master, objective: Mapping[Variable, float], limits: Limits, hint: Mapping[Variable, float] | None
) -> Mapping[Variable, float] | None:
    made.model.minimize(0.0)
    for variable, coefficient in objective.items():
        made.model.objective.set_linear_coefficient(variable, coefficient)
    return solved(made.model, limits, hint=hint).values
