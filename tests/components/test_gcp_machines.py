"""What GKE needs to know of machine types, held against the plan and the catalog."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.gcp.machines import GPU_MACHINES, TPU_MACHINES, Unprovisionable, gke_machine
from sizing.catalog import catalog
from sizing.catalog.machine import Cloud
from sizing.units import GB
from tests.examples import GCP_GPU_POOL, GCP_SYSTEM_POOL, GCP_TPU_POOL

LOCAL_SSD_BYTES = 375 * GB


def test_an_h100_machine_brings_eight_gpus_and_sixteen_local_disks() -> None:
    """a3-highgpu-8g: 6,000 GB of local disk in pieces of 375 GB."""
    machine = gke_machine(GCP_GPU_POOL)
    assert machine.accelerator_type == "nvidia-h100-80gb"
    assert (machine.accelerators, machine.local_ssds) == (8, 16)


def test_the_two_a100s_and_the_two_h100s_have_names_of_their_own() -> None:
    """GKE tells them apart by memory and by network, where the vendor's name is one."""
    names = {
        machine: GPU_MACHINES[machine].accelerator_type
        for machine in ("a2-highgpu-1g", "a2-ultragpu-1g", "a3-highgpu-8g", "a3-megagpu-8g")
    }
    assert names == {
        "a2-highgpu-1g": "nvidia-tesla-a100",
        "a2-ultragpu-1g": "nvidia-a100-80gb",
        "a3-highgpu-8g": "nvidia-h100-80gb",
        "a3-megagpu-8g": "nvidia-h100-mega-80gb",
    }


def test_tpu_machines_carry_the_name_of_their_slices() -> None:
    """v5e is tpu-v5-lite-podslice, not tpu-v5e-slice, as one published table has it."""
    names = {machine.partition("-")[0]: known.accelerator_type for machine, known in TPU_MACHINES.items()}
    assert names == {
        "ct5lp": "tpu-v5-lite-podslice",
        "ct5p": "tpu-v5p-slice",
        "ct6e": "tpu-v6e-slice",
        "tpu7x": "tpu7x",
    }


@pytest.mark.parametrize("name", [*GPU_MACHINES, *TPU_MACHINES])
def test_every_machine_agrees_with_the_catalog(name: str) -> None:
    """Accelerators, and local disks of 375 GB each."""
    rented = {machine.name: machine for machine in catalog().machines if machine.cloud is Cloud.GCP}
    machine = {**GPU_MACHINES, **TPU_MACHINES}[name]
    assert name in rented
    assert machine.accelerators == rented[name].accelerators
    assert machine.local_ssds * LOCAL_SSD_BYTES == rented[name].local_disk_bytes


def test_a_machine_that_gke_is_not_told_about_is_refused_with_the_mend() -> None:
    """The GB200 machines need drivers and images of their own."""
    with pytest.raises(Unprovisionable, match=r"a4x-highgpu-4g of pool .* is not among") as refused:
        gke_machine(replace(GCP_GPU_POOL, machine="a4x-highgpu-4g"))
    assert "allow.machines" in refused.value.mend


def test_a_plan_that_counts_other_accelerators_than_the_machine_has_is_refused() -> None:
    """Or pods would wait for GPUs that no node has."""
    with pytest.raises(Unprovisionable, match=r"has 8 accelerators, but pool .* is planned with 4"):
        gke_machine(replace(GCP_GPU_POOL, accelerators_per_node=4))


@pytest.mark.parametrize(
    ("machine", "disk_type"),
    [
        ("e2-standard-4", "pd-balanced"),
        ("n4-standard-8", "hyperdisk-balanced"),
        ("c4d-standard-16", "hyperdisk-balanced"),
    ],
)
def test_system_machines_get_a_boot_disk_that_their_family_takes(machine: str, disk_type: str) -> None:
    """N4 and C4 take no persistent disk."""
    assert gke_machine(replace(GCP_SYSTEM_POOL, machine=machine)).disk_type == disk_type


def test_few_pods_are_given_addresses_on_a_tpu_machine() -> None:
    """15, as xpk has it: one model server and what GKE runs on every node."""
    assert gke_machine(GCP_TPU_POOL).max_pods == 15
