"""Whether a changed property forces a replacement: yes, no, or not known offline.

A provider decides this in code that is in no Python package. For each type, `facts/replacement.json` names the paths
that force, from the provider's source; only where that list is complete does every other path mean "in place". A type
without facts is unknown.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from components.graph import Resource, Value
from infra.diff import paths
from infra.diff.changes import Replaces
from infra.diff.compare import Difference
from infra.recorder.providers import is_provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What forces the replacement of resources of one type."""

    forces: tuple[paths.Path, ...]
    in_place: tuple[paths.Path, ...] = ()  # known not to force, where the list of those that do is not complete
    unknown: tuple[paths.Path, ...] = ()  # not known, where the list is complete otherwise
    complete: bool = False
    recomputes: tuple[str, ...] = ()  # outputs that every update gives a new value
    unless_provider: str | None = None  # an input of the provider that makes the type's own `forces` updates in place
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
            recomputes=tuple(entry.get("recomputes", ())),
            unless_provider=entry.get("unless_provider"),
            evidence=entry["evidence"],
        )
        for type_, entry in document["types"].items()
    }


def _parsed(written: Iterable[str]) -> tuple[paths.Path, ...]:
    return tuple(map(paths.parsed, written))


def rule_for(type_: str) -> Rule | None:
    """The facts on *type_*, or None where nothing is known."""
    found = rules().get(type_)
    if found is None and is_provider(type_):
        return rules()["pulumi:providers:*"]
    if found is None and type_.startswith("kubernetes:") and not _is_expanded(type_):
        return rules()["kubernetes:*"]
    return found


def recomputed_by_updates(type_: str) -> tuple[str, ...]:
    """Outputs of *type_* that get a new value with every update, so that whatever uses them changes as well."""
    rule = rule_for(type_)
    return rule.recomputes if rule else ()


def _is_expanded(type_: str) -> bool:
    """Whether a Kubernetes type is no object of its own: lists, patches, charts and files of manifests."""
    module, _, kind = type_.removeprefix("kubernetes:").rpartition(":")
    return kind.endswith(("List", "Patch")) or module.partition("/")[0] in ("helm.sh", "yaml", "kustomize")


def replaces(difference: Difference, *, resource: Resource, provider_inputs: Mapping[str, Value]) -> Replaces:
    """Whether *difference* in *resource* forces its replacement."""
    if any(_touches(paths.parsed(pattern), difference) for pattern in resource.replace_on_changes):
        return Replaces.YES
    rule = rule_for(resource.type)
    if rule is None:
        return Replaces.UNKNOWN
    mutable = rule.unless_provider is not None and _is_true(provider_inputs.get(rule.unless_provider))
    if not mutable and any(_touches(pattern, difference) for pattern in rule.forces):
        return Replaces.YES
    if any(_touches(pattern, difference) for pattern in rule.unknown):
        return Replaces.UNKNOWN
    if rule.complete or any(paths.covers(pattern, difference.path) for pattern in rule.in_place):
        return Replaces.NO
    return Replaces.UNKNOWN


def _touches(pattern: paths.Path, difference: Difference) -> bool:
    """Whether *difference* changes what *pattern* names: lies in it, or adds or removes something that holds it."""
    if paths.covers(pattern, difference.path):
        return True
    below = paths.inside(pattern, difference.path)
    return below is not None and (_holds(difference.old, below) or _holds(difference.new, below))


def _holds(value: Value, path: paths.Path) -> bool:
    if not path:
        return value is not None
    head, rest = path[0], path[1:]
    if isinstance(value, dict):
        found = list(value.values()) if head == paths.WILDCARD else [value[str(head)]] if head in value else []
        return any(_holds(item, rest) for item in found)
    if isinstance(value, list):
        items = value if head == paths.WILDCARD else value[head : head + 1] if isinstance(head, int) else []
        return any(_holds(item, rest) for item in items)
    return False


def _is_true(value: Value) -> bool:
    return value is True or value == "true"
