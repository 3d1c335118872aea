"""The least-cost purchase on every cloud that the spec allows, over all its regions, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sizing.allocation.buying.market import Market
from sizing.allocation.buying.supply import Supply, supply
from sizing.allocation.finding.formulation import Formulation, formulate
from sizing.allocation.finding.staying import is_unchanged, kept_or
from sizing.allocation.ways.candidates import Weighed, weigh
from sizing.catalog.machine import Cloud
from sizing.optimiser import Effort, Strategy, solve
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

ENDED = (SolverStatus.OPTIMAL, SolverStatus.INFEASIBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a problem is to be solved, and who hears of what is found on the way."""

    strategy: Strategy = Strategy.AUTO
    effort: Effort = Effort.NORMAL
    improved: Callable[[Formulation, Purchase], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One cloud and what was found there; without a formulation nothing can be bought at all."""

    supply: Supply
    formulation: Formulation | None
    found: Purchase | None

    @property
    def cloud(self) -> Cloud:
        """The cloud."""
        return self.supply.cloud

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions in use, sorted; empty where nothing was found."""
        return () if self.found is None else tuple(region for region, _ in self.found.system_machines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All clouds, and what was weighed for each workload."""

    weighed: tuple[Weighed, ...]  # in the order of the spec's workloads
    clouds: tuple[Searched, ...]  # in the order of the spec
    home: Cloud | None = None  # where the current plan runs

    @property
    def markets(self) -> tuple[Market, ...]:
        """Every region of every cloud."""
        return tuple(market for one in self.clouds for market in one.supply.markets)

    @property
    def best(self) -> Searched | None:
        """
        The cloud that serves most and then costs least; with a current plan its own, as long as a plan exists there.

        Another cloud means another network, cluster, bucket and address: no price of machines pays for that unasked.
        """
        found = [
            ((len(one.found.unserved), one.found.objective, one.cloud.value), one)
            for one in self.clouds
            if one.found is not None and one.found.objective is not None
        ]
        at_home = [pair for pair in found if pair[1].cloud is self.home]
        return min(at_home or found, key=lambda pair: pair[0])[1] if found else None

    @property
    def status(self) -> SolverStatus:
        """
        How the search over all clouds ended.

        A plan is optimal only where every cloud's search was finished; and there is none only where that is proved
        on every cloud.
        """
        ended = [one.found.status for one in self.clouds if one.found is not None]
        open_ends = [one for one in ended if one not in ENDED]
        if self.best is not None:
            return SolverStatus.FEASIBLE if open_ends else SolverStatus.OPTIMAL
        return open_ends[0] if open_ends else SolverStatus.INFEASIBLE

    @property
    def bound(self) -> float | None:
        """Proved, in micro-USD per hour: no plan on any cloud that serves as many has a lower objective."""
        open_clouds = [one.found for one in self.clouds if one.found is not None and one.found.status in _COUNTED]
        bounds = [one.bound for one in open_clouds]
        known = [bound for bound in bounds if bound is not None]
        return min(known) if known and len(known) == len(bounds) else None


_COUNTED = tuple(status for status in SolverStatus if status is not SolverStatus.INFEASIBLE)


def search(
    spec: Spec,
    catalog: Catalog,
    *,
    current: SizingPlan | None = None,
    weighed: Sequence[Weighed] | None = None,
    asking: Asking = Asking(),
) -> Search:
    """Every cloud of the spec, each solved over all its regions: a plan is of one cloud, so the best of them is it."""
    machines = [machine for machine in catalog.machines if machine.cloud in spec.clouds]
    weighed = tuple(weighed or (weigh(workload, catalog, machines) for workload in spec.workloads))
    useful = {(one.machine.cloud, one.machine.name): one.machine for each in weighed for one in each.candidates}
    clouds = []
    for cloud in spec.clouds:
        own = [machine for (of, _), machine in useful.items() if of is cloud]
        sold = supply(spec, catalog, cloud=cloud, machines=own, current=current)
        clouds.append(_searched(spec, catalog, sold, weighed, current=current, asking=asking))
    return Search(weighed=weighed, clouds=tuple(clouds), home=None if current is None else current.cloud)


def _searched(
    spec: Spec,
    catalog: Catalog,
    sold: Supply,
    weighed: Sequence[Weighed],
    *,
    current: SizingPlan | None,
    asking: Asking,
) -> Searched:
    """
    The best purchase on one cloud: with every workload in the region where it runs, or where that is impossible, with
    all of them free to move.
    """
    for stay in (True, False):
        formulation = formulate(spec, sold, weighed, current=current, stay=stay)
        if formulation is None:
            return Searched(supply=sold, formulation=None, found=None)
        found = solved(formulation, asking)
        runs_here = current is not None and current.cloud is sold.cloud
        if current is not None and runs_here:
            unchanged = asking.effort is not Effort.HIGH and is_unchanged(spec, catalog, current)
            found = kept_or(found, formulation, unchanged=unchanged)
        if found.status is not SolverStatus.INFEASIBLE or not runs_here:
            break
    return Searched(supply=sold, formulation=formulation, found=found)


def solved(formulation: Formulation, asking: Asking) -> Purchase:
    """
    What to buy for one formulation.

    Whoever wants to hear of what is found on the way hears of the greedy purchase first: it takes a moment, so that a
    search that is broken off early has left a plan. It is no part of the search itself.
    """
    improved = None if asking.improved is None else partial(asking.improved, formulation)
    if improved is not None and asking.strategy is not Strategy.GREEDY:
        first = solve(formulation.problem, strategy=Strategy.GREEDY)
        if first.objective is not None:
            improved(first)
    return solve(formulation.problem, strategy=asking.strategy, effort=asking.effort, improved=improved)
