"""Models from `config.json`: totals against published ones, caches against hand computation, mistakes with the field.

The mappings hold the fields of the published files that shape the model, written out by hand; published totals are
those of the model cards (safetensors totals of the Hugging Face pages where they show one).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import Precision, catalog, model_from_config
from sizing.errors import InvalidModel
from tests.examples import DEEPSEEK_R1, DEEPSEEK_R1_CONFIG, LLAMA_8B, LLAMA_70B

LLAMA_70B_CONFIG: dict[str, object] = {
    "model_type": "llama",
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
QWEN3_NEXT_CONFIG: dict[str, object] = {
    "model_type": "qwen3_next",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "head_dim": 256,
    "intermediate_size": 5120,
    "moe_intermediate_size": 512,
    "num_experts": 512,
    "num_experts_per_tok": 10,
    "shared_expert_intermediate_size": 512,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "full_attention_interval": 4,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_conv_kernel_dim": 4,
    "vocab_size": 151936,
    "max_position_embeddings": 262144,
}

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 9000), st.text(max_size=4), st.lists(st.integers(-2, 9), max_size=3)
)

# name, config, published total (10^9), largest share that the computed total may miss it by
PUBLISHED: list[tuple[str, dict[str, object], float, float]] = [
    ("Llama-3.3-70B", LLAMA_70B_CONFIG, 70.6, 0.002),  # model card of meta-llama/Llama-3.3-70B-Instruct
    (
        "Llama-2-7B",  # model card of meta-llama/Llama-2-7b-hf: 6.74 B; no KV heads in its file: all heads
        {
            "model_type": "llama",
            "hidden_size": 4096,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "intermediate_size": 11008,
            "vocab_size": 32000,
            "tie_word_embeddings": False,
        },
        6.74,
        0.002,
    ),
    (
        "Mixtral-8x7B",  # model card of mistralai/Mixtral-8x7B-v0.1: 46.7 B
        {
            "model_type": "mixtral",
            "hidden_size": 4096,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "intermediate_size": 14336,
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
            "sliding_window": None,
            "vocab_size": 32000,
            "max_position_embeddings": 32768,
        },
        46.7,
        0.002,
    ),
    (
        "Qwen3-32B",  # model card of Qwen/Qwen3-32B: 32.8 B
        {
            "model_type": "qwen3",
            "hidden_size": 5120,
            "num_hidden_layers": 64,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 25600,
            "use_sliding_window": False,
            "sliding_window": None,
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
        32.8,
        0.002,
    ),
    ("DeepSeek-R1", DEEPSEEK_R1_CONFIG, 671, 0.002),  # model card: 671 B without the MTP module
    (
        "gpt-oss-120b",  # model card of openai/gpt-oss-120b: 116.8 B
        {
            "model_type": "gpt_oss",
            "hidden_size": 2880,
            "num_hidden_layers": 36,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "intermediate_size": 2880,
            "num_local_experts": 128,
            "num_experts_per_tok": 4,
            "layer_types": ["sliding_attention", "full_attention"] * 18,
            "sliding_window": 128,
            "vocab_size": 201088,
            "max_position_embeddings": 131072,
            "tie_word_embeddings": False,
            "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn"]},
        },
        116.8,
        0.003,
    ),
    (
        "Qwen3-30B-A3B",  # model card of Qwen/Qwen3-30B-A3B: 30.5 B
        {
            "model_type": "qwen3_moe",
            "hidden_size": 2048,
            "num_hidden_layers": 48,
            "num_attention_heads": 32,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "intermediate_size": 6144,
            "moe_intermediate_size": 768,
            "num_experts": 128,
            "num_experts_per_tok": 8,
            "decoder_sparse_step": 1,
            "mlp_only_layers": [],
            "vocab_size": 151936,
            "tie_word_embeddings": False,
        },
        30.5,
        0.002,
    ),
    (
        "Gemma-2-27b",  # model card of google/gemma-2-27b: 27.2 B; tied although the file does not say so
        {
            "model_type": "gemma2",
            "hidden_size": 4608,
            "num_hidden_layers": 46,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "head_dim": 128,
            "intermediate_size": 36864,
            "sliding_window": 4096,
            "vocab_size": 256000,
            "max_position_embeddings": 8192,
        },
        27.2,
        0.002,
    ),
    (
        "Gemma-3-27b-it",  # model card: 27 B of text; nested, as multimodal files are
        {
            "model_type": "gemma3",
            "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27},
            "text_config": {
                "model_type": "gemma3_text",
                "hidden_size": 5376,
                "num_hidden_layers": 62,
                "num_attention_heads": 32,
                "num_key_value_heads": 16,
                "head_dim": 128,
                "intermediate_size": 21504,
                "sliding_window": 1024,
                "sliding_window_pattern": 6,
                "vocab_size": 262208,
                "max_position_embeddings": 131072,
            },
        },
        27.0,
        0.003,
    ),
    (
        "falcon-40b",  # model card of tiiuae/falcon-40b: 41.3 B of weights; two matrices, eight KV heads
        {
            "model_type": "falcon",
            "hidden_size": 8192,
            "num_hidden_layers": 60,
            "num_attention_heads": 128,
            "num_kv_heads": 8,
            "multi_query": True,
            "new_decoder_architecture": True,
            "vocab_size": 65024,
        },
        41.3,
        0.003,
    ),
    (
        "GPT-J-6B",  # model card of EleutherAI/gpt-j-6b: 6.05 B
        {
            "model_type": "gptj",
            "n_embd": 4096,
            "n_layer": 28,
            "n_head": 16,
            "n_inner": None,
            "n_positions": 2048,
            "vocab_size": 50400,
            "tie_word_embeddings": False,
        },
        6.05,
        0.002,
    ),
    (
        "pythia-12b",  # model card of EleutherAI/pythia-12b: 11.85 B
        {
            "model_type": "gpt_neox",
            "hidden_size": 5120,
            "num_hidden_layers": 36,
            "num_attention_heads": 40,
            "intermediate_size": 20480,
            "vocab_size": 50688,
            "tie_word_embeddings": False,
        },
        11.85,
        0.002,
    ),
    (
        "MPT-30B",  # model card of mosaicml/mpt-30b: 30 B
        {
            "model_type": "mpt",
            "d_model": 7168,
            "n_layers": 48,
            "n_heads": 56,
            "expansion_ratio": 4,
            "max_seq_len": 8192,
            "attn_config": {"alibi": True},
            "vocab_size": 50432,
        },
        29.96,
        0.002,
    ),
    (
        "OPT-30B",  # paper: 30 B
        {
            "model_type": "opt",
            "hidden_size": 7168,
            "num_hidden_layers": 48,
            "num_attention_heads": 56,
            "ffn_dim": 28672,
            "vocab_size": 50272,
            "max_position_embeddings": 2048,
        },
        29.97,
        0.003,
    ),
    (
        "BLOOM-176B",  # model card of bigscience/bloom: 176.2 B
        {
            "model_type": "bloom",
            "n_embed": 14336,
            "n_layer": 70,
            "num_attention_heads": 112,
            "seq_length": 2048,
            "vocab_size": 250880,
        },
        176.2,
        0.002,
    ),
    (
        "starcoder",  # model card of bigcode/starcoder: 15.5 B
        {
            "model_type": "gpt_bigcode",
            "n_embd": 6144,
            "n_layer": 40,
            "n_head": 48,
            "n_inner": 24576,
            "multi_query": True,
            "n_positions": 8192,
            "vocab_size": 49152,
        },
        15.5,
        0.015,
    ),
    (
        "DBRX",  # model card of databricks/dbrx-base: 131.6 B
        {
            "model_type": "dbrx",
            "d_model": 6144,
            "n_layers": 40,
            "n_heads": 48,
            "max_seq_len": 32768,
            "attn_config": {"kv_n_heads": 8},
            "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4},
            "vocab_size": 100352,
            "tie_word_embeddings": False,
        },
        131.6,
        0.002,
    ),
    (
        "phi-4",  # model card of microsoft/phi-4: 14.7 B; phi3 has three matrices, phi two
        {
            "model_type": "phi3",
            "hidden_size": 5120,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 10,
            "intermediate_size": 17920,
            "sliding_window": None,
            "vocab_size": 100352,
            "max_position_embeddings": 16384,
        },
        14.7,
        0.003,
    ),
    ("Qwen3-Next-80B-A3B", QWEN3_NEXT_CONFIG, 80, 0.01),  # model card: 80 B, a rounded figure
    (
        "Llama-4-Maverick",  # model card: 400 B; experts in every second layer, one shared
        {
            "model_type": "llama4",
            "text_config": {
                "model_type": "llama4_text",
                "hidden_size": 5120,
                "num_hidden_layers": 48,
                "num_attention_heads": 40,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "intermediate_size": 8192,
                "intermediate_size_mlp": 16384,
                "num_local_experts": 128,
                "num_experts_per_tok": 1,
                "interleave_moe_layer_step": 2,
                "attention_chunk_size": 8192,
                "vocab_size": 202048,
                "max_position_embeddings": 1048576,
                "tie_word_embeddings": False,
            },
        },
        400,
        0.01,
    ),
    (
        "Jamba-1.5-Mini",  # model card of ai21labs/AI21-Jamba-1.5-Mini: 51.6 B
        {
            "model_type": "jamba",
            "hidden_size": 4096,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "intermediate_size": 14336,
            "num_experts": 16,
            "num_experts_per_tok": 2,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "attn_layer_period": 8,
            "attn_layer_offset": 4,
            "mamba_d_state": 16,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
            "mamba_dt_rank": 256,
            "vocab_size": 65536,
            "max_position_embeddings": 262144,
            "tie_word_embeddings": False,
        },
        51.6,
        0.01,
    ),
    (
        "Nemotron-H-56B",  # model card of nvidia/Nemotron-H-56B-Base-8K: 56 B; a layer is a mixer or a feed-forward
        {
            "model_type": "nemotron_h",
            "hidden_size": 8192,
            "num_hidden_layers": 118,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 32768,
            "hybrid_override_pattern": "M" * 54 + "*" * 10 + "-" * 54,
            "mamba_num_heads": 256,
            "mamba_head_dim": 64,
            "ssm_state_size": 256,
            "n_groups": 8,
            "conv_kernel": 4,
            "vocab_size": 131072,
            "max_position_embeddings": 8192,
            "tie_word_embeddings": False,
        },
        56,
        0.015,
    ),
    (
        "Kimi-K2",  # model card of moonshotai/Kimi-K2-Instruct: 1.026 T
        DEEPSEEK_R1_CONFIG
        | {
            "model_type": "kimi_k2",
            "num_attention_heads": 64,
            "num_key_value_heads": 64,
            "n_routed_experts": 384,
            "first_k_dense_replace": 1,
            "vocab_size": 163840,
        },
        1026,
        0.003,
    ),
    (
        "GLM-4.5-Air",  # model card of zai-org/GLM-4.5-Air: 106 B, rounded down
        {
            "model_type": "glm4_moe",
            "hidden_size": 4096,
            "num_hidden_layers": 46,
            "num_attention_heads": 96,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 10944,
            "moe_intermediate_size": 1408,
            "n_routed_experts": 128,
            "n_shared_experts": 1,
            "num_experts_per_tok": 8,
            "first_k_dense_replace": 1,
            "vocab_size": 151552,
            "tie_word_embeddings": False,
        },
        106,
        0.015,
    ),
    (
        "MiniMax-M2.5",  # model card of MiniMaxAI/MiniMax-M2.5: 229 B
        {
            "model_type": "minimax_m2",
            "hidden_size": 3072,
            "num_hidden_layers": 62,
            "num_attention_heads": 48,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "intermediate_size": 1536,
            "num_local_experts": 256,
            "num_experts_per_tok": 8,
            "attn_type_list": [1] * 62,
            "shared_intermediate_size": 0,
            "vocab_size": 200064,
            "tie_word_embeddings": False,
        },
        229,
        0.005,
    ),
]


def published(name: str) -> dict[str, object]:
    """The configuration of one of the models above."""
    return next(config for of, config, _, _ in PUBLISHED if of == name)


@pytest.mark.parametrize(("name", "config", "published_b", "off_by"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_totals_are_those_of_the_model_cards(name, config, published_b, off_by):
    """Parameters worked out from the shapes alone, within what the rounding of the card allows, at most 1.5 %."""
    model = model_from_config(config, name=name, source="config.json")
    assert model.parameters == pytest.approx(published_b * 1e9, rel=off_by)


def test_llama_3_70b_is_the_example_to_the_element():
    """All but the norms (161 x 8,192) of the total worked by hand; 80 layers x 2 x 8 heads x 128 dims cached."""
    model = model_from_config(LLAMA_70B_CONFIG, name="x", source="config.json")
    assert model.parameters == LLAMA_70B.parameters - 161 * 8192
    assert model.active_parameters == model.parameters
    assert model.kv_elements_per_token_full == 163_840
    assert (model.gated_ffn, model.native_precision) == (True, Precision.BF16)


def test_latent_attention_caches_one_vector_a_layer():
    """DeepSeek-R1: 61 layers x (512 + 64) = 35,136 elements, not 128 heads x 2 x 192; native fp8."""
    model = model_from_config(DEEPSEEK_R1_CONFIG, name="x", source="config.json")
    assert model.kv_elements_per_token_full == 61 * 576
    assert (model.mla, model.moe, model.head_dim) == (DEEPSEEK_R1.mla, DEEPSEEK_R1.moe, DEEPSEEK_R1.head_dim)
    assert model.native_precision is Precision.FP8


def test_active_parameters_are_those_that_a_token_touches():
    """
    Mixtral-8x7B runs two of eight experts.

    32 layers x (attention 41,943,040 + router 32,768 + 2 x 3 x 4,096 x 14,336) + 2 x 32,000 x 4,096 = 12,879,659,008.
    """
    model = model_from_config(published("Mixtral-8x7B"), name="x", source="config.json")
    assert model.active_parameters == 12_879_659_008


def test_half_of_gpt_oss_looks_back_128_tokens():
    """layer_types alternate: 18 sliding and 18 full layers, each caching 2 x 8 x 64 elements a token; mxfp4."""
    model = model_from_config(published("gpt-oss-120b"), name="x", source="config.json")
    assert (model.full_attention_layers, model.sliding_layers, model.sliding_window) == (18, 18, 128)
    assert (model.kv_elements_per_token_full, model.kv_elements_per_token_sliding) == (18 * 1024, 18 * 1024)
    assert model.native_precision is Precision.MXFP4


def test_a_sixth_of_gemma_3_is_global():
    """62 layers, every sixth global: 10, and 52 with a window of 1,024; 2 x 16 heads x 128 dims in each."""
    model = model_from_config(published("Gemma-3-27b-it"), name="x", source="config.json")
    assert (model.full_attention_layers, model.sliding_layers, model.sliding_window) == (10, 52, 1024)
    assert (model.kv_elements_per_token_full, model.kv_elements_per_token_sliding) == (40_960, 212_992)


def test_delta_net_layers_keep_a_state_instead_of_a_cache():
    """Qwen3-Next: 36 of 48 layers; 32 heads x 128 x 128, and a convolution over 4 steps of 8,192 channels."""
    model = model_from_config(QWEN3_NEXT_CONFIG, name="x", source="config.json")
    assert (model.full_attention_layers, model.linear_layers) == (12, 36)
    assert model.kv_elements_per_token_full == 12 * 2 * 2 * 256
    assert model.state_elements_per_sequence == 36 * (32 * 128 * 128 + 4 * 8192)


def test_layers_of_nemotron_h_mix_or_feed():
    """The pattern counts 54 Mamba, 10 attention, 54 feed-forward layers; 256 heads x 64 x 256 of state a layer."""
    model = model_from_config(published("Nemotron-H-56B"), name="x", source="")
    assert (model.full_attention_layers, model.linear_layers, model.feed_forward_layers) == (10, 54, 54)
    assert model.state_elements_per_sequence == 54 * (256 * 64 * 256 + 4 * (256 * 64 + 2 * 8 * 256))
    assert not model.gated_ffn


def test_multi_query_attention_caches_one_head():
    """Falcon-7B lists 71 KV heads, but its multi_query makes them one: 32 layers x 2 x 64."""
    falcon = {
        "model_type": "falcon",
        "hidden_size": 4544,
        "num_hidden_layers": 32,
        "num_attention_heads": 71,
        "num_kv_heads": 71,
        "multi_query": True,
        "new_decoder_architecture": False,
        "vocab_size": 65024,
    }
    model = model_from_config(falcon, name="x", source="config.json")
    assert (model.kv_heads, model.kv_elements_per_token_full, model.gated_ffn) == (1, 4096, False)


def test_experts_in_every_second_layer():
    """Llama-4-Maverick: 24 of 48 layers have experts, 24 a dense feed-forward of another width; 12 layers global."""
    model = model_from_config(published("Llama-4-Maverick"), name="x", source="")
    assert model.moe is not None
    assert (model.moe.dense_layers, model.moe.shared_experts, model.moe.shared_intermediate) == (24, 1, 8192)
    assert (model.intermediate, model.full_attention_layers, model.sliding_layers) == (16384, 12, 36)


@pytest.mark.parametrize(
    ("stated", "native"),
    [
        ({"quant_method": "fp8"}, Precision.FP8),
        ({"quant_method": "fbgemm_fp8"}, Precision.FP8),
        ({"quant_method": "awq", "bits": 4}, Precision.INT4),
        ({"quant_method": "gptq", "bits": 4}, Precision.INT4),
        ({"quant_method": "gptq", "bits": 8}, Precision.INT8),
        ({"quant_method": "mxfp4"}, Precision.MXFP4),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, Precision.NVFP4),
        ({"quant_method": "modelopt", "quant_algo": "FP8"}, Precision.FP8),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, Precision.INT4),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            Precision.FP8,
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            Precision.INT4,
        ),
    ],
)
def test_the_format_of_the_checkpoint_is_read_from_its_quantisation(stated, native):
    """Each way that published checkpoints state it."""
    model = model_from_config(LLAMA_70B_CONFIG | {"quantization_config": stated}, name="x", source="config.json")
    assert model.native_precision is native


def test_an_unknown_quantisation_is_told_and_not_taken_for_bf16():
    """A plan for twice the memory would be wrong in silence."""
    with pytest.raises(InvalidModel, match="quantization_config of method 'novel' is not known"):
        model_from_config(LLAMA_70B_CONFIG | {"quantization_config": {"quant_method": "novel"}}, name="x", source="c")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0"),
        ({"num_attention_heads": "64"}, "num_attention_heads is '64'"),
        ({"num_attention_heads": True}, "num_attention_heads is True"),
        ({"num_key_value_heads": 6}, "which does not divide 64 query heads"),
        ({"hidden_size": 8191}, "no multiple of 64 heads"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"num_local_experts": 8}, "num_experts_per_tok is missing"),
        ({"num_local_experts": 8, "num_experts_per_tok": 9}, "num_experts_per_tok is 9 of 8 experts"),
        ({"kv_lora_rank": 512}, "qk_rope_head_dim is missing"),
        ({"model_type": "bert"}, "'bert' is not a decoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "'t5' is not a decoder"),
    ],
)
def test_a_senseless_file_names_the_field_and_the_mend(change, said):
    """One clear error with the file, the field and a hint, whatever is wrong."""
    with pytest.raises(InvalidModel, match=said) as told:
        model_from_config(LLAMA_70B_CONFIG | change, name="x", source="models/x.json")
    assert told.value.source == "models/x.json"
    assert told.value.mend


@given(st.dictionaries(st.sampled_from([*LLAMA_70B_CONFIG, *DEEPSEEK_R1_CONFIG, "layer_types"]), ANYTHING))
def test_any_mapping_is_a_model_or_an_error_of_ours(changes):
    """No file makes a traceback: what is no decoder is an InvalidModel."""
    try:
        model = model_from_config(LLAMA_70B_CONFIG | changes, name="x", source="config.json")
    except InvalidModel:
        return
    assert model.parameters > 0
    assert model.heads % model.kv_heads == 0


@pytest.mark.parametrize(
    ("config", "known"),
    [
        (LLAMA_70B_CONFIG, "Llama-3.1-70B"),
        (DEEPSEEK_R1_CONFIG, "DeepSeek-R1"),
        (published("gpt-oss-120b"), "gpt-oss-120b"),
    ],
)
def test_the_file_and_the_packaged_fact_agree(config, known):
    """The same model by path and by name: the same layers, cache and shapes, and totals within the table's rounding."""
    read, fact = model_from_config(config, name="x", source="config.json"), catalog().model(known)
    for field in (
        "layers",
        "full_attention_layers",
        "sliding_layers",
        "hidden",
        "heads",
        "kv_heads",
        "head_dim",
        "moe",
    ):
        assert getattr(read, field) == getattr(fact, field), field
    assert read.kv_elements_per_token_full == fact.kv_elements_per_token_full
    assert read.parameters == pytest.approx(fact.parameters, rel=0.002)


def test_the_example_of_8b_agrees_with_its_fact():
    """The hand-checked example against the packaged row."""
    fact = catalog().model("meta-llama/Llama-3.1-8B-Instruct")
    assert fact.parameters == pytest.approx(LLAMA_8B.parameters, rel=0.001)
    assert fact.kv_elements_per_token_full == LLAMA_8B.kv_elements_per_token_full
