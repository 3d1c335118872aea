"""The architecture of a model, as its config.json tells it; what performance and memory are worked out from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.accelerator import Precision
from sizing.catalog.formats import WeightFormats
from sizing.catalog.provenance import Provenance


class ModelKind(StrEnum):
    """What a model does with its input; only decoders are sized for serving today."""

    DECODER = "decoder"
    OTHER = "other"  # encoder, diffusion, vision: known by name, not sized yet


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureOfExperts:
    """The sparse feed-forward: memory holds every expert, a token computes with *experts_per_token* and the shared."""

    experts: int
    experts_per_token: int
    intermediate: int  # width of one routed expert
    shared_experts: int
    shared_intermediate: int  # width of one shared expert; 0 without
    dense_layers: int  # layers with a dense feed-forward instead
    latent: int | None = None  # width that routed experts work in, projected to and from; None: the hidden width


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentAttention:
    """Multi-head latent attention (MLA): one latent vector a token is cached, whole on every tensor-parallel rank."""

    q_rank: int | None  # None: queries are not compressed
    kv_rank: int
    rope_dim: int
    nope_dim: int
    v_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseAttention:
    """Layers that keep every token and let a small indexer choose which of them a query attends to."""

    attended_tokens: int  # most tokens of context that a query attends to in these layers
    elements_per_token: int  # of kv_elements_per_token_full: what these layers cache
    index_elements_per_token: int  # keys of the indexers, over all layers, at a byte and a scale each
    index_flop_per_pair: int  # operations of all indexers for one query and one cached token


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """
    One decoder (or a known other model), in elements and layers; bytes come from the precision it is served in.

    Layers split in three by what they cache: full attention, sliding-window attention, linear or state-space.
    """

    name: str
    aliases: tuple[str, ...]
    hub_id: str  # what a server loads: meta-llama/Llama-3.3-70B-Instruct, or a local path
    family: str
    kind: ModelKind
    layers: int
    full_attention_layers: int
    sliding_layers: int
    linear_layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int  # width of the dense feed-forward; 0 where every layer is MoE
    gated_ffn: bool  # three matrices (SwiGLU) against two
    vocab: int
    tied_embeddings: bool
    moe: MixtureOfExperts | None
    mla: LatentAttention | None
    sliding_window: int | None
    max_context: int
    parameters: int  # total: what memory holds
    active_parameters: int  # per token: what arithmetic touches
    kv_elements_per_token_full: int  # over all full-attention layers, keys and values
    kv_elements_per_token_sliding: int
    state_elements_per_sequence: int  # linear and state-space layers, independent of context; of 16 bits
    native_precision: Precision  # of the published checkpoint
    provenance: Provenance
    feed_forward_layers: int | None = None  # layers with a feed-forward; None: all (Nemotron-H: each is one or a mixer)
    image_token_side: int | None = None  # pixels a side of what one image token stands for; None: reads text alone
    encoder_parameters: int = 0  # of vision and audio encoders, beside *parameters*
    formats: WeightFormats | None = None  # what the checkpoint's parts are stored in; None: as is usual for the format
    sparse: SparseAttention | None = None
    attention_parameters: int | None = None  # of all attention layers together; None: as the dimensions give them
    lookup_parameters: int = 0  # of *parameters*: embeddings beside the input table, looked up and never multiplied
