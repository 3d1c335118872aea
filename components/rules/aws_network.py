"""Rules on networks of AWS: names, ways out, who may reach whom, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Graph, Resource, Value
from components.rules.eks_nodes import CLUSTER, SUBNET
from components.rules.reading import (
    Mistake,
    behind,
    each,
    inside,
    is_absent,
    items,
    must_be,
    of_type,
    pointing_at,
    stated,
    waits_for,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, surroundings, text, truth, whole

VPC = "aws:ec2/vpc:Vpc"
NAT = "aws:ec2/natGateway:NatGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ROUTE = "aws:ec2/route:Route"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
ANYWHERE = ("0.0.0.0/0", "::/0")
ADMIN_PORTS = (22, 3389)
_CIDR_KEYS = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")


def _names(vpc: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    support = stated(vpc, "enableDnsSupport")  # on by default
    if support in (False, "false"):
        yield "enableDnsSupport", "is off: nothing in the network resolves names"
    hostnames = stated(vpc, "enableDnsHostnames")
    if not is_unknown(hostnames) and not truth(hostnames):
        yield "enableDnsHostnames", "is off: private endpoints and file systems have no names"


def _s3_path(graph: Graph) -> Iterator[Violation]:
    """Every route table that leads to a NAT gateway has to know the way to S3 past it."""
    among = surroundings(graph)
    endpoints = [
        one
        for one in of_type(graph, ENDPOINT)
        if stated(one, "vpcEndpointType") == "Gateway" and (text(stated(one, "serviceName")) or "").endswith(".s3")
    ]
    unreadable = any(
        is_unknown(stated(one, key)) for one in of_type(graph, ENDPOINT) for key in ("vpcEndpointType", "serviceName")
    )
    joined = {urn for one in endpoints for urn in one.property_dependencies.get("routeTableIds", ())}
    for route in of_type(graph, ROUTE):
        tables = behind(route, "routeTableId", among, ROUTE_TABLE)
        lacking = [table for table in tables if table.urn not in joined]
        if behind(route, "natGatewayId", among, NAT) and lacking and not unreadable:
            yield Violation(
                urn=route.urn,
                path="natGatewayId",
                text=f"S3 is reached through NAT from {lacking[0].name}, byte by byte paid",
            )


def _nat_of_zone(graph: Graph) -> Iterator[Violation]:
    """A zone's way out lies in the zone."""
    among = surroundings(graph)
    for route in of_type(graph, ROUTE):
        for nat in behind(route, "natGatewayId", among, NAT):
            there = _zones(behind(nat, "subnetId", among, SUBNET))
            here = _zones(
                subnet
                for table in behind(route, "routeTableId", among, ROUTE_TABLE)
                for association in pointing_at(table, "routeTableId", among, ASSOCIATION)
                for subnet in behind(association, "subnetId", among, SUBNET)
            )
            if there and here - there and stated(nat, "availabilityMode") != "regional":
                said = f"{', '.join(sorted(here - there))} leaves through {nat.name} in {', '.join(sorted(there))}"
                yield Violation(urn=route.urn, path="natGatewayId", text=said)


def _zones(subnets: Iterator[Resource] | list[Resource]) -> set[str]:
    named = (text(stated(one, "availabilityZoneId")) or text(stated(one, "availabilityZone")) for one in subnets)
    return {zone for zone in named if zone}


def _flows(vpc: Resource, among: Surroundings) -> Iterator[Mistake]:
    if not pointing_at(vpc, "vpcId", among, FLOW_LOG):
        yield "", "nothing records who talked to whom"


def _default_group(vpc: Resource, among: Surroundings) -> Iterator[Mistake]:
    groups = pointing_at(vpc, "vpcId", among, DEFAULT_GROUP)
    if not groups:
        yield "", "its default security group lets its members reach each other and everything"
    for group in groups:
        if items(stated(group, "ingress")) or items(stated(group, "egress")):
            yield "", f"its default security group {group.name} has rules"


def _open_ingress(rule: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if rule.type == OLD_RULE and stated(rule, "type") != "ingress":
        return
    what = _too_open(dict(rule.inputs), "ipProtocol" if rule.type == INGRESS else "protocol")
    if what:
        yield what


def _open_group(group: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    for place, one in enumerate(items(stated(group, "ingress"))):
        what = _too_open(one, "protocol")
        if what:
            yield f"ingress[{place}].{what[0]}", what[1]


def _too_open(rule: Value, protocol_key: str) -> Mistake | None:
    """Where a rule lets everybody in to every port, or to one that machines are run by."""
    key = _from_anywhere(rule)
    protocol = inside(rule, protocol_key)
    if key is None or is_unknown(protocol):
        return None
    if protocol in ("-1", -1, "all"):
        return key, "everybody reaches every port"
    first, last = whole(inside(rule, "fromPort")), whole(inside(rule, "toPort"))
    reached = [str(port) for port in ADMIN_PORTS if first is not None and last is not None and first <= port <= last]
    return (key, f"everybody reaches port {' and '.join(reached)}") if reached else None


def _from_anywhere(rule: Value) -> str | None:
    for key in _CIDR_KEYS:
        value = inside(rule, key)
        if any(one in ANYWHERE for one in [value, *items(value)]):
            return key
    return None


def _open_egress(rule: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    key = _from_anywhere(dict(rule.inputs))
    if key is not None and stated(rule, "ipProtocol") == "-1":
        yield key, "everything may leave to anywhere"


def _described(group: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if is_absent(stated(group, "description")):
        yield "description", "is not stated: nobody knows later what the rule is for"


def _mixed(group: Resource, among: Surroundings) -> Iterator[Mistake]:
    for key, kinds in (("ingress", (INGRESS, OLD_RULE)), ("egress", (EGRESS, OLD_RULE))):
        apart = pointing_at(group, "securityGroupId", among, *kinds)
        if items(stated(group, key)) and apart:
            yield key, f"has rules of its own beside {apart[0].name}: each run undoes the other's"


def _load_balancer_subnets(graph: Graph) -> Iterator[Violation]:
    """Where a load balancer is asked for, EKS has to find subnets for it."""
    wants = [
        one for one in of_type(graph, "kubernetes:core/v1:Service") if stated(one, "spec", "type") == "LoadBalancer"
    ]
    subnets = list(of_type(graph, SUBNET))
    keys = ("kubernetes.io/role/internal-elb", "kubernetes.io/role/elb")
    tagged = any(not is_absent(inside(stated(one, "tags"), key)) for one in subnets for key in keys)
    unknown = any(is_unknown(stated(one, "tags")) for one in subnets)
    if wants and subnets and any(of_type(graph, CLUSTER)) and not tagged and not unknown:
        yield Violation(urn=subnets[0].urn, path="tags", text=f"no subnet is tagged for {wants[0].name} to be found by")


def _outlived(graph: Graph) -> Iterator[Violation]:
    """A load balancer that Kubernetes made stands in subnets that it has to leave before they can go."""
    among = surroundings(graph)
    subnets = {one.urn for one in of_type(graph, SUBNET)}
    clusters = {one.urn for one in of_type(graph, CLUSTER)}
    for service in of_type(graph, "kubernetes:core/v1:Service") if subnets and clusters else ():
        before = waits_for(service, among)
        provider = among.by_urn.get(service.provider or "")
        if provider is not None:
            before |= waits_for(provider, among)
        if stated(service, "spec", "type") == "LoadBalancer" and not before & (subnets | clusters):
            yield Violation(
                urn=service.urn, path="", text="depends on neither cluster nor subnets, so it may outlive them"
            )


RULES: tuple[Rule, ...] = (
    Rule(
        id="vpc-names",
        severity=Severity.ERROR,
        title="Names are resolved inside the network",
        why="private endpoints, EFS and FSx are reached by name only, the private API of EKS too",
        mend="set enable_dns_hostnames=True and enable_dns_support=True",
        origin="AWS EKS network requirements",
        check=each(VPC, _names),
    ),
    Rule(
        id="s3-past-nat",
        severity=Severity.WARNING,
        title="Every subnet with NAT reaches S3 through a gateway endpoint",
        why="weights and image layers are billed at 0.045 USD/GB through NAT; the endpoint is free",
        mend='add a VpcEndpoint of type "Gateway" for S3 with all private route tables',
        origin="aws-crt-s3-benchmarks PR #42; stable-diffusion-on-eks#100; no public rule",
        check=_s3_path,
    ),
    Rule(
        id="nat-of-zone",
        severity=Severity.WARNING,
        title="Each zone leaves the network by itself",
        why="the loss of one zone cuts the others off, and traffic between zones is billed",
        mend="make a NAT gateway in each zone, or a regional one",
        origin="ai-on-eks, production-stack: a single NAT gateway",
        check=_nat_of_zone,
    ),
    Rule(
        id="subnet-public-address",
        severity=Severity.ERROR,
        title="No subnet gives its machines public addresses",
        why="whatever starts there can be reached from the internet",
        mend="set map_public_ip_on_launch=False",
        origin="checkov CKV_AWS_130",
        check=must_be(SUBNET, "mapPublicIpOnLaunch", False),
    ),
    Rule(
        id="load-balancer-subnets",
        severity=Severity.WARNING,
        title="Subnets are tagged for the load balancers that are asked for",
        why="the service waits for an address that never comes",
        mend="tag private subnets kubernetes.io/role/internal-elb = 1",
        origin="AWS EKS load balancing",
        check=_load_balancer_subnets,
    ),
    Rule(
        id="load-balancer-outlived",
        severity=Severity.ERROR,
        title="Load balancers go before the cluster and its subnets",
        why="the network cannot be deleted while a load balancer that nobody knows of stands in it",
        mend="make the Kubernetes provider from the cluster's outputs, or add depends_on",
        origin="pulumi-eks#194, #217, #1226",
        check=_outlived,
    ),
    Rule(
        id="vpc-flow-logs",
        severity=Severity.WARNING,
        title="A network records who talked to whom",
        why="after an incident nobody can tell what left",
        mend="add a FlowLog of the VPC",
        origin="checkov CKV2_AWS_11",
        check=each(VPC, _flows),
    ),
    Rule(
        id="default-security-group",
        severity=Severity.WARNING,
        title="The default security group of a network has no rules",
        why="whatever is started without a group is reached by everything else that was",
        mend="add a DefaultSecurityGroup with ingress=[] and egress=[]",
        origin="checkov CKV2_AWS_12",
        check=each(VPC, _default_group),
    ),
    Rule(
        id="ingress-from-anywhere",
        severity=Severity.ERROR,
        title="No rule lets everybody reach every port, SSH or RDP",
        why="machines can be attacked from anywhere",
        mend="name the addresses or the security group that may",
        origin="checkov CKV_AWS_277, CKV_AWS_24, CKV_AWS_25",
        check=each((INGRESS, OLD_RULE), _open_ingress),
    ),
    Rule(
        id="group-ingress-from-anywhere",
        severity=Severity.ERROR,
        title="No security group lets everybody reach every port, SSH or RDP",
        why="machines can be attacked from anywhere",
        mend="name the addresses or the security group that may",
        origin="checkov CKV_AWS_277, CKV_AWS_24, CKV_AWS_25",
        check=each(SECURITY_GROUP, _open_group),
    ),
    Rule(
        id="egress-to-anywhere",
        severity=Severity.WARNING,
        title="No rule lets everything out to anywhere",
        why="what has been broken into can send weights and prompts away",
        mend="name protocol and port; for EFA reference the group itself instead of an address range",
        origin="checkov CKV_AWS_382",
        check=each(EGRESS, _open_egress),
    ),
    Rule(
        id="security-group-described",
        severity=Severity.WARNING,
        title="Security groups and their rules say what they are for",
        why="nobody dares to remove a rule that he does not know",
        mend="give a description",
        origin="checkov CKV_AWS_23",
        check=each((SECURITY_GROUP, INGRESS, EGRESS), _described),
    ),
    Rule(
        id="security-group-mixed",
        severity=Severity.WARNING,
        title="A security group has its rules inside or beside it, not both",
        why="each run undoes what the other wrote, for ever",
        mend="keep the rule resources, and leave ingress and egress out of the group",
        origin="pulumi aws.ec2.SecurityGroup documentation",
        check=each(SECURITY_GROUP, _mixed),
    ),
)
