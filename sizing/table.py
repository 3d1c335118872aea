"""Tables and wrapped text in a fixed width. Knows nothing of what it lays out."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

WIDTH = 80  # columns of a terminal that nobody has widened; also what a pipe gets


def elided(text: str, width: int) -> str:
    """*text* in at most *width* columns; what is too long loses its middle, as both ends of a name tell something."""
    if len(text) <= width:
        return text
    if width <= 3:
        return text[: max(0, width)]
    head = (width - 2) // 2 + (width - 2) % 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"


def wrapped(text: str, *, indent: str = "", hanging: str | None = None, width: int = WIDTH) -> list[str]:
    """Lines of *text* broken at words; the first starts with *indent*, the next with *hanging* (indent by default)."""
    room = width - len(indent if hanging is None else hanging)
    return (
        textwrap.wrap(
            " ".join(elided(word, room) for word in text.split()),
            width=width,
            initial_indent=indent,
            subsequent_indent=indent if hanging is None else hanging,
            break_on_hyphens=False,
        )
        or []
    )


def table(
    rows: Sequence[Sequence[str]], *, align: str, indent: str = "  ", width: int = WIDTH, elastic: int = 0
) -> list[str]:
    """
    Lines of *rows* with their columns aligned and no blanks at the end.

    *align* has one letter a column: `<` left, `>` right, `u` left and only one blank after the column before it, which
    puts a unit beside its number. Where lines would be longer than *width*, the column at *elastic* loses its middle.
    """
    padded = [[*row, *[""] * (len(align) - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(*padded, strict=True)]
    gaps = ["" if at == 0 else " " if kind == "u" else "  " for at, kind in enumerate(align)]
    excess = len(indent) + sum(widths) + sum(map(len, gaps)) - width
    if excess > 0 and widths:
        widths[elastic] = max(8, widths[elastic] - excess)
    return [
        (
            indent
            + "".join(
                gap + (elided(cell, room).rjust(room) if kind == ">" else elided(cell, room).ljust(room))
                for cell, room, gap, kind in zip(row, widths, gaps, align, strict=True)
            )
        ).rstrip()
        for row in padded
    ]
