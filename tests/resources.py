"""Recorded resources made by hand, for tests of what reads a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.graph import Graph, Resource

STACK_URN = "urn:pulumi:dev::sizeup::pulumi:pulumi:Stack::sizeup-dev"


def urn_of(kind: str, name: str) -> str:
    """The URN of a resource without a parent."""
    return f"urn:pulumi:dev::sizeup::{kind}::{name}"


def resource(
    kind: str,
    name: str = "it",
    *,
    inputs: Mapping[str, Any] | None = None,
    after: tuple[Resource, ...] = (),
    refers: Mapping[str, Resource] | None = None,
    parent: Resource | None = None,
    provider: Resource | None = None,
    custom: bool = True,
) -> Resource:
    """One resource of type *kind*; *after* are its dependencies, *refers* those of single inputs."""
    behind = refers or {}
    return Resource(
        urn=urn_of(kind, name),
        type=kind,
        name=name,
        custom=custom,
        parent=parent.urn if parent else STACK_URN,
        provider=provider.urn if provider else None,
        inputs=inputs or {},
        dependencies=tuple(x.urn for x in (*after, *behind.values())),
        property_dependencies={key: (x.urn,) for key, x in behind.items()},
    )


def component(kind: str, name: str, *, parent: Resource | None = None) -> Resource:
    """One component of type *kind*."""
    return resource(kind, name, custom=False, parent=parent)


def graph(*resources: Resource) -> Graph:
    """A graph of *resources* in this order."""
    return Graph(project="sizeup", stack="dev", resources=resources)
