"""Prefill and decode on separate replicas: what the two pools reach together at a number of requests in flight.

Source: performance model section 1.10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import log, sqrt

from sizing.performance.configuration.precision import CACHE_BYTES_PER_ELEMENT
from sizing.performance.configuration.replica import Replica
from sizing.performance.passes.efficiency import Efficiency, Situation, efficiency_of
from sizing.performance.passes.forward import Costs, PassTime, costs_of, decode_step, prefill_latency_s, prefill_s
from sizing.performance.serving.closed_loop import capacity_binding, estimate, sequences_held, step_binding
from sizing.performance.serving.operating_point import OperatingPoint

RELATIVE_STEP = 1e-6  # of the value at which bisection stops: far finer than the model
LEAST = 1e-9  # of the range: what is smaller is nothing
STATE_BYTES = 2  # of an element of a linear layer's state
BOUND = 0.95  # share of a pool's capacity in use that counts as all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """Prefill replicas that hand their caches to decode replicas."""

    prefill: Replica
    prefill_replicas: int
    decode: Replica
    decode_replicas: int
    transfer_bytes_per_s: float  # that the network reaches, of one accelerator in one direction
    layer_streamed: bool = False  # each layer's cache is sent while the next one is worked out

    @property
    def accelerators(self) -> int:
        """Accelerators of both pools."""
        before = self.prefill_replicas * self.prefill.layout.accelerators
        return before + self.decode_replicas * self.decode.layout.accelerators


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolCosts:
    """What passes cost in both pools, and how many queues and batches there are."""

    before: Costs  # of a prefill replica
    after: Costs  # of a decode replica
    share: Efficiency  # of the decode pool
    servers: int  # data ranks that prefill
    decoders: int  # data ranks that decode

    def step(self, sequences: float, context_tokens: float) -> PassTime:
        """A decode step with *sequences* over the whole pool: as long as the fullest rank takes."""
        each = fullest(max(1.0, sequences / self.decoders), self.after.ranks)
        return decode_step(self.after, sequences=each, context_tokens=context_tokens)


def fullest(sequences: float, ranks: int) -> float:
    """
    Sequences on the fullest of *ranks* data ranks that hold *sequences* each in the mean.

    Ranks that share experts step together, so it sets their pace. Requests that come to a rank by chance are Poisson
    distributed, and the largest of D such numbers is about n + sqrt(2 n ln D).
    """
    return sequences + sqrt(2 * sequences * log(ranks))


def costs_of_pools(pools: Pools) -> PoolCosts:
    """The costs of *pools* on their devices."""
    share = efficiency_of(pools.decode)
    before = costs_of(pools.prefill, efficiency_of(pools.prefill))
    after = costs_of(pools.decode, share)
    return PoolCosts(
        before=before,
        after=after,
        share=share,
        servers=pools.prefill_replicas * before.ranks,
        decoders=pools.decode_replicas * after.ranks,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Where a closed loop of both pools settles."""

    decoding: float  # requests with their first token
    requests_per_s: float
    ttft_s: float
    step: PassTime
    prefill_load: float  # share of the time that the prefill pool works


def disaggregated_loop(
    pools: Pools, *, input_tokens: float, output_tokens: float, concurrency: float, prefix_hit: float = 0.0
) -> OperatingPoint:
    """The pools with *concurrency* requests always in flight, waiting for prefill or decoding; all of one length."""
    costs = costs_of_pools(pools)
    held = min(concurrency, pools.decode_replicas * sequences_held(pools.decode, input_tokens + output_tokens / 2))
    found = _settled(
        pools,
        costs,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        concurrency=concurrency,
        cached_tokens=input_tokens * prefix_hit,
        held=held,
    )
    binding = step_binding(found.step)
    if found.prefill_load > BOUND:
        binding = "prefill queue"
    elif found.decoding > 0.99 * held and held < concurrency:
        binding = capacity_binding(pools.decode, held / pools.decode_replicas)
    tpot_s = found.step.total_s
    told = partial(estimate, share=costs.share, situation=Situation.POOLS)
    return OperatingPoint(
        requests_per_s=found.requests_per_s,
        concurrency=concurrency,
        max_concurrency=int(held),
        ttft_mean_s=found.ttft_s,
        tpot_mean_s=tpot_s,
        ttft_p95_s=told("ttft", found.ttft_s),
        tpot_p95_s=told("tpot", tpot_s),
        e2e_p95_s=told("tpot", found.ttft_s + max(0.0, output_tokens - 1) * tpot_s),
        output_tokens_per_s=told("throughput", found.requests_per_s * output_tokens),
        utilisation=min(1.0, found.prefill_load) if binding == "prefill queue" else 1.0,
        binding=binding,
    )


def _settled(
    pools: Pools,
    costs: PoolCosts,
    *,
    input_tokens: float,
    output_tokens: float,
    concurrency: float,
    cached_tokens: float,
    held: float,
) -> Steady:
    """
    With n requests decoding, decode completes n / (O t_decode(n / y)) a second, and by Little's law the rate times TTFT
    are before their first token: n is where both add up to all in flight. Nothing interferes with decoding.
    """
    context = input_tokens + output_tokens / 2
    occupied = prefill_s(costs.before, new_tokens=input_tokens - cached_tokens, cached_tokens=cached_tokens)
    alone = unloaded_ttft_s(pools, costs, input_tokens=input_tokens, cached_tokens=cached_tokens)
    # requests that end together come back together (as in `serving`)
    clump = costs.before.clumping * max(0.0, concurrency / costs.servers - 1) * occupied

    def at(decoding: float) -> Steady:
        step = costs.step(decoding, context)
        rate = decoding / (output_tokens * step.total_s)
        load = rate * occupied / costs.servers
        others = load * (1 - 1 / max(concurrency, 1.0))  # a request waits for the others, not for itself
        wait = queue_wait_s(others, servers=costs.servers, service_s=occupied, variability=0.5)
        ttft = alone + costs.after.ttft_steps * step.total_s + wait + clump
        return Steady(decoding=decoding, requests_per_s=rate, ttft_s=ttft, step=step, prefill_load=load)

    def fits(decoding: float) -> bool:
        state = at(decoding)
        return state.prefill_load < 1 and decoding + state.requests_per_s * state.ttft_s <= concurrency

    found = at(largest(fits, held))
    # what does not fit into decoding waits for it
    return replace(found, ttft_s=max(found.ttft_s, (concurrency - found.decoding) / found.requests_per_s))


def unloaded_ttft_s(pools: Pools, costs: PoolCosts, *, input_tokens: float, cached_tokens: float) -> float:
    """TTFT of a request that meets nobody: server, its own prefill, and what of its cache is sent after that."""
    fresh = input_tokens - cached_tokens
    latency = prefill_latency_s(costs.before, new_tokens=fresh, cached_tokens=cached_tokens)
    return costs.before.ttft_floor_s + latency + exposed_transfer_s(pools, input_tokens, prefill_s=latency)


def queue_wait_s(busy: float, *, servers: float, service_s: float, variability: float) -> float:
    """
    Mean wait before *servers* that are *busy* a share of the time, in M/G/c after Allen, Cunneen and Sakasegawa.

    W = P(wait) / (c (1 - rho)) x S x variability, P(wait) = rho^(sqrt(2 (c + 1)) - 1), variability (c_a^2 + c_s^2) / 2.
    """
    return wait_probability(busy, servers) / (servers * max(1e-9, 1 - busy)) * service_s * variability


def wait_probability(busy: float, servers: float) -> float:
    """Chance that all *servers* are taken: rho itself for one, less the more there are."""
    return float(min(1.0, busy) ** (sqrt(2 * (servers + 1)) - 1))


def handed_bytes(replica: Replica, context_tokens: float) -> float:
    """
    Bytes that each accelerator of *replica* sends or receives of one request's cache.

    A request's cache is that of one data rank, and its accelerators share the work: what several of them hold alike
    (latent attention, copied heads) travels once.
    """
    model, layout = replica.model, replica.layout
    window = context_tokens if model.sliding_window is None else min(context_tokens, model.sliding_window)
    elements = model.kv_elements_per_token_full * context_tokens + model.kv_elements_per_token_sliding * window
    whole = elements * CACHE_BYTES_PER_ELEMENT[replica.kv] + model.state_elements_per_sequence * STATE_BYTES
    return whole / (layout.tp * layout.cp * layout.pp)


def transfer_s(pools: Pools, context_tokens: float) -> float:
    """Seconds to send one request's cache: as fast as the pool whose replicas have fewer network ports."""
    return max(handed_bytes(one, context_tokens) for one in (pools.prefill, pools.decode)) / pools.transfer_bytes_per_s


def exposed_transfer_s(pools: Pools, context_tokens: float, *, prefill_s: float) -> float:
    """
    Seconds of the transfer that TTFT sees.

    All of it; streamed by layer, the last layer's share, or what a network slower than prefill leaves over.
    """
    whole = transfer_s(pools, context_tokens)
    if not pools.layer_streamed:
        return whole
    last = 1 / pools.prefill.model.layers
    return max(whole * last, whole - prefill_s * (1 - last))


def largest(fits: Callable[[float], bool], most: float) -> float:
    """The largest number above 0 and up to *most* that fits, by bisection; next to nothing where none does."""
    if fits(most):
        return most
    low, high = LEAST * most, most
    while high - low > RELATIVE_STEP * high:
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
