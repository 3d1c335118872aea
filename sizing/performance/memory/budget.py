"""Memory of one accelerator as the engines really divide it: weights, activations, overhead, and the rest for cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.model import Model
from sizing.performance.configuration.drafting import draft_cache_bytes_per_token, draft_weight_bytes
from sizing.performance.configuration.engine import CacheRule, batch_limits
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.memory.activations import activation_bytes

# What the Neuron runtime keeps for itself, as a share of the device: instructions (96 MB a core), constants, scratch,
# rings and collectives; only the first is published as a figure (AWS Neuron documentation, device memory). XLA's part
# is off a TPU's memory already. It stands for what the engines' facts give for GPUs.
RUNTIME_SHARE = {AcceleratorKind.GPU: 0.0, AcceleratorKind.TPU: 0.0, AcceleratorKind.NEURON: 0.05}

# Tensor-parallel ranks from which SGLang captures graphs for more sequences.
WIDE_TP = 4

# Data-parallel ranks that SGLang's default reserve is taken for (it grows by some 2 GiB a rank), and the most that it
# may take of what is free. Whoever starts a wider server, or one that would keep more back than it caches, sets the
# share by hand, as SGLang's own guide advises.
RESERVED_DP = 8
RESERVED_SHARE = 0.5


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
    block_tokens: int  # the cache is handed out in blocks
    chunk_tokens: int  # most prompt tokens of a pass: the layers with a window keep them all until it ends

    @property
    def fits(self) -> bool:
        """Whether weights, activations and overhead leave room for at least one cached token."""
        return self.kv_tokens >= 1

    @property
    def kv_tokens(self) -> int:
        """Tokens that the replica can cache, every layer keeping all of them: what the engine prints at start."""
        if not self.kv_bytes_per_token:
            return self.kv_bytes
        blocks = int(self.kv_bytes // (self.kv_bytes_per_token * self.block_tokens))
        return self.ranks * blocks * self.block_tokens

    @property
    def headroom_bytes(self) -> int:
        """Bytes free after weights, activations and overhead; negative: what is missing."""
        return self.usable_bytes - self.weight_bytes - self.activation_bytes - self.overhead_bytes


@lru_cache(maxsize=16384)
def memory_budget(replica: Replica) -> MemoryBudget:
    """
    How the memory of each accelerator of *replica* is divided, on the pipeline stage with least room.

    vLLM takes a share of the whole device and gives the cache what is left: usable - weights - activations - overhead.
    TensorRT-LLM gives the cache a share of what is free. SGLang sets a reserve aside, in which activations and graphs
    must find room; what exceeds them there is counted as overhead.

    Source: performance model sections 1.3 to 1.5; checked against vLLM's logs in tests/sizing/test_memory.py.
    """
    shard, engine = shard_of(replica), replica.engine
    device = replica.accelerator.memory_bytes * (1 - RUNTIME_SHARE[replica.accelerator.kind])
    share = engine.memory_utilisation if engine.cache_rule is CacheRule.SHARE_OF_DEVICE else 1.0
    usable, activation, overhead = round(device * share), activation_bytes(replica), overhead_bytes(replica)
    weights = shard.weight_bytes + draft_weight_bytes(replica)
    free = usable - weights - activation - overhead
    cached = free * engine.memory_utilisation if engine.cache_rule is CacheRule.SHARE_OF_FREE else free
    most = usable * batch_limits(engine, replica.accelerator).cache_share
    full, sliding = _padding(replica.model) if engine.pads_layer_groups else (1.0, 1.0)
    in_window = shard.cache_bytes_per_token_sliding * sliding
    return MemoryBudget(
        usable_bytes=usable,
        weight_bytes=weights,
        activation_bytes=activation,
        overhead_bytes=overhead,
        kv_bytes=max(0, round(min(cached, most))),
        kv_bytes_per_token=shard.cache_bytes_per_token_full * full + in_window + draft_cache_bytes_per_token(replica),
        sliding_bytes_per_token=in_window,
        sliding_window=replica.model.sliding_window,
        state_bytes_per_sequence=shard.state_bytes_per_sequence,
        ranks=replica.layout.dp,
        block_tokens=engine.block_tokens,
        chunk_tokens=replica.max_num_batched_tokens,
    )


def overhead_bytes(replica: Replica) -> int:
    """
    Bytes per accelerator for context, library buffers and captured graphs; elsewhere than on GPUs, RUNTIME_SHARE.

    With a reserve (SGLang), all of it that activations do not take.
    """
    if replica.accelerator.kind is not AcceleratorKind.GPU:
        return 0
    engine, layout = replica.engine, replica.layout
    linked = engine.overhead_bytes_staged if layout.pp > 1 else engine.overhead_bytes_single
    if layout.stage > 1:
        linked = engine.overhead_bytes_linked
    shard, activation = shard_of(replica), activation_bytes(replica)
    kept = linked + engine.graph_bytes + engine.graph_bytes_per_layer * shard.layers
    free = replica.accelerator.memory_bytes - shard.weight_bytes - activation - kept
    return kept + max(0, min(_reserve_bytes(replica) - activation, round(RESERVED_SHARE * free)))


def _reserve_bytes(replica: Replica) -> int:
    """What SGLang keeps off weights and cache before it measures anything; 0 for engines that measure."""
    engine, layout, reserve = replica.engine, replica.layout, replica.engine.reserve
    if reserve is None:
        return 0
    limits = batch_limits(engine, replica.accelerator)
    graphs = limits.graph_batch_wide if layout.tp >= WIDE_TP else limits.graph_batch
    large = graphs > reserve.large_graph_batch
    by_rank = reserve.bytes_per_graph_sequence_dp_large if large else reserve.bytes_per_graph_sequence_dp
    wanted = (
        reserve.base_bytes
        + reserve.bytes_per_batched_token * replica.max_num_batched_tokens
        + reserve.bytes_per_rank * layout.tp * layout.pp
        + reserve.bytes_per_graph_sequence * graphs
        + (by_rank * graphs * min(layout.dp, RESERVED_DP) if layout.dp > 1 else 0.0)
    )
    floored = replica.accelerator.memory_bytes > reserve.least_above_bytes
    return round(max(wanted, reserve.least_bytes) if floored else wanted)


def _padding(model: Model) -> tuple[float, float]:
    """
    By how much full and sliding layers' caches grow where layers come in groups of one size.

    vLLM shares one pool of blocks among kinds of layers: groups have as many layers as the rarer kind, or as the more
    common one if that is less than a quarter larger, and the last group is padded. Gemma 3 27B: 10 full and 52 sliding
    layers take 10 and 60 places.
    """
    kinds = (model.full_attention_layers, model.sliding_layers)
    if min(kinds) == 0:
        return 1.0, 1.0
    group = max(kinds) if max(kinds) < 1.25 * min(kinds) else min(kinds)
    full, sliding = (-(-layers // group) * group / layers for layers in kinds)
    return full, sliding


def sequence_bytes(budget: MemoryBudget, context_tokens: float) -> float:
    """Bytes per accelerator that one sequence of *context_tokens* keeps: cache in whole blocks, and constant state."""
    held = -(-context_tokens // budget.block_tokens) * budget.block_tokens
    window = held if budget.sliding_window is None else min(held, budget.sliding_window)
    full = budget.kv_bytes_per_token - budget.sliding_bytes_per_token
    return full * held + budget.sliding_bytes_per_token * window + budget.state_bytes_per_sequence


def max_sequences(budget: MemoryBudget, context_tokens: float) -> int:
    """
    Sequences of *context_tokens* that the replica can hold at once, over all attention-data-parallel ranks.

    Layers with a window keep the whole chunk of the prompt that is being read, beyond its window; one at a time is.
    """
    each = sequence_bytes(budget, context_tokens)
    reading = 0.0
    if budget.sliding_window is not None:
        held = min(context_tokens, budget.sliding_window + budget.chunk_tokens)
        reading = budget.sliding_bytes_per_token * max(0.0, held - budget.sliding_window)
    return budget.ranks * int(max(0.0, budget.kv_bytes - reading) // each) if each > 0 else 0
