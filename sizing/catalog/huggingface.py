"""Any Hugging Face `config.json` of a decoder as a `Model`: architecture, parameters and cache, from the file alone.

Parameter counts follow from the shapes (biases and norms are left out: under 0.1 % of any model checked). Families
differ in names more than in shapes, so most of this is tables of names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sizing.catalog.config_fields import (
    CONTEXT,
    EXPERT_WIDTH,
    EXPERTS,
    EXPERTS_PER_TOKEN,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    INTERMEDIATE,
    KV_HEADS,
    LAYERS,
    SHARED_EXPERTS,
    SHARED_WIDTH,
    VOCABULARY,
    Fields,
    language_fields,
)
from sizing.catalog.encoder import encoder_of
from sizing.catalog.formats import native_precision
from sizing.catalog.layer_embeddings import with_layer_embeddings
from sizing.catalog.layer_kinds import LayerKinds, layer_blocks, layer_kinds, sparse_layers, window
from sizing.catalog.linear_layer import linear_layer
from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model, ModelKind
from sizing.catalog.provenance import Provenance
from sizing.catalog.quantization import weight_formats
from sizing.catalog.searched_blocks import searched_blocks
from sizing.catalog.shape import Shape, dimensions
from sizing.catalog.sparse_attention import chosen

# Two matrices in the feed-forward instead of three.
_UNGATED = frozenset(
    {"bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt", "nemotron"}
    | {"nemotron_h", "opt", "persimmon", "phi", "starcoder2"}
)
_NOT_DECODERS = frozenset(
    {"albert", "bart", "bert", "clip", "deberta", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet"}
    | {"mt5", "resnet", "roberta", "siglip", "speecht5", "t5", "vit", "wav2vec2", "whisper", "xlm-roberta"}
)
_TIED = frozenset(  # input and output embeddings are one unless the file says otherwise
    {"bloom", "cohere", "cohere2", "falcon", "gemma", "gemma2", "gemma3", "gemma3_text", "gpt2", "gpt_bigcode"}
    | {"gpt_neo", "mpt", "opt", "starcoder2"}
)
_QUERY_GATED = frozenset({"qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text"})


def model_from_config(mapping: Mapping[str, object], *, name: str, source: str) -> Model:
    """
    The model that a `config.json` describes.

    Args:
        mapping: The parsed file; a multimodal one is read by its `text_config`.
        name: What to call the model, and what a server is asked to load.
        source: Where the file is, for messages and provenance.

    Raises:
        InvalidModel: Naming the field that is missing or cannot be, or that the model is no decoder.
    """
    fields = _decoder_fields(mapping, source)
    shape = _shape(fields)
    linear_parameters, state_elements = linear_layer(fields, shape)
    choice, lookup = chosen(fields, shape), 0
    if fields.whole(("hidden_size_per_layer_input",), default=0):
        shape, lookup = with_layer_embeddings(fields, shape)
    if choice is not None:
        shape = replace(shape, extra_parameters=shape.extra_parameters + choice.parameters)
    formats, encoder = weight_formats(fields, shape), encoder_of(mapping)
    gates = shape.full * shape.hidden * shape.heads * shape.head_dim if _gates_its_queries(fields) else 0
    return Model(
        name=name,
        aliases=(),
        hub_id=str(mapping.get("_name_or_path") or name),
        family=fields.model_type or "unknown",
        kind=ModelKind.DECODER,
        **dimensions(shape),
        vocab=shape.vocab,
        sliding_window=window(fields) if shape.sliding else None,
        max_context=fields.positive(CONTEXT, default=2048),
        parameters=shape.parameters(linear_parameters, active=False) + gates,
        active_parameters=shape.parameters(linear_parameters, active=True) + gates - lookup,
        kv_elements_per_token_full=shape.cached_full if choice is None else choice.cached_full,
        kv_elements_per_token_sliding=shape.cached_sliding,
        state_elements_per_sequence=shape.linear * state_elements + (0 if choice is None else choice.state),
        native_precision=native_precision(formats, experts=shape.moe is not None),
        formats=formats,
        encoder_parameters=encoder.parameters,
        lookup_parameters=lookup,
        image_token_side=encoder.image_token_side,
        sparse=None if choice is None else choice.sparse,
        attention_parameters=shape.attention_parameters + gates,
        provenance=Provenance(source=source, as_of="as the file stands"),
    )


def _decoder_fields(mapping: Mapping[str, object], source: str) -> Fields:
    fields = language_fields(mapping, source=source)
    if fields.model_type in _NOT_DECODERS or fields.claims("is_encoder_decoder"):
        raise fields.wrong(
            f"model_type {fields.model_type!r} is not a decoder, and only decoders are sized for serving yet",
            "use the config.json of a decoder-only language model",
        )
    return fields


def _shape(fields: Fields) -> Shape:
    hidden, heads = fields.positive(HIDDEN), fields.positive(HEADS)
    layers = fields.positive(LAYERS, default=len(layer_blocks(fields)) or None)
    kinds, mla = layer_kinds(fields, layers), _latent(fields)
    moe = _experts(fields, layers, kinds)
    searched = searched_blocks(fields.config, hidden)
    return Shape(
        hidden=hidden,
        heads=heads,
        kv_heads=_kv_heads(fields, heads) if searched is None else max(1, heads // searched.group),
        head_dim=_head_dim(fields, hidden, heads) if mla is None else mla.nope_dim + mla.rope_dim,
        intermediate=_intermediate(fields, hidden, moe) if searched is None else searched.intermediate,
        extra_parameters=0 if searched is None else searched.linear * hidden**2,
        gated=fields.model_type not in _UNGATED,
        vocab=fields.positive(VOCABULARY),
        tied=_tied(fields),
        layers=layers,
        full=kinds.full,
        sliding=kinds.sliding,
        linear=kinds.linear,
        moe=moe,
        mla=mla,
        feed_forward_layers=None if moe is not None else kinds.feed_forward,
        value_dim=None if mla is not None else fields.whole(("v_head_dim",), default=0) or None,
        sliding_kv_heads=fields.whole(("swa_num_key_value_heads",), default=0) or None,
        full_head_dim=fields.whole(("global_head_dim",), default=0) or None,
        full_kv_heads=fields.whole(("num_global_key_value_heads",), default=0) or None,
        keys_are_values=fields.claims("attention_k_eq_v"),
        query_rank=None if mla is not None else fields.whole(("q_lora_rank",), default=0) or None,
        output_rank=fields.whole(("o_lora_rank",), default=0) or None,
        output_groups=fields.whole(("o_groups",), default=1),
    )


def _kv_heads(fields: Fields, heads: int) -> int:
    """Key-value heads; one where all queries share it, whatever else the file says (Falcon-7B, StarCoder)."""
    if fields.claims("multi_query") and not fields.claims("new_decoder_architecture"):
        return 1
    kv_heads = fields.positive(KV_HEADS, default=heads)
    if heads % kv_heads:
        raise fields.wrong(
            f"num_key_value_heads is {kv_heads}, which does not divide {heads} query heads",
            f"use a divisor of {heads}, or {heads} for full attention",
        )
    return kv_heads


def _head_dim(fields: Fields, hidden: int, heads: int) -> int:
    stated = fields.whole(HEAD_DIM, default=0)
    if not stated and hidden % heads:
        raise fields.wrong(f"hidden_size {hidden} is no multiple of {heads} heads", "state head_dim")
    return stated or hidden // heads


def _intermediate(fields: Fields, hidden: int, moe: MixtureOfExperts | None) -> int:
    """Width of the dense feed-forward; four times the hidden size where nothing is said; 0 where no layer has one."""
    if moe is not None and (moe.dense_layers == 0 or layer_blocks(fields)):
        return 0
    by_default = fields.whole(("expansion_ratio",), default=4) * hidden
    if fields.config.get("num_local_experts") == 0:  # Granite hybrid without experts: the shared one is the layer's
        return fields.whole((*SHARED_WIDTH, *INTERMEDIATE), default=by_default)
    return (
        fields.whole(("dense_intermediate_size", "intermediate_size_mlp", *INTERMEDIATE), default=by_default)
        or by_default
    )


def _tied(fields: Fields) -> bool:
    stated = fields.config.get("tie_word_embeddings")
    return stated if isinstance(stated, bool) else fields.model_type in _TIED


def _gates_its_queries(fields: Fields) -> bool:
    """Whether attention has an output gate as wide as its queries."""
    return fields.claims("attn_output_gate") or fields.model_type in _QUERY_GATED


def _experts(fields: Fields, layers: int, kinds: LayerKinds) -> MixtureOfExperts | None:
    experts = fields.whole(EXPERTS, default=0)
    sparse = sparse_layers(fields, layers) if kinds.sparse is None else kinds.sparse
    if experts <= 1 or not sparse:
        return None
    per_token = fields.positive(EXPERTS_PER_TOKEN)
    if per_token > experts:
        raise fields.wrong(f"num_experts_per_tok is {per_token} of {experts} experts", "use at most all experts")
    width = fields.positive((*EXPERT_WIDTH, *INTERMEDIATE))
    shared_width = fields.whole(SHARED_WIDTH, default=width if fields.model_type.startswith("llama4") else 0)
    if fields.claims("enable_moe_block"):  # Gemma 4: every layer has a dense feed-forward beside its experts
        shared_width = fields.positive(INTERMEDIATE)
    shared = fields.whole(SHARED_EXPERTS, default=1 if shared_width else 0)
    return MixtureOfExperts(
        experts=experts,
        experts_per_token=per_token,
        intermediate=width,
        shared_experts=shared,
        shared_intermediate=(shared_width or width) if shared else 0,
        dense_layers=layers - sparse,
        latent=fields.whole(("moe_latent_size", "routed_expert_hidden_size"), default=0) or None,
    )


def _latent(fields: Fields) -> LatentAttention | None:
    rank = fields.whole(("kv_lora_rank",), default=0)
    if not rank:
        return None
    return LatentAttention(
        q_rank=fields.whole(("q_lora_rank",), default=0) or None,
        kv_rank=rank,
        rope_dim=fields.positive(("qk_rope_head_dim",)),
        nope_dim=fields.positive(("qk_nope_head_dim",)),
        v_dim=fields.positive(("v_head_dim",)),
    )
