"""Resource types in plain words: aws:ec2/natGateway:NatGateway is a NAT gateway."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+")
_ACRONYMS = frozenset({"api", "crd", "csi", "eip", "iam", "ip", "ipv4", "kms", "nat", "oidc", "sqs", "tpu", "vpc"})
_WHOLE = {
    "Addon": "add-on",
    "Eip": "Elastic IP",
    "CryptoKey": "KMS key",
    "KeyRing": "KMS key ring",
    "RouterNat": "Cloud NAT",
}
_PACKAGES = {"aws:kms/": "KMS ", "aws:iam/": "IAM ", "aws:eks/cluster:": "EKS ", "gcp:container/cluster:": "GKE "}

# Told together in a count, where each by its own name would fill the screen.
_FAMILIES = {
    "SecurityGroupIngressRule": "security group rule",
    "SecurityGroupEgressRule": "security group rule",
    "RolePolicy": "IAM role policy",
    "RolePolicyAttachment": "IAM role policy",
} | dict.fromkeys(
    (
        "BucketLifecycleConfiguration",
        "BucketLogging",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
    ),
    "bucket setting",
)


def noun(resource_type: str) -> str:
    """What a resource type is called in a sentence: subnet, NAT gateway, IAM role."""
    kind = resource_type.rpartition(":")[2]
    if resource_type.startswith("pulumi:providers:"):
        return f"{kind} provider"
    if kind in _WHOLE:
        return _WHOLE[kind]
    words = [word.lower() for word in _WORD.findall(kind.replace("IAM", "Iam"))]
    spelled = " ".join(word.upper() if word in _ACRONYMS else word for word in words).replace("IPV4", "IPv4")
    prefix = next((text for start, text in _PACKAGES.items() if resource_type.startswith(start)), "")
    return spelled if spelled.startswith(prefix.strip()) else prefix + spelled


def component_noun(component_type: str) -> str:
    """What a component is called, whichever cloud it is for: network, model bucket, node pool."""
    kind = component_type.rpartition(":")[2]
    return noun(re.sub(r"^(Aws|Gcp|Kubernetes)(?=[A-Z])", "", kind))


def counted(resource_types: Iterable[str]) -> str:
    """A list of types with their counts, in the order of first appearance: VPC, 6 subnets, 3 NAT gateways."""
    counts = Counter(_FAMILIES.get(kind.rpartition(":")[2], noun(kind)) for kind in resource_types)
    return ", ".join(name if number == 1 else f"{number} {plural_noun(name)}" for name, number in counts.items())


def plural_noun(name: str) -> str:
    """The plural of a noun: policies, addresses, gateways."""
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh")) else f"{name}s"
