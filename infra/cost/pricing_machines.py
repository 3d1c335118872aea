"""What machine pools cost on either cloud: the machines, their network disks, and local disks that are paid apart."""

from __future__ import annotations

from components.graph import Resource
from infra.cost.bill import CostGroup, CostLine
from infra.cost.line import Pricing, fixed, not_priced
from infra.cost.pools import Disk, MachinePool, machine_pool
from infra.cost.price_list import Price, dearest, machine_price, storage_field_price, storage_price
from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Cloud
from sizing.errors import UnknownFact
from sizing.units import MB

DISK_SERVICE = {Cloud.AWS: "ebs", Cloud.GCP: "gce-disk"}
LOCAL_SSD_GB = 375  # size of one local SSD of Google Cloud


def pool_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Machines, disks of each machine, and local disks that the machine's price does not include."""
    pool = machine_pool(resource, pricing.among)
    if pool is None:
        return ()
    return (
        _machines(resource, pool, pricing.catalog),
        *(line for disk in pool.disks for line in _disk(resource, pool, disk, pricing.catalog)),
        *_local_disks(resource, pool, pricing.catalog),
    )


def _machines(resource: Resource, pool: MachinePool, catalog: Catalog) -> CostLine:
    notes = []
    if pool.scaling is not None:
        notes.append(f"the autoscaler may take it from {pool.scaling[0]} to {pool.scaling[1]}")
    if pool.nodes is None:
        notes.append("count not known before apply")
    return fixed(
        resource,
        pool.purchase,
        CostGroup.MACHINE,
        _machine_price(pool, catalog),
        quantity=pool.nodes,
        note="; ".join(notes),
        workload=pool.workload,
    )


def _machine_price(pool: MachinePool, catalog: Catalog) -> Price:
    mode = pool.mode
    if not pool.machines or mode is None:
        return not_priced("hour", "machine type or purchase mode not known before apply")
    return dearest(tuple(machine_price(catalog, pool.cloud, pool.region, x, mode) for x in pool.machines))


def _disk(resource: Resource, pool: MachinePool, disk: Disk, catalog: Catalog) -> tuple[CostLine, ...]:
    """One disk per machine: its size, and speed provisioned above what the tier includes."""
    if disk.tier is None or disk.gb is None:
        price = not_priced("GB-month", "type or size of the volume is not stated")
        return (fixed(resource, "root volume", CostGroup.DISK, price, quantity=None),)
    gb = disk.gb * pool.nodes if pool.nodes is not None else None
    price = storage_price(catalog, pool.cloud, pool.region, DISK_SERVICE[pool.cloud], disk.tier)
    note = f"{disk.gb:g} GB on each machine"
    size = fixed(resource, f"{disk.tier} disk", CostGroup.DISK, price, quantity=gb, note=note)
    return (size, *_speed(resource, pool, disk, catalog))


def _speed(resource: Resource, pool: MachinePool, disk: Disk, catalog: Catalog) -> tuple[CostLine, ...]:
    """IOPS and throughput provisioned above what the tier includes; unknown where its facts do not tell."""
    if pool.region is None or disk.tier is None:
        return ()
    row = catalog.storage_tier(pool.cloud, pool.region, DISK_SERVICE[pool.cloud], disk.tier)
    included = row.included_bytes_per_s if row else None
    asked = (
        ("IOPS", disk.iops, row.included_iops if row else None, "usd_per_iops_month"),
        ("MB/s", disk.mb_per_s, included / MB if included is not None else None, "usd_per_mb_per_s_month"),
    )
    lines = []
    for unit, provisioned, base, field in asked:
        if provisioned is None or (base is not None and provisioned <= base):
            continue
        price = storage_field_price(row, field, unit=f"{unit}-month")
        above = (provisioned - base) * pool.nodes if base is not None and pool.nodes is not None else None
        lines.append(fixed(resource, f"{disk.tier} {unit} above the included", CostGroup.DISK, price, quantity=above))
    return tuple(lines)


def _local_disks(resource: Resource, pool: MachinePool, catalog: Catalog) -> tuple[CostLine, ...]:
    """Local SSDs that a pool adds; those that the machine type brings are in its price."""
    if not pool.local_ssds or not pool.machines:
        return ()
    try:
        brought = catalog.machine(pool.cloud, pool.machines[0]).local_disk_bytes
    except UnknownFact:
        brought = 0
    if brought:
        return ()
    price = storage_price(catalog, pool.cloud, pool.region, DISK_SERVICE[pool.cloud], "local-ssd")
    gb = pool.local_ssds * LOCAL_SSD_GB * pool.nodes if pool.nodes is not None else None
    return (fixed(resource, "local-ssd", CostGroup.DISK, price, quantity=gb),)
