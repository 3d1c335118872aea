"""How a replacement is carried out: which of the two objects goes or comes first, and who is replaced along with it.

A new object is made before the old one goes, unless both would have one name. Where the old one goes first, whatever
could not live on without it goes before it, and comes again after (calculateDependentReplacements in
pkg/resource/deploy/step_generator.go of pulumi/pulumi v3.259).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from components.graph import Resource, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind, Replaces
from infra.diff.compare import AUTONAMED, Difference
from infra.diff.recorded import Base, Recorded
from infra.diff.replacement import replaces, rule_for


def deletes_first(new: Resource, old: Mapping[str, Value]) -> bool:
    """
    Whether a replacement deletes the object with the inputs *old* before it makes *new*.

    The program's own word counts most. Else a bridged provider does so for types that it lists, and where the program
    gives the name that it would have made up (nameRequiresDeleteBeforeReplace in pulumi/pulumi-terraform-bridge
    pkg/tfbridge/schema.go); Kubernetes, where the program names the object and neither name nor namespace changes.
    """
    if new.delete_before_replace is not None:
        return new.delete_before_replace
    if new.type.startswith("kubernetes:"):
        return _keeps_object_name(old.get("metadata"), new.inputs.get("metadata"))
    rule = rule_for(new.type)
    return rule is not None and (rule.deletes_first or any(new.inputs.get(key) is not None for key in rule.named))


def _keeps_object_name(old: Value, new: Value) -> bool:
    if not isinstance(old, dict) or not isinstance(new, dict) or not isinstance(new.get("name"), str):
        return False
    annotations = new.get("annotations")
    if isinstance(annotations, dict) and annotations.get(AUTONAMED) == "true":
        return False
    return old.get("name") == new["name"] and (old.get("namespace") or "default") == (new.get("namespace") or "default")


def replaced_along(root: Recorded, base: Base, *, done: Collection[str]) -> Iterator[tuple[Recorded, tuple[str, ...]]]:
    """
    What *base* says must go before *root* can go, with the inputs that force it; in the order of the base.

    Args:
        root: What is deleted before it is made again.
        base: What is there: its dependencies of the last run count, as the engine has no others yet.
        done: URNs of what this run went through already, which cannot depend on *root*.
    """
    gone = {root.resource.urn}
    reached = {root.resource.urn}
    for entry in base.by_urn.values():
        resource = entry.resource
        if resource.urn in done or not _depends(resource, reached):
            continue
        reached.add(resource.urn)
        if not resource.custom or resource.external:
            continue
        keys = _forcing_inputs(resource, gone, base)
        if keys or resource.provider in gone:
            gone.add(resource.urn)
            yield entry, keys


def _depends(resource: Resource, on: Collection[str]) -> bool:
    behind = [urn for urns in resource.property_dependencies.values() for urn in urns]
    return any(urn in on for urn in (*resource.dependencies, *behind, resource.provider or ""))


def _forcing_inputs(resource: Resource, gone: Collection[str], base: Base) -> tuple[str, ...]:
    """The inputs of *resource* that would be others if all that is *gone* were, and that force its replacement."""
    provider = base.by_urn.get(resource.provider or "")
    provider_inputs = provider.resource.inputs if provider else {}
    return tuple(
        key
        for key, urns in resource.property_dependencies.items()
        if key in resource.inputs
        and key not in resource.ignore_changes
        and any(urn in gone for urn in urns)
        and replaces(_unknown(resource, key), resource=resource, provider_inputs=provider_inputs) is Replaces.YES
    )


def _unknown(resource: Resource, key: str) -> Difference:
    path: paths.Path = (key,)
    return Difference(path=path, old=resource.inputs[key], new=Unknown(), kind=ChangeKind.CHANGED)
