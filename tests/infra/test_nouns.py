"""Resource types in plain words."""

from __future__ import annotations

import pytest

from infra.render.nouns import component_noun, counted, noun


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("aws:ec2/vpc:Vpc", "VPC"),
        ("aws:ec2/natGateway:NatGateway", "NAT gateway"),
        ("aws:ec2/eip:Eip", "Elastic IP"),
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "VPC endpoint"),
        ("aws:eks/cluster:Cluster", "EKS cluster"),
        ("aws:eks/nodeGroup:NodeGroup", "node group"),
        ("aws:iam/role:Role", "IAM role"),
        ("aws:kms/key:Key", "KMS key"),
        ("gcp:container/cluster:Cluster", "GKE cluster"),
        ("gcp:projects/iAMMember:IAMMember", "IAM member"),
        ("gcp:storage/bucketIAMMember:BucketIAMMember", "bucket IAM member"),
        ("kubernetes:policy/v1:PodDisruptionBudget", "pod disruption budget"),
        ("pulumi:providers:aws", "aws provider"),
    ],
)
def test_types_read_as_the_field_says_them(kind: str, word: str) -> None:
    """Words in lower case, acronyms as such, the service named where the kind alone says too little."""
    assert noun(kind) == word


def test_a_component_is_called_the_same_on_both_clouds() -> None:
    """The cloud is in the first line already."""
    assert (
        component_noun("sizeup:index:AwsModelBucket") == component_noun("sizeup:index:GcpModelBucket") == "model bucket"
    )


def test_lists_are_counted_in_the_order_of_appearance() -> None:
    """One thing has no number, several have a plural."""
    kinds = ["aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/policy:Policy", "aws:ec2/subnet:Subnet"]
    assert (
        counted(["aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucketVersioning:BucketVersioning"]) == "2 bucket settings"
    )
    assert counted([*kinds, "aws:iam/policy:Policy"]) == "VPC, 2 subnets, 2 IAM policies"
