"""What an account holds or may commit to: reservations, capacity blocks and commitments of a stack, with their prices.

Prices of what is held are the stack's own word, and are told as such; those of commitments are facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.optimiser.problem import Commitment
from sizing.spec.capacity import CapacityBlock, Reservation
from sizing.spec.schedule import Window
from sizing.spec.workload import Serving, Spec
from sizing.units import micro_usd

if TYPE_CHECKING:
    from sizing.catalog import Catalog

TERMS = (PurchaseMode.COMMITTED_1Y, PurchaseMode.COMMITTED_3Y)
TOLD = "undated"  # the stack tells no date of its prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Machines of one zone that the account holds under a name."""

    name: str
    machine: Machine
    offer: Offer  # with the price that the stack tells, in its zone only
    most: int  # machines
    only_for: frozenset[str] | None  # workloads that may stand on it; None: any
    window: Window | None  # None: it stays


def held_in(spec: Spec, catalog: Catalog, *, cloud: Cloud, region: str) -> tuple[Held, ...]:
    """The reservations of one region by name, then its capacity blocks, however the spec lists them."""
    told: list[Reservation | CapacityBlock] = [
        *sorted(spec.reservations, key=lambda one: one.name),
        *sorted(spec.capacity_blocks, key=lambda one: one.name),
    ]
    return tuple(_held(one, spec, catalog) for one in told if (one.cloud, one.region) == (cloud, region))


def needed_within(workloads: Iterable[Serving], window: Window) -> frozenset[str]:
    """Workloads that are needed on days of *window* only, so a block of these days can carry them."""
    return frozenset(one.name for one in workloads if one.needed is not None and window.holds(one.needed))


def commitments_of(
    spec: Spec, catalog: Catalog, *, cloud: Cloud, regions: Iterable[str], machines: Iterable[Machine]
) -> tuple[Commitment, ...]:
    """
    What is committed to already, which is paid anyway, and what may be committed to beside, at its price all hours.

    One for each machine type, region and term. A term that may not be bought, or of which no price is known, has only
    what is owned of it.
    """
    names = [machine.name for machine in machines]
    found = (
        _commitment(spec, catalog, cloud=cloud, region=region, machine=name, term=term)
        for region in regions
        for name in names
        for term in TERMS
    )
    return tuple(one for one in found if one.owned or one.most is None)


def _commitment(
    spec: Spec, catalog: Catalog, *, cloud: Cloud, region: str, machine: str, term: PurchaseMode
) -> Commitment:
    owned = sum(
        one.machines
        for one in spec.commitments.owned
        if (one.cloud, one.region, one.machine, one.term) == (cloud, region, machine, term)
    )
    prices = [
        offer.usd_per_hour
        for offer in catalog.offers_for(cloud, region, machine)
        if offer.mode is term and offer.orderable and offer.usd_per_hour is not None
    ]
    sold = bool(prices) and term in spec.commitments.terms
    return Commitment(
        machine=machine,
        region=region,
        mode=term,
        micro_usd_per_hour=micro_usd(prices[0]) if sold else 0,
        owned=owned,
        most=None if sold else 0,
    )


def _held(told: Reservation | CapacityBlock, spec: Spec, catalog: Catalog) -> Held:
    window = told.window if isinstance(told, CapacityBlock) else None
    mode = PurchaseMode.RESERVATION if window is None else PurchaseMode.CAPACITY_BLOCK
    source = f"{mode.value.replace('_', ' ')} {told.name}, as the stack tells"
    return Held(
        name=told.name,
        machine=catalog.machine(told.cloud, told.machine),
        offer=Offer(
            cloud=told.cloud,
            machine=told.machine,
            region=told.region,
            mode=mode,
            usd_per_hour=told.usd_per_hour,
            orderable=True,
            zones=(told.zone,),
            price_basis="told by the stack",
            provenance=Provenance(source=source, as_of=TOLD),
        ),
        most=told.machines,
        only_for=None if window is None else needed_within(spec.workloads, window),
        window=window,
    )
