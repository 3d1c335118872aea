"""Google Cloud programs recorded as a preview sees them, and ways to find a resource in what they made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from components.graph import Graph, Resource, Value
from components.platform import Platform
from infra.gcp import provision
from infra.recorder.recorder import record
from sizing.plan import SizingPlan

ROOT = Path(__file__).parents[1]
PLATFORM = Platform(gcp_project="acme-ml", owner="ml-platform", labels={"cost-centre": "4711"})


def built(program: Callable[[], object]) -> Graph:
    """The graph of *program*, as for a stack that does not exist yet."""

    def run() -> None:
        program()

    return record(run, project="sizeup", stack="chat-gcp", root=ROOT)


def provisioned(plan: SizingPlan, platform: Platform = PLATFORM) -> Graph:
    """The graph of the whole Google Cloud program for *plan*."""
    return built(lambda: provision(plan, platform, stack="chat-gcp"))


def every(graph: Graph, kind: str) -> tuple[Resource, ...]:
    """All resources whose type ends in *kind*."""
    return tuple(resource for resource in graph.resources if resource.type.endswith(f":{kind}"))


def one(graph: Graph, kind: str, name: str | None = None) -> Resource:
    """The one resource whose type ends in *kind*, and of that name where there are more."""
    found = [resource for resource in every(graph, kind) if name is None or resource.name == name]
    assert len(found) == 1, f"{kind} {name}: {[resource.name for resource in found]}"
    return found[0]


def at(resource: Resource, *path: str | int) -> Value:
    """The input of *resource* below *path*; fails where there is none."""
    value: Value = dict(resource.inputs)
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value[step]
        else:
            assert isinstance(value, list)
            assert isinstance(step, int)
            value = value[step]
    return value


def keys(value: Value) -> Iterator[str]:
    """Every key of nested inputs, but those of maps that a user fills: labels, annotations, limits."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            if key not in FREE_FORM:
                yield from keys(inner)
    if isinstance(value, list):
        for inner in value:
            yield from keys(inner)


FREE_FORM = frozenset(
    {
        "annotations",
        "defaultLabels",
        "labels",
        "limits",
        "matchLabels",
        "metadata",
        "nodeSelector",
        "requests",
        "resourceLabels",
        "selector",
    }
)
