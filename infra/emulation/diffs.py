"""What a provider's diff answers: which inputs changed, and whether that updates or replaces.

A plain comparison of the checked inputs of before with those of now, apart from the one that the offline preview makes:
the engine's preview is held against ours, and would prove nothing if both asked the same function. The facts on what
forces a replacement are shared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from components.graph import Secret, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind, Replaces
from infra.diff.compare import AUTONAMED, DEFAULTS, Difference
from infra.diff.provider_config import config_difference_replaces
from infra.diff.replacement import Rule, rule_for
from infra.emulation.nature import Settings, nature_of


class Kind(Enum):
    """What became of one property."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


class _Nothing:
    """Stands where one side has no value; None is one."""


_NOTHING = _Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One property that is not as it was."""

    path: paths.Path
    kind: Kind
    replaces: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Diffed:
    """All that changed in one resource."""

    changes: tuple[Change, ...]
    delete_before_replace: bool

    @property
    def replaces(self) -> bool:
        """Whether some change cannot be made in place."""
        return any(change.replaces for change in self.changes)


def diffed(type_: str, old: Mapping[str, Value], new: Mapping[str, Value], settings: Settings) -> Diffed:
    """What of *new* differs from *old*, both as the check left them."""
    rule = rule_for(type_)
    if rule is not None and rule.unless_provider and settings.mutable_config_maps:
        rule = rule_for("kubernetes:*")
    changes = tuple(
        Change(path=path, kind=kind, replaces=_forces(rule, path, before, after))
        for path, kind, before, after in _changed(dict(old), dict(new), ())
    )
    replaced = any(change.replaces for change in changes)
    return Diffed(changes=changes, delete_before_replace=replaced and _names_clash(type_, old, new))


def diffed_config(type_: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Diffed:
    """What of a provider's own inputs differs; one of another cluster is another provider."""
    changes = tuple(
        Change(path=path, kind=kind, replaces=_is_another(type_, path, (before, after), (old, new)))
        for path, kind, before, after in _changed(dict(old), dict(new), ())
    )
    return Diffed(changes=changes, delete_before_replace=False)


def _is_another(
    type_: str, path: paths.Path, values: tuple[Value, Value], inputs: tuple[Mapping[str, Value], Mapping[str, Value]]
) -> bool:
    difference = Difference(path=path, old=values[0], new=values[1], kind=ChangeKind.CHANGED)
    return config_difference_replaces(difference, type_=type_, old=inputs[0], new=inputs[1]) is Replaces.YES


Leaf: TypeAlias = tuple[paths.Path, Kind, Value, Value]  # where, what became of it, before, now


def _changed(old: Value, new: Value, path: paths.Path) -> Iterator[Leaf]:
    """Every leaf that differs, and every subtree that only one side has."""
    if isinstance(old, Secret) or isinstance(new, Secret):  # which part of a secret changed is one, too
        if _opened(old) != _opened(new):
            yield path, Kind.UPDATE, old, new
    elif isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(key for key in old.keys() | new.keys() if not key.startswith("__"))
        for key in keys:
            yield from _changed_at(old.get(key, _NOTHING), new.get(key, _NOTHING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for place, (before, after) in enumerate(itertools.zip_longest(old, new, fillvalue=_NOTHING)):
            yield from _changed_at(before, after, (*path, place))
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield path, Kind.UPDATE, old, new


def _changed_at(old: Value | _Nothing, new: Value | _Nothing, path: paths.Path) -> Iterator[Leaf]:
    """What differs at one place, where one side may have nothing."""
    if isinstance(old, _Nothing):
        yield path, Kind.ADD, None, None if isinstance(new, _Nothing) else new
    elif isinstance(new, _Nothing):
        yield path, Kind.DELETE, old, None
    else:
        yield from _changed(old, new, path)


def _opened(value: Value) -> Value:
    return value.value if isinstance(value, Secret) else value


def _forces(rule: Rule | None, path: paths.Path, before: Value, after: Value) -> bool:
    """Whether a change at *path* touches what the facts say cannot be changed in place; unknown is taken as can."""
    if rule is None:
        return False
    for forcing in rule.forces:
        if paths.covers(forcing, path):
            return True
        below = paths.inside(forcing, path)
        if below is not None and (_has(before, below) or _has(after, below)):
            return True
    return False


def _has(value: Value, path: paths.Path) -> bool:
    """Whether there is something at *path* inside *value*; what is unknown may hold anything."""
    if isinstance(value, Secret):
        return _has(value.value, path)
    if not path or isinstance(value, Unknown):
        return value is not None
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        return any(_has(item, rest) for key, item in value.items() if head in (paths.WILDCARD, key))
    if isinstance(value, list):
        return any(_has(item, rest) for place, item in enumerate(value) if head in (paths.WILDCARD, place))
    return False


def _names_clash(type_: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> bool:
    """Whether the new resource would have the name of the old, so that it cannot be made while that one is there."""
    if type_.startswith("kubernetes:"):
        return _object_names_clash(old.get("metadata"), new.get("metadata"))
    nature = nature_of(type_)
    marked = new.get(DEFAULTS)
    generated = isinstance(marked, list) and nature.named in marked
    return (
        nature.named is not None
        and not generated
        and nature.named in new
        and old.get(nature.named) == new[nature.named]
    )


def _object_names_clash(old: Value, new: Value) -> bool:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    annotations = new.get("annotations")
    if isinstance(annotations, dict) and annotations.get(AUTONAMED) == "true":
        return False
    return old.get("name") == new.get("name") and old.get("namespace") == new.get("namespace")
