"""The network: address ranges by zone, private subnets, one way out for each zone, S3 without NAT."""

from __future__ import annotations

import functools
import ipaddress
import itertools
import json

import pytest

from components.aws.network import (
    CIDR,
    Network,
    NetworkArgs,
    UnknownZone,
    flow_log_policy,
    private_cidr,
    public_cidr,
)
from tests.recording import Registered, only, recorded

ZONES = ("use1-az4", "use1-az5", "use1-az6")
LOG_KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"


@functools.cache
def network() -> tuple[Registered, ...]:
    def program() -> None:
        Network(
            "network", NetworkArgs(region="us-east-1", zones=ZONES, cluster_name="sizeup-test", log_key_arn=LOG_KEY)
        )

    return recorded(program)


def of(kind: str) -> list[Registered]:
    return [one for one in network() if one.type.endswith(kind)]


def test_a_zone_has_the_range_of_its_number():
    """Eighths of 10.0.0.0/16: zone 4 begins at 4 x 32 = 128 in the third octet, its NAT's subnet is 10.0.4.0/24."""
    assert private_cidr("use1-az4") == "10.0.128.0/19"
    assert public_cidr("use1-az4") == "10.0.4.0/24"


def test_the_ranges_of_all_zones_lie_apart_and_inside_the_network():
    """No region numbers its zones above seven; no two of their subnets share an address."""
    ranges = [
        ipaddress.IPv4Network(cidr(f"usw2-az{number}"))
        for number in range(1, 8)
        for cidr in (private_cidr, public_cidr)
    ]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(ranges, 2))
    assert all(one.subnet_of(ipaddress.IPv4Network(CIDR)) for one in ranges)


@pytest.mark.parametrize("zone", ["us-east-1a", "use1-lax1-az1x", "use1-az9", ""])
def test_what_is_no_zone_id_is_refused(zone):
    """Zone names differ from account to account; local zones are not supported."""
    with pytest.raises(UnknownZone):
        private_cidr(zone)


def test_no_machine_gets_a_public_address():
    """In no subnet, the public ones included: a NAT gateway brings its own."""
    assert [one.inputs["mapPublicIpOnLaunch"] for one in of(":Subnet")] == [False] * 6


def test_subnets_are_placed_by_zone_id():
    """A private and a public one in each zone."""
    zones = sorted(one.inputs["availabilityZoneId"] for one in of(":Subnet"))
    assert zones == sorted([*ZONES, *ZONES])


def test_each_zone_goes_out_through_its_own_nat_gateway():
    """So the loss of a zone takes no other's way out, and traffic between zones is not billed."""
    for zone in ZONES:
        route = only(network(), ":Route", f"network-private-{zone}-out")
        assert route.inputs["natGatewayId"] == f"network-nat-{zone}-id"
        assert route.inputs["routeTableId"] == f"network-private-{zone}-id"


def test_s3_is_reached_without_nat():
    """A gateway endpoint on the route tables of all private subnets."""
    endpoint = only(network(), ":VpcEndpoint")
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    assert endpoint.inputs["serviceName"] == "com.amazonaws.us-east-1.s3"
    assert sorted(endpoint.inputs["routeTableIds"]) == [f"network-private-{zone}-id" for zone in ZONES]


def test_the_default_security_group_lets_nothing_through():
    """Empty lists remove the rules that every VPC starts with."""
    group = only(network(), ":DefaultSecurityGroup")
    assert (group.inputs["ingress"], group.inputs["egress"]) == ([], [])


def test_internal_load_balancers_find_private_subnets_and_public_ones_find_none():
    """Only private subnets carry a load balancer's tag, and it is the internal one."""
    tagged = [one.name for one in of(":Subnet") if "kubernetes.io/role/internal-elb" in one.inputs["tags"]]
    assert tagged == [f"network-private-{zone}" for zone in ZONES]
    assert not [one for one in of(":Subnet") if "kubernetes.io/role/elb" in one.inputs["tags"]]


def test_flow_logs_are_written_with_the_right_to_one_group_only():
    """All traffic, kept 90 days."""
    assert only(network(), ":FlowLog").inputs["trafficType"] == "ALL"
    group = only(network(), ":LogGroup").inputs
    assert (group["retentionInDays"], group["kmsKeyId"]) == (90, LOG_KEY)
    (statement,) = json.loads(flow_log_policy("arn:group"))["Statement"]
    assert statement["Resource"] == ["arn:group", "arn:group:*"]
