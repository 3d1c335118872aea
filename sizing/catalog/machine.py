"""Machines: what a cloud rents as one unit. Knows nothing of regions or prices (offers do)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.provenance import Provenance


class Cloud(StrEnum):
    """The clouds that sizeup provisions on."""

    AWS = "aws"
    GCP = "gcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine type of one cloud; the unit that is paid for, however few of its accelerators are used."""

    cloud: Cloud
    name: str  # p5.48xlarge, a3-highgpu-8g, ct6e-standard-4t
    family: str  # p5, a3-highgpu, ct6e-standard
    arch: str  # x86_64, arm64
    vcpus: int
    memory_bytes: int
    accelerator: str | None  # name of an Accelerator; None for a general-purpose machine
    accelerators: int  # devices (chips); 0 without
    accelerator_fraction: float  # share of one device that each counts for: 1, or 0.125 for g6f.large
    network_bytes_per_s: float | None  # stated rate of the whole machine
    fabric: str | None  # efa, rdma, tcpx, ... as the source names it; None: plain network
    fabric_interfaces: int
    network_cards: int
    local_disks: int
    local_disk_bytes: int  # all local NVMe together; 0 without
    usage_classes: tuple[str, ...]  # on-demand, spot, capacity-block, ...
    provenance: Provenance
