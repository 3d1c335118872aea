"""AWS resources: network, EKS, node pools, model bucket, pod identity."""

from components.aws.cluster import Cluster, ClusterArgs, ClusterDns, ClusterDnsArgs
from components.aws.identity import PodIdentity, PodIdentityArgs
from components.aws.network import Network, NetworkArgs
from components.aws.node_pool import NodePool, NodePoolArgs
from components.aws.storage import ModelBucket, ModelBucketArgs

__all__ = [
    "Cluster",
    "ClusterArgs",
    "ClusterDns",
    "ClusterDnsArgs",
    "ModelBucket",
    "ModelBucketArgs",
    "Network",
    "NetworkArgs",
    "NodePool",
    "NodePoolArgs",
    "PodIdentity",
    "PodIdentityArgs",
]
