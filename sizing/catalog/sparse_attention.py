"""Attention that chooses: indexers over latent or plain caches, and DeepSeek-V4's compressed entries."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.config_fields import Fields
from sizing.catalog.model import SparseAttention
from sizing.catalog.shape import Shape

# Compression from which a layer attends to all of its entries; below, an indexer chooses among them.
FAR_RATIO = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What choosing attention changes in a model: its parameters, its cache, and what a query reads of it."""

    sparse: SparseAttention
    parameters: int  # indexers and compressors
    cached_full: int  # elements per token in place of the plain ones
    state: int  # elements per sequence: the last tokens uncompressed, in every layer


def chosen(fields: Fields, shape: Shape) -> Chosen | None:
    """What the file says of an indexer; None where every query attends to all that its layer keeps."""
    if fields.listed("compress_ratios"):
        return _compressed(fields, shape)
    if fields.part("sparse_attention_config"):
        return _blocks(Fields(fields.part("sparse_attention_config"), fields.source), shape)
    if fields.whole(("index_topk",), default=0):
        return _indexed(fields, shape)
    return None


def _indexed(fields: Fields, shape: Shape) -> Chosen:
    """An indexer over latent attention (DeepSeek-V3.2, GLM-5): the best 2,048 tokens; layers may share its choice."""
    heads, dim = fields.positive(("index_n_heads",)), fields.positive(("index_head_dim",))
    shared = [str(kind) for kind in fields.listed("indexer_types")].count("shared")
    layers = max(1, shape.full - shared)
    source = shape.mla.q_rank if shape.mla is not None and shape.mla.q_rank is not None else shape.hidden
    return Chosen(
        sparse=SparseAttention(
            attended_tokens=fields.positive(("index_topk",)),
            elements_per_token=shape.cached_full,
            index_elements_per_token=layers * dim,
            index_flop_per_pair=layers * 2 * heads * dim,
        ),
        parameters=layers * (source * heads * dim + shape.hidden * (dim + heads)),
        cached_full=shape.cached_full,
        state=0,
    )


def _blocks(fields: Fields, shape: Shape) -> Chosen | None:
    """An indexer that chooses blocks of tokens, and the last ones besides (MiniMax-M3)."""
    if not fields.claims("use_sparse_attention"):
        return None
    block = fields.positive(("sparse_block_size",))
    blocks = fields.positive(("sparse_topk_blocks",)) + fields.whole(("sparse_local_block",), default=0)
    flags = fields.listed("sparse_attention_freq")
    layers = sum(flag == 1 for flag in flags) if flags else shape.full
    heads, dim = fields.positive(("sparse_num_index_heads",)), fields.positive(("sparse_index_dim",))
    return Chosen(
        sparse=SparseAttention(
            attended_tokens=block * blocks,
            elements_per_token=shape.cached_full * layers // shape.full,
            index_elements_per_token=layers * dim,
            index_flop_per_pair=layers * 2 * heads * dim,
        ),
        parameters=layers * shape.hidden * dim * (heads + 1),
        cached_full=shape.cached_full,
        state=0,
    )


def _compressed(fields: Fields, shape: Shape) -> Chosen:
    """
    DeepSeek-V4: an entry stands for 4 tokens in some layers and for 128 in others, and is key and value in one.

    Among the former an indexer chooses; all layers see the last tokens uncompressed too, which is a constant state.
    """
    ratios = [ratio for ratio in fields.listed("compress_ratios")[: shape.layers] if isinstance(ratio, int)]
    entry, window = shape.head_dim, fields.whole(("sliding_window",), default=0)
    near = [ratio for ratio in ratios if 0 < ratio < FAR_RATIO]
    far = [ratio for ratio in ratios if ratio >= FAR_RATIO]
    heads, dim = fields.positive(("index_n_heads",)), fields.positive(("index_head_dim",))
    stride = near[0] if near else 1
    selected = sum(entry // ratio for ratio in near)
    # overlapping entries of the near layers are projected twice; each projection has a gate
    compressors = shape.hidden * (entry * 2 * (2 * len(near) + len(far)) + dim * 4 * len(near))
    indexers = len(near) * ((shape.query_rank or shape.hidden) * heads * dim + shape.hidden * heads)
    return Chosen(
        sparse=SparseAttention(
            attended_tokens=fields.positive(("index_topk",)) * stride,
            elements_per_token=selected,
            index_elements_per_token=sum(dim // ratio for ratio in near),
            index_flop_per_pair=sum(2 * heads * dim // ratio for ratio in near),
        ),
        parameters=compressors + indexers,
        cached_full=selected + sum(entry // ratio for ratio in far),
        state=shape.layers * window * entry,
    )
