"""Whether a changed property forces a replacement: yes, no, or not known offline.

A provider decides this in code that is in no Python package. For each type, `facts/replacement.json` names the paths
that force, that change in place and that are not known, from the provider's source; `aws:*` and `gcp:*` hold for every
type of their package. A path in no list is in place where the list of the forcing ones is complete, else not known.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import resources

from components.graph import Resource, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind, Replaces
from infra.diff.compare import Difference
from infra.recorder.providers import is_provider, package_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What forces the replacement of resources of one type, and how one is carried out."""

    forces: tuple[paths.Path, ...]
    in_place: tuple[paths.Path, ...] = ()  # known not to force, where the list of those that do is not complete
    unknown: tuple[paths.Path, ...] = ()  # not known, where the list is complete otherwise
    complete: bool = False
    named: tuple[str, ...] = ()  # inputs that the provider fills with a made-up name where the program gives none
    deletes_first: bool = False  # the old one always goes before the new one comes
    recomputes: tuple[str, ...] = ()  # outputs that every update gives a new value
    mutable: tuple[paths.Path, ...] = ()  # of `forces`: in place where the provider's input `unless_provider` is true
    unless_provider: str | None = None
    evidence: str


@functools.cache
def rules() -> Mapping[str, Rule]:
    """The packaged facts by resource type; `kubernetes:*` stands for every Kubernetes type without its own."""
    document = json.loads(resources.files("infra.diff").joinpath("facts/replacement.json").read_text("utf-8"))
    return {
        type_: Rule(
            forces=_parsed(entry.get("forces", ())),
            in_place=_parsed(entry.get("in_place", ())),
            unknown=_parsed(entry.get("unknown", ())),
            complete=entry.get("complete", False),
            named=tuple(entry.get("named", ())),
            deletes_first=entry.get("deletes_first", False),
            recomputes=tuple(entry.get("recomputes", ())),
            mutable=_parsed(entry.get("mutable", ())),
            unless_provider=entry.get("unless_provider"),
            evidence=entry["evidence"],
        )
        for type_, entry in document["types"].items()
    }


def _parsed(written: Iterable[str]) -> tuple[paths.Path, ...]:
    return tuple(map(paths.parsed, written))


@functools.cache
def rule_for(type_: str) -> Rule | None:
    """The facts on *type_*, those on its whole package among them; None where nothing is known."""
    own, whole = rules().get(type_), rules().get(f"{package_of(type_)}:*")
    if is_provider(type_):
        return own or rules()["pulumi:providers:*"]
    if type_.startswith("kubernetes:"):
        return own if own is not None or _is_expanded(type_) else whole
    if own is None or whole is None:
        return own or whole
    return replace(
        own,
        forces=(*own.forces, *whole.forces),
        in_place=(*own.in_place, *whole.in_place),
        named=(*own.named, *whole.named),
    )


def recomputed_by_updates(type_: str) -> tuple[str, ...]:
    """Outputs of *type_* that get a new value with every update, so that whatever uses them changes as well."""
    rule = rule_for(type_)
    return rule.recomputes if rule else ()


def _is_expanded(type_: str) -> bool:
    """Whether a Kubernetes type is no object of its own: lists, charts and files of manifests."""
    module, _, kind = type_.removeprefix("kubernetes:").rpartition(":")
    return kind.endswith("List") or module.partition("/")[0] in ("helm.sh", "yaml", "kustomize")


def replaces(difference: Difference, *, resource: Resource, provider_inputs: Mapping[str, Value]) -> Replaces:
    """Whether *difference* in *resource* forces its replacement."""
    demanded = _demanded(difference, resource.replace_on_changes)
    if demanded is Replaces.YES:
        return demanded
    found = forced(difference, type_=resource.type, inputs=resource.inputs, provider_inputs=provider_inputs)
    return demanded if found is Replaces.NO else found


def _demanded(difference: Difference, replace_on_changes: Iterable[str]) -> Replaces:
    """
    Whether the program itself demands it (`replaceOnChanges`).

    The engine looks whether one of its paths holds a path of the provider's detailed diff (applyReplaceOnChanges in
    step_generator.go); whether that tells an added or removed object as a whole or by its parts, is not known offline.
    """
    patterns = _parsed(replace_on_changes)
    if any(paths.covers(pattern, difference.path) for pattern in patterns):
        return Replaces.YES
    if any(_touches(pattern, difference) for pattern in patterns):
        return Replaces.UNKNOWN
    return Replaces.NO


def forced(
    difference: Difference,
    *,
    type_: str,
    inputs: Mapping[str, Value] | None = None,
    provider_inputs: Mapping[str, Value] | None = None,
) -> Replaces:
    """Whether the provider of *type_* replaces a resource, now with *inputs*, because of *difference*."""
    rule = rule_for(type_)
    if rule is None:
        return Replaces.UNKNOWN
    spared = rule.mutable if _is_mutable(rule, inputs or {}, provider_inputs or {}) else ()
    touched = _touches_object if type_.startswith("kubernetes:") else _touches
    if any(touched(pattern, difference) for pattern in rule.forces if pattern not in spared):
        return Replaces.YES
    if any(_touches(pattern, difference) for pattern in rule.unknown):
        return Replaces.UNKNOWN
    if rule.complete or any(paths.covers(pattern, difference.path) for pattern in rule.in_place):
        return Replaces.NO
    return Replaces.UNKNOWN


def forced_by(type_: str, changed: Iterable[str]) -> Replaces:
    """Whether changed values at the paths *changed* force the replacement of a *type_*: the worst of them."""
    found = {
        forced(Difference(path=paths.parsed(path), old="before", new="after", kind=ChangeKind.CHANGED), type_=type_)
        for path in changed
    }
    return next((worst for worst in (Replaces.YES, Replaces.UNKNOWN) if worst in found), Replaces.NO)


def _is_mutable(rule: Rule, inputs: Mapping[str, Value], provider_inputs: Mapping[str, Value]) -> bool:
    if rule.unless_provider is None or inputs.get("immutable") is True:
        return False
    return provider_inputs.get(rule.unless_provider) in (True, "true")


def _touches(pattern: paths.Path, difference: Difference) -> bool:
    """Whether *difference* changes what *pattern* names: lies in it, or adds or removes something that holds it."""
    below = paths.inside(pattern, difference.path)
    if below is None:
        return paths.covers(pattern, difference.path)
    return _holds(difference.old, below) or _holds(difference.new, below)


def _touches_object(pattern: paths.Path, difference: Difference) -> bool:
    """
    The same as the Kubernetes provider sees it, in a JSON merge patch (convertPatchToDiff in its provider.go).

    There a removed or unknown object is a null, in which nothing is found; but no object is without its metadata.
    """
    if difference.path == ("metadata",) and (difference.new is None or isinstance(difference.new, Unknown)):
        return True
    below = paths.inside(pattern, difference.path)
    if not below:
        return paths.covers(pattern, difference.path)
    return not isinstance(difference.new, Unknown) and _holds(difference.new, below)


def _holds(value: Value, path: paths.Path) -> bool:
    if not path or isinstance(value, Unknown):  # what is unknown may hold anything
        return value is not None
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        found = list(value.values()) if head == paths.WILDCARD else [value[str(head)]] if head in value else []
        return any(_holds(item, rest) for item in found)
    if isinstance(value, list):
        items = value if head == paths.WILDCARD else value[head : head + 1] if isinstance(head, int) else []
        return any(_holds(item, rest) for item in items)
    return False
