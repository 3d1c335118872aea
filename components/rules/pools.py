"""
Pools of machines of both clouds as pods see them: labels, taints, what fits on a machine, how many there are. Knows
no rule.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.aws.efa import efa_layout
from components.graph import Graph, Resource, Value
from components.rules.eks_nodes import NODE_GROUP, has_efa, nodes_of
from components.rules.pods import Container, Pod, containers
from components.rules.reading import inside, items, mapping, of_type, stated
from components.surroundings import Surroundings, is_unknown, surroundings, text, texts, whole
from sizing.catalog import Cloud, catalog
from sizing.catalog.machine import Machine
from sizing.errors import UnknownFact

GKE_POOL = "gcp:container/nodePool:NodePool"
_QUANTITY = re.compile(r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>m|[kMGTPE]i?)?$")
_UNITS = {"m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18} | {
    f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", start=1)
}
# Labels that clouds and plugins put on nodes by themselves: whether a node has one cannot be read from a graph.
_OTHERS = ("kubernetes.io/", "k8s.io/", "cloud.google.com/", "eks.amazonaws.com/", "karpenter.sh/", "nvidia.com/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    """What keeps pods off a node."""

    key: str
    value: str
    effect: str  # as pods write it: NoSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One pool of equal machines; None is what is not known."""

    resource: Resource
    labels: Mapping[str, Value] | None
    taints: tuple[Taint, ...] | None
    machine: Machine | None
    nodes: int | None  # the most there may be
    efa_interfaces: int | None  # of a machine; 0 where its template gives it none


def pools_of(graph: Graph) -> list[Pool]:
    """Every pool of *graph*."""
    among = surroundings(graph)
    on_aws = [_eks_pool(group, among) for group in of_type(graph, NODE_GROUP)]
    return on_aws + [_gke_pool(pool) for pool in of_type(graph, GKE_POOL)]


def _eks_pool(group: Resource, among: Surroundings) -> Pool:
    nodes = nodes_of(group, among)
    return Pool(
        resource=group,
        labels=_labels(stated(group, "labels")),
        taints=_taints(stated(group, "taints")),
        machine=nodes.facts[0] if len(nodes.facts) == 1 else None,
        nodes=whole(stated(group, "scalingConfig", "maxSize")),
        efa_interfaces=_efa(nodes.machines[0], nodes.template) if len(nodes.machines) == 1 else None,
    )


def _efa(machine: str, template: Resource | None) -> int | None:
    """EFA interfaces of a machine that starts from *template*."""
    if template is None or is_unknown(stated(template, "networkInterfaces")):
        return None
    if not has_efa(template):
        unread = any(is_unknown(inside(one, "interfaceType")) for one in items(stated(template, "networkInterfaces")))
        return None if unread else 0
    try:
        return efa_layout(machine).efa_interfaces
    except UnknownFact:
        return None


def _gke_pool(pool: Resource) -> Pool:
    zones = len(texts(stated(pool, "nodeLocations"))) or None
    count = whole(stated(pool, "nodeCount"))
    name = text(stated(pool, "nodeConfig", "machineType"))
    return Pool(
        resource=pool,
        labels=_labels(stated(pool, "nodeConfig", "labels")),
        taints=_taints(stated(pool, "nodeConfig", "taints")),
        machine=_gcp_machine(name) if name else None,
        nodes=None if count is None or zones is None else count * zones,
        efa_interfaces=0,
    )


def _gcp_machine(name: str) -> Machine | None:
    try:
        return catalog().machine(Cloud.GCP, name)
    except UnknownFact:
        return None


def _labels(value: Value) -> Mapping[str, Value] | None:
    return None if is_unknown(value) else mapping(value)


def _taints(value: Value) -> tuple[Taint, ...] | None:
    found = [tuple(inside(one, key) for key in ("key", "value", "effect")) for one in items(value)]
    if is_unknown(value) or any(is_unknown(part) for parts in found for part in parts):
        return None
    return tuple(
        Taint(key=text(key) or "", value=text(of) or "", effect=_camel(text(effect) or "")) for key, of, effect in found
    )


def _camel(effect: str) -> str:
    """NO_SCHEDULE as pods write it: NoSchedule."""
    return effect.title().replace("_", "") if effect.isupper() else effect


def chosen(pod: Pod, pools: list[Pool]) -> list[Pool] | None:
    """The pools that a pod's selector and affinity allow; None where that cannot be read."""
    if any(pool.labels is None for pool in pools):
        return None
    verdicts = [(pool, _is_chosen(pod, pool.labels or {})) for pool in pools]
    return None if any(verdict is None for _, verdict in verdicts) else [pool for pool, verdict in verdicts if verdict]


def _is_chosen(pod: Pod, labels: Mapping[str, Value]) -> bool | None:
    selector = pod.spec.get("nodeSelector")
    required = inside(
        pod.spec.get("affinity"), "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"
    )
    wanted = [_holds(key, "In", [value], labels) for key, value in mapping(selector).items()]
    terms = [
        _all([_expression(one, labels) for one in items(inside(term, "matchExpressions"))]) for term in items(required)
    ]
    if is_unknown(selector) or is_unknown(required):
        return None
    return _all([*wanted, *([_any(terms)] if terms else [])])


def _expression(one: Value, labels: Mapping[str, Value]) -> bool | None:
    key, operator, values = (inside(one, part) for part in ("key", "operator", "values"))
    if not isinstance(key, str) or not isinstance(operator, str) or is_unknown(values):
        return None
    return _holds(key, operator, items(values), labels)


def _holds(key: str, operator: str, values: list[Value], labels: Mapping[str, Value]) -> bool | None:
    if key not in labels and any(part in key for part in _OTHERS):
        return True  # put there by somebody else
    own = labels.get(key)
    if is_unknown(own) or any(map(is_unknown, values)):
        return None
    verdicts = {
        "In": own in values,
        "NotIn": own not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return verdicts.get(operator, True)


def _all(verdicts: list[bool | None]) -> bool | None:
    return False if False in verdicts else None if None in verdicts else True


def _any(verdicts: list[bool | None]) -> bool | None:
    return True if True in verdicts else None if None in verdicts else False


def tolerated(pod: Pod, pool: Pool) -> bool:
    """Whether nothing that is known keeps the pod off the pool's nodes."""
    written = pod.spec.get("tolerations")
    tolerations = items(written)
    unread = is_unknown(written) or any(is_unknown(one) for one in tolerations)
    return unread or all(
        taint.effect == "PreferNoSchedule" or any(_puts_up(one, taint) for one in tolerations)
        for taint in pool.taints or ()
    )


def _puts_up(toleration: Value, taint: Taint) -> bool:
    key, operator, value, effect = (inside(toleration, part) for part in ("key", "operator", "value", "effect"))
    same_key = key in (None, taint.key) or is_unknown(key)
    same_effect = effect in (None, "", taint.effect) or is_unknown(effect)
    same_value = operator == "Exists" or is_unknown(operator) or is_unknown(value) or (value or "") == taint.value
    return same_key and same_effect and same_value


def quantity(value: Value) -> float | None:
    """A quantity as Kubernetes writes it, in bytes, cores or pieces: 74601Mi, 12000m, 4; None where not known."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _QUANTITY.match(value) if isinstance(value, str) else None
    return float(found["number"]) * _UNITS.get(found["unit"] or "", 1.0) if found else None


def asked(container: Container, what: str) -> float | None:
    """How much of a resource a container asks for; its limit where it states no request; None where not known."""
    for kind in ("requests", "limits"):
        value = inside(container.value, "resources", kind, what)
        if value is not None:
            return quantity(value)
    return None


def devices(container: Container) -> int | None:
    """How many accelerators a container asks for; None where not known, or where it asks for none."""
    counts = [quantity(value) for value in container.accelerators.values()]
    return int(counts[0]) if len(counts) == 1 and counts[0] is not None else None


def slots(container: Container, pool: Pool) -> int | None:
    """How many pods with such a container a pool holds at once, by accelerators; None where not known."""
    wanted = devices(container)
    if not wanted or pool.machine is None or pool.nodes is None:
        return None
    return pool.nodes * math.floor(pool.machine.accelerators / wanted)


def server_of(pod: Pod) -> Container | None:
    """The container of a pod that holds its accelerators."""
    return next((one for one in containers(pod) if one.accelerators and not one.initial), None)


def pods_with_pools(graph: Graph, pods: Iterator[Pod]) -> Iterator[tuple[Pod, list[Pool]]]:
    """Each pod with the pools that it may run on; left out where that cannot be read, or there are no pools."""
    pools = pools_of(graph)
    for pod in pods if pools else ():
        found = chosen(pod, pools)
        if found is not None:
            yield pod, found
