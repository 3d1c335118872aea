"""Rules on GPU node pools of GKE: devices, disks and networks as the machine type has them, drivers, addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from components.gcp.machines import GPU_MACHINES, TPU_MACHINES, GkeMachine
from components.graph import Resource
from components.rules.gcp_pools import CLUSTER, NODE_POOL, TOOLKIT, machine_of
from components.rules.gke_version import is_before
from components.rules.reading import Mistake, each, inside, is_absent, is_off, items, shown, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, related, text, truth, whole

# Networks beside the first that GPUDirect needs: one for each NIC of the GPUs, and on RDMA machines one more for the
# second gVNIC. Source: GoogleCloudPlatform/cluster-toolkit 1.95.0 examples (a3-highgpu, -megagpu, -ultragpu, a4).
GPUDIRECT_NETWORKS: Mapping[str, int] = MappingProxyType(
    {"a3-highgpu-8g": 4, "a3-megagpu-8g": 8, "a3-ultragpu-8g": 9, "a4-highgpu-8g": 9}
)
DRANET_FAMILIES = ("a3-", "a4-", "a4x-", "ct6e-", "tpu7x-")
DRANET_LABEL = "cloud.google.com/gke-networking-dra-driver"
DRANET_SINCE = "1.34.1-gke.1829001"

_GPUS = "nodeConfig.guestAccelerators"
_SSDS = "nodeConfig.ephemeralStorageLocalSsdConfig"
_TAINTS = ("nvidia.com/gpu", "google.com/tpu")


def known_machine(pool: Resource) -> GkeMachine | None:
    """What GKE's tables say of the machine of *pool*; None where it is not known, or holds no accelerator."""
    machine = machine_of(pool) or ""
    return GPU_MACHINES.get(machine) or TPU_MACHINES.get(machine)


def _devices(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    machine, table = machine_of(pool) or "", known_machine(pool)
    gpus = stated(pool, "nodeConfig", "guestAccelerators")
    if table is None or is_unknown(gpus):
        return
    if machine in TPU_MACHINES:
        if items(gpus):
            yield _GPUS, f"is stated, but {machine} brings its TPU chips with the machine type"
        return
    if is_absent(gpus):
        yield _GPUS, f"is not stated, but {machine} has {table.accelerators} x {table.accelerator_type}"
    for place, gpu in enumerate(items(gpus)):
        kind, count = text(inside(gpu, "type")), whole(inside(gpu, "count"))
        if kind is not None and kind != table.accelerator_type:
            yield f"{_GPUS}[{place}].type", f"is {kind}, but {machine} has {table.accelerator_type}"
        if count is not None and count != table.accelerators:
            yield f"{_GPUS}[{place}].count", f"is {count}, but {machine} has {table.accelerators}"


def _ssd_count(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    table = known_machine(pool)
    for key in ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig"):
        count = whole(stated(pool, "nodeConfig", key, "localSsdCount"))
        if table is not None and table.local_ssds and count is not None and count != table.local_ssds:
            yield f"nodeConfig.{key}.localSsdCount", f"is {count}, but {machine_of(pool)} brings {table.local_ssds}"


def _ssd_used(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    table = known_machine(pool)
    uses = ("ephemeralStorageLocalSsdConfig", "localNvmeSsdBlockConfig", "localSsdCount", "ephemeralStorageConfig")
    if table is not None and table.local_ssds and all(is_absent(stated(pool, "nodeConfig", use)) for use in uses):
        yield (
            _SSDS,
            f"is not stated, but {machine_of(pool)} brings {table.local_ssds} local SSDs, which are paid with it",
        )


def _networks(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    needed = GPUDIRECT_NETWORKS.get(machine_of(pool) or "")
    more = stated(pool, "networkConfig", "additionalNodeNetworkConfigs")
    profile = stated(pool, "networkConfig", "acceleratorNetworkProfile")
    wants_them = bool(items(more)) or text(stated(pool, "nodeConfig", "gpudirectStrategy")) is not None
    if needed is None or is_unknown(more) or not is_absent(profile) or not wants_them:
        return
    if len(items(more)) < needed:
        path = "networkConfig.additionalNodeNetworkConfigs"
        yield path, f"names {len(items(more))} networks, but GPUDirect on {machine_of(pool)} needs {needed}"
    cluster = related(pool, CLUSTER, among, key="cluster")
    if cluster is not None and is_off(stated(cluster, "enableMultiNetworking")):
        yield "cluster", f"{cluster.name} is without multi-networking, so its nodes have one network"


def _network_profile(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    profile = stated(pool, "networkConfig", "acceleratorNetworkProfile")
    if is_unknown(profile) or is_absent(profile):
        return
    machine = machine_of(pool)
    if machine is not None and not machine.startswith(DRANET_FAMILIES):
        yield "networkConfig.acceleratorNetworkProfile", f"is {shown(profile)}, which {machine} has not"
    if items(stated(pool, "networkConfig", "additionalNodeNetworkConfigs")):
        yield "networkConfig.additionalNodeNetworkConfigs", "is stated beside the profile, which makes its own networks"
    if is_off(stated(pool, "nodeConfig", "labels", DRANET_LABEL)):
        yield (
            f"nodeConfig.labels[{DRANET_LABEL}]",
            "is not true: the driver that hands networks to pods is not on the node",
        )
    cluster = related(pool, CLUSTER, among, key="cluster")
    if cluster is None:
        return
    datapath = stated(cluster, "datapathProvider")
    if not is_unknown(datapath) and datapath != "ADVANCED_DATAPATH":
        yield "cluster", f"{cluster.name} has datapathProvider {shown(datapath)}, not ADVANCED_DATAPATH"
    if is_before(text(stated(cluster, "minMasterVersion")), DRANET_SINCE):
        yield "cluster", f"{cluster.name} is older than {DRANET_SINCE}, the first version with network profiles"


def _driver(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    for place, gpu in enumerate(items(stated(pool, "nodeConfig", "guestAccelerators"))):
        driver = inside(gpu, "gpuDriverInstallationConfig", "gpuDriverVersion")
        if not is_unknown(driver) and driver in (None, "", "GPU_DRIVER_VERSION_UNSPECIFIED"):
            yield f"{_GPUS}[{place}].gpuDriverInstallationConfig.gpuDriverVersion", f"is {shown(driver)}"


def _max_pods(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    table, pods = known_machine(pool), stated(pool, "maxPodsPerNode")
    if table is None or is_unknown(pods):
        return
    if is_absent(pods) or (whole(pods) or 0) > table.max_pods:
        yield "maxPodsPerNode", f"is {shown(pods)}; {table.max_pods} are enough for {machine_of(pool)}"


def _taint(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    taints = stated(pool, "nodeConfig", "taints")
    keys = [inside(one, "key") for one in items(taints)]
    if known_machine(pool) is None or is_unknown(taints) or any(is_unknown(one) or one in _TAINTS for one in keys):
        return
    yield "nodeConfig.taints", f"keeps no pod away from {machine_of(pool)}"


def is_accelerated(pool: Resource) -> bool:
    """True where machines of *pool* are known to hold accelerators."""
    return known_machine(pool) is not None or bool(items(stated(pool, "nodeConfig", "guestAccelerators")))


def _gvnic(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    networks = stated(pool, "networkConfig", "additionalNodeNetworkConfigs")
    on = stated(pool, "nodeConfig", "gvnic", "enabled")
    if items(networks) and known_machine(pool) is not None and not is_unknown(on) and not truth(on):
        yield "nodeConfig.gvnic.enabled", f"is {shown(on)}, but accelerator networks are gVNIC or RDMA interfaces"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-devices-of-machine",
        severity=Severity.ERROR,
        title="A node pool asks for the accelerators that its machine type has, by GKE's name and in their number",
        why="GKE refuses the pool; without the entry, no driver is installed and no pod finds a GPU",
        mend="state the type and count of the machine; nothing for a TPU machine",
        origin="cluster-toolkit 1.95.0 machine_mappings.json and modules/internal/tpu-definition; xpk 1.16.0",
        check=each(NODE_POOL, _devices),
    ),
    Rule(
        id="gke-local-ssd-count",
        severity=Severity.ERROR,
        title="A node pool uses as many local SSDs as its machine type brings",
        why="These machines come with a fixed number; GKE refuses another",
        mend="state the number of the machine",
        origin="cluster-toolkit 1.95.0 examples (16 on a3-high and a3-mega, 32 on a3-ultra and a4)",
        check=each(NODE_POOL, _ssd_count),
    ),
    Rule(
        id="gke-local-ssd-used",
        severity=Severity.WARNING,
        title="Local SSDs that a machine brings are used",
        why="Images and weights land on the boot disk instead, which is smaller and many times slower",
        mend="state ephemeralStorageLocalSsdConfig.localSsdCount",
        origin="cluster-toolkit 1.95.0 examples; no public rule covers it",
        check=each(NODE_POOL, _ssd_used),
    ),
    Rule(
        id="gke-gpudirect-networks",
        severity=Severity.ERROR,
        title="A pool with GPUDirect has all networks that its machine needs, in a multi-network cluster",
        why="GPUs without a network of their own talk over TCP through the first one: nodes run, collectives crawl",
        mend="add a network for each NIC, or set acceleratorNetworkProfile to auto",
        origin=TOOLKIT,
        check=each(NODE_POOL, _networks),
    ),
    Rule(
        id="gke-accelerator-network-profile",
        severity=Severity.ERROR,
        title="A network profile has a machine, a label, a data plane and a version that know it",
        why="GKE refuses the pool, or its nodes never hand their networks to a pod",
        mend=f"a3, a4, a4x, ct6e or tpu7x, the label {DRANET_LABEL}, Dataplane V2, GKE {DRANET_SINCE} or later",
        origin=TOOLKIT,
        check=each(NODE_POOL, _network_profile),
    ),
    Rule(
        id="gke-accelerator-gvnic",
        severity=Severity.ERROR,
        title="Nodes with accelerator networks have gVNIC",
        why="GKE refuses the pool: the older interface knows one network",
        mend="set nodeConfig.gvnic.enabled to true",
        origin="cluster-toolkit 1.95.0 examples (a3, a4)",
        check=each(NODE_POOL, _gvnic),
    ),
    Rule(
        id="gke-gpu-driver-stated",
        severity=Severity.WARNING,
        title="The GPU driver of a node pool is stated",
        why="A driver that is left to GKE shows up as a replacement of the whole pool when GKE's default moves",
        mend="set gpuDriverInstallationConfig.gpuDriverVersion to DEFAULT, LATEST or INSTALLATION_DISABLED",
        origin="hashicorp/terraform-provider-google#23248; GoogleCloudPlatform/magic-modules#11152",
        check=each(NODE_POOL, _driver),
    ),
    Rule(
        id="gke-accelerator-max-pods",
        severity=Severity.WARNING,
        title="Accelerator nodes reserve addresses for few pods",
        why="GKE sets twice the addresses of all possible pods aside for each node: 256 at its default of 110 pods",
        mend="set maxPodsPerNode: 15 on TPU machines, 32 on GPU machines",
        origin="AI-Hypercomputer/xpk 1.16.0 (15 on TPU pools, 32 on a3-mega)",
        check=each(NODE_POOL, _max_pods),
    ),
    Rule(
        id="gke-accelerator-taint",
        severity=Severity.WARNING,
        title="Accelerator nodes keep pods away that do not use accelerators",
        why="Pods without one fill the dearest machines of the cluster, and keep them from being taken away",
        mend=f"add the taint {_TAINTS[0]} or {_TAINTS[1]}, with effect NO_SCHEDULE",
        origin="GKE's own taints of accelerator nodes; no public rule covers it",
        check=each(NODE_POOL, _taint),
    ),
)
