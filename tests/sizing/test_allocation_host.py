"""What Kubernetes leaves of a machine, and how many of its accelerators a replica occupies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation.host import allocatable_bytes, allocatable_vcpus, slots_needed
from sizing.units import GIB, MIB
from tests.examples import L40S
from tests.markets import H100_NODE, L40S_SINGLE, machine


def test_a_machine_of_8_vcpus_and_64_gib_leaves_7_4_vcpus_and_55_gib():
    """
    CPU: 0.06 + 0.01 + 2 x 0.005 + 4 x 0.0025 = 0.09 kept, 0.5 for agents: 7.41.

    Memory: 0.25 x 4 + 0.2 x 4 + 0.1 x 8 + 0.06 x 48 = 5.48 GiB kept, 100 MiB and 1 GiB besides: 57.42 GiB.
    """
    assert allocatable_vcpus(L40S_SINGLE) == pytest.approx(7.41)
    assert allocatable_bytes(L40S_SINGLE) == pytest.approx(64 * GIB - 5.48 * GIB - 100 * MIB - GIB)


def test_memory_beyond_128_gib_is_kept_at_two_per_cent():
    """256 GiB: 1 + 0.8 + 0.8 + 0.06 x 112 + 0.02 x 128 = 11.88 GiB kept."""
    assert allocatable_bytes(machine("x", memory_gib=256)) == pytest.approx((256 - 11.88 - 1) * GIB - 100 * MIB)


@pytest.mark.parametrize(
    ("accelerators", "vcpus", "memory_gib", "slots"),
    [
        (2, 8, 50, 2),  # two of eight: a quarter of 192 vCPUs and 2 TiB is plenty
        (1, 30, 50, 2),  # an eighth is 23.9 vCPUs: 30 need the share of two
        (1, 8, 300, 2),  # an eighth is about 250 GiB
        (8, 190, 1900, 8),
        (8, 200, 50, None),  # more than the whole machine
    ],
)
def test_a_replica_occupies_the_accelerators_whose_share_of_the_host_it_needs(accelerators, vcpus, memory_gib, slots):
    """Each accelerator of p5.48xlarge (192 vCPU, 2 TiB) brings an eighth of what is left to pods."""
    needed = slots_needed(H100_NODE, accelerators=accelerators, vcpus=vcpus, memory_bytes=memory_gib * GIB)
    assert needed == slots


def test_six_accelerators_are_occupied_by_one_by_two_or_all():
    """Four of six would leave two that pack with nothing; sizes are powers of two that divide six, or six."""
    six = replace(machine("inf2.24xlarge", L40S, 6), vcpus=96)
    assert [slots_needed(six, accelerators=n, vcpus=1, memory_bytes=0) for n in (1, 2, 3, 4, 6)] == [1, 2, 6, 6, 6]
