"""Whether prefill and decode should be apart: the ratio of the pools, the network between them, and what it gains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from sizing.performance.configuration.replica import Replica
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.passes.forward import costs_of, prefill_s
from sizing.performance.serving.operating_point import Excuse, OperatingPoint
from sizing.performance.serving.pool_queueing import HIGHEST_LOAD, PROMPT_POINTS, disaggregated_highest_rate
from sizing.performance.serving.pools import Pools, handed_bytes, transfer_s
from sizing.performance.serving.queueing import highest_rate
from sizing.spec.lengths import quantiles
from sizing.spec.workload import Objectives, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What one replica of each pool carries, and what passes between them."""

    prefill_requests_per_s: float  # of one prefill replica whose queue is stable
    decode_requests_per_s: float  # of one decode replica within the limits of TPOT and memory
    transfer_s: float  # of one mean request's cache
    network_bytes_per_s: float  # that each accelerator of a busy prefill replica sends

    @property
    def prefill_per_decode(self) -> float:
        """Prefill replicas for each decode replica, with both busy: x / y."""
        return self.decode_requests_per_s / self.prefill_requests_per_s

    def replicas(self, requests_per_s: float) -> tuple[int, int]:
        """The fewest prefill and decode replicas that carry a rate."""
        return (
            max(1, ceil(requests_per_s / self.prefill_requests_per_s)),
            max(1, ceil(requests_per_s / self.decode_requests_per_s)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disaggregation:
    """Goodput of pools beside that of mixed replicas, for each accelerator."""

    pools: OperatingPoint | Excuse
    mixed: OperatingPoint | Excuse
    pools_per_accelerator: float  # requests per second within the objectives; 0 where there is an excuse
    mixed_per_accelerator: float

    @property
    def gain(self) -> float:
        """How many times the goodput of mixed replicas the pools have; infinite where only the pools can serve."""
        if self.mixed_per_accelerator == 0:
            return float("inf") if self.pools_per_accelerator > 0 else 0.0
        return self.pools_per_accelerator / self.mixed_per_accelerator

    @property
    def pays(self) -> bool:
        """Whether the pools serve more for the same accelerators."""
        return self.gain > 1


def pool_balance(
    prefill: Replica,
    decode: Replica,
    *,
    traffic: Traffic,
    objectives: Objectives,
    max_context_tokens: int,
    transfer_bytes_per_s: float,
) -> Balance | Excuse:
    """
    The rates at which one replica of each pool is busy.

    A prefill replica reads ranks / t_prefill prompts a second, less what keeps its queue stable. A decode replica is
    given as many prefill replicas as it can use, so that only its own TPOT and memory bound it.
    """
    costs = costs_of(prefill, efficiency_of(prefill))
    lengths = quantiles(traffic.input_tokens, PROMPT_POINTS)
    hit = traffic.prefix_hit
    mean_s = sum(prefill_s(costs, new_tokens=n * (1 - hit), cached_tokens=n * hit) for n in lengths) / PROMPT_POINTS
    fed = HIGHEST_LOAD * costs.ranks / mean_s
    ample = Pools(
        prefill=prefill,
        prefill_replicas=1_000_000,
        decode=decode,
        decode_replicas=1,
        transfer_bytes_per_s=transfer_bytes_per_s,
    )
    of_decode = replace(objectives, ttft_p95_s=None, e2e_p95_s=None)
    best = disaggregated_highest_rate(
        ample, traffic=traffic, objectives=of_decode, max_context_tokens=max_context_tokens
    )
    if isinstance(best, Excuse):
        return best
    return Balance(
        prefill_requests_per_s=fed,
        decode_requests_per_s=best.requests_per_s,
        transfer_s=transfer_s(ample, traffic.input_tokens.mean),
        network_bytes_per_s=fed / costs.ranks * handed_bytes(prefill, traffic.input_tokens.mean),
    )


def disaggregation_of(
    pools: Pools, mixed: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> Disaggregation:
    """
    The goodput of *pools* beside that of equal replicas that do both: does it pay?

    Apart, prompts never stall answers, but each pool rests while the other binds, and caches are sent.
    """
    apart = disaggregated_highest_rate(
        pools, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens
    )
    together = highest_rate(mixed, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens)
    return Disaggregation(
        pools=apart,
        mixed=together,
        pools_per_accelerator=_rate(apart) / pools.accelerators,
        mixed_per_accelerator=_rate(together) / mixed.layout.accelerators,
    )


def best_pools(
    pools: Pools, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int, most_replicas: int = 8
) -> Pools | Excuse:
    """The numbers of prefill and decode replicas, each up to *most_replicas*, with the best goodput an accelerator."""
    found: list[tuple[float, int, Pools]] = []
    excuse: Excuse | None = None
    for x in range(1, most_replicas + 1):
        for y in range(1, most_replicas + 1):
            tried = replace(pools, prefill_replicas=x, decode_replicas=y)
            best = disaggregated_highest_rate(
                tried, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens
            )
            if isinstance(best, Excuse):
                excuse = best
                continue
            found.append((best.requests_per_s / tried.accelerators, -tried.accelerators, tried))
    if not found:
        return excuse or Excuse(metric="requests_per_s", asked=0.0, reached=0.0, text="no number of replicas serves")
    return max(found, key=lambda one: one[:2])[2]


def _rate(found: OperatingPoint | Excuse) -> float:
    return found.requests_per_s if isinstance(found, OperatingPoint) else 0.0
