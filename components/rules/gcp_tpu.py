"""Rules on TPU slices: their shape, the machines and the placement that make one up, the pods that run on it."""

from __future__ import annotations

from collections.abc import Iterator

from components.gcp.machines import TPU_MACHINES, Unprovisionable
from components.gcp.slices import Slice, count_mistakes, shape_mistakes, tpu_slice
from components.graph import Graph, Resource
from components.rules.gcp_pools import NODE_POOL, TOOLKIT, is_compact, machine_of
from components.rules.pods import Pod, containers, pods
from components.rules.reading import (
    Mistake,
    behind,
    each,
    inside,
    is_absent,
    of_type,
    shown,
    stated,
)
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, text, whole

RESOURCE_POLICY = "gcp:compute/resourcePolicy:ResourcePolicy"
TPU = "google.com/tpu"
ACCELERATOR_LABEL = "cloud.google.com/gke-tpu-accelerator"
TOPOLOGY_LABEL = "cloud.google.com/gke-tpu-topology"
HIGH_THROUGHPUT = "HIGH_THROUGHPUT"

_TOPOLOGY = "placementPolicy.tpuTopology"


def tpu_machine(pool: Resource) -> str | None:
    """The machine type of *pool* where it is a TPU machine of the tables."""
    machine = machine_of(pool)
    return machine if machine in TPU_MACHINES else None


def asked_topology(pool: Resource) -> str | None:
    """The shape of the slice that *pool* is placed as; None without, or where it is not known."""
    return text(stated(pool, "placementPolicy", "tpuTopology"))


def multi_host(pool: Resource) -> Slice | None:
    """The slice over several machines that *pool* is; None where it is none, or has no legal shape."""
    machine, topology = tpu_machine(pool), asked_topology(pool)
    if machine is None or topology is None:
        return None
    try:
        found = tpu_slice(machine, topology)
    except Unprovisionable:
        return None
    return found if found.hosts > 1 else None


def _legal(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    machine, topology = tpu_machine(pool), asked_topology(pool)
    if machine is not None and topology is not None:
        yield from ((_TOPOLOGY, what) for what in shape_mistakes(machine, topology))


def _single_host(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    machine = tpu_machine(pool)
    if machine is None:
        return
    topology = asked_topology(pool)
    if topology is not None:
        try:
            if tpu_slice(machine, topology).hosts == 1:
                yield _TOPOLOGY, f"is {topology}, which one {machine} is by itself: no placement"
        except Unprovisionable:
            return  # told by the rule on shapes
    elif is_compact(pool) and is_absent(stated(pool, "placementPolicy", "tpuTopology")):
        yield "placementPolicy.type", f"is COMPACT without a tpuTopology, so each {machine} is a slice by itself"


def _node_count(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    machine, topology = tpu_machine(pool), asked_topology(pool)
    for path in (("nodeCount",), ("autoscaling", "maxNodeCount")):
        count = whole(stated(pool, *path))
        if machine is not None and topology is not None and count:
            yield from ((".".join(path), what) for what in count_mistakes(machine, topology, machines=count))


def _autoscaling(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    scaling = stated(pool, "autoscaling")
    if multi_host(pool) is None or is_unknown(scaling) or is_absent(scaling):
        return
    for key in ("totalMaxNodeCount", "totalMinNodeCount"):
        if whole(inside(scaling, key)):
            yield f"autoscaling.{key}", "limits the whole pool, but a slice is scaled by maxNodeCount, for its zone"
    policy = inside(scaling, "locationPolicy")
    if not is_unknown(policy) and policy != "ANY":
        yield "autoscaling.locationPolicy", f"is {shown(policy)}, not ANY: a slice comes whole, wherever there is room"


def _placement(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    found = multi_host(pool)
    if found is None:
        return
    kind, policy = (stated(pool, "placementPolicy", key) for key in ("type", "policyName"))
    if not found.needs_workload_policy:
        if not is_unknown(kind) and kind != "COMPACT":
            yield "placementPolicy.type", f"is {shown(kind)}, but the machines of a slice are placed COMPACT"
        return
    if not is_unknown(kind) and not is_absent(kind):
        yield "placementPolicy.type", f"is {shown(kind)}, but GKE reports none beside a named policy: leave it empty"
    if is_absent(policy):
        yield "placementPolicy.policyName", f"is not stated, but {machine_of(pool)} is placed by a workload policy"
    for one in behind(pool, "placementPolicy", among, RESOURCE_POLICY):
        yield from _workload_policy(one, found)


def _workload_policy(policy: Resource, found: Slice) -> Iterator[Mistake]:
    wanted = (("type", HIGH_THROUGHPUT), ("acceleratorTopology", found.topology))
    for key, value in wanted:
        known = stated(policy, "workloadPolicy", key)
        if not is_unknown(known) and known != value:
            yield "placementPolicy.policyName", f"{policy.name} has {key} {shown(known)}, not {value}"


def _pods(graph: Graph) -> Iterator[Violation]:
    machines = {machine for one in of_type(graph, NODE_POOL) if (machine := tpu_machine(one)) is not None}
    for pod in pods(graph):
        for path, mistake in _pod(pod, machines):
            yield Violation(urn=pod.resource.urn, path=f"{pod.path}.{path}", text=mistake)


def _pod(pod: Pod, machines: set[str]) -> Iterator[Mistake]:
    chips = [whole(one.accelerators[TPU]) for one in containers(pod) if TPU in one.accelerators]
    if not chips:
        return
    asked = None if None in chips else sum(one for one in chips if one is not None)
    selector = inside(dict(pod.spec), "nodeSelector")
    for label in (ACCELERATOR_LABEL, TOPOLOGY_LABEL):
        if is_absent(inside(selector, label)):
            yield f"nodeSelector[{label}]", "is not stated, and GKE lets no pod with TPU chips in without it"
    kind = text(inside(selector, ACCELERATOR_LABEL))
    sizes = {TPU_MACHINES[one].accelerators for one in machines if TPU_MACHINES[one].accelerator_type == kind}
    if sizes and asked is not None and asked not in sizes:
        yield (
            "containers",
            f"ask for {asked} chips, but a pod takes all of its machine: {' or '.join(map(str, sorted(sizes)))}",
        )


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-tpu-topology",
        severity=Severity.ERROR,
        title="A TPU slice has a shape that its TPU generation is sold in",
        why="GKE refuses the pool",
        mend="v5e, v6e: up to 16x16; v5p, tpu7x: 2x2x1, 2x2x2, 2x2x4, 2x4x4, then whole 4x4x4 cubes",
        origin="AI-Hypercomputer/xpk 1.16.0 system_characteristics.py",
        check=each(NODE_POOL, _legal),
    ),
    Rule(
        id="gke-tpu-single-host",
        severity=Severity.ERROR,
        title="A slice within one machine has no placement",
        why="GKE refuses a topology on it, and two such machines are two slices",
        mend="leave placementPolicy out",
        origin="AI-Hypercomputer/xpk PR 825",
        check=each(NODE_POOL, _single_host),
    ),
    Rule(
        id="gke-tpu-node-count",
        severity=Severity.ERROR,
        title="A slice over several machines has as many as its shape has chips, over those of a machine",
        why="A node pool is one slice, whole or not at all: GKE refuses another count",
        mend="state product(topology) / chips per machine",
        origin="AI-Hypercomputer/xpk 1.16.0 (compute_vms_per_slice, compute_chips_per_vm)",
        check=each(NODE_POOL, _node_count),
    ),
    Rule(
        id="gke-tpu-autoscaling",
        severity=Severity.ERROR,
        title="A slice over several machines is scaled by the zone, with location policy ANY",
        why="With a total limit the autoscaler never brings the slice",
        mend="use minNodeCount 0, maxNodeCount equal to the machines of the slice, and locationPolicy ANY",
        origin=f"{TOOLKIT}; vllm-project/ci-infra PR 545",
        check=each(NODE_POOL, _autoscaling),
    ),
    Rule(
        id="gke-tpu-placement",
        severity=Severity.ERROR,
        title="A slice is placed COMPACT, on TPU7x by a workload policy of type HIGH_THROUGHPUT and its shape",
        why="Machines of another placement are not wired to one another; with a type beside a policy the pool is"
        " replaced at every update",
        mend="COMPACT with tpuTopology; on TPU7x policyName with tpuTopology and an empty type",
        origin="vllm-project/ci-infra PR 547",
        check=each(NODE_POOL, _placement),
    ),
    Rule(
        id="gke-tpu-pod",
        severity=Severity.ERROR,
        title="A pod with TPU chips says which TPU and shape it runs on, and takes all chips of a machine",
        why="GKE's admission refuses the pod, or it waits for ever beside free chips",
        mend=f"select {ACCELERATOR_LABEL} and {TOPOLOGY_LABEL}, and ask for the chips of the machine",
        origin="GKE: deploy TPU workloads; xpk 1.16.0",
        check=_pods,
    ),
)
