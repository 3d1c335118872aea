"""Prices of the catalog as the bill needs them: a price with its unit, source and date, or that there is none.

A figure that its own row calls unverified is no price here. Region "all" holds where the source says that the price
is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sizing.catalog.catalog import Catalog
from sizing.catalog.charge import StorageTier
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.units import HOURS_PER_MONTH

ANYWHERE = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD of one unit, or None with the reason in *note*."""

    usd: float | None
    unit: str  # hour, GB-month, GB
    source: str = ""
    as_of: str = ""
    note: str = ""

    @property
    def hours(self) -> float:
        """Hours that one unit runs over: 730 for a price by the month."""
        return HOURS_PER_MONTH if self.unit.endswith("month") else 1.0


def machine_price(catalog: Catalog, cloud: Cloud, region: str | None, machine: str, mode: PurchaseMode) -> Price:
    """USD per hour of one machine bought this way; the expected price where it moves."""
    if region is None:
        return Price(usd=None, unit="hour", note="region not known")
    offer = next((x for x in catalog.offers_for(cloud, region, machine) if x.mode is mode), None)
    way = mode.value.replace("_", "-")
    if offer is None:
        return Price(usd=None, unit="hour", note=f"no {way} offer of {machine} in {region}")
    note = "" if offer.orderable else f"not sold {way}: the list price is nominal"
    if mode is PurchaseMode.SPOT:
        note = "expected spot price"
    return _priced(offer.usd_per_hour, "hour", offer.provenance, fields=("usd_per_hour",), note=note)


def storage_price(catalog: Catalog, cloud: Cloud, region: str | None, service: str, tier: str) -> Price:
    """USD per GB and month of a storage class or disk type."""
    unit = "GB-month"
    if region is None:
        return Price(usd=None, unit=unit, note="region not known")
    row = catalog.storage_tier(cloud, region, service, tier)
    if row is None:
        return Price(usd=None, unit=unit, note=f"no price of {tier} in {region}")
    return _priced(row.usd_per_gb_month, unit, row.provenance, fields=("usd_per_gb_month",))


def storage_field_price(row: StorageTier | None, field: str, *, unit: str) -> Price:
    """USD of what a storage tier charges beside its size: one of its `usd_per_..._month` fields."""
    if row is None:
        return Price(usd=None, unit=unit, note="no such tier in the facts")
    usd: float | None = getattr(row, field)
    return _priced(usd, unit, row.provenance, fields=(field,))


def charge_price(catalog: Catalog, cloud: Cloud, region: str | None, item: str, *, unit: str) -> Price:
    """USD of a charge that is neither a machine nor storage; *unit* names it where the facts have no such row."""
    row = catalog.charge(cloud, region or ANYWHERE, item)
    if row is None:
        where = "region not known" if region is None else f"no price in {region}"
        return Price(usd=None, unit=unit, note=where)
    return _priced(row.usd, row.unit or unit, row.provenance, fields=("usd",))


def stated_price(usd: float | None, unit: str) -> Price:
    """A price that the program itself states, or that it does not."""
    if usd is None:
        return Price(usd=None, unit=unit, note="the program does not state it")
    return Price(usd=usd, unit=unit, note="as the program states it")


def dearest(prices: tuple[Price, ...]) -> Price:
    """The highest of *prices*; unknown as soon as one of them is."""
    unknown = next((x for x in prices if x.usd is None), None)
    if unknown is not None:
        return unknown
    top = max(prices, key=lambda price: price.usd or 0.0)
    return replace(top, note=f"dearest of {len(prices)} machine types") if len(prices) > 1 else top


def _priced(usd: float | None, unit: str, provenance: Provenance, *, fields: tuple[str, ...], note: str = "") -> Price:
    """A price from one row; none where the row lacks it, or calls it unverified."""
    doubtful = any(mark in {*fields, "all", "all but class"} for mark in provenance.unverified)
    if usd is None or doubtful:
        why = "the only figure is unverified" if usd is not None else "no source tells the price"
        return Price(usd=None, unit=unit, source=provenance.source, as_of=provenance.as_of, note=why)
    return Price(usd=usd, unit=unit, source=provenance.source, as_of=provenance.as_of, note=note)
