"""What the engine says while it works, as our own values: steps as in a preview, messages, failures.

The events are the Automation API's (apitype/events.go of pulumi/pulumi). Secrets arrive blinded by the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pulumi.automation import DiffKind, EngineEvent, OpType, StepEventMetadata, StepEventStateMetadata

from components.graph import Resource, Secret, Unknown, Value
from infra.diff import paths
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, Step
from infra.recorder.providers import is_default_provider
from infra.recorder.urns import parse
from infra.recorder.wire import UNKNOWN

BLINDED = "[secret]"  # what the engine writes in place of a secret

OPS: Mapping[OpType, Op] = {
    OpType.CREATE: Op.CREATE,
    OpType.UPDATE: Op.UPDATE,
    OpType.DELETE: Op.DELETE,
    OpType.REPLACE: Op.REPLACE,
    OpType.CREATE_REPLACEMENT: Op.REPLACE,
    OpType.DELETE_REPLACED: Op.DELETE,
    OpType.READ: Op.READ,
    OpType.READ_REPLACEMENT: Op.READ,
    OpType.DISCARD: Op.DELETE,  # of what was only read: nothing happens in the cloud
    OpType.DISCARD_REPLACED: Op.DELETE,
    OpType.IMPORT: Op.IMPORT,
    OpType.IMPORT_REPLACEMENT: Op.REPLACE,
}
_PARTS = (OpType.CREATE_REPLACEMENT, OpType.DELETE_REPLACED, OpType.DISCARD_REPLACED)  # of one replacement
_KINDS: Mapping[DiffKind, tuple[ChangeKind, Replaces]] = {
    DiffKind.ADD: (ChangeKind.ADDED, Replaces.NO),
    DiffKind.ADD_REPLACE: (ChangeKind.ADDED, Replaces.YES),
    DiffKind.DELETE: (ChangeKind.REMOVED, Replaces.NO),
    DiffKind.DELETE_REPLACE: (ChangeKind.REMOVED, Replaces.YES),
    DiffKind.UPDATE: (ChangeKind.CHANGED, Replaces.NO),
    DiffKind.UPDATE_REPLACE: (ChangeKind.CHANGED, Replaces.YES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing that the engine, a provider or the program said."""

    severity: str  # info, warning, error
    text: str
    urn: str = ""  # empty: about the run as a whole


def steps(events: Iterable[EngineEvent]) -> tuple[Step, ...]:
    """
    What a run of the engine would do, or did: one step a resource, in the order in which it came to them.

    The parts of a replacement (create the new, delete the old) are one step. Resources that stay as they are, and
    default providers, are left out, as in our own preview.
    """
    told = [event.resource_pre_event.metadata for event in events if event.resource_pre_event is not None]
    replaced = {metadata.urn for metadata in told if metadata.op is OpType.REPLACE}
    found: dict[tuple[str, Op], Step] = {}
    for metadata in told:
        if metadata.op not in OPS or (metadata.op in _PARTS and metadata.urn in replaced):
            continue
        step = _step(metadata)
        if not is_default_provider(_resource(step)):
            found.setdefault((step.urn, step.op), step)
    return tuple(found.values())


def messages(events: Iterable[EngineEvent]) -> tuple[Message, ...]:
    """What was said to the user, without what was shown for a moment only."""
    return tuple(
        Message(severity=said.severity.removesuffix("#err"), text=said.message.strip(), urn=said.urn or "")
        for event in events
        if (said := event.diagnostic_event) is not None and not said.ephemeral and said.message.strip()
    )


def finished(event: EngineEvent) -> Step | None:
    """The step that *event* says is done; None where it says something else, or nothing was to be done."""
    if event.res_outputs_event is None:
        return None
    return _moved(event.res_outputs_event.metadata)


def begun(event: EngineEvent) -> Step | None:
    """The step that *event* says was begun; None where it says something else, or nothing is to be done."""
    if event.resource_pre_event is None:
        return None
    return _moved(event.resource_pre_event.metadata)


def failed(event: EngineEvent) -> Step | None:
    """The step that *event* says did not work."""
    return None if event.res_op_failed_event is None else _moved(event.res_op_failed_event.metadata)


def _moved(metadata: StepEventMetadata) -> Step | None:
    """The step as something that happens in a cloud: the parts of a replacement, not the word for the whole."""
    if metadata.op not in OPS or metadata.op is OpType.REPLACE:
        return None
    step = _step(metadata)
    return None if is_default_provider(_resource(step)) else step


def _resource(step: Step) -> Resource:
    found = step.new or step.old
    if found is None:
        raise ValueError(f"the engine told a step of nothing: {step.urn}")
    return found


def _step(metadata: StepEventMetadata) -> Step:
    old, new = _state(metadata.old), _state(metadata.new)
    op = OPS[metadata.op]
    changes = tuple(sorted(_changes(metadata), key=lambda change: change.path))
    forcing = tuple(change.path for change in changes if change.replaces is Replaces.YES)
    moved_from = old.urn if old is not None and old.urn != metadata.urn else None
    return Step(
        op=op,
        urn=metadata.urn,
        type=metadata.type,
        name=parse(metadata.urn).name,
        old=old,
        new=None if op is Op.DELETE else new,
        changes=changes,
        replaces=Replaces.YES if op is Op.REPLACE else Replaces.NO,
        replace_reason=(forcing or tuple(sorted(metadata.keys or ()))) if op is Op.REPLACE else (),
        renamed_from=moved_from,
        retained=op is Op.DELETE and bool(metadata.old and metadata.old.retain_on_delete),
        pending_delete=metadata.op is OpType.DELETE_REPLACED and bool(metadata.old and metadata.old.delete),
    )


def _state(state: StepEventStateMetadata | None) -> Resource | None:
    if state is None:
        return None
    return Resource(
        urn=state.urn,
        type=state.type,
        name=parse(state.urn).name,
        custom=bool(state.custom),
        parent=state.parent or None,
        provider=str(state.provider).rpartition("::")[0] or None,
        inputs={key: value_of(value) for key, value in sorted((state.inputs or {}).items())},
        protect=bool(state.protect),
        retain_on_delete=bool(state.retain_on_delete),
    )


def _changes(metadata: StepEventMetadata) -> Iterable[PropertyChange]:
    """The property changes of an update or a replacement: in detail where the provider told, else by top-level key."""
    old = metadata.old.inputs if metadata.old else None
    new = metadata.new.inputs if metadata.new else None
    for path, difference in (metadata.detailed_diff or {}).items():
        kind, replaces = _KINDS[difference.diff_kind]
        yield _change(path, old, new, kind, replaces)
    if metadata.detailed_diff:
        return
    for key in metadata.diffs or ():
        replaces = Replaces.YES if key in (metadata.keys or ()) else Replaces.NO
        yield _change(key, old, new, ChangeKind.CHANGED, replaces)


def _change(
    path: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    kind: ChangeKind,
    replaces: Replaces,
) -> PropertyChange:
    return PropertyChange(
        path=path,
        old=None if kind is ChangeKind.ADDED else value_of(_at(old, path)),
        new=None if kind is ChangeKind.REMOVED else value_of(_at(new, path)),
        kind=kind,
        replaces=replaces,
    )


def _at(properties: Any, path: str) -> Any:
    """What stands at *path* of *properties*; None where nothing does."""
    found = properties
    for step in paths.parsed(path):
        is_there = step in found if isinstance(found, Mapping) else _is_place(step, found)
        if not is_there:
            return None
        found = found[step]
    return found


def _is_place(step: str | int, found: Any) -> bool:
    return isinstance(found, list) and isinstance(step, int) and step < len(found)


def value_of(raw: Any) -> Value:
    """A property as events write it: JSON, with unknowns and secrets as certain texts."""
    match raw:
        case str() if raw == UNKNOWN:
            return Unknown()
        case str() if raw == BLINDED:
            return Secret(BLINDED)
        case list():
            return [value_of(item) for item in raw]
        case dict():
            return {str(key): value_of(item) for key, item in raw.items()}
        case None | bool() | int() | float() | str():
            return int(raw) if isinstance(raw, float) and raw.is_integer() else raw
        case _:
            return str(raw)
