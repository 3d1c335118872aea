"""Staying as it is: what the current plan buys, as an answer to the problem of today, and whether it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.allocation.finding.formulation import Formulation
from sizing.optimiser import Effort, solve
from sizing.optimiser.check import violations
from sizing.optimiser.engine.stands import purchase_of_stands
from sizing.optimiser.problem import Demand, Pool
from sizing.optimiser.pruning import with_pools
from sizing.optimiser.purchase import Purchase, Stand
from sizing.optimiser.status import SolverStatus
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec
from sizing.version import VERSION, solver_version

if TYPE_CHECKING:
    from sizing.catalog import Catalog

TOLERANCE = 1e-9  # of an objective in floating point


def is_unchanged(spec: Spec, catalog: Catalog, current: SizingPlan) -> bool:
    """Whether the current plan was made from this spec, these facts, and by this version with this solver."""
    made_from = (current.spec_hash, current.facts_hash, current.sizeup_version, current.solver)
    return made_from == (spec.hash, catalog.hash, VERSION, solver_version())


def kept_or(found: Purchase, formulation: Formulation, *, unchanged: bool) -> Purchase:
    """
    What was found, or else staying as it is: where that costs no more with moves priced in, or nothing has changed.

    A search that a limit stops may miss the plan of today, or with today's machines to start from find another one
    that was missed before. So the first is never taken for an improvement, and the second is no reason to move as
    long as what was asked and what the facts say is the same: only more effort is.
    """
    staying = stayed(formulation)
    if staying is None or staying.objective is None or found.interrupted:
        return found
    if found.objective is None:
        known = found.status is not SolverStatus.INFEASIBLE
        return replace(staying, status=SolverStatus.FEASIBLE, bound=0.0) if known else found
    as_good = staying.objective <= found.objective * (1 + TOLERANCE)
    kept = as_good or (unchanged and found.status is SolverStatus.FEASIBLE)
    if len(staying.unserved) > len(found.unserved) or not kept:
        return found
    bound = found.bound if found.bound is None else min(found.bound, staying.objective)
    return replace(staying, status=found.status if as_good else SolverStatus.FEASIBLE, bound=bound)


def stayed(formulation: Formulation) -> Purchase | None:
    """What the current plan buys; None where that does not do what is asked today, or nothing runs."""
    problem = formulation.problem
    if not formulation.today:
        return None
    if len(problem.periods) > 1:
        return _on_machines_of_today(formulation)
    stands = [
        Stand(choice=choice, pool=pool, replicas=(number,)) for (choice, pool), number in formulation.today.items()
    ]
    if any(not problem.may_stand(_demand(formulation, stand), stand.choice, stand.pool) for stand in stands):
        return None
    purchase = purchase_of_stands(problem, stands)
    return None if violations(problem, purchase) else purchase


def _on_machines_of_today(formulation: Formulation) -> Purchase | None:
    """The best purchase of no machine that does not run: a plan does not tell what stands where in each hour."""
    problem = formulation.problem
    limited = {_limited(pool): pool for pool in problem.pools if pool.running}
    here = with_pools(problem, (pool for pool in problem.pools if pool.running))
    quotas = tuple(
        replace(quota, units=tuple((_limited(pool), units) for pool, units in quota.units)) for quota in here.quotas
    )
    found = solve(replace(here, pools=tuple(limited), quotas=quotas), effort=Effort.LOW)
    if found.micro_usd_per_hour is None:
        return None
    stands = [replace(stand, pool=limited[stand.pool]) for stand in found.stands]
    purchase = purchase_of_stands(problem, stands)
    return None if violations(problem, purchase) else purchase


def _limited(pool: Pool) -> Pool:
    running = pool.running or 0
    return replace(pool, most=running if pool.most is None else min(running, pool.most))


def _demand(formulation: Formulation, stand: Stand) -> Demand:
    return next(one for one in formulation.problem.demands if one.workload == stand.choice.workload)
