"""Cost lines from a resource and a price: the few shapes that all pricing tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from components.graph import Resource
from components.surroundings import Surroundings
from infra.cost.bill import CostGroup, CostKind, CostLine
from infra.cost.price_list import Price
from sizing.catalog.catalog import Catalog

UNTOLD = "no source tells the price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What a price may depend on besides the resource itself."""

    catalog: Catalog
    among: Surroundings
    content_bytes: Mapping[str, int] = field(default_factory=dict)  # expected content by bucket name


Pricer: TypeAlias = Callable[[Resource, Pricing], tuple[CostLine, ...]]


def fixed(
    resource: Resource,
    item: str,
    group: CostGroup,
    price: Price,
    *,
    quantity: float | None = 1,
    note: str = "",
    workload: str | None = None,
) -> CostLine:
    """What runs by the hour from creation on; its cost is unknown where the quantity or the price is."""
    known = quantity * price.usd / price.hours if quantity is not None and price.usd is not None else None
    return CostLine(
        item=item,
        group=group,
        urn=resource.urn,
        resource=resource.name,
        workload=workload,
        quantity=quantity,
        unit=price.unit,
        usd_per_unit=price.usd,
        usd_per_hour=known,
        kind=CostKind.FIXED,
        source=price.source,
        as_of=price.as_of,
        note="; ".join(x for x in (price.note, note) if x),
    )


def usage(resource: Resource, item: str, group: CostGroup, price: Price, *, note: str = "") -> CostLine:
    """What is paid by use: the unit price alone."""
    return CostLine(
        item=item,
        group=group,
        urn=resource.urn,
        resource=resource.name,
        workload=None,
        quantity=None,
        unit=price.unit,
        usd_per_unit=price.usd,
        usd_per_hour=None,
        kind=CostKind.USAGE,
        source=price.source,
        as_of=price.as_of,
        note="; ".join(x for x in (price.note, note) if x),
    )


def free(resource: Resource, reason: str) -> CostLine:
    """What is known to cost nothing, and why."""
    return CostLine(
        item=resource.type,
        group=CostGroup.OTHER,
        urn=resource.urn,
        resource=resource.name,
        workload=None,
        quantity=1,
        unit="resource",
        usd_per_unit=0.0,
        usd_per_hour=0.0,
        kind=CostKind.FREE,
        source="",
        as_of="",
        note=reason,
    )


def not_priced(unit: str, reason: str) -> Price:
    """No price, and why."""
    return Price(usd=None, unit=unit, note=reason)


def unpriced(item: str, group: CostGroup, unit: str) -> Pricer:
    """A pricer for what runs by the hour or month at a price that no source of ours tells."""

    def pricer(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
        return (fixed(resource, item, group, not_priced(unit, UNTOLD)),)

    return pricer


def unpriced_usage(item: str, group: CostGroup, unit: str) -> Pricer:
    """A pricer for what is paid by use at a price that no source of ours tells."""

    def pricer(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
        return (usage(resource, item, group, not_priced(unit, UNTOLD)),)

    return pricer
