"""What a deployment would do: each resource that the program wants against what the base holds. Values in, values out.

The rules are the engine's and the providers' (step_generator.go of pulumi/pulumi; tfbridge; pulumi-kubernetes), as far
as they can be known without them. A replacement is told in three values and never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from components.graph import Graph, Resource, Secret, Unknown, Value
from infra.diff import paths
from infra.diff.all_tags import with_all_tags
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, ResourceChanges, Step
from infra.diff.compare import BRIDGED, Difference, differences, holds_encrypted, input_differences
from infra.diff.recorded import Base, Recorded
from infra.diff.replacement import recomputed_by_updates, replaces
from infra.recorder.providers import is_default_provider

PROTECTED = "it is protected; remove `protect` from it, run `pulumi up`, then try again"


def changes(graph: Graph, base: Base) -> ResourceChanges:
    """All that deploying *graph* on top of *base* would do: steps in the order of the graph, deletions last."""
    found, unanswered = _steps(graph, base)
    return ResourceChanges(
        graph=graph,
        base=base.graph,
        base_name=base.name,
        steps=tuple(step for step in found if step.op is not Op.SAME and not _is_hidden(step)),
        outputs=_output_changes(graph, base),
        pending=base.pending,
        notes=(*base.notes, *_notes(unanswered)),
    )


def step_of(
    old: Recorded | None, new: Resource, *, provider_inputs: Mapping[str, Value], moved: Collection[str] = ()
) -> Step:
    """
    What happens to *new*, which is *old* in the base.

    Args:
        old: What the base records of it.
        new: What the program wants.
        provider_inputs: The inputs of its new provider.
        moved: URNs of the resources that change: what is unknown because of them will be another value.
    """
    step = Step(
        op=Op.SAME,
        urn=new.urn,
        type=new.type,
        name=new.name,
        old=old.resource if old else None,
        new=new,
        renamed_from=old.resource.urn if old and old.resource.urn != new.urn else None,
    )
    if old is None or old.pending_replacement or (old.resource.external and not new.external):
        return replace(step, op=_fresh(new))
    if not new.custom:
        return step
    if new.external:
        return step if _is_same_read(old, new) else replace(step, op=Op.READ)
    found = tuple(
        _property_change(difference, new, provider_inputs)
        for difference in _input_differences(old.resource, new, provider_inputs)
        if not _is_unanswered(difference, new, moved)
    )
    return _judged(replace(step, changes=found + _provider_change(old.resource, new)), old)


def _fresh(new: Resource) -> Op:
    if new.external:
        return Op.READ
    return Op.IMPORT if new.import_id else Op.CREATE


def _is_same_read(old: Recorded, new: Resource) -> bool:
    return old.resource.external and new.import_id in (old.id, old.resource.import_id)


def _is_unanswered(difference: Difference, new: Resource, moved: Collection[str]) -> bool:
    """
    Whether the new value is unknown only because nobody answers the program offline: a lookup, another stack.

    Nothing that it comes from changes, so it is taken for the value that the state records; a note says so.
    """
    value = difference.new.value if isinstance(difference.new, Secret) else difference.new
    if difference.kind is not ChangeKind.CHANGED or not isinstance(value, Unknown):
        return False
    return not any(urn in moved for urn in new.property_dependencies.get(str(difference.path[0]), ()))


def _unanswered(
    old: Recorded | None, new: Resource, provider_inputs: Mapping[str, Value], moved: Collection[str]
) -> bool:
    return old is not None and any(
        _is_unanswered(difference, new, moved) for difference in _input_differences(old.resource, new, provider_inputs)
    )


def _input_differences(old: Resource, new: Resource, provider_inputs: Mapping[str, Value]) -> tuple[Difference, ...]:
    wanted = with_all_tags(new.inputs, old=old.inputs, type_=new.type, provider_inputs=provider_inputs)
    return input_differences(old.inputs, wanted, type_=new.type, ignore=new.ignore_changes)


def _property_change(
    difference: Difference, resource: Resource, provider_inputs: Mapping[str, Value]
) -> PropertyChange:
    return PropertyChange(
        path=paths.text(difference.path),
        old=difference.old,
        new=difference.new,
        kind=difference.kind,
        replaces=replaces(difference, resource=resource, provider_inputs=provider_inputs),
        certain=difference.certain,
    )


def _provider_change(old: Resource, new: Resource) -> tuple[PropertyChange, ...]:
    """Another provider may mean another account or cluster; which, only the provider itself can tell."""
    if old.provider == new.provider or old.provider is None or new.provider is None:
        return ()
    if _names_default(old.provider) and _names_default(new.provider):
        return ()  # another version of the plugin: an ordinary update of whatever it sees differently
    return (
        PropertyChange(
            path="provider",
            old=old.provider,
            new=new.provider,
            kind=ChangeKind.CHANGED,
            replaces=Replaces.UNKNOWN,
        ),
    )


def _names_default(provider: str) -> bool:
    name = provider.rpartition("::")[2]
    return name == "default" or name.startswith("default_")


def _judged(step: Step, old: Recorded) -> Step:
    """*step* with its operation, from its changes and from what the base says about the resource."""
    reasons = [change.path for change in step.changes if change.replaces is Replaces.YES and change.certain]
    if old.tainted:
        reasons.append("it is tainted")
    if step.new is not None and step.new.import_id and old.id and step.new.import_id != old.id:
        reasons.append("it imports another object")
    if reasons:
        return replace(
            step,
            op=Op.REPLACE,
            replaces=Replaces.YES,
            replace_reason=tuple(reasons),
            protected_error=PROTECTED if old.resource.protect else None,
            retained=old.resource.retain_on_delete,
        )
    if not step.changes and not old.init_errors:
        return step
    may_replace = any(change.replaces is not Replaces.NO for change in step.changes)
    return replace(step, op=Op.UPDATE, replaces=Replaces.UNKNOWN if may_replace else Replaces.NO)


def _notes(unanswered: list[str]) -> Iterator[str]:
    if unanswered:
        names = ", ".join(unanswered[:5]) + (", ..." if len(unanswered) > 5 else "")
        yield f"looked up in the cloud when it is deployed, and taken as unchanged here: inputs of {names}"


def _steps(graph: Graph, base: Base) -> tuple[list[Step], list[str]]:
    """
    A step for each resource of *graph*, then for each resource of *base* that it no longer holds.

    And the names of the resources with inputs that only the cloud could tell.
    """
    steps: list[Step] = []
    unanswered: list[str] = []
    inputs = {resource.urn: resource.inputs for resource in graph.resources}
    kept: set[str] = set()
    moved: set[str] = set()  # resources with outputs that will be others
    for new in graph.resources:
        old = base.find(new)
        if old is not None:
            kept.add(old.resource.urn)
        of_provider = inputs.get(new.provider or "", {})
        step = step_of(old, new, provider_inputs=of_provider, moved=moved)
        if not base.is_state:
            step = _with_cascade(step, moved)
        elif _unanswered(old, new, of_provider, moved):
            unanswered.append(new.name)
        if changes_outputs(step, base):
            moved.add(step.urn)
        steps.append(step)
    return [*steps, *_deletions(base, kept)], unanswered


def changes_outputs(step: Step, base: Base) -> bool:
    """Whether outputs of the resource may be others afterwards, so that what is unknown because of it changes."""
    if step.op in (Op.SAME, Op.UPDATE) and not step.certain:
        return False
    if base.is_state:
        return step.op is not Op.SAME
    return step.op is Op.REPLACE or (step.op is Op.UPDATE and bool(recomputed_by_updates(step.type)))


def _with_cascade(step: Step, moved: set[str]) -> Step:
    """
    *step* with what a change further up may do to it, where the base cannot say because it knows no outputs.

    Both programs hand the same unknown on (a subnet's id); where that subnet is replaced, the id will be another one.
    Whether it is the id or an output that stays, is not known offline: such changes are not certain.
    """
    if step.old is None or step.new is None or step.op not in (Op.SAME, Op.UPDATE):
        return step
    touched = {paths.parsed(change.path)[0] for change in step.changes}
    more = tuple(
        PropertyChange(
            path=paths.text((key,)),
            old=step.old.inputs.get(key),
            new=step.new.inputs[key],
            kind=ChangeKind.CHANGED,
            replaces=Replaces.UNKNOWN,
            certain=False,
        )
        for key, urns in step.new.property_dependencies.items()
        if key not in touched and moved.intersection(urns) and _holds_unknown(step.new.inputs.get(key))
    )
    if not more:
        return step
    return replace(step, op=Op.UPDATE, changes=step.changes + more, replaces=Replaces.UNKNOWN)


def _holds_unknown(value: Value) -> bool:
    match value:
        case Unknown():
            return True
        case list():
            return any(map(_holds_unknown, value))
        case dict():
            return any(map(_holds_unknown, value.values()))
        case _:
            return False


def _deletions(base: Base, kept: set[str]) -> Iterator[Step]:
    """Deletions of what the program no longer wants, and of what an unfinished replacement left; children first."""
    for entry in reversed(base.entries):
        resource = entry.resource
        if not entry.delete and resource.urn in kept:
            continue
        yield Step(
            op=Op.DELETE,
            urn=resource.urn,
            type=resource.type,
            name=resource.name,
            old=resource,
            new=None,
            protected_error=PROTECTED if resource.protect and not entry.delete else None,
            retained=resource.retain_on_delete or resource.external,
            pending_delete=entry.delete,
        )


def _is_hidden(step: Step) -> bool:
    """Default providers come and go with the versions of packages; nobody asked for them, and nothing is built."""
    resource = step.new or step.old
    return resource is not None and is_default_provider(resource)


def _output_changes(graph: Graph, base: Base) -> tuple[PropertyChange, ...]:
    return tuple(
        PropertyChange(
            path=paths.text(difference.path),
            old=difference.old,
            new=difference.new,
            kind=difference.kind,
            replaces=Replaces.NO,
            certain=difference.certain and not holds_encrypted(difference.old),
        )
        for difference in differences(dict(base.outputs), dict(graph.outputs), leniency=BRIDGED)
    )
