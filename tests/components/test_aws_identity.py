"""Pods of a workload may read one bucket, and nobody else becomes them."""

from __future__ import annotations

import functools
import json

from components.aws.identity import PodIdentity, PodIdentityArgs
from tests.recording import Registered, only, recorded


@functools.cache
def identity() -> tuple[Registered, ...]:
    def program() -> None:
        PodIdentity(
            "chat",
            PodIdentityArgs(
                cluster_name="sizeup-test",
                cluster_arn="arn:aws:eks:us-east-1:1:cluster/sizeup-test",
                namespace="chat",
                service_account="model-server",
                bucket_arn="arn:aws:s3:::models",
                key_arn="arn:aws:kms:us-east-1:1:key/k",
            ),
        )

    return recorded(program)


def test_only_pods_of_one_service_account_in_one_cluster_become_the_role():
    """EKS tags its sessions, so tagging is allowed beside assuming; the tags are the condition."""
    (statement,) = json.loads(only(identity(), ":Role").inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": "arn:aws:eks:us-east-1:1:cluster/sizeup-test",
        "aws:RequestTag/kubernetes-namespace": "chat",
        "aws:RequestTag/kubernetes-service-account": "model-server",
    }


def test_the_role_reads_one_bucket_and_can_change_nothing():
    """Each action names its resource; none is a wildcard, none writes."""
    statements = json.loads(only(identity(), ":RolePolicy").inputs["policy"])["Statement"]
    granted = {statement["Action"]: statement["Resource"] for statement in statements}
    assert granted == {
        "s3:ListBucket": "arn:aws:s3:::models",
        "s3:GetObject": "arn:aws:s3:::models/*",
        "kms:Decrypt": "arn:aws:kms:us-east-1:1:key/k",
    }


def test_the_association_names_the_account_that_the_pods_use():
    """Namespace and service account are those of the serving stack."""
    association = only(identity(), ":PodIdentityAssociation").inputs
    assert (association["namespace"], association["serviceAccount"]) == ("chat", "model-server")
    assert association["roleArn"] == "arn:chat-role"


def test_pods_get_the_role_only_once_it_may_read():
    """Pods wait for the association, which waits for the permission: no server starts that is turned away."""
    assert "chat-read" in only(identity(), ":PodIdentityAssociation").dependencies
