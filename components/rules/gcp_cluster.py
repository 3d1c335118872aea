"""Rules on GKE clusters: features that need one another, and who reaches the control plane with what."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.gcp_pools import CLUSTER
from components.rules.gke_version import is_before
from components.rules.reading import (
    Check,
    Mistake,
    each,
    inside,
    is_absent,
    is_off,
    items,
    must_be,
    of_type,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, text, truth

_TOOLKIT = "GoogleCloudPlatform/cluster-toolkit 1.95.0 modules/scheduler/gke-cluster/main.tf"
DATAPLANE_V2 = "ADVANCED_DATAPATH"
SLICE_CONTROLLER_SINCE = "1.35.0-gke.274500"
ML_DIAGNOSTICS_SINCE = "1.35.0-gke.3065000"
ROLE_BINDINGS = (
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
)


def _needs_dataplane(feature: str, what: str) -> Check:
    """A check that Dataplane V2 is there where the switch *feature* is on."""

    def test(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
        datapath = stated(cluster, "datapathProvider")
        if truth(stated(cluster, feature)) and not is_unknown(datapath) and datapath != DATAPLANE_V2:
            yield "datapathProvider", f"is {shown(datapath)}, but {what} needs {DATAPLANE_V2}"

    return each(CLUSTER, test)


def _one_network_policy(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    if text(stated(cluster, "datapathProvider")) != DATAPLANE_V2:
        return
    if truth(stated(cluster, "networkPolicy", "enabled")):
        yield "networkPolicy.enabled", "is on beside Dataplane V2, which enforces network policies by itself"
    addon = stated(cluster, "addonsConfig", "networkPolicyConfig", "disabled")
    if addon is False:
        yield "addonsConfig.networkPolicyConfig.disabled", "is false beside Dataplane V2, which needs no add-on"


def _old_for_features(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    version = text(stated(cluster, "minMasterVersion"))
    features = (
        ("addonsConfig.sliceControllerConfig.enabled", "the slice controller", SLICE_CONTROLLER_SINCE),
        ("managedMachineLearningDiagnosticsConfig.enabled", "managed ML diagnostics", ML_DIAGNOSTICS_SINCE),
    )
    for path, name, since in features:
        if truth(stated(cluster, *path.split("."))) and is_before(version, since):
            yield path, f"is on, but GKE {version} has not {name}: {since} or later"


def lets_everyone_in(cidr: str) -> bool:
    """True where *cidr* is the whole internet, of either protocol."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False


def _api_reach(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    networks = stated(cluster, "masterAuthorizedNetworksConfig")
    path = "masterAuthorizedNetworksConfig"
    private = stated(cluster, "privateClusterConfig", "enablePrivateEndpoint")
    by_address = stated(cluster, "controlPlaneEndpointsConfig", "ipEndpointsConfig", "enabled")  # absent: it is on
    if is_absent(networks) and is_off(private) and (by_address is None or truth(by_address)):
        yield path, "is not stated beside a public endpoint: everyone on the internet may knock"
    for place, block in enumerate(items(inside(networks, "cidrBlocks"))):
        cidr = text(inside(block, "cidrBlock"))
        if cidr is not None and lets_everyone_in(cidr):
            yield f"{path}.cidrBlocks[{place}].cidrBlock", f"is {cidr}: everyone"
    if truth(inside(networks, "gcpPublicCidrsAccessEnabled")):
        yield f"{path}.gcpPublicCidrsAccessEnabled", "is on: any customer's virtual machine may knock"


def _dns_endpoint(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    path = "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic"
    if truth(stated(cluster, *path.split("."))):
        yield path, "is on: a leaked credential is enough to reach the API from anywhere"


def _network_policy(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    datapath, calico = stated(cluster, "datapathProvider"), stated(cluster, "networkPolicy", "enabled")
    if not is_unknown(datapath) and datapath != DATAPLANE_V2 and is_off(calico):
        yield "datapathProvider", f"is {shown(datapath)} without networkPolicy: no network policy is enforced"


def _groups(cluster: Resource, among: Surroundings) -> Iterator[Mistake]:
    if not is_absent(stated(cluster, "authenticatorGroupsConfig", "securityGroup")):
        return
    for binding in of_type(among, *ROLE_BINDINGS):
        if any(
            inside(one, "kind") == "Group" and _is_address(inside(one, "name"))
            for one in items(stated(binding, "subjects"))
        ):
            yield "authenticatorGroupsConfig", f"is not stated, but {binding.name} gives a role to a Google group"
            return


def _is_address(name: Value) -> bool:
    return "@" in (text(name) or "")


def _telemetry(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    for service, config in (("loggingService", "loggingConfig"), ("monitoringService", "monitoringConfig")):
        if text(stated(cluster, service)) == "none":
            yield service, "is none"
        if stated(cluster, config, "enableComponents") == []:
            yield f"{config}.enableComponents", "is empty"


def _first_pool(cluster: Resource, _: Surroundings) -> Iterator[Mistake]:
    if items(stated(cluster, "nodePools")):
        yield "nodePools", "is stated in the cluster: a change of one pool there can replace all of it"
    if is_off(stated(cluster, "removeDefaultNodePool")) and is_off(stated(cluster, "enableAutopilot")):
        yield "removeDefaultNodePool", "is not on: the first pool stays, with machines that nothing chose"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-multi-networking-dataplane",
        severity=Severity.ERROR,
        title="Multi-networking stands on Dataplane V2",
        why="GKE refuses the cluster",
        mend=f"set datapathProvider to {DATAPLANE_V2}",
        origin=_TOOLKIT,
        check=_needs_dataplane("enableMultiNetworking", "multi-networking"),
    ),
    Rule(
        id="gke-fqdn-policy-dataplane",
        severity=Severity.ERROR,
        title="Network policies by domain name stand on Dataplane V2",
        why="GKE refuses the cluster",
        mend=f"set datapathProvider to {DATAPLANE_V2}",
        origin=_TOOLKIT,
        check=_needs_dataplane("enableFqdnNetworkPolicy", "policy by domain name"),
    ),
    Rule(
        id="gke-one-network-policy",
        severity=Severity.ERROR,
        title="Network policies are enforced by Dataplane V2 or by Calico, not by both",
        why="GKE refuses the cluster",
        mend="leave networkPolicy and its add-on out",
        origin=_TOOLKIT,
        check=each(CLUSTER, _one_network_policy),
    ),
    Rule(
        id="gke-feature-version",
        severity=Severity.ERROR,
        title="A cluster is new enough for the features that it switches on",
        why="GKE refuses the cluster",
        mend="pin a later version in minMasterVersion",
        origin=_TOOLKIT,
        check=each(CLUSTER, _old_for_features),
    ),
    Rule(
        id="gke-private-nodes",
        severity=Severity.ERROR,
        title="Nodes have no public addresses",
        why="Each node can be reached from the internet, as far as a firewall rule lets it",
        mend="set privateClusterConfig.enablePrivateNodes to true",
        origin="checkov 3.3.30 CKV_GCP_64, CKV_GCP_25; CIS GKE 1.4",
        check=must_be(CLUSTER, "privateClusterConfig.enablePrivateNodes", True),
    ),
    Rule(
        id="gke-api-reach",
        severity=Severity.ERROR,
        title="The Kubernetes API is private, or open to named networks only",
        why="Everyone may try every leaked credential and every flaw of the API server",
        mend="enablePrivateEndpoint, or masterAuthorizedNetworksConfig with the networks that you come from",
        origin="checkov 3.3.30 CKV_GCP_18, CKV_GCP_20; CIS GKE 1.4",
        check=each(CLUSTER, _api_reach),
    ),
    Rule(
        id="gke-dns-endpoint",
        severity=Severity.WARNING,
        title="The DNS endpoint of the control plane is closed to outside traffic",
        why="It answers from anywhere whoever has the IAM permission, whatever networks are authorised",
        mend="set allowExternalTraffic to false",
        origin="GKE: control plane endpoints; no public rule covers it",
        check=each(CLUSTER, _dns_endpoint),
    ),
    Rule(
        id="gke-workload-identity",
        severity=Severity.ERROR,
        title="Pods get identities of their own",
        why="Without workload identity, each pod acts as its node, or carries a key file",
        mend="set workloadIdentityConfig.workloadPool to PROJECT.svc.id.goog",
        origin="checkov 3.3.30 CKV_GCP_69; CIS GKE 1.4",
        check=must_be(CLUSTER, "workloadIdentityConfig.workloadPool"),
    ),
    Rule(
        id="gke-shielded-cluster",
        severity=Severity.ERROR,
        title="Nodes prove who they are when they join",
        why="A pod with network access to the metadata of a node could join as another node",
        mend="set enableShieldedNodes to true",
        origin="checkov 3.3.30 CKV_GCP_71",
        check=must_be(CLUSTER, "enableShieldedNodes", True, None),
    ),
    Rule(
        id="gke-legacy-abac",
        severity=Severity.ERROR,
        title="Rights in the cluster come from RBAC alone",
        why="Legacy authorisation gives every identity of the project, and every pod, broad fixed rights",
        mend="set enableLegacyAbac to false",
        origin="checkov 3.3.30 CKV_GCP_7; CIS GKE 1.4",
        check=must_be(CLUSTER, "enableLegacyAbac", False),
    ),
    Rule(
        id="gke-client-certificate",
        severity=Severity.ERROR,
        title="No client certificate is issued",
        why="It cannot be taken back from whoever has it, and lies in the state",
        mend="set masterAuth.clientCertificateConfig.issueClientCertificate to false",
        origin="checkov 3.3.30 CKV_GCP_13; CIS GKE 1.4",
        check=must_be(CLUSTER, "masterAuth.clientCertificateConfig.issueClientCertificate", False),
    ),
    Rule(
        id="gke-alpha",
        severity=Severity.ERROR,
        title="No alpha cluster",
        why="It cannot be upgraded, and is deleted after 30 days",
        mend="leave enableKubernetesAlpha out",
        origin="checkov 3.3.30 CKV2_GCP_19",
        check=must_be(CLUSTER, "enableKubernetesAlpha", False),
    ),
    Rule(
        id="gke-network-policy",
        severity=Severity.ERROR,
        title="Network policies are enforced",
        why="They are accepted and do nothing: every pod reaches every other",
        mend=f"set datapathProvider to {DATAPLANE_V2}",
        origin="checkov 3.3.30 CKV_GCP_12; CIS GKE 1.4",
        check=each(CLUSTER, _network_policy),
    ),
    Rule(
        id="gke-vpc-native",
        severity=Severity.ERROR,
        title="Pods have addresses of the VPC",
        why="A routed cluster has no private endpoint for them, no multi-networking and no pod limits",
        mend="set networkingMode to VPC_NATIVE",
        origin="checkov 3.3.30 CKV_GCP_23; CIS GKE 1.4, 5.6.2",
        check=must_be(CLUSTER, "networkingMode", "VPC_NATIVE", None),
    ),
    Rule(
        id="gke-release-channel",
        severity=Severity.WARNING,
        title="The cluster is in a release channel",
        why="Outside of one, versions come without the tests of a channel, and without its longer support",
        mend="set releaseChannel.channel to REGULAR or STABLE",
        origin="checkov 3.3.30 CKV_GCP_70",
        check=must_be(CLUSTER, "releaseChannel.channel", "RAPID", "REGULAR", "STABLE", "EXTENDED"),
    ),
    Rule(
        id="gke-intranode-visibility",
        severity=Severity.WARNING,
        title="Traffic between pods of one node is seen",
        why="Flow logs and firewall rules miss it otherwise",
        mend="set enableIntranodeVisibility to true",
        origin="checkov 3.3.30 CKV_GCP_61",
        check=must_be(CLUSTER, "enableIntranodeVisibility", True),
    ),
    Rule(
        id="gke-binary-authorization",
        severity=Severity.WARNING,
        title="Images are let in by the project's policy",
        why="Any image that a pod names is run",
        mend="set binaryAuthorization.evaluationMode to PROJECT_SINGLETON_POLICY_ENFORCE",
        origin="checkov 3.3.30 CKV_GCP_66; CIS GKE 1.4, 5.10.5",
        check=must_be(CLUSTER, "binaryAuthorization.evaluationMode", "PROJECT_SINGLETON_POLICY_ENFORCE"),
    ),
    Rule(
        id="gke-secrets-encrypted",
        severity=Severity.WARNING,
        title="Kubernetes secrets are encrypted with a key of the stack's own",
        why="Whoever reads the control plane's disks or backups reads them",
        mend="set databaseEncryption.state to ENCRYPTED with a KMS key",
        origin="CIS GKE 1.4",
        check=must_be(CLUSTER, "databaseEncryption.state", "ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"),
    ),
    Rule(
        id="gke-rbac-groups",
        severity=Severity.ERROR,
        title="A cluster that gives roles to Google groups knows groups",
        why="The binding is accepted and nobody gets the role",
        mend="set authenticatorGroupsConfig.securityGroup to gke-security-groups@DOMAIN",
        origin="checkov 3.3.30 CKV_GCP_65",
        check=each(CLUSTER, _groups),
    ),
    Rule(
        id="gke-telemetry",
        severity=Severity.WARNING,
        title="Logs and metrics of the cluster are kept",
        why="After a failure there is nothing to read",
        mend="name components in loggingConfig and monitoringConfig",
        origin="checkov 3.3.30 CKV_GCP_1, CKV_GCP_8; CIS GKE 1.4, 5.7.1",
        check=each(CLUSTER, _telemetry),
    ),
    Rule(
        id="gke-pools-apart",
        severity=Severity.WARNING,
        title="Node pools are resources of their own, and the first one is removed",
        why="Pools inside the cluster change with it; the first pool costs machines that nothing sized",
        mend="set removeDefaultNodePool to true, and make each pool a NodePool",
        origin="checkov 3.3.30 CKV_GCP_123",
        check=each(CLUSTER, _first_pool),
    ),
    Rule(
        id="gke-deletion-protection",
        severity=Severity.WARNING,
        title="The cluster cannot be deleted by accident",
        why="A renamed resource or a wrong stack takes the cluster with all that runs on it",
        mend="set deletionProtection to true",
        origin="cluster-toolkit 1.95.0 examples have it off everywhere",
        check=must_be(CLUSTER, "deletionProtection", True, None),
    ),
)
