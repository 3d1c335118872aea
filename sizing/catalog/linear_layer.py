"""Linear-attention and state-space layers: parameters of one, and the state it keeps for each sequence."""

from __future__ import annotations

from sizing.catalog.config_fields import Fields
from sizing.catalog.shape import Shape


def linear_layer(fields: Fields, shape: Shape) -> tuple[int, int]:
    """
    Parameters and state of one linear or state-space layer, in elements of 16 bits; zeros where the model has none.

    A recurrent state that the file wants in fp32 counts twice; what a convolution keeps is as wide as activations.

    Source: the layers of the published models; state as performance model section 1.4. Gates and norms are left out.
    """
    if not shape.linear:
        return 0, 0
    if fields.whole(("linear_num_value_heads",), default=0):
        return _delta_net(fields, shape)
    if fields.part("linear_attn_config"):
        return _kimi_delta(Fields(fields.part("linear_attn_config"), fields.source), shape)
    if fields.listed("attn_type_list"):  # lightning attention: q, k, v, gate and output; one matrix a head
        width = shape.heads * shape.head_dim
        return 5 * shape.hidden * width, width * shape.head_dim
    return _mamba(fields, shape)


def _wide(fields: Fields) -> int:
    """Sixteen-bit elements that one element of the recurrent state takes."""
    dtype = fields.config.get("mamba_ssm_cache_dtype") or fields.config.get("mamba_ssm_dtype")
    return 2 if dtype == "float32" else 1


def _delta_net(fields: Fields, shape: Shape) -> tuple[int, int]:
    """Gated delta-net (Qwen3-Next, Qwen3.5): projections to q, k, v, z and output; a key x value matrix a head."""
    value_heads = fields.positive(("linear_num_value_heads",))
    key_heads = fields.positive(("linear_num_key_heads",), default=value_heads)
    key_dim = fields.positive(("linear_key_head_dim",), default=shape.head_dim)
    value_dim = fields.positive(("linear_value_head_dim",), default=shape.head_dim)
    keys, values = key_heads * key_dim, value_heads * value_dim
    convolved = (2 * keys + values) * fields.whole(("linear_conv_kernel_dim",), default=4)
    return shape.hidden * (2 * keys + 3 * values), _wide(fields) * value_heads * key_dim * value_dim + convolved


def _kimi_delta(fields: Fields, shape: Shape) -> tuple[int, int]:
    """Kimi delta attention: q, k, v and output at full width, and a gate in K3; one square matrix a head."""
    heads = fields.positive(("num_heads",), default=shape.heads)
    head_dim = fields.positive(("head_dim",), default=shape.head_dim)
    width = heads * head_dim
    convolved = 3 * width * fields.whole(("short_conv_kernel_size",), default=4)
    projections = 5 if fields.claims("use_full_rank_gate") else 4
    return projections * shape.hidden * width, width * head_dim + convolved


def _mamba(fields: Fields, shape: Shape) -> tuple[int, int]:
    """Mamba-2 (heads given): in and out projections. Mamba-1 (a time-step rank given): its three small ones too."""
    heads = fields.whole(("mamba_num_heads", "mamba_n_heads"), default=0)
    head_dim = fields.whole(("mamba_head_dim", "mamba_d_head"), default=0)
    inner = heads * head_dim or fields.whole(("mamba_expand", "expand"), default=2) * shape.hidden
    state = fields.positive(("ssm_state_size", "mamba_d_state", "state_size"), default=128)
    kernel = fields.whole(("conv_kernel", "mamba_d_conv"), default=4)
    if not heads:
        rank = fields.whole(("mamba_dt_rank",), default=-(-shape.hidden // 16))
        return 3 * shape.hidden * inner + inner * (2 * rank + 3 * state), inner * (_wide(fields) * state + kernel)
    groups = fields.whole(("n_groups", "mamba_n_groups"), default=1)
    mixed = inner + 2 * groups * state
    return shape.hidden * (2 * inner + mixed + heads), _wide(fields) * inner * state + kernel * mixed
