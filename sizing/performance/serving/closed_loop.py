"""A replica at a fixed number of requests in flight: closed loop, saturated, whole batches, a single stream.

Lengths are exact here; `queueing` serves random arrivals and lengths. Source: performance model section 1.8.
"""

from __future__ import annotations

from dataclasses import dataclass

from sizing.performance.certainty.estimate import Estimate
from sizing.performance.configuration.replica import Replica
from sizing.performance.memory.budget import max_sequences, memory_budget
from sizing.performance.passes.efficiency import Efficiency, Situation, efficiency_of
from sizing.performance.passes.forward import (
    Costs,
    PassTime,
    costs_of,
    decode_step,
    ended_each_step,
    prefill_latency_s,
    prompts_s,
    prompts_together,
)
from sizing.performance.passes.pipeline import stalled_stages
from sizing.performance.serving.operating_point import OperatingPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Steady state of a closed loop, before intervals: seconds and requests per second of the whole replica."""

    sequences: float  # decoded together per rank
    requests_per_s: float
    ttft_s: float
    tpot_s: float
    prefill_s: float  # of one request, among those it shares a pass with
    step: PassTime


def closed_loop(
    replica: Replica,
    *,
    input_tokens: float,
    output_tokens: float,
    concurrency: float,
    prefix_hit: float = 0.0,
    situation: Situation = Situation.LOOP,
) -> OperatingPoint:
    """
    The replica with *concurrency* requests always in flight, each *input_tokens* long, answering *output_tokens*.

    More requests than memory or the sequence limit hold wait their turn: throughput stays, TTFT grows. Lengths and load
    are constant, so the 95th percentiles are the means.

    Args:
        replica: Must fit (see `memory_budget`); one that does not is taken to hold one sequence.
        input_tokens: Prompt length, of which the share *prefix_hit* is found in the cache.
        output_tokens: Answer length, at least 1.
        concurrency: Requests in flight over all attention-data-parallel ranks.
        prefix_hit: Share of prompt tokens that need no prefill, 0 to 1.
        situation: Whose measured errors make the interval.
    """
    share = efficiency_of(replica)
    held = min(concurrency, sequences_held(replica, input_tokens + output_tokens / 2))
    loop = loop_of(
        costs_of(replica, share),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=held,
        prefix_hit=prefix_hit,
    )
    waiting_s = max(0.0, concurrency - held) / loop.requests_per_s  # Little's law over those not admitted
    ttft = loop.ttft_s + waiting_s
    return OperatingPoint(
        requests_per_s=loop.requests_per_s,
        concurrency=concurrency,
        max_concurrency=int(held),
        ttft_mean_s=ttft,
        tpot_mean_s=loop.tpot_s,
        ttft_p95_s=estimate("ttft", ttft, share, situation),
        tpot_p95_s=estimate("tpot", loop.tpot_s, share, situation),
        e2e_p95_s=estimate("tpot", ttft + max(0.0, output_tokens - 1) * loop.tpot_s, share, situation),
        output_tokens_per_s=estimate("throughput", loop.requests_per_s * output_tokens, share, situation),
        utilisation=1.0,
        binding=capacity_binding(replica, held) if concurrency > held else step_binding(loop.step),
    )


def saturated(replica: Replica, *, input_tokens: float, output_tokens: float) -> OperatingPoint:
    """The replica with more requests queued than it can hold: its highest throughput."""
    held = sequences_held(replica, input_tokens + output_tokens / 2)
    return closed_loop(
        replica,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=held,
        situation=Situation.SATURATED,
    )


def sequences_held(replica: Replica, context_tokens: float) -> int:
    """Requests that the replica decodes at once: what memory holds and the engine's sequence limit, at least one."""
    in_memory = max_sequences(memory_budget(replica), context_tokens)
    return max(1, min(in_memory, replica.max_num_seqs * replica.layout.dp))


def loop_of(
    costs: Costs, *, input_tokens: float, output_tokens: float, concurrency: float, prefix_hit: float = 0.0
) -> Loop:
    """
    Steady state of *concurrency* requests in flight.

    Work is conserved: while a request decodes its O tokens, each of the other B - 1 is prefilled once, so

        TPOT = t_decode(B) + phi (1 - c) (B - 1) / O t_prefill
        TTFT = floor + n TPOT + t_prefill + c (B - 1) t_prefill

    with t_prefill the time of one prompt (of one of those that share a pass, where answers are so short that several
    arrive in a step) and phi what passes shared with decoding do not hide of it. Requests that end together start
    together, so a new one meets a share c of the other prompts before its first token, whatever the length of the
    answers (measured: TTFT grows with B and hardly with O), and only the rest while it decodes. n steps of the others
    pass until it is scheduled and its first token is out. Little's law gives the rate.
    """
    sequences = max(1.0, concurrency / costs.ranks)
    cached = input_tokens * prefix_hit
    fresh = input_tokens - cached
    together = prompts_together(costs, sequences=sequences, output_tokens=output_tokens, new_tokens=fresh)
    prefill = prompts_s(costs, prompts=together, tokens_each=fresh, cached_each=cached) / together
    latency = prefill_latency_s(costs, new_tokens=fresh, cached_tokens=cached, prompts=together)
    step = decode_step(costs, sequences=sequences, context_tokens=input_tokens + output_tokens / 2)
    ended = ended_each_step(costs, sequences=sequences, output_tokens=output_tokens)
    prefill *= stalled_stages(costs.stages, ended / costs.stages)
    others = sequences - 1
    tpot = step.total_s + costs.interference * (1 - costs.clumping) * others / output_tokens * prefill
    ttft = costs.ttft_floor_s + costs.ttft_steps * tpot + latency + costs.clumping * others * prefill
    requests_per_s = concurrency / (ttft + max(0.0, output_tokens - 1) * tpot)
    return Loop(
        sequences=sequences,
        requests_per_s=requests_per_s,
        ttft_s=ttft,
        tpot_s=tpot,
        prefill_s=prefill,
        step=step,
    )


def estimate(metric: str, value: float, share: Efficiency, situation: Situation = Situation.OPEN) -> Estimate:
    """*value* with the 80 % interval of its metric for the device, run in this way."""
    factors = share.spread(metric, situation)
    return Estimate(value=value, low=value * factors.low, high=value * factors.high, grade=share.grade)


def step_binding(step: PassTime) -> str:
    """What takes the largest part of a decode step."""
    parts = {
        "HBM bandwidth": step.weights_s + step.cache_s,
        "compute": step.arithmetic_s,
        "collectives": step.collectives_s,
        "overhead": step.overhead_s,
    }
    return max(parts, key=lambda part: parts[part])


def capacity_binding(replica: Replica, held: float) -> str:
    """What keeps more requests from being decoded together."""
    return "sequence limit" if held >= replica.max_num_seqs * replica.layout.dp else "HBM capacity"


def whole_batch(replica: Replica, *, input_tokens: float, output_tokens: float, batch: int) -> OperatingPoint:
    """
    One static batch, as offline benchmarks run it: all prompts are read, then all answers written in step.

    TTFT is the time to read all prompts, in chunks of a pass's token budget; there is no server and no queue before it.
    """
    share = efficiency_of(replica)
    costs = costs_of(replica, share)
    sequences = max(1.0, batch / costs.ranks)
    step = decode_step(costs, sequences=sequences, context_tokens=input_tokens + output_tokens / 2)
    ttft = prompts_s(costs, prompts=sequences, tokens_each=input_tokens)
    total = ttft + max(0.0, output_tokens - 1) * step.total_s
    return OperatingPoint(
        requests_per_s=batch / total,
        concurrency=batch,
        max_concurrency=batch,
        ttft_mean_s=ttft,
        tpot_mean_s=step.total_s,
        ttft_p95_s=estimate("ttft", ttft, share, Situation.BATCH),
        tpot_p95_s=estimate("tpot", step.total_s, share, Situation.BATCH),
        e2e_p95_s=estimate("tpot", total, share, Situation.BATCH),
        output_tokens_per_s=estimate("throughput", batch * output_tokens / total, share, Situation.BATCH),
        utilisation=1.0,
        binding=step_binding(step),
    )
