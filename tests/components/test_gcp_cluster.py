"""The control plane: private, encrypted, protected, and reached only by whom the settings name."""

from __future__ import annotations

import json

import pytest

from components.arguments import InvalidArguments
from components.gcp.cluster import Cluster, ClusterArgs, authorised_networks, is_private_only, kubeconfig
from components.gcp.machines import Unprovisionable
from components.graph import Graph, Secret
from tests.gcp import at, built, every, one


def cluster(*access_cidrs: str, has_gpus: bool = True, security_group: str | None = None) -> Graph:
    """The graph of a cluster that *access_cidrs* may reach."""
    return built(
        lambda: Cluster(
            "chat",
            ClusterArgs(
                project="acme-ml",
                region="us-central1",
                zones=("us-central1-a", "us-central1-b"),
                version="1.35.7-gke.1222000",
                access_cidrs=access_cidrs,
                security_group=security_group,
                has_gpus=has_gpus,
                labels={"owner": "ml-platform"},
                network_id="network",
                subnetwork_id="subnetwork",
                key_id="key",
                node_email="nodes@acme-ml.iam.gserviceaccount.com",
            ),
        )
    )


PRIVATE = one(cluster(), "Cluster", "chat")


def test_without_named_networks_the_api_has_no_public_address() -> None:
    """Nodes neither; and the DNS endpoint is closed to the outside."""
    assert at(PRIVATE, "privateClusterConfig") == {"enablePrivateNodes": True, "enablePrivateEndpoint": True}
    assert at(PRIVATE, "controlPlaneEndpointsConfig", "dnsEndpointConfig", "allowExternalTraffic") is False
    assert at(PRIVATE, "masterAuthorizedNetworksConfig") == {"cidrBlocks": [], "gcpPublicCidrsAccessEnabled": False}


def test_a_public_network_that_is_named_opens_the_api_to_it_alone() -> None:
    """The nodes stay private."""
    opened = one(cluster("203.0.113.0/24", "8.8.8.0/24"), "Cluster", "chat")
    assert at(opened, "privateClusterConfig") == {"enablePrivateNodes": True, "enablePrivateEndpoint": False}
    blocks = at(opened, "masterAuthorizedNetworksConfig", "cidrBlocks")
    assert blocks == [
        {"cidrBlock": "203.0.113.0/24", "displayName": "sizeup-0"},
        {"cidrBlock": "8.8.8.0/24", "displayName": "sizeup-1"},
    ]


def test_a_private_network_that_is_named_opens_no_public_address() -> None:
    """An office behind a VPN reaches the private endpoint."""
    assert is_private_only(("10.8.0.0/16", "192.168.0.0/24"))
    assert not is_private_only(("10.8.0.0/16", "8.8.8.0/24"))


@pytest.mark.parametrize("cidr", ["0.0.0.0/0", "::/0"])
def test_everyone_is_refused(cidr: str) -> None:
    """Whatever the file says."""
    with pytest.raises(Unprovisionable, match="lets everyone reach the Kubernetes API"):
        authorised_networks((cidr,))
    with pytest.raises(InvalidArguments, match=f"access_cidrs: {cidr} is everyone .rule gke-api-reach"):
        cluster(cidr)


def test_something_that_is_no_network_is_refused_with_the_mend() -> None:
    """10.8.0.1/16 has host bits."""
    with pytest.raises(Unprovisionable, match=r"'10\.8\.0\.1/16' is no network") as refused:
        authorised_networks(("10.8.0.1/16",))
    assert "203.0.113.0/24" in refused.value.mend


def test_secrets_are_encrypted_and_identities_are_short_lived() -> None:
    """The cluster's own key; no client certificate, no legacy access control; workload identity."""
    assert at(PRIVATE, "databaseEncryption") == {"state": "ENCRYPTED", "keyName": "key"}
    assert at(PRIVATE, "masterAuth", "clientCertificateConfig", "issueClientCertificate") is False
    assert at(PRIVATE, "enableLegacyAbac") is False
    assert at(PRIVATE, "workloadIdentityConfig", "workloadPool") == "acme-ml.svc.id.goog"
    assert at(PRIVATE, "enableShieldedNodes") is True
    assert at(PRIVATE, "binaryAuthorization", "evaluationMode") == "PROJECT_SINGLETON_POLICY_ENFORCE"


def test_dataplane_v2_enforces_network_policies_and_no_other_does() -> None:
    """GKE refuses a second enforcer beside it, so that one is stated to be off."""
    assert at(PRIVATE, "datapathProvider") == "ADVANCED_DATAPATH"
    assert at(PRIVATE, "networkPolicy") == {"enabled": False}
    assert at(PRIVATE, "networkingMode") == "VPC_NATIVE"


def test_it_is_regional_and_holds_no_nodes_of_its_own() -> None:
    """Zones are stated; the pool that GKE makes first goes, and never ran as the project's default account."""
    assert at(PRIVATE, "location") == "us-central1"
    assert at(PRIVATE, "nodeLocations") == ["us-central1-a", "us-central1-b"]
    assert at(PRIVATE, "removeDefaultNodePool") is True
    assert at(PRIVATE, "nodeConfig", "serviceAccount") == "nodes@acme-ml.iam.gserviceaccount.com"
    assert PRIVATE.ignore_changes == ("nodeConfig",)


def test_it_is_protected_from_deletion() -> None:
    """By the provider and by Pulumi."""
    assert at(PRIVATE, "deletionProtection") is True
    assert PRIVATE.protect


def test_gpu_metrics_are_collected_where_there_are_gpus() -> None:
    """They are paid by the sample."""
    with_gpus, without = (
        at(one(cluster(has_gpus=has_gpus), "Cluster", "chat"), "monitoringConfig", "enableComponents")
        for has_gpus in (True, False)
    )
    assert isinstance(without, list)
    assert with_gpus == [*without, "DCGM"]


def test_groups_are_made_known_where_one_administers() -> None:
    """GKE finds groups through this one."""
    grouped = one(cluster(security_group="gke-security-groups@example.com"), "Cluster", "chat")
    assert at(grouped, "authenticatorGroupsConfig") == {"securityGroup": "gke-security-groups@example.com"}
    assert "authenticatorGroupsConfig" not in PRIVATE.inputs


def test_the_kubeconfig_holds_no_credential() -> None:
    """A plugin asks for a token at every use."""
    config = json.loads(kubeconfig(name="chat", endpoint="10.0.0.2", certificate="Q0E="))
    assert config["clusters"][0]["cluster"] == {
        "server": "https://10.0.0.2",
        "certificate-authority-data": "Q0E=",
    }
    assert set(config["users"][0]["user"]) == {"exec"}
    assert config["users"][0]["user"]["exec"]["command"] == "gke-gcloud-auth-plugin"


def test_the_kubernetes_provider_takes_it_as_a_secret_and_outlives_it() -> None:
    """A new endpoint replaces no object: the provider is known by the cluster."""
    provider = next(r for r in cluster().resources if r.type == "pulumi:providers:kubernetes")
    assert isinstance(provider.inputs["kubeconfig"], Secret)
    assert "clusterIdentifier" in provider.inputs


def test_no_node_pool_is_written_into_the_cluster() -> None:
    """Pools are resources of their own (checkov CKV_GCP_123)."""
    graph = cluster()
    assert "nodePools" not in one(graph, "Cluster", "chat").inputs
    assert not every(graph, "NodePool")
