"""
How rules read a graph: resources by type, inputs in which "unknown" and "not there" are told apart, and the common
shapes of a check. What is read among neighbours is in `components.surroundings`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from components.graph import Encrypted, Graph, Resource, Secret, Unknown, Value
from components.rules.rule import Violation
from components.surroundings import Surroundings, is_unknown, surroundings, truth

Mistake: TypeAlias = tuple[str, str]  # path of an input, and what is wrong with it
Check: TypeAlias = Callable[[Graph], Iterator[Violation]]
Test: TypeAlias = Callable[[Resource, Surroundings], Iterator[Mistake]]

UNKNOWN = Unknown()


def of_type(resources: Graph | Surroundings, *kinds: str) -> Iterator[Resource]:
    """The resources of these types that the program manages itself."""
    every_one = resources.resources if isinstance(resources, Graph) else resources.by_urn.values()
    return (one for one in every_one if one.type in kinds and not one.external)


def stated(resource: Resource, *path: str | int) -> Value:
    """The input of *resource* below *path*: unknown where it or anything above it is, None where nothing is there."""
    return inside(dict(resource.inputs), *path)


def inside(value: Value, *path: str | int) -> Value:
    """The value below *path* of *value*: unknown where it or anything above it is, None where nothing is there."""
    for step in path:
        value = _opened(value)
        if is_unknown(value):
            return UNKNOWN
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return _opened(value)


def items(value: Value) -> list[Value]:
    """The elements of a list, unknown ones too; none where there is no list."""
    return [_opened(one) for one in value] if isinstance(value, list) else []


def mapping(value: Value) -> Mapping[str, Value]:
    """*value* where it is a known object; an empty one otherwise."""
    return value if isinstance(value, dict) else {}


def is_off(value: Value) -> bool:
    """True where a switch is known not to be on: absent, or anything but true."""
    return not is_unknown(value) and not truth(value)


def is_absent(value: Value) -> bool:
    """True where nothing stands there: no value, an empty text, list or object. An unknown value is something."""
    return value is None or value in ("", [], {})


def is_unknown_or_absent(value: Value) -> bool:
    """True where nothing can be read: not there, or not known before apply."""
    return is_unknown(value) or is_absent(value)


def each(kinds: str | Iterable[str], test: Test) -> Check:
    """A check of every resource of *kinds* by itself and among its neighbours: a violation for each mistake found."""
    of_kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)

    def check(graph: Graph) -> Iterator[Violation]:
        among = surroundings(graph)
        for resource in of_type(graph, *of_kinds):
            for path, text in test(resource, among):
                yield Violation(urn=resource.urn, path=path, text=text)

    return check


def must_be(kinds: str | Iterable[str], path: str, *accepted: Value) -> Check:
    """
    A check that the input at a dotted *path* is one of *accepted*; with none given, that anything is stated at all.

    True accepts the text "true" too, as providers do; an absent switch is what False accepts.
    """

    def test(resource: Resource, among: Surroundings) -> Iterator[Mistake]:
        del among
        value = stated(resource, *path.split("."))
        if not is_unknown(value) and not _accepts(value, accepted):
            yield path, f"is {shown(value)}" + (f", not {' or '.join(map(shown, accepted))}" if accepted else "")

    return each(kinds, test)


def _accepts(value: Value, accepted: tuple[Value, ...]) -> bool:
    if not accepted:
        return not is_absent(value)
    return any(truth(value) if one is True else not truth(value) if one is False else value == one for one in accepted)


def shown(value: Value) -> str:
    """*value* in messages: short, and never a secret."""
    match value:
        case None:
            return "not stated"
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            text = str(value)
            return text if 0 < len(text) <= 60 else f"{text[:57]}..." if text else "empty"
        case list():
            return f"[{', '.join(map(shown, value))}]" if len(value) <= 6 else f"a list of {len(value)}"
        case Unknown() | Secret() | Encrypted():
            return "not known"
        case _:
            return "an object"


def _opened(value: Value) -> Value:
    """What a secret holds; what is encrypted stays unknown. Nothing of it may be shown."""
    if isinstance(value, Secret):
        value = value.value
    return UNKNOWN if isinstance(value, Encrypted) else value


def behind(resource: Resource, key: str, among: Surroundings, *kinds: str) -> list[Resource]:
    """The resources of these types that the input *key* of *resource* refers to."""
    found = (among.by_urn.get(urn) for urn in resource.property_dependencies.get(key, ()))
    return [one for one in found if one is not None and one.type in kinds]


def pointing_at(target: Resource, key: str, among: Surroundings, *kinds: str) -> list[Resource]:
    """The resources of these types whose input *key* refers to *target*."""
    return [one for one in of_type(among, *kinds) if target.urn in one.property_dependencies.get(key, ())]


def waits_for(resource: Resource, among: Surroundings) -> frozenset[str]:
    """URNs of everything that *resource* waits for when it is created: what it depends on, and what those do."""
    seen: set[str] = set()
    waiting = list(resource.dependencies)
    while waiting:
        urn = waiting.pop()
        if urn not in seen:
            seen.add(urn)
            found = among.by_urn.get(urn)
            waiting += found.dependencies if found is not None else ()
    return frozenset(seen)
