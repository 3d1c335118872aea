"""What AWS resources cost: one pricer for each type that is paid for, and a table of the types that are not.

A type in neither table is told as "price not known" by `cost.py`, so a new resource type is never silently free.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from components.graph import Resource
from components.surroundings import is_unknown, length, read, region_of, text, truth
from infra.cost.bill import CostGroup, CostKind, CostLine
from infra.cost.content import bucket_content_bytes
from infra.cost.line import Pricer, Pricing, fixed, free, not_priced, unpriced, usage
from infra.cost.price_list import Price, charge_price, storage_price
from infra.cost.pricing_disks import ebs_volume_lines
from infra.cost.pricing_filesystems import efs_lines, fsx_lustre_lines
from infra.cost.pricing_machines import (
    capacity_block_lines,
    capacity_reservation_lines,
    pool_lines,
    savings_plan_lines,
)
from sizing.catalog.machine import Cloud
from sizing.units import GB


def _charge(resource: Resource, pricing: Pricing, item: str, *, unit: str = "hour") -> Price:
    return charge_price(pricing.catalog, Cloud.AWS, region_of(resource, pricing.among), item, unit=unit)


def _eks_cluster(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = _charge(resource, pricing, "eks_control_plane_standard", unit="cluster-hour")
    note = "standard support; extended support costs more once the version leaves it"
    lines = [fixed(resource, "EKS control plane", CostGroup.PLATFORM, price, note=note)]
    tier = text(read(resource, "controlPlaneScalingConfig", "tier"))
    if tier is not None and tier.lower() != "standard":
        reason = not_priced("hour")
        lines.append(fixed(resource, f"EKS provisioned control plane {tier}", CostGroup.PLATFORM, reason))
    if truth(read(resource, "computeConfig", "enabled")):
        reason = not_priced("hour", "a fee on each machine that Auto Mode launches")
        lines.append(fixed(resource, "EKS Auto Mode", CostGroup.PLATFORM, reason, quantity=None))
    if length(read(resource, "enabledClusterLogTypes")):
        logs = not_priced("GB")
        lines.append(usage(resource, "EKS control plane logs", CostGroup.PLATFORM, logs))
    return tuple(lines)


def _network(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Load balancers and callers reach replicas in every zone, and each side of a zone's border is billed."""
    price = _charge(resource, pricing, "inter_az", unit="GB")
    return (usage(resource, "traffic between zones, each way", CostGroup.NETWORK, price),)


def _internet_gateway(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = _charge(resource, pricing, "egress_internet_first_10tb", unit="GB")
    return (usage(resource, "egress to the internet, first 10 TB a month", CostGroup.NETWORK, price),)


def _nat_gateway(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    return (
        fixed(resource, "NAT gateway", CostGroup.NETWORK, _charge(resource, pricing, "nat_gateway_hour")),
        usage(resource, "NAT data", CostGroup.NETWORK, _charge(resource, pricing, "nat_gateway_data", unit="GB")),
    )


def _public_address(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    return (fixed(resource, "public IPv4 address", CostGroup.NETWORK, _charge(resource, pricing, "public_ipv4")),)


def _key(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = _charge(resource, pricing, "kms_key_month", unit="month")
    return (fixed(resource, "KMS key", CostGroup.PLATFORM, price, note="each yearly rotation adds as much"),)


def _endpoint(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    kind = read(resource, "vpcEndpointType")
    if kind is None or kind == "Gateway":
        return (free(resource, "gateway endpoints are free of charge"),)
    if kind != "Interface" or is_unknown(kind):
        return (fixed(resource, f"{text(kind) or 'VPC'} endpoint", CostGroup.NETWORK, not_priced("hour")),)
    price = _charge(resource, pricing, "privatelink_interface_endpoint", unit="AZ-hour")
    zones = length(read(resource, "subnetIds"))
    data = _charge(resource, pricing, "privatelink_data", unit="GB")
    return (
        fixed(resource, "interface endpoint, per zone", CostGroup.NETWORK, price, quantity=zones),
        usage(resource, "interface endpoint data", CostGroup.NETWORK, data),
    )


def _bucket(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = storage_price(pricing.catalog, Cloud.AWS, region_of(resource, pricing.among), "s3", "STANDARD")
    content = bucket_content_bytes(resource, pricing)
    if content is None:
        return (usage(resource, "S3 STANDARD storage", CostGroup.STORAGE, price),)
    note = "expected content; requests and old versions come on top"
    return (fixed(resource, "S3 STANDARD storage", CostGroup.STORAGE, price, quantity=content / GB, note=note),)


def _express_bucket(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = storage_price(pricing.catalog, Cloud.AWS, region_of(resource, pricing.among), "s3", "EXPRESS_ONEZONE")
    return (usage(resource, "S3 Express One Zone storage", CostGroup.STORAGE, price),)


def _load_balancer(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    kind = text(read(resource, "loadBalancerType")) or "application"
    item = {"application": "alb_hour", "network": "nlb_hour"}.get(kind)
    price = _charge(resource, pricing, item) if item is not None else not_priced("hour")
    capacity = (
        _charge(resource, pricing, "alb_lcu", unit="LCU-hour") if kind == "application" else not_priced("LCU-hour")
    )
    return (
        fixed(resource, f"{kind} load balancer", CostGroup.NETWORK, price),
        usage(resource, "load balancer capacity units", CostGroup.NETWORK, capacity),
    )


PRICED: Mapping[str, Pricer] = MappingProxyType(
    {
        "aws:eks/cluster:Cluster": _eks_cluster,
        "aws:eks/nodeGroup:NodeGroup": pool_lines,
        "aws:ec2/natGateway:NatGateway": _nat_gateway,
        "aws:ec2/vpc:Vpc": _network,
        "aws:ec2/internetGateway:InternetGateway": _internet_gateway,
        "aws:ec2/eip:Eip": _public_address,
        "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
        "aws:s3/bucket:Bucket": _bucket,
        "aws:s3/directoryBucket:DirectoryBucket": _express_bucket,
        "aws:ebs/volume:Volume": ebs_volume_lines,
        "aws:fsx/lustreFileSystem:LustreFileSystem": fsx_lustre_lines,
        "aws:efs/fileSystem:FileSystem": efs_lines,
        "aws:ec2/capacityReservation:CapacityReservation": capacity_reservation_lines,
        "aws:ec2/capacityBlockReservation:CapacityBlockReservation": capacity_block_lines,
        "aws:savingsplans/savingsPlan:SavingsPlan": savings_plan_lines,
        "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
        "aws:amp/workspace:Workspace": unpriced("metrics collected", CostGroup.PLATFORM, "sample", CostKind.USAGE),
        "aws:ec2/flowLog:FlowLog": unpriced("VPC flow log delivery", CostGroup.NETWORK, "GB", CostKind.USAGE),
        "aws:cloudwatch/logGroup:LogGroup": unpriced("CloudWatch logs", CostGroup.PLATFORM, "GB", CostKind.USAGE),
        "aws:cloudwatch/metricAlarm:MetricAlarm": unpriced("CloudWatch alarm", CostGroup.PLATFORM, "alarm-month"),
        "aws:kms/key:Key": _key,
        "aws:ecr/repository:Repository": unpriced("ECR image storage", CostGroup.STORAGE, "GB-month", CostKind.USAGE),
        "aws:sqs/queue:Queue": unpriced("SQS requests", CostGroup.PLATFORM, "request", CostKind.USAGE),
        "aws:secretsmanager/secret:Secret": unpriced("Secrets Manager secret", CostGroup.PLATFORM, "secret-month"),
    }
)

_IDENTITY = "identity and access cost nothing"
_NETWORK = "part of the network that costs nothing by itself"
_SETTING = "a setting of another resource"

FREE: Mapping[str, str] = MappingProxyType(
    {
        "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": _NETWORK,
        "aws:ec2/vpcDhcpOptions:VpcDhcpOptions": _NETWORK,
        "aws:ec2/subnet:Subnet": _NETWORK,
        "aws:ec2/routeTable:RouteTable": _NETWORK,
        "aws:ec2/route:Route": _NETWORK,
        "aws:ec2/routeTableAssociation:RouteTableAssociation": _NETWORK,
        "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": _NETWORK,
        "aws:ec2/egressOnlyInternetGateway:EgressOnlyInternetGateway": "the gateway is free; egress through it is not",
        "aws:ec2/networkAcl:NetworkAcl": _NETWORK,
        "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": _NETWORK,
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _NETWORK,
        "aws:ec2/defaultRouteTable:DefaultRouteTable": _NETWORK,
        "aws:ec2/securityGroup:SecurityGroup": _NETWORK,
        "aws:ec2/securityGroupRule:SecurityGroupRule": _NETWORK,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _NETWORK,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _NETWORK,
        "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": _SETTING,
        "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": _SETTING,
        "aws:ec2/placementGroup:PlacementGroup": "placement costs nothing",
        "aws:ec2/launchTemplate:LaunchTemplate": "paid through the machines started from it",
        "aws:ec2/tag:Tag": _SETTING,
        "aws:iam/role:Role": _IDENTITY,
        "aws:iam/rolePolicy:RolePolicy": _IDENTITY,
        "aws:iam/policy:Policy": _IDENTITY,
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _IDENTITY,
        "aws:iam/instanceProfile:InstanceProfile": _IDENTITY,
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _IDENTITY,
        "aws:iam/serviceLinkedRole:ServiceLinkedRole": _IDENTITY,
        "aws:eks/addon:Addon": "runs on the cluster's own machines",
        "aws:eks/accessEntry:AccessEntry": _IDENTITY,
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _IDENTITY,
        "aws:eks/podIdentityAssociation:PodIdentityAssociation": _IDENTITY,
        "aws:eks/identityProviderConfig:IdentityProviderConfig": _IDENTITY,
        "aws:kms/alias:Alias": "paid with the key",
        "aws:kms/keyPolicy:KeyPolicy": "paid with the key",
        "aws:kms/grant:Grant": "paid with the key",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _SETTING,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _SETTING,
        "aws:s3/bucketVersioning:BucketVersioning": "a setting; the old versions it keeps are paid as storage",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _SETTING,
        "aws:s3/bucketPolicy:BucketPolicy": _SETTING,
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _SETTING,
        "aws:s3/bucketLogging:BucketLogging": "a setting; the logs it writes are paid as storage",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": _SETTING,
        "aws:ecr/repositoryPolicy:RepositoryPolicy": _SETTING,
        "aws:ecr/pullThroughCacheRule:PullThroughCacheRule": "a setting; cached images are paid as storage",
        "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration": _SETTING,
        "aws:efs/mountTarget:MountTarget": "paid with the file system",
        "aws:efs/accessPoint:AccessPoint": "paid with the file system",
        "aws:efs/fileSystemPolicy:FileSystemPolicy": _SETTING,
        "aws:fsx/dataRepositoryAssociation:DataRepositoryAssociation": _SETTING,
        "aws:resourcegroups/group:Group": "a list of resources",
        "aws:lb/targetGroup:TargetGroup": "paid with the load balancer",
        "aws:lb/listener:Listener": "paid with the load balancer",
        "aws:autoscaling/tag:Tag": _SETTING,
        "aws:ebs/encryptionByDefault:EncryptionByDefault": _SETTING,
    }
)
