"""What the layers of a configuration are: full attention, sliding window, linear or state-space, with experts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.config_fields import CONTEXT, EXPERTS, HIDDEN, MOE_EVERY, WINDOW, Fields
from sizing.catalog.searched_blocks import searched_blocks
from sizing.catalog.shape import Shape

# Model type to the period of its full-attention layers, where layer_types is not written out.
_WINDOWED = {"gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gpt_oss": 2, "llama4": 4, "llama4_text": 4, "cohere2": 4}
_ALWAYS_WINDOWED = frozenset({"mistral", "mixtral", "phi3", "starcoder2"})  # every layer, where a window is set
_LINEAR = ("linear", "mamba", "ssm", "recurrent", "conv", "kda")
_SLIDING = ("sliding", "chunked", "local")


class LayerRole(StrEnum):
    """What a layer is for; most mix and feed."""

    ATTENTION = "attention"
    LINEAR = "linear"
    DENSE = "dense"
    SPARSE = "sparse"


# Nemotron-H writes each layer as one letter or word.
_BLOCKS = {
    "m": LayerRole.LINEAR,
    "*": LayerRole.ATTENTION,
    "-": LayerRole.DENSE,
    "e": LayerRole.SPARSE,
    "mamba": LayerRole.LINEAR,
    "attention": LayerRole.ATTENTION,
    "mlp": LayerRole.DENSE,
    "moe": LayerRole.SPARSE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerKinds:
    """Layers by what they cache; *feed_forward* where not every layer has one, *sparse* those with experts."""

    full: int
    sliding: int
    linear: int
    feed_forward: int | None = None
    sparse: int | None = None


def layer_kinds(fields: Fields, layers: int) -> LayerKinds:
    """How many of *layers* are of each kind."""
    blocks = layer_blocks(fields)
    if blocks:
        sparse, dense = blocks.count(LayerRole.SPARSE), blocks.count(LayerRole.DENSE)
        return LayerKinds(
            full=blocks.count(LayerRole.ATTENTION),
            sliding=0,
            linear=blocks.count(LayerRole.LINEAR),
            feed_forward=dense + sparse,
            sparse=sparse,
        )
    searched = searched_blocks(fields.config, fields.positive(HIDDEN))
    if searched is not None:
        return LayerKinds(full=searched.attending, sliding=0, linear=0, feed_forward=searched.feeding)
    kinds = _layer_types(fields)
    if kinds:
        linear = sum(any(word in kind for word in _LINEAR) for kind in kinds)
        sliding = sum(any(word in kind for word in _SLIDING) for kind in kinds)
        return LayerKinds(full=len(kinds) - linear - sliding, sliding=sliding, linear=linear)
    linear = _linear_layers(fields, layers)
    return LayerKinds(full=layers - linear, sliding=0, linear=linear) if linear else _windowed(fields, layers)


def _linear_layers(fields: Fields, layers: int) -> int:
    """Linear layers where the file tells them by a list of their own, or every how many layers one attends in full."""
    lightning = fields.listed("attn_type_list")  # MiniMax: 0 linear, 1 full
    delta = fields.part("linear_attn_config").get("kda_layers")  # Kimi Linear
    every = fields.whole(("full_attention_interval", "attn_layer_period"), default=0)
    if lightning:
        return lightning.count(0)
    if isinstance(delta, list):
        return len(delta)
    return layers - layers // every if every else 0


def layer_blocks(fields: Fields) -> list[LayerRole]:
    """Layers that either mix or feed, one after the other (Nemotron-H); empty where layers do both."""
    pattern = fields.config.get("hybrid_override_pattern")
    words = list(pattern) if isinstance(pattern, str) else [str(item) for item in fields.listed("layers_block_type")]
    blocks = [_BLOCKS.get(word.lower()) for word in words]
    if any(block is None for block in blocks) or not {LayerRole.DENSE, LayerRole.SPARSE} & set(blocks):
        return []
    return [block for block in blocks if block is not None]


def layer_roles(fields: Fields, shape: Shape) -> Iterator[frozenset[LayerRole]]:
    """
    What each layer of *shape* is for.

    Where the file does not write its layers out, linear layers come first in each period and dense feed-forwards before
    all sparse ones, as the published hybrids have them.
    """
    blocks = layer_blocks(fields)
    if blocks:
        yield from (frozenset({block}) for block in blocks)
        return
    kinds = _layer_types(fields)
    delta = fields.part("linear_attn_config").get("kda_layers")
    dense = shape.layers if shape.moe is None else shape.moe.dense_layers
    period = shape.layers // max(1, shape.full + shape.sliding)
    for index in range(shape.layers):
        if len(kinds) == shape.layers:
            linear = any(word in kinds[index] for word in _LINEAR)
        elif isinstance(delta, list):
            linear = index + 1 in delta
        else:
            linear = shape.linear > 0 and (index + 1) % max(1, period) != 0
        feed = LayerRole.DENSE if index < dense else LayerRole.SPARSE
        yield frozenset({LayerRole.LINEAR if linear else LayerRole.ATTENTION, feed})


def _layer_types(fields: Fields) -> list[str]:
    """The kinds of layers as the file writes them out, in lower case; MiMo writes 1 where a layer has a window."""
    flags = fields.listed("hybrid_layer_pattern")
    if flags:
        return ["sliding" if flag == 1 else "full" for flag in flags]
    return [str(kind).lower() for kind in fields.listed("layer_types", "layers_block_type")]


def sliding_by_layer(fields: Fields, layers: int) -> list[bool]:
    """Whether each layer has a window; the last of each period has none where the file does not write them out."""
    kinds = _layer_types(fields)
    if len(kinds) == layers:
        return [any(word in kind for word in _SLIDING) for kind in kinds]
    kind = layer_kinds(fields, layers)
    period = layers // max(1, kind.full)
    return [kind.sliding > 0 and (index + 1) % max(1, period) != 0 for index in range(layers)]


def _windowed(fields: Fields, layers: int) -> LayerKinds:
    period = fields.whole(("sliding_window_pattern",), default=_WINDOWED.get(fields.model_type, 0))
    if period > 1 and window(fields):
        return LayerKinds(full=layers // period, sliding=layers - layers // period, linear=0)
    if fields.model_type in _ALWAYS_WINDOWED and window(fields):
        return LayerKinds(full=0, sliding=layers, linear=0)
    return LayerKinds(full=layers, sliding=0, linear=0)


def window(fields: Fields) -> int | None:
    """Tokens that a sliding-window layer sees; None without a window, or with one as long as the context."""
    if fields.config.get("use_sliding_window") is False:
        return None
    tokens = fields.whole(WINDOW, default=0)
    return tokens if 0 < tokens < fields.whole(CONTEXT, default=tokens + 1) else None


def sparse_layers(fields: Fields, layers: int) -> int:
    """How many of *layers* have experts instead of one feed-forward; 0 in a dense model."""
    if fields.whole(EXPERTS, default=0) <= 1:
        return 0
    flags = fields.listed("moe_layer_freq", "moe_layers")  # MiMo: 1 where the layer has experts; Llama 4: their indices
    if flags and len(flags) == layers:
        return sum(flag == 1 for flag in flags)
    if flags and fields.model_type.startswith("llama4"):
        return len(flags)
    dense = fields.whole(("first_k_dense_replace",), default=0) + len(fields.listed("mlp_only_layers"))
    every = fields.whole([name for name in MOE_EVERY if not isinstance(fields.config.get(name), list)], default=1) or 1
    return max(0, layers - dense) // every
