"""Memory of one accelerator as the engines really divide it: weights, activations, overhead, and the rest for cache."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.accelerator import AcceleratorKind
from sizing.performance.replica import Replica
from sizing.performance.shard import Shard, shard_of

# What XLA and the Neuron runtime keep for themselves, as a share of the device; no measured figure is published. It
# stands for the context, collective buffers and captured graphs that the engines' facts give for GPUs.
RUNTIME_SHARE = {AcceleratorKind.GPU: 0.0, AcceleratorKind.TPU: 0.05, AcceleratorKind.NEURON: 0.05}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """Bytes of one accelerator, and the cache tokens of the whole replica."""

    usable_bytes: int  # the engine's share of what the driver reports
    weight_bytes: int
    activation_bytes: int  # peak of one forward pass or of sampling
    overhead_bytes: int  # context, library buffers, captured graphs
    kv_bytes: int  # left for the cache; 0 where the rest does not fit
    kv_bytes_per_token: float  # of full attention and of windows that are not full yet
    sliding_bytes_per_token: float  # of kv_bytes_per_token: layers that keep a window only
    sliding_window: int | None
    state_bytes_per_sequence: float  # independent of context
    ranks: int  # attention-data-parallel ranks, each with a cache of its own

    @property
    def fits(self) -> bool:
        """Whether weights, activations and overhead leave room for at least one cached token."""
        return self.kv_tokens >= 1

    @property
    def kv_tokens(self) -> int:
        """Tokens that the replica can cache, every layer keeping all of them: what the engine prints at start."""
        return self.ranks * int(self.kv_bytes // self.kv_bytes_per_token) if self.kv_bytes_per_token else self.kv_bytes

    @property
    def headroom_bytes(self) -> int:
        """Bytes free after weights, activations and overhead; negative: what is missing."""
        return self.usable_bytes - self.weight_bytes - self.activation_bytes - self.overhead_bytes


def memory_budget(replica: Replica) -> MemoryBudget:
    """
    How the memory of each accelerator of *replica* is divided.

    vLLM takes a share of the whole device and gives the cache what is left: usable - weights - activations - overhead.
    TensorRT-LLM gives the cache a share of what is free. Activations are the larger of two peaks: a pass over the most
    batched tokens (feed-forward intermediates, split over tensor-parallel ranks, and hidden states), and sampling
    (logits, probabilities and sort buffers of every sequence).

    Source: performance model sections 1.3 to 1.5; checked against vLLM 0.19 logs in tests/sizing/test_memory.py.
    """
    shard, engine = shard_of(replica), replica.engine
    device = replica.accelerator.memory_bytes * (1 - RUNTIME_SHARE[replica.accelerator.kind])
    share = 1.0 if engine.fraction_of_free else engine.memory_utilisation
    usable = round(device * share)
    activation = activation_bytes(replica)
    overhead = overhead_bytes(replica)
    free = usable - shard.weight_bytes - activation - overhead
    cached = free * engine.memory_utilisation if engine.fraction_of_free else free
    return MemoryBudget(
        usable_bytes=usable,
        weight_bytes=shard.weight_bytes,
        activation_bytes=activation,
        overhead_bytes=overhead,
        kv_bytes=max(0, round(cached)),
        kv_bytes_per_token=shard.cache_bytes_per_token_full + shard.cache_bytes_per_token_sliding,
        sliding_bytes_per_token=shard.cache_bytes_per_token_sliding,
        sliding_window=replica.model.sliding_window,
        state_bytes_per_sequence=shard.state_bytes_per_sequence,
        ranks=replica.layout.dp,
    )


def overhead_bytes(replica: Replica) -> int:
    """Bytes per accelerator for context, library buffers and captured graphs; elsewhere than on GPUs, RUNTIME_SHARE."""
    if replica.accelerator.kind is not AcceleratorKind.GPU:
        return 0
    engine, linked = replica.engine, replica.layout.accelerators > 1
    return (engine.overhead_bytes_linked if linked else engine.overhead_bytes_single) + engine.graph_bytes


def activation_bytes(replica: Replica) -> int:
    """Peak bytes of activations per accelerator: the forward pass or the sampler, whichever is larger."""
    model, engine, tp = replica.model, replica.engine, replica.layout.tp
    width = model.intermediate
    if model.moe is not None:
        width = max(width, model.moe.experts_per_token * model.moe.intermediate)
    per_token = engine.forward_bytes_per_intermediate * width / tp + engine.forward_bytes_per_hidden * model.hidden
    sampler = engine.sampler_bytes_per_logit * replica.max_num_seqs * model.vocab
    return round(max(replica.max_num_batched_tokens * per_token, sampler))


def sequence_bytes(budget: MemoryBudget, context_tokens: float) -> float:
    """Bytes per accelerator that one sequence of *context_tokens* keeps: cache, windows, and constant state."""
    window = context_tokens if budget.sliding_window is None else min(context_tokens, budget.sliding_window)
    full = budget.kv_bytes_per_token - budget.sliding_bytes_per_token
    return full * context_tokens + budget.sliding_bytes_per_token * window + budget.state_bytes_per_sequence


def max_sequences(budget: MemoryBudget, context_tokens: float) -> int:
    """Sequences of *context_tokens* that the replica can hold at once, over all attention-data-parallel ranks."""
    each = sequence_bytes(budget, context_tokens)
    return budget.ranks * int(budget.kv_bytes // each) if each > 0 else 0


def cache_bytes_read(shard: Shard, context_tokens: float, window: int | None) -> float:
    """Bytes per accelerator that one decode step reads for one sequence: its cache, windows, and state."""
    kept = context_tokens if window is None else min(context_tokens, window)
    return (
        shard.cache_bytes_per_token_full * context_tokens
        + shard.cache_bytes_per_token_sliding * kept
        + shard.state_bytes_per_sequence
    )
