"""Service accounts: one for the nodes, one for the model servers, each with what it needs and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
from pulumi_gcp import projects, serviceaccount, storage

from components.arguments import checked
from components.gcp.naming import ACCOUNT_ID, gcp_name

# What a node does by itself: write logs and metrics, pull images. Not storage.objectViewer, which samples add for
# images in gcr.io buckets: over a whole project it would let every node read every bucket.
NODE_ROLES: Mapping[str, str] = MappingProxyType(
    {
        "logs": "roles/logging.logWriter",
        "metrics": "roles/monitoring.metricWriter",
        "monitoring": "roles/monitoring.viewer",
        "metadata": "roles/stackdriver.resourceMetadata.writer",
        "images": "roles/artifactregistry.reader",
    }
)
READ_OBJECTS = "roles/storage.objectViewer"
IMPERSONATE = "roles/iam.workloadIdentityUser"
ANNOTATION = "iam.gke.io/gcp-service-account"  # on the Kubernetes service account: who it is for Google


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class NodeIdentityArgs:
    """Whose nodes."""

    project: str
    stack: str


@checked
class NodeIdentity(pulumi.ComponentResource):
    """
    The service account that nodes run as, instead of the project's default one, which may edit everything.

    Attributes:
        email: Of the service account, known once it has its roles: a node without them cannot pull or log.
    """

    email: pulumi.Output[str]

    def __init__(self, name: str, args: NodeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the account of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpNodeIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            name,
            account_id=gcp_name(f"{args.stack}-nodes", limit=ACCOUNT_ID),
            display_name=f"GKE nodes of {args.stack}",
            opts=child,
        )
        grants = [
            projects.IAMMember(f"{name}-{key}", project=args.project, role=role, member=account.member, opts=child)
            for key, role in NODE_ROLES.items()
        ]
        self.email = pulumi.Output.all(account.email, *[grant.id for grant in grants]).apply(lambda x: str(x[0]))
        self.register_outputs({"email": self.email})


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class ServingIdentityArgs:
    """Which Kubernetes service account may read which buckets."""

    project: str
    stack: str
    workload: str
    namespace: str
    service_account: str  # of Kubernetes
    buckets: Mapping[str, pulumi.Input[str]]  # name in the plan to name of the bucket


@checked
class ServingIdentity(pulumi.ComponentResource):
    """
    Who the model servers of one workload are for Google: readers of the model buckets, without a key file.

    The cluster has to exist first: the project's workload identity pool comes with it.

    Attributes:
        annotations: To put on the Kubernetes service account.
    """

    annotations: dict[str, pulumi.Input[str]]

    def __init__(self, name: str, args: ServingIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the identity of *args*; the provider comes with *opts*."""
        super().__init__("sizeup:index:GcpServingIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            name,
            account_id=gcp_name(f"{args.stack}-{args.workload}", limit=ACCOUNT_ID),
            display_name=f"Model servers of {args.workload} in {args.stack}",
            opts=child,
        )
        for key, bucket in args.buckets.items():
            storage.BucketIAMMember(
                f"{name}-read-{key}", bucket=bucket, role=READ_OBJECTS, member=account.member, opts=child
            )
        serviceaccount.IAMMember(
            f"{name}-workload",
            service_account_id=account.name,
            role=IMPERSONATE,
            member=f"serviceAccount:{args.project}.svc.id.goog[{args.namespace}/{args.service_account}]",
            opts=child,
        )
        self.annotations = {ANNOTATION: account.email}
        self.register_outputs({"email": account.email})
