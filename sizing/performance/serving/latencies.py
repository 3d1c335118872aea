"""How latencies of one rank are spread over requests: mixtures over prompt and answer lengths of what they wait for."""

from __future__ import annotations

from math import exp, sqrt

from sizing.performance.serving.load import Load
from sizing.performance.serving.steady_state import HIGHEST_LOAD, STEPS_COUNTED, State
from sizing.performance.serving.tails import Part, mean, percentile, variance

NEGLIGIBLE = 1e-5  # share of requests that no percentile tells
FEW = 1e-3  # of a crowd's lifetime: an answer so short sees one crowd
TAIL = 0.01  # of gaps beyond their 99th percentile


def ttft_parts(load: Load, state: State) -> tuple[Part, ...]:
    """
    TTFT by prompt length: its own passes, and a wait that is short, long behind other prompts, or longer for room.

    Before and after its passes the engine takes a floor, and as many steps as measured ones do more than the formula.
    """
    costs, queue, busy = load.costs, state.queue, state.busy
    floor = costs.ttft_floor_s + busy * max(0.0, costs.ttft_steps - STEPS_COUNTED) * state.tpot_mean_s
    waits = (
        (queue.quiet * (1 - state.crowded), queue.quiet_s, queue.quiet_variance),
        ((1 - queue.quiet) * (1 - state.crowded), queue.loud_s, queue.loud_variance),
        (state.crowded, queue.mean_s + state.room_s, queue.loud_variance + state.room_s**2),
    )
    stages = costs.stages - 1
    # a crowd slows the steps that a request waits through: half of one, its own, and those of prompts before it
    crowd = state.crowd_variance * (STEPS_COUNTED / max(1 - queue.load, 1 - HIGHEST_LOAD)) ** 2
    parts = []
    for prompt, added, fill in zip(load.prompts, state.prompts_s, queue.fills, strict=True):
        passes = max(1, -int(-fill // 1))
        beside = (passes + stages) * (queue.pass_s + added / passes)
        alone = prompt.alone_s * (1 + stages / prompt.passes)
        own = floor + busy * beside + (1 - busy) * alone
        within = prompt.variation * alone**2 + crowd
        below = min(own, 2 * sqrt(within))  # the gamma variable takes over where own times begin to vary
        parts += [
            Part(prompt.weight * share, own - below, below + wait, spread + within)
            for share, wait, spread in waits
            if share > NEGLIGIBLE
        ]
    return tuple(parts)


def tpot_parts(load: Load, state: State) -> tuple[Part, ...]:
    """
    TPOT by answer length: passes with prompts of others weigh on short answers, crowds on long ones.

    The times T_k between tokens are an autoregression of order one in rho, the share of prompts in them. Over n of them
    the mean varies by Var[T] / n x ((1 + rho) / (1 - rho) - 2 rho (1 - rho^n) / (n (1 - rho)^2)), and what the pass of
    the first token was longer than the mean is felt rho (1 - rho^n) / (n (1 - rho)) times. The number in flight varies
    by b x burstiness x stretch, and an answer sees its average over n steps, where it changes in O x stretch steps.
    """
    rho, queue, stages = state.interference, state.queue, load.costs.stages
    longer_s = max(0.0, stages * queue.own_pass_s - state.tpot_mean_s)
    parts = []
    for answer in load.answers:
        steps = max(1.0, answer.tokens - 1)
        felt = rho * (1 - rho**steps) / (steps * (1 - rho))
        passes = state.pass_variance / steps * ((1 + rho) / (1 - rho) - 2 * felt / (1 - rho))
        seen = steps / (load.output_mean * state.stretch)
        averaged = 2 * (seen - 1 + exp(-seen)) / seen**2 if seen > FEW else 1.0
        spread = max(0.0, passes) + state.crowd_variance * averaged + (felt * stages) ** 2 * queue.own_pass_variance
        parts.append(Part(answer.weight, 0.0, state.tpot_mean_s + felt * longer_s, spread))
    return tuple(parts)


def e2e_parts(load: Load, state: State) -> tuple[Part, ...]:
    """From arrival to last token by answer length: TTFT, and TPOT for each token after the first, independent of it."""
    first = ttft_parts(load, state)
    first_s, first_variance = mean(first), variance(first)
    return tuple(
        Part(
            part.weight,
            0.0,
            first_s + max(0.0, answer.tokens - 1) * part.mean_s,
            first_variance + max(0.0, answer.tokens - 1) ** 2 * part.variance + answer.variance * part.mean_s**2,
        )
        for answer, part in zip(load.answers, tpot_parts(load, state), strict=True)
    )


def gap_p99_s(state: State) -> float:
    """
    The time between two tokens of an answer that 99 % do not exceed: chunked-prefill interference.

    Of passes, e^-kappa have no prompt and take a decode step; the others take what prompts add, a gamma variable that
    makes up the mean and the variance of all, and at most a full token budget. Source: performance model section 1.8.
    """
    step_s, without = state.step.total_s, exp(-state.round_prompts)
    if 1 - without <= TAIL:
        return step_s
    added = (state.tpot_mean_s - step_s) / (1 - without)
    square = (state.pass_variance + (state.tpot_mean_s - step_s) ** 2) / (1 - without)
    parts = (Part(without, step_s, 0.0, 0.0), Part(1 - without, step_s, added, max(0.0, square - added**2)))
    return min(percentile(parts, 1 - TAIL), max(step_s, state.queue.longest_pass_s))
