"""Node pools: what the plan says of a pool is what GKE is asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.arguments import InvalidArguments
from components.gcp.machines import Unprovisionable
from components.gcp.node_pool import (
    NodePool,
    NodePoolArgs,
    check_pool,
    check_tpu_pods,
    scheduling,
    upgrade_settings,
)
from components.graph import Graph, Resource
from components.kubernetes.scheduling import Toleration
from components.rules import violations
from sizing.catalog.offer import PurchaseMode
from sizing.performance.configuration.layout import Layout
from sizing.plan import NodePool as PlannedPool
from sizing.plan import Placement, PoolRole
from tests.examples import (
    CHAT_DEPLOYMENT,
    GCP_GPU_POOL,
    GCP_SPOT_POOL,
    GCP_SYSTEM_POOL,
    GCP_TPU_PLAN,
    GCP_TPU_POOL,
)
from tests.gcp import at, built, every, one


def graph_of(pool: PlannedPool) -> Graph:
    """The graph of one pool."""
    return built(
        lambda: NodePool(
            "pool",
            NodePoolArgs(
                pool=pool,
                project="acme-ml",
                region="us-central1",
                labels={"owner": "ml-platform"},
                cluster_name="chat",
                node_email="nodes@acme-ml.iam.gserviceaccount.com",
            ),
        )
    )


def node_pool(pool: PlannedPool) -> Resource:
    """The node pool that is made of *pool*."""
    return one(graph_of(pool), "NodePool")


GPU, SPOT, TPU, SYSTEM = (node_pool(pool) for pool in (GCP_GPU_POOL, GCP_SPOT_POOL, GCP_TPU_POOL, GCP_SYSTEM_POOL))
ALL = (GPU, SPOT, TPU, SYSTEM)


def test_a_gpu_pool_has_its_gpus_and_the_driver_stated() -> None:
    """A driver left to GKE replaces the pool when GKE's default moves."""
    assert at(GPU, "nodeConfig", "machineType") == "a3-highgpu-8g"
    assert at(GPU, "nodeConfig", "guestAccelerators") == [
        {"type": "nvidia-h100-80gb", "count": 8, "gpuDriverInstallationConfig": {"gpuDriverVersion": "LATEST"}}
    ]
    assert at(GPU, "nodeConfig", "ephemeralStorageLocalSsdConfig") == {"localSsdCount": 16}


def test_a_tpu_pool_has_neither_gpus_nor_a_placement_within_one_machine() -> None:
    """ct6e-standard-8t holds the whole 2x4 slice."""
    assert at(TPU, "nodeConfig", "machineType") == "ct6e-standard-8t"
    assert at(TPU, "maxPodsPerNode") == 15
    assert "guestAccelerators" not in at_config(TPU)
    assert "ephemeralStorageLocalSsdConfig" not in at_config(TPU)
    assert "placementPolicy" not in TPU.inputs


def test_a_slice_over_machines_is_one_pool_with_a_placement() -> None:
    """4x4 = 16 chips = 4 machines with 4."""
    pool = node_pool(
        replace(
            GCP_TPU_POOL, machine="ct6e-standard-4t", accelerators_per_node=4, topology="4x4", nodes=4, least_nodes=4
        )
    )
    assert at(pool, "placementPolicy") == {"type": "COMPACT", "tpuTopology": "4x4"}
    assert at(pool, "nodeCount") == 4


def test_a_tpu7x_slice_over_machines_brings_its_policy() -> None:
    """2x2x2 = 8 chips = 2 machines; the policy is a resource, the type stays empty."""
    graph = graph_of(
        replace(
            GCP_TPU_POOL, machine="tpu7x-standard-4t", accelerators_per_node=4, topology="2x2x2", nodes=2, least_nodes=2
        )
    )
    assert at(one(graph, "ResourcePolicy"), "workloadPolicy") == {
        "type": "HIGH_THROUGHPUT",
        "acceleratorTopology": "2x2x2",
    }
    placement = at(one(graph, "NodePool"), "placementPolicy")
    assert isinstance(placement, dict)
    assert placement["type"] == ""
    assert placement["tpuTopology"] == "2x2x2"
    assert "policyName" in placement


def test_no_policy_is_made_where_none_is_needed() -> None:
    """Neither for GPUs nor for slices within a machine."""
    assert not every(graph_of(GCP_GPU_POOL), "ResourcePolicy")
    assert not every(graph_of(GCP_TPU_POOL), "ResourcePolicy")


@pytest.mark.parametrize("pool", ALL)
def test_every_pool_has_a_fixed_count_in_one_zone(pool: Resource) -> None:
    """A count or an autoscaler, never both; the count holds for each zone, so one zone."""
    assert isinstance(at(pool, "nodeCount"), int | float)
    assert "autoscaling" not in pool.inputs
    assert "initialNodeCount" not in pool.inputs
    zones = at(pool, "nodeLocations")
    assert isinstance(zones, list)
    assert len(zones) == 1


@pytest.mark.parametrize("pool", ALL)
def test_every_pool_takes_no_reservation(pool: Resource) -> None:
    """Spot must not, and on demand would use up somebody else's."""
    assert at(pool, "nodeConfig", "reservationAffinity") == {"consumeReservationType": "NO_RESERVATION"}


@pytest.mark.parametrize("pool", ALL)
def test_every_node_is_private_shielded_and_no_default_account(pool: Resource) -> None:
    """Metadata of the node is hidden from pods."""
    assert at(pool, "networkConfig", "enablePrivateNodes") is True
    config = at_config(pool)
    assert config["serviceAccount"] == "nodes@acme-ml.iam.gserviceaccount.com"
    assert config["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}
    assert config["shieldedInstanceConfig"] == {"enableSecureBoot": True, "enableIntegrityMonitoring": True}
    assert config["imageType"] == "COS_CONTAINERD"
    assert config["gvnic"] == {"enabled": True}
    assert at(pool, "management") == {"autoRepair": True, "autoUpgrade": True}


@pytest.mark.parametrize("role", PoolRole)
def test_an_upgrade_always_moves_one_node(role: PoolRole) -> None:
    """Surge and unavailable together are at least 1, or GKE refuses; accelerators have no spare machine."""
    settings = upgrade_settings(role)
    assert (settings.max_surge, settings.max_unavailable) == ((0, 1) if role is PoolRole.ACCELERATOR else (1, 0))
    assert settings.strategy == "SURGE"


def test_only_the_spot_pool_is_spot() -> None:
    """And says so in every other."""
    assert [at(pool, "nodeConfig", "spot") for pool in ALL] == [False, True, False, False]


def test_accelerator_nodes_keep_other_pods_away() -> None:
    """With the taints that GKE gives them itself, so that no change shows."""
    taint = {"value": "present", "effect": "NO_SCHEDULE"}
    assert at(GPU, "nodeConfig", "taints") == [{"key": "nvidia.com/gpu"} | taint]
    assert at(TPU, "nodeConfig", "taints") == [{"key": "google.com/tpu"} | taint]
    assert "taints" not in at_config(SYSTEM)


def test_nodes_are_found_by_the_name_of_their_pool_in_the_plan() -> None:
    """Whatever the node pool is called in the cloud."""
    labels = at(GPU, "nodeConfig", "labels")
    assert isinstance(labels, dict)
    assert labels["sizeup/pool"] == "a3-highgpu-8g-us-central1-a"
    assert at(GPU, "nodeConfig", "resourceLabels") == {"owner": "ml-platform"}


def test_the_boot_disk_is_as_large_as_planned_and_of_a_type_that_the_machine_takes() -> None:
    """v6e machines take no persistent disk."""
    assert (at(GPU, "nodeConfig", "diskType"), at(GPU, "nodeConfig", "diskSizeGb")) == ("pd-balanced", 100)
    assert (at(TPU, "nodeConfig", "diskType"), at(TPU, "nodeConfig", "diskSizeGb")) == ("hyperdisk-balanced", 100)


def test_a_slice_of_another_size_than_its_shape_is_refused_with_the_arguments() -> None:
    """4x4 are 16 chips, four machines of four; before anything is registered."""
    with pytest.raises(InvalidArguments, match=r"3 machines, but one slice 4x4 is 4 x .*rule gke-tpu-node-count"):
        NodePoolArgs(
            pool=replace(
                GCP_TPU_POOL,
                machine="ct6e-standard-4t",
                accelerators_per_node=4,
                topology="4x4",
                nodes=3,
                least_nodes=3,
            ),
            project="acme-ml",
            region="us-central1",
            labels={},
            cluster_name="chat",
            node_email="nodes@acme-ml.iam.gserviceaccount.com",
        )


RESERVED = replace(GCP_GPU_POOL, mode=PurchaseMode.RESERVATION, reservation="h100-march")
CALENDAR = replace(
    GCP_GPU_POOL,
    mode=PurchaseMode.CAPACITY_BLOCK,
    nodes=2,
    least_nodes=2,
    reservation="projects/acme/reservations/run-7",
)
FLEX = replace(GCP_GPU_POOL, mode=PurchaseMode.FLEX_START, nodes=3, least_nodes=3)
BY_DAY = replace(GCP_GPU_POOL, nodes=5, least_nodes=2)


def test_machines_of_a_reservation_come_from_it_alone() -> None:
    """By its name, as a specific reservation; as many as planned."""
    pool = node_pool(RESERVED)
    assert at(pool, "nodeConfig", "reservationAffinity") == {
        "consumeReservationType": "SPECIFIC_RESERVATION",
        "key": "compute.googleapis.com/reservation-name",
        "values": ["h100-march"],
    }
    assert at(pool, "nodeCount") == 1


def test_calendar_mode_is_a_reservation_whose_machines_go_at_its_end() -> None:
    """
    The future reservation makes an ordinary one of its name when its time comes; at its end nothing is kept.

    Source: GKE, "Request TPUs with future reservation in calendar mode": --reservation-affinity=specific, 2026.
    """
    pool = node_pool(CALENDAR)
    assert at(pool, "nodeConfig", "reservationAffinity", "values") == ["projects/acme/reservations/run-7"]
    assert at(pool, "autoscaling") == {"totalMinNodeCount": 0, "totalMaxNodeCount": 2, "locationPolicy": "ANY"}
    assert at(pool, "initialNodeCount") == 2


def test_flex_start_waits_for_machines_and_keeps_them_a_week_at_most() -> None:
    """None at first, no repair, no reservation, not spot; GKE brings up to three as they can be had."""
    pool = node_pool(FLEX)
    config = at_config(pool)
    assert (config["flexStart"], config["maxRunDuration"], config["spot"]) == (True, "604800s", False)
    assert config["reservationAffinity"] == {"consumeReservationType": "NO_RESERVATION"}
    assert at(pool, "management", "autoRepair") is False
    assert at(pool, "autoscaling", "totalMaxNodeCount") == 3
    assert at(pool, "initialNodeCount") == 0
    assert "nodeCount" not in pool.inputs


def test_an_autoscaled_pool_starts_with_all_and_is_not_replaced_when_that_number_changes() -> None:
    """Five by day, two by night; the count that a pool starts with can never be changed in place."""
    pool = node_pool(BY_DAY)
    assert at(pool, "autoscaling") == {"totalMinNodeCount": 2, "totalMaxNodeCount": 5, "locationPolicy": "ANY"}
    assert at(pool, "initialNodeCount") == 5
    assert pool.ignore_changes == ("initialNodeCount",)
    assert "nodeCount" not in pool.inputs


@pytest.mark.parametrize("pool", [RESERVED, CALENDAR, FLEX, BY_DAY], ids=lambda pool: pool.mode)
def test_every_way_of_buying_keeps_every_rule_that_on_demand_keeps(pool: PlannedPool) -> None:
    """Of reservations, flex-start, autoscalers; a pool by itself breaks what needs its cluster."""

    def broken(of: PlannedPool) -> set[str]:
        return {rule.id for rule, _ in violations(graph_of(of))}

    assert broken(pool) <= broken(GCP_GPU_POOL)


@pytest.mark.parametrize(
    ("pool", "why"),
    [
        (replace(RESERVED, reservation=None), "bought as reservation, but of no reservation"),
        (replace(CALENDAR, reservation=None), "bought as capacity_block, but of no reservation"),
        (replace(FLEX, reservation="h100-march"), "bought as flex_start, but from h100-march"),
        (replace(RESERVED, reservation="H100 March"), "H100 March is no name of a reservation"),
        (
            replace(GCP_TPU_POOL, machine="ct6e-standard-4t", accelerators_per_node=4, topology="4x4", nodes=4),
            "one slice of 4 machines, which stand together, but its least is 3",
        ),
    ],
)
def test_what_cannot_be_bought_is_refused_with_the_reason(pool: PlannedPool, why: str) -> None:
    """Before anything is registered, by whoever provisions the plan."""
    with pytest.raises(Unprovisionable, match=why):
        check_pool(pool)


def test_pods_go_where_they_are_placed_and_put_up_with_the_taint() -> None:
    """8 GPUs in the node, 4 for a replica of TP4."""
    found = scheduling(CHAT_DEPLOYMENT, (GCP_GPU_POOL,))
    assert found.machines == ("a3-highgpu-8g",)
    assert (found.device, found.devices) == ("nvidia.com/gpu", 4)
    assert found.tolerations == (Toleration(key="nvidia.com/gpu", effect="NoSchedule", value="present"),)
    assert found.node_selector == {}


def test_tpu_pods_name_the_slice_that_they_want() -> None:
    """GKE refuses pods that ask for chips without these labels."""
    found = scheduling(GCP_TPU_PLAN.deployments[0], (GCP_TPU_POOL,))
    assert (found.device, found.devices) == ("google.com/tpu", 8)
    assert found.node_selector == {
        "cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice",
        "cloud.google.com/gke-tpu-topology": "2x4",
    }


def test_a_replica_that_uses_part_of_a_tpu_machine_takes_all_of_it() -> None:
    """TP4 on 8 chips: the pod asks for 8, as GKE demands."""
    half = replace(GCP_TPU_PLAN.deployments[0], layout=Layout(tp=4))
    assert scheduling(half, (GCP_TPU_POOL,)).devices == 8


def test_two_replicas_on_one_tpu_machine_are_refused() -> None:
    """Six of TP4 would fit 3 x 8 chips, but there are three pods to three machines."""
    six = replace(
        GCP_TPU_PLAN.deployments[0],
        layout=Layout(tp=4),
        placements=(Placement(pool="ct6e-standard-8t-us-east5-b", replicas=6),),
    )
    check_tpu_pods(GCP_TPU_POOL, GCP_TPU_PLAN.deployments)
    with pytest.raises(Unprovisionable, match="6 replicas are placed on the 3 machines"):
        check_tpu_pods(GCP_TPU_POOL, (six,))


def test_several_replicas_on_one_gpu_machine_are_welcome() -> None:
    """Two of TP4 fill 8 GPUs."""
    placed = replace(CHAT_DEPLOYMENT, placements=(Placement(pool=GCP_GPU_POOL.name, replicas=2),))
    check_tpu_pods(GCP_GPU_POOL, (placed,))
    assert scheduling(placed, (GCP_GPU_POOL,)).devices == 4


def test_a_replica_over_several_machines_is_refused() -> None:
    """TP8 x PP2 = 16 GPUs, the machine has 8."""
    with pytest.raises(Unprovisionable, match="takes 16 accelerators, but a3-highgpu-8g has 8"):
        scheduling(replace(CHAT_DEPLOYMENT, layout=Layout(tp=8, pp=2)), (GCP_GPU_POOL,))


def test_a_server_on_a_slice_over_machines_is_refused() -> None:
    """Its pods would have to start as one group, on 4 machines of 4x4."""
    pool = replace(
        GCP_TPU_POOL, machine="ct6e-standard-4t", accelerators_per_node=4, topology="4x4", nodes=4, least_nodes=4
    )
    with pytest.raises(Unprovisionable, match="is one slice 4x4 of 4 machines"):
        scheduling(replace(CHAT_DEPLOYMENT, layout=Layout(tp=4)), (pool,))


def test_a_deployment_without_accelerators_is_refused() -> None:
    """A plan that places it on system machines is damaged."""
    with pytest.raises(Unprovisionable, match="is placed on no pool with accelerators"):
        scheduling(CHAT_DEPLOYMENT, (GCP_SYSTEM_POOL,))


def at_config(pool: Resource) -> dict[str, object]:
    """The node configuration of *pool*."""
    config = at(pool, "nodeConfig")
    assert isinstance(config, dict)
    return dict(config)
