"""Rules on where pods run: whether a pool takes them, whether they fit, and whether a rollout has room."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from components.graph import Graph, Resource, Value
from components.rules.pods import DEPLOYMENT, EFA, Container, Pod, containers, every_container, pods
from components.rules.pools import (
    Pool,
    asked,
    devices,
    pods_with_pools,
    quantity,
    server_of,
    slots,
    tolerated,
)
from components.rules.reading import Mistake, inside, is_absent, mapping, of_type, shown, stated
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import is_unknown, text, whole
from sizing.units import GIB

SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
IPC_LOCK = "IPC_LOCK"
_RDMA = (EFA, "rdma/")


def _somewhere(graph: Graph) -> Iterator[Violation]:
    for pod, found in pods_with_pools(graph, pods(graph)):
        if not found:
            yield _on(pod, "no pool has the labels that its selector and affinity ask for")


def _let_in(graph: Graph) -> Iterator[Violation]:
    for pod, found in pods_with_pools(graph, pods(graph)):
        if found and not any(tolerated(pod, pool) for pool in found):
            keys = sorted({taint.key for pool in found for taint in pool.taints or ()})
            yield _on(pod, f"every pool that it may run on has a taint, {', '.join(keys)}, that it does not tolerate")


def _fits(graph: Graph) -> Iterator[Violation]:
    for pod, found in pods_with_pools(graph, pods(graph)):
        pools = [pool for pool in found if tolerated(pod, pool)]
        reasons = [_too_large(pod, pool) for pool in pools]
        if reasons and all(reasons):
            yield _on(pod, reasons[0])


def _too_large(pod: Pod, pool: Pool) -> str:
    """Why a pod does not fit on an empty machine of a pool; empty where it does, or that is not known."""
    machine = pool.machine
    if machine is None:
        return ""
    running = [one for one in containers(pod) if not one.initial]
    accelerators = sum(devices(one) or 0 for one in running)
    memory = sum(asked(one, "memory") or 0.0 for one in running)
    cores = sum(asked(one, "cpu") or 0.0 for one in running)
    if accelerators > machine.accelerators:
        return f"asks for {accelerators} accelerators, of {machine.accelerators} in {machine.name}"
    if memory > machine.memory_bytes:
        return f"asks for {memory / GIB:.0f} GiB, of {machine.memory_bytes / GIB:.0f} in {machine.name}"
    if cores > machine.vcpus:
        return f"asks for {cores:g} cores, of {machine.vcpus} in {machine.name}"
    return ""


def _fabric(graph: Graph) -> Iterator[Violation]:
    """A pod that takes a whole machine takes all of its EFA; none can have more than there is."""
    for pod, found in pods_with_pools(graph, pods(graph)):
        for container in containers(pod):
            wanted = quantity(inside(container.value, "resources", "limits", EFA))
            counts = {pool.efa_interfaces for pool in found}
            if not wanted or None in counts or not counts:
                continue
            most = max(count for count in counts if count is not None)
            whole_machine = any(
                pool.machine is not None and pool.machine.accelerators == devices(container) for pool in found
            )
            if wanted > most or (whole_machine and wanted < most):
                path = f"{container.path}.resources.limits"
                text_ = f"asks for {wanted:g} EFA interfaces; its machines have {most}"
                yield Violation(urn=pod.resource.urn, path=path, text=text_)


def _most_replicas(graph: Graph, pod: Pod) -> int | None:
    """The most replicas there may be: the autoscaler's, where there is one."""
    for scaler in of_type(graph, SCALER):
        if scales(scaler, pod):
            return whole(stated(scaler, "spec", "maxReplicas"))
    return whole(stated(pod.resource, "spec", "replicas"))


def scales(scaler: Resource, pod: Pod) -> bool:
    """Whether an autoscaler is known to move the replicas of a pod's Deployment."""
    target = stated(scaler, "spec", "scaleTargetRef", "name")
    same_namespace = stated(scaler, "metadata", "namespace") == stated(pod.resource, "metadata", "namespace")
    return same_namespace and text(target) is not None and target == stated(pod.resource, "metadata", "name")


def _placed(graph: Graph) -> Iterator[tuple[Pod, int]]:
    """Each replicated pod with accelerators, and how many more replicas its pools hold than there are, where known."""
    placed = [
        (pod, server, replicas, [pool for pool in found if tolerated(pod, pool)])
        for pod, found in pods_with_pools(graph, pods(graph))
        if (server := server_of(pod)) is not None
        and (replicas := whole(stated(pod.resource, "spec", "replicas"))) is not None
    ]
    taken: Counter[frozenset[str]] = Counter()  # accelerators, by the pools that they are on
    for _, server, replicas, pools in placed:
        taken[_urns(pools)] += replicas * (devices(server) or 0)
    for pod, server, _, pools in placed:
        held = [slots(server, pool) for pool in pools]
        known = [count for count in held if count is not None]
        used = sum(count for urns, count in taken.items() if urns <= _urns(pools))
        if held and len(known) == len(held):
            yield pod, sum(known) - math.ceil(used / (devices(server) or 1))


def _urns(pools: list[Pool]) -> frozenset[str]:
    return frozenset(pool.resource.urn for pool in pools)


def _replicas_fit(graph: Graph) -> Iterator[Violation]:
    for pod, room in _placed(graph):
        most, now = _most_replicas(graph, pod), whole(stated(pod.resource, "spec", "replicas"))
        if most is not None and now is not None and most > now + room:
            what = f"up to {most} replicas, but its machines hold {now + room}"
            yield Violation(urn=pod.resource.urn, path="spec.replicas", text=what)


def _rollout(graph: Graph) -> Iterator[Violation]:
    """With no replica to spare and no free machine, a rollout waits for ever."""
    for pod, room in _placed(graph):
        if pod.resource.type != DEPLOYMENT:
            continue
        strategy = stated(pod.resource, "spec", "strategy")
        replicas = whole(stated(pod.resource, "spec", "replicas"))
        kind = inside(strategy, "type")
        unavailable = inside(strategy, "rollingUpdate", "maxUnavailable")
        if kind not in (None, "RollingUpdate") or is_unknown(unavailable) or replicas is None:
            continue
        if room <= 0 and _share_of("25%" if unavailable is None else unavailable, replicas) == 0:
            what = f"no replica may be missing, and no machine has room beside the {replicas} that run"
            yield Violation(urn=pod.resource.urn, path="spec.strategy", text=what)


def _share_of(value: Value, replicas: int) -> int | None:
    """A count, or a share of the replicas rounded down, as Kubernetes does for what may be missing."""
    if isinstance(value, str) and value.endswith("%"):
        share = quantity(value.removesuffix("%"))
        return None if share is None else math.floor(replicas * share / 100)
    return whole(value)


def _on(pod: Pod, text_: str) -> Violation:
    return Violation(urn=pod.resource.urn, path=pod.path, text=text_)


def _same_count(container: Container) -> Iterator[Mistake]:
    """Accelerators cannot be overcommitted: Kubernetes wants request and limit alike, and whole."""
    resources = container.value.get("resources")
    limits, requests = (mapping(inside(resources, kind)) for kind in ("limits", "requests"))
    for key in sorted(container.accelerators):
        limit, request = limits.get(key), requests.get(key)
        if is_unknown(limit) or is_unknown(request) or is_unknown(inside(resources, "limits")):
            continue
        if is_absent(limit):
            yield "resources.limits", f"{key} is requested, but has no limit"
        elif request is not None and quantity(request) != quantity(limit):
            yield f"resources.requests.{key}", f"requests {shown(request)}, limits {shown(limit)}"


def _locks_memory(container: Container) -> Iterator[Mistake]:
    """Memory that the fabric writes to must not be swapped or moved."""
    limits = mapping(inside(container.value, "resources", "limits"))
    has_rdma = any(key.startswith(_RDMA) for key in limits)
    added = inside(container.value, "securityContext", "capabilities", "add")
    listed = added if isinstance(added, list) else []
    unread = is_unknown(added) or any(map(is_unknown, listed))
    if has_rdma and not unread and IPC_LOCK not in listed:
        yield "securityContext.capabilities", f"asks for the fabric without {IPC_LOCK}"


RULES: tuple[Rule, ...] = (
    Rule(
        id="pod-pool",
        severity=Severity.ERROR,
        title="Some pool has the labels that a pod asks for",
        why="the pod stays pending for ever, and its machines stand idle",
        mend="let labels of pools and selectors of pods come from one place",
        origin="kubeai#393, #157; no public rule",
        check=_somewhere,
    ),
    Rule(
        id="pod-tolerates",
        severity=Severity.ERROR,
        title="A pod tolerates the taints of a pool that it may run on",
        why="the pod stays pending for ever",
        mend="add the toleration of the pool's taint",
        origin="no public rule",
        check=_let_in,
    ),
    Rule(
        id="pod-fits",
        severity=Severity.ERROR,
        title="A pod fits on an empty machine of its pool",
        why="the pod stays pending for ever",
        mend="ask for less, or use a larger machine: sizeup size <stack>",
        origin="aws-deadline PR #221 (memory for staging weights); no public rule",
        check=_fits,
    ),
    Rule(
        id="pod-efa-count",
        severity=Severity.ERROR,
        title="A pod asks for as many EFA interfaces as its machine has, where it takes the whole machine",
        why="the pod stays pending, or collectives run at a part of the bandwidth that is paid for",
        mend="ask for the count of components/aws/efa.py",
        origin="awsome-distributed-ai eks-add-gpu-nodegroup.yaml (2026-02)",
        check=_fabric,
    ),
    Rule(
        id="pod-accelerator-limit",
        severity=Severity.ERROR,
        title="The limit of an accelerator is its request",
        why="Kubernetes refuses the pod",
        mend="state it once, as a limit",
        origin="Kubernetes extended resources: requests and limits must be equal",
        check=every_container(_same_count),
    ),
    Rule(
        id="pod-ipc-lock",
        severity=Severity.ERROR,
        title="A pod on the fabric may lock memory",
        why="registration of memory fails, and the engine falls back to TCP or stops",
        mend="add the capability IPC_LOCK, and nothing else; the namespace cannot be `restricted` then",
        origin="llm-d manifests; Kubernetes pod security standards",
        check=every_container(_locks_memory),
    ),
    Rule(
        id="replicas-fit",
        severity=Severity.WARNING,
        title="The machines hold as many replicas as an autoscaler may ask for",
        why="replicas stay pending, and the load that they were added for is not served",
        mend="lower max_replicas, or buy more machines",
        origin="karpenter-provider-aws#7038; no public rule",
        check=_replicas_fit,
    ),
    Rule(
        id="rollout-room",
        severity=Severity.ERROR,
        title="A rollout may take a replica away, or has room for one more",
        why="the new replica waits for a machine that the old ones hold, for ever",
        mend="set max_unavailable=1 and max_surge=0, or strategy Recreate",
        origin="accelerated-platforms deployments (2026-08)",
        check=_rollout,
    ),
)
