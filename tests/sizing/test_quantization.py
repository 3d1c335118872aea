"""What a quantisation config means for each part: ignore lists, groups, mixed precision, and the bytes of scales.

The lists are those of published checkpoints, shortened to what they say of one model's parts.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import Model, Precision, catalog, model_from_config, with_quantization
from sizing.catalog.formats import BYTES_PER_ELEMENT, mixed, whole
from sizing.catalog.module_names import module_names
from sizing.errors import InvalidModel
from sizing.performance import Layout, memory_budget, replica_on
from sizing.performance.configuration.shard import published_bytes, shard_of
from sizing.spec.known import served_from
from tests.examples import H100

DENSE: dict[str, object] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 4,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
}
SPARSE: dict[str, object] = {
    "model_type": "deepseek_v3",
    "hidden_size": 7168,
    "num_hidden_layers": 4,
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 384,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "vocab_size": 163840,
}
BF16, FP8, INT4, INT8 = Precision.BF16, Precision.FP8, Precision.INT4, Precision.INT8
MXFP4, NVFP4 = Precision.MXFP4, Precision.NVFP4


def stored(config: dict[str, object], **quantization: object) -> Model:
    return model_from_config(config | {"quantization_config": quantization}, name="x", source="config.json")


def parts(model: Model) -> tuple[Precision, Precision, Precision, Precision]:
    """Formats of attention, dense feed-forward, routed experts and output table."""
    formats = model.formats
    assert formats is not None
    assert formats.embedding.precision is BF16
    return (
        formats.attention.precision,
        formats.dense.precision,
        formats.routed.precision,
        formats.head.precision,
    )


def group(bits: int, kind: str, **weights: object) -> dict[str, object]:
    return {"group_0": {"targets": ["Linear"], "weights": {"num_bits": bits, "type": kind, **weights}}}


def test_a_checkpoint_without_quantisation_is_stored_in_its_dtype():
    assert parts(model_from_config(DENSE | {"torch_dtype": "float16"}, name="x", source="c")) == (BF16,) * 4
    whole_fp32 = model_from_config(DENSE | {"dtype": "float32"}, name="x", source="c").formats
    assert whole_fp32 is not None
    assert {whole_fp32.head.precision, whole_fp32.embedding.precision} == {Precision.FP32}


@pytest.mark.parametrize(
    ("config", "quantization", "expected"),
    [
        pytest.param(  # deepseek-ai/DeepSeek-R1: all linear layers in blocks of 128 x 128, tables as they were
            SPARSE, {"quant_method": "fp8", "weight_block_size": [128, 128]}, (FP8, FP8, FP8, BF16), id="fp8-blocks"
        ),
        pytest.param(  # moonshotai/Kimi-K2.5: routed experts alone
            SPARSE,
            {
                "quant_method": "compressed-tensors",
                "config_groups": group(4, "int", group_size=32, symmetric=True),
                "ignore": [
                    "lm_head",
                    "re:.*self_attn.*",
                    "re:.*shared_experts.*",
                    "re:.*mlp\\.(gate|up|gate_up|down)_proj.*",
                ],
            },
            (BF16, BF16, INT4, BF16),
            id="experts-alone",
        ),
        pytest.param(  # moonshotai/Kimi-K3
            SPARSE,
            {
                "quant_method": "compressed-tensors",
                "format": "mxfp4-pack-quantized",
                "config_groups": group(4, "float", group_size=32),
                "ignore": ["re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|down)_proj.*", "lm_head"],
            },
            (BF16, BF16, MXFP4, BF16),
            id="mxfp4-experts",
        ),
        pytest.param(  # nvidia/Kimi-K2.6-NVFP4: names from another root, layer by layer, with wildcards
            SPARSE,
            {
                "quant_method": "modelopt",
                "quant_algo": "NVFP4",
                "config_groups": group(4, "float", group_size=16),
                "ignore": [
                    "language_model.lm_head",
                    "language_model.model.layers.0*",
                    *(f"language_model.model.layers.{n}.self_attn*" for n in range(1, 4)),
                    *(f"language_model.model.layers.{n}.mlp.shared_experts*" for n in range(1, 4)),
                ],
            },
            (BF16, BF16, NVFP4, BF16),
            id="nvfp4-experts",
        ),
        pytest.param(  # openai/gpt-oss-120b
            SPARSE,
            {
                "quant_method": "mxfp4",
                "modules_to_not_convert": [
                    "model.layers.*.self_attn",
                    "model.layers.*.mlp.router",
                    "model.layers.*.mlp.shared_experts",
                    "model.layers.0.mlp",
                    "lm_head",
                ],
            },
            (BF16, BF16, MXFP4, BF16),
            id="gpt-oss",
        ),
        pytest.param(  # meta-llama/Llama-3.1-405B-Instruct-FP8: attention stays, in every layer by name
            DENSE,
            {
                "quant_method": "fbgemm_fp8",
                "modules_to_not_convert": [
                    *(f"model.layers.{n}.self_attn.{p}_proj" for n in range(4) for p in "qkvo"),
                    "lm_head",
                ],
            },
            (BF16, FP8, FP8, BF16),
            id="fbgemm",
        ),
        pytest.param(  # nvidia/Qwen3.6-27B-NVFP4: a format for each module
            DENSE,
            {
                "quant_method": "modelopt",
                "quant_algo": "MIXED_PRECISION",
                "quantized_layers": {
                    **{f"model.layers.{n}.self_attn.{p}_proj": {"quant_algo": "FP8"} for n in range(4) for p in "qkvo"},
                    **{
                        f"model.layers.{n}.mlp.{p}_proj": {"quant_algo": "W4A16_NVFP4"}
                        for n in range(4)
                        for p in ("gate", "up", "down")
                    },
                },
            },
            (FP8, NVFP4, NVFP4, BF16),
            id="mixed-by-module",
        ),
        pytest.param(  # AMD's Quark names dtypes
            DENSE,
            {
                "quant_method": "quark",
                "global_quant_config": {"weight": {"dtype": "fp4", "group_size": 32}},
                "exclude": ["*self_attn*", "lm_head"],
            },
            (BF16, MXFP4, MXFP4, BF16),
            id="quark",
        ),
        pytest.param(  # two groups with targets of their own: the name goes before the class
            DENSE,
            {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "attention": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}},
                    "rest": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 128}},
                },
                "ignore": ["lm_head"],
            },
            (FP8, INT4, INT4, BF16),
            id="two-groups",
        ),
        pytest.param(  # GPTQModel leaves what its expressions match, and may quantise the output table
            DENSE,
            {
                "quant_method": "gptq",
                "bits": 4,
                "group_size": 128,
                "lm_head": True,
                "dynamic": {"-:.*self_attn.*": {}},
            },
            (BF16, INT4, INT4, INT4),
            id="gptq-dynamic",
        ),
    ],
)
def test_each_part_has_the_format_that_the_file_tells(config, quantization, expected):
    assert parts(stored(config, **quantization)) == expected


@pytest.mark.parametrize(
    ("quantization", "bits"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, 4 + 16 / 128 + 4 / 128),
        ({"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": True}, 4 + 16 / 32),
        ({"quant_method": "gptq", "bits": 8, "group_size": 128, "sym": True}, 8 + 16 / 128),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 + 32 / 128**2),
        ({"quant_method": "fp8"}, 8),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "group_size": 16}, 4 + 8 / 16),
        ({"quant_method": "mxfp4"}, 4 + 8 / 32),
        ({"quant_method": "modelopt_fp4"}, 4 + 8 / 16),
        ({"quant_method": "auto-round", "bits": 4, "group_size": 64, "sym": True}, 4 + 16 / 64),
        (
            {
                "quant_method": "torchao",
                "quant_type": {"default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 64}}},
            },
            4 + 16 / 64 + 4 / 64,
        ),
        ({"quant_method": "torchao", "quant_type": {"default": {"_type": "Float8WeightOnlyConfig"}}}, 8),
        ({"quant_method": "torchao", "quant_type": "int8_weight_only"}, 8),
    ],
)
def test_scales_and_zero_points_are_counted(quantization, bits):
    """Bits of an element of the feed-forward: its own, and its share of an fp16 scale and a zero point of its group."""
    formats = stored(DENSE, **quantization).formats
    assert formats is not None
    assert formats.dense.bytes_per_element * 8 == pytest.approx(bits)


def test_a_part_of_which_some_layers_are_left_alone_takes_the_mean():
    """The first of four layers in bf16, three in fp8: 1.25 bytes an element; most of it is fp8."""
    formats = stored(DENSE, quant_method="fp8", modules_to_not_convert=["model.layers.0.mlp"]).formats
    assert formats is not None
    assert formats.dense.bytes_per_element == pytest.approx((2 + 3) / 4)
    assert formats.dense.precision is FP8


def test_experts_told_apart_from_the_rest_by_their_dtype():
    """DeepSeek-V4 states expert_dtype beside an fp8 quantisation."""
    model = stored(SPARSE | {"expert_dtype": "fp4"}, quant_method="fp8", weight_block_size=[128, 128])
    assert parts(model) == (FP8, FP8, MXFP4, BF16)
    assert model.native_precision is MXFP4


def test_memory_and_speed_see_the_parts_of_the_file():
    """Attention in bf16, feed-forward in fp8, tables in bf16: bytes by hand for four layers."""
    kept = [f"model.layers.{n}.self_attn" for n in range(4)]
    model = stored(DENSE, quant_method="fp8", modules_to_not_convert=[*kept, "lm_head"])
    replica = replica_on(model, H100, layout=Layout(), weights=FP8)
    attention = 4 * 4096 * 128 * (2 * 32 + 2 * 8)
    feed_forward = 4 * 3 * 4096 * 14336
    tables = 2 * 128256 * 4096
    assert memory_budget(replica).weight_bytes == attention * 2 + feed_forward + tables * 2


@pytest.mark.parametrize(
    ("listed", "module", "named"),
    [
        (["lm_head"], "lm_head", True),
        (["language_model.lm_head"], "lm_head", True),
        (["gate"], "layers.3.mlp.gate", True),
        (["gate"], "layers.3.mlp.gate_proj", False),
        (["model.layers.3.mlp"], "layers.3.mlp.gate_proj", True),
        (["model.layers.3.mlp"], "layers.30.mlp.gate_proj", False),
        (["model.layers.1.*"], "layers.10.mlp.gate_proj", False),
        (["model.layers.*.self_attn"], "layers.10.self_attn.q_proj", True),
        (["re:.*mlp\\.(gate|up)_proj"], "layers.10.mlp.up_proj", True),
        (["re:.*mlp\\.(gate|up)_proj"], "layers.10.mlp.experts.0.up_proj", False),
        (["re:("], "layers.1.mlp.up_proj", False),
    ],
)
def test_lists_name_modules_by_root_parent_wildcard_and_expression(listed, module, named):
    assert module_names(listed).name(module) is named


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 200) | st.text(max_size=6) | st.sampled_from(["fp8", "gptq", "Linear"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    quantization=st.dictionaries(
        st.sampled_from(
            [
                "quant_method",
                "quant_algo",
                "bits",
                "group_size",
                "config_groups",
                "ignore",
                "quantized_layers",
                "dynamic",
            ]
        ),
        JSON,
        max_size=5,
    )
)
def test_any_quantisation_is_read_or_an_error_of_ours(quantization):
    """No file makes a traceback, and no part takes less than four bits or more than the dtype."""
    try:
        formats = stored(DENSE, **quantization).formats
    except InvalidModel:
        return
    assert formats is not None
    for part in (formats.attention, formats.dense, formats.routed, formats.head):
        assert 0.5 <= part.bytes_per_element <= 4.5


@given(precision=st.sampled_from(sorted(BYTES_PER_ELEMENT)))
def test_a_mixture_lies_between_its_parts(precision):
    part = mixed([(1.0, whole(precision)), (2.0, whole(BF16))])
    low, high = sorted((BYTES_PER_ELEMENT[precision], 2.0))
    assert low <= part.bytes_per_element <= high


def test_a_checkpoint_in_another_format_is_not_taken_for_the_one_that_was_read():
    """Kimi-K2.6 is published in int4 and by others in nvfp4: latent attention in bf16, everything else at 4.5 bits."""
    model = served_from(catalog().model("Kimi-K2.6"), "nvidia/Kimi-K2.6-NVFP4")
    assert model.native_precision is NVFP4
    formats = shard_of(replica_on(model, H100, layout=Layout(tp=8), weights=NVFP4)).formats
    assert (formats.attention.precision, formats.dense.precision, formats.routed.precision) == (BF16, NVFP4, NVFP4)


def test_the_file_beside_is_read_where_the_configuration_says_nothing():
    """nvidia/DeepSeek-V3.1-NVFP4 keeps its quantisation in hf_quant_config.json: not attention, not the tables."""
    projections = ("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj")
    beside = {
        "producer": {"name": "modelopt"},
        "quantization": {
            "quant_algo": "NVFP4",
            "group_size": 16,
            "exclude_modules": ["lm_head", *(f"model.layers.{n}.self_attn.{p}" for n in range(4) for p in projections)],
        },
    }
    model = model_from_config(with_quantization(SPARSE, beside), name="x", source="c")
    assert parts(model) == (BF16, NVFP4, NVFP4, BF16)
    stated = SPARSE | {"quantization_config": {"quant_method": "fp8"}}
    assert with_quantization(stated, beside) == stated
    assert with_quantization(SPARSE, {"quantization": {"quant_algo": None}}) == SPARSE


def test_a_checkpoint_is_as_large_as_its_parts():
    """Kimi-K2.5: 1,014.7e9 elements of experts at 4.5 bits, 11.7e9 in bf16: 594 GB, as its files are."""
    assert published_bytes(catalog().model("Kimi-K2.5")) == pytest.approx(594e9, rel=0.005)
