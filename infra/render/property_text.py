"""Values of properties as text: unknowns as such, secrets never, long ones cut where they do not differ."""

from __future__ import annotations

import json
from collections.abc import Mapping

from components.graph import Asset, Secret, Unknown, Value
from infra.diff.changes import ChangeKind, PropertyChange, Replaces
from sizing.table import elided

KNOWN_LATER = "(known after apply)"
HIDDEN = "[secret]"
NOT_SHOWN = "(not shown: hideDiff)"
HIDDEN_CHANGE = "(what is not shown of it changed)"
_UNCUT = 10_000  # columns: wider than any value that is shown whole
_CONTEXT = 8  # characters shown before the place where two long texts differ
_ARROW = " -> "
_LEAST_VALUES = 36  # columns that two values get at least: both ends of an id, and where they differ

_FORCES = {
    Replaces.YES: "# forces replacement",
    Replaces.UNKNOWN: "# in place or replacement: not known offline",
    Replaces.NO: "",
}
_UNCERTAIN = "# cannot be compared here: it may be the same"


def value_text(value: Value, *, width: int) -> str:
    """One value in at most *width* columns of one line."""
    return elided(_one_line(value), max(width, len(HIDDEN)))


def change_text(change: PropertyChange, *, width: int) -> str:
    """
    One property that differs, in one line of at most *width* columns: `path: old -> new`; of what is added or removed
    the one value there is. Its sign and its marks stand beside it.
    """
    wanted = len(_values(change, _UNCUT))
    room = width - min(wanted, max(_LEAST_VALUES, width // 2)) - 2
    path = elided(change.path, max(room, width - wanted - 2))
    return f"{path}: {_values(change, width - len(path) - 2)}"


def change_marks(change: PropertyChange) -> str:
    """What has to be known of a change beside its values: that it forces a replacement, or that nobody can tell."""
    return "  ".join(x for x in (_FORCES[change.replaces], "" if change.certain else _UNCERTAIN) if x)


def change_lines(change: PropertyChange, *, width: int) -> list[str]:
    """
    One property that differs, in lines of at most *width* columns, its marks at the end of the line or below it.

    The marks are never cut; the path and the values are, and two long texts are shown where they differ.
    """
    marks = change_marks(change)
    if not marks:
        return [change_text(change, width=width)]
    whole = f"{change_text(change, width=_UNCUT)}  {marks}"
    if len(whole) <= width:
        return [whole]
    return [change_text(change, width=width), *(f"  {mark}" for mark in marks.split("  "))]


def sides(change: PropertyChange) -> tuple[Value, Value]:
    """Both values of a change as they may be shown: not at all where the program hides them."""
    return (NOT_SHOWN, NOT_SHOWN) if change.hidden else (change.old, change.new)


def _values(change: PropertyChange, width: int) -> str:
    if change.hidden:
        return NOT_SHOWN
    match change.kind:
        case ChangeKind.ADDED:
            return value_text(change.new, width=width)
        case ChangeKind.REMOVED:
            return value_text(change.old, width=width)
        case ChangeKind.CHANGED:
            return _old_and_new(change.old, change.new, width)


def _old_and_new(old: Value, new: Value, width: int) -> str:
    if isinstance(old, Secret) and isinstance(new, Secret):
        return f"{HIDDEN} changed"
    before, after = _one_line(old), _one_line(new)
    if before == after:
        return f"{elided(before, max(len(HIDDEN), width - len(HIDDEN_CHANGE) - 1))} {HIDDEN_CHANGE}"
    room = width - len(_ARROW)
    if len(before) + len(after) > room:
        before, after = _cut_where_they_differ(before, after, room)
    return f"{before}{_ARROW}{after}"


def _cut_where_they_differ(before: str, after: str, room: int) -> tuple[str, str]:
    """Both texts in *room* columns together, cut so that the first place where they differ is in view on both sides."""
    half = room // 2
    old_room = max(half, room - len(after))
    new_room = room - min(old_room, len(before))
    shortest = min(len(before), len(after))
    start = next((at for at in range(shortest) if before[at] != after[at]), shortest)
    left = start - min(_CONTEXT, (min(old_room, new_room) - 5) // 3)
    left = 0 if left <= 2 else left  # two dots stand for more than two characters
    return _window(before, left, old_room), _window(after, left, new_room)


def _window(text: str, left: int, room: int) -> str:
    """*text* in *room* columns, from the place *left* on, with two dots for what is left out at either end."""
    if len(text) <= room:
        return text
    shown = text[left : left + room - (2 if left else 0)]
    is_cut = left + len(shown) < len(text)
    return f"{'..' if left else ''}{shown[: len(shown) - 2] if is_cut else shown}{'..' if is_cut else ''}"


def _one_line(value: Value) -> str:
    """*value* as JSON in one line; a mark of its own without quotes, and nothing that a terminal would act on."""
    shown = _mark(value) or json.dumps(plain(value), ensure_ascii=False, separators=(", ", ": "))
    return shown if shown.isprintable() else "".join(x if x.isprintable() else f"\\u{ord(x):04x}" for x in shown)


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
