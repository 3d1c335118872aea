"""Wiring on AWS: a plan and the platform's settings become components. Decides nothing; what they are is theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.aws.access_log import AccessLog, AccessLogArgs
from components.aws.autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from components.aws.cluster import Cluster, ClusterArgs, ClusterDns, ClusterDnsArgs
from components.aws.encryption import LogKey, LogKeyArgs
from components.aws.identity import POD_IDENTITY_ENDPOINT, PodIdentity, PodIdentityArgs
from components.aws.network import CIDR, Network, NetworkArgs
from components.aws.node_pool import NodePool, NodePoolArgs, check_pool
from components.aws.storage import ModelBucket, ModelBucketArgs
from components.kubernetes import (
    SERVICE_ACCOUNT,
    Egress,
    FromBucket,
    FromHub,
    ServingArgs,
    ServingStack,
    Weights,
    namespace_of,
)
from components.kubernetes.devices import Devices, DevicesArgs
from components.kubernetes.reach import api_reached
from components.labels import cost_tags
from components.platform import Platform
from infra.aws_pins import AMI, AUTOSCALER, COREDNS, EARLY_ADDONS, Pins, is_scaled, pins_of
from infra.aws_pods import plugins_of, served_of
from infra.sites import check_sites
from sizing.errors import UnusablePlan
from sizing.plan import NodePool as PlannedPool
from sizing.plan import PoolRole, SizingPlan

# The load balancer controller built into EKS reads these: a network load balancer without a public address.
INTERNAL_LOAD_BALANCER: Mapping[str, str] = {
    "service.beta.kubernetes.io/aws-load-balancer-type": "nlb",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
}


def provision(
    plan: SizingPlan,
    platform: Platform,
    *,
    stack: str,
    api_key: pulumi.Input[str] | None = None,
    hub_token: pulumi.Input[str] | None = None,
) -> None:
    """
    Build everything that *plan* says on AWS.

    Args:
        plan: The locked plan.
        platform: Versions, access, ownership.
        stack: Name of the stack; the cluster is named after it.
        api_key: Asked of every caller of the models; None: whoever reaches the network may call.
        hub_token: For gated models, where weights come from the Hub instead of a bucket.

    Raises:
        MissingSetting: Naming every version and image that nobody told, at once.
        UnusablePlan: If the plan cannot be built on AWS.
    """
    check_sites(plan)
    parts = [plan.at(site) for site in plan.sites]
    for part in parts:
        _check(part)
    pins = pins_of(plan, platform)
    wide = _Wide(
        platform=platform,
        pins=pins,
        name=f"{pulumi.get_project()}-{stack}",
        tags=dict(cost_tags(platform, stack=stack)),
        api_key=api_key,
        hub_token=hub_token,
    )
    built = {part.region: _site(part, wide, suffix=_suffix(plan, part.region)) for part in parts}
    for name, value in built[plan.region].items():
        pulumi.export(name, value)
    if plan.elsewhere:
        pulumi.export("sites", built)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wide:
    """What all sites of a stack share."""

    platform: Platform
    pins: Pins
    name: str  # of the home cluster; those of other sites add their region
    tags: Mapping[str, str]
    api_key: pulumi.Input[str] | None
    hub_token: pulumi.Input[str] | None


def _suffix(plan: SizingPlan, region: str) -> str:
    """What tells the resources of a site from those at home, which carry plain names: its region."""
    return "" if plan.has_plain_names(region) else f"-{region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What everything else in one region is built on."""

    name: str  # of the cluster
    suffix: str  # of the names of resources; empty where they are plain
    on_aws: pulumi.ResourceOptions
    in_cluster: pulumi.ResourceOptions
    log_key: LogKey
    network: Network
    cluster: Cluster


def _site(plan: SizingPlan, wide: _Wide, *, suffix: str) -> dict[str, object]:
    """Network, cluster, pools, buckets and workloads of one region; what users look for in it, by name."""
    pins, ground = wide.pins, _ground(plan, wide, suffix=suffix)
    cluster, on_aws, in_cluster = ground.cluster, ground.on_aws, ground.in_cluster
    reached = api_reached(ground.name, in_cluster, suffix=suffix)
    pools = [
        _node_pool(pool, pins, wide.tags, ground.network, cluster, after=_before(pool, reached), opts=on_aws)
        for pool in plan.node_pools
    ]
    dns = ClusterDns(
        f"dns{suffix}",
        ClusterDnsArgs(
            cluster_name=cluster.name, version=f"v{pins.versions[COREDNS]}", after=_system_nodes(plan, pools)
        ),
        opts=on_aws,
    )
    buckets = _buckets(plan, ground.log_key, on_aws, suffix=suffix)
    nodes: list[pulumi.Resource] = [*(pool.node_group for pool in pools), dns.addon]
    Devices(f"devices{suffix}", DevicesArgs(plugins=plugins_of(plan, pins), after=nodes), opts=in_cluster)
    if is_scaled(plan):
        _autoscaler(plan, pins, ground, after=[*_system_nodes(plan, pools), dns.addon])
    _workloads(plan, wide, ground, buckets, after=nodes)
    return {
        "clusterName": cluster.name,
        "kubeconfig": cluster.kubeconfig,
        "modelBuckets": [bucket.bucket_name for bucket in buckets],
    }


def _ground(plan: SizingPlan, wide: _Wide, *, suffix: str) -> _Ground:
    """Providers, log key, network and control plane of one region."""
    on_aws = pulumi.ResourceOptions(
        provider=aws.Provider(
            f"aws{suffix}", region=plan.region, default_tags=aws.ProviderDefaultTagsArgs(tags=wide.tags)
        )
    )
    name = f"{wide.name}{suffix}"
    log_key = LogKey(f"logs{suffix}", LogKeyArgs(cluster_name=name), opts=on_aws)
    network = Network(
        f"network{suffix}",
        NetworkArgs(region=plan.region, zones=plan.zones, cluster_name=name, log_key_arn=log_key.key_arn),
        opts=on_aws,
    )
    cluster = _cluster(name, plan, wide, network, suffix=suffix, log_key_arn=log_key.key_arn, opts=on_aws)
    return _Ground(
        name=name,
        suffix=suffix,
        on_aws=on_aws,
        in_cluster=_kubernetes(cluster, suffix),
        log_key=log_key,
        network=network,
        cluster=cluster,
    )


def _autoscaler(plan: SizingPlan, pins: Pins, ground: _Ground, *, after: Sequence[pulumi.Resource]) -> None:
    """What brings and takes away machines, on those of the system."""
    args = ClusterAutoscalerArgs(
        cluster_name=ground.name,
        cluster_arn=ground.cluster.arn,
        region=plan.region,
        image=pins.images[AUTOSCALER],
        after=after,
    )
    providers = [one.provider for one in (ground.on_aws, ground.in_cluster) if one.provider is not None]
    ClusterAutoscaler(f"autoscaler{ground.suffix}", args, opts=pulumi.ResourceOptions(providers=providers))


def _workloads(
    plan: SizingPlan, wide: _Wide, ground: _Ground, buckets: Sequence[ModelBucket], *, after: Sequence[pulumi.Resource]
) -> None:
    """Every workload of the site, reading the site's own bucket."""
    suffix = ground.suffix
    for workload in dict.fromkeys(deployment.workload for deployment in plan.deployments):
        readers = (
            [_reader(workload, ground.cluster, buckets[0], ground.on_aws, suffix=suffix).association] if buckets else []
        )
        args = ServingArgs(
            workload=workload,
            served=served_of(plan, workload, wide.pins),
            weights=_weights(buckets, wide.hub_token),
            caller_cidrs=(CIDR,),
            api_key=wide.api_key,
            egress=(Egress(cidr=POD_IDENTITY_ENDPOINT, port=80),),
            load_balancer_annotations=INTERNAL_LOAD_BALANCER,
            after=[*after, *readers],
        )
        ServingStack(f"{workload}{suffix}", args, opts=ground.in_cluster)


def _cluster(
    name: str,
    plan: SizingPlan,
    wide: _Wide,
    network: Network,
    *,
    suffix: str,
    log_key_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Cluster:
    """The control plane, in all zones of the network."""
    args = ClusterArgs(
        cluster_name=name,
        region=plan.region,
        kubernetes=wide.pins.kubernetes,
        addons={addon: f"v{wide.pins.versions[component]}" for addon, component in EARLY_ADDONS.items()},
        admin_principals=wide.platform.admin_principals,
        api_access_cidrs=wide.platform.api_access_cidrs,
        subnet_ids=list(network.private_subnet_ids.values()),
        log_key_arn=log_key_arn,
    )
    return Cluster(f"cluster{suffix}", args, opts=opts)


def _buckets(plan: SizingPlan, log_key: LogKey, opts: pulumi.ResourceOptions, *, suffix: str) -> list[ModelBucket]:
    """The site's buckets, and one more, where there are any, that tells who reads them."""
    if not plan.buckets:
        return []
    access_log = AccessLog(f"access-log{suffix}", AccessLogArgs(account_id=log_key.account_id), opts=opts)
    return [
        ModelBucket(
            f"{bucket.name}{suffix}",
            ModelBucketArgs(bucket=bucket, access_log_bucket=access_log.bucket_name),
            opts=opts,
        )
        for bucket in plan.buckets
    ]


def _node_pool(
    pool: PlannedPool,
    pins: Pins,
    tags: Mapping[str, str],
    network: Network,
    cluster: Cluster,
    *,
    after: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> NodePool:
    """One pool of the plan, in the private subnet of its zone."""
    args = NodePoolArgs(
        pool=pool,
        kubernetes=pins.kubernetes,
        ami_release=pins.versions[AMI],
        tags=tags,
        cluster_name=cluster.name,
        cluster_security_group_id=cluster.security_group_id,
        node_role_arn=cluster.node_role_arn,
        vpc_id=network.vpc_id,
        subnet_id=network.private_subnet_ids[pool.zone],
        after=[*cluster.ready_for_nodes, *network.ways_out, *after],
    )
    return NodePool(pool.name, args, opts=opts)


def _before(pool: PlannedPool, reached: pulumi.Resource) -> list[pulumi.Resource]:
    """What a pool waits for beside the cluster: accelerators, until the API is known to be reached."""
    return [reached] if pool.role is PoolRole.ACCELERATOR else []


def _kubernetes(cluster: Cluster, suffix: str) -> pulumi.ResourceOptions:
    """Options of what runs inside the cluster; a fresh kubeconfig changes none of it, a new cluster all of it."""
    provider = kubernetes.Provider(
        f"kubernetes{suffix}",
        kubeconfig=cluster.kubeconfig,
        cluster_identifier=cluster.endpoint,
        enable_server_side_apply=True,
    )
    return pulumi.ResourceOptions(provider=provider)


def _weights(buckets: Sequence[ModelBucket], hub_token: pulumi.Input[str] | None) -> Weights:
    """From the site's first bucket where it has one, or else from the Hub."""
    for bucket in buckets:
        return FromBucket(uri=pulumi.Output.concat("s3://", bucket.bucket_name))
    return FromHub(token=hub_token)


def _system_nodes(plan: SizingPlan, pools: Sequence[NodePool]) -> list[pulumi.Resource]:
    """Where the cluster's own pods run; accelerators may be hard to get, and must not hold up name resolution."""
    return [
        pool.node_group for planned, pool in zip(plan.node_pools, pools, strict=True) if planned.role is PoolRole.SYSTEM
    ]


def _check(plan: SizingPlan) -> None:
    """Refuse the part of a plan in one region that EKS cannot take, before anything is registered."""
    again = "size the stack again"
    for pool in plan.node_pools:
        check_pool(pool)
    strays = sorted({pool.zone for pool in plan.node_pools} - set(plan.zones))
    if strays:
        what = f"node pools are in {', '.join(strays)}, where the plan has no network"
        raise UnusablePlan(source="the plan", what=what, mend=again)
    if not any(pool.role is PoolRole.SYSTEM for pool in plan.node_pools):
        what = f"it has no system node pool in {plan.region}, so nothing can run name resolution there"
        raise UnusablePlan(source="the plan", what=what, mend=again)
    if len(plan.zones) < 2:
        what = f"its network in {plan.region} has {len(plan.zones)} zone, but EKS needs two at least"
        raise UnusablePlan(source="the plan", what=what, mend=f"allow more zones in sizeup:zones, and {again}")


def _reader(
    workload: str, cluster: Cluster, bucket: ModelBucket, opts: pulumi.ResourceOptions, *, suffix: str
) -> PodIdentity:
    """The workload's pods may read the bucket of their own site, and no other."""
    return PodIdentity(
        f"{workload}{suffix}-identity",
        PodIdentityArgs(
            cluster_name=cluster.name,
            cluster_arn=cluster.arn,
            namespace=namespace_of(workload),
            service_account=SERVICE_ACCOUNT,
            bucket_arn=bucket.bucket_arn,
            key_arn=bucket.key_arn,
        ),
        opts=opts,
    )
