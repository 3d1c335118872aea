"""Rules on Google Cloud networks, APIs and grants, by example."""

from __future__ import annotations

from typing import Any

from tests.components.rules.case import Case
from tests.components.rules.gke import cluster
from tests.resources import graph, resource

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
FIREWALL = "gcp:compute/firewall:Firewall"
NAT = "gcp:compute/routerNat:RouterNat"
SERVICE = "gcp:projects/service:Service"
PROJECT = "gcp:projects/iAMMember:IAMMember"
NODES = "serviceAccount:nodes@acme.iam.gserviceaccount.com"
PROXY = {"purpose": "REGIONAL_MANAGED_PROXY"}
TCP_22 = {"allows": [{"protocol": "tcp", "ports": ["22"]}]}


def one(kind: str, rule: str, good: dict[str, Any], bad: dict[str, Any], at: str, *, note: str = "") -> Case:
    """A rule on one resource by itself."""
    return Case(
        rule=rule, keeps=graph(resource(kind, inputs=good)), breaks=graph(resource(kind, inputs=bad)), at=at, note=note
    )


CASES = [
    Case(
        rule="gcp-default-network",
        keeps=graph(cluster(network="projects/acme/global/networks/chat")),
        breaks=graph(cluster(network="projects/acme/global/networks/default")),
        at="network",
    ),
    Case(
        rule="gcp-default-network",
        keeps=graph(cluster(network="chat")),
        breaks=graph(cluster()),
        at="network",
        note="left out",
    ),
    one(NETWORK, "gcp-custom-subnetworks", {"autoCreateSubnetworks": False}, {}, "autoCreateSubnetworks"),
    one(SUBNETWORK, "gcp-flow-logs", {"logConfig": {"flowSampling": 0.5}}, {}, "logConfig"),
    one(SUBNETWORK, "gcp-flow-logs", PROXY, {"purpose": "PRIVATE"}, "logConfig", note="a proxy's subnetwork has none"),
    one(
        SUBNETWORK,
        "gcp-private-google-access",
        {"privateIpGoogleAccess": True},
        {"privateIpGoogleAccess": False},
        "privateIpGoogleAccess",
    ),
    one(
        FIREWALL,
        "gcp-open-firewall",
        {"sourceRanges": ["0.0.0.0/0"], "denies": [{"protocol": "all"}]},
        {"sourceRanges": ["0.0.0.0/0"], **TCP_22},
        "sourceRanges",
    ),
    one(
        FIREWALL,
        "gcp-open-firewall",
        {"sourceRanges": ["0.0.0.0/0"], "direction": "EGRESS", **TCP_22},
        {"sourceRanges": ["10.0.0.0/8", "::/0"], "direction": "INGRESS", **TCP_22},
        "sourceRanges",
        note="by the newer protocol",
    ),
    one(
        NAT,
        "gcp-nat-mapping",
        {"enableDynamicPortAllocation": True, "enableEndpointIndependentMapping": False},
        {"enableDynamicPortAllocation": True, "enableEndpointIndependentMapping": True},
        "enableEndpointIndependentMapping",
    ),
    one(NAT, "gcp-nat-ports", {"minPortsPerVm": 4096}, {}, "enableDynamicPortAllocation"),
    one(SERVICE, "gcp-api-left-on", {"disableOnDestroy": False}, {"disableOnDestroy": True}, "disableOnDestroy"),
    one(
        "gcp:storage/bucketIAMMember:BucketIAMMember",
        "gcp-nobody-public",
        {"role": "roles/storage.objectViewer", "member": NODES},
        {"role": "roles/storage.objectViewer", "member": "allUsers"},
        "member",
    ),
    one(
        "gcp:artifactregistry/repositoryIamBinding:RepositoryIamBinding",
        "gcp-nobody-public",
        {"members": [NODES]},
        {"members": [NODES, "allAuthenticatedUsers"]},
        "members",
        note="whoever has a Google account",
    ),
    one(
        PROJECT,
        "gcp-broad-role",
        {"role": "roles/logging.logWriter", "member": NODES},
        {"role": "roles/container.admin", "member": NODES},
        "role",
    ),
    Case(
        rule="gcp-no-account-key",
        keeps=graph(resource("gcp:serviceaccount/account:Account", inputs={"accountId": "nodes"})),
        breaks=graph(resource("gcp:serviceaccount/key:Key", inputs={"serviceAccountId": "nodes"})),
        at="",
    ),
]
