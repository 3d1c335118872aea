"""
The EKS control plane of a stack, who may use it, and the add-ons that have to be there before nodes join.

The Kubernetes API is private. A stack that is applied from outside the network names its own addresses in
`api_access_cidrs`; everyone else is turned away even then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, eks, iam

from components.arguments import checked
from components.aws.encryption import key_with_policy
from components.aws.identity import POD_IDENTITY_SERVICE
from components.aws.network import service_trust
from components.rules.aws_cluster import open_api_mistakes, zone_mistakes
from components.rules.broken import broken
from sizing.errors import Problem

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
LOG_RETENTION_DAYS = 365  # who did what to the cluster is asked for long after
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
CNI_POLICY = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
NODE_POLICIES: Mapping[str, str] = {
    "worker": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "images": "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
}

# Before nodes: without the CNI no node gets ready, and the CNI takes its role from the identity agent.
ADDONS_BEFORE_NODES = ("eks-pod-identity-agent", "vpc-cni", "kube-proxy")


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterArgs:
    """What the control plane needs."""

    cluster_name: str
    region: str
    kubernetes: str  # minor version: 1.35
    addons: Mapping[str, str]  # version of each of ADDONS_BEFORE_NODES, and of coredns: v1.14.3-eksbuild.3
    admin_principals: tuple[str, ...]  # IAM role or user ARNs
    api_access_cidrs: tuple[str, ...]  # empty: private only
    subnet_ids: Sequence[pulumi.Input[str]]
    log_key_arn: pulumi.Input[str]  # encrypts the control plane's logs

    def broken_rules(self) -> Iterator[Problem]:
        """What a cluster of these arguments would break."""
        for place, what in open_api_mistakes(self.api_access_cidrs):
            yield from broken("eks-api-open", f"api_access_cidrs{place}", [what])
        yield from broken("eks-zones", "subnet_ids", zone_mistakes(len(self.subnet_ids)))
        missing = [addon for addon in ADDONS_BEFORE_NODES if not self.addons.get(addon)]
        yield from broken("addon-pinned", "addons", (f"states no version of {addon}" for addon in missing))


def principal_name(arn: str) -> str:
    """The end of a principal's ARN, as a part of a resource name."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", arn.rpartition(":")[2]).strip("-").lower()


def kubeconfig(*, name: str, region: str, endpoint: str, certificate_authority: str) -> str:
    """A kubeconfig whose token the AWS CLI makes anew for each use: nothing in it expires, or is worth stealing."""
    run = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", region, "--output", "json"],
        "interactiveMode": "Never",
    }
    cluster = {"server": endpoint, "certificate-authority-data": certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"exec": run}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
    )


def pod_identity_trust() -> str:
    """Trust policy of a role of an add-on; EKS ties it to the add-on's own service account."""
    actions = ["sts:AssumeRole", "sts:TagSession"]
    statement = {"Effect": "Allow", "Principal": {"Service": POD_IDENTITY_SERVICE}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@checked
class Cluster(pulumi.ComponentResource):
    """
    Control plane, node role and early add-ons.

    Attributes:
        name: Of the cluster.
        arn: ARN of the cluster.
        endpoint: Address of the Kubernetes API; new with every cluster, even of the same name.
        kubeconfig: For the Kubernetes provider; a secret.
        security_group_id: Group that EKS puts on the control plane and on nodes.
        node_role_arn: Role of every node.
        ready_for_nodes: What node groups have to wait for.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    node_role_arn: pulumi.Output[str]
    ready_for_nodes: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the control plane of *args*."""
        super().__init__("sizeup:index:AwsCluster", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        cluster = _control_plane(name, args, child)
        _administrators(name, args, cluster, child)
        node_role, attachments = _node_role(name, child)
        addons = _early_addons(name, args, cluster, child)
        self.name = cluster.name
        self.arn = cluster.arn
        self.endpoint = cluster.endpoint
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(cluster.endpoint, cluster.certificate_authority.data).apply(
                lambda known: kubeconfig(
                    name=args.cluster_name, region=args.region, endpoint=known[0], certificate_authority=known[1]
                )
            )
        )
        self.security_group_id = cluster.vpc_config.cluster_security_group_id
        self.node_role_arn = node_role.arn
        self.ready_for_nodes = [*attachments, *addons]
        self.register_outputs({"name": self.name, "arn": self.arn, "endpoint": self.endpoint})


def _control_plane(name: str, args: ClusterArgs, opts: pulumi.ResourceOptions) -> eks.Cluster:
    """The cluster itself; protected from deletion here and by EKS."""
    role = iam.Role(f"{name}-control-plane", assume_role_policy=service_trust("eks.amazonaws.com"), opts=opts)
    attached = iam.RolePolicyAttachment(f"{name}-control-plane", role=role.name, policy_arn=CLUSTER_POLICY, opts=opts)
    key = key_with_policy(
        f"{name}-secrets",
        description=f"Kubernetes secrets of {args.cluster_name}",
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=True)),
    )
    logs = cloudwatch.LogGroup(  # EKS would make it itself, and keep it for ever
        f"{name}-logs",
        name=f"/aws/eks/{args.cluster_name}/cluster",
        retention_in_days=LOG_RETENTION_DAYS,
        kms_key_id=args.log_key_arn,
        opts=opts,
    )
    public = bool(args.api_access_cidrs)
    return eks.Cluster(
        f"{name}-eks",
        name=args.cluster_name,
        role_arn=role.arn,
        version=args.kubernetes,
        vpc_config=eks.ClusterVpcConfigArgs(
            subnet_ids=list(args.subnet_ids),
            endpoint_private_access=True,
            endpoint_public_access=public,
            public_access_cidrs=list(args.api_access_cidrs) if public else None,
        ),
        access_config=eks.ClusterAccessConfigArgs(
            authentication_mode="API",
            # Whoever creates the cluster also creates what runs on it; EKS cannot change this later.
            bootstrap_cluster_creator_admin_permissions=True,
        ),
        encryption_config=eks.ClusterEncryptionConfigArgs(
            resources=["secrets"], provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn)
        ),
        enabled_cluster_log_types=list(LOGS),
        bootstrap_self_managed_addons=False,
        deletion_protection=True,
        upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),  # never on to the dearer extended support
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                protect=True,
                depends_on=[attached, logs],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
            ),
        ),
    )


def _administrators(name: str, args: ClusterArgs, cluster: eks.Cluster, opts: pulumi.ResourceOptions) -> None:
    """Access entries; there is no aws-auth ConfigMap to lock oneself out with."""
    for principal in args.admin_principals:
        admin = f"{name}-admin-{principal_name(principal)}"
        entry = eks.AccessEntry(admin, cluster_name=cluster.name, principal_arn=principal, type="STANDARD", opts=opts)
        eks.AccessPolicyAssociation(
            admin,
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=ADMIN_POLICY,
            access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
            opts=opts,
        )


def _node_role(name: str, opts: pulumi.ResourceOptions) -> tuple[iam.Role, list[pulumi.Resource]]:
    """What nodes may do: join, and pull images. Pods have roles of their own."""
    role = iam.Role(f"{name}-node", assume_role_policy=service_trust("ec2.amazonaws.com"), opts=opts)
    attachments = [
        iam.RolePolicyAttachment(f"{name}-node-{what}", role=role.name, policy_arn=arn, opts=opts)
        for what, arn in NODE_POLICIES.items()
    ]
    return role, list(attachments)


def _early_addons(
    name: str, args: ClusterArgs, cluster: eks.Cluster, opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """The add-ons that nodes wait for; the CNI with a role of its own, so that nodes need not have its permissions."""
    cni_role = iam.Role(f"{name}-cni", assume_role_policy=pod_identity_trust(), opts=opts)
    attached = iam.RolePolicyAttachment(f"{name}-cni", role=cni_role.name, policy_arn=CNI_POLICY, opts=opts)
    identity = [eks.AddonPodIdentityAssociationArgs(role_arn=cni_role.arn, service_account="aws-node")]
    return [
        eks.Addon(
            f"{name}-{addon}",
            cluster_name=cluster.name,
            addon_name=addon,
            addon_version=args.addons[addon],
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            pod_identity_associations=identity if addon == "vpc-cni" else None,
            configuration_values=json.dumps({"enableNetworkPolicy": "true"}) if addon == "vpc-cni" else None,
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[attached])),
        )
        for addon in ADDONS_BEFORE_NODES
    ]


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDnsArgs:
    """Name resolution inside the cluster."""

    cluster_name: pulumi.Input[str]
    version: str  # v1.14.3-eksbuild.3
    after: Sequence[pulumi.Resource]  # the nodes that it runs on: without any, it never gets ready


@checked
class ClusterDns(pulumi.ComponentResource):
    """
    CoreDNS, which unlike the other add-ons needs nodes to run on.

    Attributes:
        addon: What pods have to wait for that resolve names.
    """

    addon: eks.Addon

    def __init__(self, name: str, args: ClusterDnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the add-on of *args*."""
        super().__init__("sizeup:index:AwsClusterDns", name, None, opts)
        self.addon = eks.Addon(
            f"{name}-coredns",
            cluster_name=args.cluster_name,
            addon_name="coredns",
            addon_version=args.version,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
        )
        self.register_outputs({})
