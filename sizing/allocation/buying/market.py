"""What one region sells of what the workloads could use: priced offers, what is held, and what is not sold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.buying.reserved import Held, held_in
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.outcome import Miss
from sizing.spec.schedule import FLEX_START_DAYS
from sizing.spec.workload import Serving, Spec
from sizing.units import GB

if TYPE_CHECKING:
    from sizing.catalog import Catalog

NETWORK_ZONES = 3  # of every network where the region has as many: a control plane spans them, pools may use more
LEAST_SYSTEM_MACHINES = 2
CONTROL_PLANE_ZONES = 2  # least that EKS takes
SYSTEM_VCPUS = 4
SYSTEM_MEMORY_BYTES = 16 * GB
SYSTEM_ARCH = "x86_64"

# Zones that EKS takes no cluster subnets in. Source: Amazon EKS user guide, "VPC and subnet requirements".
ZONES_WITHOUT_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsold:
    """A machine type that cannot be bought in a region, and why."""

    machine: str
    miss: Miss


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One region."""

    cloud: Cloud
    region: str
    zones: tuple[str, ...]  # that a network can span, sorted
    offers: tuple[tuple[Machine, Offer], ...]  # priced, orderable, with the zones that the spec allows
    system: tuple[Machine, Offer] | None  # cheapest machine for cluster services
    unsold: tuple[Unsold, ...]
    held: tuple[Held, ...]  # reservations and capacity blocks that a workload can use
    unused: tuple[str, ...]  # what is held or allowed and cannot be used here, with the reason
    only_for: Mapping[PurchaseMode, frozenset[str]]  # workloads that may buy so; a mode that is not there: any


def market(spec: Spec, catalog: Catalog, *, cloud: Cloud, region: str, machines: Iterable[Machine]) -> Market:
    """
    The offers of one region for *machines*: on demand, spot and flex-start where a workload may use it; what is held.

    An offer without a price, that the cloud does not sell, or of which no zone is known, cannot be bought. Commitments
    are no offers of machines: they cover what runs on demand.
    """
    machines = tuple(machines)
    zones = tuple(zone for zone in catalog.zones(cloud, region) if zone not in ZONES_WITHOUT_CONTROL_PLANE)
    modes = [PurchaseMode.ON_DEMAND]
    if any(workload.allowed.spot_share > 0 for workload in spec.workloads):
        modes.append(PurchaseMode.SPOT)
    flexible = frozenset(workload.name for workload in spec.workloads if may_start_flexibly(workload))
    if flexible:
        modes.append(PurchaseMode.FLEX_START)
    within = frozenset(spec.zones or zones) & frozenset(zones)
    if len(within) >= CONTROL_PLANE_ZONES:
        zones = tuple(zone for zone in zones if zone in within)
    offers: list[tuple[Machine, Offer]] = []
    unsold: list[Unsold] = []
    for machine in machines:
        listed = catalog.offers_for(cloud, region, machine.name)
        sold = [offer for offer in listed if offer.mode in modes and _is_sold(offer) and within & set(offer.zones)]
        offers += [(machine, offer) for offer in sorted(sold, key=lambda one: modes.index(one.mode))]
        if not any(offer.mode is PurchaseMode.ON_DEMAND for offer in sold):
            unsold.append(Unsold(machine=machine.name, miss=_why_not(listed, region, within)))
    held = {one: _why_unused(one, machines, within) for one in held_in(spec, catalog, cloud=cloud, region=region)}
    return Market(
        cloud=cloud,
        region=region,
        zones=zones,
        offers=tuple((machine, _within(offer, within)) for machine, offer in offers),
        system=_system_machine(catalog, cloud, region, frozenset(zones)),
        unsold=tuple(unsold),
        held=tuple(one for one, why in held.items() if why is None),
        unused=(
            *(why for why in held.values() if why is not None),
            *_unpriced(spec, catalog, cloud=cloud, region=region, machines=machines, flexible=flexible),
        ),
        only_for={PurchaseMode.FLEX_START: flexible},
    )


def may_start_flexibly(workload: Serving) -> bool:
    """Whether a workload may run on flex-start machines, which the cloud takes back after seven days."""
    short = workload.needed is not None and workload.needed.days <= FLEX_START_DAYS
    return short and PurchaseMode.FLEX_START in workload.allowed.purchase


def _why_unused(held: Held, machines: Iterable[Machine], within: frozenset[str]) -> str | None:
    """Why nothing can stand on machines that the account holds; None where something can."""
    what = f"{held.offer.mode.value.replace('_', ' ')} {held.name} is not used"
    if held.machine not in machines:
        return f"{what}: no workload can run on {held.machine.name}"
    if not within & set(held.offer.zones):
        return f"{what}: it lies in {held.offer.zones[0]}, which the network may not span"
    if held.window is not None and not held.only_for:
        days = f"{held.window.start} until {held.window.until}"
        return f"{what}: it is there from {days}, and no workload is needed within these days only"
    return None


def _unpriced(
    spec: Spec,
    catalog: Catalog,
    *,
    cloud: Cloud,
    region: str,
    machines: Iterable[Machine],
    flexible: frozenset[str],
) -> Iterator[str]:
    """Ways to buy that the spec allows, and that no fact tells a price of in the region."""
    sold = {
        offer.mode
        for machine in machines
        for offer in catalog.offers_for(cloud, region, machine.name)
        if _is_sold(offer)
    }
    if flexible and PurchaseMode.FLEX_START not in sold:
        yield f"flex_start is not used in {region}: no price of it is known there"
    for term in spec.commitments.terms:
        if term not in sold:
            years = term.value.removeprefix("committed_")
            yield f"nothing is committed to for {years} in {region}: no price of it is known there"


def _is_sold(offer: Offer) -> bool:
    return offer.orderable and offer.usd_per_hour is not None


def _within(offer: Offer, zones: frozenset[str]) -> Offer:
    """The offer with those of its zones that may be used, sorted."""
    return replace(offer, zones=tuple(sorted(zones & set(offer.zones))))


def _why_not(listed: tuple[Offer, ...], region: str, within: frozenset[str]) -> Miss:
    """Why a machine type cannot be bought on demand in *region*."""
    on_demand = [offer for offer in listed if offer.mode is PurchaseMode.ON_DEMAND]
    orderable = [offer for offer in on_demand if offer.orderable]
    if not listed:
        metric, text = "offer", f"not offered in {region}"
    elif not orderable:
        others = ", ".join(sorted({offer.mode.value.replace("_", " ") for offer in listed if offer.orderable}))
        metric, text = "offer", f"not sold on demand in {region}" + (f", only as {others}" if others else "")
    elif all(offer.usd_per_hour is None for offer in orderable):
        metric, text = "price", f"price unknown in {region}"
    elif not any(offer.zones for offer in orderable):
        metric, text = "zones", f"zones unknown in {region}"
    else:
        zones = ", ".join(sorted({zone for offer in orderable for zone in offer.zones}))
        metric, text = "zones", f"offered in {zones} only, of which none may be used" if zones else f"not in {within}"
    return Miss(metric=metric, asked=None, reached=None, text=text)


def _system_machine(catalog: Catalog, cloud: Cloud, region: str, zones: frozenset[str]) -> tuple[Machine, Offer] | None:
    """The cheapest machine without accelerators that carries cluster services, in a zone of the network."""
    able = sorted(_system_offers(catalog, cloud, region, zones), key=lambda pair: (pair[1].usd_per_hour, pair[0].name))
    return (able[0][0], _within(able[0][1], zones)) if able else None


def _system_offers(
    catalog: Catalog, cloud: Cloud, region: str, zones: frozenset[str]
) -> Iterator[tuple[Machine, Offer]]:
    for machine in catalog.machines:
        if (
            machine.cloud is cloud
            and machine.accelerator is None
            and machine.arch == SYSTEM_ARCH
            and machine.vcpus >= SYSTEM_VCPUS
            and machine.memory_bytes >= SYSTEM_MEMORY_BYTES
        ):
            for offer in catalog.offers_for(cloud, region, machine.name):
                if offer.mode is PurchaseMode.ON_DEMAND and _is_sold(offer) and zones & set(offer.zones):
                    yield machine, offer
