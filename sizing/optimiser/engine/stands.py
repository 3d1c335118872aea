"""Stands of a problem as the purchase that they come to: the fewest machines that hold them, and what these cost."""

from __future__ import annotations

from collections.abc import Iterable

from sizing.optimiser.engine.placed import Placed, purchase_of
from sizing.optimiser.engine.tables import Tables, tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase, Stand


def purchase_of_stands(problem: Problem, stands: Iterable[Stand]) -> Purchase:
    """
    The purchase of *stands*, without a bound; what none of them serves is left out.

    Nothing is checked: `check.violations` tells whether it does what the problem asks.
    """
    columns = tables(problem)
    return purchase_of(columns, _placed(columns, stands), bound_usd_per_hour=None)


def _placed(columns: Tables, stands: Iterable[Stand]) -> dict[int, Placed]:
    """The stands by workload, in the engine's own terms."""
    problem = columns.problem
    choices = {choice: at for at, choice in enumerate(problem.choices)}
    pools = {pool: at for at, pool in enumerate(problem.pools)}
    places = {
        (int(choice), int(pool)): at for at, (choice, pool) in enumerate(zip(columns.choice, columns.pool, strict=True))
    }
    workloads = {demand.workload: at for at, demand in enumerate(problem.demands)}
    own: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
    for stand in stands:
        at = places[choices[stand.choice], pools[stand.pool]]
        own.setdefault(workloads[stand.choice.workload], []).append((at, stand.replicas))
    return {
        workload: Placed(option=int(columns.option[found[0][0]]), replicas=tuple(sorted(found)))
        for workload, found in sorted(own.items())
    }
