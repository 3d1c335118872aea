"""A replica under random arrivals: percentiles of TTFT, TPOT and end to end, and the highest rate within objectives.

Everything is a function of b, the mean number of sequences that decode together on one rank: rate, queue and every
percentile grow with b, so the highest rate is found by bisection over b alone. Source: performance model section 1.9;
formulas in `steady_state` and `latencies`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from math import ceil, inf, sqrt
from statistics import NormalDist

from sizing.performance.configuration.replica import Replica
from sizing.performance.memory.budget import MemoryBudget, max_sequences, memory_budget
from sizing.performance.passes.efficiency import Efficiency, Situation, efficiency_of
from sizing.performance.serving.bisection import largest
from sizing.performance.serving.closed_loop import estimate, step_binding
from sizing.performance.serving.latencies import e2e_parts, gap_p99_s, tpot_parts, ttft_parts
from sizing.performance.serving.load import Load, load_of
from sizing.performance.serving.operating_point import Excuse, Latencies, OperatingPoint, Overloaded
from sizing.performance.serving.steady_state import HIGHEST_LOAD, State, state_of
from sizing.performance.serving.tails import Part, exceeds, mean, percentile, percentiles
from sizing.spec.workload import Objectives, Traffic
from sizing.units import GIB

P95 = 0.95  # of requests keep a limit, unless another share is asked
FEWEST = 1e-3  # mean sequences in flight of an idle replica: a request meets nobody
Z99 = NormalDist().inv_cdf(0.99)
NO_OBJECTIVES = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)
PARTS: dict[str, Callable[[Load, State], tuple[Part, ...]]] = {
    "tpot_p95_s": tpot_parts,
    "ttft_p95_s": ttft_parts,
    "e2e_p95_s": e2e_parts,
}
NAMES = {"tpot_p95_s": "TPOT", "ttft_p95_s": "TTFT", "e2e_p95_s": "end to end"}


def highest_rate(
    replica: Replica,
    *,
    traffic: Traffic,
    objectives: Objectives,
    max_context_tokens: int,
    share: float = P95,
    used: float = 1.0,
) -> OperatingPoint | Excuse:
    """
    The highest rate of one replica that keeps every objective, stays within memory, and leaves queues stable: goodput.

    *traffic* gives lengths, prefix hits and burstiness; its rate is not read. Of all requests *share* must keep each
    limit: objectives are 95th percentiles unless it says otherwise, as benchmarks do with the 99th. Of the rate that it
    could carry whatever the latency, no more than *used* is taken. An `Excuse` tells the first requirement that is
    missed even with a single request in flight.
    """
    missing = _does_not_fit(memory_budget(replica), max_context_tokens)
    if missing is not None:
        return missing
    return _highest(load_of(replica, traffic), efficiency_of(replica), objectives, share, used)


@lru_cache(maxsize=16384)
def _highest(
    load: Load, measured: Efficiency, objectives: Objectives, share: float, used: float
) -> OperatingPoint | Excuse:
    """The highest rate by what is asked of a rank: many replicas differ only in links that they do not use."""
    missed = _missed(load, objectives, share)
    if missed:
        return missed[0]
    most = used * _carried(load).requests_per_s if used < 1 else inf

    def taken(sequences: float) -> float:
        state = state_of(load, sequences)
        most_taken = max(_taken(load, state), state.requests_per_s / most)
        for metric, limit in _limits(objectives):
            if most_taken > 1:
                break
            most_taken = max(most_taken, exceeds(PARTS[metric](load, state), limit) / (1 - share))
        return most_taken

    best = largest(taken, FEWEST, float(load.sequence_limit))
    return _point(load, measured, state_of(load, best), objectives, share=share)


def misses(
    replica: Replica, *, traffic: Traffic, objectives: Objectives, max_context_tokens: int, share: float = P95
) -> tuple[Excuse, ...]:
    """Everything that is missed even with a single request in flight: memory alone, or each latency by itself."""
    missing = _does_not_fit(memory_budget(replica), max_context_tokens)
    return _missed(load_of(replica, traffic), objectives, share) if missing is None else (missing,)


def open_loop(replica: Replica, *, traffic: Traffic, spread: bool = True) -> OperatingPoint | Overloaded:
    """The replica at the traffic's own rate, with all percentiles if *spread* is asked, or that it cannot carry it."""
    load, measured = load_of(replica, traffic), efficiency_of(replica)
    top = _carried(load)
    asked = traffic.requests_per_s / load.costs.ranks
    if asked > top.requests_per_s:
        point = _point(load, measured, top, NO_OBJECTIVES)
        return Overloaded(
            requests_per_s=traffic.requests_per_s,
            highest_requests_per_s=point.requests_per_s,
            binding=point.binding,
        )
    sequences = largest(lambda b: state_of(load, b).requests_per_s / asked, 0.0, top.sequences)
    state = state_of(load, sequences)
    point = _point(load, measured, state, NO_OBJECTIVES)
    return replace(point, latencies=latencies_of(load, state)) if spread else point


def capacity_per_s(replica: Replica, *, traffic: Traffic, max_context_tokens: int) -> float | Excuse:
    """The requests per second that a replica carries whatever the latency; *traffic* gives no rate."""
    missing = _does_not_fit(memory_budget(replica), max_context_tokens)
    if missing is not None:
        return missing
    load = load_of(replica, traffic)
    return _carried(load).requests_per_s * load.costs.ranks


@lru_cache(maxsize=4096)
def _carried(load: Load) -> State:
    """The most that one rank carries."""
    return state_of(load, largest(lambda b: _taken(load, state_of(load, b)), FEWEST, float(load.sequence_limit)))


def latencies_of(load: Load, state: State) -> Latencies:
    """All percentiles of one state."""
    return Latencies(
        ttft=percentiles(ttft_parts(load, state)),
        tpot=percentiles(tpot_parts(load, state)),
        e2e=percentiles(e2e_parts(load, state)),
        gap_p99_s=gap_p99_s(state),
    )


def _taken(load: Load, state: State) -> float:
    """
    The largest share of what there is that a state takes: above 1, queues grow without end, or memory does not hold
    what is in flight 95 % of the time.

    Above that, engines that admit by prompt preempt and read again, and what they read again keeps them full. No rate
    comes nearer than HIGHEST_LOAD to what the replica answers with requests always queued, which is measured.
    """
    return max(
        state.queue.load / HIGHEST_LOAD,
        state.requests_per_s / (HIGHEST_LOAD * load.saturated_per_s),
        state.held / (HIGHEST_LOAD * max(load.max_num_seqs, 1 / HIGHEST_LOAD)),
        max(1.0, state.most_held) / max(1, load.in_memory),
    )


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


def _limits(objectives: Objectives) -> Iterator[tuple[str, float]]:
    """Each latency that is asked with its limit, in the order of PARTS."""
    for metric in PARTS:
        limit: float | None = getattr(objectives, metric)
        if limit is not None:
            yield metric, limit


def _missed(load: Load, objectives: Objectives, share: float) -> tuple[Excuse, ...]:
    """Each latency whose limit fewer than *share* of requests keep even where a request meets nobody."""
    idle = state_of(load, FEWEST)
    parts = {metric: PARTS[metric](load, idle) for metric, _ in _limits(objectives)}
    return tuple(
        _excuse(parts[metric], metric, limit, share)
        for metric, limit in _limits(objectives)
        if exceeds(parts[metric], limit) > 1 - share
    )


def _excuse(parts: Sequence[Part], metric: str, asked: float, share: float) -> Excuse:
    reached = max(asked, percentile(parts, share))
    name = f"{NAMES[metric]} p{100 * share:g}"
    text = f"{name} {duration(reached)} > {duration(asked)} even at one request in flight"
    return Excuse(metric=metric, asked=asked, reached=reached, text=text)


def duration(seconds: float) -> str:
    """Seconds as an excuse tells them: 852 ms, 1.2 s."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _point(
    load: Load, measured: Efficiency, state: State, objectives: Objectives, *, share: float = P95
) -> OperatingPoint:
    ranks, parts = load.costs.ranks, {metric: parts_of(load, state) for metric, parts_of in PARTS.items()}
    reached = {metric: percentile(each, P95) for metric, each in parts.items()}
    ttft_mean = mean(parts["ttft_p95_s"])
    in_flight = state.sequences + state.requests_per_s * ttft_mean
    most = min(load.sequence_limit, ceil(state.held + Z99 * sqrt(state.held * load.burstiness)))
    at_limits = reached if share == P95 else {metric: percentile(each, share) for metric, each in parts.items()}
    binding, used = _binding(load, state, objectives, at_limits)
    return OperatingPoint(
        requests_per_s=state.requests_per_s * ranks,
        concurrency=in_flight * ranks,
        max_concurrency=max(1, most) * ranks,
        ttft_mean_s=ttft_mean,
        tpot_mean_s=state.tpot_mean_s,
        ttft_p95_s=estimate("ttft", reached["ttft_p95_s"], measured, Situation.OPEN),
        tpot_p95_s=estimate("tpot", reached["tpot_p95_s"], measured, Situation.OPEN),
        e2e_p95_s=estimate("tpot", reached["e2e_p95_s"], measured, Situation.OPEN),
        output_tokens_per_s=estimate(
            "throughput", state.requests_per_s * ranks * load.output_mean, measured, Situation.OPEN
        ),
        utilisation=used,
        binding=binding,
    )


def _binding(load: Load, state: State, objectives: Objectives, reached: dict[str, float]) -> tuple[str, float]:
    """What is used most of what it may be, and how much of it: memory, the prefill queue, or a latency limit."""
    room = "sequence limit" if load.sequence_limit >= load.max_num_seqs else "HBM capacity"
    used = {
        room: max(state.most_held / max(1, load.in_memory), state.held / (HIGHEST_LOAD * load.max_num_seqs)),
        "prefill queue": state.queue.load / HIGHEST_LOAD,
        step_binding(state.step): state.requests_per_s / (HIGHEST_LOAD * load.saturated_per_s),
    }
    for metric, limit in _limits(objectives):
        cause = step_binding(state.step)
        if metric == "ttft_p95_s":
            waits = {room: state.crowded * state.room_s, "prefill queue": state.queue.mean_s}
            cause = max(waits, key=lambda name: waits[name])
        used[cause] = max(used.get(cause, 0.0), reached[metric] / limit)
    binding = max(used, key=lambda name: used[name])
    return binding, min(1.0, used[binding])
