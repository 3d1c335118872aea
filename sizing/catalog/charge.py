"""What else costs money: storage tiers, and charges of network and platform (NAT, load balancer, control plane)."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.machine import Cloud
from sizing.catalog.provenance import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageTier:
    """One storage class of one region; None is unknown, never zero."""

    cloud: Cloud
    region: str
    service: str  # s3, ebs, efs, fsx-lustre, gcs, gce-disk, managed-lustre, filestore
    tier: str  # STANDARD, gp3, pd-balanced, ...
    usd_per_gb_month: float | None
    included_iops: float | None
    usd_per_iops_month: float | None
    included_bytes_per_s: float | None
    max_bytes_per_s: float | None
    usd_per_mb_per_s_month: float | None
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One price that is neither a machine nor storage."""

    cloud: Cloud
    region: str  # "all" where the price is the same everywhere
    item: str  # nat_gateway_hour, eks_control_plane_standard, nlb_hour, ...
    tier: str
    usd: float | None
    unit: str  # hour, GB, cluster-hour, AZ-hour
    provenance: Provenance
