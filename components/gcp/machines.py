"""
What GKE needs to know of a machine type: its accelerator by GKE's name, bundled disks, disk type, pods.

A table of facts, and nothing else may guess from a machine's name. A machine that is not in it cannot be provisioned
by this version, and is refused before anything is created.

GPUDirect (TCPX, TCPXO, RDMA) networks are not made: they join machines to one another, and a replica here never spans
two machines. Within a machine GPUs talk over NVLink, which needs none of them.

Sources: GoogleCloudPlatform/cluster-toolkit 1.95.0 (examples, pkg/config/machine_mappings.json,
modules/internal/tpu-definition), xpk 1.16.0 system_characteristics.py; read 2026-06. The count of local disks is
checked against the catalog (375 GB each) by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sizing.catalog.accelerator import AcceleratorKind
from sizing.errors import SizingError
from sizing.plan import NodePool

BALANCED = "pd-balanced"
HYPERDISK = "hyperdisk-balanced"

_GPU_PODS = 32  # a replica takes a whole GPU, so few pods fit; 32 addresses a node instead of 256 (xpk: 32 on a3-mega)
_TPU_PODS = 15  # xpk
_SYSTEM_PODS = 110  # GKE's own default


class Unprovisionable(SizingError):
    """The plan holds something that this version cannot build on Google Cloud."""

    def __init__(self, *, what: str, mend: str) -> None:
        """Tell *what* cannot be built and what to write instead."""
        self.what, self.mend = what, mend
        super().__init__(f"{what}\n    hint: {mend}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GkeMachine:
    """One machine type as GKE sees it."""

    accelerator_type: str | None  # GKE's name, also the value of its node label; None: no accelerator
    accelerators: int
    local_ssds: int  # that the machine brings, used as ephemeral storage
    disk_type: str  # of the boot disk
    max_pods: int


def _gpu(accelerator_type: str, accelerators: int, *, local_ssds: int = 0, disk_type: str = BALANCED) -> GkeMachine:
    return GkeMachine(
        accelerator_type=accelerator_type,
        accelerators=accelerators,
        local_ssds=local_ssds,
        disk_type=disk_type,
        max_pods=_GPU_PODS,
    )


def _tpu(accelerator_type: str, chips: int, *, disk_type: str = BALANCED) -> GkeMachine:
    return GkeMachine(
        accelerator_type=accelerator_type, accelerators=chips, local_ssds=0, disk_type=disk_type, max_pods=_TPU_PODS
    )


GPU_MACHINES: Mapping[str, GkeMachine] = MappingProxyType(
    {
        **{f"g2-standard-{vcpus}": _gpu("nvidia-l4", 1) for vcpus in (4, 8, 12, 16, 32)},
        "g2-standard-24": _gpu("nvidia-l4", 2),
        "g2-standard-48": _gpu("nvidia-l4", 4),
        "g2-standard-96": _gpu("nvidia-l4", 8),
        # G4 machines below 48 vCPUs carry a fraction of a card (vGPU), which no engine here is sized for.
        "g4-standard-48": _gpu("nvidia-rtx-pro-6000", 1, disk_type=HYPERDISK),
        "g4-standard-96": _gpu("nvidia-rtx-pro-6000", 2, disk_type=HYPERDISK),
        "g4-standard-192": _gpu("nvidia-rtx-pro-6000", 4, disk_type=HYPERDISK),
        "g4-standard-384": _gpu("nvidia-rtx-pro-6000", 8, disk_type=HYPERDISK),
        **{f"a2-highgpu-{gpus}g": _gpu("nvidia-tesla-a100", gpus) for gpus in (1, 2, 4, 8)},
        "a2-megagpu-16g": _gpu("nvidia-tesla-a100", 16),
        **{f"a2-ultragpu-{gpus}g": _gpu("nvidia-a100-80gb", gpus, local_ssds=gpus) for gpus in (1, 2, 4, 8)},
        **{f"a3-highgpu-{gpus}g": _gpu("nvidia-h100-80gb", gpus, local_ssds=2 * gpus) for gpus in (1, 2, 4, 8)},
        "a3-edgegpu-8g": _gpu("nvidia-h100-80gb", 8, local_ssds=16),
        "a3-megagpu-8g": _gpu("nvidia-h100-mega-80gb", 8, local_ssds=16),
        "a3-ultragpu-8g": _gpu("nvidia-h200-141gb", 8, local_ssds=32, disk_type=HYPERDISK),
        "a4-highgpu-8g": _gpu("nvidia-b200", 8, local_ssds=32, disk_type=HYPERDISK),
    }
)

TPU_MACHINES: Mapping[str, GkeMachine] = MappingProxyType(
    {
        **{f"ct5lp-hightpu-{chips}t": _tpu("tpu-v5-lite-podslice", chips) for chips in (1, 4, 8)},
        "ct5p-hightpu-4t": _tpu("tpu-v5p-slice", 4),
        **{f"ct6e-standard-{chips}t": _tpu("tpu-v6e-slice", chips, disk_type=HYPERDISK) for chips in (1, 4, 8)},
        **{f"tpu7x-standard-{chips}t": _tpu("tpu7x", chips, disk_type=HYPERDISK) for chips in (1, 4)},
    }
)

_HYPERDISK_ONLY = ("c4", "c4a", "c4d", "n4", "n4a", "n4d")  # general-purpose families that take no persistent disk


def gke_machine(pool: NodePool) -> GkeMachine:
    """
    What GKE needs to know of the machine of *pool*.

    Raises:
        Unprovisionable: If the machine is not in the tables, or holds another number of accelerators than planned.
    """
    if pool.accelerator_kind is None:
        family = pool.machine.partition("-")[0]
        disk_type = HYPERDISK if family in _HYPERDISK_ONLY else BALANCED
        return GkeMachine(
            accelerator_type=None, accelerators=0, local_ssds=0, disk_type=disk_type, max_pods=_SYSTEM_PODS
        )
    table = TPU_MACHINES if pool.accelerator_kind is AcceleratorKind.TPU else GPU_MACHINES
    machine = table.get(pool.machine)
    if machine is None:
        raise Unprovisionable(
            what=f"{pool.machine} of pool {pool.name} is not among the machine types that can be built on GKE",
            mend=f"restrict the workload: allow.machines, for example [{', '.join(sorted(table)[:3])}]",
        )
    if machine.accelerators != pool.accelerators_per_node:
        raise Unprovisionable(
            what=f"{pool.machine} has {machine.accelerators} accelerators, but pool {pool.name} is planned with "
            f"{pool.accelerators_per_node}",
            mend="size the stack again: sizeup size <stack>",
        )
    return machine
