"""Markdown out of untrusted text: nothing in a value may end a cell, start markup, or call a person.

Entities are used, not backslashes: a character written as one never begins markup (CommonMark 0.31, section 2.5), and a
pipe written so never ends a cell of a table. GitHub looks for names and numbers of issues in the finished text, outside
of code only: a zero-width space keeps them apart from their sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sizing.table import elided

LIMIT = 65_536  # characters that GitHub takes in one comment
MOST_OF_A_VALUE = 200  # characters of one text; what is longer loses its middle

_MARKUP = re.compile(r"^[-+=]|[\\`*_\[\]<>&|~$#]|:(?=[\w+-]+:)")  # the last begins a picture: :tada:
_CALLS = re.compile(r"@(?=[\w-])|#(?=\d)|(?<=GH)-(?=\d)", re.IGNORECASE)
_APART = "\N{ZERO WIDTH SPACE}"
_BACKTICKS = re.compile(r"`+")


def length(text: str) -> int:
    """How many characters GitHub counts: of those beyond the basic plane each is two."""
    return len(text) + sum(ord(x) > 0xFFFF for x in text)


def prose(text: str, *, most: int = MOST_OF_A_VALUE) -> str:
    """*text* as nothing but words, in one line."""
    shown = _CALLS.sub(lambda found: f"{found[0]}{_APART}", elided(_one_line(text), most))
    return _MARKUP.sub(_entity, shown).replace(_APART, "&#8203;")


def code(text: str, *, most: int = MOST_OF_A_VALUE) -> str:
    """*text* as code, in one line; also within a table or a summary."""
    return f"<code>{_MARKUP.sub(_entity, elided(_one_line(text), most))}</code>"


def fenced(lines: Sequence[str], language: str) -> str:
    """A block of code of *lines*, whatever they hold."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *map(_one_line, lines), fence])


def details(summary: str, body: str, *, is_open: bool = False) -> str:
    """A part that opens on a click; *summary* and *body* are Markdown already. The blank lines are its grammar."""
    return f"<details{' open' if is_open else ''}><summary>{summary}</summary>\n\n{body}\n\n</details>"


def table(heads: Sequence[str], align: str, rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are Markdown already; *align* has one letter a column: `<` left, `>` right."""
    rule = ["--:" if kind == ">" else ":--" for kind in align]
    return "\n".join(map(row_text, (heads, rule, *rows)))


def row_text(cells: Sequence[str]) -> str:
    """One row of a table; cells that are missing at its end are empty."""
    return f"| {' | '.join(cells)} |"


def fitted(items: Sequence[str], *, room: int, more: Callable[[int], str], between: str = "\n") -> str:
    """
    As many of *items* from the first on as *room* characters hold, and *more* for the number of the others.

    The others' line is part of the room; where not even one item fits, that line is all.
    """
    whole = between.join(items)
    if length(whole) <= room:
        return whole
    kept: list[str] = []
    used = length(more(len(items)))
    for item in items:
        used += length(item) + len(between)
        if used > room:
            break
        kept.append(item)
    return between.join([*kept, more(len(items) - len(kept))])


def _one_line(text: str) -> str:
    """*text* without line breaks, and with what no one could see as its number."""
    return "".join(x if x.isprintable() else " " if x.isspace() else f"\\u{ord(x):04x}" for x in text)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found[0])};"
