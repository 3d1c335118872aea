"""
The mix of accelerators that serves a load for the least money, under either rule of routing, with the proof.

- Free routing: a bucket's load may be split at any fraction. SCIP looks for counts; GLOP spreads the load over them.
- Whole slices: the load of a bucket is cut into equal slices, each served by one type. Equal slices are
  interchangeable, so they are counted, not named. Free routing is never dearer, so its counts are a bound: where whole
  slices can be routed on them, they are the answer. Where not, counts and slices are looked for together: slices are
  mended on counts nearby, and CP-SAT branches in two ways; where slices are too many for it, SCIP does.

Every answer carries its routes and has passed `overloads`, which adds up the load in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations_with_replacement
from math import ceil

import numpy as np
from numpy.typing import NDArray

from sizing.optimiser.mixes.beside import Beside, SecondsLeft, go_on
from sizing.optimiser.mixes.integers import cheapest_in_integers, fits_integers
from sizing.optimiser.mixes.loads import Floats, Integers, Loads, reduced
from sizing.optimiser.mixes.mix import Mix, MixAnswer, overloads
from sizing.optimiser.mixes.models import EPSILON, Cut, Found, Routing, Search, Spread, cheapest, floor
from sizing.optimiser.mixes.nearby import within
from sizing.optimiser.mixes.slices import needed, routed_whole, where_cheapest
from sizing.optimiser.status import SolverStatus

NODES = (150, 100_000)  # without cutting planes, then with them: most cases end in the first few
CUTS = 50  # counts that turn out not to serve the load; solvers' tolerances make a few at the most
THROWS = (4, 16, 60)  # dead ends of mending: the first before the first of those searches, then the others
FIRST_SHARE = 0.4  # of the seconds left, at most, that the first search takes
LAST_SHARE = 0.8  # that the second takes: SCIP looks at its clock seldom
RELAXATION_SHARE = 0.25  # that CP-SAT takes where its branches follow the relaxation
CP_SAT_SHARE = 0.97  # that it takes otherwise
MENDING_SHARE = 0.4  # that mending takes before CP-SAT
WORK = 1.0  # of CP-SAT where there is no clock, in its own measure: about so many seconds
NOISE = 1e-9  # of sums in floating point
FEW_TYPES = 8  # of so many, three at a time are added and taken away; of more, two
LOOKS = 80  # counts that the load is spread over before SCIP goes on
LOOKED_AT = (24, 6)  # counts of about the same cost, where slices may split and where not, of which
ALIKE = 3  # are tried before dearer ones


def least_cost(
    mix: Mix,
    *,
    whole_slices: bool,
    free: MixAnswer | None = None,
    beside: Beside | None = None,
    seconds_left: SecondsLeft | None = None,
) -> MixAnswer:
    """
    The counts of least cost, with the bound that was proved.

    Args:
        mix: What is served.
        whole_slices: Whether a slice goes to one type; otherwise a bucket's load may be split at any fraction.
        free: The answer under free routing, where it is known: it bounds that of whole slices.
        beside: CP-SAT at work on the whole slices in a thread of its own; without it, it is asked in turn.
        seconds_left: Ends the search with the best answer so far when it says that none are. Without it the search
            ends by what it has counted, always the same.
    """
    if not all(mix.accelerators_for_bucket):
        return MixAnswer(status=SolverStatus.INFEASIBLE)
    if not mix.accelerators_for_bucket:
        return _nothing(mix)
    if not whole_slices:
        return _free(mix, seconds_left)
    return _whole(mix, free if free is not None else _free(mix, seconds_left), beside, seconds_left)


def freed(free: MixAnswer, whole: MixAnswer) -> MixAnswer:
    """The better of two as an answer under free routing, which whole slices are a case of."""
    if free.cost is None or whole.cost is None or free.bound is None or whole.cost >= free.cost:
        return free
    status = SolverStatus.OPTIMAL if free.bound >= whole.cost else SolverStatus.FEASIBLE
    return replace(whole, status=status, bound=free.bound)


def _nothing(mix: Mix) -> MixAnswer:
    """No load needs no accelerator."""
    counts = dict.fromkeys(mix.usd_per_hour, 0)
    return MixAnswer(status=SolverStatus.OPTIMAL, cost=0.0, bound=0.0, counts=counts, routes=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Best:
    """The best counts so far, and what is proved."""

    counts: Integers
    routed: NDArray[np.generic]
    bound: int


def _free(mix: Mix, seconds_left: SecondsLeft | None) -> MixAnswer:
    loads = reduced(mix, whole_slices=False)
    routed = where_cheapest(loads)
    best = _Best(counts=needed(loads, routed), routed=routed, bound=floor(loads))
    near = _Near(mix, loads, seconds_left)
    start = best.counts
    for nodes in NODES:
        while len(near.cuts) < CUTS and best.bound < loads.cost(best.counts) and go_on(seconds_left):
            found = cheapest(loads, replace(_search_nodes(loads, best, seconds_left, nodes), cuts=near.cuts))
            best = replace(best, bound=found.bound)
            known = len(near.cuts)
            if found.counts is not None:
                best, start = near.tried(best, found.counts, 0), found.counts
            if len(near.cuts) == known:
                break
        best = near.bisected(best, start, 0)
    return _answer(mix, loads, best)


def _whole(mix: Mix, free: MixAnswer, beside: Beside | None, seconds_left: SecondsLeft | None) -> MixAnswer:
    if free.counts is None or free.bound is None:
        raise ValueError(f"{mix.name}: no answer under free routing")
    loads = reduced(mix, whole_slices=True)
    bound = ceil(Fraction(repr(free.bound)) / loads.unit_usd - Fraction(1, 1000))
    routed = where_cheapest(loads)
    best = _Best(counts=needed(loads, routed), routed=routed, bound=bound)
    left = seconds_left if beside is None or seconds_left is None else beside.until_proved(seconds_left)
    near = _Near(mix, loads, left)
    start = np.array([free.counts[kind] for kind in loads.kinds], dtype=np.int64)
    best = near.tried(best, start, THROWS[0])
    if fits_integers(loads, loads.cost(best.counts)):
        best = _few_slices(near, best, start, beside)
    else:
        best = _many_slices(near, best, start)
    return _answer(mix, loads, best)


def _few_slices(near: _Near, best: _Best, start: Integers, beside: Beside | None) -> _Best:
    """What mending finds, then CP-SAT in either way below what that costs, with what it has found from the start."""
    loads, left = near.loads, near.seconds_left
    if best.bound < loads.cost(best.counts):
        near.seconds_left = None if left is None else _part(left, MENDING_SHARE)
        best = near.bisected(best, start, THROWS[0])
    for by_relaxation, share in ((True, RELAXATION_SHARE), (False, CP_SAT_SHARE)):
        if best.bound < loads.cost(best.counts) and go_on(left):
            search = _search(loads, best, left, share)
            if beside is not None:
                search = replace(search, interrupter=beside.proved)
            best = _taken(near, best, cheapest_in_integers(loads, search, by_relaxation=by_relaxation))
    if beside is None:
        return best
    if best.bound >= loads.cost(best.counts):
        beside.proved.interrupt()
    return _taken(near, best, beside.found())


def _many_slices(near: _Near, best: _Best, start: Integers) -> _Best:
    """What mending and SCIP find in turn."""
    loads = near.loads
    for throws, nodes in zip((THROWS[:1], THROWS[1:]), NODES, strict=True):
        for number in throws:
            best = near.bisected(best, start, number)
        if best.bound >= loads.cost(best.counts) or not go_on(near.seconds_left):
            break
        best = _taken(near, best, cheapest(loads, _search_nodes(loads, best, near.seconds_left, nodes)))
    return best


def _taken(near: _Near, best: _Best, found: Found) -> _Best:
    """The better of two, with the better of what was proved for each."""
    best = replace(best, bound=max(best.bound, found.bound))
    return best if found.routed is None else _better(near.mix, near.loads, best, found.routed)


class _Near:
    """Whole slices on counts near some that are known: rounded and mended."""

    def __init__(self, mix: Mix, loads: Loads, seconds_left: SecondsLeft | None) -> None:
        """Write the routing programme once; it is solved again for each counts."""
        self.mix = mix
        self.loads = loads
        self.seconds_left = seconds_left
        self._routing = Routing(loads, _typical_slice(loads))
        self._vertex = loads.used(where_cheapest(loads))
        self.cuts: list[Cut] = []
        self._spreads: dict[bytes, Spread | None] = {}

    def tried(self, best: _Best, counts: Integers, throws: int) -> _Best:
        """The better of *best* and what comes of looking for a routing on *counts*."""
        spread = self._spread(counts)
        if spread is None:
            return best
        if not self.loads.whole:
            return _better(self.mix, self.loads, best, spread.shares)
        routed = routed_whole(self.loads, counts, spread.shares, throws, lambda: go_on(self.seconds_left))
        return _better(self.mix, self.loads, best, routed)

    def bisected(self, best: _Best, start: Integers, throws: int) -> _Best:
        """The best of counts near *start* and near the best, found as if whatever costs more were easier."""
        counts, cost = self._between(best, start)
        low, looked = 0, len(self._spreads)
        while low < (high := int(np.searchsorted(cost, self.loads.cost(best.counts)))) and go_on(self.seconds_left):
            if len(self._spreads) - looked > LOOKS:
                break
            first = low  # where slices may split, the cheapest are tried first: one that fails costs little
            if self.loads.whole:
                halfway = (cost[low] + self.loads.cost(best.counts)) / 2
                first = max(low, int(np.searchsorted(cost, cost[min(high - 1, int(np.searchsorted(cost, halfway)))])))
            after = max(min(high, first + max(LOOKED_AT)), int(np.searchsorted(cost, cost[first], side="right")))
            before = best
            for one in self._roomiest(counts[first:after]):
                best = self.tried(best, one, throws)
                if best is not before:
                    break
            else:
                low = after
        return best

    def _spread(self, counts: Integers) -> Spread | None:
        """How the load is best spread over *counts*; None where it is too much for them."""
        key = counts.tobytes()
        if key not in self._spreads:
            self._spreads[key] = None
            if any(cut.refuses(counts) for cut in self.cuts):
                return None
            spread = self._routing.spread(counts)
            if spread is not None and (cut := _cut(self.loads, spread)).refuses(counts):
                self.cuts.append(cut)
            else:
                self._spreads[key] = spread
        return self._spreads[key]

    def _roomiest(self, counts: Integers) -> list[Integers]:
        """Those of *counts* that leave most room when the load is spread, few of them; one where slices may split."""
        for cut in self.cuts:
            counts = counts[counts @ cut.worth >= cut.least]
        counts = counts[np.argsort(np.abs(counts - self._vertex).sum(axis=1), kind="stable")]
        rooms: list[tuple[float, int, Integers]] = []
        for looked in range(LOOKED_AT[self.loads.whole]):
            if not len(counts) or not go_on(self.seconds_left):
                break
            known = len(self.cuts)
            if (spread := self._spread(counts[0])) is not None:
                rooms.append((-spread.room, looked, counts[0]))
                if not self.loads.whole:
                    break
            counts = counts[1:]
            for cut in self.cuts[known:]:
                counts = counts[counts @ cut.worth >= cut.least]
        return [one for _, _, one in sorted(rooms, key=lambda room: room[:2])[:ALIKE]]

    def _between(self, best: _Best, start: Integers) -> tuple[Integers, Floats]:
        """Counts a few steps away that cost no less than is proved and less than the best, the cheapest first."""
        types = len(self.loads.kinds)
        one = np.eye(types, dtype=np.int64)
        around = []
        for centre in (start, best.counts):
            steps = 3 if types <= FEW_TYPES else 2
            more, fewer = _up_to(steps, one), _up_to(steps, one[centre > 0])
            around.append((centre + more[:, None] - fewer[None, :]).reshape(-1, types))
        around.append(within(self.loads, self._vertex, best.bound, self.loads.cost(best.counts)))
        counts = np.concatenate(around)
        cost = counts @ self.loads.price
        inside = (counts.min(axis=1) >= 0) & (cost >= best.bound - 0.5) & (cost < self.loads.cost(best.counts) - 0.5)
        counts, cost = counts[inside], cost[inside]
        if len(counts):
            counts, first = np.unique(counts, axis=0, return_index=True)
            cost = cost[first]
        order = np.argsort(cost, kind="stable")
        return counts[order], cost[order]


def _up_to(number: int, steps: Integers) -> Integers:
    """Every sum of at most *number* steps."""
    sums = [np.zeros(steps.shape[1], dtype=np.int64)]
    for several in range(1, number + 1):
        sums += [np.sum(some, axis=0) for some in combinations_with_replacement(steps, several)]
    return np.array(sums)


def _better(mix: Mix, loads: Loads, best: _Best, routed: NDArray[np.generic]) -> _Best:
    """What is routed, with as many of each type as it needs, if that costs less and truly serves the load."""
    counts = needed(loads, routed)
    if loads.cost(counts) >= loads.cost(best.counts):
        return best
    candidate = replace(best, counts=counts, routed=routed)
    return best if overloads(mix, _answer(mix, loads, candidate), whole_slices=loads.whole) else candidate


def _search(loads: Loads, best: _Best, seconds_left: SecondsLeft | None, share: float) -> Search:
    """For anything cheaper than the best."""
    return Search(
        floor=best.bound,
        ceiling=loads.cost(best.counts) - 1,
        work=WORK,
        seconds=None if seconds_left is None else seconds_left() * share,
    )


def _search_nodes(loads: Loads, best: _Best, seconds_left: SecondsLeft | None, nodes: int) -> Search:
    """The same, for SCIP, in so many nodes."""
    thorough = nodes != NODES[0]
    search = _search(loads, best, seconds_left, LAST_SHARE if thorough else FIRST_SHARE)
    return replace(search, nodes=nodes, thorough=thorough)


def _part(seconds_left: SecondsLeft, share: float) -> SecondsLeft:
    """A clock that says that none are left when this share of them is over."""
    rest = seconds_left() * (1 - share)
    return lambda: seconds_left() - rest


def _cut(loads: Loads, spread: Spread) -> Cut:
    """What the counts that could not be spread are refused by, and others with them."""
    load = np.where(loads.can_serve, loads.group_load, 1.0) * np.where(loads.can_serve, spread.worth, np.inf)
    return Cut(worth=spread.worth, least=float(load.min(axis=1).sum()) - EPSILON * float(spread.worth.sum()) - NOISE)


def _typical_slice(loads: Loads) -> Floats:
    """The median of what a slice takes of each type; where a type serves nothing, that of all."""
    served = loads.slice_load[loads.can_serve]
    columns = zip(loads.slice_load.T, loads.can_serve.T, strict=True)
    return np.array([np.median(load[serves] if serves.any() else served) for load, serves in columns])


def _answer(mix: Mix, loads: Loads, best: _Best) -> MixAnswer:
    counts = dict.fromkeys(mix.usd_per_hour, 0)
    counts.update(zip(loads.kinds, best.counts.tolist(), strict=True))
    cost = loads.cost(best.counts)
    return MixAnswer(
        status=SolverStatus.OPTIMAL if best.bound >= cost else SolverStatus.FEASIBLE,
        cost=float(cost * loads.unit_usd),
        bound=float(min(best.bound, cost) * loads.unit_usd),
        counts=counts,
        routes=loads.shares(best.routed, mix),
    )
