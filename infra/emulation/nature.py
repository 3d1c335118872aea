"""What is known of the types that a cloud makes: the tables in `facts/`, and how a provider is configured."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources

from components.graph import Value
from infra.diff.provider_config import IDENTIFIER
from infra.recorder import sdk

ACCOUNT, PROJECT, PROJECT_NUMBER = "111122223333", "emulated-project", "123456789012"  # examples, of nobody
NO_NAMESPACE = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "Namespace",
        "PersistentVolume",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """What a cloud makes of resources of one type."""

    id: str
    outputs: Mapping[str, Value]
    defaults: Mapping[str, Value] = field(default_factory=dict)  # inputs that the provider fills in
    named: str | None = None  # the input that gets a generated name where it is missing
    unless: str | None = None  # ... unless this one is there
    guard: str | None = None  # the input that, where it is true, forbids the deletion


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a provider was configured: where its resources are."""

    package: str
    region: str = ""
    project: str = PROJECT
    default_tags: Mapping[str, Value] = field(default_factory=dict)
    mutable_config_maps: bool = False  # enableConfigMapMutable of the Kubernetes provider
    cluster: str = ""  # that a Kubernetes provider reaches, as its inputs name it


def cluster_of(arguments: Mapping[str, Value]) -> str:
    """The cluster that a Kubernetes provider with these inputs reaches: its identifier, which outlives endpoints."""
    return _text(arguments.get(IDENTIFIER)) or ""


@functools.cache
def _table(package: str) -> Mapping[str, Mapping[str, object]]:
    document: dict[str, Mapping[str, object]] = json.loads(
        resources.files("infra.emulation").joinpath(f"facts/{package}.json").read_text("utf-8")
    )
    return document


def invoke_template(package: str, token: str) -> dict[str, Value] | None:
    """What the function *token* returns, with placeholders; None for one that is not emulated."""
    found = mapping(_table(package).get("invokes", {})).get(token)
    return found if isinstance(found, dict) else None


@functools.cache
def nature_of(type_: str) -> Nature:
    """What is known of *type_*; of a type without facts, what all types of its cloud share."""
    table = _table(type_.partition(":")[0])
    general, own = table["all"], mapping(mapping(table["types"]).get(type_, {}))
    return Nature(
        id=str(own.get("id", general["id"])),
        outputs={**_shared_outputs(type_, general), **mapping(own.get("outputs", {}))},
        defaults=mapping(own.get("defaults", {})),
        named=_text(own.get("named")),
        unless=_text(own.get("unless")),
        guard=_text(own.get("guard")),
    )


def _shared_outputs(type_: str, general: Mapping[str, object]) -> dict[str, Value]:
    """Of the outputs that all types of a cloud share, those that this type has."""
    kind = sdk.resource_class(type_)
    known = sdk.output_types(kind) if kind is not None else {}
    return {key: value for key, value in mapping(general["outputs"]).items() if key in known}


def mapping(value: object) -> dict[str, Value]:
    """*value* where it is an object, and an empty one otherwise."""
    return dict(value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
