"""A plan tried against everything that was asked, from the plan's own values: knows nothing of how it was found.

Every plan goes through this before it is handed out. What it tells is a bug of ours, never of the input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.allocation.planning.deployed import deployed_replica
from sizing.allocation.planning.promises import at_load, capacity_of, worst_share
from sizing.allocation.planning.verify_account import account_violations
from sizing.allocation.ways.host import deployed_need, host_need, host_shares
from sizing.catalog.machine import Machine
from sizing.catalog.offer import PurchaseMode
from sizing.performance import Excuse, Overloaded, Replica, cold_start, front_ends
from sizing.performance.certainty.confidence import quantile
from sizing.performance.host.loading import load_bytes_per_s, load_tier
from sizing.plan import Deployment, NodePool, PoolRole, SizingPlan
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD, usd_per_month

if TYPE_CHECKING:
    from sizing.catalog import Catalog

TOLERANCE = 1e-3  # the highest rate is found by bisection to one part in ten thousand
LEAST_SYSTEM_MACHINES = 2


def violations(plan: SizingPlan, spec: Spec, catalog: Catalog) -> tuple[str, ...]:
    """Everything of *spec* that *plan* breaks, in words; empty: nothing."""
    out = {one.workload for one in plan.left_out}
    served = [workload for workload in spec.workloads if workload.name not in out]
    return (
        *_place(plan, spec),
        *_prices(plan, spec, catalog),
        *_system(plan, catalog),
        *(text for pool in plan.node_pools for text in _packing(pool, plan, catalog)),
        *_left_out(plan, spec),
        *(text for workload in served for text in _service(workload, plan, spec, catalog)),
        *_promises(plan, served),
        *account_violations(plan, spec, catalog),
    )


def _place(plan: SizingPlan, spec: Spec) -> Iterator[str]:
    """Cloud, regions and zones are among those that may be used."""
    zones = {site.region: site.zones for site in plan.sites}
    for region in zones:
        if plan.cloud not in spec.clouds or region not in spec.regions:
            yield f"{plan.cloud} {region} is not asked for"
    for pool in plan.node_pools:
        if pool.zone not in zones.get(pool.region, ()):
            yield f"pool {pool.name} is in {pool.zone}, which the network does not span"
        if pool.role is PoolRole.ACCELERATOR and spec.zones and pool.zone not in spec.zones:
            yield f"pool {pool.name} is in {pool.zone}, which is not allowed"


def _prices(plan: SizingPlan, spec: Spec, catalog: Catalog) -> Iterator[str]:
    """Every machine is sold there, that way, at the price that the plan counts, and the budget holds."""
    for pool in plan.node_pools:
        if pool.reservation is not None:
            continue  # what is held has the price that the stack tells: see the account
        offers = [
            offer
            for offer in catalog.offers_for(plan.cloud, pool.region, pool.machine)
            if offer.mode is pool.mode and offer.orderable and pool.zone in offer.zones
        ]
        if [_micro(offer.usd_per_hour) for offer in offers] != [_micro(pool.usd_per_hour)]:
            yield f"pool {pool.name}: {pool.machine} {pool.mode} is not offered at {pool.usd_per_hour} USD/h"
    yield from _cost_lines(plan)
    if len({pool.name for pool in plan.node_pools}) < len(plan.node_pools):
        yield "two pools have one name"
    machines = sum(line.usd_per_hour_on_average for line in plan.cost_lines if line.unit == "machine")
    monthly, budget = usd_per_month(machines), spec.budget_usd_per_month
    if budget is not None and monthly > budget + 0.01:
        yield f"{monthly:.2f} USD a month is over the budget of {budget:.2f}"


def _cost_lines(plan: SizingPlan) -> Iterator[str]:
    """Every machine of every pool is paid once: at its price, or at that of what covers it."""
    for pool in plan.node_pools:
        lines = [line for line in plan.cost_lines if line.pool == pool.name and line.unit == "machine"]
        rest, price = pool.nodes - pool.committed, _micro(pool.usd_per_hour)
        parts = [(rest, price)] if rest else []
        if pool.committed:
            parts.append((pool.committed, _micro(pool.committed_usd_per_hour)))
        if Counter((round(line.quantity), _micro(line.usd_per_hour)) for line in lines) != Counter(parts):
            yield f"the cost lines are not those of the pools: {pool.name}"
        least = max(0.0, (pool.least_nodes - pool.committed) / rest) if rest else 1.0
        paid = [line.hours_per_month / HOURS_PER_MONTH for line in lines if _micro(line.usd_per_hour) == price]
        if any(hours < least - TOLERANCE or hours > 1 + TOLERANCE for hours in paid):
            yield f"pool {pool.name} is paid for other hours than it is up"


def _left_out(plan: SizingPlan, spec: Spec) -> Iterator[str]:
    """Nothing is left out that must be served, and what is left out has no replicas."""
    priorities = {workload.name: workload.priority for workload in spec.workloads}
    for one in plan.left_out:
        if priorities.get(one.workload) is None:
            yield f"{one.workload} must be served and is left out"
        if any(deployment.workload == one.workload for deployment in plan.deployments):
            yield f"{one.workload} is left out and yet has a deployment"


def _micro(usd: float | None) -> int | None:
    """A price to the micro-dollar, which is how a lock file keeps it."""
    return None if usd is None else round(usd * MICRO_USD_PER_USD)


def _system(plan: SizingPlan, catalog: Catalog) -> Iterator[str]:
    """Cluster services have machines without accelerators in each region, at least two and one a zone."""
    pools = [pool for pool in plan.node_pools if pool.role is PoolRole.SYSTEM]
    for site in plan.sites:
        here = [pool for pool in plan.node_pools if pool.region == site.region]
        machines = sum(pool.nodes for pool in here if pool.role is PoolRole.SYSTEM)
        used = {pool.zone for pool in here if pool.role is PoolRole.ACCELERATOR}
        if machines < LEAST_SYSTEM_MACHINES:
            yield f"fewer than two system machines in {site.region}"
        elif machines < len(used):
            yield f"{machines} system machines for {len(used)} zones of {site.region}"
    for pool in pools:
        if catalog.machine(plan.cloud, pool.machine).accelerator is not None:
            yield f"system pool {pool.name} has accelerators"


def _packing(pool: NodePool, plan: SizingPlan, catalog: Catalog) -> Iterator[str]:
    """The replicas of a pool really go into its machines: first fit, the largest first, by all that they ask for."""
    machine = catalog.machine(plan.cloud, pool.machine)
    asked = [
        _share(deployment, machine)
        for deployment in plan.deployments
        for placement in deployment.placements
        if placement.pool == pool.name
        for _ in range(placement.replicas)
    ]
    if pool.role is PoolRole.SYSTEM:
        if asked:
            yield f"replicas stand on system pool {pool.name}"
        return
    if not asked:
        yield f"pool {pool.name} carries nothing"
    free = [[1.0] * 4 for _ in range(pool.nodes)]
    for share in sorted(asked, key=max, reverse=True):
        node = next((left for left in free if all(s <= f + 1e-9 for s, f in zip(share, left, strict=True))), None)
        if node is None:
            yield f"the replicas on pool {pool.name} do not fit into {pool.nodes} x {pool.machine}"
            return
        node[:] = [left - part for left, part in zip(node, share, strict=True)]


def _share(deployment: Deployment, machine: Machine) -> tuple[float, ...]:
    """Shares of a machine's accelerators, processors, memory and disk that one replica takes."""
    return (
        deployment.layout.accelerators / machine.accelerators if machine.accelerators else float("inf"),
        *host_shares(machine, deployed_need(deployment)),
    )


def _service(workload: Serving, plan: SizingPlan, spec: Spec, catalog: Catalog) -> Iterator[str]:
    """The peak with its headroom is served within the objectives, on what is left after any loss to be survived."""
    own = [deployment for deployment in plan.deployments if deployment.workload == workload.name]
    if not own:
        yield f"{workload.name} has no deployment"
        return
    replicas = [deployed_replica(workload, deployment, catalog, cloud=plan.cloud) for deployment in own]
    if len({(one.accelerator, one.layout, one.weights, one.kv) for one in replicas}) > 1:
        yield f"{workload.name} has unlike replicas side by side"
    zones = {pool.name: pool.zone for pool in plan.node_pools}
    if lacking := {placement.pool for one in own for placement in one.placements} - set(zones):
        yield f"{workload.name} stands on pools that the plan does not have: {', '.join(sorted(lacking))}"
        return
    if len({one.region for one in own}) > 1:
        yield f"{workload.name} stands in more than one region"
    rate = workload.traffic.requests_per_s * (1 + spec.headroom)
    for lost in (None, *sorted(set(zones.values()))) if workload.survive is Survive.ZONE else (None,):
        standing = [
            sum(placement.replicas for placement in one.placements if zones[placement.pool] != lost) for one in own
        ]
        firm = sum(n for n, one in zip(standing, own, strict=True) if one.mode is not PurchaseMode.SPOT)
        cases = ((sum(standing), rate), (firm, rate * (1 - workload.allowed.spot_share)))
        for left, load in cases:
            yield from _carried(workload, replicas[0], left, load, lost)
    yield from _quiet(workload, own, replicas[0], rate)
    for one, replica in zip(own, replicas, strict=True):
        yield from _hosted(workload, one, replica)
        yield from _ready(workload, one, replica, [catalog.machine(plan.cloud, name) for name in one.machines])
    spot = sum(one.replicas * one.requests_per_s for one in own if one.mode is PurchaseMode.SPOT)
    if spot < workload.allowed.min_spot_share * rate * (1 - TOLERANCE):
        yield f"{workload.name}: spot carries {spot:.3f}/s, less than its least share"
    if workload.allowed.weights and replicas[0].weights not in workload.allowed.weights:
        yield f"{workload.name}: {replicas[0].weights} weights are not allowed"


def _quiet(workload: Serving, own: Sequence[Deployment], replica: Replica, rate: float) -> Iterator[str]:
    """The fewest replicas still carry the quietest hours; a floor above the plan's own replicas is none."""
    least = sum(one.least_replicas for one in own)
    share = min((part.share for part in workload.traffic.day), default=1.0)
    yield from _carried(workload, replica, least, rate * share, None)
    if any(one.least_replicas > one.replicas or one.max_replicas < one.replicas for one in own):
        yield f"{workload.name}: its floor is above its replicas, or these above their ceiling"


def _hosted(workload: Serving, deployment: Deployment, replica: Replica) -> Iterator[str]:
    """A replica asks its machine for what the rate that it is counted for takes, and starts as many front ends."""
    traffic = replace(workload.traffic, requests_per_s=deployment.requests_per_s)
    takes, asks = host_need(replica, traffic), deployed_need(deployment)
    for what, least, asked in (
        ("vCPU", takes.vcpus, asks.vcpus),
        ("bytes of host memory", takes.memory_bytes, asks.memory_bytes),
        ("bytes of disk", takes.disk_bytes, asks.disk_bytes),
        ("front ends", front_ends(replica, traffic), deployment.engine.front_ends),
    ):
        if asked < least * (1 - TOLERANCE):
            yield f"{deployment.name}: asks for {asked:,.0f} {what}, and its rate takes {least:,.0f}"


def _ready(workload: Serving, deployment: Deployment, replica: Replica, machines: Sequence[Machine]) -> Iterator[str]:
    """A replica is ready in time on every machine type that it may start on, its weights read from where they lie."""
    tier = load_tier(deployment.load_tier)
    for machine in machines:
        rate = load_bytes_per_s(tier, network_bytes_per_s=machine.network_bytes_per_s)
        takes = quantile(cold_start(replica, rate).ready, workload.objectives.confidence)
        limit = workload.objectives.ready_s
        if limit is not None and takes > limit * (1 + TOLERANCE):
            yield f"{deployment.name}: ready in {takes:.0f} s on {machine.name}, and {limit:g} s are asked"


def _carried(workload: Serving, replica: Replica, left: int, load: float, lost: str | None) -> Iterator[str]:
    """Whether *left* replicas carry *load* requests per second, spread evenly, within the objectives."""
    if load <= 0:
        return
    when = f" without {lost}" if lost is not None else ""
    if not left:
        yield f"{workload.name}: nothing is left{when} for {load:.3f}/s"
        return
    point = at_load(replica, workload, requests_per_s=load / left)
    most = capacity_of(replica, workload)
    sure = 0.0 if isinstance(most, Excuse) else quantile(most, 1 - workload.objectives.confidence)
    if load / left > sure * (1 + TOLERANCE):
        yield f"{workload.name}: {left} replicas are overloaded by {load:.3f}/s{when}"
    elif not isinstance(point, Overloaded) and worst_share(point, workload.objectives) > 1 + TOLERANCE:
        yield f"{workload.name}: {left} replicas miss an objective at {load:.3f}/s{when}"


def _promises(plan: SizingPlan, served: Sequence[Serving]) -> Iterator[str]:
    """Every promise stands, and what was asked is promised."""
    for promise in plan.promises:
        slack = promise.asked * TOLERANCE
        kept = promise.planned <= promise.asked + slack if promise.at_most else promise.planned >= promise.asked - slack
        if not kept:
            yield f"{promise.workload}: {promise.metric} is promised at {promise.planned:g}, asked {promise.asked:g}"
    for workload in served:
        promised = {promise.metric for promise in plan.promises if promise.workload == workload.name}
        yield from _unpromised(workload, promised)


def _unpromised(workload: Serving, promised: set[str]) -> Sequence[str]:
    asked = {
        "ttft_p95_s": workload.objectives.ttft_p95_s,
        "tpot_p95_s": workload.objectives.tpot_p95_s,
        "e2e_p95_s": workload.objectives.e2e_p95_s,
        "ready_s": workload.objectives.ready_s,
    }
    return [
        f"{workload.name}: no promise of {m}" for m, limit in asked.items() if limit is not None and m not in promised
    ]
