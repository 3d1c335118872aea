"""Wires the components of a stack on Google Cloud, from its plan. Decides nothing: counts and sizes are the plan's."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp
from pulumi_gcp import kms, projects, storage

from components.gcp.access import Administrators, AdministratorsArgs, security_group
from components.gcp.cluster import Cluster, ClusterArgs
from components.gcp.encryption import EncryptionKey, EncryptionKeyArgs
from components.gcp.identity import NodeIdentity, NodeIdentityArgs, ServingIdentity, ServingIdentityArgs
from components.gcp.machines import Unprovisionable, gke_machine
from components.gcp.naming import NODE_POOL_NAME, STACK_NAME, cost_labels, gcp_name
from components.gcp.network import NODES, PODS, Network, NetworkArgs
from components.gcp.node_pool import GkeNodePool, NodePoolArgs, scheduling
from components.gcp.services import enable_services
from components.gcp.storage import ModelBucket, ModelBucketArgs
from components.kubernetes.isolation import Egress
from components.kubernetes.replica import SERVICE_ACCOUNT, FromBucket, FromHub, Served, Weights
from components.kubernetes.serving import ServingArgs, ServingStack, namespace_of
from components.platform import Platform
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Cloud
from sizing.plan import Deployment, SizingPlan

INTERNAL = {"networking.gke.io/load-balancer-type": "Internal"}
# Where pods get their Google identity under Dataplane V2; older data planes use other addresses and ports.
METADATA_SERVER = (Egress(cidr="169.254.169.254/32", port=80), Egress(cidr="169.254.169.254/32", port=8080))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What everything else is built on."""

    name: str
    stack: str
    project: str  # of Google Cloud
    region: str
    labels: dict[str, str]
    provider: pulumi_gcp.Provider
    services: list[projects.Service]

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a component: on this provider, after the APIs and whatever else it names."""
        return pulumi.ResourceOptions(providers=[self.provider], depends_on=[*self.services, *depends_on])


def provision(plan: SizingPlan, platform: Platform, *, stack: str, project: str) -> None:
    """
    Register every resource of *plan*; *project* is the Pulumi project, whose stack this is.

    Raises:
        MissingSetting: If a version or an image is needed that neither the settings nor a source tells.
        Unprovisionable: If the plan holds something that cannot be built, before anything is registered.
    """
    served = served_deployments(plan, platform)
    for pool in plan.node_pools:
        gke_machine(pool)
    ground = _ground(plan, platform, stack=stack, project=project)
    nodes = NodeIdentity(
        f"{ground.name}-nodes", NodeIdentityArgs(project=ground.project, stack=ground.name), ground.options()
    )
    cluster, buckets = _cluster(plan, platform, ground, nodes)
    pools = _node_pools(plan, ground, cluster, nodes)
    if platform.admin_principals:
        Administrators(
            f"{ground.name}-administrators",
            AdministratorsArgs(project=ground.project, members=platform.admin_principals),
            pulumi.ResourceOptions(providers=[ground.provider, cluster.kubernetes]),
        )
    for workload in dict.fromkeys(one.workload for one in plan.deployments):
        own = tuple(one for one in served if one.deployment.workload == workload)
        _serve(workload, own, ground=ground, cluster=cluster, buckets=buckets, pools=pools)
    pulumi.export("cluster_name", cluster.cluster_name)
    pulumi.export("kubeconfig", cluster.kubeconfig)
    pulumi.export("model_buckets", {name: bucket.uri for name, bucket in buckets.items()})


def served_deployments(plan: SizingPlan, platform: Platform) -> tuple[Served, ...]:
    """Every deployment of *plan* with its image and the nodes that it may use."""
    return tuple(_served(deployment, plan, platform) for deployment in plan.deployments)


def _served(deployment: Deployment, plan: SizingPlan, platform: Platform) -> Served:
    placed = {placement.pool for placement in deployment.placements}
    kinds = {pool.accelerator_kind for pool in plan.node_pools if pool.name in placed}
    on_tpu = AcceleratorKind.TPU in kinds
    component = f"{deployment.engine.name}-tpu" if on_tpu else deployment.engine.name
    return Served(
        deployment=deployment,
        scheduling=scheduling(deployment, plan.node_pools),
        image=platform.image(component),
        engine_version=platform.version(component),
        run_as_root=on_tpu,  # the chips' device files belong to root, and nobody else may open them
    )


def _ground(plan: SizingPlan, platform: Platform, *, stack: str, project: str) -> Ground:
    if platform.gcp_project is None:
        raise Unprovisionable(
            what="gcp:project is not set: there is no project to build in",
            mend=f"pulumi config set gcp:project <id> --stack {stack}, or add it to the stack file",
        )
    labels = cost_labels(platform, stack=stack) | {"sizeup-project": gcp_name(project, limit=63)}
    name = gcp_name(stack, limit=STACK_NAME)
    provider = pulumi_gcp.Provider(name, project=platform.gcp_project, region=plan.region, default_labels=labels)
    return Ground(
        name=name,
        stack=stack,
        project=platform.gcp_project,
        region=plan.region,
        labels=labels,
        provider=provider,
        services=enable_services(platform.gcp_project, pulumi.ResourceOptions(provider=provider)),
    )


def _cluster(
    plan: SizingPlan, platform: Platform, ground: Ground, nodes: NodeIdentity
) -> tuple[Cluster, dict[str, ModelBucket]]:
    """The network, the keys, the cluster and the buckets."""
    network = Network(f"{ground.name}-network", NetworkArgs(region=ground.region), ground.options())
    ring = kms.KeyRing(
        f"{ground.name}-keys",
        location=ground.region,
        opts=pulumi.ResourceOptions(provider=ground.provider, depends_on=ground.services, protect=True),
    )
    cluster = Cluster(
        ground.name,
        ClusterArgs(
            project=ground.project,
            region=ground.region,
            zones=plan.zones,
            version=platform.kubernetes(Cloud.GCP),
            access_cidrs=platform.api_access_cidrs,
            security_group=security_group(platform.admin_principals),
            has_gpus=any(pool.accelerator_kind is AcceleratorKind.GPU for pool in plan.node_pools),
            labels=ground.labels,
            network_id=network.network_id,
            subnetwork_id=network.subnetwork_id,
            key_id=_cluster_key(ground, ring).key_id,
            node_email=nodes.email,
        ),
        ground.options(),
    )
    return cluster, _buckets(plan, ground, ring)


def _cluster_key(ground: Ground, ring: kms.KeyRing) -> EncryptionKey:
    """The key of the cluster's secrets, for GKE's own agent."""
    agent = projects.ServiceIdentity(
        f"{ground.name}-gke-agent",
        project=ground.project,
        service="container.googleapis.com",
        opts=pulumi.ResourceOptions(provider=ground.provider, depends_on=ground.services),
    )
    users = {"gke": agent.member}
    arguments = EncryptionKeyArgs(key_ring_id=ring.id, users=users, labels=ground.labels)
    return EncryptionKey(f"{ground.name}-cluster-key", arguments, ground.options())


def _buckets(plan: SizingPlan, ground: Ground, ring: kms.KeyRing) -> dict[str, ModelBucket]:
    """The model buckets by their name in the plan, with one key for all of them."""
    if not plan.buckets:
        return {}
    agent = storage.get_project_service_account_output(
        project=ground.project,
        opts=pulumi.InvokeOutputOptions(provider=ground.provider, depends_on=ground.services),
    )
    users = {"storage": pulumi.Output.concat("serviceAccount:", agent.email_address)}
    arguments = EncryptionKeyArgs(key_ring_id=ring.id, users=users, labels=ground.labels)
    key = EncryptionKey(f"{ground.name}-model-key", arguments, ground.options())
    return {
        bucket.name: ModelBucket(
            gcp_name(f"{ground.name}-{bucket.name}", limit=50),
            ModelBucketArgs(bucket=bucket, region=ground.region, key_id=key.key_id, labels=ground.labels),
            ground.options(),
        )
        for bucket in plan.buckets
    }


def _node_pools(plan: SizingPlan, ground: Ground, cluster: Cluster, nodes: NodeIdentity) -> list[GkeNodePool]:
    return [
        GkeNodePool(
            gcp_name(pool.name, limit=NODE_POOL_NAME),
            NodePoolArgs(
                pool=pool,
                project=ground.project,
                region=ground.region,
                labels=ground.labels,
                cluster_name=cluster.cluster_name,
                node_email=nodes.email,
            ),
            ground.options(),
        )
        for pool in plan.node_pools
    ]


def _serve(
    workload: str,
    served: tuple[Served, ...],
    *,
    ground: Ground,
    cluster: Cluster,
    buckets: dict[str, ModelBucket],
    pools: list[GkeNodePool],
) -> None:
    """One workload: who its servers are, and the servers."""
    identity = ServingIdentity(
        f"{ground.name}-{workload}-identity",
        ServingIdentityArgs(
            project=ground.project,
            stack=ground.name,
            workload=workload,
            namespace=namespace_of(workload),
            service_account=SERVICE_ACCOUNT,
            buckets={name: bucket.bucket for name, bucket in buckets.items()},
        ),
        ground.options(cluster),  # the project's workload identity pool comes with its first cluster
    )
    stack = ServingStack(
        f"{ground.name}-{workload}",
        ServingArgs(
            workload=workload,
            served=served,
            weights=_weights(buckets),
            caller_cidrs=(NODES, PODS),
            egress=METADATA_SERVER,
            service_account_annotations=identity.annotations,
            load_balancer_annotations=INTERNAL,
        ),
        pulumi.ResourceOptions(providers=[cluster.kubernetes], depends_on=[identity, *pools]),
    )
    pulumi.export(f"{workload}_service", stack.load_balancer)


def _weights(buckets: dict[str, ModelBucket]) -> Weights:
    """From the stack's first bucket where it has one, or else from the public hub."""
    for bucket in buckets.values():
        return FromBucket(uri=bucket.uri)
    return FromHub()
