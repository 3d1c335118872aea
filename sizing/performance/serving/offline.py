"""A finite batch of requests, all there at once: how long until the last answer ends, ramp-up and drain included."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.scheduler import SCHEDULERS
from sizing.performance.memory.budget import max_sequences, memory_budget
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.passes.forward import costs_of, decode_step, prompts_s
from sizing.spec.lengths import percentile, second_moment_over_mean, slices
from sizing.spec.workload import TokenLengths

LONGEST = 0.56  # e^-gamma: the longest of n is about the value that 0.56 / n exceed


@dataclass(frozen=True, slots=True, kw_only=True)
class Makespan:
    """One finite batch on one replica."""

    total_s: float  # until the last token
    prompts_s: float  # of it, what prompts take
    full_s: float  # decoding with as many sequences as memory holds
    drain_s: float  # decoding with no more requests to fill up with
    requests_per_s: float
    output_tokens_per_s: float


def makespan(
    replica: Replica, *, input_tokens: TokenLengths, output_tokens: TokenLengths, requests: int, prefix_hit: float = 0.0
) -> Makespan:
    """
    All *requests* queued at once on *replica*.

    Prompts take n phi p, packed into full passes. Of n requests B decode together: the batch is full for (n - B) / B x
    E[O] steps, and then drains: after x steps it holds the B P(R > x) whose rest R of the answer is longer. Where all
    start together (n <= B), R is the whole answer; where they took each other's places, what is left of a random one,
    P(R > x) = E[(O - x)+] / E[O]. The drain ends with the longest of B answers.
    """
    costs = costs_of(replica, efficiency_of(replica))
    context = input_tokens.mean + second_moment_over_mean(output_tokens) / 2
    ahead = SCHEDULERS[replica.engine.name].reserved_share * second_moment_over_mean(output_tokens) / 2
    places = max_sequences(memory_budget(replica), context + ahead) // costs.ranks
    each = max(1.0, requests / costs.ranks)
    held = min(each, float(max(1, min(places, replica.max_num_seqs))))
    new, cached = input_tokens.mean * (1 - prefix_hit), input_tokens.mean * prefix_hit
    packed = max(1.0, min(held, costs.chunk / max(new, 1.0)))
    one = prompts_s(costs, prompts=packed, tokens_each=new, cached_each=cached) / packed
    reading = each * costs.interference * one

    def step_s(sequences: float) -> float:
        return decode_step(costs, sequences=max(1.0, sequences), context_tokens=context).total_s

    full = (each - held) / held * output_tokens.mean * step_s(held)
    drain = sum(
        (after - before) * step_s(held * _alive(output_tokens, (before + after) / 2, mixed=each > held))
        for before, after in pairwise(_steps(output_tokens, held))
    )
    total = costs.ttft_floor_s + reading + full + drain
    return Makespan(
        total_s=total,
        prompts_s=reading,
        full_s=full,
        drain_s=drain,
        requests_per_s=requests / total,
        output_tokens_per_s=requests * output_tokens.mean / total,
    )


def _steps(lengths: TokenLengths, held: float) -> list[float]:
    """Answer lengths at which the drain is looked at, up to the longest that *held* requests have."""
    longest = percentile(lengths, 1 - LONGEST / max(held, 1.0))
    ends = [part.tokens for part in slices(lengths) if part.tokens < longest]
    return [0.0, *(ends or (longest * k / 8 for k in range(1, 8))), longest]


def _alive(lengths: TokenLengths, steps: float, *, mixed: bool) -> float:
    """Share of the batch that still decodes after so many *steps*."""
    if mixed:
        return sum(part.weight * max(0.0, part.tokens - steps) for part in slices(lengths)) / lengths.mean
    return sum(part.weight for part in slices(lengths) if part.tokens > steps)
