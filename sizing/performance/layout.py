"""How one replica of a model is split over accelerators."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Layout:
    """
    Degrees of parallelism of one replica: tp tensor, pp pipeline, dp attention-data parallel, ep expert parallel.

    ep re-uses the tp x dp ranks for the experts, so it does not multiply the accelerators.
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1

    @property
    def accelerators(self) -> int:
        """Accelerators that one replica occupies."""
        return self.tp * self.pp * self.dp

    def __str__(self) -> str:
        """The degrees above one, as the field writes them: TP8, TP4 PP2."""
        parts = [
            f"{n.upper()}{d}" for n, d in (("tp", self.tp), ("pp", self.pp), ("dp", self.dp), ("ep", self.ep)) if d > 1
        ]
        return " ".join(parts) or "TP1"
