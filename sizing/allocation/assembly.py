"""From the solver's integers back to a plan: deployments, pools, promises, cost lines, and what was assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from importlib import metadata
from typing import TYPE_CHECKING

from sizing.allocation.candidates import Candidate
from sizing.allocation.exact import DOUBLE_RUNNING_H, PAYBACK_H, Arrangement, Purchase
from sizing.allocation.formulation import Formulation
from sizing.allocation.host import DISK_SHARE, IMAGES_BYTES
from sizing.allocation.market import CONTROL_PLANE_ZONES, NETWORK_ZONES, Market
from sizing.allocation.names import deployment_name, pool_name
from sizing.allocation.problem import Choice, Pool
from sizing.allocation.promises import Served, promises_of
from sizing.allocation.support import quantization
from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.performance import checkpoint_bytes, cold_start, front_ends, weight_bytes
from sizing.performance.configuration.shard import published_bytes
from sizing.performance.host.cold_start import ColdStart
from sizing.performance.host.loading import load_bytes_per_s, load_tier
from sizing.performance.host.processors import OUTPUT_TOKEN_S, PROMPT_TOKEN_S, REQUEST_S
from sizing.performance.host.startup import IMAGE_BYTES, IMAGE_BYTES_PER_S
from sizing.plan import Bucket, CostLine, Deployment, EngineSettings, NodePool, Placement, PoolRole, SizingPlan
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import GB, MB
from sizing.version import VERSION

if TYPE_CHECKING:
    from sizing.catalog import Catalog

CONCURRENCY_MARGIN = 1.25  # of the 99th percentile in flight: what the server may take before it lets requests wait
CONCURRENCY_STEP = 8  # engines capture graphs for batches that are multiples of it
DISK_STEP_GB = 10
BUCKET_TIER = "STANDARD"  # both clouds' own word for it
OBJECT_STORE = {Cloud.AWS: ("s3", "STANDARD"), Cloud.GCP: ("gcs", "standard")}  # as the catalog names the tier


def plan_of(
    spec: Spec,
    catalog: Catalog,
    formulation: Formulation,
    bought: Purchase,
    arranged: Arrangement,
) -> SizingPlan:
    """
    The plan of one region.

    Args:
        spec: What was asked.
        catalog: The facts.
        formulation: The region's problem and what its integers stand for.
        bought: Its machines.
        arranged: The replicas on them.
    """
    system = formulation.market.system
    if system is None:
        raise ValueError(f"{formulation.market.region}: a plan without a system machine")
    zones = network_zones(formulation.market, [pool.zone for pool, _ in bought.machines], bought.system_machines)
    pools = [
        *_accelerator_pools(catalog, formulation, bought, arranged),
        *_system_pools(system, zones, bought.system_machines),
    ]
    deployments = [one for workload in spec.workloads for one in _deployments(workload, formulation, bought, arranged)]
    return SizingPlan(
        spec_hash=spec.hash,
        facts_as_of=catalog.as_of,
        facts_hash=catalog.hash,
        sizeup_version=VERSION,
        solver=solver_version(),
        cloud=formulation.market.cloud,
        region=formulation.market.region,
        zones=zones,
        deployments=tuple(deployments),
        node_pools=tuple(pools),
        buckets=(_bucket(spec, catalog, formulation.market),),
        promises=tuple(
            promise
            for workload in spec.workloads
            for promise in promises_of(workload, _served(workload, formulation, arranged))
        ),
        cost_lines=tuple(_cost_line(pool) for pool in pools),
        assumptions=_assumptions(spec, formulation, arranged),
    )


def solver_version() -> str:
    """Name and version of the solver."""
    return f"ortools {metadata.version('ortools')}"


def network_zones(market: Market, used: Sequence[str], least: int) -> tuple[str, ...]:
    """The zones of the network, sorted: those in use, and more up to *least*, first where system machines are sold."""
    sold = market.system[1].zones if market.system is not None else ()
    spare = sorted(set(market.zones) - set(used), key=lambda zone: (zone not in sold, zone))
    missing = max(0, min(least, NETWORK_ZONES) - len(set(used)))
    return tuple(sorted({*used, *spare[:missing]}))


def _accelerator_pools(
    catalog: Catalog, formulation: Formulation, bought: Purchase, arranged: Arrangement
) -> list[NodePool]:
    pools = []
    for pool, nodes in bought.machines:
        machine, offer = formulation.offers[pool]
        standing = [formulation.candidates[choice] for choice, at, _ in arranged.replicas if at == pool]
        accelerator = catalog.accelerator(machine.accelerator) if machine.accelerator is not None else None
        spans = any(one.replica.layout.accelerators > machine.accelerators for one in standing)
        fullest = max((one.need.disk_bytes / one.slots for one in standing), default=0.0) * machine.accelerators
        made = _pool(machine, offer, pool.zone, nodes, accelerator, replicas_bytes=fullest)
        pools.append(replace(made, placed_together=spans))
    return pools


def _system_pools(system: tuple[Machine, Offer], zones: tuple[str, ...], machines: int) -> list[NodePool]:
    """One machine in each zone of the network that sells it, and what is left over from the first zone on."""
    machine, offer = system
    places = [zone for zone in zones if zone in offer.zones] or list(offer.zones[:1])
    counts = {zone: len(range(place, machines, len(places))) for place, zone in enumerate(places)}
    return [_pool(machine, offer, zone, nodes, None, replicas_bytes=0) for zone, nodes in counts.items() if nodes]


def _pool(
    machine: Machine, offer: Offer, zone: str, nodes: int, accelerator: Accelerator | None, *, replicas_bytes: float
) -> NodePool:
    if offer.usd_per_hour is None:
        raise ValueError(f"{machine.name} was bought without a price")
    return NodePool(
        name=pool_name(machine.name, zone, offer.mode),
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
    )


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


def _cost_line(pool: NodePool) -> CostLine:
    return CostLine(
        item=f"{pool.machine} {pool.mode} {pool.zone}",
        pool=pool.name,
        quantity=pool.nodes,
        usd_per_hour=pool.usd_per_hour,
        source=pool.price_source,
        as_of=pool.price_as_of,
    )


def _deployments(
    workload: Serving, formulation: Formulation, bought: Purchase, arranged: Arrangement
) -> list[Deployment]:
    """The workload's replicas on demand, and those on spot, in this order."""
    found = []
    for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT):
        stands = [
            (choice, pool, number)
            for choice, pool, number in arranged.replicas
            if choice.workload == workload.name and pool.mode is mode
        ]
        if stands:
            candidate = formulation.candidates[stands[0][0]]
            placements = tuple(
                Placement(pool=pool_name(pool.machine, pool.zone, pool.mode), replicas=number)
                for _, pool, number in stands
            )
            room = sum(_room(choice, pool, bought, arranged) for choice, pool, _ in stands)
            region = formulation.market.region
            found.append(_deployment(workload, candidate, mode, placements, region=region, max_replicas=room))
    return found


def _room(choice: Choice, pool: Pool, bought: Purchase, arranged: Arrangement) -> int:
    """Replicas of *choice* that the pool holds beside those of other workloads."""
    others = sum(one.slots * number for one, at, number in arranged.replicas if at == pool and one != choice)
    return (dict(bought.machines)[pool] * pool.slots - others) // choice.slots


def _deployment(
    workload: Serving,
    candidate: Candidate,
    mode: PurchaseMode,
    placements: tuple[Placement, ...],
    *,
    region: str,
    max_replicas: int,
) -> Deployment:
    replica, model = candidate.replica, candidate.replica.model
    return Deployment(
        name=deployment_name(workload.name, mode),
        workload=workload.name,
        model=model.name,
        hub_id=model.hub_id,
        accelerator=replica.accelerator.name,
        region=region,
        machines=(candidate.machine.name,),
        mode=mode,
        layout=replica.layout,
        weights=replica.weights,
        kv=replica.kv,
        engine=engine_settings(workload, candidate),
        placements=placements,
        weight_bytes=weight_bytes(replica),
        checkpoint_bytes=checkpoint_bytes(replica),
        host_memory_bytes=candidate.need.memory_bytes,
        vcpus=candidate.need.vcpus,
        cold_start=start_of(candidate),
        requests_per_s=candidate.point.requests_per_s,
        concurrency=math.ceil(candidate.point.concurrency),
        least_replicas=sum(placement.replicas for placement in placements),
        max_replicas=max_replicas,
        load_tier=OBJECT_STORE[candidate.machine.cloud][0],
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


def start_of(candidate: Candidate) -> ColdStart:
    """The start of one replica of *candidate*, in tenths of a second: its weights come from object storage."""
    tier = load_tier(OBJECT_STORE[candidate.machine.cloud][0])
    rate = load_bytes_per_s(tier, network_bytes_per_s=candidate.machine.network_bytes_per_s)
    start = cold_start(candidate.replica, rate)
    return ColdStart(**{field.name: round(getattr(start, field.name), 1) for field in fields(start)})


def _served(workload: Serving, formulation: Formulation, arranged: Arrangement) -> list[Served]:
    """The workload's replicas, by choice."""
    counts: dict[Choice, int] = {}
    for choice, _, number in arranged.replicas:
        if choice.workload == workload.name:
            counts[choice] = counts.get(choice, 0) + number
    return [
        Served(
            replica=formulation.candidates[choice].replica,
            replicas=number,
            at_most=formulation.candidates[choice].point,
        )
        for choice, number in counts.items()
    ]


def _bucket(spec: Spec, catalog: Catalog, market: Market) -> Bucket:
    """Object storage for the checkpoints of all models, as they are published."""
    models = {workload.model.hub_id: workload.model for workload in spec.workloads}
    service, tier = OBJECT_STORE[market.cloud]
    storage = catalog.storage_tier(market.cloud, market.region, service, tier)
    return Bucket(
        name="models",
        region=market.region,
        tier=BUCKET_TIER,
        bytes=sum(published_bytes(model) for model in models.values()),
        usd_per_gb_month=None if storage is None else storage.usd_per_gb_month,
    )


def _loading_text(candidate: Candidate) -> str:
    """What the time of a start rests on, in words."""
    tier = load_tier(OBJECT_STORE[candidate.machine.cloud][0])
    rate = load_bytes_per_s(tier, network_bytes_per_s=candidate.machine.network_bytes_per_s)
    doubt = "" if tier.is_verified else ", a figure that is not verified"
    return (
        f"{candidate.machine.name} reads weights from {tier.name} at {rate / GB:.3g} GB/s{doubt}, pulls an image of "
        f"{IMAGE_BYTES / GB:.3g} GB at {IMAGE_BYTES_PER_S / MB:.0f} MB/s, and nothing is cached when a replica starts"
    )


def _host_text(candidate: Candidate) -> str:
    """What the processors of a replica rest on, in words."""
    return (
        f"{candidate.workload}: a front-end process spends {REQUEST_S * 1e3:g} ms a request, "
        f"{PROMPT_TOKEN_S * 1e6:g} us a prompt token and {OUTPUT_TOKEN_S * 1e6:g} us an answer token of one core"
    )


def _assumptions(spec: Spec, formulation: Formulation, arranged: Arrangement) -> tuple[str, ...]:
    """What the plan rests on beside what was asked, in words."""
    replicas = [formulation.candidates[choice].replica for choice, _, _ in arranged.replicas]
    engines = dict.fromkeys(
        f"{one.engine.name} reserves memory as version {one.engine.version} does; its image is the platform's to pin"
        for one in replicas
    )
    said = [
        *spec.assumptions,
        *engines,
        "requests are spread evenly over the replicas of a workload",
        "latencies are at the stated peak with all replicas up; with the headroom used they stay within what is asked",
        "chances are over the error of predictions, at the stated peak; that of requests is of all limits together",
        "cost is that of the machines, each paid whole, 730 hours a month",
        *dict.fromkeys(_loading_text(formulation.candidates[choice]) for choice, _, _ in arranged.replicas),
        *dict.fromkeys(_host_text(formulation.candidates[choice]) for choice, _, _ in arranged.replicas),
    ]
    if any(workload.survive is Survive.ZONE for workload in spec.workloads):
        said.append(
            "after the loss of a zone to be survived, the peak with its headroom is served within what is asked"
        )
    if any(workload.allowed.spot_share > 0 for workload in spec.workloads):
        said.append("spot machines may go all at once: on-demand machines alone carry what may not rest on spot")
    if spec.zones and len(set(spec.zones) & set(formulation.market.zones)) < CONTROL_PLANE_ZONES:
        said.append("a control plane spans more zones than the one allowed: the cluster's own machines stand there too")
    said.append(
        f"sizing again starts from this plan: it stays in its region, and a machine that it lacks costs "
        f"{DOUBLE_RUNNING_H} h of its price once, which must pay within {PAYBACK_H // 24} days"
    )
    return tuple(said)
