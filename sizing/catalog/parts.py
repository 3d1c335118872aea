"""The weight matrices of a decoder by name and part, as quantisation configs speak of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.catalog.config_fields import Fields
from sizing.catalog.layer_kinds import LayerRole, layer_roles
from sizing.catalog.shape import Shape

# Below layers.<n>, what families call the block: attention, feed-forward, experts, and linear or state-space mixers.
_ATTENTION = ("self_attn", "attn", "attention", "mixer")
_FEED = ("mlp", "ffn", "feed_forward", "mixer", "block_sparse_moe")
_SHARED = tuple(f"{feed}.{name}" for feed in _FEED for name in ("shared_experts", "shared_expert", "shared_mlp"))
_EXPERTS = tuple(f"{feed}.experts" for feed in _FEED)
_LINEAR = ("linear_attn", "mixer", "mamba", "self_attn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One matrix, under every name that families give it."""

    part: str  # attention, dense, routed
    names: tuple[str, ...]
    elements: float


def modules_of(fields: Fields, shape: Shape) -> Iterator[Module]:
    """Every matrix of *shape*, layer by layer; experts as one, and a mixer's projections as the average layer's."""
    experts = ("experts", "moe.experts") if fields.model_type.startswith("gemma4") else _EXPERTS
    for index, roles in enumerate(layer_roles(fields, shape)):
        layer = f"layers.{index}"
        if LayerRole.ATTENTION in roles:
            for names, elements in _attention(shape):
                yield _module("attention", layer, _ATTENTION, names, elements)
        if LayerRole.LINEAR in roles:
            for name in ("in_proj_qkv", "in_proj_z", "out_proj"):
                names = (name, "in_proj", "in_proj_qkvz", "q_proj") if name != "out_proj" else (name, "o_proj")
                yield _module("dense", layer, _LINEAR, names, shape.hidden * shape.hidden)
        if LayerRole.DENSE in roles:
            for names in (("gate_proj", "gate_up_proj", "w1"), ("up_proj", "w3", "fc1"), ("down_proj", "w2", "fc2")):
                yield _module("dense", layer, _FEED, names, shape.hidden * shape.intermediate)
        if LayerRole.SPARSE in roles and shape.moe is not None:
            width = shape.moe.experts * shape.moe.intermediate
            yield _module("routed", layer, experts, ("0.gate_proj", "0.up_proj", "0.w1", "gate_up_proj"), width)
            shared = shape.moe.shared_experts * shape.moe.shared_intermediate
            if shared:
                yield _module("dense", layer, _SHARED, ("gate_proj", "up_proj", "w1"), 3 * shape.hidden * shared)


def _module(part: str, layer: str, blocks: tuple[str, ...], names: tuple[str, ...], elements: float) -> Module:
    return Module(
        part=part, names=tuple(f"{layer}.{block}.{name}" for block in blocks for name in names), elements=elements
    )


def _attention(shape: Shape) -> Iterator[tuple[tuple[str, ...], float]]:
    """Projections of one layer's attention, with their elements."""
    if shape.mla is None:
        query, cached = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        yield ("q_proj", "qkv_proj", "wq", "wq_b"), shape.hidden * query
        yield ("k_proj", "wk", "wkv"), shape.hidden * cached
        yield ("v_proj", "wv"), shape.hidden * cached
        yield ("o_proj", "wo", "wo_b"), shape.hidden * query
        return
    mla = shape.mla
    query = shape.heads * (mla.nope_dim + mla.rope_dim)
    if mla.q_rank is None:
        yield ("q_proj",), shape.hidden * query
    else:
        yield ("q_a_proj",), shape.hidden * mla.q_rank
        yield ("q_b_proj",), mla.q_rank * query
    yield ("kv_a_proj_with_mqa",), shape.hidden * (mla.kv_rank + mla.rope_dim)
    yield ("kv_b_proj",), mla.kv_rank * shape.heads * (mla.nope_dim + mla.v_dim)
    yield ("o_proj",), shape.heads * mla.v_dim * shape.hidden
