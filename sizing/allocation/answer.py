"""The answer to a spec: the plan of least cost with what was proved, or that there is none with what came closest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from sizing.allocation.buying.names import keeps_plain_names
from sizing.allocation.buying.schedule import MICRO
from sizing.allocation.finding.aims import aimed
from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.improvement import Improvement
from sizing.allocation.finding.search import Asking, Search, search
from sizing.allocation.planning.assembly import plan_of
from sizing.allocation.planning.moves import moves
from sizing.allocation.planning.promises import at_load, worst_share
from sizing.allocation.planning.verify import violations
from sizing.allocation.refusing.refusal import refusal
from sizing.allocation.ways.candidates import Weighed
from sizing.allocation.why.explain import runners_up
from sizing.allocation.why.nearest import usd
from sizing.allocation.why.stores import storage_weighed
from sizing.optimiser import Effort, Strategy
from sizing.optimiser.levels.arrangement import arranged
from sizing.optimiser.problem import Choice, replicas_for
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.outcome import NoPlan, Sized, SolverOutcome
from sizing.performance import Overloaded
from sizing.plan import SizingPlan
from sizing.spec.workload import Objective, Spec

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
    strategy: Strategy = Strategy.AUTO,
    effort: Effort = Effort.NORMAL,
    improved: Callable[[Improvement], None] | None = None,
    relaxing: Callable[[int], None] | None = None,
) -> Sized | NoPlan:
    """
    The plan of least cost for *spec*; among equal ones that of fewest changes, then of best latency.

    Args:
        spec: What is asked.
        catalog: What can be rented.
        current: The plan that runs today: moving away from it is priced. None: nothing runs.
        weighed: The ways to run each workload, where they have been weighed before (rates and prices play no part).
        alternatives: Whether to work out what was weighed and lost, each a search of its own.
        strategy: How to search for the cheapest machines.
        effort: How long to search.
        improved: Told each better purchase as it is found, with the bound that is known by then.
        relaxing: Told how many relaxed specs have been tried, one after the other, where there is no plan.

    Raises:
        InconsistentPlan: If the plan breaks a rule when it is worked out anew.
        KeyboardInterrupt: Where it comes before any plan is found; later, the best so far is the answer.
    """

    def told(formulation: Formulation, purchase: Purchase) -> None:
        if improved is not None:
            best = partial(_best_so_far, spec, catalog, formulation, purchase, current)
            improved(Improvement(formulation=formulation, purchase=purchase, sized=best))

    asking = Asking(strategy=strategy, effort=effort, improved=told if improved is not None else None)
    found = aimed(spec, search(spec, catalog, current=current, weighed=weighed, asking=asking))
    if isinstance(found, NoPlan):
        return found
    best = found.best
    if best is None or best.formulation is None or best.found is None:
        return refusal(spec, catalog, found, relaxing=relaxing)
    bought, plan = _verified(spec, catalog, best.formulation, best.found, current)
    is_asked = alternatives and not bought.interrupted
    weighed_stores = storage_weighed(spec, catalog, best.formulation, bought, usd_per_hour=plan.usd_per_hour)
    return Sized(
        plan=plan,
        outcome=_outcome(found, bought, plan),
        runners_up=runners_up(spec, found) if is_asked and spec.objective is Objective.COST else (),
        storage=tuple(weighed_stores) if is_asked else (),
        moves=() if current is None else moves(current, plan, catalog, payback_h=best.formulation.problem.payback_h),
    )


def _verified(
    spec: Spec, catalog: Catalog, formulation: Formulation, purchase: Purchase, current: SizingPlan | None
) -> tuple[Purchase, SizingPlan]:
    """The purchase with its replicas in their best places, and its plan, which breaks no rule."""
    latency = _latency(spec, formulation)
    bought = arranged(formulation.problem, purchase, latency=latency, today=formulation.today)
    home = current.region if current is not None and current.cloud is formulation.supply.cloud else None
    plan = plan_of(spec, catalog, formulation, bought, home=home)
    plan = replace(plan, plain_home=home is None or keeps_plain_names(plan.region, current))
    if broken := violations(plan, spec, catalog):
        raise InconsistentPlan(broken)
    return bought, plan


def _best_so_far(
    spec: Spec, catalog: Catalog, formulation: Formulation, purchase: Purchase, current: SizingPlan | None
) -> Sized:
    """The plan of a purchase that the search was broken off at, with the bound of the cloud that it is of."""
    bought, plan = _verified(spec, catalog, formulation, purchase, current)
    outcome = SolverOutcome(
        status=SolverStatus.FEASIBLE,
        usd_per_hour=plan.usd_per_hour,
        bound_usd_per_hour=_bound(plan, bought.objective, purchase.bound),
        interrupted=True,
    )
    return Sized(plan=plan, outcome=outcome, runners_up=())


def _latency(spec: Spec, formulation: Formulation) -> Callable[[Choice], int]:
    """How slow each choice of a formulation is; each worked out once."""
    known: dict[Choice, int] = {}

    def latency(choice: Choice) -> int:
        if choice not in known:
            known[choice] = slowness(spec, formulation, choice)
        return known[choice]

    return latency


def slowness(spec: Spec, formulation: Formulation, choice: Choice) -> int:
    """
    How slow a choice is where it must do: the largest share of a limit that a latency takes, in parts per million.

    At the peak with its headroom, spread over the fewest replicas of this choice that carry it.
    """
    workload = next(one for one in spec.workloads if one.name == choice.workload)
    demand = next(one for one in formulation.problem.demands if one.workload == choice.workload)
    candidate, peak = formulation.candidates[choice], max(demand.total)
    each = peak / MICRO / replicas_for(choice.capacity, peak)
    point = at_load(candidate.replica, workload, requests_per_s=each)
    point = candidate.point if isinstance(point, Overloaded) else point
    return round(worst_share(point, workload.objectives) * PPM)


def _outcome(found: Search, bought: Purchase, plan: SizingPlan) -> SolverOutcome:
    """
    Status, cost and bound over all clouds: what no plan on any of them costs less than.

    Where there is a current plan, the bound is of the cost with moves priced in: what that leaves open of the objective
    is taken off the cost.
    """
    proved = found.status is SolverStatus.OPTIMAL and not bought.interrupted
    bound = plan.usd_per_hour if proved else _bound(plan, bought.objective, found.bound)
    return SolverOutcome(
        status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE,
        usd_per_hour=plan.usd_per_hour,
        bound_usd_per_hour=bound,
        interrupted=bought.interrupted,
    )


def _bound(plan: SizingPlan, objective: float | None, least: float | None) -> float | None:
    """What is proved of the cost: it, less what is open of the objective."""
    if least is None or objective is None:
        return None
    return max(0.0, plan.usd_per_hour - max(0.0, usd(objective - least)))
