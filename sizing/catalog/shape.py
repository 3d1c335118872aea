"""The dimensions of a decoder, and how many parameters follow from them."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def attention_parameters(self) -> int:
        """Of one attention layer (query, key, value and output projections)."""
        if self.mla is None:
            return self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        latent, qk_dim = self.mla, self.mla.nope_dim + self.mla.rope_dim
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
        attention = (self.full + self.sliding) * self.attention_parameters + self.linear * linear_parameters
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        if self.moe is None:
            feeding = self.layers if self.feed_forward_layers is None else self.feed_forward_layers
            return attention + feeding * self.ffn_parameters(self.intermediate) + embeddings
        moe = self.moe
        experts = moe.experts_per_token if active else moe.experts
        routed = experts * self.ffn_parameters(moe.intermediate) + self.hidden * moe.experts
        shared = moe.shared_experts * self.ffn_parameters(moe.shared_intermediate)
        dense = moe.dense_layers * self.ffn_parameters(self.intermediate)
        return attention + (self.layers - moe.dense_layers) * (routed + shared) + dense + embeddings


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
