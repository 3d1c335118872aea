"""One small program for each component of the library: the component by itself, showing its features."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace

import pulumi

from components.aws import access_log, autoscaler, encryption, identity, network, storage
from components.aws import cluster as aws_cluster
from components.aws import node_pool as aws_pool
from components.gcp import access
from components.gcp import cluster as gcp_cluster
from components.gcp import encryption as gcp_encryption
from components.gcp import identity as gcp_identity
from components.gcp import network as gcp_network
from components.gcp import node_pool as gcp_pool
from components.gcp import storage as gcp_storage
from components.kubernetes import Egress, FromBucket, Scheduling, Served, ServingArgs, ServingStack, Toleration, devices
from sizing.plan import Bucket
from tests.examples import AWS_PLAN, CHAT_POOL, GCP_TPU_POOL
from tests.recording import Registered, recorded

KEY = "arn:aws:kms:us-east-1:123456789012:key/logs"
CLUSTER = "arn:aws:eks:us-east-1:123456789012:cluster/sizeup-test"
ADMIN = "arn:aws:iam::123456789012:role/team/PlatformAdmin"
LABELS = {"owner": "ml-platform"}
BUCKET = Bucket(name="models", region="us-east-1", tier="STANDARD", bytes=10**11, usd_per_gb_month=0.023)
INTERNAL = {"networking.gke.io/load-balancer-type": "Internal"}
SLICE = replace(
    GCP_TPU_POOL, machine="ct6e-standard-4t", accelerators_per_node=4, topology="4x4", nodes=4, least_nodes=4
)
GPU_TAINT = (Toleration(key="nvidia.com/gpu", effect="NoSchedule"),)

AWS: Mapping[type[pulumi.ComponentResource], Callable[[], object]] = {
    network.Network: lambda: network.Network(
        "net",
        network.NetworkArgs(
            region="us-east-1", zones=("use1-az4", "use1-az5"), cluster_name="sizeup-test", log_key_arn=KEY
        ),
    ),
    aws_cluster.Cluster: lambda: aws_cluster.Cluster(
        "cluster",
        aws_cluster.ClusterArgs(
            cluster_name="sizeup-test",
            region="us-east-1",
            kubernetes="1.35",
            addons={
                "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
                "vpc-cni": "v1.21.1-eksbuild.7",
                "kube-proxy": "v1.35.3-eksbuild.13",
            },
            admin_principals=(ADMIN,),
            api_access_cidrs=(),
            subnet_ids=["subnet-4", "subnet-5"],
            log_key_arn=KEY,
        ),
    ),
    aws_cluster.ClusterDns: lambda: aws_cluster.ClusterDns(
        "dns", aws_cluster.ClusterDnsArgs(cluster_name="sizeup-test", version="v1.14.3-eksbuild.3", after=[])
    ),
    aws_pool.NodePool: lambda: aws_pool.NodePool(
        "p5",
        aws_pool.NodePoolArgs(
            pool=CHAT_POOL,
            kubernetes="1.35",
            ami_release="1.35.6-20260714",
            tags=LABELS,
            cluster_name="sizeup-test",
            cluster_security_group_id="sg-cluster",
            node_role_arn="arn:node",
            vpc_id="vpc-1",
            subnet_id="subnet-4",
            after=[],
        ),
    ),
    autoscaler.ClusterAutoscaler: lambda: autoscaler.ClusterAutoscaler(
        "autoscaler",
        autoscaler.ClusterAutoscalerArgs(
            cluster_name="sizeup-test",
            cluster_arn=CLUSTER,
            region="us-east-1",
            image="registry.k8s.io/autoscaling/cluster-autoscaler:v1.35.1",
        ),
    ),
    storage.ModelBucket: lambda: storage.ModelBucket(
        "models", storage.ModelBucketArgs(bucket=BUCKET, access_log_bucket="access-log-1a2b")
    ),
    access_log.AccessLog: lambda: access_log.AccessLog("log", access_log.AccessLogArgs(account_id="123456789012")),
    encryption.LogKey: lambda: encryption.LogKey("logs", encryption.LogKeyArgs(cluster_name="sizeup-test")),
    identity.PodIdentity: lambda: identity.PodIdentity(
        "chat",
        identity.PodIdentityArgs(
            cluster_name="sizeup-test",
            cluster_arn=CLUSTER,
            namespace="chat",
            service_account="model-server",
            bucket_arn="arn:aws:s3:::models",
            key_arn=KEY,
        ),
    ),
}

GCP: Mapping[type[pulumi.ComponentResource], Callable[[], object]] = {
    gcp_network.Network: lambda: gcp_network.Network("net", gcp_network.NetworkArgs(region="us-central1")),
    gcp_cluster.Cluster: lambda: gcp_cluster.Cluster(
        "chat",
        gcp_cluster.ClusterArgs(
            project="acme-ml",
            region="us-central1",
            zones=("us-central1-a",),
            version="1.35.7-gke.1222000",
            access_cidrs=(),
            security_group=None,
            has_gpus=True,
            labels=LABELS,
            network_id="network",
            subnetwork_id="subnetwork",
            key_id="key",
            node_email="nodes@acme-ml.iam.gserviceaccount.com",
        ),
    ),
    gcp_pool.NodePool: lambda: gcp_pool.NodePool(
        "slice",
        gcp_pool.NodePoolArgs(
            pool=SLICE,
            project="acme-ml",
            region="us-central1",
            labels=LABELS,
            cluster_name="chat",
            node_email="nodes@acme-ml.iam.gserviceaccount.com",
        ),
    ),
    gcp_storage.ModelBucket: lambda: gcp_storage.ModelBucket(
        "models", gcp_storage.ModelBucketArgs(bucket=BUCKET, region="us-central1", key_id="key", labels=LABELS)
    ),
    gcp_encryption.EncryptionKey: lambda: gcp_encryption.EncryptionKey(
        "key", gcp_encryption.EncryptionKeyArgs(key_ring_id="ring", users={"gke": "serviceAccount:a"}, labels=LABELS)
    ),
    gcp_identity.NodeIdentity: lambda: gcp_identity.NodeIdentity(
        "nodes", gcp_identity.NodeIdentityArgs(project="acme-ml", stack="chat-gcp")
    ),
    gcp_identity.ServingIdentity: lambda: gcp_identity.ServingIdentity(
        "chat",
        gcp_identity.ServingIdentityArgs(
            project="acme-ml",
            stack="chat-gcp",
            workload="chat",
            namespace="chat",
            service_account="model-server",
            buckets={"models": "models-1a2b"},
        ),
    ),
    access.Administrators: lambda: access.Administrators(
        "admins",
        access.AdministratorsArgs(project="acme-ml", members=("user:ann@example.com", "group:ops@example.com")),
    ),
}

KUBERNETES: Mapping[type[pulumi.ComponentResource], Callable[[], object]] = {
    devices.Devices: lambda: devices.Devices(
        "devices",
        devices.DevicesArgs(
            plugins=(
                devices.nvidia_plugin(image="nvcr.io/nvidia/plugin:v1", machines=("p5",), tolerations=GPU_TAINT),
                devices.efa_plugin(image="registry.example/efa:v1", machines=("p5",), tolerations=GPU_TAINT),
            )
        ),
    ),
    ServingStack: lambda: ServingStack(
        "chat",
        ServingArgs(
            workload="chat",
            served=tuple(
                Served(
                    deployment=one,
                    scheduling=Scheduling(machines=("p5",), device="nvidia.com/gpu", devices=4, tolerations=GPU_TAINT),
                    image="vllm/vllm-openai:v0.27.1",
                    engine_version="0.27.1",
                )
                for one in AWS_PLAN.deployments
            ),
            weights=FromBucket(uri="s3://models"),
            caller_cidrs=("10.0.0.0/16",),
            api_key="hush",
            egress=(Egress(cidr="169.254.170.23/32", port=80),),
            load_balancer_annotations=INTERNAL,
        ),
    ),
}

PROGRAMS = {**AWS, **GCP, **KUBERNETES}


@functools.cache
def registered(kind: type[pulumi.ComponentResource]) -> tuple[Registered, ...]:
    """What the program of one component registered under mocks: plain values, to assert on after the run."""

    def program() -> None:
        PROGRAMS[kind]()

    return recorded(program)
