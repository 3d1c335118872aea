"""What one traffic asks of one replica, apart from its rate: prompts, answers and the room for them, per rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.scheduler import SCHEDULERS
from sizing.performance.memory.budget import max_sequences, memory_budget
from sizing.performance.passes.efficiency import Efficiency, efficiency_of
from sizing.performance.passes.forward import Costs, costs_of, prefill_s
from sizing.performance.serving.closed_loop import closed_loop, sequences_held
from sizing.spec.lengths import Slice, cube_mean, second_moment_over_mean, slices, square_mean
from sizing.spec.workload import Traffic


@dataclass(frozen=True, slots=True)
class Prompt:
    """Prompts of about one length."""

    weight: float  # share of requests
    variation: float  # squared coefficient of variation of lengths within
    new_tokens: float  # not found in the prefix cache
    cached_tokens: float
    alone_s: float  # time of its passes with nothing else in them
    passes: int  # that it takes alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One traffic on one rank of a replica."""

    costs: Costs
    prompts: tuple[Prompt, ...]
    answers: tuple[Slice, ...]
    typical: Prompt  # of mean length, at most one pass
    context_tokens: float  # mean cached tokens of a decoding sequence
    context_spread: float  # E[c^2] / E[c]^2 of the contexts c that decode at one time
    output_mean: float
    output_spread: float  # squared coefficient of variation of answers
    burstiness: float
    in_memory: int  # sequences of mean context, and what is kept for them, that the cache of one rank holds
    max_num_seqs: int
    saturated_per_s: float  # requests of mean length that one rank answers where more are always queued

    @property
    def sequence_limit(self) -> int:
        """Sequences that one rank may hold."""
        return max(1, min(self.in_memory, self.max_num_seqs))


def load_of(replica: Replica, traffic: Traffic) -> Load:
    """What *traffic* asks of *replica*, worked out once for all rates."""
    return _load(replica, efficiency_of(replica), traffic)


@lru_cache(maxsize=4096)
def _load(replica: Replica, share: Efficiency, traffic: Traffic) -> Load:
    costs = costs_of(replica, share)
    inputs, outputs = traffic.input_tokens, traffic.output_tokens
    so_far, context_square, output_square = _of_lengths(traffic)
    context = inputs.mean + so_far
    # what the engine keeps free for answers, a random one of which has as much to come as it has so far
    ahead = SCHEDULERS[replica.engine.name].reserved_share * so_far
    mean = min(inputs.mean, costs.chunk / max(1 - traffic.prefix_hit, 1e-9))
    return Load(
        costs=costs,
        prompts=tuple(_prompt(costs, one, traffic.prefix_hit) for one in slices(inputs)),
        answers=slices(outputs),
        typical=_prompt(costs, Slice(1.0, mean, 0.0), traffic.prefix_hit),
        context_tokens=context,
        context_spread=context_square / context**2,
        output_mean=outputs.mean,
        output_spread=max(0.0, output_square / outputs.mean**2 - 1),
        burstiness=traffic.burstiness,
        in_memory=max_sequences(memory_budget(replica), context + ahead) // costs.ranks,
        max_num_seqs=replica.max_num_seqs,
        saturated_per_s=_saturated_per_s(replica, traffic) / costs.ranks,
    )


def _saturated_per_s(replica: Replica, traffic: Traffic) -> float:
    inputs, outputs = traffic.input_tokens.mean, traffic.output_tokens.mean
    held = sequences_held(replica, inputs + outputs / 2)
    return closed_loop(
        replica, input_tokens=inputs, output_tokens=outputs, concurrency=held, prefix_hit=traffic.prefix_hit
    ).requests_per_s


def _prompt(costs: Costs, part: Slice, prefix_hit: float) -> Prompt:
    new, cached = part.tokens * (1 - prefix_hit), part.tokens * prefix_hit
    alone = prefill_s(costs, new_tokens=new, cached_tokens=cached)
    passes = max(1, ceil(new / costs.chunk - 1e-9))
    return Prompt(part.weight, part.variance / part.tokens**2, new, cached, alone, passes)


@lru_cache(maxsize=1024)
def _of_lengths(traffic: Traffic) -> tuple[float, float, float]:
    """Of a sequence that decodes, what it has of its answer in the mean, and E[c^2]; E[O^2] of answers."""
    outputs = traffic.output_tokens
    return second_moment_over_mean(outputs) / 2, _context_square(traffic), square_mean(outputs)


def _context_square(traffic: Traffic) -> float:
    """
    E[c^2] of a sequence that decodes at a random time: prompt I and the part a of its answer that it has.

    Long answers are met more often, so a has the density P(O > a) / E[O]: its mean is E[O^2] / 2 E[O], and that of its
    square E[O^3] / 3 E[O].
    """
    inputs, outputs = traffic.input_tokens, traffic.output_tokens
    age, age_square = second_moment_over_mean(outputs) / 2, cube_mean(outputs) / (3 * outputs.mean)
    return square_mean(inputs) + 2 * inputs.mean * age + age_square
