"""What a replica does at one load: the values that serving and queueing answer with."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.certainty.estimate import Estimate
from sizing.performance.serving.tails import Percentiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """How latencies are spread over requests that arrive at random."""

    ttft: Percentiles
    tpot: Percentiles
    e2e: Percentiles
    gap_p99_s: float  # between two tokens of an answer, over all of them: prompts in the same pass delay some


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """
    One replica under one load.

    TPOT of a request is (end-to-end - TTFT) / (output tokens - 1). Percentiles are over requests; *_mean_s is the mean.
    """

    requests_per_s: float
    concurrency: float  # mean requests in flight: waiting for their first token, or decoding
    max_concurrency: int  # that must be allowed in flight (`--max-num-seqs`): the 95th percentile, within memory
    ttft_mean_s: float
    tpot_mean_s: float
    ttft_p95_s: Estimate
    tpot_p95_s: Estimate
    e2e_p95_s: Estimate
    output_tokens_per_s: Estimate
    utilisation: float  # share of the time or of the memory that binds, 0 to 1
    binding: str  # HBM bandwidth, compute, collectives, overhead, HBM capacity, prefill queue, sequence limit
    latencies: Latencies | None = None  # None: lengths and load are constant, or nobody asked

    @property
    def output_tokens(self) -> float:
        """Mean length of an answer."""
        return self.output_tokens_per_s.value / self.requests_per_s

    @property
    def e2e_mean_s(self) -> float:
        """From arrival to last token in the mean."""
        return self.ttft_mean_s + max(0.0, self.output_tokens - 1) * self.tpot_mean_s

    @property
    def e2e_per_token_s(self) -> float:
        """The other definition of time per output token: end to end over all tokens, the first one's wait included."""
        return self.e2e_mean_s / self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Overloaded:
    """A load that the replica cannot carry: queues grow without end."""

    requests_per_s: float  # asked
    highest_requests_per_s: float  # that it could carry, whatever the latency
    binding: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """Why a replica cannot serve: the first requirement that it misses however little arrives."""

    metric: str  # hbm_bytes, kv_tokens, ttft_p95_s, tpot_p95_s, e2e_p95_s
    asked: float
    reached: float
    text: str  # TPOT p95 61 ms > 40 ms even at one request in flight
