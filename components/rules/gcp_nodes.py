"""Rules on what every GKE node is: whose identity it has, how it boots, who repairs it, how it is labelled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.gcp_accelerators import is_accelerated
from components.rules.gcp_pools import CLUSTER, NODE_POOL
from components.rules.reading import Mistake, each, inside, is_absent, is_off, must_be, shown, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, related, text, truth

DEFAULT_ACCOUNT = re.compile(r"^default$|-compute@developer\.gserviceaccount\.com$")
LEAST_CREATE_MINUTES = 60  # cluster-toolkit sets an hour for its accelerator pools
PROVIDER_CREATE_MINUTES = 30  # the provider's own, where a pool states none


def _nodes(resource: Resource) -> Value:
    """What *resource* says of its nodes: a pool's, or those that a cluster is made with."""
    return stated(resource, "nodeConfig")


def _is_made_with(resource: Resource) -> bool:
    """False for a cluster that says nothing of the nodes it is made with: the rule on its first pool speaks of it."""
    return resource.type == NODE_POOL or not is_absent(_nodes(resource))


def _account(resource: Resource, _: Surroundings) -> Iterator[Mistake]:
    account = inside(_nodes(resource), "serviceAccount")
    if _is_made_with(resource) and not is_unknown(account) and DEFAULT_ACCOUNT.search(text(account) or "default"):
        yield (
            "nodeConfig.serviceAccount",
            f"is {shown(account)}: the project's default account, which may edit everything",
        )


def _metadata(resource: Resource, _: Surroundings) -> Iterator[Mistake]:
    mode = inside(_nodes(resource), "workloadMetadataConfig", "mode")
    if _is_made_with(resource) and not is_unknown(mode) and mode != "GKE_METADATA":
        yield "nodeConfig.workloadMetadataConfig.mode", f"is {shown(mode)}: every pod can take its node's identity"


def _boot(resource: Resource, _: Surroundings) -> Iterator[Mistake]:
    path = "nodeConfig.shieldedInstanceConfig.enableSecureBoot"
    if _is_made_with(resource) and is_off(inside(_nodes(resource), "shieldedInstanceConfig", "enableSecureBoot")):
        yield path, "is not on"


def _integrity(resource: Resource, _: Surroundings) -> Iterator[Mistake]:
    on = inside(_nodes(resource), "shieldedInstanceConfig", "enableIntegrityMonitoring")
    if on is False or on == "false":  # on by default
        yield "nodeConfig.shieldedInstanceConfig.enableIntegrityMonitoring", "is off"


def _repair(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    flex = stated(pool, "nodeConfig", "flexStart")
    if is_off(flex) and is_off(stated(pool, "management", "autoRepair")):
        yield "management.autoRepair", "is not on"


def _upgrade(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    upgrades = stated(pool, "management", "autoUpgrade")
    cluster = related(pool, CLUSTER, among, key="cluster")
    channel = text(stated(cluster, "releaseChannel", "channel")) if cluster is not None else None
    if is_off(upgrades):
        refused = f"; in channel {channel} GKE refuses it" if channel not in (None, "UNSPECIFIED") else ""
        yield "management.autoUpgrade", f"is not on{refused}"


def _image(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    image = stated(pool, "nodeConfig", "imageType")
    if not is_unknown(image) and not is_absent(image) and not str(image).upper().startswith("COS"):
        yield "nodeConfig.imageType", f"is {shown(image)}, not COS_CONTAINERD"


def _public_nodes(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    private = stated(pool, "networkConfig", "enablePrivateNodes")
    if private is False or private == "false":  # absent: as the cluster says
        yield "networkConfig.enablePrivateNodes", "is off: its nodes have public addresses whatever the cluster says"


def _legacy_endpoints(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    stated_value = stated(pool, "nodeConfig", "metadata", "disable-legacy-endpoints")
    if not is_unknown(stated_value) and not is_absent(stated_value) and not truth(stated_value):
        yield (
            "nodeConfig.metadata[disable-legacy-endpoints]",
            "is not true: old clients read the node's token without a header",
        )


def _timeouts(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    minutes = pool.timeouts_s.get("create", PROVIDER_CREATE_MINUTES * 60) / 60
    if is_accelerated(pool) and minutes < LEAST_CREATE_MINUTES:
        yield "", f"is given {minutes:.0f} minutes to be created, not {LEAST_CREATE_MINUTES}"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-node-account",
        severity=Severity.ERROR,
        title="Nodes have a service account of their own",
        why="The default account may edit the whole project, and so may whoever gets out of a container",
        mend="name an account with logging, monitoring and registry roles in nodeConfig.serviceAccount",
        origin="checkov 3.3.30 CKV2_GCP_1; CIS GKE 1.4",
        check=each((NODE_POOL, CLUSTER), _account),
    ),
    Rule(
        id="gke-node-metadata",
        severity=Severity.ERROR,
        title="Pods see their own identity on the metadata server, not the node's",
        why="Any pod can fetch the node's token and act as the node",
        mend="set workloadMetadataConfig.mode to GKE_METADATA",
        origin="checkov 3.3.30 CKV_GCP_69; CIS GKE 1.4",
        check=each((NODE_POOL, CLUSTER), _metadata),
    ),
    Rule(
        id="gke-legacy-metadata",
        severity=Severity.ERROR,
        title="The old metadata endpoints are off",
        why="They hand out tokens without the header that keeps request forgery away",
        mend='set nodeConfig.metadata["disable-legacy-endpoints"] to "true"',
        origin="CIS GKE 1.4",
        check=each(NODE_POOL, _legacy_endpoints),
    ),
    Rule(
        id="gke-secure-boot",
        severity=Severity.WARNING,
        title="Nodes boot signed software only",
        why="A changed kernel goes unseen. Drivers that Google does not sign need it off: then waive this",
        mend="set shieldedInstanceConfig.enableSecureBoot to true",
        origin="checkov 3.3.30 CKV_GCP_68",
        check=each((NODE_POOL, CLUSTER), _boot),
    ),
    Rule(
        id="gke-integrity-monitoring",
        severity=Severity.ERROR,
        title="The boot of a node is compared with the last good one",
        why="A changed boot goes unseen",
        mend="leave enableIntegrityMonitoring on",
        origin="checkov 3.3.30 CKV_GCP_72",
        check=each((NODE_POOL, CLUSTER), _integrity),
    ),
    Rule(
        id="gke-auto-repair",
        severity=Severity.WARNING,
        title="Broken nodes are repaired, except those of flex-start",
        why="A node that lost a GPU stays, is paid for, and takes pods that never start",
        mend="set management.autoRepair to true",
        origin="checkov 3.3.30 CKV_GCP_9; CIS GKE 1.4, 5.5.2",
        check=each(NODE_POOL, _repair),
    ),
    Rule(
        id="gke-auto-upgrade",
        severity=Severity.WARNING,
        title="Nodes follow the version of the control plane",
        why="Nodes without security fixes, until they are too old for the control plane",
        mend="set management.autoUpgrade to true, with maintenance windows",
        origin="checkov 3.3.30 CKV_GCP_10; CIS GKE 1.4",
        check=each(NODE_POOL, _upgrade),
    ),
    Rule(
        id="gke-node-image",
        severity=Severity.WARNING,
        title="Nodes run Container-Optimized OS",
        why="Other images have a writable system, more to attack, and drivers that GKE does not install",
        mend="set imageType to COS_CONTAINERD",
        origin="checkov 3.3.30 CKV_GCP_22; CIS GKE 1.4",
        check=each(NODE_POOL, _image),
    ),
    Rule(
        id="gke-pool-private",
        severity=Severity.ERROR,
        title="No node pool makes its nodes public",
        why="Each of its nodes can be reached from the internet, as far as a firewall rule lets it",
        mend="leave networkConfig.enablePrivateNodes on",
        origin="checkov 3.3.30 CKV_GCP_64",
        check=each(NODE_POOL, _public_nodes),
    ),
    Rule(
        id="gke-node-labels",
        severity=Severity.WARNING,
        title="Machines of a node pool carry cost labels",
        why="They are billed as virtual machines, and nobody can tell whose they are",
        mend="set nodeConfig.resourceLabels",
        origin="checkov 3.3.30 CKV_GCP_21; default labels of the provider do not reach the machines of a pool",
        check=must_be(NODE_POOL, "nodeConfig.resourceLabels"),
    ),
    Rule(
        id="gke-pool-timeout",
        severity=Severity.WARNING,
        title="An accelerator pool has an hour or more to be created",
        why="After the provider's 30 minutes the update fails while machines still come: a pool that no state knows",
        mend="set custom_timeouts with create 60m to 90m",
        origin="NVIDIA/aicr#2065; cluster-toolkit 1.95.0 gke-node-pool (one hour)",
        check=each(NODE_POOL, _timeouts),
    ),
)
