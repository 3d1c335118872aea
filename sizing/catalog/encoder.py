"""Image encoders of multimodal models: how large they are, and how many pixels become one token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from sizing.catalog.config_fields import Fields

_DEPTH = ("num_hidden_layers", "depth", "vt_num_hidden_layers", "layers")
_WIDTH = ("hidden_size", "embed_dim", "vt_hidden_size", "width")
_FEED = ("intermediate_size", "vt_intermediate_size", "mlp_dim")

# Side of the square of pixels that becomes one token where a file does not say: patches of 14, merged two by two.
USUAL_SIDE = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """What a language model has in front of it; no parameters and no side where it reads text alone."""

    parameters: int
    image_token_side: int | None


def encoder_of(mapping: Mapping[str, object]) -> Encoder:
    """
    The image encoder that a configuration describes by its `vision_config`.

    A transformer layer has four matrices of its width and two of its feed-forward; projectors and embeddings of
    patches are under 5 % and left out.
    """
    inner = mapping.get("thinker_config")
    holder = inner if isinstance(inner, Mapping) else mapping
    vision = holder.get("vision_config")
    if not isinstance(vision, Mapping) or not vision:
        return Encoder(parameters=0, image_token_side=None)
    fields = Fields(vision, "vision_config")
    depth, width = _number(fields, _DEPTH), _number(fields, _WIDTH)
    feed = _number(fields, _FEED) or round(width * _ratio(vision))
    return Encoder(parameters=depth * width * (4 * width + 2 * feed), image_token_side=_side(holder, fields))


def _side(holder: Mapping[str, object], vision: Fields) -> int:
    """Patch by merged patches, or the image over its tokens (Gemma 3: 896 pixels a side, 256 tokens)."""
    patch = _number(vision, ("patch_size",))
    image, tokens = _number(vision, ("image_size",)), _number(Fields(holder, ""), ("mm_tokens_per_image",))
    if image and tokens:
        return image // max(1, isqrt(tokens))
    merge = _number(vision, ("spatial_merge_size", "merge_kernel_size", "pooling_kernel_size"))
    merge = merge or _number(Fields(holder, ""), ("spatial_merge_size",))
    return patch * merge if patch and merge else USUAL_SIDE


def _ratio(vision: Mapping[str, object]) -> float:
    ratio = vision.get("mlp_ratio")
    return float(ratio) if isinstance(ratio, int | float) else 4.0


def _number(fields: Fields, names: tuple[str, ...]) -> int:
    """The first of *names* that holds a whole number above 0; 0 where none does: encoders are described freely."""
    for name in names:
        value = fields.config.get(name)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0
