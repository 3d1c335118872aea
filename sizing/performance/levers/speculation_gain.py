"""What speculative decoding gains a replica, and the batch beyond which it costs more than it gives."""

from __future__ import annotations

from dataclasses import replace

from sizing.performance.configuration.replica import Replica
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.passes.forward import costs_of, decode_step


def speculation_gain(replica: Replica, *, sequences: float, context_tokens: float) -> float:
    """
    Answer tokens per second of *replica* over those of the same replica that does not speculate; 1 without speculation.

    While a step is bound by reading weights and cache, verifying gamma + 1 tokens costs little more than one, and the
    gain nears the tokens per step over 1 + gamma times the draft's share. Once arithmetic binds, every token that is
    thrown away costs as much as one that is kept, and the gain falls below 1.

    Args:
        replica: With its speculation.
        sequences: Decoded together, per attention-data-parallel rank.
        context_tokens: Cached by each, in the mean.
    """
    share = efficiency_of(replica)
    plain = replace(replica, speculation=None)
    with_draft, without = (
        decode_step(costs_of(one, share), sequences=sequences, context_tokens=context_tokens).total_s
        for one in (replica, plain)
    )
    return without / with_draft


def break_even_sequences(replica: Replica, *, context_tokens: float) -> int:
    """
    The most sequences per rank, up to the engine's limit, with which speculation still gains; 0 where it never does.

    Found by doubling, then by bisection between the last batch that gains and the first beyond it that does not.
    """

    def gains(sequences: int) -> bool:
        return speculation_gain(replica, sequences=sequences, context_tokens=context_tokens) > 1

    limit = replica.max_num_seqs
    tried = [*(1 << n for n in range(limit.bit_length()) if 1 << n < limit), limit]
    gaining = [sequences for sequences in tried if gains(sequences)]
    if not gaining or gaining[-1] == limit:
        return gaining[-1] if gaining else 0
    low = gaining[-1]
    high = next(sequences for sequences in tried if sequences > low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if gains(middle) else (low, middle)
    return low
