"""
One node pool of the plan as an EKS managed node group on a launch template of its own.

The plan decides machine, zone, count and purchase mode; what follows from them (capacity type, placement group, EFA
interfaces, local disks, image) is worked out here by pure functions and never set by a user.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, eks
from pulumi_aws import vpc as vpc_rules

from components.arguments import checked
from components.aws.ami import ami_type
from components.aws.efa import Interface, interfaces, layout_mistakes
from components.aws.purchase import BLOCK_MARKET, Shape, reservation_id_mistakes, shape_mistakes
from components.labels import node_labels
from components.rules.aws_nodes import release_mistakes
from components.rules.broken import broken
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.offer import PurchaseMode
from sizing.errors import Problem, SizingError
from sizing.plan import NodePool as PlannedPool
from sizing.plan import PoolRole

ROOT_DEVICE = "/dev/xvda"  # of AL2023
TAINT_KEYS: Mapping[AcceleratorKind, str] = {
    AcceleratorKind.GPU: "nvidia.com/gpu",
    AcceleratorKind.NEURON: "aws.amazon.com/neuron",
}

# How a mode is bought. Committed prices are a billing matter: the machines are on demand, as those of a reservation are
# that their launch template names.
_CAPACITY_TYPES: Mapping[PurchaseMode, str] = {
    PurchaseMode.ON_DEMAND: "ON_DEMAND",
    PurchaseMode.COMMITTED_1Y: "ON_DEMAND",
    PurchaseMode.COMMITTED_3Y: "ON_DEMAND",
    PurchaseMode.RESERVATION: "ON_DEMAND",
    PurchaseMode.SPOT: "SPOT",
    PurchaseMode.CAPACITY_BLOCK: "CAPACITY_BLOCK",
}
_FROM_RESERVATION = frozenset({PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK})


class UnsupportedPurchase(SizingError):
    """A pool that cannot be bought in the way that the plan says."""

    def __init__(self, pool: PlannedPool, *, why: str, mend: str) -> None:
        """Tell which *pool* cannot be bought, and why."""
        self.pool = pool.name
        super().__init__(f"node pool {pool.name}: {why}\n    hint: {mend}")


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolArgs:
    """A pool of the plan and where it goes."""

    pool: PlannedPool
    kubernetes: str  # minor version: 1.35
    ami_release: str  # of the machine image: 1.35.6-20260714
    tags: Mapping[str, str]  # of machines and volumes: a provider's default tags do not reach what a group launches
    cluster_name: pulumi.Input[str]
    cluster_security_group_id: pulumi.Input[str]
    node_role_arn: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]  # of the pool's zone
    after: Sequence[pulumi.Resource]  # roles and add-ons that a node needs to join

    def broken_rules(self) -> Iterator[Problem]:
        """What a node group of these arguments would break."""
        yield from broken("ami-release-pinned", "ami_release", release_mistakes(self.ami_release, self.kubernetes))
        yield from broken("purchase-shape", "pool", (what for _, what in shape_mistakes(shape(self.pool))))
        if has_efa(self.pool):
            found = layout_mistakes(self.pool.machine, interfaces(self.pool.machine))
            yield from broken("efa-interface-layout", "pool", (what for _, what in found))


def capacity_type(pool: PlannedPool) -> str:
    """
    How the node group buys its machines.

    Raises:
        UnsupportedPurchase: For a mode that AWS does not sell.
    """
    found = _CAPACITY_TYPES.get(pool.mode)
    if found is None:
        raise UnsupportedPurchase(
            pool, why=f"{pool.mode.value} is no way to buy on AWS", mend="size the stack again: sizeup size <stack>"
        )
    return found


def shape(pool: PlannedPool) -> Shape:
    """
    How the node group and its template say what is bought.

    Raises:
        UnsupportedPurchase: For a mode that AWS does not sell.
    """
    is_block = pool.mode is PurchaseMode.CAPACITY_BLOCK
    return Shape(
        capacity_type=capacity_type(pool),
        types_on_group=not is_block,
        type_on_template=is_block,
        market=BLOCK_MARKET if is_block else "",
        targets_reservation=pool.reservation is not None,
        subnets=1,
    )


def scaling(pool: PlannedPool) -> eks.NodeGroupScalingConfigArgs:
    """From the machines of the quietest hours to those of the busiest, of which it starts with all."""
    return eks.NodeGroupScalingConfigArgs(min_size=least_size(pool), desired_size=pool.nodes, max_size=pool.nodes)


def least_size(pool: PlannedPool) -> int:
    """
    Machines that the group keeps, whatever its autoscaler says.

    Those of a capacity block go when it ends, whatever the group wants, so it keeps none.
    """
    return 0 if pool.mode is PurchaseMode.CAPACITY_BLOCK else pool.least_nodes


def has_efa(pool: PlannedPool) -> bool:
    """Whether the pool's machines get EFA interfaces."""
    return pool.role is PoolRole.ACCELERATOR and pool.fabric == "efa"


def is_placed_together(pool: PlannedPool) -> bool:
    """
    Whether the machines share a cluster placement group.

    Only where replicas span machines: otherwise closeness is harder to get and lets one fault take several replicas.
    And only on-demand machines with EFA: spot capacity is found machine by machine, and reserved capacity lies where
    its reservation was made, so a group of our own could never be filled (terraform-aws-eks#3661).
    """
    return pool.placed_together and has_efa(pool) and capacity_type(pool) == "ON_DEMAND" and pool.reservation is None


def check_pool(pool: PlannedPool) -> None:
    """
    Refuse a pool that no node group can be, before anything is registered.

    Raises:
        UnsupportedPurchase: For a mode that AWS does not sell, or reserved machines without the id of what holds them.
        UnknownFact: If there is no image for its machine, or nothing tells where its EFA interfaces sit.
    """
    capacity_type(pool)
    for why in _reservation_mistakes(pool):
        mend = "give its id as the name: aws ec2 describe-capacity-reservations lists them; then size the stack again"
        raise UnsupportedPurchase(pool, why=why, mend=mend)
    ami_type(pool.machine, pool.accelerator_kind)
    if has_efa(pool):
        interfaces(pool.machine)


def _reservation_mistakes(pool: PlannedPool) -> Iterator[str]:
    """Why machines of *pool* would not come from the reservation that holds them, or from one that is not theirs."""
    if pool.mode in _FROM_RESERVATION and pool.reservation is None:
        yield f"bought as {pool.mode.value}, but of no reservation"
    elif pool.mode not in _FROM_RESERVATION and pool.reservation is not None:
        yield f"bought as {pool.mode.value}, but from {pool.reservation}"
    elif pool.reservation is not None:
        yield from reservation_id_mistakes(pool.reservation)


def user_data(pool: PlannedPool) -> str | None:
    """
    Base64 MIME document that joins the local NVMe disks into one RAID 0 for images, logs and volumes of pods.

    None without local disks: EKS then needs nothing from us.
    """
    if pool.local_disks == 0:
        return None
    lines = (
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="NODE"',
        "",
        "--NODE",
        "Content-Type: application/node.eks.aws",
        "",
        "apiVersion: node.eks.aws/v1alpha1",
        "kind: NodeConfig",
        "spec:",
        "  instance:",
        "    localStorage:",
        "      strategy: RAID0",
        "",
        "--NODE--",
        "",
    )
    return base64.b64encode("\n".join(lines).encode()).decode()


@checked
class NodePool(pulumi.ComponentResource):
    """
    Launch template, node group and, where they apply, placement group and EFA security group.

    Attributes:
        node_group: The node group, for what has to wait until its nodes are there.
    """

    node_group: eks.NodeGroup

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the pool of *args*."""
        super().__init__("sizeup:index:AwsNodePool", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pool = args.pool
        template = _launch_template(name, args, child)
        self.node_group = eks.NodeGroup(
            f"{name}-nodes",
            cluster_name=args.cluster_name,
            node_group_name_prefix=f"{name[:36]}-",  # at most 63 with the 26 that are added
            node_role_arn=args.node_role_arn,
            subnet_ids=[args.subnet_id],
            ami_type=ami_type(pool.machine, pool.accelerator_kind),
            version=args.kubernetes,
            release_version=args.ami_release,
            capacity_type=capacity_type(pool),
            instance_types=[pool.machine] if shape(pool).types_on_group else None,
            launch_template=eks.NodeGroupLaunchTemplateArgs(id=template.id, version=template.latest_version.apply(str)),
            scaling_config=scaling(pool),
            update_config=eks.NodeGroupUpdateConfigArgs(
                max_unavailable=1,
                # Old nodes go before new ones come: nobody has spare accelerators lying about.
                update_strategy="MINIMAL" if pool.role is PoolRole.ACCELERATOR else "DEFAULT",
            ),
            node_repair_config=eks.NodeGroupNodeRepairConfigArgs(enabled=True),
            labels=labels(pool),
            taints=taints(pool),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(args.after),
                ignore_changes=["scalingConfig.desiredSize"] if least_size(pool) < pool.nodes else None,  # moved since
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="3h", delete="60m"),
            ),
        )
        self.register_outputs({"nodeGroupName": self.node_group.node_group_name})


def labels(pool: PlannedPool) -> dict[str, str]:
    """
    Labels of the nodes.

    By `k8s.amazonaws.com/accelerator` an autoscaler knows that the accelerators of a new node are still to be told by
    their plugin, and does not start a second node meanwhile (kubernetes/autoscaler, cloudprovider/aws README).
    """
    is_awaited = pool.accelerator is not None and least_size(pool) < pool.nodes
    awaited = {"k8s.amazonaws.com/accelerator": pool.accelerator} if pool.accelerator and is_awaited else {}
    return dict(node_labels(pool)) | awaited


def taints(pool: PlannedPool) -> list[eks.NodeGroupTaintArgs]:
    """Accelerator nodes are for pods that ask for accelerators."""
    if pool.role is not PoolRole.ACCELERATOR or pool.accelerator_kind is None:
        return []
    return [eks.NodeGroupTaintArgs(key=TAINT_KEYS[pool.accelerator_kind], value="present", effect="NO_SCHEDULE")]


def _launch_template(name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions) -> ec2.LaunchTemplate:
    """How each machine starts: metadata service v2 only, encrypted disk, EFA, local disks."""
    pool = args.pool
    tags = {"Name": name} | dict(args.tags)
    return ec2.LaunchTemplate(
        f"{name}-template",
        update_default_version=True,
        metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled",
            http_tokens="required",
            http_put_response_hop_limit=1,  # pods do not get the node's role; they have their own
        ),
        block_device_mappings=[
            ec2.LaunchTemplateBlockDeviceMappingArgs(
                device_name=ROOT_DEVICE,
                ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_type="gp3", volume_size=pool.boot_disk_gb, encrypted="true", delete_on_termination="true"
                ),
            )
        ],
        network_interfaces=_network_interfaces(name, args, opts) if has_efa(pool) else None,
        placement=_placement(name, opts) if is_placed_together(pool) else None,
        instance_type=pool.machine if shape(pool).type_on_template else None,
        instance_market_options=_market(pool),
        capacity_reservation_specification=_reserved(pool),
        user_data=user_data(pool),
        tag_specifications=[
            ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags)
            for kind in ("instance", "volume", "network-interface")
        ],
        opts=opts,
    )


def _market(pool: PlannedPool) -> ec2.LaunchTemplateInstanceMarketOptionsArgs | None:
    """The market of machines out of a capacity block; EC2 refuses a reservation of any other kind beside one."""
    market = shape(pool).market
    return ec2.LaunchTemplateInstanceMarketOptionsArgs(market_type=market) if market else None


def _reserved(pool: PlannedPool) -> ec2.LaunchTemplateCapacityReservationSpecificationArgs | None:
    """The reservation or block that the machines come out of, by its id; never another that happens to be open."""
    if pool.reservation is None:
        return None
    target = ec2.LaunchTemplateCapacityReservationSpecificationCapacityReservationTargetArgs(
        capacity_reservation_id=pool.reservation
    )
    return ec2.LaunchTemplateCapacityReservationSpecificationArgs(capacity_reservation_target=target)


def _placement(name: str, opts: pulumi.ResourceOptions) -> ec2.LaunchTemplatePlacementArgs:
    """Machines close to each other."""
    group = ec2.PlacementGroup(f"{name}-together", strategy="cluster", opts=opts)
    return ec2.LaunchTemplatePlacementArgs(group_name=group.name)


def _network_interfaces(
    name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions
) -> list[ec2.LaunchTemplateNetworkInterfaceArgs]:
    """
    Every interface of a machine with EFA, with its security groups.

    A template that names any group gets none from EKS, so the cluster's own is named as well.
    """
    groups = [args.cluster_security_group_id, _fabric_group(name, args, opts).id]
    return [_interface_args(one, groups) for one in interfaces(args.pool.machine)]


def _interface_args(
    interface: Interface, groups: Sequence[pulumi.Input[str]]
) -> ec2.LaunchTemplateNetworkInterfaceArgs:
    """One interface as the launch template writes it."""
    return ec2.LaunchTemplateNetworkInterfaceArgs(
        network_card_index=interface.card,
        device_index=interface.device,
        interface_type=interface.type,
        security_groups=list(groups),
        associate_public_ip_address="false" if interface.card == 0 else None,
        delete_on_termination="true",
    )


def _fabric_group(name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions) -> ec2.SecurityGroup:
    """EFA traffic: everything, between members of the group only, in both directions."""
    group = ec2.SecurityGroup(
        f"{name}-fabric",
        description=f"EFA between the machines of {name}",
        vpc_id=args.vpc_id,
        tags={"Name": f"{name}-fabric"},
        opts=opts,
    )
    vpc_rules.SecurityGroupIngressRule(
        f"{name}-fabric-in",
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        description="EFA from the other machines",
        opts=opts,
    )
    vpc_rules.SecurityGroupEgressRule(
        f"{name}-fabric-out",
        security_group_id=group.id,
        referenced_security_group_id=group.id,
        ip_protocol="-1",
        description="EFA to the other machines",
        opts=opts,
    )
    return group
