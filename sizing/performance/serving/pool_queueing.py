"""Prefill and decode pools under random arrivals: percentiles, and the highest rate within objectives.

As for one replica (`queueing`), everything is a function of b, the mean number of sequences that decode together on one
rank. Prompts queue for the prefill ranks as in M/G/c and share nothing with decoding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import ceil, exp, sqrt

from sizing.performance.memory.budget import max_sequences, memory_budget
from sizing.performance.passes.efficiency import Situation
from sizing.performance.passes.forward import PassTime, decode_step, prefill_s
from sizing.performance.serving.closed_loop import capacity_binding, estimate, step_binding
from sizing.performance.serving.operating_point import Excuse, OperatingPoint, Overloaded
from sizing.performance.serving.pools import (
    BOUND,
    PoolCosts,
    Pools,
    costs_of_pools,
    fullest,
    largest,
    queue_wait_s,
    unloaded_ttft_s,
    wait_probability,
)
from sizing.spec.lengths import Z95, percentile, quantiles, second_moment_over_mean
from sizing.spec.workload import Objectives, Traffic
from sizing.units import GIB

PROMPT_POINTS = 30  # equally likely prompt lengths that stand for the distribution, as in `queueing`
HIGHEST_LOAD = 0.95  # of the prefill pool; beyond, a small error of the model is an endless queue
FEWEST = 1e-3  # sequences in flight of an idle pool
UNMET = 0.05  # of requests may exceed a 95th percentile
RELATIVE_STEP = 1e-4  # of a percentile at which bisection stops


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLoad:
    """What one traffic asks of the pools, apart from the rate."""

    costs: PoolCosts
    prompts_s: tuple[float, ...]  # occupancy of a prefill rank, at equally likely lengths
    alone_s: tuple[float, ...]  # TTFT with nobody else, at the same lengths
    context_tokens: float
    output_mean: float
    output_p95: float
    burstiness: float
    sequence_limit: int  # of one decode rank

    @property
    def variability(self) -> float:
        """(c_a^2 + c_s^2) / 2 of the prefill queue."""
        mean = sum(self.prompts_s) / PROMPT_POINTS
        square = sum(one * one for one in self.prompts_s) / PROMPT_POINTS
        return (self.burstiness + square / mean**2 - 1) / 2 if mean > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """Both pools at one b."""

    sequences: float  # b, of one decode rank
    requests_per_s: float  # of the pools together
    prefill_load: float
    wait_probability: float
    wait_mean_s: float
    step: PassTime
    ttft_fixed_s: tuple[float, ...]  # but for the wait
    tpot_p95_s: float

    @property
    def ttft_mean_s(self) -> float:
        """Over all prompt lengths."""
        return sum(self.ttft_fixed_s) / len(self.ttft_fixed_s) + self.wait_mean_s


def disaggregated_open_loop(pools: Pools, *, traffic: Traffic) -> OperatingPoint | Overloaded:
    """The pools at the traffic's own rate, or that they cannot carry it."""
    load = pool_load(pools, traffic)
    most = _most(load, lambda _: True)
    top = pool_state(load, most)
    if traffic.requests_per_s > top.requests_per_s:
        return Overloaded(
            requests_per_s=traffic.requests_per_s,
            highest_requests_per_s=top.requests_per_s,
            binding=_binding(pools, load, top),
        )
    sequences = largest(lambda b: _rate(load, b)[0] <= traffic.requests_per_s, most)
    return _point(pools, load, pool_state(load, sequences))


def disaggregated_highest_rate(
    pools: Pools, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> OperatingPoint | Excuse:
    """The highest rate of the pools that keeps every objective, memory and stable queues; or what is missed first."""
    missing = _does_not_fit(pools, max_context_tokens)
    if missing is not None:
        return missing
    load = pool_load(pools, traffic)
    missed = _missed(load, pool_state(load, FEWEST), objectives)
    if missed is not None:
        return missed
    best = _most(load, lambda state: _missed(load, state, objectives) is None)
    return _point(pools, load, pool_state(load, best))


def pool_load(pools: Pools, traffic: Traffic) -> PoolLoad:
    """What *traffic* asks of *pools*, worked out once for all rates."""
    costs = costs_of_pools(pools)
    prompts = [(length, length * traffic.prefix_hit) for length in quantiles(traffic.input_tokens, PROMPT_POINTS)]
    context = traffic.input_tokens.mean + second_moment_over_mean(traffic.output_tokens) / 2
    in_memory = max_sequences(memory_budget(pools.decode), context) // costs.after.ranks
    return PoolLoad(
        costs=costs,
        prompts_s=tuple(prefill_s(costs.before, new_tokens=all_ - old, cached_tokens=old) for all_, old in prompts),
        alone_s=tuple(unloaded_ttft_s(pools, costs, input_tokens=all_, cached_tokens=old) for all_, old in prompts),
        context_tokens=context,
        output_mean=traffic.output_tokens.mean,
        output_p95=percentile(traffic.output_tokens, 0.95),
        burstiness=traffic.burstiness,
        sequence_limit=max(1, min(in_memory, pools.decode.max_num_seqs)),
    )


def pool_state(load: PoolLoad, sequences: float) -> PoolState:
    """
    The pools with b = *sequences* decoding on each rank in the mean: by Little, rate = ranks b / (O t_decode(1 + b)),
    with t_decode that of the fullest rank where several share experts.

    Prompts wait for a free prefill rank, are read, sent, and join the running step of a decode rank.
    """
    costs, mean = load.costs, sum(load.prompts_s) / PROMPT_POINTS
    rate, step = _rate(load, sequences)
    crowd = decode_step(
        costs.after,
        sequences=1 + fullest(sequences, costs.after.ranks) + Z95 * sqrt(sequences * load.burstiness),
        context_tokens=load.context_tokens,
    )
    busy = rate * mean / costs.servers
    joining = costs.after.ttft_steps * step.total_s
    return PoolState(
        sequences=sequences,
        requests_per_s=rate,
        prefill_load=busy,
        wait_probability=wait_probability(busy, costs.servers),
        wait_mean_s=queue_wait_s(busy, servers=costs.servers, service_s=mean, variability=load.variability),
        step=step,
        ttft_fixed_s=tuple(alone + joining for alone in load.alone_s),
        tpot_p95_s=crowd.total_s,
    )


def _rate(load: PoolLoad, sequences: float) -> tuple[float, PassTime]:
    """Requests per second of both pools, and the decode step, at b = *sequences*."""
    costs = load.costs
    busiest = 1 + fullest(sequences, costs.after.ranks)
    step = decode_step(costs.after, sequences=busiest, context_tokens=load.context_tokens)
    return costs.decoders * sequences / (load.output_mean * step.total_s), step


def ttft_exceeds(state: PoolState, limit_s: float) -> float:
    """Probability that TTFT exceeds *limit_s*: over prompt lengths, P(W > w) = P(wait) exp(-w P(wait) / E[W])."""
    total = 0.0
    for fixed in state.ttft_fixed_s:
        left = limit_s - fixed
        if left < 0:
            total += 1.0
        elif state.wait_mean_s > 0:
            total += state.wait_probability * exp(-left * state.wait_probability / state.wait_mean_s)
    return total / len(state.ttft_fixed_s)


def ttft_p95_s(state: PoolState) -> float:
    """The 95th percentile of TTFT."""
    low, high = min(state.ttft_fixed_s), max(state.ttft_fixed_s)
    while ttft_exceeds(state, high) > UNMET:
        low, high = high, 2 * high
    while high - low > RELATIVE_STEP * high:
        middle = (low + high) / 2
        low, high = (middle, high) if ttft_exceeds(state, middle) > UNMET else (low, middle)
    return high


def e2e_p95_s(load: PoolLoad, state: PoolState, ttft_p95: float) -> float:
    """The 95th percentile from arrival to last token: the mean and three independent spreads above it."""
    tpot, outputs = state.step.total_s, load.output_mean
    mean = state.ttft_mean_s + max(0.0, outputs - 1) * tpot
    by_ttft = max(0.0, ttft_p95 - state.ttft_mean_s)
    by_length = max(0.0, load.output_p95 - outputs) * tpot
    by_tpot = outputs * (state.tpot_p95_s - tpot)
    return mean + sqrt(by_ttft**2 + by_length**2 + by_tpot**2)


def _most(load: PoolLoad, keeps: Callable[[PoolState], bool]) -> float:
    """The largest b that the queue, the memory of 95 % of the time and *keeps* allow."""
    highest = HIGHEST_LOAD * load.costs.servers * PROMPT_POINTS / sum(load.prompts_s)

    def fits(sequences: float) -> bool:
        crowd = sequences + Z95 * sqrt(sequences * load.burstiness)
        return max(1.0, crowd) <= load.sequence_limit and _rate(load, sequences)[0] <= highest

    return largest(lambda b: keeps(pool_state(load, b)), largest(fits, float(load.sequence_limit)))


def _does_not_fit(pools: Pools, max_context_tokens: int) -> Excuse | None:
    for name, replica in (("prefill", pools.prefill), ("decode", pools.decode)):
        budget = memory_budget(replica)
        tokens = budget.kv_tokens // budget.ranks
        if not budget.fits:
            short = -budget.headroom_bytes
            return Excuse(
                metric="hbm_bytes",
                asked=budget.usable_bytes + short,
                reached=budget.usable_bytes,
                text=f"a {name} replica lacks {short / GIB:.1f} GiB an accelerator for weights and activations",
            )
        if max_sequences(budget, max_context_tokens) < 1:
            return Excuse(
                metric="kv_tokens",
                asked=max_context_tokens,
                reached=tokens,
                text=f"the cache of a {name} replica holds {tokens:,} tokens < one request of {max_context_tokens:,}",
            )
    return None


def _missed(load: PoolLoad, state: PoolState, objectives: Objectives) -> Excuse | None:
    """The first objective that *state* misses."""
    limits: tuple[tuple[str, str, float | None, Callable[[], float]], ...] = (
        ("tpot_p95_s", "TPOT", objectives.tpot_p95_s, lambda: state.tpot_p95_s),
        ("ttft_p95_s", "TTFT", objectives.ttft_p95_s, lambda: ttft_p95_s(state)),
        ("e2e_p95_s", "end to end", objectives.e2e_p95_s, lambda: e2e_p95_s(load, state, ttft_p95_s(state))),
    )
    for metric, name, asked, reached in limits:
        if asked is not None and (value := reached()) > asked:
            text = f"{name} p95 {value:.3g} s > {asked:.3g} s even at one request in flight"
            return Excuse(metric=metric, asked=asked, reached=value, text=text)
    return None


def _binding(pools: Pools, load: PoolLoad, state: PoolState) -> str:
    crowd = state.sequences + Z95 * sqrt(state.sequences * load.burstiness)
    if state.prefill_load > BOUND * HIGHEST_LOAD:
        return "prefill queue"
    if crowd > BOUND * load.sequence_limit:
        return capacity_binding(pools.decode, load.sequence_limit * load.costs.after.ranks)
    return step_binding(state.step)


def _point(pools: Pools, load: PoolLoad, state: PoolState) -> OperatingPoint:
    in_flight, ttft = state.sequences * load.costs.decoders, ttft_p95_s(state)
    crowd = state.sequences + Z95 * sqrt(state.sequences * load.burstiness)
    told = partial(estimate, share=load.costs.share, situation=Situation.POOLS)
    return OperatingPoint(
        requests_per_s=state.requests_per_s,
        concurrency=in_flight + state.requests_per_s * state.ttft_mean_s,
        max_concurrency=max(1, min(load.sequence_limit, ceil(crowd))) * load.costs.decoders,
        ttft_mean_s=state.ttft_mean_s,
        tpot_mean_s=state.step.total_s,
        ttft_p95_s=told("ttft", ttft),
        tpot_p95_s=told("tpot", state.tpot_p95_s),
        e2e_p95_s=told("tpot", e2e_p95_s(load, state, ttft)),
        output_tokens_per_s=told("throughput", state.requests_per_s * load.output_mean),
        utilisation=min(1.0, max(state.prefill_load / HIGHEST_LOAD, crowd / load.sequence_limit)),
        binding=_binding(pools, load, state),
    )
