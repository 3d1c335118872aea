"""Rules on node groups, launch templates, EFA and capacity on AWS, by example."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from components.aws.efa import Interface, interfaces
from components.graph import Graph, Resource, Unknown
from tests.components.rules.case import Case
from tests.resources import graph, resource

UNKNOWN = Unknown()
RAID = base64.b64encode(b"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n").decode()
CLUSTER = resource("aws:eks/cluster:Cluster", "cluster")
FABRIC = resource("aws:ec2/securityGroup:SecurityGroup", "fabric", inputs={"description": "EFA"})
BOTH_WAYS = [
    resource(
        f"aws:vpc/securityGroup{way}Rule:SecurityGroup{way}Rule",
        way.lower(),
        inputs={"ipProtocol": "-1", "description": "EFA"},
        refers={"securityGroupId": FABRIC, "referencedSecurityGroupId": FABRIC},
    )
    for way in ("Ingress", "Egress")
]
PLACEMENT = resource("aws:ec2/placementGroup:PlacementGroup", "together", inputs={"strategy": "cluster"})
SUBNET = resource(
    "aws:ec2/subnet:Subnet", "private", inputs={"availabilityZoneId": "use1-az4", "cidrBlock": "10.0.0.0/19"}
)
NAMED = resource("aws:ec2/subnet:Subnet", "named", inputs={"availabilityZone": "us-east-1a"})
ROLE = resource("aws:iam/role:Role", "node")
ATTACHMENT = resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "worker", refers={"role": ROLE})
RESERVATION_INPUTS = {
    "availabilityZone": "us-east-1a",
    "endDateType": "unlimited",
    "instanceCount": 2,
    "instanceMatchCriteria": "targeted",
    "instanceType": "p5.48xlarge",
}
TARGETED = {"capacityReservationTarget": {"capacityReservationId": Unknown()}}
BY_ID = {"capacityReservationTarget": {"capacityReservationId": "cr-1"}}
IN_GROUP = {"groupName": Unknown()}


def reservation(name: str = "reserved", *, group: Resource | None = None, **inputs: Any) -> Resource:
    """A protected reservation of two p5.48xlarge in us-east-1a, changed by *inputs*."""
    made = resource(
        "aws:ec2/capacityReservation:CapacityReservation",
        name,
        inputs=RESERVATION_INPUTS | inputs,
        refers={"placementGroupArn": group} if group else {},
    )
    return replace(made, protect=True)


def efa(*found: Interface, **inputs: Any) -> list[dict[str, Any]]:
    """Interfaces as a launch template writes them; all that a p5.48xlarge has where none are given."""
    return [
        {"networkCardIndex": one.card, "deviceIndex": one.device, "interfaceType": one.type} | inputs
        for one in found or interfaces("p5.48xlarge")
    ]


def template(*, refers: Mapping[str, Resource] | None = None, name: str = "template", **inputs: Any) -> Resource:
    """A launch template, with what rules on it ask for, changed by *inputs*; None takes one away."""
    good = {
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
        "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"encrypted": "true"}}],
        "tagSpecifications": [{"resourceType": "instance"}, {"resourceType": "volume"}],
        "userData": RAID,
    }
    kept = {key: value for key, value in (good | inputs).items() if value is not None}
    return resource("aws:ec2/launchTemplate:LaunchTemplate", name, inputs=kept, refers=refers)


def nodes(
    of: Resource | None = None,
    *,
    refers: Mapping[str, Resource] | None = None,
    after: tuple[Resource, ...] = (),
    **inputs: Any,
) -> Resource:
    """A node group of two p5.48xlarge on the template *of*, changed by *inputs*; None takes one away."""
    good = {
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["p5.48xlarge"],
        "launchTemplate": {"id": Unknown(), "version": Unknown()},
        "nodeRepairConfig": {"enabled": True},
        "releaseVersion": "1.35.6-20260714",
        "scalingConfig": {"minSize": 2, "desiredSize": 2, "maxSize": 2},
        "subnetIds": [Unknown()],
        "taints": [{"key": "nvidia.com/gpu", "effect": "NO_SCHEDULE"}],
        "version": "1.35",
    }
    kept = {key: value for key, value in (good | inputs).items() if value is not None}
    behind = ({"launchTemplate": of} if of else {}) | dict(refers or {})
    return resource("aws:eks/nodeGroup:NodeGroup", "nodes", inputs=kept, refers=behind, after=after)


def started(*, group: Mapping[str, Any] | None = None, others: tuple[Resource, ...] = (), **of_template: Any) -> Graph:
    """A graph of a node group, its template with *of_template*, and *others*."""
    made = template(**of_template)
    return graph(*others, made, nodes(made, **(group or {})))


def layout(machine: str, *found: Interface) -> Graph:
    """A graph of nodes of *machine* with these interfaces; those that it has, where none are given."""
    return started(group={"instanceTypes": [machine]}, networkInterfaces=efa(*(found or interfaces(machine))))


GOOD = started()
BLOCK_GROUP = {"capacityType": "CAPACITY_BLOCK", "instanceTypes": None}
BLOCK_TEMPLATE: dict[str, Any] = {
    "instanceType": "p5.48xlarge",
    "instanceMarketOptions": {"marketType": "capacity-block"},
    "capacityReservationSpecification": BY_ID,
}
AS_BLOCK = started(group=BLOCK_GROUP, **BLOCK_TEMPLATE)


def shape(note: str, keeps: Graph, breaks: Graph, at: str) -> Case:
    """A case of buying machines."""
    return Case(rule="purchase-shape", note=note, keeps=keeps, breaks=breaks, at=at, on="nodes")


LAYOUT = [
    Case(
        rule="efa-interface-layout",
        note="p6-b300 has no EFA on card 0",
        keeps=layout("p6-b300.48xlarge"),
        breaks=layout("p6-b300.48xlarge", Interface(card=0, device=0, type="efa"), *interfaces("p6-b300.48xlarge")[1:]),
        at="networkInterfaces[0]",
        on="template",
    ),
    Case(
        rule="efa-interface-layout",
        note="device 1 on later cards of a p5",
        keeps=layout("p5.48xlarge"),
        breaks=layout("p5.48xlarge", *interfaces("p5.48xlarge")[:31], Interface(card=31, device=0, type="efa-only")),
        at="networkInterfaces[31]",
        on="template",
    ),
    Case(
        rule="efa-interface-layout",
        note="the split layout has device 0 on later cards",
        keeps=layout(
            "g7e.24xlarge",
            Interface(card=0, device=0, type="interface"),
            Interface(card=0, device=1, type="efa-only"),
            Interface(card=1, device=0, type="efa-only"),
        ),
        breaks=layout(
            "g7e.24xlarge",
            Interface(card=0, device=0, type="interface"),
            Interface(card=0, device=1, type="efa-only"),
            Interface(card=1, device=1, type="efa-only"),
        ),
        at="networkInterfaces[2]",
        on="template",
    ),
    Case(
        rule="efa-interface-layout",
        note="no more cards than the machine has",
        keeps=layout("g6e.12xlarge"),
        breaks=layout("g6e.12xlarge", *interfaces("g7e.24xlarge")),
        at="networkInterfaces[1]",
        on="template",
    ),
    Case(
        rule="efa-on-every-card",
        keeps=layout("p5.48xlarge"),
        breaks=layout("p5.48xlarge", *interfaces("p5.48xlarge")[:16]),
        at="networkInterfaces",
        on="template",
    ),
    Case(
        rule="efa-only-on-later-cards",
        keeps=layout("g7e.24xlarge"),
        breaks=layout("g7e.24xlarge", Interface(card=0, device=0, type="efa"), Interface(card=1, device=1, type="efa")),
        at="networkInterfaces[1].interfaceType",
        on="template",
    ),
]


def fabric(*rules: Resource, group: str | Unknown = UNKNOWN) -> Graph:
    """EFA interfaces with a security group of these rules."""
    grouped = efa(securityGroups=[group])
    return started(others=(FABRIC, *rules), networkInterfaces=grouped, refers={"networkInterfaces": FABRIC})


def with_cni(version: str) -> Graph:
    """EFA interfaces beside a network plugin of *version*."""
    addon = resource("aws:eks/addon:Addon", "cni", inputs={"addonName": "vpc-cni", "addonVersion": version})
    return started(others=(addon,), networkInterfaces=efa())


def with_plugin(version: str) -> Graph:
    """p6-b200 machines beside an EFA device plugin of *version*."""
    image = f"602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/aws-efa-k8s-device-plugin:{version}"
    spec = {"template": {"spec": {"containers": [{"name": "plugin", "image": image}]}}}
    plugin = resource("kubernetes:apps/v1:DaemonSet", "plugin", inputs={"spec": spec})
    return graph(nodes(instanceTypes=["p6-b200.48xlarge"]), plugin)


def with_environment(name: str) -> Graph:
    """A pod with one environment variable."""
    container = {"name": "server", "env": [{"name": name, "value": "1"}]}
    return graph(resource("kubernetes:core/v1:Pod", inputs={"spec": {"containers": [container]}}))


FABRIC_CASES = [
    Case(
        rule="efa-security-group",
        note="egress to itself is easily forgotten",
        keeps=fabric(*BOTH_WAYS),
        breaks=fabric(BOTH_WAYS[0]),
        at="networkInterfaces",
        on="template",
    ),
    Case(
        rule="efa-security-group",
        note="deployed, so that ids are known",
        keeps=fabric(*BOTH_WAYS, group="sg-fabric"),
        breaks=fabric(BOTH_WAYS[1], group="sg-fabric"),
        at="networkInterfaces",
        on="template",
    ),
    Case(
        rule="efa-only-cni",
        keeps=with_cni("v1.18.4-eksbuild.1"),
        breaks=with_cni("v1.18.3-eksbuild.1"),
        at="addonVersion",
        on="cni",
    ),
    Case(
        rule="efa-plugin-counts",
        keeps=with_plugin("v0.5.10"),
        breaks=with_plugin("v0.5.9"),
        at="spec.template.spec.containers[0].image",
        on="plugin",
    ),
    Case(
        rule="efa-subnet-addresses",
        note="2 machines x 32 addresses in a /26 of 59",
        keeps=graph(
            SUBNET,
            wide := template(networkInterfaces=efa(*(Interface(card=n, device=1, type="efa") for n in range(32)))),
            nodes(wide, refers={"subnetIds": SUBNET}),
        ),
        breaks=graph(
            small := replace(SUBNET, inputs={"cidrBlock": "10.0.0.0/26"}),
            wide,
            nodes(wide, refers={"subnetIds": small}),
        ),
        at="subnetIds",
        on="nodes",
    ),
    Case(
        rule="efa-environment",
        keeps=with_environment("FI_EFA_USE_HUGE_PAGE"),
        breaks=with_environment("RDMAV_FORK_SAFE"),
        at="spec.containers[0].env[0].name",
    ),
]


def reserved(refers: Mapping[str, Resource], *others: Resource, **inputs: Any) -> Graph:
    """Nodes in us-east-1a whose template names a reservation."""
    made = template(refers=refers, **({"capacityReservationSpecification": TARGETED} | inputs))
    return graph(NAMED, *others, made, nodes(made, refers={"subnetIds": NAMED}))


def of(one: Resource, **inputs: Any) -> Graph:
    """Nodes that start in the reservation *one*."""
    return reserved({"capacityReservationSpecification": one}, one, **inputs)


OWN = reservation(group=PLACEMENT)
CAPACITY = [
    shape(
        "a block names its type on the template",
        AS_BLOCK,
        started(
            group={"capacityType": "CAPACITY_BLOCK", "instanceTypes": None}, **(BLOCK_TEMPLATE | {"instanceType": None})
        ),
        "launchTemplate",
    ),
    shape(
        "a block has its market",
        AS_BLOCK,
        started(group=BLOCK_GROUP, **(BLOCK_TEMPLATE | {"instanceMarketOptions": None})),
        "launchTemplate",
    ),
    shape(
        "a block has its id",
        AS_BLOCK,
        started(group=BLOCK_GROUP, **(BLOCK_TEMPLATE | {"capacityReservationSpecification": None})),
        "launchTemplate",
    ),
    shape(
        "a block lies in one zone",
        AS_BLOCK,
        started(group=BLOCK_GROUP | {"subnetIds": ["a", "b"]}, **BLOCK_TEMPLATE),
        "subnetIds",
    ),
    shape(
        "a targeted reservation has no market",
        started(capacityReservationSpecification=BY_ID),
        started(capacityReservationSpecification=BY_ID, instanceMarketOptions={"marketType": "capacity-block"}),
        "launchTemplate",
    ),
    shape(
        "the market of a block is for blocks",
        GOOD,
        started(instanceMarketOptions={"marketType": "capacity-block"}),
        "launchTemplate",
    ),
    shape(
        "spot is bought by the group",
        started(group={"capacityType": "SPOT"}),
        started(group={"capacityType": "SPOT"}, instanceMarketOptions={"marketType": "spot"}),
        "launchTemplate",
    ),
    shape(
        "spot uses no reservation",
        started(group={"capacityType": "SPOT"}),
        started(group={"capacityType": "SPOT"}, capacityReservationSpecification=BY_ID),
        "launchTemplate",
    ),
    shape(
        "the type is named once",
        started(instanceType="p5.48xlarge", group={"instanceTypes": None}),
        started(instanceType="p5.48xlarge"),
        "instanceTypes",
    ),
    Case(
        rule="placement-against-reservation",
        note="targeted",
        keeps=reserved(
            {"capacityReservationSpecification": OWN, "placement": PLACEMENT}, PLACEMENT, OWN, placement=IN_GROUP
        ),
        breaks=reserved(
            {"capacityReservationSpecification": reservation(), "placement": PLACEMENT},
            PLACEMENT,
            reservation(),
            placement=IN_GROUP,
        ),
        at="placement",
        on="template",
    ),
    Case(
        rule="placement-against-reservation",
        note="block",
        keeps=AS_BLOCK,
        breaks=started(group=BLOCK_GROUP, placement={"groupName": "together"}, **BLOCK_TEMPLATE),
        at="placement",
        on="template",
    ),
    Case(
        rule="placement-against-reservation",
        note="open",
        keeps=started(placement={"groupName": "together"}),
        breaks=started(
            placement={"groupName": "together"},
            capacityReservationSpecification={"capacityReservationPreference": "open"},
        ),
        at="placement",
        on="template",
    ),
    Case(
        rule="placement-strategy",
        keeps=started(
            others=(PLACEMENT,), networkInterfaces=efa(), placement=IN_GROUP, refers={"placement": PLACEMENT}
        ),
        breaks=started(
            others=(spread := replace(PLACEMENT, inputs={"strategy": "spread"}),),
            networkInterfaces=efa(),
            placement=IN_GROUP,
            refers={"placement": spread},
        ),
        at="placement",
        on="template",
    ),
    Case(
        rule="one-zone-pool",
        note="EFA",
        keeps=started(networkInterfaces=efa()),
        breaks=started(group={"subnetIds": [Unknown(), Unknown()]}, networkInterfaces=efa()),
        at="subnetIds",
        on="nodes",
    ),
    Case(
        rule="one-zone-pool",
        note="reservation",
        keeps=started(capacityReservationSpecification=BY_ID),
        breaks=started(group={"subnetIds": [Unknown(), Unknown()]}, capacityReservationSpecification=BY_ID),
        at="subnetIds",
        on="nodes",
    ),
    Case(
        rule="reservation-zone",
        keeps=of(reservation()),
        breaks=of(reservation(availabilityZone="us-east-1b")),
        at="capacityReservationSpecification",
        on="template",
    ),
    Case(
        rule="reservation-machines",
        note="type",
        keeps=of(reservation()),
        breaks=of(reservation(instanceType="p5en.48xlarge")),
        at="capacityReservationSpecification",
        on="template",
    ),
    Case(
        rule="reservation-machines",
        note="count",
        keeps=of(reservation()),
        breaks=of(reservation(instanceCount=1)),
        at="capacityReservationSpecification",
        on="template",
    ),
    Case(
        rule="reservation-targeted",
        keeps=graph(reservation()),
        breaks=graph(reservation(instanceMatchCriteria="open")),
        at="instanceMatchCriteria",
        on="reserved",
    ),
    Case(
        rule="purchase-protected",
        note="reservation",
        keeps=graph(reservation()),
        breaks=graph(replace(reservation(), protect=False)),
        at="",
        on="reserved",
    ),
    Case(
        rule="purchase-protected",
        note="block",
        keeps=graph(
            block := replace(resource("aws:ec2/capacityBlockReservation:CapacityBlockReservation"), protect=True)
        ),
        breaks=graph(replace(block, protect=False)),
        at="",
    ),
    Case(
        rule="spot-fallback",
        keeps=graph(nodes(capacityType="SPOT", instanceTypes=["g6e.2xlarge", "g6e.4xlarge"])),
        breaks=graph(nodes(capacityType="SPOT", instanceTypes=["g6e.2xlarge"])),
        at="instanceTypes",
        on="nodes",
    ),
    Case(
        rule="zone-by-id",
        keeps=graph(SUBNET),
        breaks=graph(resource("aws:ec2/subnet:Subnet", "private", inputs={"availabilityZone": "us-east-1a"})),
        at="availabilityZone",
        on="private",
    ),
    Case(
        rule="end-of-reservation",
        keeps=graph(reservation()),
        breaks=graph(reservation(endDateType=None)),
        at="endDateType",
        on="reserved",
    ),
]


def on_group(rule: str, at: str, *, note: str = "", **breaks: Any) -> Case:
    """A rule on a node group that one input breaks."""
    return Case(rule=rule, note=note, keeps=GOOD, breaks=started(group=breaks), at=at, on="nodes")


def on_template(rule: str, at: str, *, note: str = "", **breaks: Any) -> Case:
    """A rule on a launch template that one input breaks."""
    return Case(rule=rule, note=note, keeps=GOOD, breaks=started(**breaks), at=at, on="template")


def routed(way_out: Resource, key: str) -> Graph:
    """Nodes in a subnet whose route table leads to *way_out*."""
    table = resource("aws:ec2/routeTable:RouteTable", "table")
    route = resource("aws:ec2/route:Route", "out", refers={"routeTableId": table, key: way_out})
    joined = resource(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "joined",
        refers={"routeTableId": table, "subnetId": SUBNET},
    )
    return graph(SUBNET, table, way_out, route, joined, nodes(refers={"subnetIds": SUBNET}))


def keyed(policy: str) -> Graph:
    """Disks under a key of this policy."""
    key = resource("aws:kms/key:Key", "disks", inputs={"policy": policy})
    disks = [{"ebs": {"encrypted": True, "kmsKeyId": Unknown()}}]
    return started(others=(key,), blockDeviceMappings=disks, refers={"blockDeviceMappings": key})


SCALED = {"minSize": 1, "desiredSize": 2, "maxSize": 4}
NODES = [
    on_template("launch-template-managed-by-eks", "iamInstanceProfile", iamInstanceProfile={"name": "mine"}),
    on_template(
        "launch-template-managed-by-eks",
        "networkInterfaces[0].subnetId",
        note="subnet",
        networkInterfaces=[{"deviceIndex": 0, "subnetId": "subnet-1"}],
    ),
    on_template(
        "launch-template-security-groups",
        "vpcSecurityGroupIds",
        networkInterfaces=[{"deviceIndex": 0, "securityGroups": ["sg-1"]}],
        vpcSecurityGroupIds=["sg-1"],
    ),
    Case(
        rule="node-cluster-security-group",
        keeps=started(others=(CLUSTER,), vpcSecurityGroupIds=[Unknown()], refers={"vpcSecurityGroupIds": CLUSTER}),
        breaks=started(others=(FABRIC,), vpcSecurityGroupIds=[Unknown()], refers={"vpcSecurityGroupIds": FABRIC}),
        at="vpcSecurityGroupIds",
        on="template",
    ),
    on_group("node-disk-size", "diskSize", diskSize=100),
    on_group("node-template", "launchTemplate", launchTemplate=None),
    on_group("ami-release-pinned", "releaseVersion", releaseVersion=None),
    on_group("ami-release-pinned", "releaseVersion", note="of another minor", releaseVersion="1.34.9-20260714"),
    on_group("ami-of-machine", "amiType", note="driver", amiType="AL2023_x86_64_STANDARD"),
    on_group("ami-of-machine", "amiType", note="processor", amiType="AL2023_ARM_64_NVIDIA"),
    on_group("ami-of-machine", "amiType", note="Amazon Linux 2", amiType="AL2_x86_64_GPU"),
    on_group("ami-driver", "amiType", instanceTypes=["g7.48xlarge"]),
    Case(rule="local-disks-used", keeps=GOOD, breaks=started(userData=None), at="launchTemplate", on="nodes"),
    on_group("accelerator-taint", "taints", taints=[]),
    Case(
        rule="autoscaler-owns-count",
        keeps=graph(replace(nodes(scalingConfig=SCALED), ignore_changes=("scalingConfig.desiredSize",))),
        breaks=graph(nodes(scalingConfig=SCALED)),
        at="scalingConfig.desiredSize",
        on="nodes",
    ),
    on_group("scaling-order", "scalingConfig", scalingConfig={"minSize": 3, "desiredSize": 3, "maxSize": 1}),
    on_group("node-group-name-fixed", "nodeGroupName", nodeGroupName="gpu"),
    Case(
        rule="node-role-first",
        keeps=graph(ROLE, ATTACHMENT, nodes(refers={"nodeRoleArn": ROLE}, after=(ATTACHMENT,))),
        breaks=graph(ROLE, ATTACHMENT, nodes(refers={"nodeRoleArn": ROLE})),
        at="nodeRoleArn",
        on="nodes",
    ),
    on_template("imds-v2", "metadataOptions.httpTokens", metadataOptions={"httpTokens": "optional"}),
    on_template(
        "imds-hop-limit",
        "metadataOptions.httpPutResponseHopLimit",
        metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2},
    ),
    on_template(
        "volume-encrypted", "blockDeviceMappings[0].ebs.encrypted", blockDeviceMappings=[{"ebs": {"volumeSize": 100}}]
    ),
    on_template("volume-encrypted", "blockDeviceMappings", note="the image's own disk", blockDeviceMappings=None),
    Case(
        rule="volume-key-usable",
        keeps=keyed('{"Statement": [{"Principal": {"AWS": "arn:aws:iam::1:role/x/AWSServiceRoleForAutoScaling"}}]}'),
        breaks=keyed('{"Statement": []}'),
        at="blockDeviceMappings",
        on="template",
    ),
    on_template(
        "node-public-address",
        "networkInterfaces[0].associatePublicIpAddress",
        networkInterfaces=[{"associatePublicIpAddress": "true"}],
    ),
    Case(
        rule="node-private-subnet",
        keeps=routed(resource("aws:ec2/natGateway:NatGateway", "nat"), "natGatewayId"),
        breaks=routed(resource("aws:ec2/internetGateway:InternetGateway", "internet"), "gatewayId"),
        at="subnetIds",
        on="nodes",
    ),
    on_group("node-ssh", "remoteAccess", remoteAccess={"ec2SshKey": "mine"}),
    on_template("launched-resources-tagged", "tagSpecifications", tagSpecifications=[{"resourceType": "instance"}]),
    on_group("node-repair", "nodeRepairConfig", nodeRepairConfig=None),
]

CASES = [*LAYOUT, *FABRIC_CASES, *CAPACITY, *NODES]
