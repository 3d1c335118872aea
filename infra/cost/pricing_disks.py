"""What block storage costs on either cloud: size, speed above what its tier includes; of a pool or on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.graph import Resource
from components.surroundings import number, read, region_of, text
from infra.cost.bill import CostGroup, CostLine
from infra.cost.line import Pricing, fixed, not_priced
from infra.cost.pools import Disk
from infra.cost.price_list import Price, storage_field_price, storage_price
from sizing.catalog.machine import Cloud
from sizing.units import MB

SERVICES = {Cloud.AWS: "ebs", Cloud.GCP: "gce-disk"}

# What a provider calls a tier -> what its price list does.
_LISTED: Mapping[str, str] = {"io2": "io2 Block Express", "hyperdisk-extreme": "hyperdisk-extreme (capacity)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """How many equal disks there are: one for each machine of a pool."""

    number: float | None  # on average over a month; None: not known before apply
    limits: tuple[int, int] | None = None  # least and most, where an autoscaler moves the machines

    def of(self, amount: float | None) -> float | None:
        """*amount* on every copy; not known where either is not."""
        return None if amount is None or self.number is None else amount * self.number

    def limits_of(self, amount: float | None) -> tuple[float, float] | None:
        """The least and the most of *amount* on every copy."""
        return None if amount is None or self.limits is None else (amount * self.limits[0], amount * self.limits[1])


ONE = Copies(number=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where disks are billed."""

    cloud: Cloud
    region: str | None


def disk_lines(
    resource: Resource, disk: Disk, place: Place, pricing: Pricing, *, copies: Copies
) -> tuple[CostLine, ...]:
    """The size of *disk*, then speed provisioned above what its tier includes, on every copy."""
    if disk.tier is None or disk.gb is None:
        price = not_priced("GB-month", "type or size of the volume is not stated")
        return (fixed(resource, "root volume", CostGroup.DISK, price, quantity=None),)
    size = fixed(
        resource,
        f"{disk.tier} disk",
        CostGroup.DISK,
        _price(pricing, place, disk.tier),
        quantity=copies.of(disk.gb),
        limits=copies.limits_of(disk.gb),
        note="" if copies is ONE else f"{disk.gb:g} GB on each machine",
    )
    return (size, *_speed_lines(resource, disk, place, pricing, copies))


def _price(pricing: Pricing, place: Place, tier: str) -> Price:
    return storage_price(pricing.catalog, place.cloud, place.region, SERVICES[place.cloud], _LISTED.get(tier, tier))


def _speed_lines(resource: Resource, disk: Disk, place: Place, pricing: Pricing, copies: Copies) -> Iterator[CostLine]:
    """IOPS and throughput provisioned above what the tier includes; unknown where its facts do not tell."""
    if place.region is None or disk.tier is None:
        return
    listed = _LISTED.get(disk.tier, disk.tier)
    row = pricing.catalog.storage_tier(place.cloud, place.region, SERVICES[place.cloud], listed)
    included = row.included_bytes_per_s if row else None
    asked = (
        ("IOPS", disk.iops, row.included_iops if row else None, "usd_per_iops_month"),
        ("MB/s", disk.mb_per_s, included / MB if included is not None else None, "usd_per_mb_per_s_month"),
    )
    for unit, provisioned, base, field in asked:
        if provisioned is None or (base is not None and provisioned <= base):
            continue
        above = None if base is None else provisioned - base
        yield fixed(
            resource,
            f"{disk.tier} {unit} above the included",
            CostGroup.DISK,
            storage_field_price(row, field, unit=f"{unit}-month"),
            quantity=copies.of(above),
            limits=copies.limits_of(above),
        )


def ebs_volume_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """A volume of its own on AWS; without a type it is gp2, as EC2 takes it."""
    disk = Disk(
        tier=text(read(resource, "type")) or "gp2",
        gb=number(read(resource, "size")),
        iops=number(read(resource, "iops")),
        mb_per_s=number(read(resource, "throughput")),
    )
    return _alone(resource, disk, Cloud.AWS, pricing)


def compute_disk_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """A disk of its own on Google Cloud, in one zone or in two; without a type it is pd-standard."""
    tier = (text(read(resource, "type")) or "pd-standard").rpartition("/")[2]  # may be the URL of the type
    regional = resource.type.endswith(":RegionDisk")
    disk = Disk(
        tier=f"{tier} regional" if regional else tier,
        gb=number(read(resource, "size")),
        iops=number(read(resource, "provisionedIops")),
        mb_per_s=number(read(resource, "provisionedThroughput")),
    )
    return _alone(resource, disk, Cloud.GCP, pricing)


def _alone(resource: Resource, disk: Disk, cloud: Cloud, pricing: Pricing) -> tuple[CostLine, ...]:
    place = Place(cloud=cloud, region=region_of(resource, pricing.among))
    return disk_lines(resource, disk, place, pricing, copies=ONE)
