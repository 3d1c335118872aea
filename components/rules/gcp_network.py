"""Rules on Google Cloud networks, on the way out of them, on APIs, and on who is given which role."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource
from components.rules.gcp_pools import CLUSTER
from components.rules.reading import Mistake, each, is_absent, is_off, items, shown, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, text, truth

NETWORK = "gcp:compute/network:Network"
SUBNETWORK = "gcp:compute/subnetwork:Subnetwork"
FIREWALL = "gcp:compute/firewall:Firewall"
NAT = "gcp:compute/routerNat:RouterNat"
SERVICE = "gcp:projects/service:Service"
EVERYONE = ("allUsers", "allAuthenticatedUsers")
_GRANTS = ("IAMMember", "IAMBinding", "IamMember", "IamBinding")
GRANTS = (
    *(f"gcp:storage/bucket{kind}:Bucket{kind}" for kind in _GRANTS[:2]),
    *(f"gcp:kms/cryptoKey{kind}:CryptoKey{kind}" for kind in _GRANTS[:2]),
    *(f"gcp:kms/keyRing{kind}:KeyRing{kind}" for kind in _GRANTS[:2]),
    *(f"gcp:artifactregistry/repository{kind}:Repository{kind}" for kind in _GRANTS[2:]),
    *(f"gcp:secretmanager/secret{kind}:Secret{kind}" for kind in _GRANTS[2:]),
    *(f"gcp:serviceaccount/{kind[0].lower()}{kind[1:]}:{kind}" for kind in _GRANTS[:2]),
    *(f"gcp:projects/{kind[0].lower()}{kind[1:]}:{kind}" for kind in _GRANTS[:2]),
)
PROJECT_GRANTS = ("gcp:projects/iAMMember:IAMMember", "gcp:projects/iAMBinding:IAMBinding")
BROAD_ROLES = (
    "roles/owner",
    "roles/editor",
    "roles/container.admin",
    "roles/storage.admin",
    "roles/iam.serviceAccountTokenCreator",
)
_NO_FLOW_LOGS = ("REGIONAL_MANAGED_PROXY", "GLOBAL_MANAGED_PROXY", "PRIVATE_SERVICE_CONNECT")


def _default_network(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    network = stated(cluster, "network")
    if not is_unknown(network) and (text(network) or "default").rpartition("/")[2] == "default":
        yield "network", f"is {shown(network)}: the project's default network, which lets SSH and more in"


def _automatic(network: Resource, _: Surroundings) -> Iterator[Mistake]:
    automatic = stated(network, "autoCreateSubnetworks")
    if not is_unknown(automatic) and (is_absent(automatic) or truth(automatic)):
        yield (
            "autoCreateSubnetworks",
            f"is {shown(automatic)}: a subnetwork in every region, with ranges that nobody chose",
        )


def _flow_logs(subnetwork: Resource, _: Surroundings) -> Iterator[Mistake]:
    purpose = stated(subnetwork, "purpose")
    if not is_unknown(purpose) and purpose not in _NO_FLOW_LOGS and is_absent(stated(subnetwork, "logConfig")):
        yield "logConfig", "is not stated: no flow is logged"


def _private_access(subnetwork: Resource, _: Surroundings) -> Iterator[Mistake]:
    purpose = stated(subnetwork, "purpose")
    private = stated(subnetwork, "privateIpGoogleAccess")
    if not is_unknown(purpose) and purpose not in _NO_FLOW_LOGS and is_off(private):
        yield "privateIpGoogleAccess", "is not on: images, weights and logs take the way through NAT, paid by the GB"


def _open_firewall(firewall: Resource, _: Surroundings) -> Iterator[Mistake]:
    sources = [text(one) for one in items(stated(firewall, "sourceRanges"))]
    direction = stated(firewall, "direction")
    is_ingress = not is_unknown(direction) and (text(direction) or "INGRESS") == "INGRESS"
    if is_ingress and items(stated(firewall, "allows")) and any(one in ("0.0.0.0/0", "::/0") for one in sources):
        yield "sourceRanges", "lets everyone on the internet in"


def _nat_ports(nat: Resource, _: Surroundings) -> Iterator[Mistake]:
    if not truth(stated(nat, "enableDynamicPortAllocation")):
        return
    if truth(stated(nat, "enableEndpointIndependentMapping")):
        yield "enableEndpointIndependentMapping", "is on, which dynamic port allocation excludes"


def _few_ports(nat: Resource, _: Surroundings) -> Iterator[Mistake]:
    if is_off(stated(nat, "enableDynamicPortAllocation")) and is_absent(stated(nat, "minPortsPerVm")):
        yield "enableDynamicPortAllocation", "is not on: a machine has 64 ports, which one large download uses up"


def _service(service: Resource, _: Surroundings) -> Iterator[Mistake]:
    if truth(stated(service, "disableOnDestroy")):
        yield "disableOnDestroy", "is on: with this stack, the API is switched off for all others of the project"


def _public(grant: Resource, _: Surroundings) -> Iterator[Mistake]:
    for path, members in (("member", [stated(grant, "member")]), ("members", items(stated(grant, "members")))):
        for one in members:
            if one in EVERYONE:
                yield path, f"is {one}"


def _broad(grant: Resource, _: Surroundings) -> Iterator[Mistake]:
    role = text(stated(grant, "role"))
    if role in BROAD_ROLES:
        yield "role", f"is {role}, on the whole project"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gcp-default-network",
        severity=Severity.ERROR,
        title="A cluster is in a network of its own",
        why="The default network comes with firewall rules that let SSH, RDP and every neighbour in",
        mend="name a network and a subnetwork of the stack",
        origin="checkov 3.3.30 CKV_GCP_27; the tutorials of vllm-project/production-stack use the default network",
        check=each(CLUSTER, _default_network),
    ),
    Rule(
        id="gcp-custom-subnetworks",
        severity=Severity.ERROR,
        title="Subnetworks of a network are chosen, not made in every region",
        why="The automatic ranges are the same in every network, so that no two of them can ever be peered",
        mend="set autoCreateSubnetworks to false",
        origin="cluster-toolkit 1.95.0 modules/network/vpc",
        check=each(NETWORK, _automatic),
    ),
    Rule(
        id="gcp-flow-logs",
        severity=Severity.WARNING,
        title="Flows of a subnetwork are logged",
        why="After an incident nobody can tell who talked to whom",
        mend="set logConfig",
        origin="checkov 3.3.30 CKV_GCP_26",
        check=each(SUBNETWORK, _flow_logs),
    ),
    Rule(
        id="gcp-private-google-access",
        severity=Severity.ERROR,
        title="Private nodes reach Google's APIs without leaving Google's network",
        why="Weights and images go through NAT, which is paid by the gigabyte and runs out of ports",
        mend="set privateIpGoogleAccess to true",
        origin="checkov 3.3.30 CKV_GCP_74",
        check=each(SUBNETWORK, _private_access),
    ),
    Rule(
        id="gcp-open-firewall",
        severity=Severity.ERROR,
        title="No firewall rule lets the whole internet in",
        why="What listens on any node is one mistake away from everyone",
        mend="name the ranges that may come in",
        origin="checkov 3.3.30 CKV_GCP_2, CKV_GCP_3, CKV_GCP_106",
        check=each(FIREWALL, _open_firewall),
    ),
    Rule(
        id="gcp-nat-mapping",
        severity=Severity.ERROR,
        title="Dynamic ports of NAT go without endpoint-independent mapping",
        why="Cloud NAT refuses the gateway",
        mend="set enableEndpointIndependentMapping to false",
        origin="Cloud NAT: ports and addresses",
        check=each(NAT, _nat_ports),
    ),
    Rule(
        id="gcp-nat-ports",
        severity=Severity.WARNING,
        title="NAT gives a machine the ports that it needs",
        why="With 64 ports for each machine, parallel downloads of images and weights are dropped without a message",
        mend="set enableDynamicPortAllocation to true, or minPortsPerVm",
        origin="cluster-toolkit 1.95.0 modules/network/vpc",
        check=each(NAT, _few_ports),
    ),
    Rule(
        id="gcp-api-left-on",
        severity=Severity.WARNING,
        title="APIs stay on when a stack goes",
        why="Other stacks of the project stop working when this one is destroyed",
        mend="set disableOnDestroy to false",
        origin="modelplane compose-gke",
        check=each(SERVICE, _service),
    ),
    Rule(
        id="gcp-nobody-public",
        severity=Severity.ERROR,
        title="Nothing is granted to everyone",
        why="Weights, images, keys or a whole project are open to anyone with the address",
        mend="name the members",
        origin="checkov 3.3.30 CKV_GCP_28, CKV_GCP_101, CKV_GCP_112",
        check=each(GRANTS, _public),
    ),
    Rule(
        id="gcp-broad-role",
        severity=Severity.ERROR,
        title="No identity of the stack has a role that reaches beyond it",
        why="A pod or node that is taken over takes all clusters and buckets of the project with it",
        mend="grant the role on the one resource, or a narrower role",
        origin="checkov 3.3.30 CKV_GCP_49, CKV_GCP_117; cluster-toolkit blueprints grant the two admin roles",
        check=each(PROJECT_GRANTS, _broad),
    ),
    Rule(
        id="gcp-no-account-key",
        severity=Severity.ERROR,
        title="No key file of a service account is made",
        why="It never expires, lies in the state, and works from anywhere",
        mend="use workload identity",
        origin="CIS Google Cloud 1.4; modelplane exports such keys",
        check=each(
            "gcp:serviceaccount/key:Key",
            lambda key, _: iter([("", f"is a key file of {shown(stated(key, 'serviceAccountId'))}")]),
        ),
    ),
)
