"""Trace files: arrival time, prompt and answer tokens of each request, as CSV; every mistake told with its line."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from sizing.errors import InvalidSpec, Problem
from sizing.simulation import Request

COLUMNS = ("arrival_s", "input_tokens", "output_tokens")
MOST_TOLD = 20  # mistakes; a file of another kind has one in every line


def read_trace(path: Path) -> tuple[Request, ...]:
    """
    The requests of a trace in order of arrival, at least one; other columns are left alone.

    Raises:
        InvalidSpec: If the file cannot be read, lacks a column, or holds values that cannot be: all of them, by line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return _requests(list(csv.reader(file)), str(path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise _invalid(
            str(path), "the file", f"cannot be read: {why}", f"give a CSV with {', '.join(COLUMNS)}"
        ) from None


def _requests(rows: list[list[str]], source: str) -> tuple[Request, ...]:
    header = [name.strip() for name in rows[0]] if rows else []
    lacking = [name for name in COLUMNS if name not in header]
    if lacking:
        what = f"has no column {', '.join(lacking)}"
        raise _invalid(source, "the first line", what, f"name the columns {','.join(COLUMNS)}", line=1)
    places = [header.index(name) for name in COLUMNS]
    problems: list[Problem] = []
    found = []
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        values = [
            _number(row[place] if place < len(row) else "", name, line, problems)
            for place, name in zip(places, COLUMNS, strict=True)
        ]
        arrival, inputs, outputs = values
        if arrival is not None and inputs is not None and outputs is not None:
            found.append(Request(arrival_s=arrival, input_tokens=int(inputs), output_tokens=int(outputs)))
    if not found and not problems:
        raise _invalid(source, "the file", "holds no request", "write one in each line below the header")
    if problems:
        raise InvalidSpec(_told(problems), source=source)
    return tuple(sorted(found, key=lambda request: request.arrival_s))


def _number(text: str, name: str, line: int, problems: list[Problem]) -> float | None:
    """The value of a cell; None, and one more problem, where it cannot be."""
    tokens = name != "arrival_s"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if tokens and value >= 1 and value.is_integer():
        return value
    if not tokens and 0 <= value < math.inf:
        return value
    must, mend = (
        ("must be a whole number of tokens, 1 or more", "count the tokens")
        if tokens
        else ("must be 0 or more seconds", "count from the start of the trace")
    )
    problems.append(
        Problem(
            path=name, what=f"is {repr(text.strip()) if text.strip() else 'empty'}, but {must}", mend=mend, line=line
        )
    )
    return None


def _told(problems: list[Problem]) -> tuple[Problem, ...]:
    """The first problems, and how many more there are."""
    if len(problems) <= MOST_TOLD:
        return tuple(problems)
    more = Problem(path="the file", what=f"has {len(problems) - MOST_TOLD:,} more", mend="is it a trace at all?")
    return (*problems[:MOST_TOLD], more)


def _invalid(source: str, path: str, what: str, mend: str, *, line: int | None = None) -> InvalidSpec:
    return InvalidSpec((Problem(path=path, what=what, mend=mend, line=line),), source=source)
