"""Any Hugging Face `config.json` of a decoder as a `Model`: architecture, parameters and cache, from the file alone.

Parameter counts follow from the shapes (biases and norms left out: under 0.1 % of any model checked). Families differ
in names more than in shapes, so most of this is tables of names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sizing.catalog.accelerator import Precision
from sizing.catalog.model import LatentAttention, MixtureOfExperts, Model, ModelKind
from sizing.catalog.provenance import Provenance
from sizing.catalog.shape import Shape
from sizing.errors import InvalidModel

Config = Mapping[str, object]

# One dimension, all the names it goes by.
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
HEADS = ("num_attention_heads", "n_head", "n_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
INTERMEDIATE = ("intermediate_size", "ffn_hidden_size", "n_inner", "ffn_dim")
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "model_max_length")
EXPERTS = ("n_routed_experts", "num_experts", "num_local_experts")
EXPERTS_PER_TOKEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k")
EXPERT_WIDTH = ("moe_intermediate_size", "expert_intermediate_size")

# Two matrices in the feed-forward instead of three.
UNGATED_TYPES = frozenset(
    {"bloom", "falcon", "gpt2", "gpt_neo", "gpt_neox", "gptj", "gpt_bigcode", "mpt", "nemotron", "opt", "phi"}
    | {"starcoder2", "codegen", "persimmon"}
)
NOT_DECODERS = frozenset(
    {"bert", "roberta", "xlm-roberta", "distilbert", "electra", "deberta", "deberta-v2", "modernbert", "vit", "clip"}
    | {"siglip", "whisper", "t5", "mt5", "bart", "wav2vec2", "albert", "mpnet", "resnet", "speecht5"}
)
WINDOWED_TYPES = {  # model type to the period of its full-attention layers, where layer_types is not written out
    "gemma2": 2,
    "gemma3": 6,
    "gemma3_text": 6,
    "gpt_oss": 2,
}
ALWAYS_WINDOWED = frozenset({"mistral", "mixtral", "starcoder2"})
LINEAR_WORDS = ("linear", "mamba", "ssm", "recurrent", "conv")
FORMATS = {"fp8": Precision.FP8, "mxfp4": Precision.MXFP4, "nvfp4": Precision.NVFP4, "awq": Precision.INT4}


@dataclass(frozen=True, slots=True)
class _Fields:
    """A configuration with the errors of reading it."""

    config: Config
    source: str

    def whole(self, names: Sequence[str], *, default: int | None = None) -> int:
        """The first of *names* that holds a whole number; the default where none is there."""
        for name in names:
            value = self.config.get(name)
            if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
                value = max(value)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise self.wrong(f"{name} is {value!r}, but must be a whole number, 0 or more", f"correct {name}")
            return value
        if default is None:
            raise self.wrong(f"{names[0]} is missing", f"use the config.json of a decoder, which has {names[0]}")
        return default

    def positive(self, names: Sequence[str], *, default: int | None = None) -> int:
        """The same, at least 1."""
        value = self.whole(names, default=default)
        if value < 1:
            raise self.wrong(f"{names[0]} is {value}, but must be at least 1", f"correct {names[0]}")
        return value

    def wrong(self, what: str, mend: str) -> InvalidModel:
        """The error to raise."""
        return InvalidModel(source=self.source, what=what, mend=mend)


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
    config = _text_part(mapping)
    fields = _Fields(config, source)
    model_type = str(config.get("model_type", ""))
    if model_type in NOT_DECODERS or config.get("is_encoder_decoder") is True:
        raise fields.wrong(
            f"model_type {model_type!r} is not a decoder, and only decoders are sized for serving yet",
            "use the config.json of a decoder-only language model",
        )
    shape = _shape(fields, model_type)
    linear_parameters, state_elements = _linear_layer(fields, shape)
    per_layer = _cached_per_layer(shape)
    return Model(
        name=name,
        aliases=(),
        hub_id=str(mapping.get("_name_or_path") or name),
        family=model_type or "unknown",
        kind=ModelKind.DECODER,
        layers=shape.layers,
        full_attention_layers=shape.full,
        sliding_layers=shape.sliding,
        linear_layers=shape.linear,
        hidden=shape.hidden,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        intermediate=shape.intermediate,
        gated_ffn=shape.gated,
        vocab=shape.vocab,
        tied_embeddings=shape.tied,
        moe=shape.moe,
        mla=shape.mla,
        sliding_window=_window(fields) if shape.sliding else None,
        max_context=fields.positive(CONTEXT, default=2048),
        parameters=shape.parameters(linear_parameters, active=False),
        active_parameters=shape.parameters(linear_parameters, active=True),
        kv_elements_per_token_full=shape.full * per_layer,
        kv_elements_per_token_sliding=shape.sliding * per_layer,
        state_elements_per_sequence=shape.linear * state_elements,
        native_precision=_native(mapping, config, fields),
        provenance=Provenance(source=source, as_of="as the file stands"),
    )


def _text_part(mapping: Mapping[str, object]) -> Config:
    """The language model of a multimodal configuration, with what stands above it where it lacks that."""
    for key in ("text_config", "llm_config", "language_config"):
        part = mapping.get(key)
        if isinstance(part, Mapping):
            return {**{k: v for k, v in mapping.items() if not isinstance(v, Mapping)}, **part}
    return mapping


def _shape(fields: _Fields, model_type: str) -> Shape:
    hidden, heads = fields.positive(HIDDEN), fields.positive(HEADS)
    layers = fields.positive(LAYERS)
    kv_heads = fields.positive(KV_HEADS, default=_kv_heads_by_default(fields.config, heads))
    if heads % kv_heads:
        raise fields.wrong(
            f"num_key_value_heads is {kv_heads}, which does not divide {heads} query heads",
            f"use a divisor of {heads}, or {heads} for full attention",
        )
    stated = fields.whole(("head_dim",), default=0)
    if not stated and hidden % heads:
        raise fields.wrong(f"hidden_size {hidden} is no multiple of {heads} heads", "state head_dim")
    full, sliding, linear = _layer_kinds(fields, layers, model_type)
    moe = _experts(fields, layers)
    by_default = 0 if moe is not None and moe.dense_layers == 0 else 4 * hidden
    return Shape(
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=stated or hidden // heads,
        intermediate=fields.whole(INTERMEDIATE, default=by_default) or by_default,
        gated=model_type not in UNGATED_TYPES,
        vocab=fields.positive(("vocab_size", "padded_vocab_size")),
        tied=_tied(fields.config, model_type),
        layers=layers,
        full=full,
        sliding=sliding,
        linear=linear,
        moe=moe,
        mla=_latent(fields),
    )


def _kv_heads_by_default(config: Config, heads: int) -> int:
    return 1 if config.get("multi_query") is True and not config.get("new_decoder_architecture") else heads


def _tied(config: Config, model_type: str) -> bool:
    """Whether output and input embeddings are one; some families are tied unless they say otherwise."""
    stated = config.get("tie_word_embeddings")
    if isinstance(stated, bool):
        return stated
    return model_type.startswith("gemma") or model_type in {"gpt2", "bloom", "falcon", "opt", "mpt", "gpt_bigcode"}


def _layer_kinds(fields: _Fields, layers: int, model_type: str) -> tuple[int, int, int]:
    """How many layers have full attention, sliding-window attention, and a state instead of a cache."""
    config = fields.config
    stated = config.get("layer_types") or config.get("layers_block_type")
    if isinstance(stated, list) and stated:
        kinds = [str(kind).lower() for kind in stated]
        linear = sum(any(word in kind for word in LINEAR_WORDS) for kind in kinds)
        sliding = sum("sliding" in kind or "chunked" in kind for kind in kinds)
        return len(kinds) - linear - sliding, sliding, linear
    pattern = config.get("hybrid_override_pattern")
    if isinstance(pattern, str) and pattern:  # Nemotron-H: M Mamba, * attention, - feed-forward
        return pattern.count("*"), 0, pattern.count("M")
    every = fields.whole(("full_attention_interval", "attn_layer_period"), default=0)
    if every:
        return layers // every, 0, layers - layers // every
    period = fields.whole(("sliding_window_pattern",), default=WINDOWED_TYPES.get(model_type, 0))
    if period > 1 and _window(fields):
        return layers // period, layers - layers // period, 0
    if model_type in ALWAYS_WINDOWED and _window(fields):
        return 0, layers, 0
    return layers, 0, 0


def _window(fields: _Fields) -> int | None:
    if fields.config.get("use_sliding_window") is False:
        return None
    return fields.whole(("sliding_window", "attention_chunk_size"), default=0) or None


def _experts(fields: _Fields, layers: int) -> MixtureOfExperts | None:
    experts = fields.whole(EXPERTS, default=0)
    if experts <= 1:
        return None
    width = fields.whole((*EXPERT_WIDTH, *INTERMEDIATE))
    shared_width = fields.whole(("shared_expert_intermediate_size",), default=0)
    shared = fields.whole(("n_shared_experts", "num_shared_experts"), default=1 if shared_width else 0)
    dense = fields.whole(("first_k_dense_replace",), default=0)
    listed = fields.config.get("mlp_only_layers")
    per_token = fields.positive(EXPERTS_PER_TOKEN)
    if per_token > experts:
        raise fields.wrong(f"num_experts_per_tok is {per_token} of {experts} experts", "use at most all experts")
    step = fields.whole(("moe_layer_freq", "interleave_moe_layer_step", "decoder_sparse_step"), default=1) or 1
    sparse = (layers - dense) // step if step > 1 else layers - dense - (len(listed) if isinstance(listed, list) else 0)
    return MixtureOfExperts(
        experts=experts,
        experts_per_token=per_token,
        intermediate=width,
        shared_experts=shared,
        shared_intermediate=(shared_width or width) if shared else 0,
        dense_layers=layers - sparse,
    )


def _latent(fields: _Fields) -> LatentAttention | None:
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


def _cached_per_layer(shape: Shape) -> int:
    """Elements that one attention layer caches for one token: keys and values, or one latent vector."""
    if shape.mla is not None:
        return shape.mla.kv_rank + shape.mla.rope_dim
    return 2 * shape.kv_heads * shape.head_dim


def _linear_layer(fields: _Fields, shape: Shape) -> tuple[int, int]:
    """
    Parameters and state elements of one linear or state-space layer; zeros where the model has none.

    Delta-net (Qwen3-Next, Qwen3.5): projections to q, k, v, z and output; one key x value matrix a head as state.
    Mamba-2: in and out projections of twice the inner width; heads x head size x state size.
    """
    if not shape.linear:
        return 0, 0
    value_heads = fields.whole(("linear_num_value_heads",), default=0)
    if value_heads:
        keys = fields.whole(("linear_num_key_heads",), default=value_heads)
        key_dim = fields.positive(("linear_key_head_dim",), default=shape.head_dim)
        value_dim = fields.positive(("linear_value_head_dim",), default=shape.head_dim)
        projected = 2 * keys * key_dim + 2 * value_heads * value_dim
        convolved = (2 * keys * key_dim + value_heads * value_dim) * fields.whole(
            ("linear_conv_kernel_dim",), default=4
        )
        return shape.hidden * (projected + value_heads * value_dim), value_heads * key_dim * value_dim + convolved
    heads = fields.whole(("mamba_num_heads", "mamba_n_heads"), default=0)
    head_dim = fields.whole(("mamba_head_dim", "mamba_d_head"), default=0)
    inner = heads * head_dim or 2 * shape.hidden
    state = fields.positive(("ssm_state_size", "mamba_d_state", "state_size"), default=128)
    groups = fields.whole(("n_groups", "mamba_n_groups"), default=1)
    kernel = fields.whole(("conv_kernel", "mamba_d_conv"), default=4)
    return shape.hidden * (3 * inner + 2 * groups * state), inner * state + kernel * (inner + 2 * groups * state)


def _native(mapping: Mapping[str, object], config: Config, fields: _Fields) -> Precision:
    """The precision that the checkpoint is stored in: its quantisation, or else its dtype."""
    stated = config.get("quantization_config") or mapping.get("quantization_config")
    if isinstance(stated, Mapping):
        return _quantised(stated, fields)
    dtype = str(config.get("torch_dtype") or config.get("dtype") or mapping.get("torch_dtype") or "bfloat16")
    return Precision.FP32 if dtype == "float32" else Precision.BF16


def _quantised(stated: Mapping[str, object], fields: _Fields) -> Precision:
    method = str(stated.get("quant_algo") or stated.get("quant_method") or "").lower()
    for word, precision in FORMATS.items():
        if word in method:
            return precision
    bits = _weight_bits(stated)
    if bits == 8:  # compressed-tensors and modelopt write floats and integers alike
        return Precision.FP8 if "float" in str(stated) else Precision.INT8
    if bits == 4:
        return Precision.NVFP4 if "'type': 'float'" in str(stated) else Precision.INT4
    raise fields.wrong(
        f"quantization_config of method {method!r} is not known", "state quant_method fp8, awq, gptq, mxfp4 or nvfp4"
    )


def _weight_bits(stated: Mapping[str, object]) -> int | None:
    bits = stated.get("bits")
    if isinstance(bits, int):
        return bits
    if stated.get("load_in_4bit") is True:
        return 4
    if stated.get("load_in_8bit") is True:
        return 8
    groups = stated.get("config_groups")
    for group in groups.values() if isinstance(groups, Mapping) else ():
        weights = group.get("weights") if isinstance(group, Mapping) else None
        if isinstance(weights, Mapping) and isinstance(weights.get("num_bits"), int):
            return int(weights["num_bits"])
    return None
