"""
Which requirements of a spec conflict: the spec and each of its relaxations as problems, asked about as one model.

Requirements that act where candidates are weighed take part too: what they keep out is in the model, and can be used
only once they are let go. Of regions beyond the spec those are looked at that are the cheapest for a machine type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.buying.quotas import quotas_of
from sizing.allocation.buying.schedule import budget_of, day_of, demands_of, teams_of
from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.refusing.glance import at_a_glance, is_possible
from sizing.allocation.refusing.relaxed import Relaxed
from sizing.allocation.refusing.requirement import Asked
from sizing.allocation.refusing.stack_requirements import of_stack
from sizing.allocation.refusing.workload_requirements import of_workload
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.conflicts.conflict import Explanation, analysis
from sizing.optimiser.conflicts.looser import Key, Requirements, place_of
from sizing.optimiser.problem import Pool, Problem
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

TWO_ZONES = 2
MOST_REGIONS = 3  # that are tried beside those of the spec, of each cloud


@dataclass(frozen=True, kw_only=True)
class Conflicts:
    """Every requirement, what conflicts, and the smallest sets that leave a plan when let go."""

    asked: Mapping[str, Asked]  # by id
    explanation: Explanation


def conflicts_of(spec: Spec, relaxed: Relaxed) -> Conflicts:
    """The conflicts of a spec without a plan; none where a limit stopped their proof."""
    blocked = blocking(joined(spec, relaxed.formulations(spec)))
    of_blocked = [one for workload in spec.workloads if workload.name in blocked for one in of_workload(workload)]
    weighing = [one for one in of_blocked if one.weighs]
    for together in (False, True):  # what only several of them let in costs time, and seldom matters
        looser = [let_go(spec, weighing)] if together else [one.let_go(spec) for one in weighing]
        machines = _useful([spec, *looser], relaxed)
        nearby = cheapest_regions(spec, relaxed.catalog, machines)
        asked = {one.requirement.id: one for one in (*of_stack(spec, relaxed.catalog, nearby=nearby), *of_blocked)}
        made = requirements_of(spec, relaxed, asked, machines, together=together)
        order = sorted(asked, key=lambda name: not asked[name].is_default)
        told = analysis(made, asked=relaxed.tried, glance=at_a_glance).explanation(first_without=order)
        if any(len(way) == 1 for way in told.ways_out):
            break
    return Conflicts(asked=asked, explanation=told)


def let_go(spec: Spec, asked: Iterable[Asked]) -> Spec:
    """The spec without some of its requirements."""
    for one in asked:
        spec = one.let_go(spec)
    return spec


def blocking(problem: Problem) -> frozenset[str]:
    """
    Workloads that are in a conflict as things stand: each that is impossible alone, and a smallest set of others.

    Letting go of what another workload asks changes nothing for these, so only theirs needs to be weighed anew.
    """
    must = [demand.workload for demand in problem.demands if demand.priority is None]
    alone = [name for name in must if is_possible(_only(problem, [name])) is not True]
    rest = [name for name in must if name not in alone]
    if not rest or is_possible(_only(problem, rest)) is True:
        return frozenset(alone)
    for name in list(rest):
        fewer = [other for other in rest if other != name]
        if is_possible(_only(problem, fewer)) is False:
            rest = fewer
    return frozenset((*alone, *rest))


def _only(problem: Problem, workloads: Sequence[str]) -> Problem:
    """The problem of some of its workloads."""
    return replace(
        problem,
        demands=tuple(demand for demand in problem.demands if demand.workload in workloads),
        choices=tuple(choice for choice in problem.choices if choice.workload in workloads),
    )


def _useful(specs: Iterable[Spec], relaxed: Relaxed) -> tuple[Machine, ...]:
    """Machine types that could carry a workload of any of *specs*."""
    weighed = (one for spec in specs for one in relaxed.weighed(spec))
    return tuple(dict.fromkeys(candidate.machine for one in weighed for candidate in one.candidates))


def cheapest_regions(spec: Spec, catalog: Catalog, machines: Iterable[Machine]) -> tuple[str, ...]:
    """
    Regions beyond the spec's that sell most of *machines* at their least price, of each cloud a few.

    Those that sell in two zones or more count, as far as there are any: else no zone could be lost there.
    """
    wins: dict[tuple[Cloud, str], int] = {}
    for machine in machines:
        prices = [
            (len(offer.zones) < TWO_ZONES, offer.usd_per_hour, region)
            for region in catalog.regions(machine.cloud)
            if region not in spec.regions
            for offer in catalog.offers_for(machine.cloud, region, machine.name)
            if offer.mode is PurchaseMode.ON_DEMAND
            and offer.orderable
            and offer.zones
            and offer.usd_per_hour is not None
        ]
        if prices:
            best = min(prices)
            for alike in {region for one, usd, region in prices if (one, usd) == best[:2]}:
                wins[machine.cloud, alike] = wins.get((machine.cloud, alike), 0) + 1
    ranked = sorted(wins, key=lambda place: (-wins[place], place[1]))
    return tuple(
        region for cloud in spec.clouds for region in [name for of, name in ranked if of is cloud][:MOST_REGIONS]
    )


def joined(spec: Spec, formulations: Sequence[Formulation]) -> Problem:
    """The problems of several clouds as one, in which clouds could be mixed."""
    problems = [one.problem for one in formulations]
    day = day_of(spec.workloads)
    return Problem(
        demands=tuple(sorted(demands_of(spec, day), key=lambda demand: demand.workload)),
        choices=tuple(choice for one in problems for choice in one.choices),
        pools=tuple(pool for one in problems for pool in one.pools),
        sites=tuple(site for one in problems for site in one.sites),
        periods=day.periods,
        standings=tuple(standing for one in problems for standing in one.standings),
        quotas=tuple(quota for one in problems for quota in one.quotas),
        commitments=tuple(commitment for one in problems for commitment in one.commitments),
        teams=teams_of(spec),
        budget_micro_usd_per_hour=budget_of(spec),
    )


def requirements_of(
    spec: Spec, relaxed: Relaxed, asked: Mapping[str, Asked], machines: Sequence[Machine], *, together: bool
) -> Requirements:
    """
    The problem of *spec* and of each of its relaxations, over all that any of them could use.

    Args:
        spec: What is asked.
        relaxed: Weighs and formulates.
        asked: Its requirements, by id.
        machines: Types that could carry a workload once a requirement is let go.
        together: Whether what only comes in when several requirements of a workload are let go takes part.
    """
    wide = let_go(spec, (one for one in asked.values() if together or not one.weighs))
    reach = relaxed.formulations(wide, more=machines)
    widest = joined(wide, reach)

    def version(of: Spec) -> Problem:
        """What one spec makes of the pools within its reach."""
        own = joined(of, relaxed.formulations(of, more=machines))
        inside = {place_of(pool): pool for pool in widest.pools if pool.name is None and _may_use(of, pool)}
        inside |= {place_of(pool): pool for pool in own.pools}
        quotas = (q for one in reach for q in quotas_of(of, relaxed.catalog, cloud=one.supply.cloud, offers=one.offers))
        return replace(
            own,
            pools=tuple(inside.values()),
            quotas=tuple(quotas),
            sites=widest.sites,
            standings=widest.standings,
            commitments=widest.commitments,
        )

    base = version(spec)
    versions: dict[Key, Problem] = {frozenset({name}): version(one.let_go(spec)) for name, one in asked.items()}
    for workload in spec.workloads:
        own = {name: one for name, one in asked.items() if one.weighs and one.workload == workload.name}
        if together and len(own) > 1:
            versions[frozenset(own)] = version(let_go(spec, own.values()))
    apart = tuple(frozenset(site.region for site in one.problem.sites) for one in reach)
    return Requirements(asked=base, let_go=versions, apart=apart if len(apart) > 1 else ())


def _may_use(spec: Spec, pool: Pool) -> bool:
    """Whether a pool is where a spec may buy machines."""
    return pool.region in spec.regions and (not spec.zones or pool.zone in spec.zones)
