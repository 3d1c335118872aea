"""A recorded graph as the Terraform plan that would build the same: the form of `terraform show -json`.

Pulumi's AWS and Google Cloud providers are made from Terraform's, so that each resource has its twin there. Three
things differ: keys are camelCase; lists of blocks are in the plural (terraform_types.json); and a block that may stand
once is an object, where Terraform has a list of one. What a resource refers to stands in the plan's `configuration`,
without which checks across resources (a bucket without its public access block) would see resources that have nothing
to do with each other.
"""

from __future__ import annotations

import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from components.graph import Asset, Encrypted, Graph, Resource, Secret, Unknown, Value
from infra.recorder import sdk
from sizing.errors import SizingError
from tools.judge.deployment import Origin

SECRET = "[secret]"  # noqa: S105  stands where a secret is
PROVIDERS: Mapping[str, str] = {"aws": "aws", "gcp": "google"}
_UPPER = re.compile(r"([A-Z])")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")

Json: typing.TypeAlias = "bool | float | str | list[Json] | dict[str, Json] | None"


class UnknownType(SizingError):
    """A resource type that has no Terraform name here: it would go unjudged."""

    def __init__(self, kind: str) -> None:
        """Tell which *kind* it is."""
        self.kind = kind
        super().__init__(
            f"{kind}: its Terraform type is not known\n    hint: add it to tools/judge/terraform_types.json"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The Terraform type of a Pulumi type."""

    name: str
    renamed: Mapping[str, str]  # path of wire keys, without list places, to Terraform's name of the last


@cache
def twins() -> Mapping[str, Twin]:
    """Every known type's twin."""
    content = json.loads((Path(__file__).parent / "terraform_types.json").read_text(encoding="utf-8"))
    return {kind: Twin(name=str(row["name"]), renamed=row.get("renamed", {})) for kind, row in content["types"].items()}


def judged(graph: Graph) -> Iterator[Resource]:
    """The resources of *graph* that Terraform would have too."""
    for resource in graph.resources:
        if resource.custom and resource.type.partition(":")[0] in PROVIDERS:
            yield resource


def addresses(graph: Graph) -> dict[str, str]:
    """Terraform's address of each judged resource, by its URN: aws_s3_bucket.chat-bucket."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for resource in judged(graph):
        if resource.type not in twins():
            raise UnknownType(resource.type)
        plain = f"{twins()[resource.type].name}.{_NOT_IN_A_NAME.sub('-', resource.name)}"
        address, number = plain, 1
        while address in taken:
            number += 1
            address = f"{plain}-{number}"
        taken.add(address)
        found[resource.urn] = address
    return found


def plan(graph: Graph, origins: Mapping[str, Origin]) -> dict[str, Json]:
    """
    The plan that creates all of *graph*.

    Args:
        graph: Recorded with the answers of a `Deployment`.
        origins: Which output each made-up text of that deployment is.

    Raises:
        UnknownType: If a resource has no Terraform twin here.
    """
    found = addresses(graph)
    planned: list[Json] = []
    changes: list[Json] = []
    configured: list[Json] = []
    for resource in judged(graph):
        twin, address = twins()[resource.type], found[resource.urn]
        written = _Written(resource=resource, renamed=twin.renamed, addresses=found, origins=origins)
        values, expressions = written.block(dict(resource.inputs), sdk.resource_class(resource.type), path="")
        name = address.partition(".")[2]
        same: dict[str, Json] = {"address": address, "mode": "managed", "type": twin.name, "name": name}
        planned.append({**same, "values": values})
        names = [twin.renamed.get(key, snake(key)) for key in resource.inputs]
        unknown: dict[str, Json] = {each: True for each in names if each not in values}
        change: dict[str, Json] = {"actions": ["create"], "before": None, "after": values, "after_unknown": unknown}
        changes.append({**same, "change": change})
        configured.append({**same, "expressions": expressions})
    root: dict[str, Json] = {"resources": configured}
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"provider_config": _providers(graph), "root_module": root},
    }


def _providers(graph: Graph) -> dict[str, Json]:
    """The providers, with the settings that are plain texts."""
    found: dict[str, Json] = {}
    for resource in graph.resources:
        package = resource.type.removeprefix("pulumi:providers:")
        if resource.type != package and package in PROVIDERS:
            settings: dict[str, Json] = {
                snake(key): {"constant_value": value}
                for key, value in resource.inputs.items()
                if isinstance(value, str) and key != "version"
            }
            name = PROVIDERS[package]
            found[f"{name}.{resource.name}"] = {"name": name, "alias": resource.name, "expressions": settings}
    return found


def snake(key: str) -> str:
    """A wire key as Terraform spells it: each capital begins a word."""
    return _UPPER.sub(r"_\1", key).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One resource on its way into the plan."""

    resource: Resource
    renamed: Mapping[str, str]
    addresses: Mapping[str, str]
    origins: Mapping[str, Origin]

    def block(self, given: Mapping[str, Value], kind: object, *, path: str) -> tuple[dict[str, Json], dict[str, Json]]:
        """The known values of a block, and the references in it; what is a reference as a whole has no value yet."""
        fields = sdk.output_types(kind) if isinstance(kind, type) else {}
        values: dict[str, Json] = {}
        expressions: dict[str, Json] = {}
        for key, value in given.items():
            below = f"{path}.{key}" if path else key
            name = self.renamed.get(below, snake(key))
            nested = self._blocks(value, fields.get(key), path=below)
            if nested is not None:
                values[name], expressions[name] = nested
                continue
            found = self._references(value) or self._behind(value, below)
            if found:
                expressions[name] = {"references": list(found)}
            if not self._is_reference(value):
                values[name] = self._plain(value)
        return values, expressions

    def _blocks(self, value: Value, kind: object, *, path: str) -> tuple[Json, Json] | None:
        """Nested blocks, always a list; None for everything that is no block: a text, a list of texts, a map."""
        inner = _class_of(kind)
        if inner is None:
            return None
        rows = value if isinstance(value, list) else [value]
        if not rows or not all(isinstance(row, dict) for row in rows):
            return None
        pairs = [self.block(row, inner, path=path) for row in rows if isinstance(row, dict)]
        return [values for values, _ in pairs], [expressions for _, expressions in pairs]

    def _is_reference(self, value: Value) -> bool:
        return isinstance(value, Unknown) or (isinstance(value, str) and value in self.origins)

    def _references(self, value: Value) -> tuple[str, ...]:
        """What made-up texts in *value* stand for, as Terraform refers to it, the longest first."""
        found: dict[str, None] = {}
        for text in _texts(value):
            for made in sorted((made for made in self.origins if made in text), key=lambda made: (-len(made), made)):
                origin = self.origins[made]
                address = self.addresses.get(origin.urn)
                if address is not None and origin.urn != self.resource.urn:
                    found |= {f"{address}.{snake(origin.output)}": None, address: None}
        return tuple(found)

    def _behind(self, value: Value, path: str) -> tuple[str, ...]:
        """The resources that the recorder saw behind an input; of what is nested in one, only behind unknown values."""
        if "." in path and not _holds_unknown(value):
            return ()
        urns = self.resource.property_dependencies.get(path.partition(".")[0], ())
        return tuple(self.addresses[urn] for urn in urns if urn in self.addresses)

    def _plain(self, value: Value) -> Json:
        match value:
            case list():
                return [self._plain(item) for item in value if not self._is_reference(item)]
            case dict():
                return {key: self._plain(item) for key, item in value.items() if not self._is_reference(item)}
            case _:
                return leaf(value, unknown=None)


def leaf(value: Value, *, unknown: Json) -> Json:
    """A value that holds no others, as JSON; never a secret."""
    match value:
        case Unknown():
            return unknown
        case Secret() | Encrypted():
            return SECRET
        case Asset():
            return value.hash
        case float() if value.is_integer():
            return int(value)
        case bool() | int() | float() | str() | None:
            return value
        case _:
            raise TypeError(type(value))


def _class_of(kind: object) -> object:
    """The output class that *kind* is, or is a list of; None for others."""
    if sdk.is_output_type(kind):
        return kind
    for inner in typing.get_args(kind):
        found = _class_of(inner)
        if found is not None:
            return found
    return None


def _texts(value: Value) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def _holds_unknown(value: Value) -> bool:
    match value:
        case Unknown():
            return True
        case list():
            return any(map(_holds_unknown, value))
        case dict():
            return any(map(_holds_unknown, value.values()))
        case _:
            return False
