"""From the solver's integers back to a plan: deployments, pools, promises, cost lines, and what was assumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.allocation.buying.market import NETWORK_ZONES, Market
from sizing.allocation.buying.names import deployment_name, pool_name
from sizing.allocation.buying.standing import upkeep
from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.planning.assumptions import assumptions
from sizing.allocation.planning.costs import accelerator_lines, commitments_of, covered_pools, machine_line
from sizing.allocation.planning.left_out import left_out_of
from sizing.allocation.planning.promises import Served, promises_of
from sizing.allocation.planning.shares import cost_shares
from sizing.allocation.ways.candidates import Candidate
from sizing.allocation.ways.host import DISK_SHARE, IMAGES_BYTES
from sizing.allocation.ways.start import start_of
from sizing.allocation.ways.storage import OBJECT_STORE
from sizing.allocation.ways.support import quantization
from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.machine import Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.optimiser.problem import Choice
from sizing.optimiser.purchase import Purchase, Stand
from sizing.performance import checkpoint_bytes, front_ends, weight_bytes
from sizing.performance.configuration.shard import published_bytes
from sizing.plan import (
    Bucket,
    CostLine,
    Deployment,
    EngineSettings,
    NodePool,
    Placement,
    PoolRole,
    Site,
    SizingPlan,
)
from sizing.spec.workload import Serving, Spec
from sizing.units import GB
from sizing.version import VERSION, solver_version

if TYPE_CHECKING:
    from sizing.catalog import Catalog

CONCURRENCY_MARGIN = 1.25  # of the 99th percentile in flight: what the server may take before it lets requests wait
CONCURRENCY_STEP = 8  # engines capture graphs for batches that are multiples of it
DISK_STEP_GB = 10
BUCKET_TIER = "STANDARD"  # both clouds' own word for it


def plan_of(
    spec: Spec, catalog: Catalog, formulation: Formulation, bought: Purchase, *, home: str | None
) -> SizingPlan:
    """
    The plan that a purchase is.

    Args:
        spec: What was asked.
        catalog: The facts.
        formulation: The cloud's problem and what its integers stand for.
        bought: Its machines, and the replicas on them.
        home: The region whose resources have plain names today; where nothing stands there any more, or None: the
            region that most is paid in.
    """
    sites = _sites(formulation, bought, home)
    pools = [
        *_accelerator_pools(catalog, formulation, bought),
        *(pool for site in sites for pool in _system_pools(formulation, site, dict(bought.system_machines))),
    ]
    deployments = [one for workload in spec.workloads for one in _deployments(workload, formulation, bought)]
    plan = SizingPlan(
        spec_hash=spec.hash,
        facts_as_of=catalog.as_of,
        facts_hash=catalog.hash,
        sizeup_version=VERSION,
        solver=solver_version(),
        cloud=formulation.supply.cloud,
        region=sites[0].region,
        zones=sites[0].zones,
        deployments=tuple(deployments),
        node_pools=tuple(pools),
        buckets=tuple(_bucket(spec, catalog, formulation, bought, site.region) for site in sites),
        promises=tuple(
            promise
            for workload in spec.workloads
            if workload.name not in bought.unserved
            for promise in promises_of(workload, _served(workload, formulation, bought))
        ),
        cost_lines=tuple(_cost_lines(formulation, bought, pools)),
        assumptions=(),
        elsewhere=tuple(sorted(sites[1:], key=lambda site: site.region)),
        commitments=commitments_of(catalog, formulation, bought),
        left_out=left_out_of(spec, catalog, formulation.problem, bought),
        cost_shares=cost_shares(formulation.problem, bought),
    )
    beside = _lines_beside(spec, catalog, formulation, plan)
    told = assumptions(spec, formulation, bought, paid_beside=bool(beside))
    return replace(plan, cost_lines=(*plan.cost_lines, *beside), assumptions=told)


def _lines_beside(spec: Spec, catalog: Catalog, formulation: Formulation, plan: SizingPlan) -> tuple[CostLine, ...]:
    """
    What is paid beside machines where the workloads stand: storage of weights, and traffic from home and back.

    As of this plan, whatever there was before it: so sizing again an unchanged stack tells the same.
    """
    regions = [site.region for site in formulation.supply.sites]
    kept = upkeep(spec, catalog, cloud=plan.cloud, regions=regions, current=plan)
    places = dict.fromkeys((one.workload, one.region) for one in plan.deployments)
    return tuple(line for place in places for line in kept.lines(*place))


def _sites(formulation: Formulation, bought: Purchase, home: str | None) -> list[Site]:
    """The regions in use, home first."""
    paid = {region: 0 for region, _ in bought.system_machines}
    for one in bought.bought:
        paid[one.pool.region] += one.most * one.pool.micro_usd_per_hour
    first = home if home in paid else max(sorted(paid), key=lambda region: paid[region])
    sites = []
    for region, machines in bought.system_machines:
        used = [one.pool.zone for one in bought.bought if one.pool.region == region]
        zones = network_zones(formulation.supply.market(region), used, machines)
        sites.append(Site(region=region, zones=zones))
    return sorted(sites, key=lambda site: site.region != first)


def network_zones(market: Market, used: Sequence[str], least: int) -> tuple[str, ...]:
    """The zones of the network, sorted: those in use, and more up to *least*, first where system machines are sold."""
    sold = market.system[1].zones if market.system is not None else ()
    spare = sorted(set(market.zones) - set(used), key=lambda zone: (zone not in sold, zone))
    missing = max(0, min(least, NETWORK_ZONES) - len(set(used)))
    return tuple(sorted({*used, *spare[:missing]}))


def _accelerator_pools(catalog: Catalog, formulation: Formulation, bought: Purchase) -> list[NodePool]:
    pools = []
    covered = covered_pools(formulation.problem, bought)
    for one in bought.bought:
        machine, offer = formulation.offers[one.pool]
        standing = [formulation.candidates[stand.choice] for stand in bought.stands if stand.pool == one.pool]
        accelerator = catalog.accelerator(machine.accelerator) if machine.accelerator is not None else None
        spans = any(each.replica.layout.accelerators > machine.accelerators for each in standing)
        fullest = max((each.need.disk_bytes / each.slots for each in standing), default=0.0) * machine.accelerators
        made = _pool(machine, offer, one.pool.zone, one.most, accelerator, replicas_bytes=fullest, held=one.pool.name)
        under = covered.get(one.pool)
        pools.append(
            replace(
                made,
                least_nodes=min(one.machines),
                placed_together=spans,
                committed=0 if under is None else under.machines,
                committed_usd_per_hour=None if under is None else under.usd_per_hour,
            )
        )
    return pools


def _system_pools(formulation: Formulation, site: Site, counts: dict[str, int]) -> list[NodePool]:
    """One machine in each zone of the network that sells it, and what is left over from the first zone on."""
    system = formulation.supply.market(site.region).system
    if system is None:
        raise ValueError(f"{site.region}: a plan without a system machine")
    machine, offer = system
    machines = counts[site.region]
    places = [zone for zone in site.zones if zone in offer.zones] or list(offer.zones[:1])
    by_zone = {zone: len(range(place, machines, len(places))) for place, zone in enumerate(places)}
    return [_pool(machine, offer, zone, nodes, None, replicas_bytes=0) for zone, nodes in by_zone.items() if nodes]


def _pool(
    machine: Machine,
    offer: Offer,
    zone: str,
    nodes: int,
    accelerator: Accelerator | None,
    *,
    replicas_bytes: float,
    held: str | None = None,
) -> NodePool:
    if offer.usd_per_hour is None:
        raise ValueError(f"{machine.name} was bought without a price")
    return NodePool(
        name=pool_name(machine.name, zone, offer.mode, held),
        role=PoolRole.SYSTEM if accelerator is None else PoolRole.ACCELERATOR,
        machine=machine.name,
        region=offer.region,
        zone=zone,
        mode=offer.mode,
        nodes=nodes,
        least_nodes=nodes,
        accelerator=machine.accelerator,
        accelerator_kind=None if accelerator is None else accelerator.kind,
        accelerators_per_node=machine.accelerators,
        topology=None if accelerator is None else slice_shape(accelerator, machine.accelerators),
        fabric=machine.fabric,
        fabric_interfaces=machine.fabric_interfaces,
        placed_together=False,
        local_disks=machine.local_disks,
        boot_disk_gb=boot_disk_gb(replicas_bytes, local_disks=machine.local_disks),
        usd_per_hour=offer.usd_per_hour,
        price_source=offer.provenance.source,
        price_as_of=offer.provenance.as_of,
        reservation=held,
    )


def _cost_lines(formulation: Formulation, bought: Purchase, pools: Sequence[NodePool]) -> Iterator[CostLine]:
    """The lines of all pools, in the order of the purchase and then those of system machines."""
    for place, pool in enumerate(pools):
        if place < len(bought.bought):
            yield from accelerator_lines(formulation.problem, bought.bought[place], pool)
        else:
            yield machine_line(pool, f"{pool.machine} {pool.mode} {pool.zone}", pool.nodes, pool.usd_per_hour)


def slice_shape(accelerator: Accelerator, chips: int) -> str | None:
    """The shape of the TPU slice that one machine is; None for what comes in no slices, or where no source tells."""
    if accelerator.kind is not AcceleratorKind.TPU:
        return None
    shapes = [shape for shape in accelerator.topologies if math.prod(map(int, shape.split("x"))) == chips]
    return shapes[0] if shapes else None


def boot_disk_gb(replicas_bytes: float, *, local_disks: int) -> int:
    """Images, and what the replicas of one machine may fill where no local disk takes it, in steps of ten GB."""
    filled = 0.0 if local_disks else replicas_bytes / DISK_SHARE
    return math.ceil((IMAGES_BYTES + filled) / GB / DISK_STEP_GB) * DISK_STEP_GB


def _deployments(workload: Serving, formulation: Formulation, bought: Purchase) -> list[Deployment]:
    """The workload's replicas on machines that stay, and those on spot, in this order."""
    found = []
    for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT):
        stands = [
            stand
            for stand in bought.stands
            if stand.choice.workload == workload.name and stand.pool.is_spot == (mode is PurchaseMode.SPOT)
        ]
        if stands:
            found.append(_deployment(workload, formulation, bought, mode, stands))
    return found


def _room(stand: Stand, bought: Purchase) -> int:
    """Replicas of one choice that its pool holds beside those of other workloads."""
    others = sum(
        one.choice.slots * one.most for one in bought.stands if one.pool == stand.pool and one.choice != stand.choice
    )
    machines = next(one.most for one in bought.bought if one.pool == stand.pool)
    return (machines * stand.pool.slots - others) // stand.choice.slots


def _deployment(
    workload: Serving, formulation: Formulation, bought: Purchase, mode: PurchaseMode, stands: list[Stand]
) -> Deployment:
    candidates = [formulation.candidates[stand.choice] for stand in stands]
    candidate, replica = candidates[0], candidates[0].replica
    periods = range(len(formulation.problem.periods))
    return Deployment(
        name=deployment_name(workload.name, mode),
        workload=workload.name,
        model=replica.model.name,
        hub_id=replica.model.hub_id,
        accelerator=replica.accelerator.name,
        region=stands[0].pool.region,
        machines=tuple(dict.fromkeys(one.machine.name for one in candidates)),
        mode=mode,
        layout=replica.layout,
        weights=replica.weights,
        kv=replica.kv,
        engine=engine_settings(workload, candidate),
        placements=tuple(
            Placement(
                pool=pool_name(stand.pool.machine, stand.pool.zone, stand.pool.mode, stand.pool.name),
                replicas=stand.most,
            )
            for stand in stands
        ),
        weight_bytes=weight_bytes(replica),
        checkpoint_bytes=checkpoint_bytes(replica),
        host_memory_bytes=max(one.need.memory_bytes for one in candidates),
        vcpus=max(one.need.vcpus for one in candidates),
        cold_start=max((start_of(one) for one in candidates), key=lambda start: start.ready_s),
        requests_per_s=min(one.point.requests_per_s for one in candidates),
        concurrency=math.ceil(candidate.point.concurrency),
        least_replicas=min(sum(stand.replicas[period] for stand in stands) for period in periods),
        max_replicas=sum(_room(stand, bought) for stand in stands),
        load_tier=OBJECT_STORE[candidate.machine.cloud][0],
        team=workload.team,
        priority=workload.priority,
    )


def engine_settings(workload: Serving, candidate: Candidate) -> EngineSettings:
    """
    How the server is started.

    It takes a quarter more requests than are in flight 99 % of the time at the highest rate: a burst is served, and
    a longer one waits in the queue instead of taking cache from what is being answered.
    """
    replica, ranks = candidate.replica, candidate.replica.layout.dp
    wanted = math.ceil(candidate.point.max_concurrency / ranks * CONCURRENCY_MARGIN / CONCURRENCY_STEP)
    return EngineSettings(
        name=replica.engine.name,
        max_model_len=workload.max_context_tokens,
        max_num_seqs=min(replica.max_num_seqs, wanted * CONCURRENCY_STEP),
        max_num_batched_tokens=replica.max_num_batched_tokens,
        gpu_memory_utilization=replica.engine.memory_utilisation,
        kv_cache_dtype="auto" if replica.kv is Precision.BF16 else replica.kv.value,
        quantization=quantization(replica.model, replica.weights),
        front_ends=front_ends(replica, replace(workload.traffic, requests_per_s=candidate.point.requests_per_s)),
    )


def _served(workload: Serving, formulation: Formulation, bought: Purchase) -> list[Served]:
    """The workload's replicas at its peak, by choice."""
    demand = next(one for one in formulation.problem.demands if one.workload == workload.name)
    peak = max(range(len(demand.total)), key=lambda period: demand.total[period])
    counts: dict[Choice, int] = {}
    for stand in bought.stands:
        if stand.choice.workload == workload.name and stand.replicas[peak]:
            counts[stand.choice] = counts.get(stand.choice, 0) + stand.replicas[peak]
    return [
        Served(
            replica=formulation.candidates[choice].replica,
            replicas=number,
            at_most=formulation.candidates[choice].point,
            start=start_of(formulation.candidates[choice]),
        )
        for choice, number in counts.items()
    ]


def _bucket(spec: Spec, catalog: Catalog, formulation: Formulation, bought: Purchase, region: str) -> Bucket:
    """Object storage for the checkpoints of the models that are served in one region, as they are published."""
    here = {stand.choice.workload for stand in bought.stands if stand.pool.region == region}
    models = {one.model.hub_id: one.model for one in spec.workloads if one.name in here}
    cloud = formulation.supply.cloud
    service, tier = OBJECT_STORE[cloud]
    storage = catalog.storage_tier(cloud, region, service, tier)
    return Bucket(
        name="models",
        region=region,
        tier=BUCKET_TIER,
        bytes=sum(published_bytes(model) for model in models.values()),
        usd_per_gb_month=None if storage is None else storage.usd_per_gb_month,
    )
