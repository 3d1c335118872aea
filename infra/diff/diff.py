"""What a deployment would do: each resource that the program wants against what the base holds. Values in, values out.

The rules are the engine's and the providers' (step_generator.go of pulumi/pulumi; tfbridge; pulumi-kubernetes), as far
as they can be known without them. A replacement is told in three values and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from components.graph import Graph, Resource, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, ResourceChanges, Step
from infra.diff.compare import BRIDGED, differences, holds_encrypted
from infra.diff.progress import Condemned, Progress
from infra.diff.recorded import Base
from infra.diff.step import PROTECTED, noted, step_of, unanswered
from infra.diff.succession import replaced_along
from infra.recorder.providers import is_default_provider


def changes(graph: Graph, base: Base) -> ResourceChanges:
    """All that deploying *graph* on top of *base* would do: steps in the order of the graph, deletions last."""
    found, looked_up = _steps(graph, base)
    return ResourceChanges(
        graph=graph,
        base=base.graph,
        base_name=base.name,
        steps=tuple(step for step in found if _is_shown(step)),
        outputs=_output_changes(graph, base),
        pending=base.pending,
        notes=(*base.notes, *_notes(looked_up, found)),
    )


def next_step(progress: Progress, new: Resource) -> Step:
    """What happens to *new*, noted in *progress* together with what has to go before it."""
    step = step_of(progress, new)
    if not progress.base.is_state:
        step = _with_cascade(step, progress.moved)
    noted(progress, step)
    if step.op is Op.REPLACE and step.deletes_first and step.old is not None and progress.base.is_state:
        root = progress.base.by_urn[step.old.urn]
        for entry, keys in replaced_along(root, progress.base, done=progress.taken):
            progress.condemned.setdefault(entry.resource.urn, Condemned(by=new.name, keys=keys))
    return step


def _steps(graph: Graph, base: Base) -> tuple[list[Step], list[str]]:
    """
    A step for each resource of *graph*, then for each resource of *base* that it no longer holds.

    And the names of the resources with inputs that only the cloud could tell.
    """
    progress = Progress(base=base)
    steps: list[Step] = []
    looked_up: list[str] = []
    for new in graph.resources:
        if base.is_state and unanswered(progress, new):
            looked_up.append(new.name)
        steps.append(next_step(progress, new))
    return [*steps, *_deletions(progress)], looked_up


def _notes(looked_up: list[str], steps: list[Step]) -> Iterator[str]:
    if looked_up:
        why = "read only when it is deployed (looked up, or encrypted), and taken as unchanged here"
        yield f"{why}: inputs of {_listed(looked_up)}"
    renamed = [step.name for step in steps if step.op is Op.SAME and step.renamed_from is not None]
    if renamed:
        yield f"known by another name from now on, and otherwise unchanged: {_listed(renamed)}"
    forgotten = [step.name for step in steps if step.op is Op.DELETE and _is_gone(step)]
    if forgotten:
        yield f"deleted by an earlier run already, and only forgotten now: {_listed(forgotten)}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


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


def _deletions(progress: Progress) -> Iterator[Step]:
    """Deletions of what the program no longer wants, and of what an unfinished replacement left; children first."""
    gone = {
        entry.resource.urn
        for entry in progress.base.entries
        if not entry.delete and entry.resource.urn not in progress.taken
    }
    for entry in reversed(progress.base.entries):
        resource = entry.resource
        if not entry.delete and resource.urn not in gone:
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
            deleted_with=resource.deleted_with if resource.deleted_with in gone else None,
            already_gone=entry.pending_replacement,
        )


def _is_gone(step: Step) -> bool:
    """Whether there is nothing left to delete: the engine takes it out of the state (NewRemovePendingReplaceStep)."""
    return step.already_gone


def _is_shown(step: Step) -> bool:
    """
    Whether a person should see *step*.

    Default providers come and go with the versions of packages; nobody asked for them, and nothing is built.
    """
    resource = step.new or step.old
    if step.op is Op.DELETE and _is_gone(step):
        return False
    if step.op is Op.SAME and step.protected_error is None:
        return False
    return resource is None or not is_default_provider(resource)


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
