"""A replica under random arrivals: percentiles of TTFT, TPOT and end to end, and the highest rate within objectives.

Everything is a function of b, the mean number of sequences that decode together on one rank: the rate follows in closed
form, and rate, queue and every percentile grow with b, so the highest rate is found by bisection over b alone.
Source: performance model section 1.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, sqrt
from statistics import NormalDist

from sizing.performance.efficiency import Efficiency, efficiency
from sizing.performance.forward import (
    Costs,
    PassTime,
    costs_of,
    decode_step,
    prefill_latency_s,
    prefill_s,
    prompts_s,
    prompts_together,
)
from sizing.performance.lengths import Z95, mean_reciprocal, percentile, quantiles, second_moment_over_mean
from sizing.performance.memory import MemoryBudget, max_sequences, memory_budget
from sizing.performance.operating_point import Excuse, OperatingPoint, Overloaded
from sizing.performance.replica import Replica
from sizing.performance.serving import capacity_binding, estimate, step_binding
from sizing.spec.workload import Objectives, Traffic
from sizing.units import GIB

# Equally likely prompt lengths that stand for the distribution; with 30, the last but one is the 95th percentile.
PROMPT_POINTS = 30
HIGHEST_LOAD = 0.95  # of the prefill capacity; beyond, a small error of the model is an endless queue
FEWEST = 1e-3  # mean sequences in flight of an idle replica: a request meets nobody
RELATIVE_STEP = 1e-4  # of the bracket at which bisection stops: far finer than the model
Z99 = NormalDist().inv_cdf(0.99)
NO_OBJECTIVES = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one traffic asks of one replica, apart from the rate."""

    costs: Costs
    prompts_s: tuple[float, ...]  # occupancy by one prompt, at equally likely lengths
    latencies_s: tuple[float, ...]  # from its first chunk's start to its last one's end, with nothing to decode
    budgets: tuple[float, ...]  # share of a pass's token budget that each takes; above 1: so many passes
    prompt_tokens: float  # mean, without those found in the prefix cache
    context_tokens: float  # mean cached tokens of a decoding sequence
    output_mean: float
    output_p95: float
    output_reciprocal: float  # E[1 / output tokens]
    burstiness: float
    sequence_limit: int  # sequences that one rank may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One rank of the replica at one b."""

    sequences: float  # b
    requests_per_s: float
    prefill_load: float  # share of time that prompts occupy the server of the prefill queue, 0 to 1
    wait_mean_s: float  # in the prefill queue
    step: PassTime
    ttft_fixed_s: tuple[float, ...]  # TTFT at each of the equally likely prompts, but for the wait
    ttft_mean_s: float
    tpot_mean_s: float
    tpot_p95_s: float
    held: float  # mean sequences that hold cache


def highest_rate(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> OperatingPoint | Excuse:
    """
    The highest rate of one replica that keeps every objective, stays within memory, and leaves queues stable.

    *traffic* gives lengths, prefix hits and burstiness; its rate is not read. An `Excuse` tells the first requirement
    that is missed even with a single request in flight.
    """
    missing = _does_not_fit(memory_budget(replica), max_context_tokens)
    if missing is not None:
        return missing
    load = load_of(replica, traffic)
    missed = _missed(load, state_of(load, FEWEST), objectives)
    if missed is not None:
        return missed

    def keeps(sequences: float) -> bool:
        state = state_of(load, sequences)
        return _carries(load, state) and _missed(load, state, objectives) is None

    best = _largest(keeps, FEWEST, float(load.sequence_limit))
    return _point(replica, load, state_of(load, best), objectives)


def open_loop(replica: Replica, *, traffic: Traffic) -> OperatingPoint | Overloaded:
    """The replica at the traffic's own rate, or that it cannot carry it."""
    load = load_of(replica, traffic)
    most = _largest(lambda b: _carries(load, state_of(load, b)), FEWEST, float(load.sequence_limit))
    top = state_of(load, most)
    asked = traffic.requests_per_s / load.costs.ranks
    if asked > top.requests_per_s:
        point = _point(replica, load, top, NO_OBJECTIVES)
        return Overloaded(
            requests_per_s=traffic.requests_per_s,
            highest_requests_per_s=point.requests_per_s,
            binding=point.binding,
        )
    sequences = _largest(lambda b: state_of(load, b).requests_per_s <= asked, 0.0, most)
    return _point(replica, load, state_of(load, sequences), NO_OBJECTIVES)


def load_of(replica: Replica, traffic: Traffic) -> Load:
    """What *traffic* asks of *replica*, worked out once for all rates."""
    return _load(replica, efficiency(replica.accelerator, replica.engine), traffic)


@lru_cache(maxsize=4096)
def _load(replica: Replica, share: Efficiency, traffic: Traffic) -> Load:
    costs = costs_of(replica, share)
    prompts = [
        (length * (1 - traffic.prefix_hit), length * traffic.prefix_hit)
        for length in quantiles(traffic.input_tokens, PROMPT_POINTS)
    ]
    context = traffic.input_tokens.mean + second_moment_over_mean(traffic.output_tokens) / 2
    in_memory = max_sequences(memory_budget(replica), context) // costs.ranks
    return Load(
        costs=costs,
        prompts_s=tuple(prefill_s(costs, new_tokens=new, cached_tokens=old) for new, old in prompts),
        latencies_s=tuple(prefill_latency_s(costs, new_tokens=new, cached_tokens=old) for new, old in prompts),
        budgets=tuple(new / costs.chunk for new, _ in prompts),
        prompt_tokens=traffic.input_tokens.mean * (1 - traffic.prefix_hit),
        context_tokens=context,
        output_mean=traffic.output_tokens.mean,
        output_p95=percentile(traffic.output_tokens, 0.95),
        output_reciprocal=mean_reciprocal(traffic.output_tokens),
        burstiness=traffic.burstiness,
        sequence_limit=max(1, min(in_memory, replica.max_num_seqs)),
    )


def state_of(load: Load, sequences: float) -> State:
    """
    One rank with b = *sequences* decoding in the mean.

    A request meets b others, so a step takes t = t_decode(1 + b). Prompts of mean time S slow decoding by their share
    phi, TPOT = t / (1 - phi lambda S), and by Little b = lambda O TPOT; together

        lambda = b / (O t + b phi S)

    Prompts queue for passes that also decode: each holds the server for S' = S + (its share of the token budget) t,
    and waits as in M/G/1 with Allen and Cunneen's correction for bursty arrivals.
    """
    costs = load.costs
    step = decode_step(costs, sequences=1 + sequences, context_tokens=load.context_tokens)
    step_s, outputs, phi = step.total_s, load.output_mean, costs.interference
    together, share = _sharing(load, sequences)
    prompts = [prompt * share for prompt in load.prompts_s]
    prefill_mean = sum(prompts) / PROMPT_POINTS
    rate = sequences / (outputs * step_s + sequences * phi * prefill_mean)
    tpot = sequences / (rate * outputs) if rate > 0 else step_s

    service = [prompt + budget * step_s for prompt, budget in zip(prompts, load.budgets, strict=True)]
    service_mean = sum(service) / PROMPT_POINTS
    service_square = sum(s * s for s in service) / PROMPT_POINTS
    busy = rate * service_mean
    spread = (service_square / service_mean**2 - 1 + load.burstiness) / 2 if service_mean > 0 else 0.0
    wait = busy / max(1 - busy, 1e-9) * service_mean * spread

    # a request waits for the running pass (half of one in the mean), then shares its own passes with the decoders
    fixed = tuple(
        costs.ttft_floor_s
        + costs.ttft_steps * step_s
        + latency * together * share
        + ceil(budget) * step_s
        for latency, budget in zip(load.latencies_s, load.budgets, strict=True)
    )
    crowd = decode_step(
        costs,
        sequences=1 + sequences + Z95 * sqrt(sequences * load.burstiness),
        context_tokens=load.context_tokens,
    )
    prefill_square = sum(s * s for s in prompts) / PROMPT_POINTS
    by_crowd = (crowd.total_s - step_s) * tpot / step_s
    by_prompts = Z95 * phi * sqrt(rate * tpot * prefill_square * load.output_reciprocal)
    return State(
        sequences=sequences,
        requests_per_s=rate,
        prefill_load=busy,
        wait_mean_s=wait,
        step=step,
        ttft_fixed_s=fixed,
        ttft_mean_s=sum(fixed) / PROMPT_POINTS + wait,
        tpot_mean_s=tpot,
        tpot_p95_s=tpot + sqrt(by_crowd**2 + by_prompts**2),
        held=sequences + min(busy, 1.0),
    )


def _sharing(load: Load, sequences: float) -> tuple[float, float]:
    """How many prompts share a pass, and what each then takes of the time that it would alone."""
    costs, tokens = load.costs, load.prompt_tokens
    together = prompts_together(costs, sequences=sequences, output_tokens=load.output_mean, new_tokens=tokens)
    if together <= 1:
        return 1.0, 1.0
    alone = prompts_s(costs, prompts=1.0, tokens_each=tokens)
    return together, prompts_s(costs, prompts=together, tokens_each=tokens) / (together * alone)


def ttft_exceeds(state: State, limit_s: float) -> float:
    """
    Probability that TTFT exceeds *limit_s*.

    The mean over prompt lengths of P(W > w) = rho exp(-w rho / E[W]), where w is what the limit leaves for waiting.
    """
    busy, wait = min(state.prefill_load, 1.0), state.wait_mean_s
    total = 0.0
    for fixed in state.ttft_fixed_s:
        left = limit_s - fixed
        if left < 0:
            total += 1.0
        elif wait > 0:
            total += busy * exp(-left * busy / wait)
    return total / len(state.ttft_fixed_s)


def ttft_p95_s(state: State) -> float:
    """The 95th percentile of TTFT: prompt lengths and queueing together."""
    low, high = min(state.ttft_fixed_s), max(state.ttft_fixed_s)
    while ttft_exceeds(state, high) > 0.05:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        if ttft_exceeds(state, middle) > 0.05:
            low = middle
        else:
            high = middle
    return high


def e2e_p95_s(load: Load, state: State, ttft_p95: float) -> float:
    """
    The 95th percentile from arrival to last token.

    The mean, and above it the root sum of squares of three independent spreads at their own 95th percentiles: TTFT,
    answer length, TPOT.
    """
    outputs, tpot = load.output_mean, state.tpot_mean_s
    mean = state.ttft_mean_s + max(0.0, outputs - 1) * tpot
    by_ttft = max(0.0, ttft_p95 - state.ttft_mean_s)
    by_length = max(0.0, load.output_p95 - outputs) * tpot
    by_tpot = outputs * (state.tpot_p95_s - tpot)
    return mean + sqrt(by_ttft**2 + by_length**2 + by_tpot**2)


def _largest(keeps: Callable[[float], bool], low: float, high: float) -> float:
    """The largest value between *low*, which keeps, and *high* that keeps, by bisection."""
    if keeps(high):
        return high
    step = RELATIVE_STEP * high
    while high - low > min(step, RELATIVE_STEP * high):
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


def _carries(load: Load, state: State) -> bool:
    """Whether the prefill queue is stable and memory holds the sequences of 95 % of the time."""
    crowd = state.held + Z95 * sqrt(state.held * load.burstiness)
    return state.prefill_load <= HIGHEST_LOAD and max(1.0, crowd) <= load.sequence_limit


def _does_not_fit(budget: MemoryBudget, max_context_tokens: int) -> Excuse | None:
    if not budget.fits:
        needed = budget.weight_bytes + budget.activation_bytes + budget.overhead_bytes
        return Excuse(
            metric="hbm_bytes",
            asked=needed,
            reached=budget.usable_bytes,
            text=f"HBM for all but cache {needed / GIB:.1f} GiB > {budget.usable_bytes / GIB:.1f} GiB an accelerator",
        )
    if max_sequences(budget, max_context_tokens) < 1:
        tokens = budget.kv_tokens // budget.ranks
        return Excuse(
            metric="kv_tokens",
            asked=max_context_tokens,
            reached=tokens,
            text=f"cache holds {tokens:,} tokens < one request of {max_context_tokens:,}",
        )
    return None


def _missed(load: Load, state: State, objectives: Objectives) -> Excuse | None:
    """The first objective that *state* misses."""
    if objectives.tpot_p95_s is not None and state.tpot_p95_s > objectives.tpot_p95_s:
        return _excuse("tpot_p95_s", "TPOT", objectives.tpot_p95_s, state.tpot_p95_s)
    if objectives.ttft_p95_s is not None and ttft_exceeds(state, objectives.ttft_p95_s) > 0.05:
        return _excuse("ttft_p95_s", "TTFT", objectives.ttft_p95_s, ttft_p95_s(state))
    if objectives.e2e_p95_s is not None:
        reached = e2e_p95_s(load, state, ttft_p95_s(state))
        if reached > objectives.e2e_p95_s:
            return _excuse("e2e_p95_s", "end to end", objectives.e2e_p95_s, reached)
    return None


def _excuse(metric: str, name: str, asked: float, reached: float) -> Excuse:
    text = f"{name} p95 {_duration(reached)} > {_duration(asked)} even at one request in flight"
    return Excuse(metric=metric, asked=asked, reached=reached, text=text)


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _point(replica: Replica, load: Load, state: State, objectives: Objectives) -> OperatingPoint:
    share, ranks = efficiency(replica.accelerator, replica.engine), load.costs.ranks
    ttft = ttft_p95_s(state)
    in_flight = state.sequences + state.requests_per_s * state.ttft_mean_s
    most = min(load.sequence_limit, ceil(state.held + Z99 * sqrt(state.held * load.burstiness)))
    binding, used = _binding(replica, load, state, objectives)
    return OperatingPoint(
        requests_per_s=state.requests_per_s * ranks,
        concurrency=in_flight * ranks,
        max_concurrency=max(1, most) * ranks,
        ttft_mean_s=state.ttft_mean_s,
        tpot_mean_s=state.tpot_mean_s,
        ttft_p95_s=estimate("ttft", ttft, share),
        tpot_p95_s=estimate("tpot", state.tpot_p95_s, share),
        e2e_p95_s=estimate("tpot", e2e_p95_s(load, state, ttft), share),
        output_tokens_per_s=estimate("throughput", state.requests_per_s * ranks * load.output_mean, share),
        utilisation=used,
        binding=binding,
    )


def _binding(replica: Replica, load: Load, state: State, objectives: Objectives) -> tuple[str, float]:
    """What is used most of what it may be, and how much of it: memory, the prefill queue, or a latency limit."""
    crowd = state.held + Z95 * sqrt(state.held * load.burstiness)
    used = {
        capacity_binding(replica, load.sequence_limit * load.costs.ranks): crowd / load.sequence_limit,
        "prefill queue": state.prefill_load / HIGHEST_LOAD,
    }
    if objectives.ttft_p95_s is not None:
        queue = "prefill queue" if state.wait_mean_s > 0 else "compute"
        used[queue] = max(used.get(queue, 0.0), ttft_p95_s(state) / objectives.ttft_p95_s)
    if objectives.tpot_p95_s is not None:
        part = step_binding(state.step)
        used[part] = max(used.get(part, 0.0), state.tpot_p95_s / objectives.tpot_p95_s)
    if objectives.e2e_p95_s is not None:
        part = step_binding(state.step)
        used[part] = max(used.get(part, 0.0), e2e_p95_s(load, state, ttft_p95_s(state)) / objectives.e2e_p95_s)
    binding = max(used, key=lambda name: used[name])
    return binding, min(1.0, used[binding])
