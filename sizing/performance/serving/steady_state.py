"""One rank of a replica in the steady state of a load: rate, passes, what prompts wait for, how crowded it is.

Everything is a function of b, the mean number of sequences that decode together: the rate follows in closed form. Each
formula was held against the simulation of the same passes (benchmarks/simulation.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, gamma, sqrt

from sizing.performance.passes.forward import PassTime, decode_step
from sizing.performance.passes.mixed import chunk_pairs_s, stage_s
from sizing.performance.passes.pipeline import stalled_stages
from sizing.performance.serving.load import Load
from sizing.spec.lengths import NORMAL, Z95

HIGHEST_LOAD = 0.95  # of any queue's capacity; beyond, a small error of the model is an endless queue
# Of the steps that measured engines take to a first token (`ttft_steps`), those that stand in the formulas by
# themselves: half of the running pass, and the decoding beside the own one.
STEPS_COUNTED = 1.5
MOST_LOAD = 0.98  # at which formulas with 1 - rho are evaluated, so that they stay finite
MOST_STRETCH = 0.9  # of a crowd by its own slowness: beyond, linearised fluctuations mean nothing
CERTAIN = 8.0  # standard deviations at which nobody waits any more


@dataclass(frozen=True, slots=True)
class Moments:
    """First three moments of a time over prompts; the second with the burstiness of their arrivals."""

    first: float
    second: float
    third: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What prompts wait for before their own passes, and those passes: decode steps, and the prompts of others."""

    load: float  # share of passes that prompts take, 0 to 1
    pass_s: float  # a decode step of one stage, as far as anything decodes
    fills: tuple[float, ...]  # share of a pass's token budget that each prompt of the load takes; above 1: more passes
    mean_s: float
    quiet: float  # share of prompts that meet no other
    quiet_s: float  # mean wait of these
    quiet_variance: float
    loud_s: float  # mean wait of the rest
    loud_variance: float
    longest_pass_s: float  # with a full token budget
    own_pass_s: float  # mean time of the pass that ends a prompt
    own_pass_variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One rank at one b."""

    sequences: float  # b
    requests_per_s: float
    step: PassTime  # one decode step without prompts
    prompts_s: tuple[float, ...]  # what each prompt of the load adds to the passes that it shares
    tpot_mean_s: float
    interference: float  # share of TPOT that prompts of others take
    pass_variance: float  # of the time between two tokens
    round_prompts: float  # prompts that arrive between two tokens
    crowd_variance: float  # of TPOT by the number in flight
    stretch: float  # how much longer a crowd lasts by slowing itself
    queue: Queue
    crowded: float  # the chance to find no room to decode
    room_s: float  # and the mean time until there is, exponential
    held: float  # mean sequences that hold a place and cache
    most_held: float  # that the cache must hold for 95 % of the time not to be full, in sequences of mean context

    @property
    def busy(self) -> float:
        """The chance that anything decodes when a request arrives."""
        return -expm1(-self.sequences)


def state_of(load: Load, sequences: float) -> State:
    """
    One rank with b = *sequences* decoding in the mean.

    A request meets b others, so a step takes t = t_decode(1 + b). A prompt adds S to the pass that it shares with them
    (`added_s`), so TPOT = t + lambda TPOT S, and by Little b = lambda O TPOT; together

        lambda = b / (O t + b S)

    With p pipeline stages a pass with a prompt is a bubble for the passes around it, unless those have prompts too: a
    round of all stages has b / O of them, and costs as much as the passes with most (`pipeline.stalled_stages`).
    """
    costs, outputs = load.costs, load.output_mean
    step = decode_step(costs, sequences=1 + sequences, context_tokens=load.context_tokens)
    prompts = added_s(load, sequences)
    here = _moments(load, prompts)
    round_prompts = sequences / outputs
    bubble = stalled_stages(costs.stages, round_prompts / costs.stages)
    taken = here.first * bubble
    rate = sequences / (outputs * step.total_s + sequences * taken)
    tpot = step.total_s + round_prompts * taken
    share = min(rate * taken, HIGHEST_LOAD)
    more = decode_step(costs, sequences=1.5 + 1.05 * sequences, context_tokens=load.context_tokens)
    slope = (more.total_s - step.total_s) / (0.5 + 0.05 * sequences)
    stretch = 1 / (1 - min(MOST_STRETCH, max(0.0, slope * sequences / step.total_s)))
    queue = _queue(
        load, sequences, rate=rate, prompts_s=prompts, pass_s=step.total_s / costs.stages * -expm1(-sequences)
    )
    crowded, room_s = _crowding(load, sequences, stretch=stretch, residence_s=outputs * tpot)
    # from admission to its first token a request holds a place too: in its own passes, and in what the engine delays
    delayed = max(0.0, costs.ttft_steps - STEPS_COUNTED) * tpot
    held = sequences + rate * (queue.own_pass_s * costs.stages + delayed)
    return State(
        sequences=sequences,
        requests_per_s=rate,
        step=step,
        prompts_s=prompts,
        tpot_mean_s=tpot,
        interference=share,
        pass_variance=rate * tpot * here.second * bubble**2 / (1 - share**2),
        round_prompts=round_prompts,
        crowd_variance=sequences * load.burstiness * stretch * (slope / (1 - share)) ** 2,
        stretch=stretch,
        queue=queue,
        crowded=crowded,
        room_s=room_s,
        held=held,
        most_held=held + Z95 * sqrt(held * load.burstiness * stretch * load.context_spread),
    )


def added_s(load: Load, sequences: float) -> tuple[float, ...]:
    """
    What each prompt of the load adds to the passes that it shares with decoding sequences and with other prompts.

    For a prompt of mean length it is worked out from the pass itself, with the k = kappa / (1 - e^-kappa) prompts that
    one with prompts has in the mean, which read the weights together; longer ones save as much in each of their passes,
    shorter ones add in proportion.
    """
    costs, typical = load.costs, load.typical
    decoding = max(1.0, (1 + sequences) / costs.stages)
    kept = load.context_tokens if costs.window is None else min(load.context_tokens, costs.window)
    kappa = sequences / load.output_mean
    room = max(1.0, (costs.chunk - decoding) / typical.new_tokens)
    together = min(kappa / -expm1(-kappa) if kappa > 0 else 1.0, room)
    pairs_s = chunk_pairs_s(costs, tokens=typical.new_tokens, before=typical.cached_tokens)

    def seconds(prompts: float) -> float:
        return stage_s(
            costs,
            prompt_tokens=prompts * typical.new_tokens,
            prompts=prompts,
            prompt_pairs_s=prompts * pairs_s,
            sequences=decoding,
            cached_tokens=decoding * load.context_tokens,
            windowed_tokens=decoding * kept,
        )

    added = min(typical.alone_s, (seconds(together) - seconds(0.0)) / together)
    saved = typical.alone_s - added
    return tuple(
        added * one.new_tokens / typical.new_tokens
        if one.new_tokens <= typical.new_tokens
        else max(added, one.alone_s - one.passes * saved)
        for one in load.prompts
    )


def _moments(load: Load, times_s: tuple[float, ...]) -> Moments:
    """
    Of *times_s*, one for each prompt of the load.

    Of a sum over arrivals in a long time, the variance is lambda (E[S^2] + (c_a^2 - 1) E[S]^2).
    """
    first = square = cube = 0.0
    for one, time in zip(load.prompts, times_s, strict=True):
        weight = one.weight
        first += weight * time
        square += weight * time * time
        cube += weight * time**3
    return Moments(first, max(0.0, square + (load.burstiness - 1) * first**2), cube)


def _queue(load: Load, sequences: float, *, rate: float, prompts_s: tuple[float, ...], pass_s: float) -> Queue:
    """
    What a prompt waits for: prompts that arrive during a pass are all read in the next one, as far as its budget goes.

    With a the decode step and N Poisson arrivals in a pass T, the next takes a + S_1 + ... + S_N, so that

        E[T] = a / (1 - rho)    Var[T] = lambda E[T] E[S^2] / (1 - rho^2)    rho = lambda E[S]

    An arrival meets T by its length, m = E[T^2] / E[T], waits for half of it, and then for all that share its own pass:
    m / 2 + rho m. Of this, lambda E[S^2] / 2 (1 - rho) is the work before it as in M/G/1, a (1 + rho) / 2 (1 - rho) are
    steps, and rho m / 2 comes after it but ends with it, at most a full pass. Where prompts fill the token budget, each
    brings its share of a step along, S' = S + fill x a, and the M/G/1 wait is that of S'.
    """
    room = max(1.0, load.costs.chunk - sequences / load.costs.stages)
    fills = tuple(one.new_tokens / room for one in load.prompts)
    here = _moments(load, prompts_s)
    full = _moments(load, tuple(s + fill * pass_s for s, fill in zip(prompts_s, fills, strict=True)))
    rho, rho_full = min(rate * here.first, MOST_LOAD), min(rate * full.first, MOST_LOAD)
    work, work_full = (_work_ahead(rate, moments, load) for moments, load in ((here, rho), (full, rho_full)))

    length = pass_s / (1 - rho)
    variance = rate * length * here.second / (1 - rho**2)
    skew = rate * (length * here.third + 3 * rho * here.second * variance) / (1 - rho**3)
    longest = pass_s + here.first / sum(one.weight * fill for one, fill in zip(load.prompts, fills, strict=True))
    met = length + variance / length
    shrunk = min(1.0, longest / met)
    met_square = (skew / length + 3 * variance + length**2) * shrunk**2
    met *= shrunk
    met_variance = max(0.0, met_square - met**2)

    behind = min(rho * met, longest - pass_s) / 2
    mean = work_full[0] + pass_s * (1 + rho) / (2 * (1 - rho)) + behind
    deviation = met_square / 12 + rate * met * here.second + (0.5 + rho) ** 2 * met_variance
    deviation += max(0.0, work_full[1] - work[1])
    quiet = (1 - rho_full) * exp(-2 * rate * pass_s)
    if load.burstiness > 1:
        # those of its own burst: before it, less what the work ahead has of them, and after it into the same pass
        near, beside = _companions(load.burstiness, rate * met)
        counted = rate * (load.burstiness - 1) * here.first**2 / (2 * (1 - rho))
        ahead = max(0.0, beside * here.first - counted)
        mean += ahead + beside * here.first
        deviation += (
            2 * beside * max(here.second - (load.burstiness - 1) * here.first**2, 0.0)
            + (ahead + beside * here.first) ** 2
        )
        quiet *= (1 - near) ** 2
    quiet_s, quiet_variance = pass_s / 2, pass_s**2 / 12
    loud_s = max(quiet_s, (mean - quiet * quiet_s) / (1 - quiet)) if quiet < 1 else quiet_s
    square = deviation + mean**2 - quiet * (quiet_variance + quiet_s**2)
    return Queue(
        load=rate * full.first,
        pass_s=pass_s,
        fills=fills,
        mean_s=quiet * quiet_s + (1 - quiet) * loud_s,
        quiet=quiet,
        quiet_s=quiet_s,
        quiet_variance=quiet_variance,
        loud_s=loud_s,
        loud_variance=max(quiet_variance, square / (1 - quiet) - loud_s**2) if quiet < 1 else quiet_variance,
        longest_pass_s=longest * load.costs.stages,
        own_pass_s=pass_s + rho * met + here.first,
        own_pass_variance=rho**2 * met_variance + rate * met * here.second + max(0.0, here.second - here.first**2),
    )


def _companions(burstiness: float, arrivals: float) -> tuple[float, float]:
    """
    The chance that the next request follows within a time of so many *arrivals* in the mean, and how many do.

    Of gamma distributed gaps of shape k = 1 / c^2 below 1, F(w) is near (k w)^k / Gamma(k + 1) for small w; within w
    follow F + F^2 + ... requests, up to the (c^2 - 1) / 2 that a burst has on either side in a long time.
    """
    shape = 1 / burstiness
    near = min(0.99, (shape * arrivals) ** shape / gamma(shape + 1))
    return near, min((burstiness - 1) / 2, near / (1 - near))


def _work_ahead(rate: float, times: Moments, load: float) -> tuple[float, float]:
    """Mean and variance of the wait in an M/G/1 queue (Pollaczek, Khinchine, Takacs)."""
    mean = rate * times.second / (2 * (1 - load))
    return mean, mean**2 + rate * times.third / (3 * (1 - load))


def _crowding(load: Load, sequences: float, *, stretch: float, residence_s: float) -> tuple[float, float]:
    """
    The chance that a request finds no room to decode, with *sequences* decoding in the mean, and its mean wait for it.

    The number in flight varies as a Poisson number's, times burstiness and *stretch*; the cache that it holds by the
    spread of contexts too. Room comes back as sequences end, (c - b) / residence a second faster than they arrive.
    """
    spread = sequences * load.burstiness * stretch
    limits = (
        (load.in_memory, sqrt(spread * load.context_spread)),
        (load.max_num_seqs, sqrt(spread)),
    )
    chance, room = max((_blocking(limit - sequences, deviation), limit - sequences) for limit, deviation in limits)
    variability = (load.burstiness + load.output_spread) / 2
    return chance, residence_s * max(variability, 0.5) / max(room, 1.0)


def _blocking(room: float, deviation: float) -> float:
    """
    The chance to wait with *room* left in the mean: 1 / (1 + beta Phi(beta) / phi(beta)), beta = room / deviation.

    Source: Halfin and Whitt, Operations Research 29 (1981).
    """
    if room <= 0:
        return 1.0
    beta = min(CERTAIN, room / deviation) if deviation > 0 else CERTAIN
    return 1 / (1 + beta * NORMAL.cdf(beta) / NORMAL.pdf(beta))
