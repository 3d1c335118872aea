"""
A mixed-integer model solved in one thread, within a number of nodes, so that it always ends the same.

HiGHS proves small models of ours two to three times sooner than SCIP does; SCIP is as good at many short searches from
a solution that is known, and never prints, where HiGHS lets a line of its own through to standard output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.math_opt.python import mathopt

    from sizing.optimiser.engine.machines import Variable

SEED = 1


class Solver(StrEnum):
    """Who searches."""

    HIGHS = "highs"
    SCIP = "scip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Who searches, and where it stops; never a time, which would make two runs differ."""

    nodes: int  # of branch and bound
    gap: float = 0.0  # share of the objective that need not be proved
    solver: Solver = Solver.HIGHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a solve ended."""

    values: Mapping[Variable, float] | None  # None: no solution
    objective: float | None
    bound: float | None
    is_optimal: bool
    is_infeasible: bool  # proved


def solved(model: mathopt.Model, limits: Limits, *, hint: Mapping[Variable, float] | None = None) -> Ended:
    """The best solution of *model* within *limits*."""
    from ortools.math_opt.python import mathopt  # noqa: PLC0415  half a second: imported where it is first used

    parameters = mathopt.SolveParameters(
        node_limit=limits.nodes, relative_gap_tolerance=limits.gap, absolute_gap_tolerance=1e-9, random_seed=SEED
    )
    if limits.solver is Solver.HIGHS:
        parameters.highs.int_options["threads"] = 1
        kind = mathopt.SolverType.HIGHS
    else:
        parameters.threads = 1
        kind = mathopt.SolverType.GSCIP
    hints = [mathopt.SolutionHint(variable_values=dict(hint))] if hint is not None else []
    result = mathopt.solve(
        model,
        kind,
        params=parameters,
        model_params=mathopt.ModelSolveParameters(solution_hints=hints),
    )
    reason = result.termination.reason
    has_solution = result.has_primal_feasible_solution()
    return Ended(
        values=result.variable_values() if has_solution else None,
        objective=result.objective_value() if has_solution else None,
        bound=result.best_objective_bound(),
        is_optimal=reason is mathopt.TerminationReason.OPTIMAL,
        is_infeasible=reason
        in {mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED},
    )
