"""Google Cloud resources: network, GKE, GPU and TPU node pools, model bucket, identities."""

from components.gcp.access import Administrators, AdministratorsArgs
from components.gcp.cluster import Cluster, ClusterArgs
from components.gcp.encryption import EncryptionKey, EncryptionKeyArgs
from components.gcp.identity import NodeIdentity, NodeIdentityArgs, ServingIdentity, ServingIdentityArgs
from components.gcp.machines import Unprovisionable
from components.gcp.network import Network, NetworkArgs
from components.gcp.node_pool import NodePool, NodePoolArgs
from components.gcp.storage import ModelBucket, ModelBucketArgs

__all__ = [
    "Administrators",
    "AdministratorsArgs",
    "Cluster",
    "ClusterArgs",
    "EncryptionKey",
    "EncryptionKeyArgs",
    "ModelBucket",
    "ModelBucketArgs",
    "Network",
    "NetworkArgs",
    "NodeIdentity",
    "NodeIdentityArgs",
    "NodePool",
    "NodePoolArgs",
    "ServingIdentity",
    "ServingIdentityArgs",
    "Unprovisionable",
]
