"""
Counts near a given one whose cost lies in a narrow window: many, where nearly all types are worth their price.

Types are put in two halves, every step of each within a box is written down with its cost, and steps that go together
are found by their cost: as many pairs are weighed as the product of the two, and only those in the window are made.
"""

from __future__ import annotations

import numpy as np

from sizing.optimiser.mixes.loads import Floats, Integers, Loads

STEPS = 20_000  # of each half
MOST = 20_000  # counts that are made


def within(loads: Loads, centre: Floats, low: float, high: float) -> Integers:
    """
    Counts near *centre* that cost at least *low* and less than *high*, in units of money.

    Where there are too many, the window is halved from above; where types are too many for a step of each, there are
    none.
    """
    types = len(loads.kinds)
    nearest = np.rint(centre).astype(np.int64)
    order = np.argsort(loads.price, kind="stable")
    one, other = _steps(order[0::2], nearest), _steps(order[1::2], nearest)
    if not len(one) or not len(other):
        return np.zeros((0, types), dtype=np.int64)
    one_cost, other_cost = one @ loads.price, other @ loads.price
    rank = np.argsort(other_cost, kind="stable")
    sorted_cost = other_cost[rank]
    start = float(nearest @ loads.price)
    first = np.searchsorted(sorted_cost, low - 0.5 - start - one_cost)
    while True:
        after = np.searchsorted(sorted_cost, high - 0.5 - start - one_cost)
        number = np.maximum(0, after - first)
        if number.sum() <= MOST or high - low <= 1:
            break
        high = low + max(1.0, (high - low) / 2)
    number = np.minimum(number, np.maximum(0, MOST - (np.cumsum(number) - number)))
    left = np.repeat(np.arange(len(one)), number)
    place = np.arange(len(left)) - np.repeat(np.cumsum(number) - number, number) + np.repeat(first, number)
    return np.asarray(nearest + one[left] + other[rank[place]], dtype=np.int64)


def _steps(types: Integers, nearest: Integers) -> Integers:
    """Every step of some types, up to as many of each as fit in the number of steps, none below zero."""
    reach = 0
    while len(types) and (2 * reach + 3) ** len(types) <= STEPS:
        reach += 1
    if len(types) and not reach:
        return np.zeros((0, len(nearest)), dtype=np.int64)
    axes = [np.arange(max(-reach, -int(nearest[kind])), reach + 1) for kind in types]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(types)) if axes else np.zeros((1, 0))
    steps = np.zeros((len(grid), len(nearest)), dtype=np.int64)
    steps[:, types] = grid
    return steps
