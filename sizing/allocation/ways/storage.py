"""
Where the weights of a replica lie, and whether it is then ready in time: the cheapest storage that does is taken.

Object storage holds every checkpoint anyway, so it costs nothing beside. What is faster is paid by what is provisioned;
of it, only what the stack's components build can be taken, and what cannot is told with its price and the reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.catalog.charge import StorageTier
from sizing.catalog.machine import Cloud, Machine
from sizing.outcome import Miss, RunnerUp
from sizing.performance import Replica, checkpoint_bytes, cold_start
from sizing.performance.certainty.confidence import quantile
from sizing.performance.host.cold_start import ColdStart
from sizing.performance.host.loading import LoadTier, load_bytes_per_s, load_tier
from sizing.spec.workload import Objectives
from sizing.units import GB, GIB, HOURS_PER_MONTH, MB, TIB

if TYPE_CHECKING:
    from sizing.catalog import Catalog

OBJECT_STORE: Mapping[Cloud, tuple[str, str]] = {  # service and tier, as the catalog names them
    Cloud.AWS: ("s3", "STANDARD"),
    Cloud.GCP: ("gcs", "standard"),
}
PROVISIONED = frozenset({"s3", "gcs"})  # load tiers that the components build, and that engines are started to read
MOST_BYTES = 100 * TIB  # of a file system that is bought for its speed alone: beyond, it is no answer
EMPTY = "a new machine has nothing on it yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of storage that weights could be read from, beside object storage."""

    load: str | None  # whose rate is in the facts; None: no source tells it
    service: str
    tier: str
    first_gib: int = 1  # smallest that is sold
    step_gib: int = 1  # from there on, multiples of it
    per_machine: bool = False  # each machine has its own
    never: str | None = None  # why it does not help, whatever it costs


# Sizes of Lustre: AWS::FSx::FileSystem StorageCapacity of PERSISTENT_2. Those of Google's are left out, as no source of
# the catalog prices them.
OTHERS: Mapping[Cloud, tuple[Kind, ...]] = {
    Cloud.AWS: (
        Kind(load=None, service="s3", tier="EXPRESS_ONEZONE"),
        Kind(load="gp3", service="ebs", tier="gp3", per_machine=True),
        Kind(load="fsx-lustre 125", service="fsx-lustre", tier="PERSISTENT_2 SSD 125", first_gib=1200, step_gib=2400),
        Kind(load="fsx-lustre 1000", service="fsx-lustre", tier="PERSISTENT_2 SSD 1000", first_gib=1200, step_gib=2400),
        Kind(load="local-nvme", service="local-nvme", tier="instance store", never=EMPTY),
    ),
    Cloud.GCP: (
        Kind(load="anywhere-cache", service="gcs", tier="anywhere-cache"),
        Kind(load="hyperdisk-ml", service="gce-disk", tier="hyperdisk-ml"),
        Kind(load="managed-lustre 125", service="managed-lustre", tier="125"),
        Kind(load="managed-lustre 1000", service="managed-lustre", tier="1000"),
        Kind(load="filestore-zonal", service="filestore", tier="ZONAL 1-9.75 TiB"),
        Kind(load="local-nvme", service="gce-disk", tier="local-ssd", never=EMPTY),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One storage that the weights of a replica could be read from, and what comes of it."""

    name: str  # as the load rates name it, or else as the catalog does: s3, fsx-lustre 125, s3 EXPRESS_ONEZONE
    bytes: int  # to provision; 0: what is stored is what is paid
    start: ColdStart | None  # None: not known
    usd_per_month: float | None  # beside object storage; of one machine where each has its own; None: not known
    per_machine: bool
    lacks: tuple[Miss, ...]  # why it is not taken; empty: it may be


def object_start(replica: Replica, machine: Machine) -> ColdStart:
    """The start of one replica on a new machine that reads its weights from object storage."""
    return cold_start(replica, object_rate(machine))


def start_miss(replica: Replica, machine: Machine, objectives: Objectives) -> Miss | None:
    """Why a replica is not ready in time on this machine, whatever storage the stack can build; None: it is."""
    if objectives.ready_s is None:
        return None
    start = object_start(replica, machine)
    late = _late(start, objectives)
    if late is None:
        return None
    name, rate = OBJECT_STORE[machine.cloud][0], object_rate(machine)
    text = f"{late.text}: {start.weights_s:.0f} s of it to read weights from {name} at {rate / GB:.3g} GB/s"
    return Miss(metric=late.metric, asked=late.asked, reached=late.reached, text=text)


def stores(
    replica: Replica, machine: Machine, objectives: Objectives, catalog: Catalog, *, region: str
) -> tuple[Store, ...]:
    """
    Every storage that the weights could lie on, object storage first, then as the facts list them.

    A file system is made as large as holds the checkpoint and, where its rate grows with it, as is ready in time; where
    no size is, as large as holds the checkpoint.
    """
    start = object_start(replica, machine)
    late = _late(start, objectives)
    service, _ = OBJECT_STORE[machine.cloud]
    plain = Store(
        name=service, bytes=0, start=start, usd_per_month=0.0, per_machine=False, lacks=() if late is None else (late,)
    )
    others = (
        _store(kind, replica, machine, objectives, catalog=catalog, region=region) for kind in OTHERS[machine.cloud]
    )
    return (plain, *others)


def cheapest(among: Sequence[Store]) -> Store | None:
    """The storage of least cost that lacks nothing, the first of equal ones; None: there is none."""
    able = [store for store in among if not store.lacks and store.usd_per_month is not None]
    return min(able, key=lambda store: store.usd_per_month or 0.0, default=None)


def store_runners_up(
    workload: str, weighed: Sequence[Store], region: str, *, beside_usd_per_hour: float, machines: int
) -> tuple[RunnerUp, ...]:
    """
    The storage that was weighed for a workload and not taken: what it would cost, and why it was not.

    Args:
        workload: Whose weights they are.
        weighed: By `stores`.
        region: Where.
        beside_usd_per_hour: What the plan costs with the storage that was taken.
        machines: That the workload stands on.
    """
    taken = cheapest(weighed)
    return tuple(
        _runner(workload, store, region, beside_usd_per_hour=beside_usd_per_hour, machines=machines)
        for store in weighed
        if store is not taken
    )


def _runner(workload: str, store: Store, region: str, *, beside_usd_per_hour: float, machines: int) -> RunnerUp:
    size = f" of {store.bytes / TIB:.3g} TiB" if store.bytes >= TIB else ""
    each = " for each machine" if store.per_machine else ""
    cost = "" if not store.usd_per_month else f", {store.usd_per_month:,.0f} USD a month{each}"
    ready = "" if store.start is None else f": ready in {store.start.ready_s:.0f} s"
    usd = None
    if store.usd_per_month is not None:
        number = machines if store.per_machine else 1
        usd = beside_usd_per_hour + store.usd_per_month * number / HOURS_PER_MONTH
    return RunnerUp(
        workload=workload,
        what=f"weights on {store.name}{size} in {region}{cost}{ready}",
        usd_per_hour=usd,
        misses=store.lacks,
    )


def _store(
    kind: Kind, replica: Replica, machine: Machine, objectives: Objectives, *, catalog: Catalog, region: str
) -> Store:
    fact = catalog.storage_tier(machine.cloud, region, kind.service, kind.tier)
    load = None if kind.load is None else load_tier(kind.load)
    size = _size(kind, load, replica, machine, objectives)
    start = None if load is None else cold_start(replica, _rate(load, machine, size))
    usd = None if fact is None else _usd_per_month(fact, size, rate=load)
    return Store(
        name=kind.load or f"{kind.service} {kind.tier}",
        bytes=size,
        start=start,
        usd_per_month=usd,
        per_machine=kind.per_machine,
        lacks=tuple(_lacks(kind, machine, start, usd, objectives, region=region)),
    )


def _lacks(
    kind: Kind, machine: Machine, start: ColdStart | None, usd: float | None, objectives: Objectives, *, region: str
) -> Iterator[Miss]:
    """All that speaks against one kind of storage."""
    name = kind.load or f"{kind.service} {kind.tier}"
    if kind.never is not None or (kind.load == "local-nvme" and not machine.local_disks):
        text = kind.never if machine.local_disks else f"{machine.name} has no local disk"
        yield Miss(metric="storage", asked=None, reached=None, text=f"{name}: {text}")
        return
    if start is None:
        yield Miss(metric="storage", asked=None, reached=None, text=f"{name}: no source tells how fast it is read")
    elif (late := _late(start, objectives)) is not None:
        yield late
    if usd is None:
        yield Miss(metric="price", asked=None, reached=None, text=f"{name}: price unknown in {region}")
    if kind.load not in PROVISIONED:
        yield Miss(metric="storage", asked=None, reached=None, text=f"{name}: the stack's components do not build it")


def _late(start: ColdStart, objectives: Objectives) -> Miss | None:
    """What a start lacks of being in time with the confidence that is asked; None: nothing."""
    limit, takes = objectives.ready_s, quantile(start.ready, objectives.confidence)
    if limit is None or takes <= limit:
        return None
    return Miss(metric="ready_s", asked=limit, reached=takes, text=f"ready in {takes:.0f} s > {limit:g} s")


def _size(kind: Kind, load: LoadTier | None, replica: Replica, machine: Machine, objectives: Objectives) -> int:
    """Bytes to provision: the smallest size that holds the checkpoint and is ready in time, where one is."""
    holds = _sold(kind, checkpoint_bytes(replica))
    if load is None or load.bytes_per_s_per_tib is None or objectives.ready_s is None:
        return holds
    size = holds
    while size <= MOST_BYTES:
        if _late(cold_start(replica, _rate(load, machine, size)), objectives) is None:
            return size
        size = _sold(kind, size + 1)
    return holds


def _sold(kind: Kind, least: float) -> int:
    """The smallest size that is sold and is no less than so many bytes."""
    gib = math.ceil(least / GIB)
    return (kind.first_gib if gib <= kind.first_gib else math.ceil(gib / kind.step_gib) * kind.step_gib) * GIB


def _usd_per_month(fact: StorageTier, size: int, *, rate: LoadTier | None) -> float | None:
    """What a size costs, a GiB billed as a GB; throughput beyond what is included is paid apart."""
    if fact.usd_per_gb_month is None:
        return None
    usd = size / GIB * fact.usd_per_gb_month
    if fact.included_bytes_per_s is None or rate is None:
        return usd
    if fact.usd_per_mb_per_s_month is None or fact.max_bytes_per_s is None:
        return None
    return usd + (fact.max_bytes_per_s - fact.included_bytes_per_s) / MB * fact.usd_per_mb_per_s_month


def object_rate(machine: Machine) -> float:
    """Bytes per second at which one machine reads weights from object storage."""
    return _rate(load_tier(OBJECT_STORE[machine.cloud][0]), machine, TIB)


def _rate(load: LoadTier, machine: Machine, size: float) -> float:
    return load_bytes_per_s(load, network_bytes_per_s=machine.network_bytes_per_s, provisioned_bytes=size)
