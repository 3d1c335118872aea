"""The resource steps as text, `+ ~ - -/+`: folded by component where all is new, property by property where not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from components.graph import Resource
from infra.diff.changes import ChangeKind, Op, Replaces, ResourceChanges, Step
from infra.recorder.urns import parse
from infra.render.nouns import component_noun, counted, noun
from infra.render.property_text import change_lines
from sizing.figures import plural
from sizing.table import WIDTH, elided, wrapped

SIGNS: Mapping[Op, str] = {
    Op.CREATE: "+",
    Op.UPDATE: "~",
    Op.REPLACE: "-/+",
    Op.DELETE: "-",
    Op.IMPORT: "=",
    Op.READ: "<",
    Op.SAME: " ",
}
CHANGE_SIGNS: Mapping[ChangeKind, str] = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}
_VERBS = {
    Op.CREATE: "to add",
    Op.UPDATE: "to change",
    Op.REPLACE: "to replace",
    Op.DELETE: "to destroy",
    Op.IMPORT: "to import",
    Op.READ: "to read",
}
_ALWAYS_COUNTED = (Op.CREATE, Op.UPDATE, Op.DELETE)
_MOST_PROPERTIES = 12  # of one resource on one screen; the rest is counted
_FOLD_FROM = 2  # resources of a component that are told as one line
_STACK = "pulumi:pulumi:Stack"
_LOOSE = "stack"
_NO_COMPONENT = ""  # stands for the URN of a component


def step_lines(changes: ResourceChanges, *, full: bool) -> list[str]:
    """
    What happens to the resources, component by component; nothing about what stays as it is.

    Of a component, the resources that are all created, or all deleted, are one line that counts them, unless *full*.
    """
    if not changes.steps:
        return []
    lines = ["resources"]
    for title, steps in by_component(changes):
        lines += _component_lines(title, steps, full=full)
    return lines


def summary(changes: ResourceChanges) -> str:
    """The counts in one clause: 12 to add, 1 to change, 0 to destroy."""
    counts = changes.counts
    return ", ".join(
        f"{counts.get(op, 0)} {verb}" for op, verb in _VERBS.items() if op in _ALWAYS_COUNTED or counts.get(op, 0)
    )


def op_counts(steps: Sequence[Step]) -> str:
    """The counts of some steps in one clause, without those that are none: 2 to add, 1 to replace."""
    counts = Counter(step.op for step in steps)
    return ", ".join(f"{counts[op]} {verb}" for op, verb in _VERBS.items() if counts[op])


def by_component(changes: ResourceChanges) -> list[tuple[str, list[Step]]]:
    """Steps grouped by the outermost component around each; what stands alone comes under the stack, last."""
    known = {x.urn: x for x in (*changes.base.resources, *changes.graph.resources)}
    groups: dict[str, list[Step]] = {}
    for step in changes.steps:
        groups.setdefault(_component_urn(step, known), []).append(step)
    if _NO_COMPONENT in groups:
        groups[_NO_COMPONENT] = groups.pop(_NO_COMPONENT)
    kinds = Counter(_kind(urn) for urn in groups)
    return [(_title(urn, kinds), steps) for urn, steps in groups.items()]


def _component_urn(step: Step, known: Mapping[str, Resource]) -> str:
    """
    URN of the outermost component that *step* is, or is part of; empty for what belongs to the stack alone.

    The real engine's events tell of what changes only: a parent that is not *known* is then as far as one can see.
    """
    resource = step.new or step.old
    found = _NO_COMPONENT
    while resource is not None and resource.type != _STACK:
        if not resource.custom:
            found = resource.urn
        parent = resource.parent or ""
        if parent and parent not in known and parse(parent).type != _STACK:
            return parent
        resource = known.get(parent)
    return found


def _kind(urn: str) -> str:
    return component_noun(parse(urn).type) if urn != _NO_COMPONENT else _LOOSE


def _title(urn: str, kinds: Mapping[str, int]) -> str:
    """What the component *urn* is called, with its name where there are several of its kind."""
    kind = _kind(urn)
    return f"{kind} {parse(urn).name}" if kinds[kind] > 1 else kind


def _component_lines(title: str, steps: Sequence[Step], *, full: bool) -> list[str]:
    plain = {op: [x for x in steps if x.op is op and _is_plain(x)] for op in (Op.CREATE, Op.DELETE)}
    folded = [] if full else [op for op, alike in plain.items() if len(alike) >= _FOLD_FROM]
    lines = []
    for op in folded:
        types = [x.type for x in plain[op] if is_real(x)]
        if types:
            lines += wrapped(f"{title} ({len(types)}): {counted(types)}", indent=f"  {SIGNS[op]:<3} ", hanging=" " * 8)
    rest = [x for x in steps if x.op not in folded or not _is_plain(x)]
    shown = [x for x in rest if full or is_real(x)]
    if shown and (len(shown) > 1 or full) and title != _LOOSE:
        lines.append(elided(f"      {title}", WIDTH))
    return lines + [line for step in shown for line in _step_lines(step, full=full)]


def _is_plain(step: Step) -> bool:
    """True for a step that needs no word of its own."""
    return not (step.protected_error or step.retained or step.pending_delete or step.already_gone)


def is_real(step: Step) -> bool:
    """True for what the cloud or the cluster keeps: no component, no provider, not the stack."""
    resource = step.new or step.old
    return not step.type.startswith("pulumi:") and (resource is None or resource.custom)


def _step_lines(step: Step, *, full: bool) -> list[str]:
    head = f"  {SIGNS[step.op]:<3} {noun(step.type)} {step.name}"
    lines = [elided(head, WIDTH)]
    lines += [line for note in step_notes(step) for line in wrapped(note, indent="        ")]
    changes = step.changes if step.op in (Op.UPDATE, Op.REPLACE) else ()
    most = len(changes) if full else _MOST_PROPERTIES
    for change in changes[:most]:
        first, *below = change_lines(change, width=WIDTH - 10)
        lines += [f"        {CHANGE_SIGNS[change.kind]} {first}", *(f"          {line}" for line in below)]
    if len(changes) > most:
        lines.append(
            f"        and {plural(len(changes) - most, 'more property', 'more properties')}: --full lists them"
        )
    return lines


def _replacement_notes(step: Step) -> list[str]:
    """What forces a replacement: the properties, then what is said in words; and which object goes or comes first."""
    words = [x for x in step.replace_reason if " " in x]
    properties = [x for x in step.replace_reason if " " not in x]
    notes = [f"must be replaced: {', '.join(properties)}"] if properties else []
    if words:
        notes.append(f"{'also ' if properties else ''}replaced because {'; '.join(words)}")
    if step.deletes_first:
        notes.append("the old one is deleted before the new one is made")
    return notes


def step_notes(step: Step) -> list[str]:
    """What a person has to know of a step beside its properties."""
    notes = []
    if step.renamed_from is not None:
        notes.append(f"was {step.renamed_from.rpartition('::')[2]}")
    if step.op is Op.REPLACE:
        notes += _replacement_notes(step)
    if step.op is Op.UPDATE and step.replaces is Replaces.UNKNOWN:
        notes.append("may have to be replaced: not known offline")
    if step.protected_error:
        notes.append(f"refused by the engine: {step.protected_error}")
    if step.retained:
        notes.append("the old object stays in the cloud (retainOnDelete)")
    if step.deleted_with is not None:
        notes.append(f"goes along with {step.deleted_with.rpartition('::')[2]}")
    if step.pending_delete:
        notes.append("left over from an unfinished replacement")
    if step.already_gone:
        notes.append("deleted already by the interrupted run: it is only forgotten")
    if not step.certain:
        notes.append("may be no change at all: its only differences cannot be compared here")
    return notes
