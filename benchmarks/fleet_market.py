"""
What a made-up company may buy: machines in eight real regions of one cloud, three zones each, on demand and spot.

Machine types, zones, prices and quotas are the packaged facts. Made up, from a seed: which machine families have
capacity in which zone, and every price that the catalog does not know. Such a price is the one of the first region
times the typical ratio of the region (the median over machine types priced in both), and for spot times the typical
share of the price on demand. So a fleet is like a real one, and no single price of it need be true.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.packaged import catalog
from sizing.catalog.quota import QuotaScope
from sizing.optimiser.problem import Pool, Quota, Site
from sizing.units import GB, micro_usd

REGIONS = {  # the first of each cloud is the one with the most prices
    Cloud.AWS: (
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "ca-central-1",
        "eu-west-1",
        "eu-central-1",
        "ap-northeast-1",
        "ap-south-1",
    ),
    Cloud.GCP: (
        "us-central1",
        "us-east4",
        "us-east5",
        "us-west1",
        "europe-west1",
        "europe-west4",
        "asia-northeast1",
        "asia-southeast1",
    ),
}
ZONES = 3
NO_CONTROL_PLANE = frozenset({"use1-az3", "cac1-az3"})  # EKS takes no cluster subnets there (EKS user guide)
SOLD_IN_ZONE = 0.6  # share of zones in which a family has capacity at all
MODES = (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
LEAST_SYSTEM_MACHINES = 3
SYSTEM_VCPUS, SYSTEM_MEMORY_BYTES = 4, 16 * GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Everything that may be bought, without limits yet."""

    cloud: Cloud
    pools: tuple[Pool, ...]
    sites: tuple[Site, ...]
    units: Mapping[str, tuple[tuple[Pool, int], ...]]  # by quota


def market(cloud: Cloud, seed: int) -> Market:
    """The market of one seed; the same for fleets of all sizes."""
    chance = random.Random(f"market {cloud} {seed}")  # noqa: S311  a benchmark, not a secret
    facts = catalog()
    machines = sellable(cloud)
    pools: list[Pool] = []
    units: dict[str, list[tuple[Pool, int]]] = {}
    for region in REGIONS[cloud]:
        zones = [zone for zone in facts.zones(cloud, region) if zone not in NO_CONTROL_PLANE][:ZONES]
        families = dict.fromkeys(machine.family for machine in machines)
        places = {family: [zone for zone in zones if chance.random() < SOLD_IN_ZONE] for family in families}
        for machine in machines:
            if not facts.offers_for(cloud, region, machine.name):
                continue
            for mode in MODES:
                price = _price(facts, machine, region, mode)
                own = [_pool(machine, region, zone, mode, price) for zone in places[machine.family]]
                pools += own
                for name, each in _quotas(facts, machine, region, mode):
                    units.setdefault(name, []).extend((pool, each) for pool in own)
    return Market(
        cloud=cloud,
        pools=tuple(pools),
        sites=tuple(_site(facts, cloud, region) for region in REGIONS[cloud]),
        units={name: tuple(taken) for name, taken in sorted(units.items()) if taken},
    )


@cache
def sellable(cloud: Cloud) -> tuple[Machine, ...]:
    """Machine types with whole accelerators that are priced on demand in the first region, sorted by name."""
    facts = catalog()
    return tuple(
        machine
        for machine in sorted(facts.machines, key=lambda one: one.name)
        if machine.cloud is cloud
        and machine.accelerator is not None
        and machine.accelerator_fraction == 1
        and _listed(facts, machine, REGIONS[cloud][0], PurchaseMode.ON_DEMAND) is not None
    )


def quotas(of: Market, limits: Mapping[str, int]) -> tuple[Quota, ...]:
    """The quotas of a market with *limits*; one without a limit is left out."""
    return tuple(
        Quota(name=name, limit=limits[name], units=units) for name, units in of.units.items() if name in limits
    )


def with_reservations(of: Market, reserved: tuple[Pool, ...]) -> Market:
    """The market with *reserved* pools beside, which count against the quotas of machines on demand."""
    twins = {(pool.machine, pool.zone): pool for pool in reserved}
    units = {
        name: (
            *taken,
            *(
                (twins[pool.machine, pool.zone], each)
                for pool, each in taken
                if pool.mode is PurchaseMode.ON_DEMAND and (pool.machine, pool.zone) in twins
            ),
        )
        for name, taken in of.units.items()
    }
    return replace(of, pools=(*of.pools, *reserved), units=units)


def _pool(machine: Machine, region: str, zone: str, mode: PurchaseMode, price: float) -> Pool:
    return Pool(
        machine=machine.name,
        region=region,
        zone=zone,
        mode=mode,
        slots=machine.accelerators,
        micro_usd_per_hour=micro_usd(price),
    )


def _quotas(facts: Catalog, machine: Machine, region: str, mode: PurchaseMode) -> Iterator[tuple[str, int]]:
    """Quotas that a machine counts against; one of its family, in accelerators, where no source tells any."""
    known = facts.quotas_of(machine, mode)
    for quota in known:
        where = "" if quota.scope is QuotaScope.GLOBAL else f" in {region}"
        yield f"{quota.id}{where}", quota.units_of(machine)
    if not known:
        yield f"{machine.family} {mode.replace('_', ' ')} accelerators in {region} (made up)", machine.accelerators


def _price(facts: Catalog, machine: Machine, region: str, mode: PurchaseMode) -> float:
    """USD an hour: listed, or worked out from the first region as this module says."""
    listed = _listed(facts, machine, region, mode)
    if listed is not None:
        return listed
    if mode is PurchaseMode.SPOT:
        return _price(facts, machine, region, PurchaseMode.ON_DEMAND) * _spot_share(machine.cloud)
    at_home = _listed(facts, machine, REGIONS[machine.cloud][0], mode)
    if at_home is None:
        raise ValueError(f"{machine.name} has no price in {REGIONS[machine.cloud][0]}")
    return at_home * _ratio(machine.cloud, region)


def _listed(facts: Catalog, machine: Machine, region: str, mode: PurchaseMode) -> float | None:
    for offer in facts.offers_for(machine.cloud, region, machine.name):
        if offer.mode is mode and offer.usd_per_hour is not None and offer.orderable:
            return offer.usd_per_hour
    return None


@cache
def _ratio(cloud: Cloud, region: str) -> float:
    """A region's price on demand over that of the first region: the median over machine types priced in both."""
    facts, home = catalog(), REGIONS[cloud][0]
    pairs = [
        (_listed(facts, machine, region, PurchaseMode.ON_DEMAND), _listed(facts, machine, home, PurchaseMode.ON_DEMAND))
        for machine in sellable(cloud)
    ]
    return statistics.median([here / there for here, there in pairs if here and there] or [1.0])


@cache
def _spot_share(cloud: Cloud) -> float:
    """The spot price over that on demand: the median over all pairs in the catalog."""
    facts = catalog()
    pairs = [
        tuple(_listed(facts, machine, region, mode) for mode in MODES)
        for machine in sellable(cloud)
        for region in REGIONS[cloud]
    ]
    return statistics.median([spot / on_demand for on_demand, spot in pairs if on_demand and spot] or [0.4])


def _site(facts: Catalog, cloud: Cloud, region: str) -> Site:
    """A region's system machine: the cheapest x86 one that carries a cluster's services."""
    prices = [
        price
        for machine in facts.machines
        if machine.cloud is cloud
        and machine.accelerator is None
        and machine.arch == "x86_64"
        and machine.vcpus >= SYSTEM_VCPUS
        and machine.memory_bytes >= SYSTEM_MEMORY_BYTES
        and (price := _listed(facts, machine, region, PurchaseMode.ON_DEMAND)) is not None
    ]
    return Site(
        region=region,
        system_micro_usd_per_hour=micro_usd(min(prices)),
        least_system_machines=LEAST_SYSTEM_MACHINES,
    )
