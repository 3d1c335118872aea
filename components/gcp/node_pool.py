"""
Node pools: GPU machines, TPU slices and the machines of the system, from the plan's pools.

What GKE requires across fields holds by construction here: a static count or an autoscaler, one zone, no reservation
but the one that is named, a surge that is not zero on both sides, no placement on a slice within one machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_gcp import compute, container

from components.arguments import checked
from components.gcp.cluster import SCOPES
from components.gcp.machines import GkeMachine, Unprovisionable, gke_machine
from components.gcp.slices import Slice, count_mistakes, shape_mistakes, slice_of
from components.kubernetes.scheduling import Scheduling, Toleration
from components.labels import machine_kinds, node_labels
from components.rules.broken import broken
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.catalog.reservation import RESERVATION_NAMES
from sizing.errors import Problem
from sizing.plan import Deployment, PoolRole
from sizing.plan import NodePool as PlannedPool

NVIDIA = "nvidia.com/gpu"
TPU = "google.com/tpu"
_DEVICES: Mapping[AcceleratorKind, str] = {AcceleratorKind.GPU: NVIDIA, AcceleratorKind.TPU: TPU}
_PRESENT = "present"  # the value that GKE gives the taints of accelerator nodes

# The newest driver that the node image brings: the CUDA of an engine's image runs on its own driver and every later
# one. Stated, because a driver version left to GKE shows up as a replacement of the pool when GKE's default moves
# (hashicorp/terraform-provider-google#23248).
GPU_DRIVER = "LATEST"

RESERVATION_KEY = "compute.googleapis.com/reservation-name"
_FROM_RESERVATION = frozenset({PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK})  # calendar mode makes one, too
_COMING_AND_GOING = frozenset({PurchaseMode.CAPACITY_BLOCK, PurchaseMode.FLEX_START})
_FLEX_START_S = 7 * 24 * 3600  # the longest that a machine of flex-start runs: GKE, "flex-start provisioning", 2026


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolArgs:
    """One pool of the plan, and the cluster that it joins."""

    pool: PlannedPool
    project: str
    region: str
    labels: Mapping[str, str]
    cluster_name: pulumi.Input[str]
    node_email: pulumi.Input[str]

    def broken_rules(self) -> Iterator[Problem]:
        """What a node pool of these arguments would break."""
        pool = self.pool
        if pool.accelerator_kind is AcceleratorKind.TPU:
            count = count_mistakes(pool.machine, pool.topology, machines=pool.nodes)
            yield from broken("gke-tpu-topology", "pool", shape_mistakes(pool.machine, pool.topology))
            yield from broken("gke-tpu-node-count", "pool", count)


@checked
class NodePool(pulumi.ComponentResource):
    """
    Equal machines in one zone, as many as planned.

    Attributes:
        pool_name: Name of the node pool.
    """

    pool_name: pulumi.Output[str]

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Build the pool of *args*; *name* must leave room for Pulumi's suffix (`naming.NODE_POOL_NAME`)."""
        super().__init__("sizeup:index:GcpNodePool", name, None, opts)
        check_pool(args.pool)
        pool, machine = args.pool, gke_machine(args.pool)
        created = container.NodePool(
            name,
            project=args.project,
            location=args.region,
            cluster=args.cluster_name,
            node_locations=[pool.zone],
            node_count=None if is_scaled(pool) else pool.nodes,  # per zone, of which there is one
            initial_node_count=_initial_count(pool),
            autoscaling=autoscaling(pool),
            max_pods_per_node=machine.max_pods,
            placement_policy=_placement(name, args, self),
            management=container.NodePoolManagementArgs(
                auto_repair=pool.mode is not PurchaseMode.FLEX_START, auto_upgrade=True
            ),
            upgrade_settings=upgrade_settings(pool.role),
            network_config=container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=_node_config(args, machine),
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["initialNodeCount"] if is_scaled(pool) else None,  # it would replace the pool
                # 30 minutes, the provider's own, end too early where large machines come slowly (NVIDIA/aicr#2065)
                custom_timeouts=pulumi.CustomTimeouts(create="90m", update="90m", delete="60m"),
            ),
        )
        self.pool_name = created.name
        self.register_outputs({"poolName": self.pool_name})


def check_pool(pool: PlannedPool) -> None:
    """
    Refuse a pool that cannot be built.

    Raises:
        Unprovisionable: If its machine or its slice is not supported, or what is reserved is not named.
    """
    gke_machine(pool)
    if pool.accelerator_kind is AcceleratorKind.TPU and slice_of(pool).hosts > 1 and is_scaled(pool):
        raise Unprovisionable(
            what=f"pool {pool.name} is one slice of {pool.nodes} machines, which stand together, but its least is "
            f"{pool.least_nodes}",
            mend="size the stack again: sizeup size <stack>",
        )
    for what in _reservation_mistakes(pool):
        raise Unprovisionable(
            what=f"pool {pool.name} is bought as {pool.mode.value}, but {what}",
            mend="name it as `gcloud compute reservations list` does, and size the stack again",
        )


def _reservation_mistakes(pool: PlannedPool) -> Iterator[str]:
    """Why machines of *pool* would not come from the reservation that holds them, or from one that is not theirs."""
    if pool.mode in _FROM_RESERVATION and pool.reservation is None:
        yield "of no reservation"
    elif pool.mode not in _FROM_RESERVATION and pool.reservation is not None:
        yield f"from {pool.reservation}"
    elif pool.reservation is not None and not RESERVATION_NAMES[Cloud.GCP].fullmatch(pool.reservation):
        yield f"{pool.reservation} is no name of a reservation"


def is_scaled(pool: PlannedPool) -> bool:
    """Whether an autoscaler moves the number of machines; those of flex-start and of calendar mode go by themselves."""
    return least_size(pool) < pool.nodes


def least_size(pool: PlannedPool) -> int:
    """Machines that the pool keeps, whatever its autoscaler says."""
    return 0 if pool.mode in _COMING_AND_GOING else pool.least_nodes


def autoscaling(pool: PlannedPool) -> container.NodePoolAutoscalingArgs | None:
    """From the machines of the quietest hours to those of the busiest; None where the count is fixed."""
    if not is_scaled(pool):
        return None
    return container.NodePoolAutoscalingArgs(
        total_min_node_count=least_size(pool), total_max_node_count=pool.nodes, location_policy="ANY"
    )


def _initial_count(pool: PlannedPool) -> int | None:
    """All machines at first; of flex-start none, which come as they can be had; None where the count is fixed."""
    if not is_scaled(pool):
        return None
    return 0 if pool.mode is PurchaseMode.FLEX_START else pool.nodes


def _placement(name: str, args: NodePoolArgs, parent: pulumi.Resource) -> container.NodePoolPlacementPolicyArgs | None:
    if args.pool.accelerator_kind is not AcceleratorKind.TPU:
        return None
    found = slice_of(args.pool)
    policy = _workload_policy(name, args, found, parent) if found.needs_workload_policy else None
    return placement_policy(found, workload_policy=policy.name if policy else None)


def placement_policy(
    of: Slice, *, workload_policy: pulumi.Input[str] | None = None
) -> container.NodePoolPlacementPolicyArgs | None:
    """
    The placement policy of the node pool of a slice; None for a slice within one machine, which must have none.

    TPU7x takes a named workload policy, with `type` left empty: GKE reports none, and any other value would replace
    the pool at every update (vllm-project/ci-infra PR 547).
    """
    if of.hosts == 1:
        return None
    if of.needs_workload_policy:
        return container.NodePoolPlacementPolicyArgs(type="", policy_name=workload_policy, tpu_topology=of.topology)
    return container.NodePoolPlacementPolicyArgs(type="COMPACT", tpu_topology=of.topology)


def _workload_policy(name: str, args: NodePoolArgs, of: Slice, parent: pulumi.Resource) -> compute.ResourcePolicy:
    return compute.ResourcePolicy(
        f"{name}-slice",
        project=args.project,
        region=args.region,
        workload_policy=compute.ResourcePolicyWorkloadPolicyArgs(
            type="HIGH_THROUGHPUT", accelerator_topology=of.topology
        ),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def upgrade_settings(role: PoolRole) -> container.NodePoolUpgradeSettingsArgs:
    """
    How nodes are replaced when GKE upgrades them, one at a time.

    Accelerator machines go before their successor comes: a spare one may not be had. System machines come first.
    """
    spare = 0 if role is PoolRole.ACCELERATOR else 1
    return container.NodePoolUpgradeSettingsArgs(strategy="SURGE", max_surge=spare, max_unavailable=1 - spare)


def _node_config(args: NodePoolArgs, machine: GkeMachine) -> container.NodePoolNodeConfigArgs:
    pool = args.pool
    return container.NodePoolNodeConfigArgs(
        machine_type=pool.machine,
        image_type="COS_CONTAINERD",
        disk_type=machine.disk_type,
        disk_size_gb=pool.boot_disk_gb,
        spot=pool.mode is PurchaseMode.SPOT,
        guest_accelerators=guest_accelerators(pool, machine),
        ephemeral_storage_local_ssd_config=_local_ssds(machine),
        flex_start=True if pool.mode is PurchaseMode.FLEX_START else None,
        max_run_duration=f"{_FLEX_START_S}s" if pool.mode is PurchaseMode.FLEX_START else None,
        reservation_affinity=_affinity(pool),
        gvnic=container.NodePoolNodeConfigGvnicArgs(enabled=True),
        service_account=args.node_email,
        oauth_scopes=list(SCOPES),
        workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        metadata={"disable-legacy-endpoints": "true"},
        labels=dict(node_labels(pool)),
        resource_labels=dict(args.labels),
        taints=_taints(pool),
    )


def _affinity(pool: PlannedPool) -> container.NodePoolNodeConfigReservationAffinityArgs:
    """The reservation that the plan names, and else none: never an open one of somebody else in the project."""
    if pool.reservation is None:
        return container.NodePoolNodeConfigReservationAffinityArgs(consume_reservation_type="NO_RESERVATION")
    return container.NodePoolNodeConfigReservationAffinityArgs(
        consume_reservation_type="SPECIFIC_RESERVATION", key=RESERVATION_KEY, values=[pool.reservation]
    )


def guest_accelerators(
    pool: PlannedPool, machine: GkeMachine
) -> list[container.NodePoolNodeConfigGuestAcceleratorArgs] | None:
    """The GPUs of each node, with the driver that GKE installs; None for others (a TPU comes with its machine type)."""
    if pool.accelerator_kind is not AcceleratorKind.GPU or machine.accelerator_type is None:
        return None
    driver = container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(gpu_driver_version=GPU_DRIVER)
    return [
        container.NodePoolNodeConfigGuestAcceleratorArgs(
            type=machine.accelerator_type, count=machine.accelerators, gpu_driver_installation_config=driver
        )
    ]


def _local_ssds(machine: GkeMachine) -> container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs | None:
    """Local disks that the machine brings, joined into the nodes' ephemeral storage: for images and caches."""
    if machine.local_ssds == 0:
        return None
    return container.NodePoolNodeConfigEphemeralStorageLocalSsdConfigArgs(local_ssd_count=machine.local_ssds)


def _taints(pool: PlannedPool) -> list[container.NodePoolNodeConfigTaintArgs] | None:
    stated = [
        container.NodePoolNodeConfigTaintArgs(key=taint.key, value=taint.value or _PRESENT, effect="NO_SCHEDULE")
        for taint in taints(pool)
    ]
    return stated or None


def taints(pool: PlannedPool) -> tuple[Toleration, ...]:
    """Taints of the nodes, as what puts up with them: GKE's own for accelerators, stated so that no change shows."""
    if pool.accelerator_kind is None:
        return ()
    return (Toleration(key=_DEVICES[pool.accelerator_kind], effect="NoSchedule", value=_PRESENT),)


def scheduling(deployment: Deployment, pools: tuple[PlannedPool, ...]) -> Scheduling:
    """
    Where the pods of *deployment* may run, and what they take of a node; *pools* are those that it is placed on.

    On GKE a TPU machine runs one pod, which takes all of its chips, however few its layout uses.

    Raises:
        Unprovisionable: If there are no such pools, or a replica or its slice takes more than one machine.
    """
    kind = pools[0].accelerator_kind if pools else None
    if kind is None:
        raise Unprovisionable(
            what=f"{deployment.name} is placed on no pool with accelerators",
            mend="size the stack again: sizeup size <stack>",
        )
    asked = deployment.layout.accelerators
    there = min(pool.accelerators_per_node for pool in pools)
    if asked > there:
        raise Unprovisionable(
            what=f"a replica of {deployment.name} takes {asked} accelerators, but {pools[0].machine} has {there}; "
            "replicas over several machines cannot be built yet",
            mend="size the stack again: sizeup size <stack>",
        )
    return Scheduling(
        machines=machine_kinds(pools),
        device=_DEVICES[kind],
        devices=there if kind is AcceleratorKind.TPU else asked,
        tolerations=taints(pools[0]),
        node_selector=_tpu_selector(pools[0]) if kind is AcceleratorKind.TPU else {},
    )


def check_tpu_pods(pool: PlannedPool, deployments: tuple[Deployment, ...]) -> None:
    """
    Refuse a TPU pool with more replicas than machines: there is one pod to a machine.

    Raises:
        Unprovisionable: If *deployments* place more replicas on *pool* than it has machines.
    """
    placed = sum(
        placement.replicas
        for deployment in deployments
        for placement in deployment.placements
        if placement.pool == pool.name
    )
    if pool.accelerator_kind is AcceleratorKind.TPU and placed > pool.nodes:
        raise Unprovisionable(
            what=f"{placed} replicas are placed on the {pool.nodes} machines of {pool.name}, but on GKE a TPU machine "
            "runs one pod, which takes all of its chips",
            mend="restrict the workload to machines of the size of a replica: allow.machines",
        )


def _tpu_selector(pool: PlannedPool) -> dict[str, str]:
    """What GKE demands of every pod that asks for TPU chips; its nodes carry these labels by themselves."""
    found = slice_of(pool)
    if found.hosts > 1:
        raise Unprovisionable(
            what=f"pool {pool.name} is one slice {found.topology} of {found.hosts} machines, whose pods start as one "
            "group; the server here is one pod",
            mend="restrict the workload to slices within one machine: allow.machines",
        )
    return {
        "cloud.google.com/gke-tpu-accelerator": found.accelerator_type,
        "cloud.google.com/gke-tpu-topology": found.topology,
    }
