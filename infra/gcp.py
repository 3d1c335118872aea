"""Wires the components of a stack on Google Cloud, from its plan. Decides nothing: counts and sizes are the plan's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi
import pulumi_gcp
from pulumi_gcp import kms, projects, storage

from components.gcp.access import Administrators, AdministratorsArgs, security_group
from components.gcp.cluster import Cluster, ClusterArgs, authorised_networks
from components.gcp.encryption import EncryptionKey, EncryptionKeyArgs
from components.gcp.identity import NodeIdentity, NodeIdentityArgs, ServingIdentity, ServingIdentityArgs
from components.gcp.machines import Unprovisionable
from components.gcp.naming import NODE_POOL_NAME, STACK_NAME, cost_labels, gcp_name
from components.gcp.network import NODES, PODS, Network, NetworkArgs
from components.gcp.node_pool import NodePool, NodePoolArgs, check_pool, check_tpu_pods, scheduling
from components.gcp.services import enable_services
from components.gcp.storage import ModelBucket, ModelBucketArgs
from components.kubernetes import (
    SERVICE_ACCOUNT,
    Egress,
    FromBucket,
    FromHub,
    Served,
    ServingArgs,
    ServingStack,
    Weights,
    namespace_of,
)
from components.kubernetes.reach import api_reached
from components.platform import MissingSetting, Platform
from infra.sites import check_sites
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Cloud
from sizing.plan import Deployment, PoolRole, SizingPlan

INTERNAL_LOAD_BALANCER = {"networking.gke.io/load-balancer-type": "Internal"}
# Where pods get their Google identity under Dataplane V2; older data planes use other addresses and ports.
METADATA_SERVER = (Egress(cidr="169.254.169.254/32", port=80), Egress(cidr="169.254.169.254/32", port=8080))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the platform settings say, read and found good before anything is registered."""

    project: str  # of Google Cloud
    kubernetes: str
    access_cidrs: tuple[str, ...]  # who may reach the API from outside the network
    security_group: str | None  # that GKE learns of the administrators' groups through
    administrators: tuple[str, ...]
    served: tuple[Served, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What everything else is built on."""

    name: str  # the stack's, as Google Cloud accepts it; away from home with its region
    project: str  # of Google Cloud
    region: str
    suffix: str  # of names that do not start with the stack's; empty where they are plain
    is_home: bool  # what the whole project needs is made here
    labels: dict[str, str]
    provider: pulumi_gcp.Provider
    services: list[projects.Service]  # of the whole project
    agent: projects.ServiceIdentity  # that GKE itself is in the project

    def options(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a component: on this provider, after the APIs and whatever else it names."""
        return pulumi.ResourceOptions(providers=[self.provider], depends_on=[*self.services, *depends_on])


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What no plan and no preview may show."""

    api_key: pulumi.Input[str] | None
    hub_token: pulumi.Input[str] | None


def provision(
    plan: SizingPlan,
    platform: Platform,
    *,
    stack: str,
    api_key: pulumi.Input[str] | None = None,
    hub_token: pulumi.Input[str] | None = None,
) -> None:
    """
    Build everything that *plan* says on Google Cloud.

    Args:
        plan: The locked plan.
        platform: Versions, access, ownership, and the project.
        stack: Name of the stack; resources are named after it.
        api_key: Asked of every caller of the models; None: whoever reaches the network may call.
        hub_token: For gated models, where weights come from the Hub instead of a bucket.

    Raises:
        MissingSetting: Naming every version and image that nobody told, at once.
        UnusablePlan: If a part of the plan is in none of its regions.
        Unprovisionable: If the plan or a setting holds something that cannot be built; nothing is registered then.
    """
    check_sites(plan)
    for site in plan.sites:
        check(plan.at(site))
    settled = settle(plan, platform)
    home = _ground(plan, platform, project=settled.project, stack=stack)
    secrets = Secrets(api_key=api_key, hub_token=hub_token)
    built = {plan.region: _site(plan.at(plan.sites[0]), settled, home, secrets)}
    for site in plan.elsewhere:
        built[site.region] = _site(plan.at(site), settled, _elsewhere(home, site.region, stack=stack), secrets)
    for name, value in built[plan.region].items():
        pulumi.export(name, value)
    if plan.elsewhere:
        pulumi.export("sites", built)


def _site(plan: SizingPlan, settled: Settled, ground: Ground, secrets: Secrets) -> dict[str, object]:
    """Network, cluster, pools, buckets and workloads of one region; what users look for in it, by name."""
    nodes = NodeIdentity(
        f"{ground.name}-nodes", NodeIdentityArgs(project=ground.project, stack=ground.name), ground.options()
    )
    cluster, buckets = _cluster(plan, settled, ground, nodes)
    reached = api_reached(ground.name, pulumi.ResourceOptions(provider=cluster.kubernetes), suffix=ground.suffix)
    pools = _node_pools(plan, ground, cluster, nodes, reached)
    if settled.administrators:
        Administrators(
            f"{ground.name}-administrators",
            AdministratorsArgs(
                project=ground.project, members=settled.administrators, may_find_clusters=ground.is_home
            ),
            pulumi.ResourceOptions(providers=[ground.provider, cluster.kubernetes]),
        )
    for workload in dict.fromkeys(one.workload for one in plan.deployments):
        identity = _reader(workload, ground, cluster, buckets)
        ServingStack(
            f"{workload}{ground.suffix}",
            ServingArgs(
                workload=workload,
                served=tuple(one for one in settled.served if one.deployment.workload == workload),
                weights=_weights(buckets, secrets.hub_token),
                caller_cidrs=(NODES, PODS),
                api_key=secrets.api_key,
                egress=METADATA_SERVER,
                service_account_annotations=identity.annotations,
                load_balancer_annotations=INTERNAL_LOAD_BALANCER,
                after=[identity, *pools],
            ),
            opts=pulumi.ResourceOptions(providers=[cluster.kubernetes]),
        )
    return {
        "clusterName": cluster.cluster_name,
        "kubeconfig": cluster.kubeconfig,
        "modelBuckets": [bucket.bucket for bucket in buckets.values()],
    }


def check(plan: SizingPlan) -> None:
    """
    Refuse the part of a plan in one region that GKE cannot take.

    Raises:
        Unprovisionable: Telling the first thing that is wrong with it.
    """
    for pool in plan.node_pools:
        check_pool(pool)
        check_tpu_pods(pool, plan.deployments)
        if not pool.zone.startswith(f"{plan.region}-"):
            raise Unprovisionable(
                what=f"pool {pool.name} is in {pool.zone}, but the cluster is in {plan.region}",
                mend="size the stack again: sizeup size <stack>",
            )
    if not any(pool.role is PoolRole.SYSTEM for pool in plan.node_pools):
        raise Unprovisionable(
            what=f"the plan has no system node pool in {plan.region}, so nothing can run name resolution there",
            mend="size the stack again: sizeup size <stack>",
        )


def settle(plan: SizingPlan, platform: Platform) -> Settled:
    """
    What the settings say of *plan*; everything that lacks is told at once.

    Raises:
        MissingSetting: Naming the project and every image and version that nobody told.
    """
    missing: dict[str, str] = {}
    served: list[Served] = []
    if platform.gcp_project is None:
        missing["gcp:project"] = "the project to build in"
    for deployment in plan.deployments:
        try:
            served.append(_served(deployment, plan, platform))
        except MissingSetting as error:
            missing |= error.missing
    if platform.gcp_project is None or missing:
        raise MissingSetting(missing)
    authorised_networks(platform.api_access_cidrs)
    return Settled(
        project=platform.gcp_project,
        kubernetes=platform.kubernetes(Cloud.GCP),
        access_cidrs=platform.api_access_cidrs,
        security_group=security_group(platform.admin_principals),
        administrators=platform.admin_principals,
        served=tuple(served),
    )


def _served(deployment: Deployment, plan: SizingPlan, platform: Platform) -> Served:
    placed = {placement.pool for placement in deployment.placements}
    pools = tuple(pool for pool in plan.node_pools if pool.name in placed)
    on_tpu = any(pool.accelerator_kind is AcceleratorKind.TPU for pool in pools)
    engine = f"{deployment.engine.name}-tpu" if on_tpu else deployment.engine.name
    return Served(
        deployment=deployment,
        scheduling=scheduling(deployment, pools),
        image=platform.image(engine),
        engine_version=platform.version(engine),
        # The chips' device files belong to root, and nobody else may open them; GKE 1.28 and later ask for no more.
        run_as_root=on_tpu,
    )


def _ground(plan: SizingPlan, platform: Platform, *, project: str, stack: str) -> Ground:
    """The home region, with what the whole project needs."""
    labels = cost_labels(platform, stack=stack)
    suffix = "" if plan.has_plain_names(plan.region) else f"-{plan.region}"
    name = gcp_name(f"{stack}{suffix}", limit=STACK_NAME)
    provider = pulumi_gcp.Provider(name, project=project, region=plan.region, default_labels=labels)
    services = enable_services(project, pulumi.ResourceOptions(provider=provider))
    return Ground(
        name=name,
        project=project,
        region=plan.region,
        suffix=suffix,
        is_home=True,
        labels=labels,
        provider=provider,
        services=services,
        agent=projects.ServiceIdentity(
            f"{gcp_name(stack, limit=STACK_NAME)}-gke-agent",
            project=project,
            service="container.googleapis.com",
            opts=pulumi.ResourceOptions(provider=provider, depends_on=services),
        ),
    )


def _elsewhere(home: Ground, region: str, *, stack: str) -> Ground:
    """Another region of the same project, by a provider of its own."""
    name = gcp_name(f"{stack}-{region}", limit=STACK_NAME)
    provider = pulumi_gcp.Provider(name, project=home.project, region=region, default_labels=home.labels)
    return replace(home, name=name, region=region, suffix=f"-{region}", is_home=False, provider=provider)


def _cluster(
    plan: SizingPlan, settled: Settled, ground: Ground, nodes: NodeIdentity
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
            version=settled.kubernetes,
            access_cidrs=settled.access_cidrs,
            security_group=settled.security_group,
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
    users = {"gke": ground.agent.member}
    arguments = EncryptionKeyArgs(key_ring_id=ring.id, users=users, labels=ground.labels)
    return EncryptionKey(f"{ground.name}-cluster-key", arguments, ground.options())


def _buckets(plan: SizingPlan, ground: Ground, ring: kms.KeyRing) -> dict[str, ModelBucket]:
    """The model buckets by their name in the plan, with one key for all of them."""
    if not plan.buckets:
        return {}
    # The one question that is asked of the cloud: no resource tells this agent, and asking is what makes it exist
    # (hashicorp/terraform-provider-google#9730, #18649). Offline the answer is unknown.
    agent = storage.get_project_service_account_output(
        project=ground.project,
        opts=pulumi.InvokeOutputOptions(provider=ground.provider, depends_on=ground.services),
    )
    users = {"storage": pulumi.Output.concat("serviceAccount:", agent.email_address)}
    arguments = EncryptionKeyArgs(key_ring_id=ring.id, users=users, labels=ground.labels, users_are_asked=True)
    key = EncryptionKey(f"{ground.name}-model-key", arguments, ground.options())
    return {
        bucket.name: ModelBucket(
            gcp_name(f"{ground.name}-{bucket.name}", limit=50),
            ModelBucketArgs(bucket=bucket, region=ground.region, key_id=key.key_id, labels=ground.labels),
            ground.options(),
        )
        for bucket in plan.buckets
    }


def _node_pools(
    plan: SizingPlan, ground: Ground, cluster: Cluster, nodes: NodeIdentity, reached: pulumi.Resource
) -> list[NodePool]:
    """Every pool of the plan; accelerators wait until the API is known to be reached."""
    return [
        NodePool(
            gcp_name(pool.name, limit=NODE_POOL_NAME),
            NodePoolArgs(
                pool=pool,
                project=ground.project,
                region=ground.region,
                labels=ground.labels,
                cluster_name=cluster.cluster_name,
                node_email=nodes.email,
            ),
            ground.options(*([reached] if pool.role is PoolRole.ACCELERATOR else [])),
        )
        for pool in plan.node_pools
    ]


def _reader(workload: str, ground: Ground, cluster: Cluster, buckets: dict[str, ModelBucket]) -> ServingIdentity:
    """Who the model servers of a workload are: they may read the model buckets."""
    return ServingIdentity(
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


def _weights(buckets: dict[str, ModelBucket], hub_token: pulumi.Input[str] | None) -> Weights:
    """From the site's first bucket where it has one, or else from the Hub."""
    for bucket in buckets.values():
        return FromBucket(uri=bucket.uri)
    return FromHub(token=hub_token)
