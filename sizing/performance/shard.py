"""What one accelerator of a replica holds and works on: weights, cache and arithmetic, in bytes and operations.

Everything that does not depend on the batch is worked out here, once per replica.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sizing.catalog.accelerator import Precision
from sizing.catalog.model import Model
from sizing.performance.parameters import ParameterCounts, count_parameters
from sizing.performance.precision import BYTES_PER_ELEMENT, CACHE_BYTES_PER_ELEMENT
from sizing.performance.replica import Replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One accelerator of the busiest pipeline stage; figures per token and sequence are of its own rank."""

    layers: int
    moe_layers: int
    attention_elements: float  # projections, of this stage and rank
    dense_elements: float
    routed_elements: float  # all experts, this rank's share
    table_elements: float  # embedding or output table, whichever is larger on the stage
    head_elements: float
    attention_format: Precision  # what the projections are stored in
    dense_format: Precision
    routed_format: Precision
    weight_bytes: int
    cache_bytes_per_token_full: float  # layers that keep every token
    cache_bytes_per_token_sliding: float  # layers that keep a window
    state_bytes_per_sequence: float  # linear and state-space layers
    prefill_flop_per_pair: float  # attention arithmetic per (new token, earlier token) pair, full layers
    prefill_flop_per_pair_sliding: float
    decode_flop_per_cached_token: float  # the same while decoding (MLA: absorbed form)
    decode_flop_per_cached_token_sliding: float


@lru_cache(maxsize=65536)
def shard_of(replica: Replica) -> Shard:
    """The shard of one accelerator of *replica*."""
    model, layout = replica.model, replica.layout
    counts = count_parameters(model)
    attention, dense, routed = formats(model, replica.weights)
    stages, ranks = layout.pp, layout.stage
    stage_share = -(-model.layers // stages) / model.layers
    elements = {
        "attention": (counts.attention / layout.tp + counts.latent) * stage_share,
        "dense": counts.dense / layout.tp * stage_share,
        "routed": counts.routed / ranks * stage_share,
        "table": _table_elements(counts, model, stages) / layout.tp,
    }
    heads = model.kv_heads if model.mla is None else 1
    cache_share = (1.0 if model.mla is not None else max(heads / layout.tp, 1) / heads) * stage_share / layout.cp
    cache_bytes = CACHE_BYTES_PER_ELEMENT[replica.kv]
    prefill_pair, decode_pair = _flop_per_pair(model)
    attending = stage_share / (layout.tp * layout.cp)  # heads over tensor ranks, contexts over context ranks
    full, sliding = (n * attending for n in (model.full_attention_layers, model.sliding_layers))
    return Shard(
        layers=-(-model.layers // stages),
        moe_layers=0 if model.moe is None else round((model.layers - model.moe.dense_layers) * stage_share),
        attention_elements=elements["attention"],
        dense_elements=elements["dense"],
        routed_elements=elements["routed"],
        table_elements=elements["table"],
        head_elements=counts.head / layout.tp,
        attention_format=attention,
        dense_format=dense,
        routed_format=routed,
        weight_bytes=round(
            elements["attention"] * BYTES_PER_ELEMENT[attention]
            + elements["dense"] * BYTES_PER_ELEMENT[dense]
            + elements["routed"] * BYTES_PER_ELEMENT[routed]
            + elements["table"] * table_bytes_per_element(replica.weights)
        ),
        cache_bytes_per_token_full=model.kv_elements_per_token_full * cache_share * cache_bytes,
        cache_bytes_per_token_sliding=model.kv_elements_per_token_sliding * cache_share * cache_bytes,
        state_bytes_per_sequence=model.state_elements_per_sequence / layout.tp * stage_share * 2,
        prefill_flop_per_pair=prefill_pair * full,
        prefill_flop_per_pair_sliding=prefill_pair * sliding,
        decode_flop_per_cached_token=decode_pair * full,
        decode_flop_per_cached_token_sliding=decode_pair * sliding,
    )


def formats(model: Model, weights: Precision) -> tuple[Precision, Precision, Precision]:
    """
    What attention, dense feed-forward and routed experts are stored in when a model is served in *weights*.

    Published mxfp4 checkpoints quantise the routed experts alone (gpt-oss); nvfp4 checkpoints of models with latent
    attention leave attention in bf16 (DeepSeek-R1-FP4). Everything else quantises all linear layers.
    """
    match weights:
        case Precision.MXFP4 if model.moe is not None:
            return Precision.BF16, Precision.BF16, Precision.MXFP4
        case Precision.NVFP4 if model.mla is not None:
            return Precision.BF16, Precision.NVFP4, Precision.NVFP4
        case _:
            return weights, weights, weights


def table_bytes_per_element(weights: Precision) -> float:
    """Bytes per element of the embedding and output tables: quantised checkpoints leave them in bf16."""
    return max(BYTES_PER_ELEMENT[weights], BYTES_PER_ELEMENT[Precision.BF16])


def _table_elements(counts: ParameterCounts, model: Model, stages: int) -> float:
    """Elements of the tables on the stage with most: both on an only stage, else one on the first, one on the last."""
    return counts.embedding if stages == 1 else model.vocab * model.hidden


def _flop_per_pair(model: Model) -> tuple[int, int]:
    """
    Operations of one layer for one pair of a new and an earlier token: in prefill, in decode.

    Two operations per element of the query-key product and of the value sum, over all heads; latent attention decodes
    against the compressed vector itself (absorbed), which is wider.
    """
    match model.mla:
        case None:
            pair = 4 * model.heads * model.head_dim
            return pair, pair
        case mla:
            prefill = 2 * model.heads * (mla.nope_dim + mla.rope_dim + mla.v_dim)
            decode = 2 * model.heads * (2 * mla.kv_rank + mla.rope_dim)
            return prefill, decode
