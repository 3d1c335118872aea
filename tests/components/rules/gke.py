"""Node pools and clusters made by hand, for the cases of rules on Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.graph import Resource
from tests.resources import resource

POOL = "gcp:container/nodePool:NodePool"
CLUSTER = "gcp:container/cluster:Cluster"
A, B = "us-central1-a", "us-central1-b"

Config = Mapping[str, Any]


def pool(
    name: str = "it",
    *,
    node: Config | None = None,
    of: Resource | None = None,
    takes: Resource | None = None,
    **inputs: Any,
) -> Resource:
    """A node pool of cluster *of*, whose nodes are as *node* says and refer to *takes*; *inputs* are its others."""
    refers = {key: one for key, one in (("cluster", of), ("nodeConfig", takes)) if one is not None}
    return resource(POOL, name, inputs={"nodeConfig": node or {}, **inputs}, refers=refers)


def cluster(name: str = "it", **inputs: Any) -> Resource:
    """A cluster with these inputs."""
    return resource(CLUSTER, name, inputs=inputs)


def affinity(way: str, *values: str) -> dict[str, Any]:
    """What a node pool says of reservations."""
    named = {"key": "compute.googleapis.com/reservation-name", "values": list(values)} if values else {}
    return {"reservationAffinity": {"consumeReservationType": way, **named}}


NONE = affinity("NO_RESERVATION")
