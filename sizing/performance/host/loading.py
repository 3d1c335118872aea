"""How fast one machine reads a checkpoint, by the storage it lies on. Facts in `facts/loading.json`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sizing.catalog.machine import Cloud
from sizing.catalog.provenance import Provenance
from sizing.errors import UnknownFact
from sizing.performance.packaged_facts import packaged_facts
from sizing.units import TIB

# Of the network that a machine type states: the smaller ones burst to it and keep a quarter to a half, and other
# traffic shares it. A type with a rate that it keeps gave 75 % to one reader (the source of s3: 3.77 of 5 GB/s).
NETWORK_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTier:
    """One kind of storage that a checkpoint may be read from."""

    name: str  # s3, hyperdisk-ml, local-nvme
    cloud: Cloud | None  # None: wherever
    bytes_per_s: float | None  # most that one machine was seen to read; None: no figure but what is provisioned
    bytes_per_s_per_tib: float | None  # of each TiB provisioned; None: does not grow with size
    is_local: bool  # does not pass the network
    is_verified: bool  # False: from memory, or from another setting
    provenance: Provenance


@cache
def load_tiers() -> tuple[LoadTier, ...]:
    """All tiers of the packaged facts."""
    return tuple(
        LoadTier(
            name=row["name"],
            cloud=None if row["cloud"] is None else Cloud(row["cloud"]),
            bytes_per_s=row.get("bytes_per_s"),
            bytes_per_s_per_tib=row.get("per_tib_bytes_per_s"),
            is_local=row.get("local", False),
            is_verified=not row.get("unverified", False),
            provenance=Provenance(source=row["source"], as_of=row["as_of"]),
        )
        for row in packaged_facts("loading")["tiers"]
    )


def load_tier(name: str) -> LoadTier:
    """
    The tier of that name.

    Raises:
        UnknownFact: If the facts hold none.
    """
    for tier in load_tiers():
        if tier.name == name:
            return tier
    raise UnknownFact(kind="storage tier", name=name, nearest=tuple(tier.name for tier in load_tiers()))


def load_bytes_per_s(tier: LoadTier, *, network_bytes_per_s: float | None, provisioned_bytes: float = TIB) -> float:
    """
    Rate at which one machine reads from *tier*: the least of what was measured, what is provisioned, and its network.

    Args:
        tier: Where the checkpoint lies.
        network_bytes_per_s: What the machine type states for its whole network; None: no source tells.
        provisioned_bytes: Size of the file system or volume, where its rate grows with it.
    """
    limits = [] if tier.bytes_per_s is None else [tier.bytes_per_s]
    if tier.bytes_per_s_per_tib is not None:
        limits.append(tier.bytes_per_s_per_tib * provisioned_bytes / TIB)
    if network_bytes_per_s is not None and not tier.is_local:
        limits.append(NETWORK_SHARE * network_bytes_per_s)
    return min(limits)
