"""
The control plane: a private, regional GKE cluster that holds no nodes of its own.

Who reaches its API is decided here. It has one IP endpoint. Without CIDRs in the platform settings that endpoint is
private: whoever applies does so from inside the network, or from one that is connected to it. The DNS endpoint, which
answers from anywhere whoever has the IAM permission, is closed to outside traffic: with it, one leaked credential would
be enough, wherever it is used from.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes
from pulumi_gcp import container

from components.arguments import checked
from components.gcp.machines import Unprovisionable
from components.gcp.network import PODS_RANGE, SERVICES_RANGE
from components.rules.broken import broken
from components.rules.gcp_cluster import lets_everyone_in
from sizing.errors import Problem

CHANNEL = "REGULAR"  # the channel whose default version is pinned (versions.json)
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)  # scopes are the old fence; IAM roles are the fence

_LOGS = ("SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "WORKLOADS")
_METRICS = ("SYSTEM_COMPONENTS", "DEPLOYMENT", "HPA", "POD")


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterArgs:
    """What decides the shape of the cluster; ids of what it builds on are inputs."""

    project: str
    region: str
    zones: tuple[str, ...]
    version: str  # 1.35.7-gke.1222000, or a prefix
    access_cidrs: tuple[str, ...]  # who may reach the API from outside the network
    security_group: str | None  # gke-security-groups@domain: its member groups may be named in RBAC
    has_gpus: bool  # then GPU metrics are collected
    labels: Mapping[str, str]
    network_id: pulumi.Input[str]
    subnetwork_id: pulumi.Input[str]
    key_id: pulumi.Input[str]  # encrypts the cluster's secrets
    node_email: pulumi.Input[str]  # service account of the nodes

    def broken_rules(self) -> Iterator[Problem]:
        """What a cluster of these arguments would break."""
        everyone = (cidr for cidr in self.access_cidrs if lets_everyone_in(cidr))
        yield from broken("gke-api-reach", "access_cidrs", (f"{cidr} is everyone" for cidr in everyone))


@checked
class Cluster(pulumi.ComponentResource):
    """
    A GKE cluster, and the way to put objects into it.

    Attributes:
        cluster_name: Name of the cluster.
        kubeconfig: Secret; asks gke-gcloud-auth-plugin for a short-lived token at every use.
        kubernetes: Provider of Kubernetes resources in this cluster.
    """

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    kubernetes: pulumi_kubernetes.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the cluster of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpCluster", name, None, opts)
        cluster = _cluster(name, args, self)
        self.cluster_name = cluster.name
        found = pulumi.Output.all(
            name=cluster.name, endpoint=cluster.endpoint, certificate=cluster.master_auth.cluster_ca_certificate
        )
        self.kubeconfig = pulumi.Output.secret(found.apply(lambda known: kubeconfig(**known)))
        self.kubernetes = pulumi_kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig,
            cluster_identifier=cluster.id,  # a new endpoint or certificate then replaces no object
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"clusterName": self.cluster_name, "kubeconfig": self.kubeconfig})


def _cluster(name: str, args: ClusterArgs, parent: pulumi.Resource) -> container.Cluster:
    return container.Cluster(
        name,
        project=args.project,
        location=args.region,
        node_locations=list(args.zones),
        resource_labels=dict(args.labels),
        deletion_protection=True,
        remove_default_node_pool=True,
        initial_node_count=1,  # GKE makes no cluster without; removed before anything runs on it
        node_config=_first_nodes(args),
        min_master_version=args.version,
        release_channel=container.ClusterReleaseChannelArgs(channel=CHANNEL),
        # addresses
        network=args.network_id,
        subnetwork=args.subnetwork_id,
        networking_mode="VPC_NATIVE",
        ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
            cluster_secondary_range_name=PODS_RANGE, services_secondary_range_name=SERVICES_RANGE
        ),
        datapath_provider="ADVANCED_DATAPATH",  # Dataplane V2: it enforces network policies, no other may be on
        network_policy=container.ClusterNetworkPolicyArgs(enabled=False),
        enable_intranode_visibility=True,
        enable_l4_ilb_subsetting=True,
        # access
        private_cluster_config=container.ClusterPrivateClusterConfigArgs(
            enable_private_nodes=True, enable_private_endpoint=is_private_only(args.access_cidrs)
        ),
        control_plane_endpoints_config=container.ClusterControlPlaneEndpointsConfigArgs(
            dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
                allow_external_traffic=False
            ),
            ip_endpoints_config=container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=True),
        ),
        master_authorized_networks_config=authorised_networks(args.access_cidrs),
        master_auth=container.ClusterMasterAuthArgs(
            client_certificate_config=container.ClusterMasterAuthClientCertificateConfigArgs(
                issue_client_certificate=False
            )
        ),
        enable_legacy_abac=False,
        authenticator_groups_config=_groups(args),
        enable_shielded_nodes=True,
        database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=args.key_id),
        workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
            workload_pool=f"{args.project}.svc.id.goog"
        ),
        binary_authorization=container.ClusterBinaryAuthorizationArgs(
            evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"
        ),
        security_posture_config=container.ClusterSecurityPostureConfigArgs(
            mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
        ),
        # telemetry
        logging_config=container.ClusterLoggingConfigArgs(enable_components=list(_LOGS)),
        monitoring_config=container.ClusterMonitoringConfigArgs(
            enable_components=[*_METRICS, *(["DCGM"] if args.has_gpus else [])],
            managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=True),
        ),
        cost_management_config=container.ClusterCostManagementConfigArgs(enabled=True),
        addons_config=container.ClusterAddonsConfigArgs(
            dns_cache_config=container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
            gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
                enabled=True
            ),
        ),
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=True,
            ignore_changes=["nodeConfig"],  # of the pool that is removed; GKE reports another one's
            custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
        ),
    )


def _groups(args: ClusterArgs) -> container.ClusterAuthenticatorGroupsConfigArgs | None:
    if args.security_group is None:
        return None
    return container.ClusterAuthenticatorGroupsConfigArgs(security_group=args.security_group)


def _first_nodes(args: ClusterArgs) -> container.ClusterNodeConfigArgs:
    """The nodes that GKE insists on making first: short-lived, and still without the project's default account."""
    return container.ClusterNodeConfigArgs(
        disk_size_gb=20,
        service_account=args.node_email,
        oauth_scopes=list(SCOPES),
        shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        resource_labels=dict(args.labels),
    )


def is_private_only(access_cidrs: tuple[str, ...]) -> bool:
    """True where everyone who may reach the API does so over private addresses: then it has no public one."""
    return not any(ipaddress.ip_network(cidr).is_global for cidr in access_cidrs)


def authorised_networks(access_cidrs: tuple[str, ...]) -> container.ClusterMasterAuthorizedNetworksConfigArgs:
    """
    Who may reach the API beside the cluster's own network; empty: nobody.

    Raises:
        Unprovisionable: If one of them is not a network, or is everyone.
    """
    for cidr in access_cidrs:
        _refuse_everyone(cidr)
    return container.ClusterMasterAuthorizedNetworksConfigArgs(
        gcp_public_cidrs_access_enabled=False,  # or any virtual machine of any customer could knock
        cidr_blocks=[
            container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(
                cidr_block=cidr, display_name=f"sizeup-{number}"
            )
            for number, cidr in enumerate(access_cidrs)
        ],
    )


def _refuse_everyone(cidr: str) -> None:
    try:
        ipaddress.ip_network(cidr)
    except ValueError as error:
        raise Unprovisionable(
            what=f"sizeup:platform.api_access_cidrs: {cidr!r} is no network: {error}", mend="write it as 203.0.113.0/24"
        ) from None
    if lets_everyone_in(cidr):
        raise Unprovisionable(
            what=f"sizeup:platform.api_access_cidrs: {cidr} lets everyone reach the Kubernetes API",
            mend="name the networks that you come from, or leave it out: private only",
        )


def kubeconfig(*, name: str, endpoint: str, certificate: str) -> str:
    """A kubeconfig (JSON is YAML) that gets a fresh token from gke-gcloud-auth-plugin; it holds no credential."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "clusters": [
                {
                    "name": name,
                    "cluster": {"server": f"https://{endpoint}", "certificate-authority-data": certificate},
                }
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "gke-gcloud-auth-plugin",
                            "installHint": "install it with: gcloud components install gke-gcloud-auth-plugin",
                            "provideClusterInfo": True,
                            "interactiveMode": "Never",
                        }
                    },
                }
            ],
        }
    )
