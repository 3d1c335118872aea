"""Resource graphs as JSON and back, for the two processes of `--against git:REV`. Secrets never pass in clear.

A secret is written as a keyed digest of its value: with the same key, equal secrets have equal digests, so that a
change shows; without the key, which lives as long as one comparison, a digest tells nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from components.graph import Asset, Encrypted, Graph, Resource, Secret, Unknown, Value

FORMAT = 1
KIND = "$kind"  # marks an object that stands for a value which JSON has not


class UnreadableGraph(ValueError):
    """A text that is no graph of this format."""


def dumps(graph: Graph, *, key: bytes) -> str:
    """*graph* as JSON text, its secrets digested with *key*."""
    shown = masked(graph, key=key)
    return json.dumps(
        {
            "format": FORMAT,
            "project": shown.project,
            "stack": shown.stack,
            "resources": [_resource_out(resource) for resource in shown.resources],
            "outputs": _out(dict(shown.outputs)),
        },
        sort_keys=True,
        ensure_ascii=False,
    )


def loads(text: str) -> Graph:
    """The graph in *text*.

    Raises:
        UnreadableGraph: If it is damaged, or of another format.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise UnreadableGraph(f"graph format {document['format']} is not {FORMAT}")
        return Graph(
            project=document["project"],
            stack=document["stack"],
            resources=tuple(_resource_in(item) for item in document["resources"]),
            outputs=_object_in(document["outputs"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableGraph(f"not a graph ({type(error).__name__}: {error})") from None
    except json.JSONDecodeError as error:
        raise UnreadableGraph(f"not JSON ({error})") from None


def masked(graph: Graph, *, key: bytes) -> Graph:
    """*graph* with each secret replaced by its digest, so that it can be compared with one that was read."""
    return dataclasses.replace(
        graph,
        resources=tuple(
            dataclasses.replace(
                resource,
                inputs=_masked_object(resource.inputs, key),
                replacement_trigger=_masked(resource.replacement_trigger, key),
            )
            for resource in graph.resources
        ),
        outputs=_masked_object(graph.outputs, key),
    )


def _masked_object(values: Mapping[str, Value], key: bytes) -> dict[str, Value]:
    return {name: _masked(value, key) for name, value in values.items()}


def _masked(value: Value, key: bytes) -> Value:
    match value:
        case Secret(value=Unknown() | Encrypted()):
            return value
        case Secret():
            content = json.dumps(_out(value.value), sort_keys=True).encode()
            return Secret(hmac.new(key, content, hashlib.sha256).hexdigest())
        case list():
            return [_masked(item, key) for item in value]
        case dict():
            return _masked_object(value, key)
        case _:
            return value


def _resource_out(resource: Resource) -> dict[str, object]:
    """Every field but those with their default value."""
    return {
        field.name: _out(getattr(resource, field.name)) if field.name in VALUES else getattr(resource, field.name)
        for field in dataclasses.fields(resource)
        if field.name not in DEFAULTS or getattr(resource, field.name) != DEFAULTS[field.name]
    }


VALUES = ("inputs", "replacement_trigger")  # fields that may hold what JSON has not
DEFAULTS: Mapping[str, object] = {
    field.name: field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    for field in dataclasses.fields(Resource)
    if field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
}


def _resource_in(item: Mapping[str, Any]) -> Resource:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in item.items()}
    fields["inputs"] = _object_in(item["inputs"])
    fields["replacement_trigger"] = _in(item.get("replacement_trigger"))
    fields["property_dependencies"] = {
        name: tuple(found) for name, found in item.get("property_dependencies", {}).items()
    }
    return Resource(**fields)


def _out(value: Value) -> object:  # noqa: PLR0911  one line for each kind of value
    match value:
        case Unknown():
            return {KIND: "unknown"}
        case Secret():
            return {KIND: "secret", "value": _out(value.value)}
        case Encrypted():
            return {KIND: "encrypted", "text": value.ciphertext}
        case Asset():
            return {KIND: "asset", "hash": value.hash}
        case list():
            return [_out(item) for item in value]
        case dict():
            return {name: _out(item) for name, item in value.items()}
        case _:
            return value


def _in(raw: Any) -> Value:  # noqa: PLR0911  one line for each kind of value
    match raw:
        case {"$kind": "unknown"}:
            return Unknown()
        case {"$kind": "secret", "value": inner}:
            return Secret(_in(inner))
        case {"$kind": "encrypted", "text": str() as text}:
            return Encrypted(text)
        case {"$kind": "asset", "hash": str() as digest}:
            return Asset(digest)
        case dict():
            return _object_in(raw)
        case list():
            return [_in(item) for item in raw]
        case None | bool() | int() | float() | str():
            return raw
        case _:
            raise TypeError(f"{type(raw).__name__} is no graph value")


def _object_in(raw: Mapping[str, Any]) -> dict[str, Value]:
    return {str(name): _in(item) for name, item in raw.items()}
