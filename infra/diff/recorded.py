"""What a preview compares with: the resources of an earlier run, with the ids and outputs that only a state knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from components.graph import Graph, Resource, Value
from infra.diff.changes import PendingOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One resource of a base."""

    resource: Resource
    id: str = ""  # empty: not known (the base is another revision's program) or a component
    outputs: Mapping[str, Value] = field(default_factory=dict)
    delete: bool = False  # the old half of a replacement that was not finished
    tainted: bool = False  # marked by `pulumi state taint`: the next run replaces it
    pending_replacement: bool = False  # deleted already, to be created anew
    init_errors: tuple[str, ...] = ()  # created, but never became ready
    refreshed_first: bool = False  # its provider asks for it to be read anew before each update


@dataclass(frozen=True, kw_only=True)
class Base:
    """Everything that is there before a deployment."""

    name: str  # "nothing", "state file prod.json", "git main (1a2b3c4)"
    project: str
    stack: str
    entries: tuple[Recorded, ...] = ()
    outputs: Mapping[str, Value] = field(default_factory=dict)
    pending: tuple[PendingOperation, ...] = ()
    is_state: bool = True  # False: another program's wishes, where unknowns stand for what the cloud would fill in
    notes: tuple[str, ...] = ()

    @cached_property
    def by_urn(self) -> Mapping[str, Recorded]:
        """The resources that live, by URN."""
        return {entry.resource.urn: entry for entry in self.entries if not entry.delete}

    @cached_property
    def graph(self) -> Graph:
        """The resources that live, as a graph."""
        return Graph(
            project=self.project,
            stack=self.stack,
            resources=tuple(entry.resource for entry in self.by_urn.values()),
            outputs=self.outputs,
        )

    def find(self, resource: Resource) -> Recorded | None:
        """What *resource* is in this base: under its own URN, or under the first alias that is there."""
        for urn in (resource.urn, *resource.aliases):
            if urn in self.by_urn:
                return self.by_urn[urn]
        return None


def nothing(*, project: str, stack: str) -> Base:
    """The base of a stack that does not exist yet."""
    return Base(name="nothing", project=project, stack=stack)


def earlier_program(graph: Graph, *, name: str) -> Base:
    """Another run of a program as a base: its wishes, without ids and outputs."""
    return Base(
        name=name,
        project=graph.project,
        stack=graph.stack,
        entries=tuple(Recorded(resource=resource) for resource in graph.resources),
        outputs=graph.outputs,
        is_state=False,
    )
