"""Time of one pass in which chunks of prompts run beside decoding sequences."""

from __future__ import annotations

from sizing.performance.passes.forward import Costs, decode_step, stage_pass


def chunk_pairs_s(costs: Costs, *, tokens: float, before: float) -> float:
    """Attention arithmetic of *tokens* prompt tokens after *before* cached ones: n p + n^2 / 2 pairs a layer."""
    pairs = tokens * before + tokens**2 / 2
    sliding = pairs if costs.window is None else min(pairs, tokens * costs.window)
    return costs.prefill_pair_s * pairs + costs.prefill_pair_sliding_s * sliding


def stage_s(
    costs: Costs,
    *,
    prompt_tokens: float,
    prompts: float,
    prompt_pairs_s: float,
    sequences: float,
    cached_tokens: float,
    windowed_tokens: float,
) -> float:
    """
    Seconds that one pass occupies each pipeline stage.

    Without prompts this is `forward.decode_step`, without sequences `forward.prompts_s`. Together they are their sum,
    prompts times the measured interference: weights could be read once for both, but engines run such passes without
    captured graphs and attention apart, and measured ones win next to nothing.

    Args:
        costs: Of the replica.
        prompt_tokens: New tokens of all chunks in the pass.
        prompts: Prompts that end in it, each of which needs logits once.
        prompt_pairs_s: Sum of `chunk_pairs_s` over the chunks.
        sequences: Decoding, one token each.
        cached_tokens: Sum of their contexts.
        windowed_tokens: The same, each context cut at the model's window.
    """
    beside = 0.0
    if prompt_tokens > 0:
        pass_ = stage_pass(
            costs, tokens=prompt_tokens, rows=prompts, cache_s=0.0, pairs_s=prompt_pairs_s, sequences=0.0
        )
        beside = pass_.total_s
    if sequences <= 0:
        return beside
    if costs.speculation is not None:
        step = decode_step(costs, sequences=sequences * costs.stages, context_tokens=cached_tokens / sequences)
        return step.total_s / costs.stages + costs.interference * beside
    cache_s = costs.cache_token_s * cached_tokens + costs.cache_sliding_token_s * windowed_tokens
    pairs_s = costs.decode_pair_s * cached_tokens + costs.decode_pair_sliding_s * windowed_tokens
    decoding = stage_pass(
        costs,
        tokens=sequences,
        rows=sequences,
        cache_s=cache_s + costs.state_s * sequences,
        pairs_s=pairs_s,
        sequences=sequences,
    )
    return decoding.total_s + costs.interference * beside
