"""The whole problem as one mixed-integer model: proved where it ends, with a bound where its limit comes first."""

from __future__ import annotations

from collections.abc import Callable

from sizing.optimiser.engine.compact import Compact, Found, cheapest, compact, fewest_left_out, hold_left_out
from sizing.optimiser.engine.placed import purchase_of, usd_per_hour
from sizing.optimiser.engine.solving import Limits
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus

Improved = Callable[[Purchase], None]
TOLERANCE = 1e-6  # of an objective in floating point


def exact(problem: Problem, limits: Limits, improved: Improved | None = None) -> Purchase:
    """
    The best purchase of *problem* within *limits*.

    Everything is served at least cost where that is possible; else as few as possible of each priority are left out,
    the highest first, and then the cost is the least.
    """
    made = tables(problem)
    everyone = range(len(problem.demands))
    without = [m for m in everyone if not made.of_workload[m]]
    if any(problem.demands[m].priority is None for m in without):
        return Purchase(status=SolverStatus.INFEASIBLE)
    may_be = frozenset(m for m in everyone if problem.demands[m].priority is not None)
    if not without:
        found = cheapest(compact(made, everyone), limits)
        if found.placed is not None or not may_be:
            return _answer(made, found, improved)
    model = compact(made, everyone, may_be_left_out=may_be)
    proved = _hold_levels(model, limits)
    if proved is None:
        return Purchase(status=SolverStatus.OUT_OF_TIME)
    return _answer(made, cheapest(model, limits), improved, proved=proved)


def _hold_levels(model: Compact, limits: Limits) -> bool | None:
    """
    Hold, for each priority from the highest, how few are left out: whether all of it is proved; None: nothing found.

    Workloads that must be served are not asked: a model without a solution shows there.
    """
    demands = model.tables.problem.demands
    proved = True
    priorities = {priority for m in model.left_out if (priority := demands[m].priority) is not None}
    for priority in sorted(priorities, reverse=True):
        level = [m for m in model.left_out if demands[m].priority == priority]
        found = fewest_left_out(model, limits, level)
        if found.placed is None:
            return True if found.ended.is_infeasible else None
        hold_left_out(model, level, sum(m not in found.placed for m in level))
        proved = proved and found.ended.is_optimal
    return proved


def _answer(made: Tables, found: Found, improved: Improved | None, *, proved: bool = True) -> Purchase:
    if found.placed is None:
        return Purchase(status=SolverStatus.INFEASIBLE if found.ended.is_infeasible else SolverStatus.OUT_OF_TIME)
    reached = usd_per_hour(made, found.placed)
    bound = found.bound if proved else None
    is_best = bound is not None and found.ended.is_optimal and reached <= bound + TOLERANCE * max(1.0, bound)
    purchase = purchase_of(made, found.placed, bound_usd_per_hour=bound, proved=is_best)
    if improved is not None:
        improved(purchase)
    return purchase
