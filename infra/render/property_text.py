"""Values of properties as text: unknowns as such, secrets never, long ones cut where they do not differ."""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.graph import Asset, Secret, Unknown, Value
from infra.diff.changes import ChangeKind, PropertyChange, Replaces
from sizing.table import elided

KNOWN_LATER = "(known after apply)"
HIDDEN = "[secret]"
_UNCUT = 10_000  # columns: wider than any value that is shown whole
_CONTEXT = 8  # characters shown on either side of where two long texts differ

_FORCES = {
    Replaces.YES: "  # forces replacement",
    Replaces.UNKNOWN: "  # in place or replacement: not known offline",
    Replaces.NO: "",
}


def value_text(value: Value, *, width: int) -> str:
    """One value in at most *width* columns of one line."""
    return elided(_one_line(value), max(width, len(HIDDEN)))


def change_text(change: PropertyChange, *, width: int) -> str:
    """
    One property that differs, in one line of at most *width* columns: `path: old -> new  # forces replacement`.

    The mark is never cut; the path and the values are, and two long texts are shown where they differ.
    """
    mark = _FORCES[change.replaces] + ("" if change.certain else "  # cannot be compared here: it may be the same")
    room = max(24, width - len(mark))
    values = len(_values(change, _UNCUT))
    path = elided(change.path, max(12, room // 2, room - 2 - values))
    room -= len(path) + 2
    return f"{path}: {_values(change, room)}{mark}"


def _values(change: PropertyChange, width: int) -> str:
    match change.kind:
        case ChangeKind.ADDED:
            return value_text(change.new, width=width)
        case ChangeKind.REMOVED:
            return f"{value_text(change.old, width=width - 10)} -> (removed)"
        case ChangeKind.CHANGED:
            return _old_and_new(change.old, change.new, width)


def _old_and_new(old: Value, new: Value, width: int) -> str:
    if isinstance(old, Secret) and isinstance(new, Secret):
        return f"{HIDDEN} changed"
    before, after = _one_line(old), _one_line(new)
    if len(before) + len(after) + 4 > width:
        before, after = _where_they_differ(before, after)
    half = (width - 4) // 2
    if len(after) < half:
        before = elided(before, width - 4 - len(after))
    elif len(before) < half:
        after = elided(after, width - 4 - len(before))
    else:
        before, after = elided(before, half), elided(after, half)
    return f"{before} -> {after}"


def _where_they_differ(before: str, after: str) -> tuple[str, str]:
    """Both texts without what they share at either end, but for a little context."""
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    end = next((at for at in range(shortest - start) if before[-1 - at] != after[-1 - at]), shortest - start)
    start, end = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    return _cut(before, start, end), _cut(after, start, end)


def _cut(text: str, start: int, end: int) -> str:
    return f"{'..' if start else ''}{text[start : len(text) - end]}{'..' if end else ''}"


def _one_line(value: Value) -> str:
    """*value* as JSON in one line; a mark of its own without quotes."""
    return _mark(value) or json.dumps(plain(value), ensure_ascii=False, separators=(", ", ": "))


def plain(value: Value) -> object:
    """*value* as JSON holds it: unknown and secret parts become their marks, whole floats become integers."""
    marked = _mark(value)
    if marked is not None:
        return marked
    if isinstance(value, list):
        return [plain(x) for x in value]
    if isinstance(value, Mapping):
        return {key: plain(x) for key, x in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _mark(value: Value) -> str | None:
    """The mark that stands for a value that has no JSON form of its own; None for every other."""
    match value:
        case Unknown():
            return KNOWN_LATER
        case Secret():
            return HIDDEN
        case Asset():
            return f"(asset {value.hash[:12]})"
        case _:
            return None
