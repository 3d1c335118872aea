"""Node groups and node pools read as the same value, whichever cloud they are of."""

from __future__ import annotations

from typing import Any

import pytest

from components.graph import Resource, Unknown
from infra.cost.pools import Disk, MachinePool, machine_pools
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from tests.resources import graph, resource

PROVIDER = resource("pulumi:providers:aws", "aws", inputs={"region": "us-east-1"})
TEMPLATE = resource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "p5-template",
    inputs={
        "instanceType": "p5.48xlarge",
        "blockDeviceMappings": [
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 200.0, "volumeType": "gp3", "throughput": 500.0}}
        ],
    },
)


def node_group(**inputs: Any) -> Resource:
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        "p5",
        inputs={
            "capacityType": "ON_DEMAND",
            "instanceTypes": ["p5.48xlarge"],
            "scalingConfig": {"desiredSize": 2.0, "minSize": 2.0, "maxSize": 2.0},
            "subnetIds": [Unknown()],
            "launchTemplate": {"id": Unknown(), "version": Unknown()},
        }
        | inputs,
        refers={"launchTemplate": TEMPLATE},
        provider=PROVIDER,
    )


def node_pool(*, cluster: Resource | None = None, **inputs: Any) -> Resource:
    return resource(
        "gcp:container/nodePool:NodePool",
        "v6e",
        inputs={"location": "us-east5", "nodeConfig": {"machineType": "ct6e-standard-4t"}} | inputs,
        refers={"cluster": cluster} if cluster else {},
    )


def only_pool(*resources: Resource) -> MachinePool:
    (pool,) = machine_pools(graph(*resources))
    return pool


def test_a_node_group_is_read_with_its_launch_template() -> None:
    """The id of the template is not known before apply: the reference is found through the dependencies."""
    pool = only_pool(PROVIDER, TEMPLATE, node_group())
    assert (pool.cloud, pool.region, pool.machines, pool.mode) == (
        Cloud.AWS,
        "us-east-1",
        ("p5.48xlarge",),
        PurchaseMode.ON_DEMAND,
    )
    assert (pool.nodes, pool.scaling) == (2, None)
    assert pool.disks == (Disk(tier="gp3", gb=200.0, iops=None, mb_per_s=500.0),)


def test_a_capacity_block_names_its_machine_in_the_template() -> None:
    """EKS wants no instance types on the node group then."""
    pool = only_pool(PROVIDER, TEMPLATE, node_group(capacityType="CAPACITY_BLOCK", instanceTypes=None))
    assert (pool.machines, pool.mode) == (("p5.48xlarge",), PurchaseMode.CAPACITY_BLOCK)
    assert pool.purchase == "p5.48xlarge capacity block"


def test_an_autoscaler_may_move_the_count() -> None:
    """The bill counts the desired size; how far it may go is kept beside."""
    pool = only_pool(PROVIDER, TEMPLATE, node_group(scalingConfig={"desiredSize": 2.0, "minSize": 1.0, "maxSize": 4.0}))
    assert (pool.nodes, pool.scaling) == (2, (1, 4))


def test_an_unknown_count_stays_unknown() -> None:
    """Not zero, and not one."""
    assert only_pool(PROVIDER, TEMPLATE, node_group(scalingConfig=Unknown())).nodes is None


def test_a_node_group_without_a_template_has_a_volume_of_unknown_type() -> None:
    """EKS makes one of 20 GB unless told otherwise; its type is the service's choice."""
    group = resource("aws:eks/nodeGroup:NodeGroup", "p5", inputs={"instanceTypes": ["m6i.large"], "diskSize": 50.0})
    assert only_pool(group).disks == (Disk(tier=None, gb=50.0),)


@pytest.mark.parametrize(
    ("inputs", "nodes"),
    [
        ({"nodeCount": 2.0, "nodeLocations": ["us-east5-a", "us-east5-b"]}, 4),
        ({"nodeCount": 3.0, "location": "us-east5-a"}, 3),
        ({"initialNodeCount": 1.0, "nodeLocations": ["us-east5-a"], "autoscaling": {"maxNodeCount": 4.0}}, 1),
        ({"autoscaling": {"totalMinNodeCount": 2.0, "totalMaxNodeCount": 6.0}}, 2),
        ({"nodeCount": 2.0}, None),
        ({"nodeCount": 0.0}, 0),
    ],
)
def test_the_node_count_of_gke_is_per_zone(inputs: dict[str, Any], nodes: int | None) -> None:
    """Two nodes in each of two zones are four; without the zones the total is not known."""
    assert only_pool(node_pool(**inputs)).nodes == nodes


def test_a_regional_pool_has_the_zones_of_its_cluster() -> None:
    """Two nodes in each of the cluster's three zones."""
    zones = ["us-east5-a", "us-east5-b", "us-east5-c"]
    cluster = resource("gcp:container/cluster:Cluster", "c", inputs={"location": "us-east5", "nodeLocations": zones})
    assert only_pool(cluster, node_pool(cluster=cluster, nodeCount=2.0)).nodes == 6


@pytest.mark.parametrize(
    ("config", "mode"),
    [
        ({}, PurchaseMode.ON_DEMAND),
        ({"spot": True}, PurchaseMode.SPOT),
        ({"flexStart": True}, PurchaseMode.FLEX_START),
        ({"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION"}}, PurchaseMode.RESERVATION),
        ({"reservationAffinity": {"consumeReservationType": "NO_RESERVATION"}}, PurchaseMode.ON_DEMAND),
    ],
)
def test_the_purchase_mode_of_gke_is_in_the_node_config(config: dict[str, Any], mode: PurchaseMode) -> None:
    """Spot, flex-start and reservations are told apart."""
    pool = only_pool(node_pool(nodeConfig={"machineType": "ct6e-standard-4t"} | config))
    assert pool.mode is mode


def test_the_boot_disk_is_read_in_both_spellings() -> None:
    """`bootDisk` is the newer block; the flat fields are still common."""
    newer = {"machineType": "g2-standard-4", "bootDisk": {"diskType": "hyperdisk-balanced", "sizeGb": 100.0}}
    older = {"machineType": "g2-standard-4", "diskType": "pd-balanced", "diskSizeGb": 80.0}
    assert only_pool(node_pool(nodeConfig=newer)).disks == (Disk(tier="hyperdisk-balanced", gb=100.0),)
    assert only_pool(node_pool(nodeConfig=older)).disks == (Disk(tier="pd-balanced", gb=80.0),)


def test_a_zone_tells_the_region() -> None:
    """A pool in us-east5-a is billed in us-east5."""
    assert only_pool(node_pool(location="us-east5-a")).region == "us-east5"
