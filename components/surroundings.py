"""A recorded resource among its neighbours: its cloud and region, what it refers to, and its inputs as plain values.

Ids are unknown before apply, so a reference is found through the dependencies that the recorder keeps, not through
the id. An input that is unknown, or of another shape than expected, reads as None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from components.graph import Graph, Resource, Secret, Unknown, Value
from sizing.catalog.machine import Cloud

_PACKAGE_CLOUD = {"aws": Cloud.AWS, "gcp": Cloud.GCP}
CLUSTERS = frozenset({"aws:eks/cluster:Cluster", "gcp:container/cluster:Cluster"})
_ZONE = re.compile(r"^(?P<region>[a-z]+-[a-z]+\d+)-[a-z]$")  # us-central1-b: a zone of GCP


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All resources of a graph by their URN, and where what runs in its Kubernetes cluster is billed."""

    by_urn: Mapping[str, Resource]
    cluster_cloud: Cloud | None  # None: no managed cluster, or clusters on several clouds
    cluster_region: str | None  # None: no managed cluster, or clusters in several regions


def surroundings(graph: Graph) -> Surroundings:
    """The neighbours that resources of *graph* are looked up among."""
    alone = Surroundings(by_urn={x.urn: x for x in graph.resources}, cluster_cloud=None, cluster_region=None)
    clusters = [x for x in graph.resources if x.type in CLUSTERS]
    clouds = {cloud_of(x, alone) for x in clusters}
    regions = {region_of(x, alone) for x in clusters}
    return Surroundings(
        by_urn=alone.by_urn,
        cluster_cloud=clouds.pop() if len(clouds) == 1 else None,
        cluster_region=regions.pop() if len(regions) == 1 else None,
    )


def package(resource: Resource) -> str:
    """Provider package of a resource: aws, gcp, kubernetes, pulumi."""
    return resource.type.partition(":")[0]


def at(value: Value, *path: str | int) -> Value:
    """The value below *path* (keys and list places); None where there is none, or where it is unknown."""
    for step in path:
        value = value.value if isinstance(value, Secret) else value
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value.value if isinstance(value, Secret) else value


def read(resource: Resource, *path: str | int) -> Value:
    """The input of *resource* below *path*; None where there is none."""
    return at(dict(resource.inputs), *path)


def text(value: Value) -> str | None:
    """*value* where it is a known, non-empty text."""
    return value if isinstance(value, str) and value else None


def number(value: Value) -> float | None:
    """*value* where it is a known number, or a text that spells one (providers take both)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) else None


def whole(value: Value) -> int | None:
    """*value* where it is a known whole number."""
    known = number(value)
    return int(known) if known is not None and known.is_integer() else None


def truth(value: Value) -> bool:
    """True where *value* is known and true."""
    return value is True or value == "true"


def texts(value: Value) -> tuple[str, ...]:
    """The known texts of a list; empty where there is no list."""
    return tuple(x for x in value if isinstance(x, str)) if isinstance(value, list) else ()


def length(value: Value) -> int | None:
    """How many elements a list has, known or not; None where the list itself is unknown."""
    return len(value) if isinstance(value, list) else None


def is_unknown(value: Value) -> bool:
    """True for a value that is known only after apply."""
    return isinstance(value, Unknown)


def related(resource: Resource, kind: str, among: Surroundings, *, key: str) -> Resource | None:
    """
    The one resource of type *kind* that the input *key* of *resource* refers to; None without, or where several could
    be meant. Where the recorder does not tell dependencies by input, those of the whole resource are looked at.
    """
    urns = resource.property_dependencies.get(key, ()) or resource.dependencies
    found = [x for urn in urns if (x := among.by_urn.get(urn)) is not None and x.type == kind]
    return found[0] if len(found) == 1 else None


def cloud_of(resource: Resource, among: Surroundings) -> Cloud | None:
    """The cloud that bills for *resource*; the cluster's for what runs in it."""
    return _PACKAGE_CLOUD.get(package(resource), among.cluster_cloud)


def region_of(resource: Resource, among: Surroundings) -> str | None:
    """
    The region that *resource* is billed in; None where nothing tells.

    Its own `region`, `location` or `zone` comes first, then that of what it refers to on the same cloud, then that of
    its provider. What runs in a cluster is billed in the cluster's.
    """
    if package(resource) not in _PACKAGE_CLOUD:
        return among.cluster_region or _region_of_its_cluster(resource, among)
    own = _stated_region(resource)
    if own is not None:
        return own
    for urn in resource.dependencies:
        neighbour = among.by_urn.get(urn)
        if neighbour is not None and package(neighbour) == package(resource):
            stated = _stated_region(neighbour)
            if stated is not None:
                return stated
    provider = among.by_urn.get(resource.provider or "")
    return _stated_region(provider) if provider is not None else None


def _region_of_its_cluster(resource: Resource, among: Surroundings) -> str | None:
    """Of several clusters the one that the provider of *resource* was given the address of."""
    provider = among.by_urn.get(resource.provider or "")
    behind = () if provider is None else (*provider.property_dependencies.get("kubeconfig", ()), *provider.dependencies)
    found = (among.by_urn.get(urn) for urn in behind)
    regions = {region_of(cluster, among) for cluster in found if cluster is not None and cluster.type in CLUSTERS}
    return regions.pop() if len(regions) == 1 else None


def zones_of(resource: Resource) -> tuple[str, ...]:
    """Zones that a GCP resource names: its node locations, or its location where that is a zone."""
    named = texts(read(resource, "nodeLocations"))
    location = text(read(resource, "location"))
    return named or ((location,) if location and _ZONE.match(location) else ())


def _stated_region(resource: Resource) -> str | None:
    for key in ("region", "location", "zone"):
        stated = text(read(resource, key))
        if stated is not None:
            zone = _ZONE.match(stated)
            return zone["region"] if zone else stated.lower()
    return None
