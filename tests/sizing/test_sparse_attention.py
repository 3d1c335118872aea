"""Attention that chooses, compresses or shares, experts in a latent space: totals of the cards, caches by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import Model, Precision, model_from_config
from sizing.performance import Layout, closed_loop, memory_budget, replica_on
from sizing.performance.configuration.parameters import count_parameters
from sizing.performance.configuration.shard import shard_of
from sizing.performance.memory.budget import sequence_bytes
from tests.examples import DEEPSEEK_R1, DEEPSEEK_R1_CONFIG, H100

# config.json as bundled in ai-dynamo/aiconfigurator model_configs (2026-10), with the fields that shape the model
DEEPSEEK_V4_FLASH: dict[str, object] = {
    "model_type": "deepseek_v4",
    "hidden_size": 4096,
    "num_hidden_layers": 43,
    "num_attention_heads": 64,
    "num_key_value_heads": 1,
    "head_dim": 512,
    "q_lora_rank": 1024,
    "o_lora_rank": 1024,
    "o_groups": 8,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_experts_per_tok": 6,
    "index_n_heads": 64,
    "index_head_dim": 128,
    "index_topk": 512,
    "sliding_window": 128,
    "compress_ratios": [0, 0] + [4, 128] * 20 + [4, 0],
    "vocab_size": 129280,
    "max_position_embeddings": 1048576,
    "expert_dtype": "fp4",
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}
KIMI_K3: dict[str, object] = {
    "model_type": "kimi_linear",
    "hidden_size": 7168,
    "num_hidden_layers": 93,
    "num_attention_heads": 96,
    "num_key_value_heads": 96,
    "intermediate_size": 33792,
    "moe_intermediate_size": 3072,
    "routed_expert_hidden_size": 3584,
    "num_experts": 896,
    "num_experts_per_token": 16,
    "num_shared_experts": 2,
    "first_k_dense_replace": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "linear_attn_config": {
        "head_dim": 128,
        "num_heads": 96,
        "short_conv_kernel_size": 4,
        "use_full_rank_gate": True,
        "kda_layers": [n for n in range(1, 93) if n % 4],
    },
    "vocab_size": 163840,
    "max_position_embeddings": 1048576,
}
NEMOTRON_3_SUPER: dict[str, object] = {
    "model_type": "nemotron_h",
    "hidden_size": 4096,
    "num_hidden_layers": 88,
    "hybrid_override_pattern": "MEMEMEM*E" + "MEMEMEM*E" * 2 + "MEMEMEMEM*E" * 4 + "MEMEMEM*E" + "MEMEMEME",
    "num_attention_heads": 32,
    "num_key_value_heads": 2,
    "head_dim": 128,
    "intermediate_size": 2688,
    "moe_intermediate_size": 2688,
    "moe_latent_size": 1024,
    "moe_shared_expert_intermediate_size": 5376,
    "n_routed_experts": 512,
    "n_shared_experts": 1,
    "num_experts_per_tok": 22,
    "mamba_num_heads": 128,
    "mamba_head_dim": 64,
    "ssm_state_size": 128,
    "conv_kernel": 4,
    "n_groups": 8,
    "mamba_ssm_cache_dtype": "float32",
    "vocab_size": 131072,
    "max_position_embeddings": 262144,
}
GEMMA_4_E2B: dict[str, object] = {  # google/gemma-4-e2b-it; AI-Hypercomputer/maxtext configs/models/gemma4-e2b.yml
    "model_type": "gemma4_text",
    "hidden_size": 1536,
    "intermediate_size": 6144,
    "num_hidden_layers": 35,
    "num_attention_heads": 8,
    "num_key_value_heads": 1,
    "head_dim": 256,
    "global_head_dim": 512,
    "hidden_size_per_layer_input": 256,
    "num_kv_shared_layers": 20,
    "use_double_wide_mlp": True,
    "sliding_window": 512,
    "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 7,
    "tie_word_embeddings": True,
    "vocab_size": 262144,
    "max_position_embeddings": 131072,
}


def read(config: dict[str, object]) -> Model:
    return model_from_config(config, name="x", source="config.json")


@pytest.mark.parametrize(
    ("config", "total_b", "active_b"),
    [
        (DEEPSEEK_V4_FLASH, 284, 13.5),  # model card: 284 B, 13 B active
        (KIMI_K3, 2780, 103.5),  # NVIDIA-NeMo/Automodel pull request 3792: 2.78 T; model card: 104 B active
        (NEMOTRON_3_SUPER, 120.6, 12.7),  # model card: 120 B, 12 B active
    ],
    ids=["deepseek-v4-flash", "kimi-k3", "nemotron-3-super"],
)
def test_totals_are_those_of_the_cards(config, total_b, active_b):
    model = read(config)
    assert model.parameters == pytest.approx(total_b * 1e9, rel=0.003)
    assert model.active_parameters == pytest.approx(active_b * 1e9, rel=0.03)


def test_the_parts_of_each_add_up_to_its_total():
    for config in (DEEPSEEK_V4_FLASH, KIMI_K3, NEMOTRON_3_SUPER, GEMMA_4_E2B):
        model = read(config)
        assert count_parameters(model).total == pytest.approx(model.parameters, rel=0.001)


def test_kimi_k3_weighs_what_its_files_weigh():
    """2.72e12 elements of routed experts in mxfp4 and 57e9 in bf16 are 1.56 TB, as its 96 shards are."""
    stated = {
        "quant_method": "compressed-tensors",
        "format": "mxfp4-pack-quantized",
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "float"}}},
        "ignore": ["re:.*self_attn.*", "re:.*shared_experts.*", "re:.*mlp\\.(gate|up|down)_proj.*", "re:.*lm_head.*"],
    }
    replica = replica_on(
        read(KIMI_K3 | {"quantization_config": stated}), H100, layout=Layout(), weights=Precision.MXFP4
    )
    assert memory_budget(replica).weight_bytes == pytest.approx(1.56e12, rel=0.01)


def test_compressed_layers_cache_an_entry_for_many_tokens():
    """
    21 layers with an entry of 512 for 4 tokens, 20 with one for 128; the last 128 tokens in all 43.

    An indexer chooses 512 entries, which stand for 2,048 tokens; its keys are 128 for each entry of 4 tokens.
    """
    model = read(DEEPSEEK_V4_FLASH)
    assert model.kv_elements_per_token_full == 21 * 128 + 20 * 4
    assert model.state_elements_per_sequence == 43 * 128 * 512
    assert model.sparse is not None
    assert (model.sparse.attended_tokens, model.sparse.index_elements_per_token) == (2048, 21 * 32)


def test_an_indexer_holds_all_tokens_and_reads_the_best():
    """61 layers x 576 elements of 2 bytes and 61 x 128 x (1 + 4 / 128) held; the latter grow with the context."""
    plain = {name: value for name, value in DEEPSEEK_R1_CONFIG.items() if name != "quantization_config"}
    indexed = plain | {
        "model_type": "deepseek_v32",
        "index_topk": 2048,
        "index_n_heads": 64,
        "index_head_dim": 128,
    }
    model = read(indexed)
    replica = replica_on(model, H100, layout=Layout(tp=16), weights=Precision.BF16)
    shard, keys = shard_of(replica), 61 * 128 * (1 + 4 / 128)
    assert memory_budget(replica).kv_bytes_per_token == 61 * 576 * 2 + keys
    assert (shard.read_bytes_per_token_full, shard.read_bytes_per_token_sliding) == (keys, 61 * 576 * 2)
    assert shard.window == 2048
    # queries of 64 heads x 128 from the query's latent vector, one key, a weight a head
    assert model.parameters - DEEPSEEK_R1.parameters == pytest.approx(
        61 * (1536 * 64 * 128 + 7168 * (128 + 64)), rel=0.01
    )


def test_a_long_context_costs_less_where_an_indexer_chooses():
    """The same model with and without: alike below the tokens that a query may attend to, and faster far above."""
    model = read(DEEPSEEK_V4_FLASH)
    assert model.sparse is not None
    plain = replace(model, sparse=None)
    seconds = {
        (kind, tokens): closed_loop(
            replica_on(one, H100, layout=Layout(tp=8), weights=Precision.MXFP4),
            input_tokens=tokens,
            output_tokens=200,
            concurrency=8,
        ).tpot_mean_s
        for kind, one in (("chosen", model), ("plain", plain))
        for tokens in (1000, 500_000)
    }
    assert seconds["chosen", 500_000] < seconds["plain", 500_000]


def test_a_state_in_fp32_counts_twice():
    """40 Mamba-2 layers: 128 heads x 64 x 128 in fp32, and a convolution of 4 over 8,192 + 2 x 8 x 128 channels."""
    model = read(NEMOTRON_3_SUPER)
    assert (model.full_attention_layers, model.linear_layers) == (8, 40)
    assert model.state_elements_per_sequence == 40 * (2 * 128 * 64 * 128 + 4 * (8192 + 2 * 8 * 128))


def test_experts_in_a_latent_space_are_smaller():
    """40 layers x 512 experts x two matrices of 1,024 x 2,688."""
    assert count_parameters(read(NEMOTRON_3_SUPER)).routed == 40 * 512 * 2 * 1024 * 2688


def test_layers_that_share_keys_and_values_cache_nothing():
    """Of 35 layers the last 20 share: 3 full of 2 x 512 and 12 sliding of 2 x 256 are left."""
    model = read(GEMMA_4_E2B)
    assert (model.kv_elements_per_token_full, model.kv_elements_per_token_sliding) == (3 * 1024, 12 * 512)


def test_embeddings_of_every_layer_are_held_but_not_multiplied():
    """262,144 x 256 for each of 35 layers: 2.35e9 of 4.63e9; 2.3e9 are effective, as the name says."""
    model = read(GEMMA_4_E2B)
    assert model.lookup_parameters == 35 * 262_144 * 256
    assert model.active_parameters == pytest.approx(2.3e9, rel=0.02)
    shard = shard_of(replica_on(model, H100, layout=Layout(), weights=Precision.BF16))
    assert shard.attention_elements + shard.dense_elements < 2e9
    assert shard.weight_bytes == pytest.approx(2 * model.parameters, rel=0.001)


@given(context=st.integers(1, 400_000), more=st.integers(0, 400_000))
def test_a_longer_context_never_holds_less(context, more):
    budget = memory_budget(replica_on(read(DEEPSEEK_V4_FLASH), H100, layout=Layout(tp=8), weights=Precision.MXFP4))
    assert sequence_bytes(budget, context) <= sequence_bytes(budget, context + more)


def test_blocks_of_a_search_have_widths_of_their_own():
    """
    Two of four layers attend with a key-value head to 8 query heads; one attention is a matrix, one is left out.

    Feed-forwards of 2.625 and 5.25 times 8,192: two thirds of that twice, in tiles of 256: 14,336 and 28,672.
    """
    attends = {"n_heads_in_group": 8, "no_op": False, "replace_with_linear": False}
    config = {
        "model_type": "nemotron-nas",
        "hidden_size": 8192,
        "num_hidden_layers": 4,
        "num_attention_heads": 64,
        "num_key_value_heads": None,
        "intermediate_size": None,
        "vocab_size": 128256,
        "tie_word_embeddings": False,
        "block_configs": [
            {"attention": attends, "ffn": {"ffn_mult": 2.625}},
            {"attention": attends, "ffn": {"ffn_mult": 5.25}},
            {"attention": {"replace_with_linear": True}, "ffn": {"ffn_mult": 5.25}},
            {"attention": {"no_op": True}, "ffn": {"no_op": True}},
        ],
    }
    model = read(config)
    assert (model.full_attention_layers, model.kv_heads, model.kv_elements_per_token_full) == (2, 8, 2 * 2 * 8 * 128)
    attention, tables = 2 * 8192 * 128 * (2 * 64 + 2 * 8), 2 * 128256 * 8192
    feed_forward = 3 * 8192 * (14336 + 28672 + 28672)
    assert model.parameters == pytest.approx(attention + 8192**2 + feed_forward + tables, rel=1e-4)


def test_an_indexer_may_choose_blocks_in_some_layers():
    """MiniMax-M3: 57 of 60 layers choose 16 blocks of 128 tokens and the last; 2 x 4 x 128 elements in every layer."""
    flags = [0] * 3 + [1] * 57
    model = read(
        {
            "model_type": "minimax_m3",
            "hidden_size": 6144,
            "num_hidden_layers": 60,
            "num_attention_heads": 64,
            "num_key_value_heads": 4,
            "head_dim": 128,
            "dense_intermediate_size": 12288,
            "intermediate_size": 3072,
            "moe_layer_freq": flags,
            "num_local_experts": 128,
            "num_experts_per_tok": 4,
            "n_shared_experts": 1,
            "vocab_size": 200064,
            "sparse_attention_config": {
                "use_sparse_attention": True,
                "sparse_attention_freq": flags,
                "sparse_block_size": 128,
                "sparse_topk_blocks": 16,
                "sparse_local_block": 1,
                "sparse_num_index_heads": 4,
                "sparse_index_dim": 128,
            },
        }
    )
    assert model.kv_elements_per_token_full == 60 * 1024
    assert model.sparse is not None
    assert (model.sparse.attended_tokens, model.sparse.elements_per_token) == (17 * 128, 57 * 1024)
    assert model.moe is not None
    assert (model.moe.dense_layers, model.intermediate, model.moe.intermediate) == (3, 12288, 3072)


def test_layers_may_share_what_an_indexer_chose():
    """GLM-5.2: of 78 layers 21 have an indexer; the others attend to what the one before them chose."""
    kinds = ["full"] * 3 + ["shared", "shared", "shared", "full"] * 18 + ["shared"] * 3
    model = read(
        {
            "model_type": "glm_moe_dsa",
            "hidden_size": 6144,
            "num_hidden_layers": 78,
            "num_attention_heads": 64,
            "num_key_value_heads": 64,
            "intermediate_size": 12288,
            "moe_intermediate_size": 2048,
            "n_routed_experts": 256,
            "n_shared_experts": 1,
            "num_experts_per_tok": 8,
            "first_k_dense_replace": 3,
            "q_lora_rank": 2048,
            "kv_lora_rank": 512,
            "qk_rope_head_dim": 64,
            "qk_nope_head_dim": 192,
            "v_head_dim": 256,
            "index_n_heads": 32,
            "index_head_dim": 128,
            "index_topk": 2048,
            "indexer_types": kinds,
            "vocab_size": 154880,
        }
    )
    assert model.sparse is not None
    assert model.sparse.index_elements_per_token == 21 * 128
    assert model.sparse.elements_per_token == model.kv_elements_per_token_full == 78 * 576


def test_layers_with_and_without_a_window_may_have_other_heads():
    """
    MiMo-V2-Flash: 9 full layers with 4 key-value heads, 39 with a window and 8; keys of 192 and values of 128.

    Gemma 4 26B: 5 full layers with 2 heads of 512 whose keys are their values' projection too, 25 with 8 of 256.
    """
    mimo = read(
        {
            "model_type": "mimo_v2_flash",
            "hidden_size": 4096,
            "num_hidden_layers": 48,
            "num_attention_heads": 64,
            "num_key_value_heads": 4,
            "swa_num_key_value_heads": 8,
            "head_dim": 192,
            "v_head_dim": 128,
            "intermediate_size": 16384,
            "moe_intermediate_size": 2048,
            "n_routed_experts": 256,
            "num_experts_per_tok": 8,
            "moe_layer_freq": [0] + [1] * 47,
            "hybrid_layer_pattern": [0] + [1, 1, 1, 1, 1, 0] * 7 + [1, 1, 1, 1, 0],
            "sliding_window": 128,
            "vocab_size": 152576,
            "max_position_embeddings": 262144,
        }
    )
    assert (mimo.full_attention_layers, mimo.sliding_layers) == (9, 39)
    assert (mimo.kv_elements_per_token_full, mimo.kv_elements_per_token_sliding) == (9 * 4 * 320, 39 * 8 * 320)
    assert mimo.parameters == pytest.approx(309e9, rel=0.002)  # model card: 309 B, 15 B active
    gemma = read(
        {
            "model_type": "gemma4_text",
            "hidden_size": 2816,
            "num_hidden_layers": 30,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "num_global_key_value_heads": 2,
            "head_dim": 256,
            "global_head_dim": 512,
            "attention_k_eq_v": True,
            "intermediate_size": 2112,
            "moe_intermediate_size": 704,
            "num_experts": 128,
            "top_k_experts": 8,
            "enable_moe_block": True,
            "sliding_window": 1024,
            "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 5,
            "tie_word_embeddings": True,
            "vocab_size": 262144,
            "max_position_embeddings": 262144,
        }
    )
    assert (gemma.kv_elements_per_token_full, gemma.kv_elements_per_token_sliding) == (5 * 2 * 1024, 25 * 8 * 512)
    sliding, full = 2816 * 256 * (2 * 16 + 2 * 8), 2816 * 512 * (2 * 16 + 2)
    feeding = 3 * 2816 * (128 * 704 + 2112) + 2816 * 128
    assert gemma.parameters == 25 * sliding + 5 * full + 30 * feeding + 262144 * 2816
