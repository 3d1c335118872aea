"""The result: what to run where, bought how, at what cost. Values only; `lockfile` reads and writes their file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.accelerator import AcceleratorKind, Precision
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.performance.configuration.layout import Layout
from sizing.performance.host.cold_start import ColdStart


class PoolRole(StrEnum):
    """What the machines of a pool carry."""

    ACCELERATOR = "accelerator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """Equal machines in one zone, bought one way; what decides the shape of a node group is all here."""

    name: str  # p5-48xlarge-use1-az4, ...-spot: stable while machine, zone and mode are
    role: PoolRole
    machine: str
    zone: str  # AWS: zone id; GCP: zone name
    mode: PurchaseMode
    nodes: int
    accelerator: str | None
    accelerator_kind: AcceleratorKind | None
    accelerators_per_node: int
    topology: str | None  # TPU: slice shape of one machine, 2x2
    fabric: str | None
    fabric_interfaces: int
    placed_together: bool  # replicas span its machines: they stand close, at the price of failing together
    local_disks: int
    boot_disk_gb: int  # network disk of each node, for images and, without local disks, weights
    usd_per_hour: float  # of one machine
    price_source: str
    price_as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How the inference server is started; the serving stack turns these into flags and nothing else."""

    name: str  # vllm
    max_model_len: int  # tokens, prompt plus answer
    max_num_seqs: int
    max_num_batched_tokens: int
    gpu_memory_utilization: float
    kv_cache_dtype: str  # auto, fp8
    quantization: str | None  # fp8, awq, ...; None: as the checkpoint is
    front_ends: int  # processes that take requests, tokenise and stream


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Replicas of a deployment on one pool."""

    pool: str
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Equal replicas of one model: same machine, layout, precision and purchase mode, spread over zones."""

    name: str  # chat, or chat-spot beside it
    workload: str
    model: str  # name in the catalog
    hub_id: str  # what the server loads
    accelerator: str
    machine: str
    mode: PurchaseMode
    layout: Layout
    weights: Precision
    kv: Precision
    engine: EngineSettings
    placements: tuple[Placement, ...]
    weight_bytes: int  # of one replica, as loaded
    checkpoint_bytes: int  # that are read to load one replica: as published
    host_memory_bytes: int  # that one replica asks of its machine
    vcpus: float  # that one replica asks of its machine
    cold_start: ColdStart  # by part; probes derive from it
    requests_per_s: float  # that one replica sustains within the objectives, with the confidence that is asked
    concurrency: int  # requests in flight per replica at that rate
    max_replicas: int  # that the planned machines hold; the autoscaler's ceiling

    @property
    def replicas(self) -> int:
        """Replicas over all pools."""
        return sum(placement.replicas for placement in self.placements)

    @property
    def startup_s(self) -> float:
        """Seconds from container start to ready."""
        return self.cold_start.ready_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Object storage for model weights."""

    name: str
    tier: str  # STANDARD
    bytes: int  # expected content
    usd_per_gb_month: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One requirement of one workload, asked and planned."""

    workload: str
    metric: str  # ttft_p95_s, tpot_p95_s, e2e_p95_s, requests_per_s, hbm_bytes_per_accelerator
    asked: float
    planned: float
    at_most: bool  # True: planned must stay under asked; False: must reach it
    low: float  # 80 % interval of planned
    high: float
    probability: float  # that what is asked is kept, over the error of the prediction
    binding: (
        str | None
    )  # what binds at the limit: HBM bandwidth, HBM capacity, compute, prefill queue; None: not binding


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """Quantity x price: machines of one pool."""

    item: str  # what is paid for: p5.48xlarge on_demand use1-az4
    pool: str
    quantity: int
    usd_per_hour: float  # each
    source: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingPlan:
    """
    The decisions of one stack: what the lock file holds.

    Deterministic: the same spec, facts, versions and current plan give equal values.
    """

    spec_hash: str
    facts_as_of: str
    facts_hash: str
    sizeup_version: str
    solver: str  # ortools 9.15.6755
    cloud: Cloud
    region: str
    zones: tuple[str, ...]  # of the network: those that pools use, and more up to three
    deployments: tuple[Deployment, ...]
    node_pools: tuple[NodePool, ...]
    buckets: tuple[Bucket, ...]
    promises: tuple[Promise, ...]
    cost_lines: tuple[CostLine, ...]
    assumptions: tuple[str, ...]

    @property
    def usd_per_hour(self) -> float:
        """Machines of the plan, per hour; what else costs money the preview adds from the recorded resources."""
        return sum(line.quantity * line.usd_per_hour for line in self.cost_lines)
