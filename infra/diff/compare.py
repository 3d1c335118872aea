"""Where the inputs of one resource differ between a base and the program, without the noise that providers make.

Old inputs come from a state and hold what a provider's check added: `__defaults` lists (bridged providers, nested too),
generated names, encrypted secrets, numbers as text. None of that is a change of the program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.graph import Asset, Encrypted, Secret, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind

DEFAULTS = "__defaults"  # tfbridge: names of the properties whose values the provider chose
AUTONAMED = "pulumi.com/autonamed"
MANAGED_BY = "app.kubernetes.io/managed-by"
UNREAD_SOURCE = "source:"  # an archive, known by where it comes from only


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two values differ."""

    path: paths.Path
    old: Value
    new: Value
    kind: ChangeKind
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Leniency:
    """What a provider treats as equal although it is written differently."""

    coerces: bool  # 3 and "3", JSON texts of one document, [] and nothing: bridged providers convert by schema


STRICT = Leniency(coerces=False)
BRIDGED = Leniency(coerces=True)


def leniency_of(type_: str) -> Leniency:
    """Kubernetes objects are compared as written; everything else goes through a schema that converts."""
    return STRICT if type_.startswith("kubernetes:") else BRIDGED


def input_differences(
    old: Mapping[str, Value], new: Mapping[str, Value], *, type_: str, ignore: Sequence[str] = ()
) -> tuple[Difference, ...]:
    """The differences of a resource's inputs; *ignore* holds the paths of `ignoreChanges`."""
    wanted: Value = dict(new)
    for pattern in ignore:
        wanted = with_old_at(paths.parsed(pattern), old=dict(old), new=wanted)
    if type_.startswith("kubernetes:"):
        old = _without_generated_metadata(old, new)
    return tuple(differences(dict(old), wanted, leniency=leniency_of(type_)))


def differences(old: Value, new: Value, *, leniency: Leniency, path: paths.Path = ()) -> Iterator[Difference]:
    """Every leaf, or whole subtree that is on one side only, where *old* and *new* differ."""
    if isinstance(old, Secret) or isinstance(new, Secret):
        yield from _secret_differences(old, new, leniency=leniency, path=path)
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _object_differences(old, new, leniency=leniency, path=path)
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            below = (*path, place)
            if place >= len(old):
                yield Difference(path=below, old=None, new=new[place], kind=ChangeKind.ADDED)
            elif place >= len(new):
                yield Difference(path=below, old=old[place], new=None, kind=ChangeKind.REMOVED)
            else:
                yield from differences(old[place], new[place], leniency=leniency, path=below)
    elif not _equal(old, new, leniency=leniency):
        yield _leaf(old, new, path)


def _leaf(old: Value, new: Value, path: paths.Path) -> Difference:
    unread = isinstance(old, Asset) and isinstance(new, Asset) and new.hash.startswith(UNREAD_SOURCE)
    return Difference(path=path, old=old, new=new, kind=ChangeKind.CHANGED, certain=not unread)


def _object_differences(
    old: dict[str, Value], new: dict[str, Value], *, leniency: Leniency, path: paths.Path
) -> Iterator[Difference]:
    defaults = old.get(DEFAULTS)
    chosen_by_provider = set(defaults) if isinstance(defaults, list) else set()
    for key in dict.fromkeys([*sorted(new), *sorted(old)]):
        if key.startswith("__"):  # the provider's own bookkeeping
            continue
        below = (*path, key)
        if key not in old:
            if not (leniency.coerces and _is_empty(new[key])):
                yield Difference(path=below, old=None, new=new[key], kind=ChangeKind.ADDED)
        elif key not in new:
            if key not in chosen_by_provider and not (leniency.coerces and _is_empty(old[key])):
                yield Difference(path=below, old=old[key], new=None, kind=ChangeKind.REMOVED)
        else:
            yield from differences(old[key], new[key], leniency=leniency, path=below)


def _secret_differences(old: Value, new: Value, *, leniency: Leniency, path: paths.Path) -> Iterator[Difference]:
    """Secrets compare by what they hold, and differ as a whole: which part differs would tell about the rest."""
    inner_old = old.value if isinstance(old, Secret) else old
    inner_new = new.value if isinstance(new, Secret) else new
    shown: Value = Secret(Unknown()) if _is_wholly_unknown(inner_new) else Secret(inner_new)
    if holds_encrypted(inner_old):
        yield Difference(path=path, old=Secret(inner_old), new=shown, kind=ChangeKind.CHANGED, certain=False)
        return
    inside = tuple(differences(inner_old, inner_new, leniency=leniency))
    if inside:
        unknown = all(one.kind is ChangeKind.CHANGED and isinstance(one.new, Unknown) for one in inside)
        shown = Secret(Unknown()) if unknown else shown
        yield Difference(path=path, old=Secret(inner_old), new=shown, kind=ChangeKind.CHANGED)


def _is_wholly_unknown(value: Value) -> bool:
    """Whether nothing of *value* is known: an encrypted setting, alone or as the only content of an object."""
    match value:
        case Unknown():
            return True
        case Secret():
            return _is_wholly_unknown(value.value)
        case dict() if value:
            return all(map(_is_wholly_unknown, value.values()))
        case list() if value:
            return all(map(_is_wholly_unknown, value))
        case _:
            return False


def holds_encrypted(value: Value) -> bool:
    """Whether some part of *value* can be read by the stack's secrets provider only."""
    match value:
        case Encrypted():
            return True
        case Secret():
            return holds_encrypted(value.value)
        case list():
            return any(map(holds_encrypted, value))
        case dict():
            return any(map(holds_encrypted, value.values()))
        case _:
            return False


def _equal(old: Value, new: Value, *, leniency: Leniency) -> bool:
    if isinstance(old, Unknown) or isinstance(new, Unknown):
        return isinstance(old, Unknown) and isinstance(new, Unknown)
    if isinstance(old, bool) == isinstance(new, bool) and old == new:
        return True
    return leniency.coerces and (_same_scalar(old, new) or _same_scalar(new, old) or _same_document(old, new))


def _same_scalar(typed: Value, text: Value) -> bool:
    """Whether *text* is the number or truth value *typed*, written as text; two texts are never the same this way."""
    if not isinstance(text, str):
        return False
    if isinstance(typed, bool):
        return text == ("true" if typed else "false")
    if not isinstance(typed, float | int):
        return False
    try:
        return float(text) == typed
    except ValueError:
        return False


def _same_document(old: Value, new: Value) -> bool:
    """Whether two texts are one JSON document, written in two ways (IAM policies)."""
    if not (isinstance(old, str) and isinstance(new, str) and old[:1] in ("{", "[") and new[:1] in ("{", "[")):
        return False
    try:
        return bool(json.loads(old) == json.loads(new))
    except ValueError:
        return False


def _is_empty(value: Value) -> bool:
    return value is None or value in ([], {})


def with_old_at(pattern: paths.Path, *, old: Value, new: Value) -> Value:
    """*new*, with whatever *pattern* names as it is in *old*: kept, or taken out where *old* has nothing there."""
    if not pattern:
        return old
    head, *rest = pattern
    if isinstance(new, dict) or isinstance(old, dict):
        before = old if isinstance(old, dict) else {}
        after = dict(new) if isinstance(new, dict) else {}
        for key in dict.fromkeys([*after, *before]) if head == paths.WILDCARD else [str(head)]:
            if rest and (key in after or key in before):
                if key in after or not isinstance(new, dict):
                    after[key] = with_old_at(tuple(rest), old=before.get(key), new=after.get(key))
            elif key in before:
                after[key] = before[key]
            else:
                after.pop(key, None)
        return after
    if isinstance(new, list):
        items = list(new)
        was = old if isinstance(old, list) else []
        for place in range(len(items)) if head == paths.WILDCARD else [head]:
            if isinstance(place, int) and place < len(items) and place < len(was):
                items[place] = with_old_at(tuple(rest), old=was[place], new=items[place])
        return items
    return new


def _without_generated_metadata(old: Mapping[str, Value], new: Mapping[str, Value]) -> dict[str, Value]:
    """*old* without what the Kubernetes provider put into `metadata` by itself and the program does not mention."""
    metadata = old.get("metadata")
    if not isinstance(metadata, dict):
        return dict(old)
    mine = new.get("metadata")
    wanted = mine if isinstance(mine, dict) else {}
    kept = dict(metadata)
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and annotations.get(AUTONAMED) == "true" and "name" not in wanted:
        kept.pop("name", None)
    if kept.get("namespace") == "default" and "namespace" not in wanted:
        kept.pop("namespace")
    for key, generated in (("annotations", AUTONAMED), ("labels", MANAGED_BY)):
        _drop(kept, key, generated, wanted)
    if not kept and mine is None:
        return {key: value for key, value in old.items() if key != "metadata"}
    return {**old, "metadata": kept}


def _drop(kept: dict[str, Value], key: str, generated: str, wanted: Mapping[str, Value]) -> None:
    entries, mine = kept.get(key), wanted.get(key)
    if not isinstance(entries, dict) or (isinstance(mine, dict) and generated in mine):
        return
    left = {name: value for name, value in entries.items() if name != generated}
    if left or isinstance(mine, dict):
        kept[key] = left
    elif len(left) < len(entries):
        del kept[key]
