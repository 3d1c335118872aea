"""
Dynamic programming: each workload takes the cheapest machines for its replicas, a covering knapsack of its own.

For one workload, one period and no zone to survive it is exact, with commitments and team shares aside: machine sizes,
zones, ways to buy, limits and moves are all in the recurrence, and every kind and region is tried. For several
workloads it is a heuristic: one after another, the important first, blind to what they could share; only in the end
are replicas of all packed together on the fewest machines of each pool.
"""

from __future__ import annotations

from sizing.optimiser.engine.placed import purchase_of
from sizing.optimiser.engine.tables import tables
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.optimiser.textbook.alone import ZONES_COMBINED, Apart, alone
from sizing.optimiser.textbook.greedy import within_budget


def covering(problem: Problem) -> Purchase:
    """The purchase that the method comes to; UNKNOWN where a workload that must be served finds no place."""
    asked = tables(without_dominated(problem))
    apart = alone(asked, frozenset(range(len(asked.problem.pools))))
    if any(demand.priority is None and at not in apart.chosen for at, demand in enumerate(problem.demands)):
        return Purchase(status=SolverStatus.UNKNOWN)
    placed = {workload: one.placed for workload, one in sorted(apart.chosen.items())}
    found = within_budget(asked, placed)
    if not found.unserved and found.status is SolverStatus.FEASIBLE and is_exact(problem, apart):
        return purchase_of(asked, placed, bound_usd_per_hour=None, proved=True)
    return found


def is_exact(problem: Problem, apart: Apart) -> bool:
    """Whether the recurrence held all that there is: then its answer is the best one."""
    return (
        len(problem.demands) == len(problem.periods) == 1
        and not problem.demands[0].zone_loss
        and not problem.commitments
        and apart.within
        and max((len(_zones(problem, site.region)) for site in problem.sites), default=0) <= ZONES_COMBINED
    )


def _zones(problem: Problem, region: str) -> set[str]:
    return {pool.zone for pool in problem.pools if pool.region == region}
