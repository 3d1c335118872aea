"""The answer to a spec: the plan of least cost with what was proved, or that there is none with what came closest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sizing.allocation.assembly import plan_of
from sizing.allocation.candidates import Weighed
from sizing.allocation.exact import arrangement
from sizing.allocation.explain import runners_up
from sizing.allocation.formulation import MICRO, Formulation
from sizing.allocation.nearest import usd
from sizing.allocation.problem import Choice, replicas_for
from sizing.allocation.promises import at_load, worst_share
from sizing.allocation.refusal import refusal
from sizing.allocation.search import Search, search
from sizing.allocation.verify import violations
from sizing.outcome import NoPlan, Sized, SolverOutcome, SolverStatus
from sizing.performance import Overloaded
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

PPM = 1_000_000


class InconsistentPlan(RuntimeError):
    """A plan that breaks a rule when it is worked out anew: a bug in sizeup, never in the input."""

    def __init__(self, broken: tuple[str, ...]) -> None:
        """Tell everything that is *broken*."""
        self.broken = broken
        super().__init__("the plan that was found breaks what was asked; please report this: " + "; ".join(broken))


def size(
    spec: Spec,
    catalog: Catalog,
    *,
    current: SizingPlan | None = None,
    weighed: Sequence[Weighed] | None = None,
    alternatives: bool = True,
) -> Sized | NoPlan:
    """
    The plan of least cost for *spec*; among equal ones that of fewest changes, then of best latency.

    Args:
        spec: What is asked.
        catalog: What can be rented.
        current: The plan that runs today: moving away from it is priced. None: nothing runs.
        weighed: The ways to run each workload, where they have been weighed before (rates and prices play no part).
        alternatives: Whether to work out what was weighed and lost, each a search of its own.

    Raises:
        InconsistentPlan: If the plan breaks a rule when it is worked out anew.
    """
    found = search(spec, catalog, current=current, weighed=weighed)
    best = found.best
    if best is None or best.formulation is None or best.found is None:
        return refusal(spec, catalog, found)
    formulation = best.formulation
    arranged = arrangement(formulation.problem, best.found, latency=lambda choice: slowness(spec, formulation, choice))
    plan = plan_of(spec, catalog, formulation, best.found, arranged)
    if broken := violations(plan, spec, catalog):
        raise InconsistentPlan(broken)
    lost = runners_up(spec, found) if alternatives else ()
    return Sized(plan=plan, outcome=_outcome(found, plan), runners_up=lost)


def slowness(spec: Spec, formulation: Formulation, choice: Choice) -> int:
    """
    How slow a choice is where it must do: the largest share of a limit that a latency takes, in parts per million.

    At the peak with its headroom, spread over the fewest replicas of this choice that carry it.
    """
    workload = next(one for one in spec.workloads if one.name == choice.workload)
    demand = next(one for one in formulation.problem.demands if one.workload == choice.workload)
    candidate = formulation.candidates[choice]
    each = demand.total / MICRO / replicas_for(choice.capacity, demand.total)
    point = at_load(candidate.replica, workload, requests_per_s=each)
    point = candidate.point if isinstance(point, Overloaded) else point
    return round(worst_share(point, workload.objectives) * PPM)


def _outcome(found: Search, plan: SizingPlan) -> SolverOutcome:
    """Status, cost and bound over all regions: what no plan in any of them costs less than."""
    bound: float | None = plan.usd_per_hour
    if found.status is not SolverStatus.OPTIMAL:
        bounds = [
            one.found.bound_micro_usd_per_hour
            for one in found.regions
            if one.found is not None and one.found.status is not SolverStatus.INFEASIBLE
        ]
        known = [each for each in bounds if each is not None]
        bound = min(plan.usd_per_hour, usd(min(known))) if len(known) == len(bounds) else None
    return SolverOutcome(status=found.status, usd_per_hour=plan.usd_per_hour, bound_usd_per_hour=bound)
