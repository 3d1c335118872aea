"""What a replica does at one load: the values that serving and queueing answer with."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.estimate import Estimate


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
