"""Offers: a machine in a region under a purchase mode, with the price where a source tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.machine import Cloud
from sizing.catalog.provenance import Provenance


class PurchaseMode(StrEnum):
    """How capacity is bought; one enum mapped to both clouds."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    RESERVATION = "reservation"
    CAPACITY_BLOCK = "capacity_block"  # AWS Capacity Blocks, GCP calendar mode
    FLEX_START = "flex_start"  # GCP
    COMMITTED_1Y = "committed_1y"
    COMMITTED_3Y = "committed_3y"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """
    One machine, one region, one purchase mode.

    An offer without a price, or that is not orderable, cannot be chosen; it is listed as such, never taken as free.
    """

    cloud: Cloud
    machine: str
    region: str
    mode: PurchaseMode
    usd_per_hour: float | None  # of the whole machine, expected value; None: no source tells
    orderable: bool  # False: a list price exists, but the cloud does not sell it this way
    zones: tuple[str, ...]  # AWS: zone ids (use1-az1); GCP: zone names; empty: unknown
    price_basis: str  # listed, derived_family_ratio, chip rate x chips, ...
    provenance: Provenance
