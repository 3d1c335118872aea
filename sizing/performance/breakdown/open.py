"""The breakdown of a replica under random arrivals: what a request waits for, and how crowded it finds the replica.

As in `breakdown`, a term's seconds are the difference that it makes to the model's own answer.
"""

from __future__ import annotations

from dataclasses import replace

from sizing.performance.breakdown.closed import Breakdown, Factor, Term, assembled, counting
from sizing.performance.breakdown.explanation import decode_pass, prefill_pass
from sizing.performance.configuration.replica import Replica
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.serving.latencies import ttft_parts
from sizing.performance.serving.load import Load, load_of
from sizing.performance.serving.operating_point import Overloaded
from sizing.performance.serving.queueing import open_loop
from sizing.performance.serving.steady_state import State, state_of
from sizing.performance.serving.tails import mean
from sizing.spec.workload import Traffic


def open_breakdown(replica: Replica, *, traffic: Traffic) -> Breakdown | Overloaded:
    """The breakdown of `open_loop` at the traffic's own rate, or that it cannot be carried."""
    point = open_loop(replica, traffic=traffic)
    if isinstance(point, Overloaded):
        return point
    share, load = efficiency_of(replica), load_of(replica, traffic)
    rate = point.requests_per_s / load.costs.ranks
    state = state_of(load, point.concurrency / load.costs.ranks - rate * point.ttft_mean_s)
    typical = load.typical
    return replace(
        assembled(
            replica,
            share,
            point,
            input_tokens=traffic.input_tokens.mean,
            output_tokens=traffic.output_tokens.mean,
            sequences=1 + state.sequences,
            decode=decode_pass(replica, share, sequences=1 + state.sequences, context_tokens=load.context_tokens),
            prefill=prefill_pass(
                replica, share, prompts=1.0, new_tokens=typical.new_tokens, cached_tokens=typical.cached_tokens
            ),
            tpot=counting(_tpot_terms(load, state)),
            ttft=counting(_ttft_terms(load, state)),
        ),
        queue_load=state.queue.load,
    )


def _tpot_terms(load: Load, state: State) -> tuple[Term, ...]:
    """A decode step with one request more than are met, and the prompts that arrive between two tokens."""
    step_s = state.step.total_s
    prompt_s = sum(one.weight * added for one, added in zip(load.prompts, state.prompts_s, strict=True))
    prompts_s, arrived = state.tpot_mean_s - step_s, state.round_prompts
    factors = [Factor(name="prompts between two tokens", value=arrived)]
    if load.costs.stages > 1 and arrived * prompt_s > 0:
        factors.append(Factor(name="stages that wait", value=prompts_s / (arrived * prompt_s)))
    factors.append(Factor(name="what a prompt adds", value=prompt_s, is_seconds=True))
    return (
        Term(name="decode step", seconds=step_s),
        Term(name="prompts of the others", seconds=prompts_s, factors=tuple(factors)),
    )


def _ttft_terms(load: Load, state: State) -> tuple[Term, ...]:
    """The server, steps that engines take more, the wait for a pass and for room, and the passes of the prompt."""
    whole = mean(ttft_parts(load, state))
    calm = replace(state, queue=replace(state.queue, quiet_s=0.0, loud_s=0.0, mean_s=0.0))

    def without(**costs: float) -> float:
        return whole - mean(ttft_parts(replace(load, costs=replace(load.costs, **costs)), state))  # type: ignore[arg-type]

    server, steps = without(ttft_floor_s=0.0), without(ttft_steps=0.0)
    queue = whole - mean(ttft_parts(load, calm))
    room = whole - mean(ttft_parts(load, replace(state, room_s=0.0)))
    return (
        Term(name="server", seconds=server),
        Term(name="steps to its turn", seconds=steps),
        Term(name="waiting for a pass", seconds=queue),
        Term(name="waiting for room", seconds=room),
        Term(name="own prompt, among answers", seconds=whole - server - steps - queue - room),
    )
