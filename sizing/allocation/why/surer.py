"""What it would cost to keep the objectives more surely: the whole stack's best plan at higher confidences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.allocation.finding.search import Asking, search
from sizing.allocation.why.explain import every, over_budget
from sizing.allocation.why.nearest import purchase_text, rejected, usd
from sizing.optimiser import Effort
from sizing.outcome import Miss, RunnerUp
from sizing.plan import SizingPlan
from sizing.spec.workload import Objective, Spec
from sizing.units import usd_per_month

if TYPE_CHECKING:
    from sizing.catalog import Catalog

CONFIDENCES = (0.8, 0.9)  # four times of five, nine of ten: the second is where the stated intervals end


def surer(spec: Spec, catalog: Catalog, *, current: SizingPlan | None = None) -> tuple[RunnerUp, ...]:
    """
    The best plan at each confidence above what *spec* asks of every workload, each really solved; the budget is let go,
    and told where that is over it.

    Where there is none, what the nearest candidate misses. Nothing where the plan is best by something else than cost.
    """
    if spec.objective is not Objective.COST:
        return ()
    least = min(workload.objectives.confidence for workload in spec.workloads)
    return tuple(_at(spec, catalog, share, current) for share in CONFIDENCES if share > least)


def _at(spec: Spec, catalog: Catalog, share: float, current: SizingPlan | None) -> RunnerUp:
    title = f"{share:.0%}".replace("%", " % confidence")
    found = search(_with_confidence(spec, share), catalog, current=current, asking=Asking(effort=Effort.LOW))
    best = found.best
    if best is None or best.formulation is None or best.found is None or best.found.micro_usd_per_hour is None:
        near = rejected(found)
        none = Miss(metric="confidence", asked=share, reached=None, text="no plan keeps every limit so surely")
        misses = near[0].misses if near else (none,)
        return RunnerUp(workload=every(spec), what=title, usd_per_hour=None, misses=misses)
    what = f"{title}: {best.cloud} {' + '.join(best.regions)}, {purchase_text(best.formulation, best.found)}"
    cost, budget = usd(best.found.micro_usd_per_hour), spec.budget_usd_per_month
    over = (over_budget(cost, budget),) if budget is not None and usd_per_month(cost) > budget else ()
    return RunnerUp(workload=every(spec), what=what, usd_per_hour=cost, misses=over)


def _with_confidence(spec: Spec, share: float) -> Spec:
    """The spec with every workload at *share*, or at its own confidence where that is higher; without a budget."""
    workloads = tuple(
        replace(one, objectives=replace(one.objectives, confidence=max(share, one.objectives.confidence)))
        for one in spec.workloads
    )
    return replace(spec, workloads=workloads, budget_usd_per_month=None)
