"""Machine pools of a recorded graph: EKS node groups and GKE node pools, read as the same value.

The one place that knows how either provider spells machine, count, purchase mode and disks. Prices and capacity are
worked out from these values elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.graph import Graph, Resource, Value
from components.surroundings import (
    Surroundings,
    at,
    length,
    number,
    read,
    region_of,
    related,
    surroundings,
    text,
    texts,
    truth,
    whole,
    zones_of,
)
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
NODE_POOL = "gcp:container/nodePool:NodePool"
RESERVATIONS = (
    "aws:ec2/capacityReservation:CapacityReservation",
    "aws:ec2/capacityBlockReservation:CapacityBlockReservation",
    "gcp:compute/reservation:Reservation",
)
GKE_CLUSTER = "gcp:container/cluster:Cluster"

_EKS_MODES = {
    "ON_DEMAND": PurchaseMode.ON_DEMAND,
    "SPOT": PurchaseMode.SPOT,
    "CAPACITY_BLOCK": PurchaseMode.CAPACITY_BLOCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One network disk that every machine of a pool has; None is not known offline."""

    tier: str | None  # gp3, pd-balanced
    gb: float | None
    iops: float | None = None  # provisioned, where stated
    mb_per_s: float | None = None  # provisioned, where stated


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePool:
    """Equal machines of one pool; None is not known offline."""

    urn: str
    name: str
    cloud: Cloud
    region: str | None
    machines: tuple[str, ...]  # types that the pool may launch, the first preferred; empty: not known
    mode: PurchaseMode | None
    nodes: int | None
    zones: int | None  # that the nodes spread over
    scaling: tuple[int, int] | None  # least and most nodes, where an autoscaler may move the count
    disks: tuple[Disk, ...]
    local_ssds: int  # asked for on top of what the machine type brings
    reservation: str | None = None  # URN of the reservation that the machines come from, where the program makes it
    labels: Mapping[str, str] = field(default_factory=dict)  # of the nodes

    @property
    def purchase(self) -> str:
        """What is rented and how: p5.48xlarge on demand."""
        machine = self.machines[0] if self.machines else "machine of a type not known"
        return f"{machine} {self.mode.value.replace('_', ' ') if self.mode else 'bought in a way not known'}"


def machine_pools(graph: Graph) -> tuple[MachinePool, ...]:
    """Every node group and node pool of *graph*, in the order they were registered."""
    among = surroundings(graph)
    return tuple(pool for resource in graph.resources if (pool := machine_pool(resource, among)) is not None)


def machine_pool(resource: Resource, among: Surroundings) -> MachinePool | None:
    """*resource* as a pool of machines; None where it is something else."""
    if resource.type == NODE_GROUP:
        return _eks_pool(resource, among)
    if resource.type == NODE_POOL:
        return _gke_pool(resource, among)
    return None


def _eks_pool(resource: Resource, among: Surroundings) -> MachinePool:
    template = related(resource, LAUNCH_TEMPLATE, among, key="launchTemplate")
    template_machine = text(read(template, "instanceType")) if template else None
    least, most = (whole(read(resource, "scalingConfig", key)) for key in ("minSize", "maxSize"))
    nodes = whole(read(resource, "scalingConfig", "desiredSize"))
    mode = _EKS_MODES.get(text(read(resource, "capacityType")) or "ON_DEMAND")
    if mode is PurchaseMode.ON_DEMAND and template is not None and _is_reserved(template):
        mode = PurchaseMode.RESERVATION
    return MachinePool(
        urn=resource.urn,
        name=resource.name,
        cloud=Cloud.AWS,
        region=region_of(resource, among),
        machines=texts(read(resource, "instanceTypes")) or ((template_machine,) if template_machine else ()),
        mode=mode,
        nodes=nodes,
        zones=length(read(resource, "subnetIds")),
        scaling=(least, most) if least is not None and most is not None and least < most else None,
        disks=_eks_disks(resource, template),
        local_ssds=0,
        reservation=_reservation(template, among, key="capacityReservationSpecification") if template else None,
        labels=known_texts(read(resource, "labels")),
    )


def _is_reserved(template: Resource) -> bool:
    """True where the machines come from a reservation only, or from one that is named."""
    specified = read(template, "capacityReservationSpecification")
    only = text(at(specified, "capacityReservationPreference")) == "capacity-reservations-only"
    return only or at(specified, "capacityReservationTarget") is not None


def _reservation(resource: Resource, among: Surroundings, *, key: str) -> str | None:
    """The reservation of this program that the input *key* refers to."""
    found = (related(resource, kind, among, key=key) for kind in RESERVATIONS)
    return next((x.urn for x in found if x is not None), None)


def _eks_disks(resource: Resource, template: Resource | None) -> tuple[Disk, ...]:
    """Volumes of the launch template; without one, EKS makes a volume whose type it does not tell."""
    if template is None:
        return (Disk(tier=None, gb=number(read(resource, "diskSize"))),)
    mappings = read(template, "blockDeviceMappings")
    if not isinstance(mappings, list):
        return (Disk(tier=None, gb=None),)
    return tuple(
        Disk(
            tier=text(at(mapping, "ebs", "volumeType")),
            gb=number(at(mapping, "ebs", "volumeSize")),
            iops=number(at(mapping, "ebs", "iops")),
            mb_per_s=number(at(mapping, "ebs", "throughput")),
        )
        for mapping in mappings
        if at(mapping, "ebs") is not None
    )


def _gke_pool(resource: Resource, among: Surroundings) -> MachinePool:
    zones = _gke_zones(resource, among)
    machine = text(read(resource, "nodeConfig", "machineType"))
    scaling = _gke_scaling(resource, zones)
    return MachinePool(
        urn=resource.urn,
        name=resource.name,
        cloud=Cloud.GCP,
        region=region_of(resource, among),
        machines=(machine,) if machine else (),
        mode=_gke_mode(resource),
        nodes=_gke_nodes(resource, zones),
        zones=zones,
        scaling=scaling,
        disks=(_gke_boot_disk(resource),),
        local_ssds=_local_ssds(resource),
        reservation=_reservation(resource, among, key="nodeConfig"),
        labels=known_texts(read(resource, "nodeConfig", "labels")),
    )


def _gke_zones(resource: Resource, among: Surroundings) -> int | None:
    """Zones that the node count holds for each of; a regional pool without node locations has those of its cluster."""
    named = zones_of(resource)
    if not named:
        cluster = related(resource, GKE_CLUSTER, among, key="cluster")
        named = zones_of(cluster) if cluster is not None else ()
    return len(named) or None


def _gke_nodes(resource: Resource, zones: int | None) -> int | None:
    """Machines in all zones: the stated count, or, under an autoscaler, the count that the pool starts with."""
    counts = (
        read(resource, "nodeCount"),
        read(resource, "initialNodeCount"),
        read(resource, "autoscaling", "minNodeCount"),
    )
    per_zone = next((known for x in counts if (known := whole(x)) is not None), None)
    if per_zone is None:
        return whole(read(resource, "autoscaling", "totalMinNodeCount"))
    if per_zone == 0:
        return 0
    return per_zone * zones if zones is not None else None


def _gke_scaling(resource: Resource, zones: int | None) -> tuple[int, int] | None:
    """Least and most machines in all zones under the autoscaler, whose limits are in total or for each zone."""
    limits = read(resource, "autoscaling")
    in_total = whole(at(limits, "totalMaxNodeCount"))
    most, least, factor = (
        (in_total, whole(at(limits, "totalMinNodeCount")), 1)
        if in_total is not None
        else (whole(at(limits, "maxNodeCount")), whole(at(limits, "minNodeCount")), zones)
    )
    if most is None or factor is None or (least or 0) >= most:
        return None
    return (least or 0) * factor, most * factor


def _gke_mode(resource: Resource) -> PurchaseMode:
    config = read(resource, "nodeConfig")
    if truth(at(config, "spot")) or truth(at(config, "preemptible")):
        return PurchaseMode.SPOT
    if truth(at(config, "flexStart")) or truth(read(resource, "queuedProvisioning", "enabled")):
        return PurchaseMode.FLEX_START
    if text(at(config, "reservationAffinity", "consumeReservationType")) == "SPECIFIC_RESERVATION":
        return PurchaseMode.RESERVATION
    return PurchaseMode.ON_DEMAND


def _gke_boot_disk(resource: Resource) -> Disk:
    config = read(resource, "nodeConfig")
    return Disk(
        tier=text(at(config, "bootDisk", "diskType")) or text(at(config, "diskType")),
        gb=_first(number(at(config, "bootDisk", "sizeGb")), number(at(config, "diskSizeGb"))),
        iops=number(at(config, "bootDisk", "provisionedIops")),
        mb_per_s=number(at(config, "bootDisk", "provisionedThroughput")),
    )


def _local_ssds(resource: Resource) -> int:
    config = read(resource, "nodeConfig")
    counts = (
        whole(at(config, "ephemeralStorageLocalSsdConfig", "localSsdCount")),
        whole(at(config, "localNvmeSsdBlockConfig", "localSsdCount")),
        whole(at(config, "localSsdCount")),
    )
    return sum(x for x in counts if x is not None)


def _first(*values: float | None) -> float | None:
    return next((x for x in values if x is not None), None)


def known_texts(value: Value) -> Mapping[str, str]:
    """The entries of a map whose values are known texts: labels, tags, selectors."""
    if not isinstance(value, Mapping):
        return {}
    return {key: known for key, item in value.items() if (known := text(item)) is not None}
