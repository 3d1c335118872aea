"""
A problem solved exactly by CP-SAT: what few workloads are solved by, and what certifies other strategies on them.

Levels, each a solve of its own: who is left out, by priority; the cost, with moves priced in; fewest changes from the
machines of today; the first in the order of the problem. The same problem has the same answer, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.optimiser.engine.placed import Placed, purchase_of
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.levels.lexicographic import Aim, Value, lexicographic
from sizing.optimiser.levels.rows import Rows, Sum, rows, weighted
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.units import MICRO_USD_PER_USD

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

DETERMINISTIC_LIMIT = 10.0  # of each level, in CP-SAT's deterministic time: some ten seconds of one core

Improved = Callable[[Purchase], None]


def proven(
    problem: Problem, *, deterministic_limit: float = DETERMINISTIC_LIMIT, improved: Improved | None = None
) -> Purchase:
    """
    The purchase of least cost among those that leave out as few as can be, the higher priority first, and its proof.

    With a current plan, a machine that is not there yet costs double_running_h of its price on top, and the cost of
    all machines counts for payback_h: so the plan moves only where the saving pays for the move in that time.

    Args:
        problem: What is asked.
        deterministic_limit: Of each level, in CP-SAT's deterministic time; about as many seconds of one core.
        improved: Called with each better purchase, whose bound is the one so far.

    Raises:
        KeyboardInterrupt: Where it comes before there is any purchase; later, the best so far is the answer.
    """
    problem = without_dominated(problem)
    made = rows(problem)
    if problem.budget_micro_usd_per_hour is not None:
        made.model.add(made.cost <= problem.budget_micro_usd_per_hour * sum(made.hours))
    objective, scale, changed = _objective(problem, made)
    columns = tables(problem)

    def answer(value: Value, bound: float, *, proved: bool = False) -> Purchase:
        bound_usd = max(0.0, bound / scale) / MICRO_USD_PER_USD
        return purchase_of(columns, placed_of(columns, made, value), bound_usd_per_hour=bound_usd, proved=proved)

    def told(value: Value, bound: float) -> None:
        if improved is not None:
            improved(answer(value, bound))

    first = [Aim(expression=level, limit=deterministic_limit) for level in _left_out(problem, made)]
    cost = Aim(expression=objective, limit=deterministic_limit, improved=told if improved is not None else None)
    numbers = _machines(made)
    last = [*changed, weighted(numbers, range(1, len(numbers) + 1))]
    aims = [*first, cost, *(Aim(expression=level, limit=deterministic_limit) for level in last)]
    solved = lexicographic(made.model, aims)
    if solved.value is None:
        return Purchase(status=solved.statuses[-1])
    proving = solved.statuses[: len(first) + 1]
    proved = len(proving) > len(first) and all(status is SolverStatus.OPTIMAL for status in proving)
    bound = solved.bounds[len(first)] if len(proving) > len(first) else 0.0
    return replace(answer(solved.value, bound, proved=proved), interrupted=solved.interrupted)


def _left_out(problem: Problem, made: Rows) -> list[cp_model.LinearExprT]:
    """How many workloads of each priority are left out, the highest priority first."""
    levels: list[cp_model.LinearExprT] = []
    for priority in sorted({one.priority for one in problem.demands if one.priority is not None}, reverse=True):
        alike = {one.workload for one in problem.demands if one.priority == priority}
        served = sum(used for (workload, _, _), used in made.chosen.items() if workload in alike)
        levels.append(len(alike) - served)
    return levels


def _objective(problem: Problem, made: Rows) -> tuple[cp_model.LinearExprT, int, list[cp_model.LinearExpr]]:
    """The cost with moves priced in, what a micro-USD an hour counts in it, and where it matters how many change."""
    hours = sum(made.hours)
    if not problem.moves:
        return made.cost, hours, []
    model, price, changed = made.model, Sum(variables=[], weights=[]), Sum(variables=[], weights=[])
    for pool, numbers in made.machines.items():
        running = pool.running or 0
        bound = made.most_machines[pool]
        most, more, fewer = (model.new_int_var(0, limit, "") for limit in (bound, bound, running))
        model.add_max_equality(most, list(dict.fromkeys(numbers)))
        model.add(most - running == more - fewer)
        price.add(more, pool.micro_usd_per_hour)
        changed.add(more, 1)
        changed.add(fewer, 1)
    common = math.gcd(problem.payback_h, problem.double_running_h)
    payback_h, double_h = problem.payback_h // common, problem.double_running_h // common
    return made.cost * payback_h + price.expression * (double_h * hours), hours * payback_h, [changed.expression]


def _machines(made: Rows) -> list[cp_model.IntVar]:
    """Every number of machines, once, in the order of the problem."""
    return [number for numbers in made.machines.values() for number in dict.fromkeys(numbers)]


def placed_of(columns: Tables, made: Rows, value: Value) -> dict[int, Placed]:
    """Where the workloads of a solution stand."""
    problem = columns.problem
    placed: dict[int, Placed] = {}
    for workload, options in enumerate(columns.of_workload):
        for option in options:
            of = columns.options[option]
            if not value(made.chosen[problem.demands[workload].workload, of.kind, of.region]):
                continue
            places = range(columns.places_of[option].start, columns.places_of[option].stop)
            pairs = {at: (problem.choices[columns.choice[at]], problem.pools[columns.pool[at]]) for at in places}
            # of a pool that has no machines there are no variables
            numbers = {
                at: tuple(map(value, made.replicas[pair])) for at, pair in pairs.items() if pair in made.replicas
            }
            standing = tuple((at, number) for at, number in numbers.items() if any(number))
            placed[workload] = Placed(option=option, replicas=standing)
    return placed
