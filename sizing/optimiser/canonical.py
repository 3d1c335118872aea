"""
One order for equal problems: the same parts in any order are solved as the same problem, and answered in their own.

Ties between equal purchases are broken by the order of a problem's parts, and searches go through them in it. So a
problem is sorted before it is solved, and the answer is put back into the order in which it was asked.
"""

from __future__ import annotations

from dataclasses import replace

from sizing.optimiser.problem import Choice, Pool, Problem, Quota
from sizing.optimiser.purchase import Purchase


def canonical(problem: Problem) -> Problem:
    """The same problem with all of its parts sorted by what they are called; periods keep their order."""
    return replace(
        problem,
        demands=tuple(sorted(problem.demands, key=lambda one: one.workload)),
        choices=tuple(sorted(problem.choices, key=_choice)),
        pools=tuple(sorted(problem.pools, key=_pool)),
        sites=tuple(sorted(problem.sites, key=lambda one: one.region)),
        standings=tuple(sorted(problem.standings, key=lambda one: (one.workload, one.region, one.micro_usd_per_hour))),
        quotas=tuple(sorted(map(_sorted, problem.quotas), key=lambda one: (one.name, one.limit))),
        commitments=tuple(
            sorted(
                problem.commitments,
                key=lambda one: (one.machine, one.region, one.mode, one.micro_usd_per_hour, one.owned, one.most or 0),
            )
        ),
        teams=tuple(sorted(problem.teams, key=lambda one: (one.name, sorted(one.workloads)))),
    )


def in_order_of(problem: Problem, purchase: Purchase) -> Purchase:
    """The purchase with its parts in the order of *problem*, as a strategy would have told them."""
    pools = {pool: place for place, pool in enumerate(problem.pools)}
    choices = {choice: place for place, choice in enumerate(problem.choices)}
    workloads = {demand.workload: place for place, demand in enumerate(problem.demands)}
    commitments = {commitment: place for place, commitment in enumerate(problem.commitments)}
    return replace(
        purchase,
        bought=tuple(sorted(purchase.bought, key=lambda one: pools[one.pool])),
        stands=tuple(sorted(purchase.stands, key=lambda one: (choices[one.choice], pools[one.pool]))),
        committed=tuple(sorted(purchase.committed, key=lambda pair: commitments[pair[0]])),
        unserved=tuple(sorted(purchase.unserved, key=lambda workload: workloads[workload])),
    )


def _choice(one: Choice) -> tuple[str, str, str, int, int, bool]:
    return one.workload, one.machine, one.kind, one.slots, one.capacity, one.runs_today


def _pool(one: Pool) -> tuple[str, str, str, str, str, int, int, int]:
    """What tells pools apart; only_for does not, as no two pools are equal but for it."""
    price, most, running = one.micro_usd_per_hour, one.most, one.running
    return one.region, one.zone, one.machine, one.mode, one.name or "", price, most or 0, running or 0


def _sorted(quota: Quota) -> Quota:
    return replace(quota, units=tuple(sorted(quota.units, key=lambda pair: _pool(pair[0]))))
