"""A spec on the market of one region, as an allocation problem; and what its integers stand for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sizing.allocation.candidates import Candidate, Weighed
from sizing.allocation.market import LEAST_SYSTEM_MACHINES, NETWORK_ZONES, Market
from sizing.allocation.names import pool_name
from sizing.allocation.problem import Choice, Demand, Pool, Problem
from sizing.catalog.machine import Machine
from sizing.catalog.offer import Offer
from sizing.plan import SizingPlan
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, micro_usd

MICRO = 1_000_000  # micro-requests per second in one request per second


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """One region's problem, with what its choices and pools stand for."""

    market: Market
    problem: Problem
    candidates: Mapping[Choice, Candidate]
    offers: Mapping[Pool, tuple[Machine, Offer]]


def formulate(
    spec: Spec, market: Market, weighed: Sequence[Weighed], *, current: SizingPlan | None
) -> Formulation | None:
    """The problem of one region; None where nothing there can carry the cluster's own services."""
    if market.system is None:
        return None
    offers = _pools(market, current)
    sold = {pool.machine for pool in offers}
    choices = {
        _choice(candidate, current): candidate
        for workload in weighed
        for candidate in workload.candidates
        if candidate.machine.name in sold and candidate.machine.cloud is market.cloud
    }
    system = market.system[1].usd_per_hour
    if system is None:
        raise ValueError(f"{market.region}: the system machine was taken without a price")
    problem = Problem(
        demands=tuple(demand_of(workload, headroom=spec.headroom) for workload in spec.workloads),
        choices=tuple(choices),
        pools=tuple(offers),
        system_micro_usd_per_hour=micro_usd(system),
        least_system_machines=max(LEAST_SYSTEM_MACHINES, min(NETWORK_ZONES, len(market.zones))),
        budget_micro_usd_per_hour=budget_of(spec),
    )
    return Formulation(market=market, problem=problem, candidates=choices, offers=offers)


def demand_of(workload: Serving, *, headroom: float) -> Demand:
    """
    The peak with its headroom, in whole micro-requests per second, rounded up.

    The headroom is there after the loss of a zone as well.
    """
    total = _micro_up(workload.traffic.requests_per_s * (1 + headroom))
    firm = _up(total * (1 - workload.allowed.spot_share))
    return Demand(
        workload=workload.name,
        total=total,
        firm=firm,
        spot=_up(total * workload.allowed.min_spot_share) if firm < total else 0,
        zone_loss=workload.survive is Survive.ZONE,
    )


def budget_of(spec: Spec) -> int | None:
    """What the machines may cost in whole micro-dollars per hour, rounded down; a month has 730 hours."""
    if spec.budget_usd_per_month is None:
        return None
    return math.floor(spec.budget_usd_per_month / HOURS_PER_MONTH * MICRO_USD_PER_USD)


def _micro_up(per_s: float) -> int:
    return _up(per_s * MICRO)


def _up(amount: float) -> int:
    """Rounded up, but for the noise of binary fractions: 12 x 1.2 x 10^6 is 14,400,000, not one more."""
    return math.ceil(round(amount, 3))


def _choice(candidate: Candidate, current: SizingPlan | None) -> Choice:
    """The candidate as integers; replicas of one kind and one capacity may stand side by side."""
    capacity = max(1, math.floor(candidate.point.requests_per_s * MICRO))
    return Choice(
        workload=candidate.workload,
        machine=candidate.machine.name,
        kind=f"{candidate.kind} at {capacity}",
        slots=candidate.slots,
        capacity=capacity,
        runs_today=current is not None and _runs_today(candidate, current),
    )


def _runs_today(candidate: Candidate, current: SizingPlan) -> bool:
    replica = candidate.replica
    return any(
        (one.workload, one.machines[0], one.layout, one.weights, one.kv)
        == (candidate.workload, candidate.machine.name, replica.layout, replica.weights, replica.kv)
        for one in current.deployments
    )


def _pools(market: Market, current: SizingPlan | None) -> dict[Pool, tuple[Machine, Offer]]:
    """A pool for each priced offer and zone, in the order of zone, machine and mode."""
    same_region = current is not None and (current.cloud, current.region) == (market.cloud, market.region)
    nodes = {pool.name: pool.nodes for pool in current.node_pools} if current is not None and same_region else {}
    pools: dict[Pool, tuple[Machine, Offer]] = {}
    for zone, machine, offer in sorted(_places(market.offers), key=lambda place: (place[0], place[1].name)):
        if offer.usd_per_hour is None:
            continue
        pool = Pool(
            machine=machine.name,
            zone=zone,
            mode=offer.mode,
            slots=machine.accelerators,
            micro_usd_per_hour=micro_usd(offer.usd_per_hour),
            running=None if current is None else nodes.get(pool_name(machine.name, zone, offer.mode), 0),
        )
        pools[pool] = (machine, offer)
    return pools


def _places(offers: Iterable[tuple[Machine, Offer]]) -> Iterable[tuple[str, Machine, Offer]]:
    return [(zone, machine, offer) for machine, offer in offers for zone in offer.zones]
