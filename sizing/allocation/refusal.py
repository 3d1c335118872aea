"""That there is no plan: which requirement stands in the way, what came closest, and the ways out, cheapest first.

Every way out has been sized: it leads to a plan, and says what that plan costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.explain import over_budget, sale_miss
from sizing.allocation.nearest import distance, machines_text, purchase_text, rejected, unsold, usd
from sizing.allocation.search import Search, Searched, search
from sizing.catalog.accelerator import Precision
from sizing.outcome import Miss, NoPlan, RunnerUp, SolverOutcome, SolverStatus
from sizing.performance.certainty.confidence import MEDIAN
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import HOURS_PER_MONTH

if TYPE_CHECKING:
    from sizing.catalog import Catalog

LOOSER = 1.25  # a limit is proposed this much above the least that any candidate reaches: capacity is nil at the least
MOST_NEAREST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """A spec with one requirement let go."""

    requirement: str  # what stands in the way, in words
    mend: str  # what to write in the spec; {region}, {budget} are filled in
    spec: Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """A relaxation that leads to a plan."""

    relaxed: Relaxed
    place: Searched
    usd_per_hour: float

    def text(self, budget_usd_per_month: float | None) -> str:
        """What to write, and what the plan then costs."""
        month = math.ceil(self.usd_per_hour * HOURS_PER_MONTH)
        mend = self.relaxed.mend.format(region=" and ".join(self.place.regions))
        if budget_usd_per_month is not None and month > budget_usd_per_month:
            also = f"raise budget_usd_per_month to {month}"
            mend = f"{mend}, and {also}" if mend else also
        return f"{mend}: the plan then costs {self.usd_per_hour:,.2f} USD/h, {month:,} USD a month"


def refusal(spec: Spec, catalog: Catalog, found: Search) -> NoPlan:
    """The answer where *found* has no plan in any region."""
    outcome = SolverOutcome(status=found.status, usd_per_hour=None, bound_usd_per_hour=None)
    if found.status is not SolverStatus.INFEASIBLE:
        reason = "the search was stopped by its limit before it found a plan or proved that there is none"
        return NoPlan(outcome=outcome, reason=reason, nearest=tuple(_nearest(spec, found, [])), mends=())
    ways = ways_out(spec, catalog, found)
    return NoPlan(
        outcome=outcome,
        reason=_reason(spec, found, ways),
        nearest=tuple(_nearest(spec, found, ways)),
        mends=tuple(dict.fromkeys(way.text(spec.budget_usd_per_month) for way in ways)),
    )


def ways_out(spec: Spec, catalog: Catalog, found: Search) -> list[WayOut]:
    """
    The relaxations that lead to a plan, cheapest first: each alone, or where none does, each with the budget let go.

    The budget is a requirement like the others; where it is what stands in the way, the way out is the least cost.
    """
    ways: list[WayOut] = []
    tried = list(relaxations(spec, catalog, found))
    for relaxed in tried:
        ways += _way(relaxed, catalog)
    if not ways and spec.budget_usd_per_month is not None:
        for relaxed in tried:
            freely = replace(relaxed, spec=replace(relaxed.spec, budget_usd_per_month=None))
            ways += _way(freely, catalog)
    return sorted(ways, key=lambda way: way.usd_per_hour)


def _way(relaxed: Relaxed, catalog: Catalog) -> list[WayOut]:
    """The plan of a relaxed spec, if it has one."""
    best = search(relaxed.spec, catalog).best
    if best is None or best.found is None or best.found.micro_usd_per_hour is None:
        return []
    return [WayOut(relaxed=relaxed, place=best, usd_per_hour=usd(best.found.micro_usd_per_hour))]


def relaxations(spec: Spec, catalog: Catalog, found: Search) -> Iterator[Relaxed]:
    """Every requirement of the spec that can be let go, one at a time."""
    if spec.budget_usd_per_month is not None:
        yield Relaxed(
            requirement=f"the budget of {spec.budget_usd_per_month:,.0f} USD a month",
            mend="",
            spec=replace(spec, budget_usd_per_month=None),
        )
    for place, workload in enumerate(spec.workloads):
        for requirement, mend, looser in _looser(workload, found, place):
            workloads = (*spec.workloads[:place], looser, *spec.workloads[place + 1 :])
            yield Relaxed(requirement=requirement, mend=mend, spec=replace(spec, workloads=workloads))
    if spec.zones:
        yield Relaxed(requirement="the zones allowed", mend="leave zones out", spec=replace(spec, zones=()))
    everywhere = tuple(dict.fromkeys(region for cloud in spec.clouds for region in catalog.regions(cloud)))
    if set(everywhere) - set(spec.regions):
        wider = replace(spec, regions=everywhere, zones=())
        yield Relaxed(requirement="the regions allowed", mend="add {region} to regions", spec=wider)


def _looser(workload: Serving, found: Search, place: int) -> Iterator[tuple[str, str, Serving]]:
    """One workload with one of its requirements let go: what it was, what to write, and the workload."""
    name, allowed = workload.name, workload.allowed
    if workload.survive is Survive.ZONE:
        loose = replace(workload, survive=Survive.NONE)
        yield f"that {name} survives the loss of a zone", f"{name}: set survive to none", loose
    for metric, limit in _limits(workload, found, place):
        loose = replace(workload, objectives=replace(workload.objectives, **{metric: limit}))
        yield f"the {metric} of {name}", f"{name}: loosen objectives.{metric} to {limit:g}", loose
    if workload.objectives.confidence > MEDIAN:
        loose = replace(workload, objectives=replace(workload.objectives, confidence=MEDIAN))
        yield f"the confidence asked for {name}", f"{name}: set objectives.confidence to {MEDIAN:g}", loose
    if allowed.min_spot_share > 0:
        loose = replace(workload, allowed=replace(allowed, min_spot_share=0.0))
        yield f"the least spot share of {name}", f"{name}: set allow.min_spot_share to 0", loose
    if allowed.spot_share < 1:
        loose = replace(workload, allowed=replace(allowed, spot_share=1.0))
        yield f"how little of {name} may be on spot", f"{name}: set allow.spot_share to 1", loose
    if allowed.weights and Precision.FP8 not in allowed.weights:
        loose = replace(workload, allowed=replace(allowed, weights=(*allowed.weights, Precision.FP8)))
        yield f"the weights allowed for {name}", f"{name}: add fp8 to allow.weights", loose
    if allowed.kv and Precision.FP8 not in allowed.kv:
        loose = replace(workload, allowed=replace(allowed, kv=(*allowed.kv, Precision.FP8)))
        yield f"the cache formats allowed for {name}", f"{name}: add fp8 to allow.kv", loose
    if allowed.accelerators or allowed.machines:
        loose = replace(workload, allowed=replace(allowed, accelerators=(), machines=()))
        yield f"the devices allowed for {name}", f"{name}: leave allow.accelerators and allow.machines out", loose


def _limits(workload: Serving, found: Search, place: int) -> Iterator[tuple[str, float]]:
    """For each latency that candidates miss, a limit that the nearest of them keeps, to two figures, rounded up."""
    reached: dict[str, float] = {}
    for reject in found.weighed[place].rejected:
        for miss in reject.misses:
            if miss.metric in {"ttft_p95_s", "tpot_p95_s", "e2e_p95_s"} and miss.reached is not None:
                reached[miss.metric] = min(miss.reached, reached.get(miss.metric, math.inf))
    for metric, least in sorted(reached.items()):
        scale = 10 ** (math.floor(math.log10(least * LOOSER)) - 1)
        limit = round(math.ceil(least * LOOSER / scale) * scale, 9)
        asked = getattr(workload.objectives, metric)
        if asked is not None and limit > asked:
            yield metric, limit


def _reason(spec: Spec, found: Search, ways: list[WayOut]) -> str:
    """One sentence: which requirement cannot be met."""
    for workload, one in zip(spec.workloads, found.weighed, strict=True):
        if not one.candidates:
            return _nothing_serves(workload, found)
    if not any(market.offers or market.held for market in found.markets):
        return f"nothing that serves {_names(spec)} can be bought at a known price in {_regions(spec)}"
    alone = [way for way in ways if way.relaxed.spec.budget_usd_per_month is None or spec.budget_usd_per_month is None]
    for way in alone:
        if spec.budget_usd_per_month is not None and not way.relaxed.mend:
            miss = over_budget(way.usd_per_hour, spec.budget_usd_per_month)
            return f"the cheapest plan is over the budget: {miss.text}"
    if ways:
        cause = " or ".join(dict.fromkeys(way.relaxed.requirement for way in ways[:3]))
        return f"no plan keeps everything that is asked in {_regions(spec)}; what stands in the way is {cause}"
    return (
        f"no plan keeps everything that is asked in {_regions(spec)}, and letting go of one requirement is not enough"
    )


def _nothing_serves(workload: Serving, found: Search) -> str:
    near = [runner for runner in rejected(found) if runner.workload == workload.name]
    if not near:
        return f"{workload.name}: no machine type with an accelerator is allowed"
    closest = min(near, key=lambda runner: distance(runner.misses))
    return (
        f"{workload.name}: no machine type keeps what is asked; the nearest, {closest.what}: {closest.misses[0].text}"
    )


def _nearest(spec: Spec, found: Search, ways: list[WayOut]) -> Iterator[RunnerUp]:
    """The cheapest plan over the budget, what would serve but is not sold, and what misses least."""
    near: list[RunnerUp] = []
    for way in ways:
        formulation, bought = way.place.formulation, way.place.found
        if spec.budget_usd_per_month is not None and not way.relaxed.mend and formulation and bought:
            what = f"{' + '.join(way.place.regions)}: {purchase_text(formulation, bought)}"
            misses = (over_budget(way.usd_per_hour, spec.budget_usd_per_month),)
            near.append(RunnerUp(workload=_names(spec), what=what, usd_per_hour=way.usd_per_hour, misses=misses))
    yield from [*near, *unsold(found), *_half_sold(spec, found), *rejected(found)][:MOST_NEAREST]


def _half_sold(spec: Spec, found: Search) -> Iterator[RunnerUp]:
    """Machine types that serve a workload and are sold, but not in the mode, or not in as many zones, as is asked."""
    alike: dict[tuple[str, Miss], list[str]] = {}
    for cloud in found.clouds:
        formulation = cloud.formulation
        if formulation is None:
            continue
        for workload in spec.workloads:
            choices = [choice for choice in formulation.problem.choices if choice.workload == workload.name]
            for machine in dict.fromkeys(choice.machine for choice in choices):
                miss = sale_miss(formulation.problem, workload.name, machine)
                if miss is not None:
                    alike.setdefault((workload.name, miss), []).append(machine)
    for (name, miss), machines in alike.items():
        what = machines_text(tuple(dict.fromkeys(machines)))
        yield RunnerUp(workload=name, what=what, usd_per_hour=None, misses=(miss,))


def _names(spec: Spec) -> str:
    return " + ".join(workload.name for workload in spec.workloads)


def _regions(spec: Spec) -> str:
    return ", ".join(spec.regions)
