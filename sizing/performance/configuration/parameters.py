"""Where the parameters of a decoder sit: attention, feed-forward, experts, embedding. Elements, never bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterCounts:
    """Elements of each part over all layers; together they are the model's published total."""

    attention: int  # query, key, value and output projections
    latent: int  # of attention: the down-projections of MLA, which every tensor-parallel rank holds whole
    dense: int  # dense feed-forward, shared experts, routers, and what no formula names (linear layers, norms)
    router: int  # of dense: what chooses experts, never quantised
    routed: int  # routed experts, all of them
    embedding: int  # input table, output table unless tied, and what else is looked up
    head: int  # output projection: what one token multiplies with, tied or not

    @property
    def total(self) -> int:
        """All elements that memory holds."""
        return self.attention + self.latent + self.dense + self.routed + self.embedding


@lru_cache(maxsize=1024)
def count_parameters(model: Model) -> ParameterCounts:
    """
    The parameters of *model* by part, worked out from its dimensions; the rest to its total counts as dense.

    The rest is small for a plain transformer (norms, biases) and is all of the mixer in linear and state-space layers.
    Where the formulas exceed the published total (hybrids of which some layers have no feed-forward), the feed-forward
    is taken as that much smaller. A total of zero is unknown: the formulas stand.

    Source: performance model section 1.2.
    """
    attending = model.full_attention_layers + model.sliding_layers
    of_layer, latent = _attention(model)
    attention = attending * of_layer
    if model.attention_parameters is not None:
        attention = max(0, model.attention_parameters - attending * latent)
    table = model.vocab * model.hidden
    routed, feed_forward, router = _feed_forward(model)
    tables = table * (1 if model.tied_embeddings else 2) + model.lookup_parameters
    named = attention + attending * latent + feed_forward + routed + tables
    return ParameterCounts(
        attention=attention,
        latent=attending * latent,
        router=router,
        dense=feed_forward + (max(-feed_forward, model.parameters - named) if model.parameters else 0),
        routed=routed,
        embedding=tables,
        head=table,
    )


def _attention(model: Model) -> tuple[int, int]:
    """Elements of one layer's attention: those split over ranks, those that every rank holds (MLA)."""
    match model.mla:
        case None:
            return model.hidden * model.head_dim * (2 * model.heads + 2 * model.kv_heads), 0
        case LatentAttention() as mla:
            query_width = model.heads * (mla.nope_dim + mla.rope_dim)
            query = model.hidden * query_width if mla.q_rank is None else mla.q_rank * query_width
            down_query = 0 if mla.q_rank is None else model.hidden * mla.q_rank
            up = mla.kv_rank * model.heads * (mla.nope_dim + mla.v_dim)
            output = model.heads * mla.v_dim * model.hidden
            return query + up + output, down_query + model.hidden * (mla.kv_rank + mla.rope_dim)


def _feed_forward(model: Model) -> tuple[int, int, int]:
    """Elements of all layers: routed experts, everything dense (dense layers, shared experts, routers), and routers."""
    matrices = 3 if model.gated_ffn else 2
    match model.moe:
        case None:
            return 0, model.layers * matrices * model.hidden * model.intermediate, 0
        case MixtureOfExperts() as moe:
            sparse = model.layers - moe.dense_layers
            expert = matrices * model.hidden
            routed = sparse * moe.experts * matrices * (moe.latent or model.hidden) * moe.intermediate
            shared = sparse * moe.shared_experts * expert * moe.shared_intermediate
            router = sparse * model.hidden * moe.experts
            latent = sparse * 2 * model.hidden * (moe.latent or 0)
            return routed, shared + latent + router + moe.dense_layers * expert * model.intermediate, router
