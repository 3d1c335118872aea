"""Prefill and decode on separate replicas: what the two pools reach together, and which of them binds.

Source: performance model section 1.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.efficiency import Situation, efficiency
from sizing.performance.forward import costs_of, decode_step, prefill_latency_s, prefill_s
from sizing.performance.memory import memory_budget, sequence_bytes
from sizing.performance.operating_point import OperatingPoint
from sizing.performance.replica import Replica
from sizing.performance.serving import capacity_binding, estimate, sequences_held, step_binding

ITERATIONS = 30  # halvings of the decode share of requests in flight


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Prefill replicas that hand their caches to decode replicas."""

    prefill: Replica
    prefill_replicas: int
    decode: Replica
    decode_replicas: int
    transfer_bytes_per_s: float  # network rate of one accelerator, one direction


def disaggregated_loop(
    pools: Pools, *, input_tokens: float, output_tokens: float, concurrency: float, prefix_hit: float = 0.0
) -> OperatingPoint:
    """
    The pools with *concurrency* requests always in flight, waiting for prefill or decoding.

    With n of them decoding, decode completes n / (O t_decode(n / y)) requests a second and prefill, with the rest,
    at most x / t_prefill of them: n is where both agree. Nothing interferes with decoding.
    """
    share = efficiency(pools.decode.accelerator, pools.decode.engine)
    before = costs_of(pools.prefill, efficiency(pools.prefill.accelerator, pools.prefill.engine))
    after = costs_of(pools.decode, share)
    cached, context = input_tokens * prefix_hit, input_tokens + output_tokens / 2
    fresh = input_tokens - cached
    occupied = prefill_s(before, new_tokens=fresh, cached_tokens=cached)
    servers = pools.prefill_replicas * before.ranks
    others = max(0.0, concurrency / servers - 1)
    alone = (
        before.ttft_floor_s
        + before.clumping * others * occupied
        + prefill_latency_s(before, new_tokens=fresh, cached_tokens=cached)
        + transfer_s(pools, input_tokens)
    )
    held = min(concurrency, pools.decode_replicas * sequences_held(pools.decode, context))

    def tpot(decoding: float) -> float:
        each = max(1.0, decoding / (pools.decode_replicas * after.ranks))
        return decode_step(after, sequences=each, context_tokens=context).total_s

    low, high = 0.0, held
    for _ in range(ITERATIONS):
        decoding = (low + high) / 2
        rate = decoding / (output_tokens * tpot(decoding))
        # requests that must be in prefill to feed this rate; more than there are, or than the pool can feed: too many
        needed = rate * alone
        if rate * occupied > servers or decoding + needed > concurrency:
            high = decoding
        else:
            low = decoding
    decoding = low
    step_s = tpot(decoding)
    rate = decoding / (output_tokens * step_s)
    ttft = max(alone, (concurrency - decoding) / rate)
    prefill_bound = rate * occupied > 0.99 * servers
    memory_bound = decoding > 0.99 * held and held < concurrency
    step = decode_step(
        after, sequences=max(1.0, decoding / (pools.decode_replicas * after.ranks)), context_tokens=context
    )
    binding = step_binding(step)
    if prefill_bound:
        binding = "prefill queue"
    elif memory_bound:
        binding = capacity_binding(pools.decode, held / pools.decode_replicas)
    return OperatingPoint(
        requests_per_s=rate,
        concurrency=concurrency,
        max_concurrency=int(held),
        ttft_mean_s=ttft,
        tpot_mean_s=step_s,
        ttft_p95_s=estimate("ttft", ttft, share, Situation.POOLS),
        tpot_p95_s=estimate("tpot", step_s, share, Situation.POOLS),
        e2e_p95_s=estimate("tpot", ttft + max(0.0, output_tokens - 1) * step_s, share, Situation.POOLS),
        output_tokens_per_s=estimate("throughput", rate * output_tokens, share, Situation.POOLS),
        utilisation=min(1.0, rate * occupied / servers) if prefill_bound else 1.0,
        binding=binding,
    )


def transfer_s(pools: Pools, context_tokens: float) -> float:
    """Seconds to send one request's cache: each prefill accelerator sends its part over its own network port."""
    return sequence_bytes(memory_budget(pools.prefill), context_tokens) / pools.transfer_bytes_per_s
