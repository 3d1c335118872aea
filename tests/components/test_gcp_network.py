"""The private network: room enough, a way out, no way in."""

from __future__ import annotations

import ipaddress
from itertools import combinations

from components.gcp.network import NODES, PODS, SERVICES, Network, NetworkArgs
from tests.gcp import at, built, every, one

GRAPH = built(lambda: Network("net", NetworkArgs(region="us-central1")))


def test_the_address_ranges_are_apart() -> None:
    """Nodes, pods and services, each with every other."""
    for first, second in combinations((NODES, PODS, SERVICES), 2):
        assert not ipaddress.ip_network(first).overlaps(ipaddress.ip_network(second))


def test_pods_have_room_for_a_thousand_full_nodes() -> None:
    """GKE gives a node with 110 pods a /24: 2^18 / 2^8 = 1,024 nodes."""
    assert ipaddress.ip_network(PODS).num_addresses // 2**8 == 1024


def test_the_network_makes_no_subnetworks_by_itself() -> None:
    """Automatic mode would open one in every region."""
    assert at(one(GRAPH, "Network"), "autoCreateSubnetworks") is False


def test_the_subnetwork_reaches_google_privately_and_logs_its_flows() -> None:
    """Weights come from Cloud Storage without passing the NAT gateway."""
    subnetwork = one(GRAPH, "Subnetwork")
    assert at(subnetwork, "privateIpGoogleAccess") is True
    assert at(subnetwork, "logConfig", "flowSampling") == 0.5
    assert at(subnetwork, "secondaryIpRanges") == [
        {"rangeName": "pods", "ipCidrRange": PODS},
        {"rangeName": "services", "ipCidrRange": SERVICES},
    ]


def test_the_way_out_is_nat_with_ports_that_grow_and_errors_that_are_logged() -> None:
    """Dynamic ports exclude endpoint-independent mapping; bounds are powers of two."""
    nat = one(GRAPH, "RouterNat")
    assert at(nat, "enableDynamicPortAllocation") is True
    assert at(nat, "enableEndpointIndependentMapping") is False
    assert (at(nat, "minPortsPerVm"), at(nat, "maxPortsPerVm")) == (64, 8192)
    assert at(nat, "logConfig") == {"enable": True, "filter": "ERRORS_ONLY"}


def test_no_rule_lets_anything_in() -> None:
    """The only rule turns away, and says so in the logs."""
    rules = every(GRAPH, "Firewall")
    assert [(at(rule, "direction"), at(rule, "denies")) for rule in rules] == [("INGRESS", [{"protocol": "all"}])]
    assert "allows" not in rules[0].inputs
    assert "logConfig" in rules[0].inputs


def test_no_address_is_public() -> None:
    """NAT picks its own; nothing else may ask for one."""
    assert not every(GRAPH, "Address")
    assert not every(GRAPH, "GlobalAddress")
