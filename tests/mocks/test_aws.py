"""Each AWS component under Pulumi's mocks: what matters about it, asserted on what it registered."""

from __future__ import annotations

import json
from typing import Any

from components.aws.access_log import AccessLog
from components.aws.autoscaler import ClusterAutoscaler
from components.aws.cluster import Cluster, ClusterDns
from components.aws.encryption import LogKey
from components.aws.identity import PodIdentity
from components.aws.network import Network
from components.aws.node_pool import NodePool
from components.aws.storage import ModelBucket
from tests.mocks.programs import CLUSTER, KEY, registered
from tests.recording import only


def documents(kind: Any, resource: str, key: str = "policy") -> list[dict[str, Any]]:
    """Statements of the one policy document of a component."""
    statements: list[dict[str, Any]] = json.loads(only(registered(kind), resource).inputs[key])["Statement"]
    return statements


def test_a_network_has_private_subnets_with_a_way_out_of_their_own():
    """Two zones: two NAT gateways, S3 beside them, and no machine with a public address."""
    made = registered(Network)
    nats = [one for one in made if one.type.endswith(":NatGateway")]
    subnets = [one.inputs for one in made if one.type.endswith(":Subnet")]
    assert len(nats) == 2
    assert len({one["cidrBlock"] for one in subnets}) == len(subnets) == 4
    assert not any(one["mapPublicIpOnLaunch"] for one in subnets)
    endpoint = only(made, ":VpcEndpoint").inputs
    assert (endpoint["vpcEndpointType"], len(endpoint["routeTableIds"])) == ("Gateway", 2)
    closed = only(made, ":DefaultSecurityGroup").inputs
    assert (closed["ingress"], closed["egress"]) == ([], [])
    assert only(made, ":LogGroup").inputs["kmsKeyId"] == KEY


def test_a_cluster_is_private_encrypted_logged_and_protected():
    """Its endpoint answers inside the network only; losing it or its key would lose the cluster's secrets."""
    cluster = only(registered(Cluster), ":Cluster")
    network = cluster.inputs["vpcConfig"]
    assert (network["endpointPrivateAccess"], network["endpointPublicAccess"]) == (True, False)
    assert cluster.inputs["encryptionConfig"]["resources"] == ["secrets"]
    assert len(cluster.inputs["enabledClusterLogTypes"]) == 5
    assert cluster.protect
    assert cluster.inputs["deletionProtection"] is True
    assert cluster.inputs["accessConfig"]["authenticationMode"] == "API"
    assert {one.inputs["addonName"] for one in registered(Cluster) if one.type.endswith(":Addon")} == {
        "eks-pod-identity-agent",
        "vpc-cni",
        "kube-proxy",
    }


def test_name_resolution_is_the_add_on_that_waits_for_nodes():
    """CoreDNS of the version that the stack pins."""
    addon = only(registered(ClusterDns), ":Addon").inputs
    assert (addon["addonName"], addon["addonVersion"]) == ("coredns", "v1.14.3-eksbuild.3")


def test_a_p5_pool_has_its_32_efa_interfaces_in_one_placement_group():
    """
    One interface on each of 32 network cards; the first on device 0 and every other on device 1.

    Source: Amazon EC2 user guide, "Maximize network bandwidth on instances with multiple network cards" (P5: 32 cards).
    """
    made = registered(NodePool)
    interfaces = only(made, ":LaunchTemplate").inputs["networkInterfaces"]
    assert [one["networkCardIndex"] for one in interfaces] == list(range(32))
    assert [one["deviceIndex"] for one in interfaces] == [0] + [1] * 31
    assert {one["interfaceType"] for one in interfaces} <= {"efa", "efa-only"}
    assert only(made, ":PlacementGroup").inputs["strategy"] == "cluster"
    rules = [one.inputs for one in made if one.type.endswith("gressRule")]
    assert {one["ipProtocol"] for one in rules} == {"-1"}
    assert {one["referencedSecurityGroupId"] for one in rules} == {"p5-fabric-id"}


def test_a_pool_is_what_the_plan_bought_and_hands_no_credentials_to_pods():
    """Two machines, no more; metadata by token, and not one hop further."""
    group = only(registered(NodePool), ":NodeGroup").inputs
    assert group["scalingConfig"] == {"minSize": 2, "desiredSize": 2, "maxSize": 2}
    metadata = only(registered(NodePool), ":LaunchTemplate").inputs["metadataOptions"]
    assert (metadata["httpTokens"], metadata["httpPutResponseHopLimit"]) == ("required", 1)
    assert group["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]


def test_the_autoscaler_may_change_the_size_of_its_own_clusters_groups_alone():
    """
    By the tag that EKS puts on them; what it may do to all is to look.

    Source: kubernetes/autoscaler, cloudprovider/aws README: the two actions that change anything, and auto-discovery.
    """
    looks, groups, changes = documents(ClusterAutoscaler, ":RolePolicy")
    assert all(action.partition(":")[2].startswith(("Describe", "Get")) for action in looks["Action"])
    assert (groups["Action"], groups["Resource"]) == (
        "eks:DescribeNodegroup",
        "arn:*:eks:*:*:nodegroup/sizeup-test/*/*",
    )
    assert changes["Action"] == ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    owned = {"aws:ResourceTag/k8s.io/cluster-autoscaler/sizeup-test": "owned"}
    assert changes["Condition"] == {"StringEquals": owned}
    (trust,) = documents(ClusterAutoscaler, "iam/role:Role", "assumeRolePolicy")
    assert trust["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-service-account"] == "cluster-autoscaler"


def test_the_autoscaler_finds_the_groups_of_its_cluster_and_runs_without_privileges():
    """It starts after its identity and its permissions."""
    made = registered(ClusterAutoscaler)
    deployment = only(made, "apps/v1:Deployment")
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    tags = "k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/sizeup-test"
    assert f"--node-group-auto-discovery=asg:tag={tags}" in container["command"]
    assert container["env"] == [{"name": "AWS_REGION", "value": "us-east-1"}]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    (port,), probe = container["ports"], container["livenessProbe"]["httpGet"]  # :8085, unless --address says otherwise
    assert (probe, port["containerPort"]) == ({"path": "/health-check", "port": port["name"]}, 8085)
    assert set(deployment.dependencies) >= {"autoscaler-cluster-role", "autoscaler-own-role"}
    assert "autoscaler-association" in only(made, ":ServiceAccount").dependencies
    assert only(made, ":PodIdentityAssociation").dependencies == ("autoscaler-role", "autoscaler-scale")


def test_a_model_bucket_is_kept_closed_and_encrypted():
    """Protected and retained with its key; all four public blocks; TLS only; who reads it is logged."""
    made = registered(ModelBucket)
    for kind in (":Bucket", ":Key"):
        assert (only(made, kind).protect, only(made, kind).retain_on_delete) == (True, True)
    block = only(made, ":BucketPublicAccessBlock").inputs
    assert {key: value for key, value in block.items() if key != "bucket"} == dict.fromkeys(
        ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
    )
    (denied,) = documents(ModelBucket, ":BucketPolicy")
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert only(made, ":BucketLogging").inputs["targetBucket"] == "access-log-1a2b"


def test_the_access_log_takes_logs_of_this_account_and_keeps_them_a_year():
    """And outlives the stack, as the buckets do that it tells of."""
    delivery = next(one for one in documents(AccessLog, ":BucketPolicy") if one["Effect"] == "Allow")
    assert delivery["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    (rule,) = only(registered(AccessLog), ":BucketLifecycleConfiguration").inputs["rules"]
    assert rule["expiration"]["days"] == 365
    assert only(registered(AccessLog), ":Bucket").protect


def test_the_log_key_may_be_used_by_the_logs_of_its_region_and_account_alone():
    """A service that uses a key by itself has to be named in the key's policy."""
    service = next(
        one
        for one in documents(LogKey, ":KeyPolicy")
        if one["Principal"] == {"Service": "logs.us-east-1.amazonaws.com"}
    )
    assert service["Condition"]["ArnLike"] == {
        "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:log-group:*"
    }
    key = only(registered(LogKey), ":Key")
    assert (key.inputs["enableKeyRotation"], key.protect) == (True, True)


def test_pods_of_one_service_account_read_one_bucket():
    """No more than list, get and decrypt; and only in one cluster."""
    allowed = {one["Action"]: one["Resource"] for one in documents(PodIdentity, ":RolePolicy")}
    assert allowed == {
        "s3:ListBucket": "arn:aws:s3:::models",
        "s3:GetObject": "arn:aws:s3:::models/*",
        "kms:Decrypt": KEY,
    }
    (trust,) = documents(PodIdentity, ":Role", "assumeRolePolicy")
    assert trust["Condition"]["StringEquals"]["aws:RequestTag/eks-cluster-arn"] == CLUSTER
    assert only(registered(PodIdentity), ":PodIdentityAssociation").dependencies == ("chat-read", "chat-role")
