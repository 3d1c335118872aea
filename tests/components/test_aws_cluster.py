"""The control plane: private, encrypted, logged, protected; add-ons in the order that nodes need them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from components.aws.cluster import Cluster, ClusterArgs, kubeconfig, principal_name
from tests.recording import Registered, only, recorded

ADMIN = "arn:aws:iam::123456789012:role/team/PlatformAdmin"
LOG_KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"


@functools.cache
def cluster(*, api_access_cidrs: tuple[str, ...] = ()) -> tuple[Registered, ...]:
    def program() -> None:
        Cluster(
            "cluster",
            ClusterArgs(
                cluster_name="sizeup-test",
                region="us-east-1",
                kubernetes="1.35",
                addons={
                    "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
                    "vpc-cni": "v1.21.1-eksbuild.7",
                    "kube-proxy": "v1.35.3-eksbuild.13",
                },
                admin_principals=(ADMIN,),
                api_access_cidrs=api_access_cidrs,
                subnet_ids=["subnet-4", "subnet-5", "subnet-6"],
                log_key_arn=LOG_KEY,
            ),
        )

    return recorded(program)


def control_plane(**settings) -> Mapping[str, Any]:
    return only(cluster(**settings), ":Cluster").inputs


def test_the_api_is_private_unless_the_stack_names_who_may_reach_it():
    """Private always; public for the named ranges and never for everyone."""
    network = control_plane()["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)
    assert "publicAccessCidrs" not in network
    opened = control_plane(api_access_cidrs=("192.0.2.0/24",))["vpcConfig"]
    assert (opened["endpointPublicAccess"], opened["publicAccessCidrs"]) == (True, ["192.0.2.0/24"])


def test_secrets_are_encrypted_under_a_rotating_key_of_the_stacks_own():
    """The key is protected: without it the cluster's secrets are lost."""
    (encryption,) = [control_plane()["encryptionConfig"]]
    assert encryption == {
        "provider": {"keyArn": "arn:aws:kms:us-east-1:123456789012:key/cluster-secrets"},
        "resources": ["secrets"],
    }
    key = only(cluster(), ":Key")
    assert (key.inputs["enableKeyRotation"], key.protect) == (True, True)


def test_all_five_logs_are_kept_for_a_limited_time():
    """The group is made before the cluster, which would otherwise make one that is kept for ever."""
    logs = {"api", "audit", "authenticator", "controllerManager", "scheduler"}
    assert set(control_plane()["enabledClusterLogTypes"]) == logs
    group = only(cluster(), ":LogGroup")
    assert (group.inputs["name"], group.inputs["retentionInDays"]) == ("/aws/eks/sizeup-test/cluster", 365)
    assert group.inputs["kmsKeyId"] == LOG_KEY
    assert "cluster-logs" in only(cluster(), ":Cluster").dependencies


def test_the_cluster_is_hard_to_delete():
    """By Pulumi's protection and by EKS's own."""
    assert only(cluster(), ":Cluster").protect
    assert control_plane()["deletionProtection"] is True


def test_access_goes_by_entries_of_the_api():
    """No aws-auth ConfigMap; each administrator is an entry with the cluster-wide policy."""
    assert control_plane()["accessConfig"]["authenticationMode"] == "API"
    entry = only(cluster(), ":AccessEntry").inputs
    association = only(cluster(), ":AccessPolicyAssociation").inputs
    assert entry["principalArn"] == association["principalArn"] == ADMIN
    assert association["policyArn"].endswith("/AmazonEKSClusterAdminPolicy")


def test_resource_names_of_administrators_come_from_their_arns():
    """So that taking one out of the list deletes that one."""
    assert principal_name(ADMIN) == "role-team-platformadmin"


def test_nodes_may_join_and_pull_images_and_nothing_else():
    """The network plugin's permissions are not theirs: it has a role of its own."""
    attached = {
        one.name: one.inputs["policyArn"].rpartition("/")[2]
        for one in cluster()
        if one.type.endswith(":RolePolicyAttachment")
    }
    nodes = {policy for name, policy in attached.items() if name.startswith("cluster-node")}
    assert nodes == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}
    assert attached["cluster-cni"] == "AmazonEKS_CNI_Policy"


def test_no_role_has_full_access_to_anything():
    """Managed policies named FullAccess or Administrator are never attached."""
    policies = [one.inputs["policyArn"] for one in cluster() if one.type.endswith(":RolePolicyAttachment")]
    assert not [policy for policy in policies if "FullAccess" in policy or "Administrator" in policy]


def test_addons_are_pinned():
    """And EKS is kept from installing unpinned ones by itself."""
    assert control_plane()["bootstrapSelfManagedAddons"] is False
    versions = {one.inputs["addonName"]: one.inputs["addonVersion"] for one in cluster() if one.type.endswith(":Addon")}
    assert versions == {
        "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
        "vpc-cni": "v1.21.1-eksbuild.7",
        "kube-proxy": "v1.35.3-eksbuild.13",
    }


def test_the_network_plugin_enforces_network_policies():
    """Without this switch every NetworkPolicy is accepted and ignored."""
    addon = only(cluster(), ":Addon", "cluster-vpc-cni").inputs
    assert json.loads(addon["configurationValues"]) == {"enableNetworkPolicy": "true"}
    assert addon["podIdentityAssociations"] == [{"roleArn": "arn:cluster-cni", "serviceAccount": "aws-node"}]


def test_the_kubeconfig_holds_no_credentials():
    """A token is fetched at each use by whoever uses it."""
    config = json.loads(kubeconfig(name="c", region="us-east-1", endpoint="https://e", certificate_authority="Q0E="))
    (user,) = config["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["args"][:4] == ["eks", "get-token", "--cluster-name", "c"]
    assert config["clusters"][0]["cluster"] == {"server": "https://e", "certificate-authority-data": "Q0E="}
