"""What a replica asks of its machine beside accelerators, and what Kubernetes leaves of the machine to pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.catalog.machine import Machine
from sizing.outcome import Miss
from sizing.performance import (
    Replica,
    checkpoint_bytes,
    disk_bytes,
    front_ends,
    host_memory_bytes,
    vcpus,
)
from sizing.plan import Deployment
from sizing.spec.workload import Traffic
from sizing.units import GB, GIB, MIB

# What the kubelet keeps, in steps: (size of the step, share kept); the last step has no end. GKE's published rule
# ("Plan GKE Standard node sizes"), the stricter of the two clouds; EKS keeps as much CPU and less memory.
MEMORY_STEPS: tuple[tuple[float, float], ...] = (
    (4 * GIB, 0.25),
    (4 * GIB, 0.20),
    (8 * GIB, 0.10),
    (112 * GIB, 0.06),
    (float("inf"), 0.02),
)
CPU_STEPS: tuple[tuple[float, float], ...] = ((1, 0.06), (1, 0.01), (2, 0.005), (float("inf"), 0.0025))
EVICTION_BYTES = 100 * MIB

# Network, proxy, log and metric agents, device plugin, CSI drivers: what their manifests ask together, rounded up.
AGENTS_VCPUS = 0.5
AGENTS_BYTES = 1 * GIB

IMAGES_BYTES = 100 * GB  # on disk: system, engine image unpacked (28.6 GB), the one of the release before, room
DISK_SHARE = 0.9  # of a disk, until the kubelet evicts pods: its default, nodefs.available < 10 %


@dataclass(frozen=True, slots=True, kw_only=True)
class HostNeed:
    """What one replica asks of its machine beside accelerators."""

    vcpus: float
    memory_bytes: int
    disk_bytes: int


def host_need(replica: Replica, traffic: Traffic) -> HostNeed:
    """What *replica* asks for while it serves *traffic*, whose rate is that of this one replica."""
    return HostNeed(
        vcpus=vcpus(replica, traffic),
        memory_bytes=host_memory_bytes(replica, front_ends=front_ends(replica, traffic)),
        disk_bytes=disk_bytes(checkpoint_bytes(replica)),
    )


def deployed_need(deployment: Deployment) -> HostNeed:
    """What one replica of a deployment asks for, from the plan's own values."""
    return HostNeed(
        vcpus=deployment.vcpus,
        memory_bytes=deployment.host_memory_bytes,
        disk_bytes=disk_bytes(deployment.checkpoint_bytes),
    )


def allocatable_vcpus(machine: Machine) -> float:
    """Virtual processors left for replicas."""
    return machine.vcpus - _kept(machine.vcpus, CPU_STEPS) - AGENTS_VCPUS


def allocatable_bytes(machine: Machine) -> float:
    """Bytes of memory left for replicas."""
    return machine.memory_bytes - _kept(machine.memory_bytes, MEMORY_STEPS) - EVICTION_BYTES - AGENTS_BYTES


def allocatable_disk_bytes(machine: Machine) -> float | None:
    """Bytes of local disk left for replicas; None where there is none: its network disk is made as large as needed."""
    if not machine.local_disk_bytes:
        return None
    return max(0.0, DISK_SHARE * machine.local_disk_bytes - IMAGES_BYTES)


def host_shares(machine: Machine, need: HostNeed) -> tuple[float, float, float]:
    """Shares of what a machine leaves to pods, of processors, memory and disk, that one replica takes."""
    disk = allocatable_disk_bytes(machine)
    return (
        _share(need.vcpus, allocatable_vcpus(machine)),
        _share(need.memory_bytes, allocatable_bytes(machine)),
        0.0 if disk is None else _share(need.disk_bytes, disk),
    )


def slots_needed(machine: Machine, *, accelerators: int, need: HostNeed) -> int | None:
    """
    Accelerators of the machine that one replica occupies, with those that stay idle for lack of what is beside them.

    Each accelerator brings its equal share of the host. Sizes are powers of two that divide the machine, or all of it,
    so that sizes divide each other. None: one replica asks for more than the whole machine.
    """
    whole = machine.accelerators
    share = max(host_shares(machine, need))
    sizes = sorted({size for n in range(whole.bit_length()) if whole % (size := 2**n) == 0} | {whole})
    return next((size for size in sizes if size >= accelerators and share <= size / whole), None)


def host_misses(machine: Machine, need: HostNeed) -> Iterator[Miss]:
    """Everything of the host that one replica asks for beyond the whole machine."""
    memory, has = need.memory_bytes, allocatable_bytes(machine)
    if memory > has:
        text = f"host memory {memory / GIB:.0f} GiB > {has / GIB:.0f} GiB left for pods on {machine.name}"
        yield Miss(metric="host_memory_bytes", asked=memory, reached=has, text=text)
    asked, left = need.vcpus, allocatable_vcpus(machine)
    if asked > left:
        text = f"{asked:g} vCPU > {left:.1f} left for pods on {machine.name}"
        yield Miss(metric="vcpus", asked=asked, reached=left, text=text)
    disk = allocatable_disk_bytes(machine)
    if disk is not None and need.disk_bytes > disk:
        text = f"local disk {need.disk_bytes / GB:.0f} GB > {disk / GB:.0f} GB left for pods on {machine.name}"
        yield Miss(metric="local_disk_bytes", asked=need.disk_bytes, reached=disk, text=text)


def _share(asked: float, left: float) -> float:
    return asked / left if left > 0 else float("inf")


def _kept(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    kept = 0.0
    for size, share in steps:
        kept += min(amount, size) * share
        amount -= min(amount, size)
    return kept
