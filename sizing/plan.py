"""The result: what to run where, bought how, at what cost. Values only; `lockfile` reads and writes their file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sizing.catalog.accelerator import AcceleratorKind, Precision
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.performance.configuration.layout import Layout
from sizing.performance.host.cold_start import ColdStart
from sizing.units import HOURS_PER_MONTH


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
    region: str
    zone: str  # AWS: zone id; GCP: zone name
    mode: PurchaseMode
    nodes: int  # in the hours that need most of them
    least_nodes: int  # in the hours that need fewest: the autoscaler's floor; equal to nodes where load does not change
    accelerator: str | None
    accelerator_kind: AcceleratorKind | None
    accelerators_per_node: int
    topology: str | None  # TPU: slice shape of one machine, 2x2
    fabric: str | None
    fabric_interfaces: int
    placed_together: bool  # replicas span its machines: they stand close, at the price of failing together
    local_disks: int
    boot_disk_gb: int  # network disk of each node, for images and, without local disks, weights
    usd_per_hour: float  # of one machine, without a commitment
    price_source: str
    price_as_of: str
    reservation: str | None = None  # or capacity block, that its machines come from, as its cloud names it
    committed: int = 0  # of its machines, that a commitment pays for: all hours, at the price below
    committed_usd_per_hour: float | None = None  # of one of them


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
    """Equal replicas of a model in one region: one accelerator, layout and precisions, over zones and machine types."""

    name: str  # chat, or chat-spot beside it
    workload: str
    model: str  # name in the catalog
    hub_id: str  # what the server loads
    accelerator: str
    region: str
    machines: tuple[str, ...]  # types that replicas stand on, each once: g6e.xlarge and free slots of a g6e.12xlarge
    mode: PurchaseMode  # spot, or on_demand for all that stays: reservations, blocks and commitments are pools' own
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
    least_replicas: int  # in the hours that need fewest: the autoscaler's floor
    max_replicas: int  # that the planned machines hold; the autoscaler's ceiling
    load_tier: str  # storage that weights are read from at a start, as the catalog names it: s3
    team: str | None = None  # whose workload it is, where teams share the stack
    priority: int | None = None  # 1 to 9, the higher the more important; None: it must be served

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
    """Object storage for model weights, read in its own region."""

    name: str
    region: str
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
    """Quantity x price x hours: machines of one pool, or what is paid beside machines, such as storage."""

    item: str  # what is paid for: p5.48xlarge on_demand use1-az4
    pool: str | None  # None: of no pool
    quantity: float  # a whole number of machines; of other units also a part
    usd_per_hour: float  # of one unit, while it is paid; a price by the month divided by 730
    source: str
    as_of: str
    unit: str = "machine"  # GB
    hours_per_month: float = HOURS_PER_MONTH  # that one unit is paid: fewer where a schedule takes machines away

    @property
    def usd_per_hour_on_average(self) -> float:
        """All of it, over the hours of a month."""
        whole = self.quantity * self.usd_per_hour
        return whole if self.hours_per_month == HOURS_PER_MONTH else whole * self.hours_per_month / HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """Machines of one type in a region that are paid for all hours of a term; people buy them, never a program."""

    machine: str
    region: str
    mode: PurchaseMode  # committed_1y, committed_3y
    owned: int  # that are paid already
    to_buy: int  # beside them
    usd_per_hour: float  # of one machine
    price_source: str
    price_as_of: str


class Bearer(StrEnum):
    """Who bears a part of the cost."""

    TEAM = "team"
    NO_TEAM = "no_team"  # workloads that are of none
    IDLE = "idle"  # nobody yet: accelerators that are paid and carry nothing
    SHARED = "shared"  # nobody yet: the clusters' own machines, which serve all


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShare:
    """What one team bears of the plan's cost, or what no team does; all shares together are the cost."""

    bearer: Bearer
    team: str | None  # None: the bearer is no team
    accelerators: float  # that its replicas take, on average over the day
    usd_per_hour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A workload that nothing serves: machines, quotas or money do not suffice for all, and others come first."""

    workload: str
    priority: int  # 1 to 9; what has none is never left out
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One region of a plan: a network, a cluster and buckets of its own."""

    region: str
    zones: tuple[str, ...]  # of its network: those that pools use, and more up to three


@dataclass(frozen=True, slots=True, kw_only=True)
class SizingPlan:
    """
    The decisions of one stack: what the lock file holds.

    Deterministic: the same spec, facts, versions and current plan give equal values. Resources of the home region carry
    plain names, those of every other site its region; nothing that stands is ever named anew because home moved.
    """

    spec_hash: str
    facts_as_of: str
    facts_hash: str
    sizeup_version: str
    solver: str  # ortools 9.15.6755
    cloud: Cloud
    region: str  # home
    zones: tuple[str, ...]  # of the home network: those that pools use, and more up to three
    deployments: tuple[Deployment, ...]
    node_pools: tuple[NodePool, ...]
    buckets: tuple[Bucket, ...]
    promises: tuple[Promise, ...]
    cost_lines: tuple[CostLine, ...]
    assumptions: tuple[str, ...]
    elsewhere: tuple[Site, ...] = ()  # the other regions, by name
    commitments: tuple[Commitment, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    cost_shares: tuple[CostShare, ...] = ()  # by team in the order of the spec; empty where it names no team
    plain_home: bool = True  # False: home was another site when it was made, and its names keep their region

    @property
    def usd_per_hour(self) -> float:
        """What the plan's own lines cost per hour, over all hours; the preview adds what else costs money."""
        return sum(line.usd_per_hour_on_average for line in self.cost_lines)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Every region of the plan, home first."""
        return (Site(region=self.region, zones=self.zones), *self.elsewhere)

    def has_plain_names(self, region: str) -> bool:
        """Whether what stands in *region* is named without it."""
        return region == self.region and self.plain_home

    def at(self, site: Site) -> SizingPlan:
        """The part of the plan that stands in *site*, as a plan whose home it is; promises and costs stay whole."""
        return replace(
            self,
            region=site.region,
            zones=site.zones,
            deployments=tuple(one for one in self.deployments if one.region == site.region),
            node_pools=tuple(pool for pool in self.node_pools if pool.region == site.region),
            buckets=tuple(bucket for bucket in self.buckets if bucket.region == site.region),
            elsewhere=(),
        )
