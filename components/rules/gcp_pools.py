"""Rules on GKE node pools: what GKE refuses across fields, how capacity is asked for, and how it is upgraded."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.reading import (
    Mistake,
    each,
    inside,
    is_absent,
    is_off,
    items,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, related, text, truth, whole, zones_of

NODE_POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
TOOLKIT = "GoogleCloudPlatform/cluster-toolkit 1.95.0 modules/compute/gke-node-pool/main.tf"

QUEUED_LABEL = "cloud.google.com/gke-queued"
COMPACT_WITH_FLEX_START = ("a3-ultragpu-", "a4-", "h4d-")  # families whose flex-start pools may be placed closely
_AFFINITY = ("nodeConfig", "reservationAffinity")


def machine_of(pool: Resource) -> str | None:
    """The machine type of *pool*, where it is known."""
    return text(stated(pool, "nodeConfig", "machineType"))


def zone_count(pool: Resource, among: Surroundings) -> int | None:
    """How many zones *pool* spreads over: its own, or else those of its cluster; None where nothing tells."""
    own = stated(pool, "nodeLocations")
    if isinstance(own, list) and own:
        return len(own)
    if is_unknown(own):
        return None
    cluster = related(pool, CLUSTER, among, key="cluster")
    inherited = stated(cluster, "nodeLocations") if cluster is not None else None
    if isinstance(inherited, list) and inherited:
        return len(inherited)
    return len(zones_of(pool)) or None


def is_compact(pool: Resource) -> bool:
    """True where the machines of *pool* are asked to be close to one another."""
    return text(stated(pool, "placementPolicy", "type")) == "COMPACT"


def reservation_wrong(pool: Resource, way: str) -> Iterator[Mistake]:
    """That *pool*, bought in *way*, may take a reservation, where it has to say that it takes none."""
    consumes = stated(pool, *_AFFINITY, "consumeReservationType")
    if not is_unknown(consumes) and text(consumes) != "NO_RESERVATION":
        yield (
            "nodeConfig.reservationAffinity.consumeReservationType",
            f"is {shown(consumes)}, but {way} takes no reservation: NO_RESERVATION",
        )


def is_spot(pool: Resource) -> bool:
    """True where the machines of *pool* may be taken back at any time."""
    return truth(stated(pool, "nodeConfig", "spot")) or truth(stated(pool, "nodeConfig", "preemptible"))


def _count_beside_autoscaler(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    count, scaling = stated(pool, "nodeCount"), stated(pool, "autoscaling")
    if not any(is_unknown(one) or is_absent(one) for one in (count, scaling)):
        yield "nodeCount", f"is {shown(count)} beside autoscaling, which would be undone at every update"


def _initial_count(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    initial, scaling = whole(stated(pool, "initialNodeCount")), stated(pool, "autoscaling")
    zones = zone_count(pool, among)
    limits: tuple[tuple[str, str, int | None], ...] = (
        ("minNodeCount", "maxNodeCount", initial),
        ("totalMinNodeCount", "totalMaxNodeCount", initial * zones if initial is not None and zones else None),
    )
    for least_key, most_key, machines in limits:
        least, most = whole(inside(scaling, least_key)), whole(inside(scaling, most_key))
        if machines is not None and (
            (least is not None and machines < least) or (most is not None and machines > most)
        ):
            within = f"{'any number' if least is None else least} to {'any number' if most is None else most}"
            yield "initialNodeCount", f"starts with {machines} machines, outside of {least_key} to {most_key}: {within}"


def _two_uses_of_local_ssd(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    uses = ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig")
    values = [stated(pool, "nodeConfig", use) for use in uses]
    if not any(is_unknown(one) or is_absent(one) for one in values):
        yield (
            "nodeConfig.localNvmeSsdBlockConfig",
            "is stated beside ephemeralStorageLocalSsdConfig: one use or the other",
        )


def _compact_zone(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    zones = zone_count(pool, among)
    if is_compact(pool) and zones is not None and zones != 1:
        yield "nodeLocations", f"names {zones} zones, but machines that are placed closely are in one"


def _compact_blue_green(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    if is_compact(pool) and text(stated(pool, "upgradeSettings", "strategy")) == "BLUE_GREEN":
        yield "upgradeSettings.strategy", "is BLUE_GREEN, which a closely placed pool cannot be upgraded by: SURGE"


def _queued(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    if not truth(stated(pool, "queuedProvisioning", "enabled")):
        return
    if is_compact(pool) and is_absent(stated(pool, "placementPolicy", "tpuTopology")):
        yield "placementPolicy.type", "is COMPACT, which queued machines cannot have unless they are a TPU slice"
    yield from reservation_wrong(pool, "queued provisioning")
    if is_spot(pool):
        yield "nodeConfig.spot", "is on, but queued machines are not spot machines"
    if is_absent(stated(pool, "autoscaling")):
        yield "autoscaling", "is not stated, but the queue brings machines through the autoscaler, from none on"
    for key in ("minNodeCount", "totalMinNodeCount"):
        if whole(stated(pool, "autoscaling", key)):
            yield f"autoscaling.{key}", f"is {shown(stated(pool, 'autoscaling', key))}, but a queued pool starts at 0"


def _queued_label(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    label = stated(pool, "nodeConfig", "labels", QUEUED_LABEL)
    if truth(stated(pool, "queuedProvisioning", "enabled")) and is_off(label):
        yield f"nodeConfig.labels[{QUEUED_LABEL}]", f"is {shown(label)}: GKE does not add it to a pool made this way"


def _flex_start(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    if not truth(stated(pool, "nodeConfig", "flexStart")):
        return
    repair = stated(pool, "management", "autoRepair")
    if not is_unknown(repair) and (repair is None or truth(repair)):
        yield "management.autoRepair", "is on, but machines of flex-start are not repaired: false"
    if whole(stated(pool, "nodeCount")):
        yield (
            "nodeCount",
            f"is {shown(stated(pool, 'nodeCount'))}, but flex-start brings machines one by one: autoscaling",
        )
    yield from reservation_wrong(pool, "flex-start")
    if is_spot(pool):
        yield "nodeConfig.spot", "is on beside flexStart: a machine is bought in one way"
    machine = machine_of(pool)
    if is_compact(pool) and machine is not None and not machine.startswith(COMPACT_WITH_FLEX_START):
        yield "placementPolicy.type", f"is COMPACT, which {machine} cannot have with flex-start"


def _spot(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    stated_way = stated(pool, *_AFFINITY, "consumeReservationType")
    if is_spot(pool) and not is_absent(stated_way):
        yield from reservation_wrong(pool, "spot")


def _surge(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    keys = ("maxSurge", "maxUnavailable")
    values = [stated(pool, "upgradeSettings", key) for key in keys]
    strategy = stated(pool, "upgradeSettings", "strategy")
    if is_unknown(strategy) or (text(strategy) or "SURGE") != "SURGE" or all(is_absent(one) for one in values):
        return
    counts = [0 if is_absent(one) else whole(one) for one in values]
    if all(count == 0 for count in counts):
        yield "upgradeSettings", "lets neither a machine more nor one less, so that no node can ever be replaced"


def _blue_green(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    strategy = text(stated(pool, "upgradeSettings", "strategy"))
    if strategy == "BLUE_GREEN" and _holds_accelerators(pool):
        yield "upgradeSettings.strategy", f"is BLUE_GREEN: an upgrade needs every {machine_of(pool)} a second time"


def _holds_accelerators(pool: Resource) -> bool:
    gpus: Value = stated(pool, "nodeConfig", "guestAccelerators")
    return bool(items(gpus)) or (machine_of(pool) or "").startswith(("ct", "tpu"))


def _max_pods(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    cluster = related(pool, CLUSTER, among, key="cluster")
    pods = stated(pool, "maxPodsPerNode")
    if cluster is not None and whole(pods) is not None and text(stated(cluster, "networkingMode")) == "ROUTES":
        yield "maxPodsPerNode", f"is {shown(pods)}, which holds in a VPC-native cluster only; {cluster.name} is routed"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-count-or-autoscaler",
        severity=Severity.ERROR,
        title="A node pool has a fixed count or an autoscaler, not both",
        why="Each update sets the count back to the fixed one, under the pods that the autoscaler made room for",
        mend="leave out nodeCount, and state initialNodeCount, or leave out autoscaling",
        origin=TOOLKIT,
        check=each(NODE_POOL, _count_beside_autoscaler),
    ),
    Rule(
        id="gke-initial-count",
        severity=Severity.ERROR,
        title="A node pool starts within the limits of its autoscaler",
        why="GKE refuses the pool",
        mend="start with a count between the least and the most, which are for each zone, or in total where so named",
        origin=TOOLKIT,
        check=each(NODE_POOL, _initial_count),
    ),
    Rule(
        id="gke-one-use-of-local-ssd",
        severity=Severity.ERROR,
        title="Local SSDs are ephemeral storage or raw block devices, not both",
        why="GKE refuses the pool",
        mend="keep one of ephemeralStorageLocalSsdConfig and localNvmeSsdBlockConfig",
        origin=TOOLKIT,
        check=each(NODE_POOL, _two_uses_of_local_ssd),
    ),
    Rule(
        id="gke-compact-one-zone",
        severity=Severity.ERROR,
        title="A closely placed node pool is in exactly one zone",
        why="Compact placement is a promise about one data centre; GKE refuses the pool",
        mend="name one zone in nodeLocations, and make one pool for each zone",
        origin=TOOLKIT,
        check=each(NODE_POOL, _compact_zone),
    ),
    Rule(
        id="gke-compact-no-blue-green",
        severity=Severity.ERROR,
        title="A closely placed node pool is upgraded by surge",
        why="A second pool beside the first would have to be as close to it; GKE refuses it",
        mend="set upgradeSettings.strategy to SURGE",
        origin=TOOLKIT,
        check=each(NODE_POOL, _compact_blue_green),
    ),
    Rule(
        id="gke-queued-provisioning",
        severity=Severity.ERROR,
        title="A queued node pool starts empty, reserves nothing, and is neither spot nor closely placed",
        why="GKE refuses the pool, or keeps machines that no queued job has asked for",
        mend="autoscaling from 0, reservationAffinity NO_RESERVATION, no spot; COMPACT for TPU slices only",
        origin=TOOLKIT,
        check=each(NODE_POOL, _queued),
    ),
    Rule(
        id="gke-queued-label",
        severity=Severity.ERROR,
        title="Nodes of a queued pool carry the label of the queue",
        why="Provisioning requests select nodes by it: without it, machines come and no pod is put on them",
        mend=f'add the node label {QUEUED_LABEL}: "true"',
        origin=TOOLKIT,
        check=each(NODE_POOL, _queued_label),
    ),
    Rule(
        id="gke-flex-start",
        severity=Severity.ERROR,
        title="A flex-start pool is not repaired, not fixed in size, not reserved, not spot",
        why="GKE refuses the pool",
        mend="autoRepair false, autoscaling for nodeCount, NO_RESERVATION, no spot; COMPACT on a3-ultra, a4, h4d",
        origin=TOOLKIT,
        check=each(NODE_POOL, _flex_start),
    ),
    Rule(
        id="gke-spot-no-reservation",
        severity=Severity.ERROR,
        title="Spot machines take no reservation",
        why="A reservation is paid in full; a spot machine cannot use it, and GKE refuses the pool",
        mend="set consumeReservationType to NO_RESERVATION, or buy on demand",
        origin=TOOLKIT,
        check=each(NODE_POOL, _spot),
    ),
    Rule(
        id="gke-surge-not-zero",
        severity=Severity.ERROR,
        title="An upgrade may add a machine or do without one",
        why="With neither, no node can be replaced; GKE refuses the pool",
        mend="set maxSurge or maxUnavailable to at least 1",
        origin=TOOLKIT,
        check=each(NODE_POOL, _surge),
    ),
    Rule(
        id="gke-accelerators-surge",
        severity=Severity.WARNING,
        title="Accelerator pools are upgraded by surge",
        why="A blue-green upgrade asks for the whole pool a second time, and pays both while they stand",
        mend="set upgradeSettings.strategy to SURGE, with maxSurge 0 and maxUnavailable 1",
        origin=TOOLKIT,
        check=each(NODE_POOL, _blue_green),
    ),
    Rule(
        id="gke-max-pods-vpc-native",
        severity=Severity.ERROR,
        title="Pods per node are limited in VPC-native clusters only",
        why="GKE refuses the pool",
        mend="set networkingMode of the cluster to VPC_NATIVE",
        origin=TOOLKIT,
        check=each(NODE_POOL, _max_pods),
    ),
)
