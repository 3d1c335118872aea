"""What a machine has for replicas beside accelerators: processors and memory that Kubernetes leaves to pods."""

from __future__ import annotations

from sizing.catalog.machine import Machine
from sizing.units import GIB, MIB

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


def allocatable_vcpus(machine: Machine) -> float:
    """Virtual processors left for replicas."""
    return machine.vcpus - _kept(machine.vcpus, CPU_STEPS) - AGENTS_VCPUS


def allocatable_bytes(machine: Machine) -> float:
    """Bytes of memory left for replicas."""
    return machine.memory_bytes - _kept(machine.memory_bytes, MEMORY_STEPS) - EVICTION_BYTES - AGENTS_BYTES


def slots_needed(machine: Machine, *, accelerators: int, vcpus: float, memory_bytes: float) -> int | None:
    """
    Accelerators of the machine that one replica occupies, with those that stay idle for lack of processors or memory.

    Each accelerator brings its equal share of the host. Sizes are powers of two that divide the machine, or all of it,
    so that sizes divide each other. None: one replica asks for more than the whole machine.
    """
    whole = machine.accelerators
    sizes = sorted({size for n in range(whole.bit_length()) if whole % (size := 2**n) == 0} | {whole})
    for size in sizes:
        share = size / whole
        if (
            size >= accelerators
            and vcpus <= allocatable_vcpus(machine) * share
            and memory_bytes <= allocatable_bytes(machine) * share
        ):
            return size
    return None


def _kept(amount: float, steps: tuple[tuple[float, float], ...]) -> float:
    kept = 0.0
    for size, share in steps:
        kept += min(amount, size) * share
        amount -= min(amount, size)
    return kept
