"""Names that a plan gives to pools and deployments: stable while what they name is, and legal in both clouds."""

from __future__ import annotations

import hashlib
import re

from sizing.catalog.offer import PurchaseMode
from sizing.plan import SizingPlan

MOST_CHARACTERS = 40  # of a GKE node pool's name; EKS and Kubernetes labels take 63
SPOT_SUFFIX = "-spot"
_ILLEGAL = re.compile(r"[^a-z0-9-]+")  # projects/shared/reservations/base is a name of a reservation
_SUFFIXES = {PurchaseMode.SPOT: SPOT_SUFFIX, PurchaseMode.FLEX_START: "-flex"}


def pool_name(machine: str, zone: str, mode: PurchaseMode, held: str | None = None) -> str:
    """
    The machine, dots as dashes, its zone, and -spot, -flex or the reservation's name: p5-48xlarge-use1-az4.

    What is too long ends in a digest.
    """
    suffix = f"-{held}" if held else _SUFFIXES.get(mode, "")
    name = _ILLEGAL.sub("-", f"{machine}-{zone}{suffix}".lower())
    if len(name) <= MOST_CHARACTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{name[: MOST_CHARACTERS - 7].rstrip('-')}-{digest}"


def deployment_name(workload: str, mode: PurchaseMode) -> str:
    """The workload's own name, or with -spot for its part on spot machines."""
    return workload + (SPOT_SUFFIX if mode is PurchaseMode.SPOT else "")


def keeps_plain_names(region: str, current: SizingPlan | None) -> bool:
    """
    Whether resources in the home *region* carry plain names.

    What the *current* plan has there keeps the names that it was given: a new name would replace all of it.
    """
    if current is None or region not in {site.region for site in current.sites}:
        return True
    return current.has_plain_names(region)
