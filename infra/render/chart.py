"""A chart as values: what is drawn, in its own units; how it is drawn, as SVG or PNG, others say."""

from __future__ import annotations

import math
from dataclasses import dataclass

MOST_TICKS = 7
_STEPS = (1, 2, 2.5, 5, 10)  # of a scale that is read without reckoning


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point."""

    x: float
    y: float
    label: str  # all that is to be said of it
    group: str  # points of one group have one colour: what is bought
    is_beaten: bool = False  # by a point of a front


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points that belong together, in the order of x; where there is none, the line is broken."""

    name: str  # empty where there is one line
    marks: tuple[Mark | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over one scale, y from nought."""

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    x_names: tuple[str, ...] = ()  # of 0, 1, 2, ... where what is tried is no number
    is_front: bool = False  # between two points the dearer one holds, until the cheaper is allowed

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All points."""
        return tuple(mark for line in self.lines for mark in line.marks if mark is not None)

    @property
    def groups(self) -> tuple[str, ...]:
        """What points are told apart by, in the order of first use."""
        return tuple(dict.fromkeys(mark.group for mark in self.marks))


def ticks(low: float, high: float) -> tuple[float, ...]:
    """At most seven round numbers from at or below *low* to at or above *high*, equally far apart."""
    if not low < high:
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    rough = (high - low) / (MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (*_STEPS, 20):
        step = factor * power
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < MOST_TICKS:
            break
    return tuple(round(number * step, 12) for number in range(first, last + 1))
