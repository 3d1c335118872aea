"""Whether every recorded input is one that its resource has: names, shapes and required values, by the SDK's own types.

Nothing else checks this offline: a misspelt key inside a dictionary, or a text where a list belongs, is accepted until
the provider sees it. Providers convert scalars ("3" to 3), so that a scalar of another type is a warning only.
"""

from __future__ import annotations

import collections.abc
import difflib
import enum
import functools
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import pulumi

from components.graph import Asset, Encrypted, Graph, Resource, Secret, Unknown, Value
from infra.diff import paths
from infra.recorder import sdk
from infra.recorder.providers import is_provider
from infra.recorder.urns import ROOT_TYPE

SDK_NAMES = {"Output": pulumi.Output, "T": typing.Any}  # what `pulumi.Input` names and other packages do not import


class Severity(StrEnum):
    """How sure it is that the provider refuses."""

    ERROR = "error"
    WARNING = "warning"  # the provider may convert it


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One input that is not as the resource's type has it."""

    severity: Severity
    urn: str
    type: str
    name: str
    path: str  # empty: the resource as a whole
    what: str
    mend: str
    source_position: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One argument of an argument class."""

    kind: object  # its type, as the SDK annotates it
    required: bool


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at one path of a value."""

    severity: Severity
    path: paths.Path
    what: str
    mend: str


def findings(graph: Graph) -> tuple[Finding, ...]:
    """Every mistake in the inputs of *graph*, in its order; none for resources whose types no SDK here describes."""
    return tuple(
        Finding(
            severity=mistake.severity,
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            path=paths.text(mistake.path),
            what=mistake.what,
            mend=mistake.mend,
            source_position=resource.source_position,
        )
        for resource in graph.resources
        for mistake in mistakes(resource)
    )


def unchecked_types(graph: Graph) -> tuple[str, ...]:
    """Types of custom resources in *graph* that could not be checked, sorted: custom resource definitions, mostly."""
    return tuple(
        sorted({item.type for item in graph.resources if _is_checkable(item) and _arguments_of(item.type) is None})
    )


def mistakes(resource: Resource) -> Iterator[Mistake]:
    """The mistakes in the inputs of one resource."""
    arguments = _arguments_of(resource.type) if _is_checkable(resource) else None
    if arguments is None:
        return
    inputs = dict(resource.inputs)
    if is_provider(resource.type):
        inputs = {key: _unpacked(value, arguments, key) for key, value in inputs.items() if key != "version"}
    yield from _object_mistakes(inputs, arguments, ())


def _is_checkable(resource: Resource) -> bool:
    return resource.custom and not resource.external and resource.type != ROOT_TYPE


def _unpacked(value: Value, arguments: type, key: str) -> Value:
    """A provider's input, which travels as JSON in a text unless it is a text itself."""
    if isinstance(value, Secret):
        return Secret(_unpacked(value.value, arguments, key))
    field = _fields(arguments).get(key)
    if not isinstance(value, str) or field is None or not any(_mistakes(value, field.kind, ())):
        return value
    try:
        return typing.cast("Value", json.loads(value))
    except ValueError:
        return value


@functools.cache
def _arguments_of(type_: str) -> type | None:
    """The argument class of a resource type: `VpcArgs` beside `Vpc`; `DeploymentInitArgs` where that name was taken."""
    found = sdk.resource_class(type_)
    if found is None:
        return None
    module = sys.modules[found.__module__]
    for name in (f"{found.__name__}InitArgs", f"{found.__name__}Args"):
        arguments = getattr(module, name, None)
        if sdk.is_input_type(arguments):
            return typing.cast("type", arguments)
    return None


@functools.cache
def _fields(arguments: type) -> Mapping[str, Field]:
    """The fields of an argument class by wire name."""
    names = sdk.argument_names(arguments)
    constructor = inspect.unwrap(vars(arguments)["__init__"])
    kinds = typing.get_type_hints(constructor, localns=SDK_NAMES)
    parameters = inspect.signature(constructor).parameters
    return {
        wire: Field(kind=kinds.get(name, typing.Any), required=_is_required(parameters.get(name)))
        for name, wire in names.items()
    }


def _is_required(parameter: inspect.Parameter | None) -> bool:
    return parameter is not None and parameter.default is inspect.Parameter.empty


def _object_mistakes(value: Mapping[str, Value], arguments: type, path: paths.Path) -> Iterator[Mistake]:
    fields = _fields(arguments)
    for key, item in value.items():
        if key.startswith("__"):
            continue
        if key in fields:
            yield from _mistakes(item, fields[key].kind, (*path, key))
        else:
            yield Mistake(Severity.ERROR, (*path, key), *_unknown_key(key, fields, arguments))
    for key, field in fields.items():
        if field.required and value.get(key) is None:
            what = f"{key} is required and missing"
            yield Mistake(Severity.ERROR, path, what, f"give {_python_name(key, arguments)}")


def _unknown_key(key: str, fields: Mapping[str, Field], arguments: type) -> tuple[str, str]:
    what = f"{key} is not a property of {arguments.__name__.removesuffix('Args').removesuffix('Init')}"
    by_python_name = sdk.argument_names(arguments)
    if key in by_python_name:  # inside a plain dictionary names are not translated
        return what, f"write {by_python_name[key]}, or use {arguments.__name__}({key}=...)"
    near = difflib.get_close_matches(key, fields, n=1)
    return what, f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(fields)[:8])}"


def _python_name(wire: str, arguments: type) -> str:
    return next((name for name, other in sdk.argument_names(arguments).items() if other == wire), wire)


def _mistakes(value: Value, kind: object, path: paths.Path) -> Iterator[Mistake]:
    """The mistakes of *value* where *kind* belongs: none if some alternative of *kind* takes it as it is."""
    if isinstance(value, Secret):
        yield from _secret_mistake(value, kind, path)
        return
    if value is None or isinstance(value, Unknown | Encrypted | Asset):
        return
    alternatives = list(_alternatives(kind))
    attempts = [list(_attempt(value, alternative, path)) for alternative in alternatives]
    if not attempts or any(not attempt for attempt in attempts):
        return
    yield from min(attempts, key=_badness)


def _secret_mistake(value: Secret, kind: object, path: paths.Path) -> Iterator[Mistake]:
    """That the secret is not of the form that belongs there, where that is so, and nothing of what it is."""
    inside = list(_mistakes(value.value, kind, path))
    if inside:
        severity = max((mistake.severity for mistake in inside), key=lambda one: one is Severity.ERROR)
        expected = " or ".join(dict.fromkeys(map(_expected, _alternatives(kind))))
        yield Mistake(severity, path, f"is a secret of another form than {expected}", f"write {expected}")


def _expected(kind: object) -> str:
    """What belongs where *kind* stands, in words."""
    origin = typing.get_origin(kind)
    if origin in (collections.abc.Mapping, dict):
        return "a map"
    if origin in (collections.abc.Sequence, list):
        return "a list"
    if isinstance(kind, type):
        return _NAMES.get(kind, f"an object ({kind.__name__})" if sdk.is_input_type(kind) else "one of its choices")
    return "one of its choices"


def _badness(attempt: list[Mistake]) -> tuple[int, int]:
    """A wrong shape is the worst guess at what was meant; then errors count before warnings."""
    deepest = max(len(mistake.path) for mistake in attempt)
    return sum(mistake.severity is Severity.ERROR for mistake in attempt), -deepest


def _alternatives(kind: object) -> Iterator[object]:
    """The plain types that *kind* admits, without what wraps them while a program runs."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(kind):
            yield from _alternatives(part)
    elif origin is collections.abc.Awaitable or origin is pulumi.Output or kind is type(None):
        return
    else:
        yield kind


def _attempt(value: Value, kind: object, path: paths.Path) -> Iterator[Mistake]:
    """The mistakes of *value* if one plain type, *kind*, was meant; none where the type is not one that is checked."""
    origin = typing.get_origin(kind)
    if isinstance(kind, type) and sdk.is_input_type(kind):
        if isinstance(value, dict):
            return _object_mistakes(value, kind, path)
        return iter([_shape(value, f"an object ({kind.__name__})", path)])
    if origin in (collections.abc.Mapping, dict):
        return _map_mistakes(value, kind, path)
    if origin in (collections.abc.Sequence, list):
        return _list_mistakes(value, kind, path)
    if origin is typing.Literal and value not in typing.get_args(kind):
        return iter([_choice(value, typing.get_args(kind), path, Severity.ERROR)])
    return _scalar_mistakes(value, kind, path) if isinstance(kind, type) else iter(())


def _map_mistakes(value: Value, kind: object, path: paths.Path) -> Iterator[Mistake]:
    if not isinstance(value, dict):
        yield _shape(value, "a map", path)
        return
    of_values = (*typing.get_args(kind), typing.Any, typing.Any)[1]
    for key, item in value.items():
        yield from _mistakes(item, of_values, (*path, key))


def _list_mistakes(value: Value, kind: object, path: paths.Path) -> Iterator[Mistake]:
    if not isinstance(value, list):
        yield _shape(value, "a list", path)
        return
    of_items = (*typing.get_args(kind), typing.Any)[0]
    for place, item in enumerate(value):
        yield from _mistakes(item, of_items, (*path, place))


def _scalar_mistakes(value: Value, kind: type, path: paths.Path) -> Iterator[Mistake]:
    if issubclass(kind, enum.Enum):
        choices = tuple(member.value for member in kind)
        if value not in choices:
            yield _choice(value, choices, path, Severity.WARNING)
    elif kind in (str, int, float, bool):
        if isinstance(value, dict | list):
            yield _shape(value, _NAMES[kind], path)
        elif not _is_of(value, kind):
            what = f"is {_shown(value)}, where {_NAMES[kind]} belongs"
            if _is_convertible(value, kind):
                yield Mistake(Severity.WARNING, path, what, f"write {_NAMES[kind]}; the provider may convert it")
            else:
                yield Mistake(Severity.ERROR, path, what, f"write {_NAMES[kind]}")


_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _is_of(value: Value, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)


def _is_convertible(value: Value, kind: type) -> bool:
    """Whether a provider that converts by schema can make a *kind* of *value*: "3" is a number, "three" is none."""
    if kind is str:
        return True
    if kind is bool:
        return value in ("true", "false")
    try:
        number = float(str(value))
    except ValueError:
        return False
    return kind is float or number.is_integer()


def _shape(value: Value, expected: str, path: paths.Path) -> Mistake:
    what = f"is {_shown(value)}, where {expected} belongs"
    return Mistake(Severity.ERROR, path, what, f"write {expected}")


def _choice(value: Value, choices: tuple[object, ...], path: paths.Path, severity: Severity) -> Mistake:
    known = ", ".join(map(str, choices[:8]))
    near = difflib.get_close_matches(str(value), list(map(str, choices)), n=1)
    return Mistake(severity, path, f"is {_shown(value)}", f"did you mean {near[0]}?" if near else f"known are {known}")


def _shown(value: Value) -> str:
    """*value* in messages: never a whole document."""
    match value:
        case dict():
            return "an object"
        case list():
            return "a list"
        case str() if len(value) > 40:
            return f"the text {value[:37]!r}..."
        case str():
            return f"the text {value!r}"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
