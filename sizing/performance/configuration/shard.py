"""What one accelerator of a replica holds and works on: weights, cache and arithmetic, in bytes and operations.

Everything that does not depend on the batch is worked out here, once per replica.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sizing.catalog.accelerator import Precision
from sizing.catalog.formats import BYTES_PER_ELEMENT, WeightFormats
from sizing.catalog.model import Model
from sizing.performance.configuration.parameters import ParameterCounts, count_parameters
from sizing.performance.configuration.precision import CACHE_BYTES_PER_ELEMENT, INDEX_BYTES_PER_ELEMENT, served_formats
from sizing.performance.configuration.replica import Replica

# Kernels of mxfp4 experts pad the hidden width to a multiple of this: vLLM holds gpt-oss, of width 2,880, as 3,072 wide
# (llm-d-incubation/llm-d-planner docs/empirical-vllm-memory-results.md: 13.47 and 64.38 GiB of weights).
MXFP4_WIDTH = 256

STATE_BYTES_PER_ELEMENT = 2  # of linear and state-space layers, in the model's format


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One accelerator of the busiest pipeline stage; figures per token and sequence are of its own rank."""

    layers: int
    moe_layers: int
    attention_elements: float  # projections, of this stage and rank
    dense_elements: float
    routed_elements: float  # all experts, this rank's share
    table_elements: float  # embedding or output table, whichever is larger on the stage
    routed_bytes: float  # with the padding of the kernels
    table_bytes: float
    beside_bytes: float  # routers' second byte, encoders, transposed copies of latent up-projections
    head_elements: float
    formats: WeightFormats
    weight_bytes: int
    cache_bytes_per_token_full: float  # held by layers that keep every token, indexers' keys included
    cache_bytes_per_token_sliding: float  # held by layers that keep a window
    read_bytes_per_token_full: float  # read by a decoding sequence for each cached token
    read_bytes_per_token_sliding: float  # read for each cached token of the window
    window: int | None  # tokens that layers with a window, or with an indexer, attend to
    state_bytes_per_sequence: float  # linear and state-space layers
    prefill_flop_per_pair: float  # attention arithmetic per (new token, earlier token) pair, full layers
    prefill_flop_per_pair_sliding: float
    decode_flop_per_cached_token: float  # the same while decoding (MLA: absorbed form)
    decode_flop_per_cached_token_sliding: float

    @property
    def attention_format(self) -> Precision:
        """What most of the projections are stored in."""
        return self.formats.attention.precision

    @property
    def dense_format(self) -> Precision:
        """What most of the feed-forward is stored in."""
        return self.formats.dense.precision

    @property
    def routed_format(self) -> Precision:
        """What the routed experts are stored in."""
        return self.formats.routed.precision


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The weights of one accelerator: elements by part, and bytes where they are not elements times their format."""

    formats: WeightFormats
    attention: float
    dense: float
    routed: float
    table: float
    routed_bytes: float
    table_bytes: float
    beside_bytes: float

    @property
    def bytes(self) -> float:
        """All of them."""
        return (
            self.attention * self.formats.attention.bytes_per_element
            + self.dense * self.formats.dense.bytes_per_element
            + self.routed_bytes
            + self.table_bytes
            + self.beside_bytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attending:
    """What attention holds, reads and computes per cached token, over all layers and ranks: elements and operations."""

    held_full: float
    read_full: float
    read_sliding: float
    index: float  # elements of indexers' keys
    window: int | None
    prefill_full: float
    prefill_sliding: float
    decode_full: float
    decode_sliding: float
    index_flop: float


@lru_cache(maxsize=65536)
def shard_of(replica: Replica) -> Shard:
    """The shard of one accelerator of *replica*."""
    model, layout, held = replica.model, replica.layout, _held(replica)
    stage_share, heads = _stage_share(replica), model.kv_heads if model.mla is None else 1
    copies = 1.0 if model.mla is not None else max(heads / layout.tp, 1) / heads
    cache_bytes = CACHE_BYTES_PER_ELEMENT[replica.kv] * copies * stage_share / (layout.cp * layout.dcp)
    attending, told = stage_share / (layout.tp * layout.cp), _attending(model)
    index_share = stage_share / layout.cp  # every tensor-parallel rank has the whole indexer
    index_bytes = told.index * INDEX_BYTES_PER_ELEMENT * index_share
    return Shard(
        layers=-(-model.layers // layout.pp),
        moe_layers=0 if model.moe is None else round((model.layers - model.moe.dense_layers) * stage_share),
        attention_elements=held.attention,
        dense_elements=held.dense,
        routed_elements=held.routed,
        table_elements=held.table,
        routed_bytes=held.routed_bytes,
        table_bytes=held.table_bytes,
        beside_bytes=held.beside_bytes,
        head_elements=count_parameters(model).head / layout.tp,
        formats=held.formats,
        weight_bytes=round(held.bytes),
        cache_bytes_per_token_full=told.held_full * cache_bytes + index_bytes,
        cache_bytes_per_token_sliding=model.kv_elements_per_token_sliding * cache_bytes,
        read_bytes_per_token_full=told.read_full * cache_bytes + index_bytes,
        read_bytes_per_token_sliding=told.read_sliding * cache_bytes,
        window=told.window,
        state_bytes_per_sequence=model.state_elements_per_sequence / layout.tp * stage_share * STATE_BYTES_PER_ELEMENT,
        prefill_flop_per_pair=told.prefill_full * attending + told.index_flop * index_share,
        prefill_flop_per_pair_sliding=told.prefill_sliding * attending,
        decode_flop_per_cached_token=told.decode_full * attending + told.index_flop * index_share,
        decode_flop_per_cached_token_sliding=told.decode_sliding * attending,
    )


def _stage_share(replica: Replica) -> float:
    """Of all layers, those of the longest pipeline stage."""
    return -(-replica.model.layers // replica.layout.pp) / replica.model.layers


def _held(replica: Replica) -> _Held:
    """The weights of one accelerator."""
    model, layout, counts = replica.model, replica.layout, count_parameters(replica.model)
    formats, stage_share = served_formats(model, replica.weights), _stage_share(replica)
    routed = counts.routed / layout.stage * stage_share
    return _Held(
        formats=formats,
        attention=(counts.attention / layout.tp + counts.latent) * stage_share,
        dense=counts.dense / layout.tp * stage_share,
        routed=routed,
        table=_table_elements(counts, model, layout.pp) / layout.tp,
        routed_bytes=routed * formats.routed.bytes_per_element * _padding(model, formats),
        table_bytes=_table_bytes(model, formats, layout.pp) / layout.tp,
        beside_bytes=_beside_bytes(counts, model, formats) / layout.tp * stage_share,
    )


def published_bytes(model: Model) -> int:
    """Bytes of the checkpoint of *model* as its publisher stores it, part by part."""
    counts, formats = count_parameters(model), served_formats(model, model.native_precision)
    return round(
        (counts.attention + counts.latent) * formats.attention.bytes_per_element
        + counts.dense * formats.dense.bytes_per_element
        + counts.routed * formats.routed.bytes_per_element
        + counts.router * max(0.0, BYTES_PER_ELEMENT[Precision.BF16] - formats.dense.bytes_per_element)
        + model.encoder_parameters * BYTES_PER_ELEMENT[Precision.BF16]
        + _table_bytes(model, formats, 1)
    )


def _attending(model: Model) -> _Attending:
    """
    Where an indexer chooses, its layers hold every token but read, and compute with, as many as it chooses.

    So they count among the layers with a window, of the tokens that a query attends to, and what grows with the context
    is the indexer itself. An entry that stands for several tokens is spread over them.
    """
    prefill, decode = _flop_per_pair(model)
    held, sparse = model.kv_elements_per_token_full, model.sparse
    if sparse is None:
        full, sliding = model.full_attention_layers, model.sliding_layers
        return _Attending(
            held_full=held,
            read_full=held,
            read_sliding=model.kv_elements_per_token_sliding,
            index=0,
            window=model.sliding_window,
            prefill_full=prefill * full,
            prefill_sliding=prefill * sliding,
            decode_full=decode * full,
            decode_sliding=decode * sliding,
            index_flop=0,
        )
    by_all, by_chosen = held - sparse.elements_per_token, sparse.elements_per_token
    entry = _entry_elements(model)
    return _Attending(
        held_full=held,
        read_full=by_all,
        read_sliding=by_chosen,
        index=sparse.index_elements_per_token,
        window=sparse.attended_tokens,
        prefill_full=prefill * by_all / entry,
        prefill_sliding=prefill * by_chosen / entry,
        decode_full=decode * by_all / entry,
        decode_sliding=decode * by_chosen / entry,
        index_flop=sparse.index_flop_per_pair,
    )


def _entry_elements(model: Model) -> int:
    """Elements that one layer caches for what it attends to as one: a latent vector, one shared entry, or K and V."""
    if model.mla is not None:
        return model.mla.kv_rank + model.mla.rope_dim
    compressed = model.kv_elements_per_token_full < model.full_attention_layers * model.kv_heads * model.head_dim
    return model.kv_heads * model.head_dim * (1 if compressed else 2)


def _padding(model: Model, formats: WeightFormats) -> float:
    if formats.routed.precision is not Precision.MXFP4:
        return 1.0
    width = model.hidden if model.moe is None or model.moe.latent is None else model.moe.latent
    return -(-width // MXFP4_WIDTH) * MXFP4_WIDTH / width


def _beside_bytes(counts: ParameterCounts, model: Model, formats: WeightFormats) -> float:
    """
    What is kept beside the matrices or wider than they are: routers, encoders, and copies of the latent up-projections.

    Absorbed latent attention multiplies by them transposed: vLLM 0.19 logged 0.17 GiB beyond DeepSeek-V2-Lite's file.
    """
    plain = BYTES_PER_ELEMENT[Precision.BF16]
    routers = counts.router * max(0.0, plain - formats.dense.bytes_per_element)
    copies = 0
    if model.mla is not None:
        layers = model.full_attention_layers + model.sliding_layers
        copies = layers * model.mla.kv_rank * model.heads * (model.mla.nope_dim + model.mla.v_dim)
    return routers + plain * (model.encoder_parameters + copies)


def _table_bytes(model: Model, formats: WeightFormats, stages: int) -> float:
    """Bytes of the tables on the stage with most: both on an only stage, else one on the first, one on the last."""
    table, held = model.vocab * model.hidden, (formats.embedding.bytes_per_element, formats.head.bytes_per_element)
    looked_up = model.lookup_parameters * held[0]  # on the first stage
    if stages > 1:
        return max(table * held[0] + looked_up, table * held[1])
    return table * (held[0] if model.tied_embeddings else sum(held)) + looked_up


def _table_elements(counts: ParameterCounts, model: Model, stages: int) -> float:
    """Elements of the tables on the stage with most."""
    return counts.embedding if stages == 1 else model.vocab * model.hidden + model.lookup_parameters


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
