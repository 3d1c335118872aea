"""A predicted number that says how wrong it may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Grade(StrEnum):
    """What a prediction rests on."""

    CALIBRATED = "calibrated"  # efficiencies fitted on measurements of this device class
    SPECIFICATION = "specification"  # data-sheet peaks and default efficiencies only


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with an 80 % interval and the grade that it rests on; the field that holds it names the unit."""

    value: float
    low: float
    high: float
    grade: Grade
