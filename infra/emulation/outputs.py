"""What a cloud answers for a resource: its id, and its inputs with what the cloud computed laid under them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from components.graph import Secret, Unknown, Value
from infra.emulation.nature import NO_NAMESPACE, Settings, invoke_template, mapping, nature_of
from infra.emulation.placeholders import Writer, now


def invoked(token: str, settings: Settings) -> dict[str, Value] | None:
    """What the function *token* returns; None for one that is not emulated."""
    template = invoke_template(settings.package, token)
    if template is None:
        return None
    write = Writer(inputs={}, settings=settings, type_=token, name="", revision=1)
    return {key: write(value) for key, value in template.items()}


def created(
    type_: str, name: str, inputs: Mapping[str, Value], settings: Settings, *, revision: int = 1
) -> tuple[str, dict[str, Value]]:
    """The id and the outputs of a new resource."""
    nature = nature_of(type_)
    write = Writer(inputs=_open(without_marks(inputs)), settings=settings, type_=type_, name=name, revision=revision)
    id_ = str(write(nature.id))
    write.id = id_
    computed = {key: write(value) for key, value in nature.outputs.items()}
    outputs = merged(computed, without_marks(inputs))
    if settings.package == "kubernetes":
        outputs = merged(outputs, {"metadata": _object_metadata(type_, inputs, revision)})
    return id_, outputs


def updated(
    type_: str, name: str, inputs: Mapping[str, Value], old: Mapping[str, Value], settings: Settings, *, revision: int
) -> dict[str, Value]:
    """The outputs after an update: what was computed stays, but for what counts updates."""
    write = Writer(inputs=_open(without_marks(inputs)), settings=settings, type_=type_, name=name, revision=revision)
    nature = nature_of(type_)
    fresh = {key: write(value) for key, value in nature.outputs.items() if _counts_updates(value)}
    kept = {key: old[key] for key in (*nature.outputs, "metadata") if key in old and key not in fresh}
    computed = {key: _computed_only(value, nature.outputs.get(key)) for key, value in kept.items() if key != "metadata"}
    outputs = merged({**computed, **fresh}, without_marks(inputs))
    if settings.package == "kubernetes":
        generated = _generated(kept.get("metadata"))
        outputs = merged(
            outputs, {"metadata": {**generated, "generation": revision, "resourceVersion": _version(revision)}}
        )
    return outputs


def foreseen(type_: str, inputs: Mapping[str, Value]) -> dict[str, Value]:
    """The outputs of a resource to be created, as a preview can tell them: computed ones are unknown."""
    computed = {key: _unknown_like(value) for key, value in nature_of(type_).outputs.items()}
    return merged(computed, without_marks(inputs))


def counts_updates(type_: str) -> tuple[str, ...]:
    """The outputs of *type_* that every update gives a new value."""
    return tuple(key for key, template in nature_of(type_).outputs.items() if _counts_updates(template))


def _counts_updates(template: Value) -> bool:
    return "{revision}" in json.dumps(template)


def _computed_only(value: Value, template: Value) -> Value:
    """Of an old output that is partly an input, the part that the cloud computed."""
    if isinstance(value, dict) and isinstance(template, dict):
        return {key: _computed_only(value[key], inner) for key, inner in template.items() if key in value}
    return value


def _unknown_like(template: Value) -> Value:
    if isinstance(template, dict) and set(template) != {"secret"}:
        return {key: _unknown_like(value) for key, value in template.items()}
    return Unknown()


def merged(under: Mapping[str, Value], over: Mapping[str, Value]) -> dict[str, Value]:
    """*under* with everything that *over* says, also inside objects."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = merged(below, value)
        elif value is not None:
            result[key] = value
    return result


def without_marks(value: Mapping[str, Value]) -> dict[str, Value]:
    """*value* without the provider's own bookkeeping (`__defaults`), at any depth."""
    return {key: _without_marks(item) for key, item in value.items() if not key.startswith("__")}


def _without_marks(value: Value) -> Value:
    if isinstance(value, dict):
        return without_marks(value)
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return value


def _object_metadata(type_: str, inputs: Mapping[str, Value], revision: int) -> dict[str, Value]:
    """What every Kubernetes object gets beside its name."""
    metadata = mapping(_open(inputs).get("metadata", {}))
    generated: dict[str, Value] = {
        "creationTimestamp": now(),
        "generation": revision,
        "resourceVersion": _version(revision),
        "uid": str(uuid.uuid4()),
    }
    if type_.rpartition(":")[2] not in NO_NAMESPACE:
        generated["namespace"] = metadata.get("namespace", "default")
    return generated


def _generated(metadata: Value) -> dict[str, Value]:
    known = ("creationTimestamp", "uid", "namespace")
    return {key: metadata[key] for key in known if key in metadata} if isinstance(metadata, dict) else {}


def _version(revision: int) -> str:
    return str(10_000 + revision)


def _open(inputs: Mapping[str, Value]) -> dict[str, Value]:
    """*inputs* without the wrappers of secrets: the cloud itself sees what is in them."""
    return {key: _opened(value) for key, value in inputs.items()}


def _opened(value: Value) -> Value:
    match value:
        case Secret():
            return _opened(value.value)
        case dict():
            return _open(value)
        case list():
            return [_opened(item) for item in value]
        case _:
            return value
