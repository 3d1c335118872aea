"""Cells of the tables: text in, numbers in base units or None out; blank is unknown, never zero."""

from __future__ import annotations

import re
from collections.abc import Mapping

Row = Mapping[str, str]
Fact = dict[str, object]
DAY = re.compile(r"20\d\d(?:-H\d|-(?:0[1-9]|1[0-2])(?!\d)(?:-\d\d)?)?")


def split(text: str) -> list[str]:
    """The parts of a cell, which a bar separates."""
    return [part.strip() for part in text.split("|") if part.strip()]


def texts(value: object) -> list[str]:
    """The items of a list as texts; none of anything else."""
    return [str(item) for item in value] if isinstance(value, list) else []


def number(text: str, scale: float = 1) -> float | None:
    """The number in a cell, times *scale*; None where it is blank."""
    return float(text) * scale if text.strip() else None


def whole(text: str, scale: float = 1) -> int | None:
    """The same, as a whole number."""
    return round(float(text) * scale) if text.strip() else None


def dated(row: Row, names: Mapping[str, str]) -> Fact:
    """Source and date, and which of our fields no source confirms (*names*: column to field)."""
    cells = set(split(row["memory_sourced_cells"]))
    every = bool(cells & {"all", "all but class"})
    unverified: list[str] = sorted({field for column, field in names.items() if every or column in cells})
    return {"source": row["source"], "as_of": date(row["as_of"]), "unverified": unverified}


def date(text: str) -> str:
    """The oldest date that a text names, as far as it goes: 2026-07-20, 2026-07, 2026-H2, 2026; or undated."""
    return min(DAY.findall(text), default="undated")
