"""The dimensions of a decoder, and how many parameters follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Dimensions of the layers, as far as parameters and cache need them."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    gated: bool
    vocab: int
    tied: bool
    layers: int
    full: int
    sliding: int
    linear: int
    moe: MixtureOfExperts | None
    mla: LatentAttention | None
    feed_forward_layers: int | None = None  # None: every layer has one
    value_dim: int | None = None  # of a head, where it is not the head dimension
    sliding_kv_heads: int | None = None  # where layers with a window have another number
    full_head_dim: int | None = None  # where layers without a window have other heads (Gemma 4)
    full_kv_heads: int | None = None
    keys_are_values: bool = False  # one projection for both, in layers without a window
    output_rank: int | None = None  # output projection in two steps, the first by groups (DeepSeek-V4)
    output_groups: int = 1
    query_rank: int | None = None  # the same of queries, without latent keys
    sharing_full: int = 0  # layers that use the keys and values of an earlier one (Gemma 3n and 4)
    sharing_sliding: int = 0
    extra_parameters: int = 0  # what no other figure tells: indexers, compressors, per-layer embeddings

    @property
    def attention_parameters(self) -> int:
        """Of all attention layers (query, key, value and output projections)."""
        full_heads, sliding_heads = self.full_kv_heads or self.kv_heads, self.sliding_kv_heads or self.kv_heads
        full = self._attention(full_heads, self.full_head_dim, full=True)
        sliding = self._attention(sliding_heads, None, full=False)
        return (
            self.full * full
            + self.sliding * sliding
            - self.sharing_full * self.hidden * self._cached(full_heads, self.full_head_dim)
            - self.sharing_sliding * self.hidden * self._cached(sliding_heads, None)
        )

    @property
    def cached_full(self) -> int:
        """Elements that layers without a window cache for one token: keys and values, or one latent vector."""
        return (self.full - self.sharing_full) * self._cached(self.full_kv_heads or self.kv_heads, self.full_head_dim)

    @property
    def cached_sliding(self) -> int:
        """Elements that layers with a window cache for one token."""
        return (self.sliding - self.sharing_sliding) * self._cached(self.sliding_kv_heads or self.kv_heads, None)

    def _cached(self, kv_heads: int, head_dim: int | None) -> int:
        if self.mla is not None:
            return self.mla.kv_rank + self.mla.rope_dim
        keys = head_dim or self.head_dim
        return kv_heads * (keys + (head_dim or self.value_dim or self.head_dim))

    def _attention(self, kv_heads: int, head_dim: int | None, *, full: bool) -> int:
        """Of one layer."""
        if self.mla is not None:
            return self._latent_attention(self.mla)
        keys = head_dim or self.head_dim
        values = head_dim or self.value_dim or self.head_dim
        query = self.heads * keys
        queries = self.hidden * query if self.query_rank is None else self.query_rank * (self.hidden + query)
        if self.output_rank is None:
            outputs = self.hidden * self.heads * values
        else:
            outputs = self.output_rank * (self.heads * values + self.output_groups * self.hidden)
        shared = self.query_rank is not None or (self.keys_are_values and full)  # one entry is key and value
        return queries + self.hidden * kv_heads * (keys + (0 if shared else values)) + outputs

    def _latent_attention(self, latent: LatentAttention) -> int:
        qk_dim = latent.nope_dim + latent.rope_dim
        query = (
            self.hidden * self.heads * qk_dim
            if latent.q_rank is None
            else latent.q_rank * (self.hidden + self.heads * qk_dim)
        )
        cached = self.hidden * (latent.kv_rank + latent.rope_dim)
        expanded = latent.kv_rank * self.heads * (latent.nope_dim + latent.v_dim)
        return query + cached + expanded + self.heads * latent.v_dim * self.hidden

    def ffn_parameters(self, width: int) -> int:
        """Of one feed-forward of this width."""
        return (3 if self.gated else 2) * self.hidden * width

    def parameters(self, linear_parameters: int, *, active: bool) -> int:
        """All weights; with *active*, those that one token is multiplied by."""
        attention = self.attention_parameters + self.linear * linear_parameters + self.extra_parameters
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        if self.moe is None:
            feeding = self.layers if self.feed_forward_layers is None else self.feed_forward_layers
            return attention + feeding * self.ffn_parameters(self.intermediate) + embeddings
        moe = self.moe
        experts = moe.experts_per_token if active else moe.experts
        width = moe.latent or self.hidden
        routed = experts * self.ffn_parameters(moe.intermediate) * width // self.hidden + self.hidden * moe.experts
        if moe.latent is not None:
            routed += 2 * self.hidden * moe.latent
        shared = moe.shared_experts * self.ffn_parameters(moe.shared_intermediate)
        dense = moe.dense_layers * self.ffn_parameters(self.intermediate)
        return attention + (self.layers - moe.dense_layers) * (routed + shared) + dense + embeddings


class Dimensions(TypedDict):
    """The fields that a model has from its shape."""

    layers: int
    full_attention_layers: int
    sliding_layers: int
    linear_layers: int
    feed_forward_layers: int | None
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    gated_ffn: bool
    tied_embeddings: bool
    moe: MixtureOfExperts | None
    mla: LatentAttention | None


def dimensions(shape: Shape) -> Dimensions:
    """What a model of this shape is built with."""
    return Dimensions(
        layers=shape.layers,
        full_attention_layers=shape.full,
        sliding_layers=shape.sliding,
        linear_layers=shape.linear,
        feed_forward_layers=shape.feed_forward_layers,
        hidden=shape.hidden,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        intermediate=shape.intermediate,
        gated_ffn=shape.gated,
        tied_embeddings=shape.tied,
        moe=shape.moe,
        mla=shape.mla,
    )


def shape_of(model: Model) -> Shape:
    """The dimensions of a model that is known."""
    return Shape(
        hidden=model.hidden,
        heads=model.heads,
        kv_heads=model.kv_heads,
        head_dim=model.head_dim,
        intermediate=model.intermediate,
        gated=model.gated_ffn,
        vocab=model.vocab,
        tied=model.tied_embeddings,
        layers=model.layers,
        full=model.full_attention_layers,
        sliding=model.sliding_layers,
        linear=model.linear_layers,
        moe=model.moe,
        mla=model.mla,
        feed_forward_layers=model.feed_forward_layers,
    )
