"""Rules on GKE clusters, by example."""

from __future__ import annotations

from typing import Any

from components.graph import Graph, Resource
from tests.components.rules.case import Case
from tests.components.rules.gke import cluster
from tests.resources import graph, resource

V2 = {"datapathProvider": "ADVANCED_DATAPATH"}
OFFICE = "203.0.113.0/24"
NETWORKS = "masterAuthorizedNetworksConfig"
GROUPS = {"authenticatorGroupsConfig": {"securityGroup": "gke-security-groups@example.com"}}


def authorised(*cidrs: str, **more: Any) -> dict[str, Any]:
    """Authorised networks."""
    return {NETWORKS: {"cidrBlocks": [{"cidrBlock": one} for one in cidrs], **more}}


def binding(name: str) -> Resource:
    """A role that is given to the group *name*."""
    return resource(
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        "admins",
        inputs={"subjects": [{"kind": "Group", "name": name}]},
    )


def switch(rule: str, good: dict[str, Any], bad: dict[str, Any], at: str, note: str = "") -> Case:
    """A rule on inputs of a cluster alone."""
    return Case(rule=rule, keeps=graph(cluster(**good)), breaks=graph(cluster(**bad)), at=at, note=note)


def rooms(cluster_inputs: dict[str, Any], group: str) -> Graph:
    """A cluster beside a role for *group*."""
    return graph(cluster(**cluster_inputs), binding(group))


CASES = [
    switch(
        "gke-multi-networking-dataplane",
        {"enableMultiNetworking": True, **V2},
        {"enableMultiNetworking": True, "datapathProvider": "LEGACY_DATAPATH"},
        "datapathProvider",
    ),
    switch(
        "gke-fqdn-policy-dataplane",
        {"enableFqdnNetworkPolicy": True, **V2},
        {"enableFqdnNetworkPolicy": True},
        "datapathProvider",
    ),
    switch(
        "gke-one-network-policy",
        {**V2, "addonsConfig": {"networkPolicyConfig": {"disabled": True}}},
        {**V2, "networkPolicy": {"enabled": True, "provider": "CALICO"}},
        "networkPolicy.enabled",
    ),
    switch(
        "gke-one-network-policy",
        {"networkPolicy": {"enabled": True}, "addonsConfig": {"networkPolicyConfig": {"disabled": False}}},
        {**V2, "addonsConfig": {"networkPolicyConfig": {"disabled": False}}},
        "addonsConfig.networkPolicyConfig.disabled",
        "its add-on",
    ),
    switch(
        "gke-feature-version",
        {"minMasterVersion": "1.35.0-gke.274500", "addonsConfig": {"sliceControllerConfig": {"enabled": True}}},
        {"minMasterVersion": "1.35.0-gke.274499", "addonsConfig": {"sliceControllerConfig": {"enabled": True}}},
        "addonsConfig.sliceControllerConfig.enabled",
    ),
    switch(
        "gke-feature-version",
        {"minMasterVersion": "1.35", "managedMachineLearningDiagnosticsConfig": {"enabled": True}},
        {"minMasterVersion": "1.34", "managedMachineLearningDiagnosticsConfig": {"enabled": True}},
        "managedMachineLearningDiagnosticsConfig.enabled",
        "a prefix may be new enough",
    ),
    switch(
        "gke-private-nodes",
        {"privateClusterConfig": {"enablePrivateNodes": True}},
        {"privateClusterConfig": {"enablePrivateEndpoint": False}},
        "privateClusterConfig.enablePrivateNodes",
    ),
    switch("gke-api-reach", {"privateClusterConfig": {"enablePrivateEndpoint": True}}, {}, NETWORKS),
    switch(
        "gke-api-reach",
        {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": False}}},
        {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"enabled": True}}},
        NETWORKS,
        "reached by name only",
    ),
    switch(
        "gke-api-reach",
        authorised(OFFICE),
        authorised(OFFICE, "0.0.0.0/0"),
        f"{NETWORKS}.cidrBlocks[1].cidrBlock",
        "everyone among them",
    ),
    switch(
        "gke-api-reach",
        authorised(gcpPublicCidrsAccessEnabled=False),
        authorised(gcpPublicCidrsAccessEnabled=True),
        f"{NETWORKS}.gcpPublicCidrsAccessEnabled",
        "all of Google Cloud",
    ),
    switch(
        "gke-dns-endpoint",
        {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": False}}},
        {"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
        "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic",
    ),
    switch(
        "gke-workload-identity",
        {"workloadIdentityConfig": {"workloadPool": "acme.svc.id.goog"}},
        {},
        "workloadIdentityConfig.workloadPool",
    ),
    switch(
        "gke-shielded-cluster", {"enableShieldedNodes": True}, {"enableShieldedNodes": False}, "enableShieldedNodes"
    ),
    switch("gke-legacy-abac", {"enableLegacyAbac": False}, {"enableLegacyAbac": True}, "enableLegacyAbac"),
    switch(
        "gke-client-certificate",
        {"masterAuth": {"clientCertificateConfig": {"issueClientCertificate": False}}},
        {"masterAuth": {"clientCertificateConfig": {"issueClientCertificate": True}}},
        "masterAuth.clientCertificateConfig.issueClientCertificate",
    ),
    switch("gke-alpha", {}, {"enableKubernetesAlpha": True}, "enableKubernetesAlpha"),
    switch("gke-network-policy", V2, {}, "datapathProvider"),
    switch(
        "gke-network-policy",
        {"networkPolicy": {"enabled": True}},
        {"networkPolicy": {"enabled": False}},
        "datapathProvider",
        "Calico will do",
    ),
    switch("gke-vpc-native", {"networkingMode": "VPC_NATIVE"}, {"networkingMode": "ROUTES"}, "networkingMode"),
    switch(
        "gke-release-channel",
        {"releaseChannel": {"channel": "REGULAR"}},
        {"releaseChannel": {"channel": "UNSPECIFIED"}},
        "releaseChannel.channel",
    ),
    switch("gke-intranode-visibility", {"enableIntranodeVisibility": True}, {}, "enableIntranodeVisibility"),
    switch(
        "gke-binary-authorization",
        {"binaryAuthorization": {"evaluationMode": "PROJECT_SINGLETON_POLICY_ENFORCE"}},
        {"binaryAuthorization": {"evaluationMode": "DISABLED"}},
        "binaryAuthorization.evaluationMode",
    ),
    switch(
        "gke-secrets-encrypted",
        {"databaseEncryption": {"state": "ENCRYPTED", "keyName": "k"}},
        {"databaseEncryption": {"state": "DECRYPTED"}},
        "databaseEncryption.state",
    ),
    Case(
        rule="gke-rbac-groups",
        keeps=rooms(GROUPS, "ml@example.com"),
        breaks=rooms({}, "ml@example.com"),
        at="authenticatorGroupsConfig",
    ),
    Case(
        rule="gke-rbac-groups",
        keeps=rooms({}, "system:masters"),
        breaks=rooms({}, "ml@example.com"),
        at="authenticatorGroupsConfig",
        note="Kubernetes' own groups need nothing",
    ),
    switch(
        "gke-telemetry",
        {"loggingConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}},
        {"loggingConfig": {"enableComponents": []}},
        "loggingConfig.enableComponents",
    ),
    switch("gke-telemetry", {}, {"monitoringService": "none"}, "monitoringService", "the older switch"),
    switch(
        "gke-pools-apart",
        {"removeDefaultNodePool": True, "initialNodeCount": 1},
        {"initialNodeCount": 3},
        "removeDefaultNodePool",
    ),
    switch(
        "gke-pools-apart",
        {"enableAutopilot": True},
        {"removeDefaultNodePool": True, "nodePools": [{"name": "gpu"}]},
        "nodePools",
        "Autopilot has none",
    ),
    switch("gke-deletion-protection", {}, {"deletionProtection": False}, "deletionProtection"),
]
