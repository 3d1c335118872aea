"""The Kubernetes objects of a recorded graph, as manifests; values known after apply and secrets as placeholders."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from components.graph import Graph, Resource, Value
from tools.judge.terraform import Json, leaf

UNKNOWN = "known-after-apply"


def objects(graph: Graph) -> Iterator[Resource]:
    """What runs in a cluster."""
    for resource in graph.resources:
        if resource.custom and resource.type.startswith("kubernetes:"):
            yield resource


def manifests(graph: Graph) -> str:
    """One YAML document for each object."""
    return yaml.safe_dump_all([_plain(dict(one.inputs)) for one in objects(graph)], sort_keys=False, width=120)


def _plain(value: Value) -> Json:
    match value:
        case list():
            return [_plain(item) for item in value]
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case _:
            return leaf(value, unknown=UNKNOWN)
