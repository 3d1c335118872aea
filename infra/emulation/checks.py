"""What a provider's check makes of a resource's inputs: mistakes told, names generated, defaults filled in.

Bridged providers (aws, gcp) list what they filled in under `__defaults`, in every object; Kubernetes marks a generated
name with an annotation. Both are in every state that the real providers write, so a state here has them too.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass

from components.graph import Asset, Resource, Secret, Unknown, Value
from infra.diff import paths
from infra.diff.compare import AUTONAMED, DEFAULTS
from infra.emulation.nature import NO_NAMESPACE, Settings, nature_of
from infra.preview.validation import Mistake, Severity, mistakes
from infra.recorder import sdk

_BRIDGED_SUFFIX, _KUBERNETES_SUFFIX = 7, 8  # letters that the providers add to a generated name


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The inputs of one resource, to be checked."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Value]
    old: Mapping[str, Value]  # checked inputs of the last time, as the state has them
    seed: bytes  # the same in the preview and the update that follows it
    proposed_name: str = ""  # of the engine, where the user configured how names are generated


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The inputs to record, or why they are refused."""

    inputs: Mapping[str, Value]
    failures: tuple[Mistake, ...] = ()


def checked(request: Request, settings: Settings) -> Checked:
    """What the provider of *settings* answers to *request*."""
    failures = tuple(mistake for mistake in _mistakes(request) if mistake.severity is Severity.ERROR)
    if failures:
        return Checked(inputs=request.inputs, failures=failures)
    if settings.package == "kubernetes":
        return Checked(inputs=_kubernetes(request))
    return Checked(inputs=_bridged(request, settings))


def _mistakes(request: Request) -> list[Mistake]:
    resource = Resource(
        urn=request.urn,
        type=request.type,
        name=request.name,
        custom=True,
        parent=None,
        provider=None,
        inputs=request.inputs,
    )
    return list(mistakes(resource))


def _bridged(request: Request, settings: Settings) -> dict[str, Value]:
    """The inputs with the provider's defaults, and a generated name where none is given."""
    nature = nature_of(request.type)
    inputs = {key: _with_marks(value) for key, value in request.inputs.items() if value is not None}
    chosen = {key: value for key, value in nature.defaults.items() if key not in inputs}
    if nature.named and nature.named not in inputs and (nature.unless is None or nature.unless not in inputs):
        chosen[nature.named] = _name(request, nature.named, settings.package)
    if settings.package == "aws" and _is_tagged(request.type):
        inputs["tagsAll"] = _all_tags(inputs.get("tags"), settings.default_tags)
    if settings.package == "aws" and settings.region and _is_regional(request.type):
        inputs.setdefault("region", settings.region)
    marks: list[Value] = [*sorted(chosen)]
    return {DEFAULTS: marks, **inputs, **chosen}


def _name(request: Request, key: str, package: str) -> Value:
    """The name of before where it was generated then; a new one otherwise, the same for the same seed."""
    marked = request.old.get(DEFAULTS)
    if isinstance(marked, list) and key in marked and isinstance(request.old.get(key), str):
        return request.old[key]
    if request.proposed_name:
        return request.proposed_name
    name = request.name.lower() if package == "gcp" or request.type.startswith("aws:s3/") else request.name
    return f"{name}-{_suffix(request, _BRIDGED_SUFFIX)}"


def _suffix(request: Request, length: int) -> str:
    seed = hashlib.sha256(request.seed + request.urn.encode()).digest() if request.seed else None
    source = random.Random(seed) if seed else random.SystemRandom()  # noqa: S311  a name, no secret
    return "".join(source.choice("0123456789abcdef") for _ in range(length))


def _is_tagged(type_: str) -> bool:
    kind = sdk.resource_class(type_)
    return kind is not None and "tagsAll" in sdk.output_types(kind)


def _is_regional(type_: str) -> bool:
    """Whether the provider writes its region into the inputs, unasked (pulumi/pulumi-aws provider/region.go)."""
    kind = sdk.resource_class(type_)
    return kind is not None and "region" in sdk.output_types(kind)


def _all_tags(tags: Value, defaults: Mapping[str, Value]) -> Value:
    """
    The resource's tags over the provider's default tags.

    The AWS provider works them out before it checks, so that they stand in the inputs of a state, unasked
    (pulumi/pulumi-aws provider/tags.go, applyTags).
    """
    if isinstance(tags, Unknown):
        return Unknown()
    own = tags.value if isinstance(tags, Secret) else tags
    every: dict[str, Value] = {**defaults, **(own if isinstance(own, dict) else {})}
    found: Value = {key: value for key, value in every.items() if not key.startswith("__")}
    return Secret(found) if isinstance(tags, Secret) else found


def _with_marks(value: Value) -> Value:
    """*value* with an empty list of defaults in every object, as the bridge leaves one."""
    match value:
        case dict():
            return {DEFAULTS: [], **{key: _with_marks(item) for key, item in value.items()}}
        case list():
            return [_with_marks(item) for item in value]
        case Secret():
            return Secret(_with_marks(value.value))
        case Asset():
            return value
        case _:
            return value


def _kubernetes(request: Request) -> dict[str, Value]:
    """The object with its version and kind, its namespace, and a generated name where none is given."""
    module, _, kind = request.type.removeprefix("kubernetes:").rpartition(":")
    metadata = request.inputs.get("metadata")
    meta: dict[str, Value] = dict(metadata) if isinstance(metadata, dict) else {}
    if "name" not in meta and "generateName" not in meta:
        annotations = meta.get("annotations")
        meta["annotations"] = {**(annotations if isinstance(annotations, dict) else {}), AUTONAMED: "true"}
        meta["name"] = _object_name(request)
    if kind not in NO_NAMESPACE:
        meta.setdefault("namespace", "default")
    return {**request.inputs, "apiVersion": module.removeprefix("core/"), "kind": kind, "metadata": meta}


def _object_name(request: Request) -> Value:
    old = request.old.get("metadata")
    if isinstance(old, dict) and isinstance(old.get("annotations"), dict):
        annotations = old["annotations"]
        if isinstance(annotations, dict) and annotations.get(AUTONAMED) == "true" and old.get("name"):
            return old["name"]
    return request.proposed_name or f"{request.name}-{_suffix(request, _KUBERNETES_SUFFIX)}"


def path_of(mistake: Mistake) -> str:
    """Where in the inputs *mistake* is, as the engine shows it."""
    return paths.text(mistake.path)
