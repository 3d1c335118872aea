"""The largest value at which no more is taken than there is: what bisection finds, with half as many trials."""

from __future__ import annotations

from collections.abc import Callable
from math import log

RELATIVE_STEP = 1e-4  # of the bracket at which bisection stops: far finer than the model
MOST_AIMED = 12  # values that a power law aims at before bisection goes on alone; most searches end after six
BEYOND = 0.25  # of the last bracket that is aimed beyond the crossing, so that the next value comes from its other side
LEAST_POWER = 0.1  # of a law that is worth following


def largest(taken: Callable[[float], float], low: float, high: float) -> float:
    """
    The largest value between *low* and *high* that bisection finds to take at most 1 of what there is, as *low* does.

    More is *taken* at each larger value, so whatever lies beyond one that was tried needs no trial. What is tried is,
    until little is unknown, where the power law through the last two trials reaches 1, and a little beyond it.
    """
    last = (high, taken(high))
    if last[1] <= 1:
        return high
    before, kept, missed, aims = (last[0] / 2, last[1] / 2), low, high, MOST_AIMED
    step = RELATIVE_STEP * high
    while high - low > (bracket := min(step, RELATIVE_STEP * high)):
        middle = (low + high) / 2
        if middle <= kept:
            low = middle
        elif middle >= missed:
            high = middle
        else:
            aim = _crossing(before, last) + (-BEYOND if last[1] > 1 else BEYOND) * bracket
            is_aimed = kept < aim < missed and missed - kept > 2 * bracket and aims > 0
            value, aims = aim if is_aimed else middle, aims - 1
            before, last = last, (value, taken(value))
            kept, missed = (value, missed) if last[1] <= 1 else (kept, value)
    return low


def _crossing(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Where the power law through two points (value, what it takes) takes all; 0 where there is hardly a law."""
    if one[0] == other[0] or min(one[1], other[1]) <= 0:
        return 0.0
    power = log(other[1] / one[1]) / log(other[0] / one[0])
    return float(other[0] * other[1] ** (-1 / power)) if power > LEAST_POWER else 0.0
