"""Who the pods of a workload are to AWS: a role that may read one bucket, given to one service account."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import eks, iam

from components.arguments import checked

POD_IDENTITY_SERVICE = "pods.eks.amazonaws.com"
POD_IDENTITY_ENDPOINT = "169.254.170.23/32"  # of the agent on every node; credentials come from here on port 80


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class PodIdentityArgs:
    """Which service account may read which bucket."""

    cluster_name: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    namespace: str
    service_account: str
    bucket_arn: pulumi.Input[str]
    key_arn: pulumi.Input[str]


def pod_trust(cluster_arn: str, *, namespace: str, service_account: str) -> str:
    """
    Trust policy: pods of one service account in one cluster.

    EKS tags its sessions, so `sts:TagSession` has to be allowed beside `sts:AssumeRole`.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": POD_IDENTITY_SERVICE},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringEquals": {
                "aws:RequestTag/eks-cluster-arn": cluster_arn,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            }
        },
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def read_policy(bucket_arn: str, key_arn: str) -> str:
    """Permission to list and read one bucket, and to decrypt with its key."""
    statements = [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket_arn},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket_arn}/*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@checked
class PodIdentity(pulumi.ComponentResource):
    """
    A role for the pods of one service account, and its association.

    Attributes:
        association: What pods have to wait for: EKS gives an identity only to pods that start after it.
    """

    association: eks.PodIdentityAssociation

    def __init__(self, name: str, args: PodIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the identity of *args*."""
        super().__init__("sizeup:index:AwsPodIdentity", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        trust = pulumi.Output.from_input(args.cluster_arn).apply(
            lambda arn: pod_trust(arn, namespace=args.namespace, service_account=args.service_account)
        )
        role = iam.Role(f"{name}-role", assume_role_policy=trust, opts=child)
        policy = pulumi.Output.all(args.bucket_arn, args.key_arn).apply(lambda arns: read_policy(arns[0], arns[1]))
        allowed = iam.RolePolicy(f"{name}-read", role=role.name, policy=policy, opts=child)
        self.association = eks.PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),  # or pods start that may not read yet
        )
        self.register_outputs({"roleArn": role.arn})
