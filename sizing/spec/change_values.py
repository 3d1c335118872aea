"""Values that are tried in place of what a spec says: `40`, `*1.2`, `none`, `a+b`, and several in turn: `5..100`.

Knows no spec: what a value is put in the place of, `sizing.spec.changes` says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sizing.figures import figure, plural

DEFAULT_STEPS = 9  # of a range: enough to see a curve, few enough to wait for
MOST_STEPS = 200
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"(\*?)({_NUMBER})\.\.\*?({_NUMBER})(?:/([0-9]+))?")
_WORDS = {"none": None, "null": None, "true": True, "false": False}
_DIGITS = 3  # of a step between the ends of a range


class WrongValueError(ValueError):
    """A value that cannot be read: what is wrong, and the mend."""

    def __init__(self, what: str, mend: str) -> None:
        """Tell *what* is wrong, and the *mend*."""
        self.what, self.mend = what, mend
        super().__init__(f"{what}: {mend}")


@dataclass(frozen=True, slots=True)
class Times:
    """So many times what is written."""

    factor: float

    def __str__(self) -> str:
        """As it is asked for: *1.2."""
        return f"*{self.factor:g}"


Value: TypeAlias = str | int | float | bool | tuple[str, ...] | Times | None


def values_of(text: str) -> tuple[Value, ...]:
    """
    The values in *text*, in the order to try them: parts between commas, each one value or a range.

    A range `a..b` has nine values, its ends among them, `a..b/n` has n; those between are rounded to three digits.

    Raises:
        WrongValueError: If a part is empty, no range, or no factor.
    """
    found: list[Value] = []
    for part in text.split(","):
        found += _range(part.strip())
    return tuple(dict.fromkeys(found))


def value_text(value: Value) -> str:
    """A value as a person writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return figure(value) if abs(value) < 1000 else f"{value:g}"
    return "+".join(value) if isinstance(value, tuple) else str(value)


def _range(part: str) -> Sequence[Value]:
    if not part:
        raise WrongValueError("has an empty value", "write the values between commas, without a comma at the end")
    found = _RANGE.fullmatch(part)
    if found is None:
        if ".." in part:
            raise WrongValueError(f"has {part}, which is no range", "write 5..100, or 5..100/20 for twenty values")
        return [_one(part)]
    times, low, high = found[1], _number(found[2]), _number(found[3])
    steps = int(found[4] or DEFAULT_STEPS)
    if not 2 <= steps <= MOST_STEPS:
        raise WrongValueError(
            f"asks for {plural(steps, 'value')} from {low:g} to {high:g}", f"ask for 2 to {MOST_STEPS}"
        )
    numbers = [_between(low, high, at / (steps - 1)) for at in range(steps)]
    return [Times(number) if times else number for number in numbers]


def _between(low: float, high: float, share: float) -> float:
    """The ends as they are, what is between them rounded."""
    if share in {0, 1}:
        return high if share else low
    number = low + (high - low) * share
    rounded = float(f"{number:.{_DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded


def _one(text: str) -> Value:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(_NUMBER, text):
        return _number(text)
    if text.startswith("*"):
        return _times(text)
    return tuple(text.split("+")) if "+" in text else text


def _times(text: str) -> Times:
    factor = _number(text[1:]) if re.fullmatch(_NUMBER, text[1:]) else math.nan
    if not 0 <= factor < math.inf:
        raise WrongValueError(f"is {text}, which is no factor", "write *1.2 for a fifth more than what is written")
    return Times(factor)


def _number(text: str) -> float:
    return float(text) if set(text) & set(".eE") else int(text)
