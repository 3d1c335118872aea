"""Kubernetes objects on both clouds: the inference servers of a workload, and the plugins that offer devices."""

from components.kubernetes.isolation import Egress
from components.kubernetes.replica import SERVICE_ACCOUNT, FromBucket, FromHub, Served, Weights
from components.kubernetes.scheduling import Scheduling, Toleration
from components.kubernetes.serving import ServingArgs, ServingStack, namespace_of

__all__ = [
    "SERVICE_ACCOUNT",
    "Egress",
    "FromBucket",
    "FromHub",
    "Scheduling",
    "Served",
    "ServingArgs",
    "ServingStack",
    "Toleration",
    "Weights",
    "namespace_of",
]
