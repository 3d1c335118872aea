"""TPU slices: one machine or many, and what GKE wants to be told in each case."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.gcp.machines import TPU_MACHINES, Unprovisionable
from components.gcp.node_pool import placement_policy
from components.gcp.slices import chips_of, slice_of, tpu_slice
from tests.examples import GCP_TPU_POOL


@pytest.mark.parametrize(
    ("machine", "topology"),
    [
        ("ct6e-standard-1t", "1x1"),
        ("ct6e-standard-4t", "2x2"),
        ("ct6e-standard-8t", "2x4"),
        ("ct5lp-hightpu-8t", "2x4"),
        ("ct5p-hightpu-4t", "2x2x1"),
        ("tpu7x-standard-4t", "2x2x1"),
    ],
)
def test_a_slice_within_one_machine_has_no_placement_policy(machine: str, topology: str) -> None:
    """GKE refuses a topology on it (xpk PR 825)."""
    found = tpu_slice(machine, topology)
    assert (found.hosts, found.topology) == (1, topology)
    assert placement_policy(found) is None


def test_a_machine_without_a_stated_shape_is_a_slice_of_its_own() -> None:
    """4 chips of a v6e host lie as 2x2."""
    assert tpu_slice("ct6e-standard-4t", None).topology == "2x2"


def test_the_shape_of_a_three_dimensional_machine_may_be_written_in_two() -> None:
    """2x2 on v5p is 2x2x1, which is what its nodes are labelled with."""
    assert tpu_slice("ct5p-hightpu-4t", "2x2").topology == "2x2x1"


def test_a_slice_over_several_machines_is_placed_compactly() -> None:
    """4x4 = 16 chips, 4 to a machine: 4 machines."""
    found = tpu_slice("ct6e-standard-4t", "4x4")
    policy = placement_policy(found)
    assert found.hosts == 4
    assert policy is not None
    assert (policy.type, policy.tpu_topology, policy.policy_name) == ("COMPACT", "4x4", None)


def test_tpu7x_is_placed_by_a_named_policy_and_without_a_type() -> None:
    """2x2x2 = 8 chips = 2 machines; a type would replace the pool at every update (ci-infra PR 547)."""
    found = tpu_slice("tpu7x-standard-4t", "2x2x2")
    policy = placement_policy(found, workload_policy="slice-policy")
    assert found.hosts == 2
    assert policy is not None
    assert (policy.type, policy.tpu_topology, policy.policy_name) == ("", "2x2x2", "slice-policy")


@pytest.mark.parametrize(
    ("machine", "topology"),
    [
        ("ct6e-standard-8t", "4x4"),  # machines with 8 chips stand alone
        ("ct6e-standard-1t", "2x2"),
        ("ct6e-standard-4t", "3x4"),
        ("ct6e-standard-4t", "2x2x2"),
        ("ct6e-standard-4t", "32x32"),
        ("ct5p-hightpu-4t", "4x4"),  # 4x4x1
        ("ct5p-hightpu-4t", "8x4x4"),  # sides go up
        ("ct5p-hightpu-4t", "20x20x24"),  # 150 cubes, v5p ends at 140
        ("ct6e-standard-4t", "two by two"),
    ],
)
def test_shapes_that_do_not_exist_are_refused(machine: str, topology: str) -> None:
    """Before GKE makes half of them."""
    with pytest.raises(Unprovisionable, match="has no TPU slices of shape"):
        tpu_slice(machine, topology)


def test_a_machine_that_is_no_tpu_is_refused() -> None:
    """Its name alone does not say so."""
    with pytest.raises(Unprovisionable, match="is not a TPU machine"):
        tpu_slice("a3-highgpu-8g", "2x2")


def test_the_pool_of_a_slice_over_machines_has_exactly_its_machines() -> None:
    """A node pool is one slice: 4x4 on 4-chip machines is 4 machines, never 3."""
    pool = replace(
        GCP_TPU_POOL, machine="ct6e-standard-4t", accelerators_per_node=4, topology="4x4", nodes=4, least_nodes=4
    )
    assert slice_of(pool).hosts == 4
    with pytest.raises(Unprovisionable, match="planned with 3 machines, but one slice 4x4 has 4"):
        slice_of(replace(pool, nodes=3))


def test_a_pool_of_single_machine_slices_has_any_number_of_them() -> None:
    """Three machines are three slices."""
    assert slice_of(replace(GCP_TPU_POOL, nodes=3)).hosts == 1


@given(
    st.sampled_from(sorted(TPU_MACHINES)),
    st.lists(st.sampled_from([1, 2, 4, 8, 16]), min_size=2, max_size=3).map(lambda sides: "x".join(map(str, sides))),
)
def test_whatever_is_accepted_is_made_of_whole_machines(machine: str, topology: str) -> None:
    """Machines x chips of one = chips of the slice; a placement exactly where there is more than one machine."""
    try:
        found = tpu_slice(machine, topology)
    except Unprovisionable:
        return
    assert found.hosts * TPU_MACHINES[machine].accelerators == chips_of(found.topology)
    assert (placement_policy(found, workload_policy="p") is None) == (found.hosts == 1)
