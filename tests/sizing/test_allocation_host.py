"""What Kubernetes leaves of a machine, and how many of its accelerators a replica occupies."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation.ways.host import (
    HostNeed,
    allocatable_bytes,
    allocatable_disk_bytes,
    allocatable_vcpus,
    host_misses,
    host_need,
    slots_needed,
)
from sizing.catalog import Precision
from sizing.performance import Layout, replica_on
from sizing.units import GB, GIB, MIB
from tests.examples import CHAT, H100, L40S, LLAMA_70B
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
    need = HostNeed(vcpus=vcpus, memory_bytes=memory_gib * GIB, disk_bytes=0)
    assert slots_needed(H100_NODE, accelerators=accelerators, need=need) == slots


def test_six_accelerators_are_occupied_by_one_by_two_or_all():
    """Four of six would leave two that pack with nothing; sizes are powers of two that divide six, or six."""
    six = replace(machine("inf2.24xlarge", L40S, 6), vcpus=96)
    need = HostNeed(vcpus=1, memory_bytes=0, disk_bytes=0)
    assert [slots_needed(six, accelerators=n, need=need) for n in (1, 2, 3, 4, 6)] == [1, 2, 6, 6, 6]


def test_a_local_disk_leaves_nine_tenths_less_the_images():
    """1,000 GB: the kubelet evicts at 900, and 100 are the system's and the engine's images."""
    local = replace(machine("x", L40S, 4, local_disks=1), local_disk_bytes=1000 * GB)
    assert allocatable_disk_bytes(local) == pytest.approx(800 * GB)
    need = HostNeed(vcpus=1, memory_bytes=0, disk_bytes=300 * GB)
    assert slots_needed(local, accelerators=1, need=need) == 2  # a quarter is 200 GB


def test_a_machine_without_local_disks_gets_a_network_disk_as_large_as_needed():
    need = HostNeed(vcpus=1, memory_bytes=0, disk_bytes=10**15)
    assert allocatable_disk_bytes(H100_NODE) is None
    assert slots_needed(H100_NODE, accelerators=1, need=need) == 1


def test_everything_that_a_machine_lacks_is_told():
    """8 vCPU, 64 GiB and a disk of 250 GB: too little of each for a replica that wants 12, 80 GiB and 180 GB."""
    small = replace(L40S_SINGLE, local_disk_bytes=250 * GB)
    need = HostNeed(vcpus=12, memory_bytes=80 * GIB, disk_bytes=180 * GB)
    misses = list(host_misses(small, need))
    assert [miss.metric for miss in misses] == ["host_memory_bytes", "vcpus", "local_disk_bytes"]
    assert misses[1].text == "12 vCPU > 7.4 left for pods on g6e.2xlarge"
    assert misses[2].text == "local disk 180 GB > 125 GB left for pods on g6e.2xlarge"
    assert slots_needed(small, accelerators=1, need=need) is None


def test_what_a_replica_asks_for_grows_with_its_traffic():
    """Processors with the rate; memory with the front ends that those make; the disk stays that of the checkpoint."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8)
    quiet, busy = (host_need(replica, replace(CHAT, requests_per_s=rate)) for rate in (1, 100))
    assert quiet.vcpus < busy.vcpus
    assert quiet.memory_bytes < busy.memory_bytes
    assert quiet.disk_bytes == busy.disk_bytes
