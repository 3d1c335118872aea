"""A pool of the plan as a node group: purchase mode, placement, EFA, local disks, hardening."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.aws.node_pool import (
    NodePool,
    NodePoolArgs,
    UnsupportedPurchase,
    check_pool,
    is_placed_together,
    user_data,
)
from components.graph import Graph
from components.rules import violations
from infra.recorder.recorder import record
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.offer import PurchaseMode
from sizing.plan import NodePool as PlannedPool
from tests.examples import AWS_SPOT_POOL, AWS_SYSTEM_POOL, CHAT_POOL
from tests.recording import Registered, only, recorded


def make(pool: PlannedPool) -> NodePool:
    args = NodePoolArgs(
        pool=pool,
        kubernetes="1.35",
        ami_release="1.35.6-20260714",
        tags={"owner": "ml-platform"},
        cluster_name="sizeup-test",
        cluster_security_group_id="sg-cluster",
        node_role_arn="arn:node",
        vpc_id="vpc-1",
        subnet_id="subnet-4",
        after=[],
    )
    return NodePool(pool.name, args)


@functools.cache
def built(pool: PlannedPool) -> tuple[Registered, ...]:
    def program() -> None:
        make(pool)

    return recorded(program)


def recorded_graph(pool: PlannedPool) -> Graph:
    """The pool as the preview records it."""

    def program() -> None:
        make(pool)

    return record(program, project="sizeup", stack="test", root=Path.cwd())


def template_of(pool: PlannedPool) -> Mapping[str, Any]:
    return only(built(pool), ":LaunchTemplate").inputs


def group_of(pool: PlannedPool) -> Mapping[str, Any]:
    return only(built(pool), ":NodeGroup").inputs


def test_a_pool_is_as_many_machines_as_the_plan_bought_in_its_one_zone():
    """Two p5.48xlarge: no fewer, no more."""
    group = group_of(CHAT_POOL)
    assert group["scalingConfig"] == {"minSize": 2, "desiredSize": 2, "maxSize": 2}
    assert group["instanceTypes"] == ["p5.48xlarge"]
    assert group["subnetIds"] == ["subnet-4"]


@pytest.mark.parametrize(
    ("mode", "capacity", "placed"),
    [
        (PurchaseMode.ON_DEMAND, "ON_DEMAND", True),
        (PurchaseMode.COMMITTED_1Y, "ON_DEMAND", True),
        (PurchaseMode.SPOT, "SPOT", False),
    ],
)
def test_the_purchase_mode_decides_capacity_type_and_placement_group(mode, capacity, placed):
    """Spot machines are found one by one, so a placement group would only make them rarer."""
    pool = replace(CHAT_POOL, mode=mode)
    assert group_of(pool)["capacityType"] == capacity
    groups = [one for one in built(pool) if one.type.endswith(":PlacementGroup")]
    assert bool(groups) is placed
    assert ("placement" in template_of(pool)) is placed


RESERVED = replace(CHAT_POOL, name="p5-reserved", mode=PurchaseMode.RESERVATION, reservation="cr-0123456789abcdef0")
BLOCK = replace(CHAT_POOL, name="p5-block", mode=PurchaseMode.CAPACITY_BLOCK, reservation="cr-02168da1478b509e0")


def test_machines_of_a_reservation_are_on_demand_and_named_to_it_alone():
    """
    Its id in the template, no market, and no placement group, which the reservation was not made in.

    Source: awsome-distributed-ai#1263 (a market beside a targeted reservation is refused), terraform-aws-eks#3661.
    """
    group, template = group_of(RESERVED), template_of(RESERVED)
    assert (group["capacityType"], group["instanceTypes"]) == ("ON_DEMAND", ["p5.48xlarge"])
    target = {"capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"}}
    assert template["capacityReservationSpecification"] == target
    assert not {"instanceMarketOptions", "instanceType", "placement"} & set(template)


def test_machines_of_a_capacity_block_take_type_and_market_from_the_template_and_may_all_go():
    """
    The type stands in the template, not on the group, and the least is none: at its end the block takes them away.

    Source: Amazon EKS user guide, capacity-blocks-mng, 2026.
    """
    group, template = group_of(BLOCK), template_of(BLOCK)
    assert group["capacityType"] == "CAPACITY_BLOCK"
    assert "instanceTypes" not in group
    assert group["scalingConfig"] == {"minSize": 0, "desiredSize": 2, "maxSize": 2}
    assert template["instanceType"] == "p5.48xlarge"
    assert template["instanceMarketOptions"] == {"marketType": "capacity-block"}
    target = {"capacityReservationTarget": {"capacityReservationId": "cr-02168da1478b509e0"}}
    assert template["capacityReservationSpecification"] == target
    assert "placement" not in template


@pytest.mark.parametrize(
    ("pool", "why"),
    [
        (replace(CHAT_POOL, mode=PurchaseMode.FLEX_START), "flex_start is no way to buy on AWS"),
        (replace(RESERVED, reservation=None), "bought as reservation, but of no reservation"),
        (replace(BLOCK, reservation=None), "bought as capacity_block, but of no reservation"),
        (replace(RESERVED, mode=PurchaseMode.ON_DEMAND), "bought as on_demand, but from cr-0123456789abcdef0"),
        (replace(RESERVED, reservation="ours"), "ours is no id of a reservation"),
    ],
)
def test_what_cannot_be_bought_is_refused_with_the_reason(pool, why):
    """Before anything is registered, by whoever provisions the plan."""
    with pytest.raises(UnsupportedPurchase, match=f"{pool.name}: {why}"):
        check_pool(pool)


def test_an_autoscaled_pool_starts_with_all_its_machines_and_keeps_those_of_the_quietest_hours():
    """Two by day, one by night; the desired count is the autoscaler's from then on."""
    pool = replace(CHAT_POOL, name="p5-by-day", least_nodes=1)
    (group,) = [one for one in recorded_graph(pool).resources if one.type.endswith(":NodeGroup")]
    assert group.inputs["scalingConfig"] == {"minSize": 1, "desiredSize": 2, "maxSize": 2}
    assert group.ignore_changes == ("scalingConfig.desiredSize",)


@pytest.mark.parametrize("pool", [RESERVED, BLOCK, replace(CHAT_POOL, name="p5-by-day", least_nodes=1)])
def test_every_way_of_buying_keeps_every_rule_that_on_demand_keeps(pool):
    """Of reservations, blocks, markets, placement and autoscaling; a pool by itself breaks what needs its cluster."""

    def broken(of: PlannedPool) -> set[str]:
        return {rule.id for rule, _ in violations(recorded_graph(of))}

    assert broken(pool) <= broken(CHAT_POOL)


def test_a_placement_group_is_for_replicas_that_span_machines_with_efa():
    """A machine on the plain network, or one that talks to no other, gains nothing by standing near another."""
    assert is_placed_together(CHAT_POOL)
    assert not is_placed_together(replace(CHAT_POOL, placed_together=False))
    assert not is_placed_together(replace(CHAT_POOL, fabric=None))


def test_a_p5_has_32_efa_interfaces_one_of_them_with_an_address():
    """Each with the pool's own group and the cluster's, since EKS adds none to a template that names any."""
    found = template_of(CHAT_POOL)["networkInterfaces"]
    assert [one["networkCardIndex"] for one in found] == list(range(32))
    assert [one["deviceIndex"] for one in found] == [0] + [1] * 31
    assert [one["interfaceType"] for one in found] == ["efa"] + ["efa-only"] * 31
    assert {tuple(one["securityGroups"]) for one in found} == {("sg-cluster", "p5-48xlarge-use1-az4-fabric-id")}
    assert "vpcSecurityGroupIds" not in template_of(CHAT_POOL)


def test_efa_traffic_stays_inside_the_group_in_both_directions():
    """Everything, but by reference to the group itself and to no address range."""
    for kind in (":SecurityGroupIngressRule", ":SecurityGroupEgressRule"):
        rule = only(built(CHAT_POOL), kind).inputs
        assert rule["ipProtocol"] == "-1"
        assert rule["securityGroupId"] == rule["referencedSecurityGroupId"] == "p5-48xlarge-use1-az4-fabric-id"
        assert "cidrIpv4" not in rule


def test_a_machine_without_efa_leaves_its_interface_to_eks():
    """Then EKS puts the cluster's security group on it."""
    template = template_of(AWS_SYSTEM_POOL)
    assert "networkInterfaces" not in template
    assert not [one for one in built(AWS_SYSTEM_POOL) if "securityGroup" in one.type]


@pytest.mark.parametrize("pool", [CHAT_POOL, AWS_SPOT_POOL, AWS_SYSTEM_POOL], ids=lambda pool: pool.name)
def test_pods_cannot_take_the_nodes_role(pool):
    """Metadata answers signed requests only, and no further than the node itself."""
    options = template_of(pool)["metadataOptions"]
    assert (options["httpTokens"], options["httpPutResponseHopLimit"]) == ("required", 1)


@pytest.mark.parametrize("pool", [CHAT_POOL, AWS_SPOT_POOL, AWS_SYSTEM_POOL], ids=lambda pool: pool.name)
def test_every_disk_is_encrypted_and_as_large_as_planned(pool):
    """gp3, on the device that AL2023 starts from."""
    (disk,) = template_of(pool)["blockDeviceMappings"]
    assert disk["deviceName"] == "/dev/xvda"
    assert (disk["ebs"]["encrypted"], disk["ebs"]["volumeType"]) == ("true", "gp3")
    assert disk["ebs"]["volumeSize"] == pool.boot_disk_gb


def test_local_disks_become_one_raid_0():
    """The user data is a MIME document that the node's bootstrap reads."""
    document = user_data(CHAT_POOL)
    assert document is not None
    parts = message_from_bytes(base64.b64decode(document)).get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, Message)
    assert part.get_content_type() == "application/node.eks.aws"
    config = yaml.safe_load(str(part.get_payload()))
    assert config["kind"] == "NodeConfig"
    assert config["spec"] == {"instance": {"localStorage": {"strategy": "RAID0"}}}


def test_without_local_disks_there_is_no_user_data():
    """EKS starts the node by itself."""
    assert user_data(AWS_SYSTEM_POOL) is None
    assert "userData" not in template_of(AWS_SYSTEM_POOL)


def test_accelerator_nodes_are_kept_for_pods_that_ask_for_accelerators():
    """A taint named after the resource; system nodes take everything else."""
    (taint,) = group_of(CHAT_POOL)["taints"]
    assert (taint["key"], taint["effect"]) == ("nvidia.com/gpu", "NO_SCHEDULE")
    assert group_of(AWS_SYSTEM_POOL)["taints"] == []


def test_neuron_nodes_have_their_own_image_and_taint():
    """Inferentia2 is no GPU."""
    neuron = replace(
        CHAT_POOL,
        name="inf2",
        machine="inf2.48xlarge",
        accelerator="aws-inferentia2",
        accelerator_kind=AcceleratorKind.NEURON,
        fabric=None,
        fabric_interfaces=0,
        local_disks=0,
    )
    assert group_of(neuron)["amiType"] == "AL2023_x86_64_NEURON"
    assert group_of(neuron)["taints"][0]["key"] == "aws.amazon.com/neuron"


def test_nodes_say_which_pool_they_belong_to():
    """What pods are placed by."""
    assert group_of(CHAT_POOL)["labels"] == {
        "sizeup/pool": "p5-48xlarge-use1-az4",
        "sizeup/machines": "p5-48xlarge",
        "sizeup/role": "accelerator",
        "sizeup/accelerator": "nvidia-h100-80gb",
    }


def test_the_machine_image_is_pinned():
    """A newer driver must never come along with an unrelated change."""
    group = group_of(CHAT_POOL)
    assert (group["version"], group["releaseVersion"]) == ("1.35", "1.35.6-20260714")
    assert group["amiType"] == "AL2023_x86_64_NVIDIA"


def test_an_update_of_accelerator_nodes_needs_no_spare_machine():
    """The old one goes first; system nodes are replaced the safer way."""
    assert group_of(CHAT_POOL)["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "MINIMAL"}
    assert group_of(AWS_SYSTEM_POOL)["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "DEFAULT"}


def test_a_node_group_can_be_replaced_before_the_old_one_goes():
    """Its name is a prefix; with the 26 characters that are added it stays within 63."""
    long = replace(CHAT_POOL, name="p6-b300-48xlarge-a-name-that-is-far-too-long-for-it")
    prefix = group_of(long)["nodeGroupNamePrefix"]
    assert "nodeGroupName" not in group_of(long)
    assert len(prefix) + 26 <= 63


def test_machines_and_their_disks_carry_the_cost_tags():
    """Tags of the provider do not reach what a node group launches."""
    specifications = template_of(CHAT_POOL)["tagSpecifications"]
    assert [one["resourceType"] for one in specifications] == ["instance", "volume", "network-interface"]
    assert {one["tags"]["owner"] for one in specifications} == {"ml-platform"}
