"""
The textbook bound: the problem in fractions, solved by GLOP, and rounded to a purchase.

Fractions of machines, of replicas and of choices cost no more than whole ones, so the linear programme's value is a
bound. Rounding takes workloads as the greedy strategy does, the largest first, and gives each the option that has the
largest part of it in fractions and still finds room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.optimiser.engine.compact import Compact, compact, hold_left_out
from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.optimiser.textbook.greedy import Room, cheapest, largest_first, room_in, take, within_budget
from sizing.units import MICRO_USD_PER_USD

if TYPE_CHECKING:
    from sizing.optimiser.engine.machines import Variable

SLACK = 1e-6  # of a level that is held: floating point


@dataclass(frozen=True, slots=True, kw_only=True)
class Fractions:
    """A solution in fractions: what was made least, and the part that each option has of its workload."""

    value: float
    parts: Mapping[int, float]


def relaxation(problem: Problem) -> Purchase:
    """The rounded purchase with the bound of the linear programme; INFEASIBLE where not even fractions do."""
    asked = tables(without_dominated(problem))
    demands = problem.demands
    without = [m for m, options in enumerate(asked.of_workload) if not options]
    if any(demands[m].priority is None for m in without):
        return Purchase(status=SolverStatus.INFEASIBLE)
    fractions = None if without else _least_cost(compact(asked, range(len(demands)), whole=False))
    if fractions is None:
        fractions = _fewest_left_out(asked)
    if fractions is None:
        return Purchase(status=SolverStatus.INFEASIBLE)
    found = _rounded(asked, fractions)
    if found.objective is None:
        return found
    bound = min(found.objective, _bound(asked, found) * MICRO_USD_PER_USD)
    proved = not found.unserved and bound >= found.objective
    return replace(found, bound=bound, status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE)


def _fewest_left_out(asked: Tables) -> Fractions | None:
    """Fractions that leave out as little as can be, of the highest priority first; None: there are none."""
    model = _with_left_out(asked)
    for level in _levels(asked.problem):
        fewest = _least(model, {model.left_out[m]: 1.0 for m in level})
        if fewest is None:
            return None
        _hold(model, level, fewest.value + SLACK)
    return _least_cost(model)


def _bound(asked: Tables, found: Purchase) -> float:
    """The least cost in fractions, in USD an hour, of leaving out no more of each priority than *found* does."""
    demands = asked.problem.demands
    if not found.unserved:
        served = _least_cost(compact(asked, range(len(demands)), whole=False))
        return 0.0 if served is None else served.value
    model = _with_left_out(asked)
    for level in _levels(asked.problem):
        hold_left_out(model, level, sum(demands[m].workload in found.unserved for m in level))
    fractions = _least_cost(model)
    return 0.0 if fractions is None else fractions.value


def _with_left_out(asked: Tables) -> Compact:
    demands = asked.problem.demands
    may_be = frozenset(m for m, demand in enumerate(demands) if demand.priority is not None)
    return compact(asked, range(len(demands)), may_be_left_out=may_be, whole=False)


def _levels(problem: Problem) -> list[list[int]]:
    """Workloads that may be left out, by priority, the highest first."""
    priorities = sorted({one.priority for one in problem.demands if one.priority is not None}, reverse=True)
    return [[m for m, one in enumerate(problem.demands) if one.priority == priority] for priority in priorities]


def _hold(model: Compact, level: list[int], most: float) -> None:
    row = model.model.add_linear_constraint(ub=most)
    for m in level:
        row.set_coefficient(model.left_out[m], 1)


def _least_cost(model: Compact) -> Fractions | None:
    return _least(model, model.cost)


def _least(model: Compact, objective: Mapping[Variable, float]) -> Fractions | None:
    """The least of *objective* in fractions, by GLOP; None where there is no solution."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415  half a second: imported where it is first used

    model.model.minimize(0.0)
    for variable, coefficient in objective.items():
        model.model.objective.set_linear_coefficient(variable, coefficient)
    result = mathopt.solve(model.model, mathopt.SolverType.GLOP)
    if not result.has_primal_feasible_solution():
        return None
    values = result.variable_values()
    return Fractions(
        value=result.objective_value(), parts={option: values[variable] for option, variable in model.options.items()}
    )


def _rounded(asked: Tables, fractions: Fractions) -> Purchase:
    """A purchase of one option for each workload."""
    room = room_in(asked)
    placed: dict[int, Placed] = {}
    for workload in largest_first(room):
        found = _option(room, workload, fractions)
        if found is not None:
            placed[workload] = found
        elif asked.problem.demands[workload].priority is None:
            return Purchase(status=SolverStatus.UNKNOWN)
    return within_budget(asked, placed)


def _option(room: Room, workload: int, fractions: Fractions) -> Placed | None:
    """The workload on the option that has most of it; where none of those has room, on the cheapest that has."""
    options = room.tables.of_workload[workload]
    parts = [option for option in options if fractions.parts[option] > SLACK]
    for option in sorted(parts, key=lambda option: (-fractions.parts[option], option)):
        found = cheapest(room, [option])
        if found is not None:
            return take(room, found)
    found = cheapest(room, options)
    return None if found is None else take(room, found)
