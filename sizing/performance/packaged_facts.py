"""The packaged facts of this package, and their values as the kinds that they must have."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def packaged_facts(name: str) -> dict[str, Any]:
    """The document `facts/NAME.json`; read once, and not to be changed."""
    text = files("sizing.performance").joinpath(f"facts/{name}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def as_list(value: object) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise TypeError(f"facts: {value!r} is not a list")
    return value


def as_rows(value: object) -> list[dict[str, object]]:
    """A list of tables."""
    return [as_table(row) for row in as_list(value)]


def as_table(value: object) -> dict[str, Any]:
    """A table by name."""
    if not isinstance(value, dict):
        raise TypeError(f"facts: {value!r} is not a table")
    return value


def as_names(value: object) -> tuple[str, ...]:
    """A list of names; none where there is no list."""
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def as_number(value: object) -> float:
    """A number."""
    if not isinstance(value, int | float):
        raise TypeError(f"facts: {value!r} is not a number")
    return float(value)
