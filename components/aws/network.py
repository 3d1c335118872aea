"""
The private network of a stack on AWS: nodes and pods live in private subnets, one for each zone.

Public subnets hold NAT gateways and nothing else. Traffic to S3 (weights, and the layers of images in ECR) goes
through a gateway endpoint, which is free, so that it is not billed as NAT bytes. Interface endpoints (ECR, STS, EKS,
logs) cost an hourly fee in each zone and carry few bytes here: they are left out on purpose.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from components.arguments import checked
from sizing.errors import SizingError

CIDR = "10.0.0.0/16"
FLOW_LOG_DAYS = 90  # a quarter, as flow logs of model traffic grow fast; checkov CKV_AWS_338 wants a year
_ZONE_NUMBER = re.compile(r"-az([1-7])$")


class UnknownZone(SizingError):
    """A zone of the plan that is no zone id of a region: local and wavelength zones are not supported."""

    def __init__(self, zone: str) -> None:
        """Tell which *zone* it is."""
        self.zone = zone
        super().__init__(f"{zone}: is no zone id like use1-az4\n    hint: name zones of the region by their ids")


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkArgs:
    """Where the network lies."""

    region: str
    zones: tuple[str, ...]  # zone ids: use1-az4; the same for every account, unlike zone names
    cluster_name: str  # load balancers find their subnets by it
    log_key_arn: pulumi.Input[str]  # encrypts the flow logs


def private_cidr(zone: str) -> str:
    """
    Addresses of nodes and pods in a zone: 8,192 of them.

    Worked out from the number in the zone's id, so that the range of a zone stays when the plan's zones change.
    """
    return str(list(ipaddress.IPv4Network(CIDR).subnets(new_prefix=19))[_number(zone)])


def public_cidr(zone: str) -> str:
    """Addresses of the NAT gateway of a zone: 256, from the first eighth of the network, which no zone has."""
    first = next(ipaddress.IPv4Network(CIDR).subnets(new_prefix=19))
    return str(list(first.subnets(new_prefix=24))[_number(zone)])


def _number(zone: str) -> int:
    found = _ZONE_NUMBER.search(zone)
    if found is None:
        raise UnknownZone(zone)
    return int(found.group(1))


@checked
class Network(pulumi.ComponentResource):
    """
    VPC, subnets, egress, flow logs.

    Attributes:
        vpc_id: Id of the VPC.
        private_subnet_ids: Id of the private subnet of each zone.
        ways_out: What nodes need to reach their images and the control plane; they wait for it, and go before it.
    """

    vpc_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    ways_out: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the network of *args*."""
        super().__init__("sizeup:index:AwsNetwork", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
            opts=child,
        )
        ec2.DefaultSecurityGroup(f"{name}-default-closed", vpc_id=vpc.id, ingress=[], egress=[], opts=child)
        gateway = ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, tags={"Name": name}, opts=child)
        public_routes = _route_table(f"{name}-public", vpc, child)
        ec2.Route(
            f"{name}-public-out",
            route_table_id=public_routes.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        after_gateway = pulumi.ResourceOptions(parent=self, depends_on=[gateway])
        zones = [
            _private_zone(
                name,
                zone,
                cluster_name=args.cluster_name,
                vpc=vpc,
                nat=_nat(name, zone, vpc, public_routes, after_gateway),
                opts=child,
            )
            for zone in args.zones
        ]
        endpoint = ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{args.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[zone.routes.id for zone in zones],
            tags={"Name": f"{name}-s3"},
            opts=child,
        )
        _flow_logs(name, args, vpc, child)
        self.vpc_id = vpc.id
        self.private_subnet_ids = {zone.zone: zone.subnet.id for zone in zones}
        self.ways_out = [endpoint, *(resource for zone in zones for resource in zone.way_out)]
        self.register_outputs({"vpcId": self.vpc_id, "privateSubnetIds": dict(self.private_subnet_ids)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Zone:
    """The private subnet of one zone, and its routes."""

    zone: str
    subnet: ec2.Subnet
    routes: ec2.RouteTable
    way_out: tuple[pulumi.Resource, ...]


def _nat(
    name: str, zone: str, vpc: ec2.Vpc, public_routes: ec2.RouteTable, opts: pulumi.ResourceOptions
) -> ec2.NatGateway:
    """The way out of one zone, in a public subnet that holds nothing else."""
    public = ec2.Subnet(
        f"{name}-public-{zone}",
        vpc_id=vpc.id,
        availability_zone_id=zone,
        cidr_block=public_cidr(zone),
        map_public_ip_on_launch=False,
        tags={"Name": f"{name}-public-{zone}"},
        opts=opts,
    )
    ec2.RouteTableAssociation(f"{name}-public-{zone}", subnet_id=public.id, route_table_id=public_routes.id, opts=opts)
    address = ec2.Eip(f"{name}-nat-{zone}", domain="vpc", tags={"Name": f"{name}-nat-{zone}"}, opts=opts)
    return ec2.NatGateway(
        f"{name}-nat-{zone}",
        allocation_id=address.allocation_id,
        subnet_id=public.id,
        tags={"Name": f"{name}-nat-{zone}"},
        opts=opts,
    )


def _private_zone(
    name: str, zone: str, *, cluster_name: str, vpc: ec2.Vpc, nat: ec2.NatGateway, opts: pulumi.ResourceOptions
) -> _Zone:
    """Where nodes and pods of one zone live; internal load balancers find it by its tags."""
    subnet = ec2.Subnet(
        f"{name}-private-{zone}",
        vpc_id=vpc.id,
        availability_zone_id=zone,
        cidr_block=private_cidr(zone),
        map_public_ip_on_launch=False,
        tags={
            "Name": f"{name}-private-{zone}",
            "kubernetes.io/role/internal-elb": "1",
            f"kubernetes.io/cluster/{cluster_name}": "shared",
        },
        opts=opts,
    )
    routes = _route_table(f"{name}-private-{zone}", vpc, opts)
    out = ec2.Route(
        f"{name}-private-{zone}-out",
        route_table_id=routes.id,
        destination_cidr_block="0.0.0.0/0",
        nat_gateway_id=nat.id,
        opts=opts,
    )
    joined = ec2.RouteTableAssociation(
        f"{name}-private-{zone}", subnet_id=subnet.id, route_table_id=routes.id, opts=opts
    )
    return _Zone(zone=zone, subnet=subnet, routes=routes, way_out=(out, joined))


def _route_table(name: str, vpc: ec2.Vpc, opts: pulumi.ResourceOptions) -> ec2.RouteTable:
    return ec2.RouteTable(name, vpc_id=vpc.id, tags={"Name": name}, opts=opts)


def _flow_logs(name: str, args: NetworkArgs, vpc: ec2.Vpc, opts: pulumi.ResourceOptions) -> None:
    """Who talked to whom, kept for 90 days."""
    group = cloudwatch.LogGroup(
        f"{name}-flows", retention_in_days=FLOW_LOG_DAYS, kms_key_id=args.log_key_arn, opts=opts
    )
    role = iam.Role(
        f"{name}-flows",
        assume_role_policy=service_trust("vpc-flow-logs.amazonaws.com"),
        opts=opts,
    )
    iam.RolePolicy(f"{name}-flows", role=role.name, policy=group.arn.apply(flow_log_policy), opts=opts)
    ec2.FlowLog(
        f"{name}-flows",
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        opts=opts,
    )


def service_trust(service: str) -> str:
    """Trust policy of a role that an AWS service assumes."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def flow_log_policy(group_arn: str) -> str:
    """Permission to write into one log group and no other."""
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": [group_arn, f"{group_arn}:*"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
