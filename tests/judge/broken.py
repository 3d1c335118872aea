"""Graphs broken on purpose: for each check of the security baseline, the change that it is there to find."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace

from components.graph import Graph, Resource, Value

GONE = object()  # in place of a value: the key goes

_CONTAINER = ("spec", "template", "spec", "containers", 0)
_POD = ("spec", "template", "spec")
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_EKS = "aws:eks/cluster:Cluster"
_GKE = "gcp:container/cluster:Cluster"
_POOL = "gcp:container/nodePool:NodePool"
# With its ports: a rule of all protocols that names none passes checkov, which does not look at `ip_protocol`.
_PUBLIC = {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1", "fromPort": -1, "toPort": -1, "referencedSecurityGroupId": GONE}
_ANYONE = "allUsers"


@dataclass(frozen=True, slots=True)
class Break:
    """One input of the resources of one type changed, and what has to be found then."""

    checks: str  # CKV_AWS_39 CKV_AWS_38
    type: str
    path: tuple[str | int, ...]
    value: object
    on_a_twin: bool = False  # a copy is broken, where another break would be in the way


AWS = (
    Break("CKV_AWS_39", _EKS, ("vpcConfig", "endpointPublicAccess"), True),
    Break("CKV_AWS_38", _EKS, ("vpcConfig", "publicAccessCidrs"), ["0.0.0.0/0"]),
    Break("CKV_AWS_58", _EKS, ("encryptionConfig",), GONE),
    Break("CKV_AWS_37", _EKS, ("enabledClusterLogTypes",), ["api"]),
    Break("CKV_AWS_339", _EKS, ("version",), "1.21"),
    Break("CKV_AWS_100", "aws:eks/nodeGroup:NodeGroup", ("remoteAccess",), {"ec2SshKey": "key"}),
    Break("CKV_AWS_79", "aws:ec2/launchTemplate:LaunchTemplate", ("metadataOptions", "httpTokens"), "optional"),
    Break("CKV_AWS_130", "aws:ec2/subnet:Subnet", ("mapPublicIpOnLaunch",), True),
    Break("CKV2_AWS_12", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", ("ingress",), [{"protocol": "-1"}]),
    Break("CKV_AWS_23", "aws:ec2/securityGroup:SecurityGroup", ("description",), GONE),
    Break("CKV_AWS_277", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", (), _PUBLIC),
    Break("CKV_AWS_382", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", (), _PUBLIC),
    Break("CKV_AWS_53", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ("blockPublicAcls",), False),
    Break("CKV_AWS_54", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ("blockPublicPolicy",), False),
    Break("CKV_AWS_55", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ("ignorePublicAcls",), False),
    Break("CKV_AWS_56", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", ("restrictPublicBuckets",), False),
    Break(
        "CKV_AWS_145",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        ("rules", 0, "applyServerSideEncryptionByDefault", "sseAlgorithm"),
        "AES256",
    ),
    Break(
        "CKV_AWS_300",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        ("rules", 0, "abortIncompleteMultipartUpload"),
        GONE,
    ),
    Break(
        "CKV2_AWS_65",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        ("rule", "objectOwnership"),
        "ObjectWriter",
    ),
    Break("CKV_AWS_7", "aws:kms/key:Key", ("enableKeyRotation",), False),
    Break(
        "CKV_AWS_33",
        "aws:kms/key:Key",
        ("policy",),
        '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}]}',
    ),
    Break("CKV_AWS_66 CKV_AWS_338", "aws:cloudwatch/logGroup:LogGroup", ("retentionInDays",), GONE),
    Break("CKV_AWS_158", "aws:cloudwatch/logGroup:LogGroup", ("kmsKeyId",), GONE),
)

KUBERNETES = (
    Break("CKV_K8S_8", _DEPLOYMENT, (*_CONTAINER, "livenessProbe"), GONE),
    Break("CKV_K8S_9", _DEPLOYMENT, (*_CONTAINER, "readinessProbe"), GONE),
    Break("CKV_K8S_10 CKV_K8S_11 CKV_K8S_12 CKV_K8S_13", _DEPLOYMENT, (*_CONTAINER, "resources"), GONE),
    Break("CKV_K8S_14 CKV_K8S_43", _DEPLOYMENT, (*_CONTAINER, "image"), "vllm/vllm-openai:latest"),
    Break("CKV_K8S_16", _DEPLOYMENT, (*_CONTAINER, "securityContext", "privileged"), True),
    Break("CKV_K8S_20", _DEPLOYMENT, (*_CONTAINER, "securityContext", "allowPrivilegeEscalation"), True),
    Break("CKV_K8S_22", _DEPLOYMENT, (*_CONTAINER, "securityContext", "readOnlyRootFilesystem"), False),
    Break(
        "CKV_K8S_25 CKV_K8S_28 CKV_K8S_37 CKV_K8S_39",
        _DEPLOYMENT,
        (*_CONTAINER, "securityContext", "capabilities"),
        {"add": ["SYS_ADMIN"]},
    ),
    Break(
        "CKV_K8S_35",
        _DEPLOYMENT,
        (*_CONTAINER, "env"),
        [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}}],
    ),
    Break("CKV_K8S_17", _DEPLOYMENT, (*_POD, "hostPID"), True),
    Break("CKV_K8S_18", _DEPLOYMENT, (*_POD, "hostIPC"), True),
    Break("CKV_K8S_19", _DEPLOYMENT, (*_POD, "hostNetwork"), True),
    Break("CKV_K8S_23 CKV_K8S_31 CKV_K8S_40", _DEPLOYMENT, (*_POD, "securityContext"), {"runAsUser": 0}),
    Break("CKV_K8S_38", _DEPLOYMENT, (*_POD, "automountServiceAccountToken"), True),
    Break("CKV_K8S_21", _DEPLOYMENT, ("metadata", "namespace"), "default"),
    Break(
        "CKV_K8S_41",
        "kubernetes:core/v1:ServiceAccount",
        (),
        {"metadata": {"name": "default"}, "automountServiceAccountToken": True},
    ),
)

# Roles of the cluster's own interface: only what scales machines by hours needs any.
ROLES = (Break("CKV_K8S_49", "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", ("rules", 0, "verbs"), ["*"]),)

GCP = (
    Break("CKV_GCP_64", _GKE, ("privateClusterConfig",), GONE),
    Break("CKV_GCP_25", _GKE, ("privateClusterConfig",), GONE),
    Break("CKV_GCP_18", _GKE, ("masterAuthorizedNetworksConfig",), {"cidrBlocks": [{"cidrBlock": "0.0.0.0/0"}]}),
    Break("CKV_GCP_20", _GKE, ("masterAuthorizedNetworksConfig",), GONE, on_a_twin=True),
    Break("CKV_GCP_69", _POOL, ("nodeConfig", "workloadMetadataConfig"), {"mode": "GCE_METADATA"}),
    Break("CKV_GCP_71", _GKE, ("enableShieldedNodes",), False),
    Break("CKV_GCP_68", _POOL, ("nodeConfig", "shieldedInstanceConfig", "enableSecureBoot"), False),
    Break("CKV_GCP_72", _POOL, ("nodeConfig", "shieldedInstanceConfig", "enableIntegrityMonitoring"), False),
    Break("CKV_GCP_70", _GKE, ("releaseChannel",), GONE),
    Break("CKV_GCP_9", _POOL, ("management", "autoRepair"), False),
    Break("CKV_GCP_10", _POOL, ("management", "autoUpgrade"), False),
    Break("CKV_GCP_23", _GKE, ("ipAllocationPolicy",), GONE),
    Break("CKV_GCP_61", _GKE, ("enableIntranodeVisibility",), False),
    Break("CKV_GCP_26", "gcp:compute/subnetwork:Subnetwork", ("logConfig",), GONE),
    Break("CKV_GCP_74", "gcp:compute/subnetwork:Subnetwork", ("privateIpGoogleAccess",), False),
    Break("CKV_GCP_12", _GKE, ("datapathProvider",), "LEGACY_DATAPATH"),
    Break("CKV_GCP_7", _GKE, ("enableLegacyAbac",), True),
    Break("CKV_GCP_13", _GKE, ("masterAuth", "clientCertificateConfig", "issueClientCertificate"), True),
    Break("CKV_GCP_66", _GKE, ("binaryAuthorization",), GONE),
    Break("CKV_GCP_65", _GKE, ("authenticatorGroupsConfig",), GONE),
    Break("CKV_GCP_1", _GKE, ("loggingService",), "none"),
    Break("CKV_GCP_8", _GKE, ("monitoringService",), "none"),
    Break("CKV_GCP_21", _GKE, ("resourceLabels",), GONE),
    Break("CKV_GCP_123", _GKE, (), {"nodePools": [{"name": "inline"}], "removeDefaultNodePool": False}),
    Break("CKV2_GCP_19", _GKE, ("enableKubernetesAlpha",), True),
    Break("CKV_GCP_28", "gcp:storage/bucketIAMMember:BucketIAMMember", ("member",), _ANYONE),
    Break("CKV_GCP_29", "gcp:storage/bucket:Bucket", ("uniformBucketLevelAccess",), False),
    Break("CKV_GCP_114", "gcp:storage/bucket:Bucket", ("publicAccessPrevention",), "inherited"),
    Break("CKV_GCP_43", "gcp:kms/cryptoKey:CryptoKey", ("rotationPeriod",), "31536000s"),
    Break("CKV_GCP_112", "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember", ("member",), _ANYONE),
)

REMOVED = {  # type of the resource that goes, to what has to be found then: it stands for the reference between two
    "aws:ec2/flowLog:FlowLog": "CKV2_AWS_11",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "CKV2_AWS_6",
    "aws:s3/bucketVersioning:BucketVersioning": "CKV_AWS_21",
    "aws:s3/bucketLogging:BucketLogging": "CKV_AWS_18",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "CKV2_AWS_61",
    "aws:kms/keyPolicy:KeyPolicy": "CKV2_AWS_64",
}


def broken(graph: Graph, breaks: Iterable[Break]) -> Graph:
    """*graph* with all of *breaks*; each must meet a resource."""
    resources = list(graph.resources)
    for one in breaks:
        met = [at for at, resource in enumerate(resources) if resource.type == one.type]
        assert met, f"no {one.type} in {graph.stack}"
        for at in met:
            if one.on_a_twin:
                twin = replace(resources[at], urn=f"{resources[at].urn}-twin", name=f"{resources[at].name}-twin")
                resources.append(_changed(twin, one))
            else:
                resources[at] = _changed(resources[at], one)
    return replace(graph, resources=tuple(resources))


def without(graph: Graph, kinds: Iterable[str]) -> Graph:
    """*graph* without its resources of these types; each must be there."""
    gone = set(kinds)
    assert gone <= {resource.type for resource in graph.resources}
    return replace(graph, resources=tuple(one for one in graph.resources if one.type not in gone))


def _changed(resource: Resource, one: Break) -> Resource:
    inputs: dict[str, Value] = copy.deepcopy(dict(resource.inputs))
    if not one.path:
        assert isinstance(one.value, dict)
        for key, value in one.value.items():
            _set(inputs, (key,), value)
    else:
        _set(inputs, one.path, one.value)
    return replace(resource, inputs=inputs)


def _set(inputs: Value, path: tuple[str | int, ...], value: object) -> None:
    inner: object = inputs
    for step in path[:-1]:
        inner = inner[step]  # type: ignore[index]
    if value is GONE:
        inner.pop(path[-1], None)  # type: ignore[attr-defined]
    else:
        inner[path[-1]] = copy.deepcopy(value)  # type: ignore[index]
