"""What shared file systems cost on either cloud: Lustre and NFS, by what is provisioned or by what is stored."""

from __future__ import annotations

from components.graph import Resource
from components.surroundings import number, read, region_of, text
from infra.cost.bill import CostGroup, CostLine
from infra.cost.line import Pricing, fixed, not_priced, usage
from infra.cost.price_list import storage_price
from sizing.catalog.machine import Cloud

_LARGE_ZONAL_GB = 10 * 1024  # Filestore prices zonal instances from 10 TiB on apart


def fsx_lustre_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """FSx for Lustre: provisioned storage by deployment type and throughput, and metadata operations on top."""
    deployment = text(read(resource, "deploymentType")) or "SCRATCH_1"
    media = text(read(resource, "storageType")) or "SSD"
    speed = number(read(resource, "perUnitStorageThroughput"))
    tier = f"{deployment} {media}" + (f" {speed:g}" if speed is not None else "")
    region = region_of(resource, pricing.among)
    price = storage_price(pricing.catalog, Cloud.AWS, region, "fsx-lustre", tier)
    size = number(read(resource, "storageCapacity"))
    lines = [fixed(resource, f"Lustre {tier}", CostGroup.STORAGE, price, quantity=size)]
    operations = number(read(resource, "metadataConfiguration", "iops"))
    if operations is not None:
        iops = not_priced("IOPS-month")
        lines.append(fixed(resource, "Lustre metadata IOPS", CostGroup.STORAGE, iops, quantity=operations))
    if number(read(resource, "automaticBackupRetentionDays")):
        lines.append(usage(resource, "Lustre backups", CostGroup.STORAGE, not_priced("GB-month")))
    return tuple(lines)


def efs_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """EFS: what is stored, by use; and throughput, by use or as provisioned."""
    region = region_of(resource, pricing.among)
    tier = "One Zone" if read(resource, "availabilityZoneName") is not None else "Standard"
    price = storage_price(pricing.catalog, Cloud.AWS, region, "efs", tier)
    lines = [usage(resource, f"EFS {tier} storage", CostGroup.STORAGE, price)]
    provisioned = number(read(resource, "provisionedThroughputInMibps"))
    if provisioned is not None:
        speed = not_priced("MiB/s-month")
        lines.append(fixed(resource, "EFS throughput", CostGroup.STORAGE, speed, quantity=provisioned))
    elif text(read(resource, "throughputMode")) == "elastic":
        lines.append(usage(resource, "EFS data read and written", CostGroup.STORAGE, not_priced("GB")))
    return tuple(lines)


def filestore_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Filestore: provisioned capacity by tier."""
    tier = text(read(resource, "tier")) or "STANDARD"
    size = number(read(resource, "fileShares", "capacityGb"))
    listed = tier
    if tier == "ZONAL" and size is not None:
        listed = "ZONAL 10-100 TiB" if size >= _LARGE_ZONAL_GB else "ZONAL 1-9.75 TiB"
    region = region_of(resource, pricing.among)
    price = storage_price(pricing.catalog, Cloud.GCP, region, "filestore", listed)
    return (fixed(resource, f"Filestore {tier}", CostGroup.STORAGE, price, quantity=size),)


def managed_lustre_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Managed Lustre: provisioned capacity by its throughput per TiB."""
    speed = text(read(resource, "perUnitStorageThroughput")) or "dynamic"
    region = region_of(resource, pricing.among)
    price = storage_price(pricing.catalog, Cloud.GCP, region, "managed-lustre", speed)
    size = number(read(resource, "capacityGib"))
    return (fixed(resource, f"Managed Lustre {speed} MB/s per TiB", CostGroup.STORAGE, price, quantity=size),)
