"""The recorded resource graph as values: what a program would register, with the URNs that the engine would assign.

Built by the recorder; read by diff, cost, rules and renderers. Knows nothing of gRPC or of the Pulumi SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is known only after apply."""


@dataclass(frozen=True, slots=True)
class Encrypted:
    """What a state records of a secret: only the stack's secrets provider can read it. Stands inside `Secret` only."""

    ciphertext: str


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must never be shown; compared inside, printed as [secret]."""

    value: Value

    def __repr__(self) -> str:
        """Never the value."""
        return "Secret([secret])"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file or text asset, by the hash of its content."""

    hash: str


Value: TypeAlias = "bool | float | str | Unknown | Secret | Encrypted | Asset | list[Value] | dict[str, Value] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One registered resource; inputs have wire (camelCase) keys."""

    urn: str
    type: str  # aws:eks/nodeGroup:NodeGroup
    name: str
    custom: bool  # False: a component
    parent: str | None  # URN
    provider: str | None  # URN of its provider, without the id part
    inputs: Mapping[str, Value]
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # input key -> URNs behind it
    external: bool = False  # looked up by `.get()`: known to this program, managed elsewhere
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    hide_diff: tuple[str, ...] = ()
    delete_before_replace: bool | None = None  # None: as the provider decides
    deleted_with: str = ""  # URN of what takes this resource along when it is deleted
    replace_with: tuple[str, ...] = ()  # URNs of resources whose replacement replaces this one as well
    replacement_trigger: Value = None  # another value than before replaces the resource
    timeouts_s: Mapping[str, float] = field(default_factory=dict)  # create, update, delete, read, where stated
    additional_secret_outputs: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()  # what the program runs around it, by when and name: before_delete:drain
    aliases: tuple[str, ...] = ()
    import_id: str = ""
    source_position: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All resources of one run, in the order they were registered, and the stack's outputs."""

    project: str
    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Value] = field(default_factory=dict)


def sealed(graph: Graph) -> Graph:
    """*graph* for those who tell of what they read: its secrets are unknown to them."""
    resources = tuple(replace(one, inputs=_sealed_object(one.inputs)) for one in graph.resources)
    return replace(graph, resources=resources, outputs=_sealed_object(graph.outputs))


def _sealed_object(values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: _sealed(value) for key, value in values.items()}


def _sealed(value: Value) -> Value:
    match value:
        case Secret():
            return Unknown()
        case list():
            return [_sealed(item) for item in value]
        case dict():
            return _sealed_object(value)
        case _:
            return value
