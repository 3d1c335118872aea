"""The strategies by name, and how much effort they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

from sizing.optimiser.canonical import canonical, in_order_of
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase

if TYPE_CHECKING:  # numpy and the solvers take half a second: imported where they are first used
    from sizing.optimiser.engine.search import Depth
from sizing.optimiser.status import SolverStatus

FEW_WORKLOADS = 3  # up to which CP-SAT proves the best purchase sooner than one mixed-integer model does


class Strategy(StrEnum):
    """A way to solve a problem; the textbook ones stand beside ours to be compared with."""

    AUTO = "auto"  # exact or columns, by size
    EXACT = "exact"  # one mixed-integer model
    COLUMNS = "columns"  # column generation, an integer master, neighbourhoods
    GREEDY = "greedy"  # the largest first, each in its cheapest place
    EXHAUSTIVE = "exhaustive"  # every way, for small cases
    RELAXATION = "relaxation"  # linear programme, rounded
    COVERING = "covering"  # dynamic programme: each workload by itself
    MELANGE = "melange"  # the rule of Melange: each workload by itself, on accelerators that are rented one by one


class Effort(StrEnum):
    """How long a search goes on; each in numbers of nodes and rounds, so that the answer is always the same."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


EXACT_NODES = {Effort.LOW: 100, Effort.NORMAL: 2000, Effort.HIGH: 50_000}


def solve(
    problem: Problem,
    *,
    strategy: Strategy = Strategy.AUTO,
    effort: Effort = Effort.NORMAL,
    improved: Callable[[Purchase], None] | None = None,
) -> Purchase:
    """
    What to buy, as *strategy* finds it; the order of the problem's parts decides nothing.

    Args:
        problem: What is needed, and what can be bought.
        strategy: How to search.
        effort: When to stop.
        improved: Told each better purchase as it is found, with the bound that is known by then.

    Raises:
        TooLarge: If the problem is too large for an exhaustive search.
    """
    told = None if improved is None else lambda found: improved(in_order_of(problem, found))
    return in_order_of(problem, _solved(canonical(problem), strategy, effort, told))


def _solved(
    problem: Problem, strategy: Strategy, effort: Effort, improved: Callable[[Purchase], None] | None
) -> Purchase:
    match strategy:  # each is imported where it is first used: numpy and the solvers take half a second
        case Strategy.AUTO if len(problem.demands) <= FEW_WORKLOADS:
            return _certified(problem, effort, improved)
        case Strategy.AUTO | Strategy.EXACT | Strategy.COLUMNS:
            return _ours(problem, strategy, effort, improved)
        case _:
            return _textbook(strategy)(problem)


def _certified(problem: Problem, effort: Effort, improved: Callable[[Purchase], None] | None) -> Purchase:
    """The proven answer, whose ties are broken by the order of the problem; where its limit comes first, the better."""
    from sizing.optimiser.levels.proof import proven  # noqa: PLC0415

    limit = {Effort.LOW: 2.0, Effort.NORMAL: 10.0, Effort.HIGH: 60.0}[effort]
    found = proven(problem, deterministic_limit=limit, improved=improved)
    if found.status in {SolverStatus.OPTIMAL, SolverStatus.INFEASIBLE} or found.interrupted:
        return found
    other = _ours(problem, Strategy.AUTO, effort, improved)
    if other.status is SolverStatus.OPTIMAL or found.objective is None:
        return other
    return other if other.objective is not None and _rank(other) < _rank(found) else found


def _rank(found: Purchase) -> tuple[int, float]:
    return len(found.unserved), found.objective or 0.0


def _ours(
    problem: Problem, strategy: Strategy, effort: Effort, improved: Callable[[Purchase], None] | None
) -> Purchase:
    from sizing.optimiser.engine.exact import exact  # noqa: PLC0415
    from sizing.optimiser.engine.search import search  # noqa: PLC0415
    from sizing.optimiser.engine.solving import Limits  # noqa: PLC0415

    depth = _depth(effort)
    match strategy:
        case Strategy.EXACT:
            return exact(problem, Limits(nodes=EXACT_NODES[effort]), improved)
        case Strategy.COLUMNS:
            return search(problem, replace(depth, proof_options=0), improved)
        case _:
            return search(problem, depth, improved)


def _depth(effort: Effort) -> Depth:
    """How far each effort goes: a thousand workloads take minutes at the normal one."""
    from sizing.optimiser.engine.neighbourhood import Size  # noqa: PLC0415
    from sizing.optimiser.engine.search import Depth  # noqa: PLC0415

    normal = Depth(
        pricing_rounds=80,
        links=8,
        whole_columns=3000,
        whole_nodes=500,
        whole_rounds=2,
        rounds=40,
        workloads_per_round=20,
        size=Size(workloads=15, options=10, local_options=5, nodes=50),
        gap=0.004,
        stall=20,
        proof_options=1000,
        proof_nodes=1000,
    )
    match effort:
        case Effort.LOW:
            return replace(normal, rounds=8, workloads_per_round=100, gap=0.02, proof_nodes=50)
        case Effort.NORMAL:
            return normal
        case Effort.HIGH:
            larger = Size(workloads=30, options=12, local_options=6, nodes=100)
            return replace(normal, rounds=100, size=larger, gap=0.0, stall=60, proof_options=4000, proof_nodes=20000)


def _textbook(strategy: Strategy) -> Callable[[Problem], Purchase]:
    """The function of a strategy that we compare with: a module and its function are called as the strategy is."""
    module = import_module(f"sizing.optimiser.textbook.{strategy}")
    found: Callable[[Problem], Purchase] = getattr(module, strategy.value)
    return found
