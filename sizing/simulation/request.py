"""What arrives at a replica, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One prompt and the length of its answer."""

    arrival_s: float
    input_tokens: int  # at least 1
    output_tokens: int  # at least 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that was answered in full."""

    request: Request
    ttft_s: float
    e2e_s: float
    preemptions: int  # times that it lost its cache and was read again

    @property
    def tpot_s(self) -> float | None:
        """(end to end - TTFT) / (output tokens - 1); None where the answer is one token."""
        steps = self.request.output_tokens - 1
        return (self.e2e_s - self.ttft_s) / steps if steps else None
