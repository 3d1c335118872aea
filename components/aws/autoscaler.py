"""
What takes machines away in the hours that need fewer, and brings them back: the Kubernetes cluster autoscaler.

GKE has one of its own. Here it runs on the system machines, finds the node groups of its own cluster by the tags that
EKS puts on them, and moves their size between their least and their most. Permissions and flags after
kubernetes/autoscaler cluster-autoscaler/cloudprovider/aws (README, examples) and its chart, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import eks, iam
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.rbac import v1 as rbac

from components.arguments import checked
from components.aws.identity import pod_trust
from components.rules.broken import broken
from components.rules.kubernetes_pods import tag_mistakes
from sizing.errors import Problem

NAMESPACE, NAME = "kube-system", "cluster-autoscaler"
NOBODY = 65532  # the user of images without a system of their own
PORT = 8085  # where it answers, unless it is told another
_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/managed-by": "sizeup"}
_READS = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeTags",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
)
_WATCH = ("get", "list", "watch")


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterAutoscalerArgs:
    """Whose node groups it moves, and which program does."""

    cluster_name: str
    cluster_arn: pulumi.Input[str]
    region: str
    image: str  # of the Kubernetes minor version of the cluster
    after: Sequence[pulumi.Resource] = ()  # the nodes that it runs on, and name resolution

    def broken_rules(self) -> Iterator[Problem]:
        """What its pod would break."""
        return broken("image-tag", "image", tag_mistakes(self.image))


def scaling_policy(cluster_name: str) -> str:
    """Permission to see what can be scaled, and to change the size of groups that EKS marks as this cluster's."""
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}": "owned"}}
    statements = [
        {"Effect": "Allow", "Action": list(_READS), "Resource": "*"},  # the calls know no narrower one
        {
            "Effect": "Allow",
            "Action": "eks:DescribeNodegroup",  # labels and taints of groups without machines
            "Resource": f"arn:*:eks:*:*:nodegroup/{cluster_name}/*/*",
        },
        {
            "Effect": "Allow",
            "Action": ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            "Resource": "arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/eks-*",
            "Condition": owned,
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def flags(cluster_name: str) -> list[str]:
    """How it is started."""
    tags = f"k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{cluster_name}"
    return [
        "--cloud-provider=aws",
        f"--node-group-auto-discovery=asg:tag={tags}",
        "--expander=least-waste",
        "--balance-similar-node-groups",  # over zones, as planned
        "--skip-nodes-with-local-storage=false",  # servers keep caches on local disks, which may go with them
    ]


@checked
class ClusterAutoscaler(pulumi.ComponentResource):
    """The autoscaler of one cluster, with its role; providers of AWS and of the cluster come with the options."""

    def __init__(self, name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the autoscaler of *args*."""
        super().__init__("sizeup:index:AwsClusterAutoscaler", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        association = _role(name, args, child)
        account = v1.ServiceAccount(
            f"{name}-account",
            metadata=_metadata(),
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[association]),
        )
        bound = _permissions(name, pulumi.ResourceOptions(parent=self, depends_on=[account]))
        apps.Deployment(
            name,
            metadata=_metadata(),
            spec=apps.DeploymentSpecArgs(
                replicas=1,
                selector=meta.LabelSelectorArgs(match_labels=_LABELS),
                template=v1.PodTemplateSpecArgs(metadata=meta.ObjectMetaArgs(labels=_LABELS), spec=_pod(args)),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*bound, *args.after]),
        )
        self.register_outputs({})


def _metadata() -> meta.ObjectMetaArgs:
    return meta.ObjectMetaArgs(name=NAME, namespace=NAMESPACE, labels=_LABELS)


def _role(name: str, args: ClusterAutoscalerArgs, opts: pulumi.ResourceOptions) -> eks.PodIdentityAssociation:
    """Who the pod is to AWS; it must start later than this, or it gets no credentials."""
    trust = pulumi.Output.from_input(args.cluster_arn).apply(
        lambda arn: pod_trust(arn, namespace=NAMESPACE, service_account=NAME)
    )
    role = iam.Role(f"{name}-role", assume_role_policy=trust, opts=opts)
    allowed = iam.RolePolicy(f"{name}-scale", role=role.name, policy=scaling_policy(args.cluster_name), opts=opts)
    return eks.PodIdentityAssociation(
        f"{name}-association",
        cluster_name=args.cluster_name,
        namespace=NAMESPACE,
        service_account=NAME,
        role_arn=role.arn,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[allowed])),
    )


def _pod(args: ClusterAutoscalerArgs) -> v1.PodSpecArgs:
    """One container without privileges, on machines that carry no taint: those of the system."""
    return v1.PodSpecArgs(
        priority_class_name="system-cluster-critical",
        service_account_name=NAME,
        automount_service_account_token=True,
        security_context=v1.PodSecurityContextArgs(
            run_as_non_root=True,
            run_as_user=NOBODY,
            seccomp_profile=v1.SeccompProfileArgs(type="RuntimeDefault"),
        ),
        containers=[
            v1.ContainerArgs(
                name="autoscaler",
                image=args.image,
                image_pull_policy="IfNotPresent",
                command=["./cluster-autoscaler", *flags(args.cluster_name)],
                env=[v1.EnvVarArgs(name="AWS_REGION", value=args.region)],
                ports=[v1.ContainerPortArgs(name="http", container_port=PORT)],
                liveness_probe=_liveness(),
                security_context=v1.SecurityContextArgs(
                    allow_privilege_escalation=False,
                    read_only_root_filesystem=True,
                    capabilities=v1.CapabilitiesArgs(drop=["ALL"]),
                ),
                resources=v1.ResourceRequirementsArgs(
                    requests={"cpu": "100m", "memory": "600Mi"}, limits={"memory": "600Mi"}
                ),
            )
        ],
    )


def _liveness() -> v1.ProbeArgs:
    """
    It answers that it is well as long as its loop turns.

    After ten minutes without a turn (`--max-inactivity`), or fifteen without a good one, it does not, and is begun
    anew. Probed as its chart does; three failures in a row at ten seconds each are the API's own defaults.
    """
    return v1.ProbeArgs(
        http_get=v1.HTTPGetActionArgs(path="/health-check", port="http"), period_seconds=10, failure_threshold=3
    )


def _permissions(name: str, opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """What it may do in the cluster: watch what asks for machines, drain them, and keep its own notes."""
    everywhere = rbac.ClusterRole(
        f"{name}-cluster-role",
        metadata=meta.ObjectMetaArgs(name=NAME, labels=_LABELS),
        rules=[rbac.PolicyRuleArgs(**rule) for rule in _everywhere()],
        opts=opts,
    )
    own = rbac.Role(
        f"{name}-own-role",
        metadata=_metadata(),
        rules=[rbac.PolicyRuleArgs(**rule) for rule in _in_its_namespace()],
        opts=opts,
    )
    subject = rbac.SubjectArgs(kind="ServiceAccount", name=NAME, namespace=NAMESPACE)
    group = "rbac.authorization.k8s.io"
    return [
        rbac.ClusterRoleBinding(
            f"{name}-cluster-role",
            metadata=meta.ObjectMetaArgs(name=NAME, labels=_LABELS),
            role_ref=rbac.RoleRefArgs(api_group=group, kind="ClusterRole", name=NAME),
            subjects=[subject],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[everywhere])),
        ),
        rbac.RoleBinding(
            f"{name}-own-role",
            metadata=_metadata(),
            role_ref=rbac.RoleRefArgs(api_group=group, kind="Role", name=NAME),
            subjects=[subject],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[own])),
        ),
    ]


def _rule(group: str, resources: str, verbs: Sequence[str], *, only: Sequence[str] = ()) -> dict[str, list[str]]:
    """Verbs on resources of one API group, and of those only what is named so, where anything is."""
    named = {"resource_names": list(only)} if only else {}
    return {"api_groups": [group], "resources": resources.split(), "verbs": list(verbs), **named}


def _everywhere() -> list[dict[str, list[str]]]:
    seen = "namespaces pods services replicationcontrollers persistentvolumeclaims persistentvolumes"
    return [
        _rule("", "events endpoints", ("create", "patch")),
        _rule("", "pods/eviction", ("create",)),
        _rule("", "pods/status", ("update",)),
        _rule("", "endpoints", ("get", "update"), only=(NAME,)),
        _rule("", "nodes", (*_WATCH, "update")),
        _rule("", seen, _WATCH),
        _rule("apps", "statefulsets replicasets daemonsets", _WATCH),
        _rule("batch", "jobs cronjobs", _WATCH),
        _rule("policy", "poddisruptionbudgets", ("list", "watch")),
        _rule(
            "storage.k8s.io",
            "storageclasses csinodes csidrivers csistoragecapacities volumeattachments",
            _WATCH,
        ),
        _rule("coordination.k8s.io", "leases", ("create",)),
        _rule("coordination.k8s.io", "leases", ("get", "update"), only=(NAME,)),
    ]


def _in_its_namespace() -> list[dict[str, list[str]]]:
    return [
        _rule("", "configmaps", ("create", "list", "watch")),
        _rule("", "configmaps", ("delete", "get", "update", "watch"), only=(f"{NAME}-status",)),
    ]
