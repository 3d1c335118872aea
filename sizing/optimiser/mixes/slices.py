"""
Whole slices on given counts: a spread that may split slices, rounded, then mended slice by slice.

A vertex of the routing programme splits no more groups than there are types, so rounding overloads types by few slices
at the most. What is over is moved, or exchanged for less, while that helps; each step is the best of all of its sort.
Where no step helps, a few slices are thrown about and it goes on from there, a fixed number of times, from a fixed
seed. This finds many routings, and proves nothing where it finds none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sizing.optimiser.mixes.loads import Floats, Integers, Loads
from sizing.optimiser.mixes.mix import TOLERANCE

ROOM = float(TOLERANCE) * (1 - 1e-3)  # sums in floating point stay this far within the exact tolerance
HELPS = -1e-12  # share of the price of all types that a step must save, above the noise of sums
SEED = 1
THROWN = 3  # slices at a time: enough to leave a dead end, too few to lose what was found
FIRST = 120  # moves that a second one is tried after


def routed_whole(loads: Loads, counts: Integers, shares: Floats, throws: int, go_on: Callable[[], bool]) -> Integers:
    """
    Slices [groups, types] near *shares*: those that need the cheapest accelerators, *counts* of them if all went well.

    Args:
        loads: What a slice takes of each type.
        counts: Accelerators of each type to do with.
        shares: Of each group's load by type, as it may be split.
        throws: Dead ends after which to give up.
        go_on: Asked at each dead end.
    """
    state = _State(loads, counts, _rounded(loads, counts, shares))
    least, nearest, cheapest = np.inf, state.routed, state.routed
    cost = loads.cost(needed(loads, cheapest))
    random = np.random.default_rng(SEED)
    for throw in range(throws + 1):
        state.mend(thoroughly=throw > 0)
        if (now := loads.cost(needed(loads, state.routed))) < cost:
            cost, cheapest = now, state.routed.copy()
        if state.harm <= 0 or throw == throws or not go_on():
            break
        if state.harm < least:
            least, nearest = state.harm, state.routed.copy()
        state = _State(loads, counts, nearest.copy())
        state.throw(random)
    return cheapest


def needed(loads: Loads, routed: NDArray[np.generic]) -> Integers:
    """As many of each type as what is routed to it takes."""
    return np.ceil(loads.used(routed) - ROOM).astype(np.int64)


def where_cheapest(loads: Loads) -> Integers:
    """All slices of each group on the type that serves it for the least money, bought in fractions."""
    routed = np.zeros(loads.slice_load.shape, dtype=np.int64)
    routed[np.arange(len(loads.slices)), (loads.slice_load * loads.price).argmin(axis=1)] = loads.slices
    return routed


def _rounded(loads: Loads, counts: Integers, shares: Floats) -> Integers:
    """Shares rounded down to slices, and those left over, the largest first, where they fit best."""
    routed = np.floor(shares * loads.slices[:, None] + 1e-9).astype(np.int64)
    left = loads.slices - routed.sum(axis=1)
    for group in np.nonzero(left < 0)[0].tolist():  # shares that the solver gave a hair too much of
        routed[group, int(routed[group].argmax())] += left[group]
    over = loads.used(routed) - counts - ROOM
    smallest = loads.slice_load.min(axis=1)
    for group in sorted(np.nonzero(left > 0)[0].tolist(), key=lambda place: -smallest[place]):
        for _ in range(int(left[group])):
            kind = int(((over + loads.slice_load[group]) * loads.price).argmin())
            routed[group, kind] += 1
            over[kind] += loads.slice_load[group, kind]
    return routed


class _State:
    """Slices as they are routed, and how far each type is over its count."""

    def __init__(self, loads: Loads, counts: Integers, routed: Integers) -> None:
        self.routed = routed
        self._loads = loads
        self._counts = counts
        self._load = np.where(loads.can_serve, loads.slice_load, np.inf)
        self._price = loads.price / loads.price.sum()
        self._over = self._measured()

    @property
    def harm(self) -> float:
        """What is over, by the price of the types that it is on; 0 or less: nothing is."""
        return float((np.maximum(self._over, 0.0) * self._price).sum())

    def mend(self, *, thoroughly: bool) -> None:
        """Go down to where no step helps."""
        while self.harm > 0 and (self._shift() or self._exchange() or (thoroughly and self._pair())):
            self._over = self._measured()

    def throw(self, random: np.random.Generator) -> None:
        """Move a few slices anywhere."""
        for _ in range(THROWN):
            groups, sources = np.nonzero(self.routed)
            place = int(random.integers(len(groups)))
            targets = np.nonzero(np.isfinite(self._load[groups[place]]) & (self._counts > 0))[0]
            if len(targets):
                self._move(int(groups[place]), int(sources[place]), int(random.choice(targets)), 1)
        self._over = self._measured()

    def _measured(self) -> Floats:
        return self._loads.used(self.routed) - self._counts - ROOM

    def _move(self, group: int, source: int, target: int, number: int) -> None:
        self.routed[group, source] -= number
        self.routed[group, target] += number

    def _change(self, kind: int, by: NDArray[np.float64]) -> NDArray[np.float64]:
        """How the harm on one type changes as its load does."""
        now = max(0.0, float(self._over[kind]))
        return np.asarray((np.maximum(self._over[kind] + by, 0.0) - now) * self._price[kind], dtype=np.float64)

    def _shift(self) -> bool:
        """Move slices of one group from a type that has too much to another, where that helps most."""
        best, move = HELPS, None
        for source in np.nonzero(self._over > 0)[0].tolist():
            groups = np.nonzero(self.routed[:, source])[0]
            out, there = self._load[groups, source], self.routed[groups, source]
            enough = np.minimum(there, np.ceil(self._over[source] / out)).astype(np.int64)
            for target in np.nonzero(self._counts)[0].tolist():
                into = self._load[groups, target]
                fits = np.clip(np.floor(-self._over[target] / into), 1, enough).astype(np.int64)
                for number in (enough, fits, np.ones_like(enough)) if target != source else ():
                    change = self._change(source, -number * out) + self._change(target, number * into)
                    place = int(change.argmin())
                    if change[place] < best:
                        best, move = float(change[place]), (int(groups[place]), source, target, int(number[place]))
        if move is not None:
            self._move(*move)
        return move is not None

    def _exchange(self) -> bool:
        """Exchange a slice on a type that has too much for one on another, where that helps most."""
        best, moves = HELPS, None
        for source in np.nonzero(self._over > 0)[0].tolist():
            for target in np.nonzero(self._counts)[0].tolist():
                givers = np.nonzero((self.routed[:, source] > 0) & np.isfinite(self._load[:, target]))[0]
                takers = np.nonzero((self.routed[:, target] > 0) & np.isfinite(self._load[:, source]))[0]
                if target == source or not len(takers) or not len(givers):
                    continue
                here = self._load[takers, source][None, :] - self._load[givers, source][:, None]
                away = self._load[givers, target][:, None] - self._load[takers, target][None, :]
                change = self._change(source, here) + self._change(target, away)
                one, other = divmod(int(change.argmin()), len(takers))
                if change[one, other] < best:
                    best = float(change[one, other])
                    moves = (int(givers[one]), source, target, 1), (int(takers[other]), target, source, 1)
        for move in moves or ():
            self._move(*move)
        return moves is not None

    def _pair(self) -> bool:
        """Two moves of a slice each, the first from a type that has too much, wherever both together help most."""
        group, source, target = self._single_moves()
        shift = np.zeros((len(group), len(self._counts)))
        rows = np.arange(len(group))
        shift[rows, source] -= self._load[group, source]
        shift[rows, target] += self._load[group, target]
        now = self.harm
        harm = (np.maximum(self._over + shift, 0.0) * self._price).sum(axis=1)
        firsts = np.nonzero(self._over[source] > 0)[0]
        firsts = firsts[np.argsort(harm[firsts], kind="stable")[:FIRST]]
        best, pair = HELPS, None
        for first in firsts.tolist():
            change = (np.maximum(self._over + shift[first] + shift, 0.0) * self._price).sum(axis=1) - now
            same = (group == group[first]) & (source == source[first])
            if self.routed[group[first], source[first]] < 2:
                change[same] = np.inf
            second = int(change.argmin())
            if change[second] < best:
                best, pair = float(change[second]), (first, second)
        for place in pair or ():
            self._move(int(group[place]), int(source[place]), int(target[place]), 1)
        return pair is not None

    def _single_moves(self) -> tuple[Integers, Integers, Integers]:
        """Group, source and target of each move of one slice that there is."""
        groups, sources = np.nonzero(self.routed)
        targets = np.nonzero(self._counts)[0]
        group, source = np.repeat(groups, len(targets)), np.repeat(sources, len(targets))
        target = np.tile(targets, len(groups))
        real = (source != target) & np.isfinite(self._load[group, target])
        return group[real], source[real], target[real]
