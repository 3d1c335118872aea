"""Cost lines from a resource and a price: the few shapes that all pricing tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from components.graph import Resource
from components.surroundings import Surroundings
from infra.cost.bill import CostGroup, CostKind, CostLine
from infra.cost.planned import PlannedPool
from infra.cost.pools import MachinePool
from infra.cost.price_list import Price
from sizing.catalog.catalog import Catalog

UNTOLD = "no source tells the price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a price may depend on besides the resource itself."""

    catalog: Catalog
    among: Surroundings
    pools: tuple[MachinePool, ...] = ()
    content_bytes: Mapping[str, int] = field(default_factory=dict)  # expected content by bucket name
    planned: Mapping[str, PlannedPool] = field(default_factory=dict)  # by the name of the pool in the plan


Pricer: TypeAlias = Callable[[Resource, Pricing], tuple[CostLine, ...]]


def fixed(
    resource: Resource,
    item: str,
    group: CostGroup,
    price: Price,
    *,
    quantity: float | None = 1,
    limits: tuple[float, float] | None = None,
    note: str = "",
) -> CostLine:
    """
    What runs by the hour from creation on; its cost is unknown where the quantity or the price is.

    *limits* are the least and the most that an autoscaler may make of the quantity.
    """
    hourly = price.usd / price.hours if price.usd is not None else None
    return _line(
        resource,
        item,
        group,
        price,
        kind=CostKind.FIXED,
        quantity=quantity,
        usd_per_hour=None if quantity is None or hourly is None else quantity * hourly,
        usd_per_hour_limits=None if limits is None or hourly is None else (limits[0] * hourly, limits[1] * hourly),
        note=note,
    )


def usage(resource: Resource, item: str, group: CostGroup, price: Price, *, note: str = "") -> CostLine:
    """What is paid by use: the unit price alone."""
    return _line(resource, item, group, price, kind=CostKind.USAGE, quantity=None, note=note)


def upfront(
    resource: Resource, item: str, group: CostGroup, price: Price, *, quantity: float | None = 1, note: str = ""
) -> CostLine:
    """What is paid once, at purchase; its sum is unknown where the quantity or the price is."""
    once = None if quantity is None or price.usd is None else quantity * price.usd
    return _line(resource, item, group, price, kind=CostKind.UPFRONT, quantity=quantity, upfront_usd=once, note=note)


def free(resource: Resource, reason: str, *, item: str = "", group: CostGroup = CostGroup.OTHER) -> CostLine:
    """What is known to cost nothing, and why; of the whole resource unless *item* names a part of it."""
    nothing = Price(usd=0.0, unit="resource", note=reason)
    return _line(resource, item or resource.type, group, nothing, kind=CostKind.FREE, quantity=1, usd_per_hour=0.0)


def not_priced(unit: str, reason: str = UNTOLD) -> Price:
    """No price, and why."""
    return Price(usd=None, unit=unit, note=reason)


def unpriced(item: str, group: CostGroup, unit: str, kind: CostKind = CostKind.FIXED) -> Pricer:
    """A pricer for what is paid by the hour, by use or once at a price that no source of ours tells."""

    def pricer(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
        quantity = None if kind is CostKind.USAGE else 1
        return (_line(resource, item, group, not_priced(unit), kind=kind, quantity=quantity),)

    return pricer


def _line(
    resource: Resource,
    item: str,
    group: CostGroup,
    price: Price,
    *,
    kind: CostKind,
    quantity: float | None,
    usd_per_hour: float | None = None,
    usd_per_hour_limits: tuple[float, float] | None = None,
    upfront_usd: float | None = None,
    note: str = "",
) -> CostLine:
    """The line of *resource* that all kinds share: who, at what price, from which source."""
    return CostLine(
        item=item,
        group=group,
        urn=resource.urn,
        resource=resource.name,
        quantity=quantity,
        unit=price.unit,
        usd_per_unit=price.usd,
        usd_per_hour=usd_per_hour,
        kind=kind,
        source=price.source,
        as_of=price.as_of,
        note="; ".join(x for x in (price.note, note) if x),
        upfront_usd=upfront_usd,
        usd_per_hour_limits=usd_per_hour_limits,
    )
