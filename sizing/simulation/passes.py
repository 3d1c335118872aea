"""Time of one pass in which chunks of prompts and decoding sequences share the streaming of the weights."""

from __future__ import annotations

from sizing.performance.forward import Costs, stage_pass
from sizing.performance.roofline import roofline_s


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

    Without prompts this is `forward.decode_step`, without sequences `forward.prompts_s`; together they are cheaper than
    one after the other, as weights are read and kernels launched once.

    Args:
        costs: Of the replica.
        prompt_tokens: New tokens of all chunks in the pass.
        prompts: Prompts that end in it, each of which needs logits once.
        prompt_pairs_s: Sum of `chunk_pairs_s` over the chunks.
        sequences: Decoding, one token each.
        cached_tokens: Sum of their contexts.
        windowed_tokens: The same, each context cut at the model's window.
    """
    cache_s = costs.cache_token_s * cached_tokens + costs.cache_sliding_token_s * windowed_tokens
    pairs_s = costs.decode_pair_s * cached_tokens + costs.decode_pair_sliding_s * windowed_tokens
    decoding_s = roofline_s(cache_s + costs.state_s * sequences, pairs_s)
    return stage_pass(
        costs,
        tokens=prompt_tokens + sequences,
        rows=prompts + sequences,
        cache_s=0.0,
        pairs_s=decoding_s + prompt_pairs_s,
        sequences=sequences,
    ).total_s
