"""
Which workload bears which cost, read from the recorded graph: pods claim machines by the labels of their nodes.

A pool that the pods of one workload select is its own; one that several select is split by the accelerators that
their replicas ask for, idle ones included (by processors where nobody asks for accelerators). What no workload selects,
and what stands above them all (network, cluster, buckets for all), is shared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.graph import Graph, Resource, Value
from components.surroundings import at, number, package, read, text, texts, whole
from infra.cost.bill import Share
from infra.cost.pools import MachinePool, known_texts
from infra.cost.pricing_kubernetes import kind_of

_POD_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "apps/Deployment": ("spec", "template"),
    "apps/StatefulSet": ("spec", "template"),
    "apps/ReplicaSet": ("spec", "template"),
    "batch/Job": ("spec", "template"),
    "core/Pod": (),
}
_COUNTS = {"batch/Job": "parallelism"}  # of pods at a time; "replicas" for the others
_OWN = ("sizeup/workload", "sizeup-workload")  # labels and tags that name the workload
_COMMON = "app.kubernetes.io/part-of"  # where Kubernetes objects of others name it
_MILLI = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """What the pods of one object ask of the nodes that they select."""

    workload: str
    wanted: Mapping[str, frozenset[str]]  # node label -> values that will do
    accelerators: float | None  # over all replicas; None: not known
    processors: float | None


def workload_shares(graph: Graph, pools: Sequence[MachinePool]) -> Mapping[str, tuple[Share, ...]]:
    """The shares of each resource that named workloads bear, by URN; what is missing is shared by all."""
    of_pools = _pool_shares(pools, _claims(graph))
    served = {share.workload for shares in of_pools.values() for share in shares}
    named = {x.urn: (Share(workload=name, part=1.0),) for x in graph.resources if (name := _named(x, served))}
    return {**_reservation_shares(pools, of_pools), **of_pools, **named}


def _named(resource: Resource, served: Collection[str] = ()) -> str | None:
    """
    The workload that the labels or tags of a resource name.

    What Kubernetes calls the whole that an object is part of is one only where it is among *served*: it may as well be
    a tool of the cluster.
    """
    if package(resource) != "kubernetes":
        maps = (read(resource, "tags"), read(resource, "labels"), read(resource, "nodeConfig", "resourceLabels"))
        return next((name for x in maps if (name := _workload(x)) is not None), None)
    labels = read(resource, "metadata", "labels")
    whole_name = text(at(labels, _COMMON))
    return _workload(labels) or (whole_name if whole_name in served else None)


def _workload(labels: Value) -> str | None:
    return next((name for key in _OWN if (name := text(at(labels, key))) is not None), None)


def _claims(graph: Graph) -> list[_Claim]:
    return [
        claim
        for resource in graph.resources
        if package(resource) == "kubernetes" and (claim := _claim(resource, kind_of(resource.type))) is not None
    ]


def _claim(resource: Resource, kind: str) -> _Claim | None:
    """What *resource* claims; None where it makes no pods, or names no workload."""
    if kind not in _POD_TEMPLATES:
        return None
    template = read(resource, *_POD_TEMPLATES[kind])
    labels = at(template, "metadata", "labels")
    workload = _workload(labels) or _named(resource) or text(at(labels, _COMMON))
    if workload is None:
        return None
    stated = read(resource, "spec", _COUNTS.get(kind, "replicas"))
    replicas = 1 if stated is None else whole(stated)
    pod = at(template, "spec")
    return _Claim(
        workload=workload,
        wanted=_wanted(pod),
        accelerators=_times(replicas, _asked(pod, is_device=True)),
        processors=_times(replicas, _asked(pod, is_device=False)),
    )


def _times(replicas: int | None, each: float) -> float | None:
    return None if replicas is None else replicas * each


def _wanted(pod: Value) -> Mapping[str, frozenset[str]]:
    """Node labels that a pod requires, with the values that will do: its selector, and its required affinity."""
    wanted = {key: frozenset({value}) for key, value in known_texts(at(pod, "nodeSelector")).items()}
    required = at(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    terms = at(required, "nodeSelectorTerms")
    if isinstance(terms, list) and len(terms) == 1:  # several terms are alternatives: each alone requires nothing
        expressions = at(terms[0], "matchExpressions")
        for one in expressions if isinstance(expressions, list) else ():
            key = text(at(one, "key"))
            if key is not None and at(one, "operator") == "In":
                wanted[key] = frozenset(texts(at(one, "values")))
    return wanted


def _asked(pod: Value, *, is_device: bool) -> float:
    """Accelerators, or else processors, that the containers of one pod ask for."""
    containers = at(pod, "containers")
    total = 0.0
    for one in containers if isinstance(containers, list) else ():
        asked = {**_amounts(at(one, "resources", "limits")), **_amounts(at(one, "resources", "requests"))}
        total += sum(amount for name, amount in asked.items() if ("/" in name if is_device else name == "cpu"))
    return total


def _amounts(resources: Value) -> Mapping[str, float]:
    if not isinstance(resources, Mapping):
        return {}
    return {name: amount for name, x in resources.items() if (amount := _amount(x)) is not None}


def _amount(quantity: Value) -> float | None:
    """A count or a number of processors: 8, "8", "3500m"."""
    stated = text(quantity)
    if stated is not None and stated.endswith("m"):
        milli = number(stated[:-1])
        return None if milli is None else milli * _MILLI
    return number(quantity)


def _pool_shares(pools: Sequence[MachinePool], claims: Sequence[_Claim]) -> Mapping[str, tuple[Share, ...]]:
    """
    Who bears each pool, and how much of it; without those that nobody selects, or of which a claim is not known.

    A claim that several pools would satisfy falls on them in proportion to their machines.
    """
    stated = {key for pool in pools for key in pool.labels}
    on_pools: dict[str, list[tuple[_Claim, float]]] = defaultdict(list)
    for claim in claims:
        selected = [pool for pool in pools if _selects(claim, pool, stated)]
        for pool in selected:
            on_pools[pool.urn].append((claim, _fraction(pool, selected)))
    return {urn: shares for urn, mine in on_pools.items() if (shares := _shares(mine))}


def _shares(claims: Sequence[tuple[_Claim, float]]) -> tuple[Share, ...]:
    """How the claims on one pool share it, each with the part of it that falls on this pool."""
    by_device = any(claim.accelerators for claim, _ in claims)
    weights: dict[str, float] = defaultdict(float)
    for claim, part in claims:
        asked = claim.accelerators if by_device else claim.processors
        if asked is None:
            return ()
        weights[claim.workload] += asked * part
    if len(weights) == 1:
        return (Share(workload=next(iter(weights)), part=1.0),)
    total = sum(weights.values())
    return tuple(Share(workload=x, part=weight / total) for x, weight in weights.items() if weight)


def _selects(claim: _Claim, pool: MachinePool, stated: Collection[str]) -> bool:
    """
    Whether the pods of *claim* select the nodes of *pool*, and not just any node.

    A label that is not *stated* by any pool is one that the cloud gives its nodes (zone, topology): it rules none out.
    """
    wanted = {key: values for key, values in claim.wanted.items() if key in stated}
    return bool(wanted) and all(pool.labels.get(key) in values for key, values in wanted.items())


def _fraction(pool: MachinePool, selected: Sequence[MachinePool]) -> float:
    """The part of a claim on all *selected* pools that falls on *pool*; equal parts where a count is not known."""
    counts = {x.urn: x.nodes for x in selected}
    known = [nodes for nodes in counts.values() if nodes is not None]
    if len(known) < len(counts) or not sum(known):
        return 1 / len(selected)
    return (counts[pool.urn] or 0) / sum(known)


def _reservation_shares(
    pools: Sequence[MachinePool], of_pools: Mapping[str, tuple[Share, ...]]
) -> Mapping[str, tuple[Share, ...]]:
    """Shares of the reservations that pools take their machines from; shared by all as soon as one pool of it is."""
    users: dict[str, list[MachinePool]] = defaultdict(list)
    for pool in pools:
        if pool.reservation is not None:
            users[pool.reservation].append(pool)
    return {urn: tuple(_joined(mine, of_pools)) for urn, mine in users.items()}


def _joined(users: Sequence[MachinePool], of_pools: Mapping[str, tuple[Share, ...]]) -> Iterator[Share]:
    if any(pool.urn not in of_pools for pool in users):
        return
    parts: dict[str, float] = defaultdict(float)
    for pool in users:
        for share in of_pools[pool.urn]:
            parts[share.workload] += share.part * _fraction(pool, users)
    for workload, part in parts.items():
        yield Share(workload=workload, part=part)
