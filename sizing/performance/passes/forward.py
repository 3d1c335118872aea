"""Time of one forward pass over a replica: the kernel of every latency and throughput.

A pass mixes prompt tokens and decoding sequences. Its time is the sum of matrix products (smooth roofline of weight
traffic and arithmetic), attention, collectives, and a fixed overhead. Source: performance model sections 1.6 and 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

from sizing.catalog.accelerator import Precision
from sizing.catalog.formats import StoredPart
from sizing.catalog.model import MixtureOfExperts
from sizing.errors import UnknownFact
from sizing.performance.configuration.drafting import draft_of
from sizing.performance.configuration.precision import arithmetic, native_peak_flop_per_s
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.configuration.speculation import Speculation
from sizing.performance.passes.communication import communication, context_decode, context_prefill
from sizing.performance.passes.efficiency import Efficiency
from sizing.performance.passes.roofline import roofline_s
from sizing.performance.passes.routing import busiest_rank, experts_hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """One group of matrix products: seconds to stream its weights once, and seconds of arithmetic per token."""

    stream_s: float
    token_s: float

    def seconds(self, tokens: float) -> float:
        """Time for a pass of *tokens* through the group."""
        return roofline_s(self.stream_s, self.token_s * tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What passes over one replica cost, in seconds; batch and lengths are all that is left to fill in."""

    attention: Matrices
    dense: Matrices
    routed: Matrices  # stream_s: all experts; token_s: one token through its chosen experts
    head: Matrices
    experts: int
    experts_per_token: int
    expert_imbalance: float  # work of the busiest rank over the mean
    routing_variation: float
    cache_token_s: float  # read one cached token of the layers that keep all
    cache_sliding_token_s: float
    state_s: float  # read and write one sequence's constant state
    window: int | None
    decode_pair_s: float  # arithmetic of one new token with one cached token
    decode_pair_sliding_s: float
    prefill_pair_s: float
    prefill_pair_sliding_s: float
    collectives_s: float  # starts of all collectives in a pass
    collectives_token_s: float  # wire time per token of a rank
    context_prefill_s: float  # starts of the ring of context-parallel ranks, in a pass with prompts
    context_prefill_token_s: float
    context_decode_s: float  # and of what they exchange for decoding sequences
    context_decode_token_s: float
    fixed_s: float  # overhead per pass and stage
    prefill_fixed_s: float  # on top where the pass has prompts
    sequence_s: float
    stages: int
    ranks: int  # attention-data-parallel ranks
    chunk: int  # most tokens of a pass, per rank
    interference: float
    clumping: float
    ttft_floor_s: float
    ttft_steps: float  # before the first token, in times of one output token
    speculation: Speculation | None = None
    draft: Costs | None = None  # of the network that drafts


@dataclass(frozen=True, slots=True, kw_only=True)
class PassTime:
    """Where the time of one pass goes, in seconds."""

    weights_s: float  # streaming weights
    arithmetic_s: float
    cache_s: float
    collectives_s: float
    overhead_s: float
    total_s: float  # less than the sum where memory traffic and arithmetic overlap


@lru_cache(maxsize=16384)
def costs_of(replica: Replica, share: Efficiency) -> Costs:
    """The costs of *replica* where its devices reach the given *share* of their peaks."""
    shard, layout = shard_of(replica), replica.layout
    bandwidth = _known(replica.accelerator.memory_bytes_per_s, "memory bandwidth", replica)
    moe = replica.model.moe or MixtureOfExperts(
        experts=1, experts_per_token=0, intermediate=0, shared_experts=0, shared_intermediate=0, dense_layers=0
    )
    active_share = layout.dp * moe.experts_per_token / moe.experts

    def stored(elements: float, part: StoredPart, work: float = 1.0) -> Matrices:
        return Matrices(
            stream_s=elements * part.bytes_per_element / (share.bandwidth[part.precision] * bandwidth),
            token_s=2 * elements * work / _flop_per_s(replica, part.precision, share),
        )

    pair_per_s = share.attention_flops * _known(replica.accelerator.bf16_flop_per_s, "bf16 peak", replica)
    cache_per_s = share.cache_bandwidth * bandwidth
    every_pass = communication(replica, shard, share)
    prompts, decoders = context_prefill(replica, shard, share), context_decode(replica, shard, share)
    draft = draft_of(replica)
    each = 1 / layout.cp  # context ranks share the tokens of a pass, not the weights
    return Costs(
        attention=stored(shard.attention_elements, shard.formats.attention, each),
        dense=stored(shard.dense_elements, shard.formats.dense, each),
        routed=stored(shard.routed_elements, shard.formats.routed, active_share / share.grouped_flops),
        head=stored(shard.head_elements, shard.formats.head, each),
        experts=moe.experts,
        experts_per_token=moe.experts_per_token,
        expert_imbalance=busiest_rank(moe.experts, layout.ep, share.routing_variation),
        routing_variation=share.routing_variation,
        cache_token_s=shard.read_bytes_per_token_full / cache_per_s,
        cache_sliding_token_s=shard.read_bytes_per_token_sliding / cache_per_s,
        state_s=2 * shard.state_bytes_per_sequence / cache_per_s,
        window=shard.window,
        decode_pair_s=shard.decode_flop_per_cached_token / pair_per_s,
        decode_pair_sliding_s=shard.decode_flop_per_cached_token_sliding / pair_per_s,
        prefill_pair_s=shard.prefill_flop_per_pair / pair_per_s,
        prefill_pair_sliding_s=shard.prefill_flop_per_pair_sliding / pair_per_s,
        collectives_s=every_pass.starts_s,
        collectives_token_s=every_pass.token_s,
        context_prefill_s=prompts.starts_s,
        context_prefill_token_s=prompts.token_s,
        context_decode_s=decoders.starts_s,
        context_decode_token_s=decoders.token_s,
        fixed_s=share.step_s / layout.pp + shard.layers * share.layer_s + shard.moe_layers * share.moe_layer_s,
        prefill_fixed_s=shard.layers * share.prefill_layer_s,
        sequence_s=share.sequence_s,
        stages=layout.pp,
        ranks=layout.dp,
        chunk=replica.max_num_batched_tokens,
        interference=share.interference,
        clumping=share.clumping,
        ttft_floor_s=share.ttft_floor_s,
        ttft_steps=share.ttft_steps * (replica.speculation.tokens_per_step if replica.speculation else 1.0),
        speculation=replica.speculation,
        draft=None if draft is None else costs_of(draft, _inside_a_step(share)),
    )


@lru_cache(maxsize=256)
def _inside_a_step(share: Efficiency) -> Efficiency:
    """The same device, for passes that the engine neither schedules nor samples by themselves: those of a draft."""
    return replace(share, step_s=0.0, sequence_s=0.0)


def decode_step(costs: Costs, *, sequences: float, context_tokens: float) -> PassTime:
    """
    One token for each of *sequences* (per attention-data-parallel rank), *context_tokens* cached in the mean.

    With pipeline stages, every sequence passes all of them; the batch is split so that each stage is always busy. With
    speculation, the share of one token in a step that verifies a draft and yields several: gamma passes of the draft,
    and one of the model over gamma + 1 tokens of each sequence.
    """
    if costs.speculation is None:
        return _decode(costs, sequences=sequences, context_tokens=context_tokens, tokens_each=1)
    drafted, tokens = costs.speculation.draft_tokens, costs.speculation.tokens_per_step
    verified = _decode(costs, sequences=sequences, context_tokens=context_tokens, tokens_each=drafted + 1)
    if not costs.draft:
        return _times(verified, 1 / tokens)
    ahead = _decode(costs.draft, sequences=sequences, context_tokens=context_tokens, tokens_each=1)
    return _together(_times(verified, 1 / tokens), _times(ahead, drafted / tokens))


def _decode(costs: Costs, *, sequences: float, context_tokens: float, tokens_each: float) -> PassTime:
    """A pass over *tokens_each* new tokens of each of *sequences*: the cache is read once for all of a sequence."""
    micro = max(sequences / costs.stages, 1.0)
    kept = context_tokens if costs.window is None else min(context_tokens, costs.window)
    cache_s = micro * (costs.cache_token_s * context_tokens + costs.cache_sliding_token_s * kept + costs.state_s)
    tokens = micro * tokens_each
    pairs_s = tokens * (costs.decode_pair_s * context_tokens + costs.decode_pair_sliding_s * kept)
    stage = stage_pass(costs, tokens=tokens, rows=tokens, cache_s=cache_s, pairs_s=pairs_s, sequences=micro)
    return _times(stage, costs.stages)


def prefill_s(costs: Costs, *, new_tokens: float, cached_tokens: float) -> float:
    """Time that the replica is occupied by the prompt of one request (per rank); *cached_tokens* are reused."""
    return prompts_s(costs, prompts=1.0, tokens_each=new_tokens, cached_each=cached_tokens)


def prompts_s(costs: Costs, *, prompts: float, tokens_each: float, cached_each: float = 0.0) -> float:
    """
    Time to read *prompts* of *tokens_each* new tokens, in as few passes as the token budget allows.

    Attention pairs every new token with those before it: n c + n^2 / 2 for n new tokens after c cached ones.
    """
    tokens = prompts * tokens_each
    if tokens <= 0:
        return 0.0
    passes = -(-tokens // costs.chunk)
    pairs = tokens_each * cached_each + tokens_each**2 / 2
    pairs_sliding = pairs if costs.window is None else min(pairs, tokens_each * costs.window)
    pairs_s = prompts * (costs.prefill_pair_s * pairs + costs.prefill_pair_sliding_s * pairs_sliding)
    # all passes are taken as equally full: each streams the weights again
    stage = stage_pass(
        costs, tokens=tokens / passes, rows=prompts / passes, cache_s=0.0, pairs_s=pairs_s / passes, sequences=0.0
    )
    drafting_s = 0.0
    if costs.draft:  # the draft reads the prompt too
        drafting_s = prompts_s(costs.draft, prompts=prompts, tokens_each=tokens_each, cached_each=cached_each)
    return stage.total_s * passes + drafting_s


def prompts_together(costs: Costs, *, sequences: float, output_tokens: float, new_tokens: float) -> float:
    """
    Prompts that share a pass in the mean, at least one: those that arrive during a step, as far as its budget reaches.

    Of B sequences that each answer O tokens, B / O end in every step, and as many prompts take their places.
    """
    room = costs.chunk / new_tokens if new_tokens > 0 else 1.0
    ended = ended_each_step(costs, sequences=sequences, output_tokens=output_tokens)
    return max(1.0, min(ended, room))


def ended_each_step(costs: Costs, *, sequences: float, output_tokens: float) -> float:
    """Sequences, of B that each answer O tokens, that end in a step, and as many prompts take their places."""
    tokens = 1.0 if costs.speculation is None else costs.speculation.tokens_per_step
    return sequences / output_tokens * tokens


def prefill_latency_s(costs: Costs, *, new_tokens: float, cached_tokens: float, prompts: float = 1.0) -> float:
    """Time from the first chunk's start to the last chunk's end, through all pipeline stages."""
    passes = max(1.0, -(-prompts * new_tokens // costs.chunk))
    occupied = prompts_s(costs, prompts=prompts, tokens_each=new_tokens, cached_each=cached_tokens)
    return occupied * (1 + (costs.stages - 1) / passes)


def stage_pass(
    costs: Costs, *, tokens: float, rows: float, cache_s: float, pairs_s: float, sequences: float
) -> PassTime:
    """One pipeline stage over *tokens*, of which *rows* need logits and those of *sequences* decode."""
    routed_s, routed_stream_s, routed_work_s = _routed(costs, tokens)
    matrices_s = costs.attention.seconds(tokens) + costs.dense.seconds(tokens) + costs.head.seconds(rows) + routed_s
    attention_s = roofline_s(cache_s, pairs_s)
    collectives_s = costs.collectives_s + costs.collectives_token_s * tokens
    overhead_s = costs.fixed_s + costs.sequence_s * sequences
    decoding = sequences if costs.speculation is None else sequences * (costs.speculation.draft_tokens + 1)
    if decoding > 0:
        collectives_s += costs.context_decode_s + costs.context_decode_token_s * decoding
    if tokens > decoding:
        collectives_s += costs.context_prefill_s + costs.context_prefill_token_s * (tokens - decoding)
        overhead_s += costs.prefill_fixed_s
    return PassTime(
        weights_s=costs.attention.stream_s + costs.dense.stream_s + costs.head.stream_s + routed_stream_s,
        arithmetic_s=tokens * (costs.attention.token_s + costs.dense.token_s)
        + rows * costs.head.token_s
        + routed_work_s
        + pairs_s,
        cache_s=cache_s,
        collectives_s=collectives_s,
        overhead_s=overhead_s,
        total_s=matrices_s + attention_s + collectives_s + overhead_s,
    )


def _routed(costs: Costs, tokens: float) -> tuple[float, float, float]:
    """
    Time of the routed experts, and its memory and arithmetic parts; experts that no token chose are not read.

    The busiest rank has more tokens than the mean, but hardly more different experts: where choices crowd, they repeat.
    """
    if costs.experts_per_token == 0:
        return 0.0, 0.0, 0.0
    chosen = experts_hit(costs.experts, costs.experts_per_token, tokens * costs.ranks, costs.routing_variation)
    hit = chosen / costs.experts
    stream_s = costs.routed.stream_s * hit
    work_s = costs.routed.token_s * tokens * costs.expert_imbalance
    return roofline_s(stream_s, work_s), stream_s, work_s


def _times(stage: PassTime, factor: float) -> PassTime:
    """A time so many times: of each pipeline stage, or of a share of a step."""
    if factor == 1:
        return stage
    return PassTime(**{part.name: getattr(stage, part.name) * factor for part in fields(PassTime)})


def _together(first: PassTime, second: PassTime) -> PassTime:
    """One after the other."""
    return PassTime(**{part.name: getattr(first, part.name) + getattr(second, part.name) for part in fields(PassTime)})


def _flop_per_s(replica: Replica, stored: Precision, share: Efficiency) -> float:
    """Operations a second for matrices stored in a format: by the device's unit for it, or unpacked to bf16."""
    used = arithmetic(replica.accelerator, stored)
    peak = native_peak_flop_per_s(replica.accelerator, used)
    unpacked = 1.0 if used is stored else share.unpacked_flops
    return _known(peak, "bf16 peak", replica) * share.flops[used] * unpacked


def _known(value: float | None, fact: str, replica: Replica) -> float:
    if value is None:
        raise UnknownFact(kind=f"{fact} of accelerator", name=replica.accelerator.name)
    return value
