"""Every resource below the component that makes it, with what happens to it and what differs in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from components.graph import Resource, Value
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, ResourceChanges, Step
from infra.render.html.markup import Child, element
from infra.render.nouns import component_noun, noun
from infra.render.property_text import plain, sides
from infra.render.steps import SIGNS, step_notes
from sizing.figures import plural

_ROOT = "pulumi:pulumi:Stack"
_OPS = (Op.CREATE, Op.UPDATE, Op.REPLACE, Op.DELETE, Op.IMPORT, Op.READ, Op.SAME)
_TOLD = {
    Op.CREATE: "create",
    Op.UPDATE: "update",
    Op.REPLACE: "replace",
    Op.DELETE: "delete",
    Op.IMPORT: "import",
    Op.READ: "read",
    Op.SAME: "unchanged",
}
_SIGN = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}


@dataclass(frozen=True, slots=True)
class _Forest:
    """All resources of both sides: who stands under whom, and what happens to each."""

    children: Mapping[str, tuple[Resource, ...]]  # by URN of the parent; the stack's own under ""
    steps: Mapping[str, Step]


def tree_section(changes: ResourceChanges) -> Element:
    """The resource tree, with buttons that show only what is created, updated, replaced, deleted or unchanged."""
    forest = _forest(changes)
    shown = [op for op in _OPS if op is Op.SAME or changes.counts.get(op, 0)]
    controls = [
        element("input", type="search", placeholder="name or type", aria_label="show only what contains", id="find"),
        *(
            element(
                "label",
                element("input", type="checkbox", value=op.value, checked=op is not Op.SAME or not changes.steps),
                f" {_TOLD[op]}",
                class_=f"op {op.value}",
            )
            for op in shown
        ),
        element("button", "open all", type="button", id="open"),
        element("button", "close all", type="button", id="close"),
    ]
    return element(
        "section",
        element("h2", "Resources"),
        element("div", *controls, class_="controls"),
        element("div", *(_node(x, forest) for x in forest.children.get("", ())), id="tree"),
        _outputs(changes),
        id="resources",
    )


def _forest(changes: ResourceChanges) -> _Forest:
    """Resources of the program, then those of the base that go, each below its parent where that is known."""
    steps = {step.urn: step for step in changes.steps}
    gone = [x.old for x in changes.steps if x.op is Op.DELETE and x.old is not None]
    listed = {x.urn: x for x in (*changes.graph.resources, *gone) if x.type != _ROOT}
    children: dict[str, list[Resource]] = {}
    for resource in listed.values():
        children.setdefault(resource.parent if resource.parent in listed else "", []).append(resource)
    return _Forest(children={urn: tuple(x) for urn, x in children.items()}, steps=steps)


def _node(resource: Resource, forest: _Forest) -> Element:
    step = forest.steps.get(resource.urn)
    op = step.op if step else Op.SAME
    below = [_node(x, forest) for x in forest.children.get(resource.urn, ())]
    moved = _moved(resource, forest)
    body: list[Child] = [*_notes(step), _diff(step), *below]
    return element(
        "details",
        element(
            "summary",
            element("span", SIGNS[op], class_=f"sign {op.value}", title=_TOLD[op]),
            element("span", noun(resource.type) if resource.custom else component_noun(resource.type), class_="kind"),
            " ",
            element("span", resource.name, class_="name"),
            element("small", f" {_below_text(moved, _size(resource, forest))}") if below else None,
        ),
        element("div", *body, class_="body"),
        class_="node",
        data_op=op.value,
        data_text=f"{resource.name} {resource.type}".lower(),
        title=resource.urn,
        open=_is_telling(resource, forest),
    )


def _below_text(moved: int, size: int) -> str:
    """How many resources a component has, and how many of them change where that is not all."""
    held = plural(size, "resource")
    if moved in {0, size}:
        return held if moved else f"{held}, unchanged"
    return f"{moved} of {held} change"


def _size(resource: Resource, forest: _Forest) -> int:
    below = forest.children.get(resource.urn, ())
    return sum(_size(x, forest) for x in below) if below else 1


def _moved(resource: Resource, forest: _Forest) -> int:
    """Resources below, or this one where there are none, to which something happens."""
    below = forest.children.get(resource.urn, ())
    return sum(_moved(x, forest) for x in below) if below else int(resource.urn in forest.steps)


def _is_telling(resource: Resource, forest: _Forest) -> bool:
    """True where something that exists changes, here or below: what a person has come to see."""
    step = forest.steps.get(resource.urn)
    here = step is not None and step.op in (Op.UPDATE, Op.REPLACE, Op.DELETE)
    return here or any(_is_telling(x, forest) for x in forest.children.get(resource.urn, ()))


def _notes(step: Step | None) -> list[Child]:
    return [element("p", note, class_="note") for note in step_notes(step)] if step is not None else []


def _diff(step: Step | None) -> Element | None:
    """What differs, path by path; of a new resource its inputs, as every one is added."""
    if step is None:
        return None
    if step.op is Op.CREATE and step.new is not None and not step.changes:
        rows = [_row(ChangeKind.ADDED, key, None, value, None) for key, value in step.new.inputs.items()]
    else:
        rows = [_row(x.kind, x.path, *sides(x), _mark(x)) for x in step.changes]
    return element("table", element("tbody", *rows), class_="diff") if rows else None


def _mark(change: PropertyChange) -> str | None:
    if not change.certain:
        return "cannot be compared here: it may be the same"
    told = {Replaces.YES: "forces replacement", Replaces.UNKNOWN: "in place or replacement: not known offline"}
    return told.get(change.replaces)


def _row(kind: ChangeKind, path: str, old: Value, new: Value, mark: str | None) -> Element:
    return element(
        "tr",
        element("td", _SIGN[kind], class_=f"sign {kind.value}"),
        element("td", element("code", path), element("p", mark, class_="mark") if mark else None),
        element(
            "td",
            None if kind is ChangeKind.ADDED else element("pre", _value(old), class_="old"),
            None if kind is ChangeKind.REMOVED else element("pre", _value(new), class_="new"),
        ),
    )


def _value(value: Value) -> str:
    """*value* as JSON over as many lines as it needs; text with line breaks as the lines that it holds."""
    shown = plain(value)
    if isinstance(shown, str):
        return shown if "\n" in shown else json.dumps(shown, ensure_ascii=False) if isinstance(value, str) else shown
    return json.dumps(shown, ensure_ascii=False, indent=2)


def _outputs(changes: ResourceChanges) -> Element | None:
    if not changes.outputs:
        return None
    rows = [_row(x.kind, x.path, x.old, x.new, _mark(x)) for x in changes.outputs]
    return element(
        "details",
        element("summary", f"{plural(len(rows), 'output')} of the stack"),
        element("table", element("tbody", *rows), class_="diff"),
    )
