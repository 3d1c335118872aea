"""
One model solved for several aims in order, each at its least while the earlier ones are held.

Deterministic: one worker, a fixed seed, limits in CP-SAT's deterministic time, never in seconds of a clock. The search
runs beside the calling thread, which stays free to hear a Ctrl-C: then the search is stopped and what it has is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.optimiser.status import SolverStatus

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

FOUND = (SolverStatus.OPTIMAL, SolverStatus.FEASIBLE)
Value = Callable[["cp_model.LinearExprT"], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What is made least, how long for, and who is told of each better solution on the way."""

    expression: cp_model.LinearExprT
    limit: float  # deterministic time: about as many seconds of one core
    improved: Callable[[Value, float], None] | None = None  # values, and the bound so far
    linearised: int = 2  # how much of the model its linear relaxation holds; packing rows prove little without all


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """How each aim ended, its bound, and the values of the last solution; None: there is no solution."""

    statuses: tuple[SolverStatus, ...]
    bounds: tuple[float, ...]
    value: Value | None
    interrupted: bool


def lexicographic(model: cp_model.CpModel, aims: Sequence[Aim]) -> Solved:
    """
    The solution that is best by the first of *aims*, among those by the second, and so on.

    An aim that its limit stops before the optimum is held at the best value found.

    Raises:
        KeyboardInterrupt: Where it comes before there is any solution.
    """
    statuses, bounds, value, interrupted = [], [], None, False
    for aim in aims:
        model.minimize(aim.expression)
        solver, status, interrupted = _solved(model, aim)
        statuses.append(status)
        bounds.append(solver.best_objective_bound)
        if status not in FOUND:
            break
        value = solver.value
        model.add(aim.expression <= value(aim.expression))
        hint(model, value)
        if interrupted:
            break
    if interrupted and value is None:
        raise KeyboardInterrupt
    return Solved(statuses=tuple(statuses), bounds=tuple(bounds), value=value, interrupted=interrupted)


def _solved(model: cp_model.CpModel, aim: Aim) -> tuple[cp_model.CpSolver, SolverStatus, bool]:
    """The solver after its search, how that ended, and whether it was interrupted."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.catch_sigint_signal = False  # Ctrl-C is the caller's: the solver would leave it deaf or dead
    solver.parameters.linearization_level = aim.linearised
    solver.parameters.max_deterministic_time = aim.limit
    told = None if aim.improved is None else _told(aim.improved)
    interrupted = _beside(lambda: solver.solve(model, told), solver.stop_search)
    return solver, _status(solver, aim.limit), interrupted


def _beside(search: Callable[[], object], stop: Callable[[], None]) -> bool:
    """Whether *search*, which runs in a thread of its own until it ends, was stopped by a KeyboardInterrupt."""
    interrupted, ended = False, threading.Event()

    def run() -> None:
        try:
            search()
        finally:
            ended.set()

    threading.Thread(target=run, daemon=True).start()
    while True:
        try:
            ended.wait()  # not Thread.join: interrupted once, it takes the thread for ended in Python 3.11
            return interrupted  # noqa: TRY300  a Ctrl-C may come between the two as well
        except KeyboardInterrupt:
            interrupted = True
            stop()


def _told(improved: Callable[[Value, float], None]) -> cp_model.CpSolverSolutionCallback:
    """What the solver calls with each better solution."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    class Told(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            improved(self.value, self.best_objective_bound)

    return Told()


def hint(model: cp_model.CpModel, value: Value) -> None:
    """The next search of *model* starts from the last solution, of it or of one that was made alike."""
    model.clear_hints()  # type: ignore[no-untyped-call]  # ortools types it not at all
    for index in range(len(model.proto.variables)):
        variable = model.get_int_var_from_proto_index(index)
        model.add_hint(variable, value(variable))


def _status(solver: cp_model.CpSolver, limit: float) -> SolverStatus:
    """The solver's word in ours; a search that stopped without a plan says whether the limit stopped it."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    match solver.response_proto.status:
        case cp_model.OPTIMAL:
            return SolverStatus.OPTIMAL
        case cp_model.FEASIBLE:
            return SolverStatus.FEASIBLE
        case cp_model.INFEASIBLE:
            return SolverStatus.INFEASIBLE
        case cp_model.UNKNOWN:
            spent = solver.response_proto.deterministic_time >= limit
            return SolverStatus.OUT_OF_TIME if spent else SolverStatus.UNKNOWN
        case _:
            raise ValueError(f"the allocation model is invalid: {solver.response_proto.solution_info}")
