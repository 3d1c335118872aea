"""How one replica of a model is split over accelerators."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Layout:
    """
    Degrees of parallelism of one replica: tp tensor, pp pipeline, dp attention-data, ep expert, cp context parallel,
    and dcp decode-context parallel.

    Ranks are numbered so that the tensor-parallel ones are neighbours, then those of one context, of one pipeline
    stage, and stages last: the more two ranks say to each other, the nearer they are. ep re-uses the tp x cp x dp ranks
    of a stage for the experts, and dcp the tensor ranks that hold the same keys and values, so that each keeps a part
    of every context in place of a copy: neither multiplies the accelerators.
    """

    tp: int = 1
    pp: int = 1
    dp: int = 1
    ep: int = 1
    cp: int = 1
    dcp: int = 1

    @property
    def accelerators(self) -> int:
        """Accelerators that one replica occupies."""
        return self.stage * self.pp

    @property
    def stage(self) -> int:
        """Accelerators that work on the same layers: one pipeline stage."""
        return self.tp * self.cp * self.dp

    def __str__(self) -> str:
        """The degrees above one, as the field writes them: TP8, TP4 PP2, TP2 CP4."""
        inside, across = (("tp", self.tp), ("dcp", self.dcp)), (("pp", self.pp), ("cp", self.cp))
        degrees = (*inside, *across, ("dp", self.dp), ("ep", self.ep))
        return " ".join(f"{name.upper()}{degree}" for name, degree in degrees if degree > 1) or "TP1"
