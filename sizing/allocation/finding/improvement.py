"""A better purchase than any before it, while the search goes on: its cost, what is proved, its plan on request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sizing.allocation.finding.formulation import Formulation
from sizing.optimiser.purchase import Purchase
from sizing.outcome import Sized
from sizing.units import MICRO_USD_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """One of them; several clouds are searched one after the other, so it need not be better than another cloud's."""

    formulation: Formulation
    purchase: Purchase
    sized: Callable[[], Sized]  # works the plan out and verifies it, told as interrupted: when the search is broken off

    @property
    def usd_per_hour(self) -> float:
        """What its machines cost."""
        return (self.purchase.micro_usd_per_hour or 0) / MICRO_USD_PER_USD

    @property
    def rank(self) -> tuple[int, float]:
        """Smaller is better: who is left out, then the objective."""
        objective = self.purchase.objective
        return len(self.purchase.unserved), float("inf") if objective is None else objective
