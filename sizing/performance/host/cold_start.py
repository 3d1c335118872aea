"""The start of a replica on a new machine, by part."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.certainty.estimate import Estimate, Grade

# The rule of compilation, most of a start, gives 195, 240 and 120 s where 195, 145 and 253 s were published (sources in
# `startup`): right within a factor of two in all three. Taken for the whole start as the ends of its 80 % interval.
OFF_BY = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """Seconds of each part, one after the other; joining of the machine itself to the cluster is before all of them."""

    image_s: float  # pull and unpack of the engine's image, where the machine does not have it yet
    bootstrap_s: float  # interpreter, libraries, processes, device contexts
    weights_s: float  # reading of the checkpoint on to the accelerators
    compile_s: float  # compilation, captured graphs, warm-up

    @property
    def ready_s(self) -> float:
        """From the start of the container to the first answer: what a startup probe waits for."""
        return self.bootstrap_s + self.weights_s + self.compile_s

    @property
    def ready(self) -> Estimate:
        """The same with the interval of it."""
        return Estimate(
            value=self.ready_s, low=self.ready_s / OFF_BY, high=self.ready_s * OFF_BY, grade=Grade.SPECIFICATION
        )

    @property
    def total_s(self) -> float:
        """The same with the image pulled first."""
        return self.image_s + self.ready_s
