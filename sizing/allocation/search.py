"""The least-cost purchase in every region that the spec allows, and the best of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.allocation.candidates import Weighed, weigh
from sizing.allocation.exact import Purchase, purchase
from sizing.allocation.formulation import Formulation, formulate
from sizing.allocation.market import Market, market
from sizing.catalog.machine import Cloud
from sizing.outcome import SolverStatus
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One region and what was found there; without a formulation nothing can be bought at all."""

    market: Market
    formulation: Formulation | None
    found: Purchase | None

    @property
    def place(self) -> tuple[Cloud, str]:
        """Cloud and region."""
        return self.market.cloud, self.market.region


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """All regions, and what was weighed for each workload."""

    weighed: tuple[Weighed, ...]  # in the order of the spec's workloads
    regions: tuple[Searched, ...]  # in the order of the spec
    home: tuple[Cloud, str] | None = None  # where the current plan runs

    @property
    def best(self) -> Searched | None:
        """
        The region of least cost, the first of equal ones; with a current plan its own, as long as a plan exists there.

        Another region means another network, cluster, bucket and address: no price of machines pays for that unasked.
        """
        found = [
            (one.found.objective, place)
            for place, one in enumerate(self.regions)
            if one.found is not None and one.found.objective is not None
        ]
        at_home = [(cost, place) for cost, place in found if self.regions[place].place == self.home]
        return self.regions[min(at_home or found)[1]] if found else None

    @property
    def status(self) -> SolverStatus:
        """
        How the search over all regions ended.

        A plan is optimal only where every region's search was finished; and there is none only where that is proved
        in every region.
        """
        ended = [one.found.status for one in self.regions if one.found is not None]
        open_ends = [one for one in ended if one not in {SolverStatus.OPTIMAL, SolverStatus.INFEASIBLE}]
        if self.best is not None:
            return SolverStatus.FEASIBLE if open_ends else SolverStatus.OPTIMAL
        return open_ends[0] if open_ends else SolverStatus.INFEASIBLE


def search(
    spec: Spec,
    catalog: Catalog,
    *,
    current: SizingPlan | None = None,
    weighed: Sequence[Weighed] | None = None,
) -> Search:
    """Every region of the spec, each solved on its own: a plan uses exactly one, so the best of them is the best."""
    machines = [machine for machine in catalog.machines if machine.cloud in spec.clouds]
    weighed = tuple(weighed or (weigh(workload, catalog, machines) for workload in spec.workloads))
    useful = {
        (candidate.machine.cloud, candidate.machine.name): candidate.machine
        for one in weighed
        for candidate in one.candidates
    }
    regions = []
    for cloud, region in places(spec, catalog):
        sold = market(
            spec,
            catalog,
            cloud=cloud,
            region=region,
            machines=[machine for (of, _), machine in useful.items() if of is cloud],
        )
        formulation = formulate(spec, sold, weighed, current=current)
        found = purchase(formulation.problem) if formulation is not None else None
        regions.append(Searched(market=sold, formulation=formulation, found=found))
    home = None if current is None else (current.cloud, current.region)
    return Search(weighed=weighed, regions=tuple(regions), home=home)


def places(spec: Spec, catalog: Catalog) -> list[tuple[Cloud, str]]:
    """Every region of the spec, on the cloud that has it."""
    return [
        (cloud, region) for cloud in spec.clouds for region in spec.regions if region in set(catalog.regions(cloud))
    ]
