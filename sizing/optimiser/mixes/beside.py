"""CP-SAT at work on whole slices from the start, in a thread of its own, while the rest goes on in this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from ortools.util.python.solve_interrupter import SolveInterrupter

from sizing.optimiser.mixes.integers import cheapest_in_integers, fits_integers
from sizing.optimiser.mixes.loads import Integers, Loads, reduced
from sizing.optimiser.mixes.mix import Mix
from sizing.optimiser.mixes.models import Found, Search, floor
from sizing.optimiser.mixes.slices import needed, where_cheapest

SecondsLeft = Callable[[], float]


class Beside:
    """A search that needs no answer under free routing, and ends when it has a proof, or this thread has."""

    def __init__(self, mix: Mix, seconds_left: SecondsLeft) -> None:
        """Begin; *seconds_left* says for how long."""
        self.proved = SolveInterrupter()
        self._threads = ThreadPoolExecutor(max_workers=1)
        self._found: Future[Found] = self._threads.submit(self._search, mix, seconds_left)

    def found(self) -> Found:
        """What it ended with, when it has."""
        return self._found.result()

    def until_proved(self, seconds_left: SecondsLeft) -> SecondsLeft:
        """A clock that says that none are left once there is a proof."""
        return lambda: 0.0 if self.proved.interrupted else seconds_left()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the thread."""
        self.proved.interrupt()
        self._threads.shutdown()

    def _search(self, mix: Mix, seconds_left: SecondsLeft) -> Found:
        nothing = Found(counts=None, routed=None, bound=0, is_settled=False)
        if not mix.accelerators_for_bucket or not all(mix.accelerators_for_bucket):
            return nothing
        loads = reduced(mix, whole_slices=True)
        most = loads.cost(needed(loads, where_cheapest(loads)))
        if not fits_integers(loads, most):
            return nothing
        search = Search(floor=floor(loads), ceiling=most, seconds=seconds_left(), interrupter=self.proved)
        found = cheapest_in_integers(loads, search, by_relaxation=True)
        is_served = found.counts is not None and found.routed is not None and _serve(loads, found.counts, found.routed)
        if found.is_settled and is_served:
            self.proved.interrupt()
        return found


def _serve(loads: Loads, counts: Integers, routed: NDArray[np.generic]) -> bool:
    """Whether the counts carry what is routed, to the tolerance and not only to CP-SAT's parts."""
    return bool((needed(loads, routed) <= counts).all())


def go_on(seconds_left: SecondsLeft | None) -> bool:
    """Whether any are left."""
    return seconds_left is None or seconds_left() > 0
