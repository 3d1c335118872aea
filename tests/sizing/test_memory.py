"""Memory budgets against what engines print, and against arithmetic by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Layout,
    Replica,
    engine_named,
    legal_layouts,
    max_sequences,
    memory_budget,
    replica_on,
    weight_bytes,
)
from sizing.performance.memory import sequence_bytes
from sizing.units import GIB, KIB
from tests.examples import A100, DEEPSEEK_R1, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E

# 28 layers x (3,584 x 128 x (2 x 28 + 2 x 4) + 3 x 3,584 x 18,944) + 2 x 152,064 x 3,584, + biases and norms
QWEN_7B = replace(
    LLAMA_8B,
    name="Qwen2.5-7B",
    layers=28,
    full_attention_layers=28,
    hidden=3584,
    heads=28,
    kv_heads=4,
    intermediate=18944,
    vocab=152064,
    parameters=7_615_616_512,
    active_parameters=7_615_616_512,
    kv_elements_per_token_full=28 * 2 * 4 * 128,
)

# llm-d-planner, accuracy/results/v0.19.0/accuracy_report.md (2026-04-27): vLLM 0.19.0 on one H100 of 79.19 GiB, at
# utilisation 0.95. Model, weights, cache; weights GiB, cache GiB, cache tokens, as the server logged them.
VLLM_LOGS = [
    pytest.param(LLAMA_8B, Precision.BF16, Precision.BF16, 14.99, 58.11, 476_016, id="llama-8b"),
    pytest.param(LLAMA_8B, Precision.BF16, Precision.FP8, 14.99, 58.11, 952_032, id="llama-8b-fp8-cache"),
    pytest.param(QWEN_7B, Precision.BF16, Precision.BF16, 14.25, 58.53, 1_096_000, id="qwen-7b"),
    pytest.param(QWEN_7B, Precision.BF16, Precision.FP8, 14.25, 58.53, 2_192_000, id="qwen-7b-fp8-cache"),
    pytest.param(LLAMA_8B, Precision.FP8, Precision.BF16, 8.49, 64.61, None, id="llama-8b-fp8"),
    pytest.param(LLAMA_8B, Precision.FP32, Precision.BF16, 29.98, 42.80, None, id="llama-8b-fp32"),
]


def on_vllm_019(model, *, weights=Precision.BF16, kv=Precision.BF16, layout=Layout()) -> Replica:  # noqa: B008  frozen
    engine = replace(engine_named("vllm", "0.19"), memory_utilisation=0.95)
    return replica_on(model, H100, layout=layout, weights=weights, kv=kv, engine=engine)


@pytest.mark.parametrize(("model", "weights", "kv", "weights_gib", "kv_gib", "tokens"), VLLM_LOGS)
def test_the_cache_is_as_large_as_vllm_logs_it(*, model, weights, kv, weights_gib, kv_gib, tokens):
    """Weights and cache within 1.5 % of what vLLM 0.19 printed at start."""
    budget = memory_budget(on_vllm_019(model, weights=weights, kv=kv))
    assert budget.weight_bytes / GIB == pytest.approx(weights_gib, rel=0.015)
    assert budget.kv_bytes / GIB == pytest.approx(kv_gib, rel=0.015)
    if tokens is not None:
        assert budget.kv_tokens == pytest.approx(tokens, rel=0.015)


def test_activations_are_as_vllm_measures_them():
    """1.89 GiB for Llama and 2.25 GiB for Qwen2 (the same report): the sampler's share of vocabulary x sequences."""
    assert memory_budget(on_vllm_019(LLAMA_8B)).activation_bytes / GIB == pytest.approx(1.89, rel=0.15)
    assert memory_budget(on_vllm_019(QWEN_7B)).activation_bytes / GIB == pytest.approx(2.25, rel=0.15)


def test_one_token_of_a_70b_model_holds_320_kib():
    """80 layers x 8 KV heads x 128 dims x 2 bytes, for keys and for values."""
    assert memory_budget(replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.BF16)).kv_bytes_per_token == (
        320 * KIB
    )


def test_kv_heads_are_copied_when_there_are_more_ranks_than_heads():
    """8 KV heads over 4 ranks: a quarter of a token each; over 16 ranks: an eighth, not a sixteenth."""
    four, sixteen = (
        memory_budget(replica_on(LLAMA_70B, H100, layout=Layout(tp=tp), weights=Precision.FP8)) for tp in (4, 16)
    )
    assert four.kv_bytes_per_token == 320 * KIB / 4
    assert sixteen.kv_bytes_per_token == 320 * KIB / 8


def test_a_latent_cache_is_whole_on_every_rank():
    """61 layers x (512 + 64) x 2 bytes = 70,272 bytes a token, however many ranks; data-parallel ranks add up."""
    tensor = memory_budget(replica_on(DEEPSEEK_R1, H100, layout=Layout(tp=16), weights=Precision.FP8))
    data = memory_budget(replica_on(DEEPSEEK_R1, H100, layout=Layout(dp=16, ep=16), weights=Precision.FP8))
    assert tensor.kv_bytes_per_token == 70_272
    assert data.kv_bytes_per_token == 70_272
    assert tensor.ranks == 1
    assert data.ranks == 16


def test_deepseek_needs_more_than_eight_h100():
    """671 GB of fp8 weights over 8 x 79 GiB leave nothing; over 16 they fit."""
    eight, sixteen = (
        memory_budget(replica_on(DEEPSEEK_R1, H100, layout=Layout(tp=tp), weights=Precision.FP8)) for tp in (8, 16)
    )
    assert not eight.fits
    assert eight.kv_tokens == 0
    assert eight.headroom_bytes < 0
    assert sixteen.fits


def test_memory_holds_every_expert():
    """All 671 billion parameters at one byte (embedding and head at two), though a token computes with 37 billion."""
    replica = replica_on(DEEPSEEK_R1, H100, layout=Layout(tp=16, ep=16), weights=Precision.FP8)
    tables = 2 * 129_280 * 7168
    latent_copies = 15 * 61 * 7168 * (1536 + 512 + 64)  # the down-projections, on the 15 other ranks
    routers = 58 * 7168 * 256  # the second byte of what is never quantised
    absorbed = 61 * 512 * 128 * (128 + 128) * 2  # the up-projections once more, transposed
    expected = 671.026e9 + tables + latent_copies + routers + absorbed
    assert weight_bytes(replica) == pytest.approx(expected, rel=0.0005)


def test_quantised_experts_leave_the_rest_in_bf16():
    """mxfp4 checkpoints quantise routed experts alone: 653.9e9 x 0.53125 + the other 17.1e9 x 2 bytes."""
    replica = replica_on(DEEPSEEK_R1, H100, layout=Layout(), weights=Precision.MXFP4)
    absorbed = 61 * 512 * 128 * (128 + 128) * 2
    assert weight_bytes(replica) == pytest.approx(653.909e9 * 0.53125 + 17.118e9 * 2 + absorbed, rel=0.001)


def test_a_window_bounds_what_a_sequence_keeps():
    """Half of the layers keep 128 tokens: 10,000 tokens cost half of the full cache and 128 tokens of the rest."""
    half = LLAMA_8B.kv_elements_per_token_full // 2
    model = replace(
        LLAMA_8B,
        full_attention_layers=16,
        sliding_layers=16,
        sliding_window=128,
        kv_elements_per_token_full=half,
        kv_elements_per_token_sliding=half,
    )
    budget = memory_budget(replica_on(model, H100, layout=Layout(), weights=Precision.BF16))
    assert sequence_bytes(budget, 10_000) == 2 * half * (10_000 + 128)


def test_state_counts_per_sequence_not_per_token():
    """A million state elements at two bytes bound the sequences even of an empty context."""
    model = replace(LLAMA_8B, state_elements_per_sequence=10**9)
    budget = memory_budget(replica_on(model, H100, layout=Layout(), weights=Precision.BF16))
    assert max_sequences(budget, 0) == budget.kv_bytes // (2 * 10**9)


def test_pipeline_stages_divide_layers_and_cache():
    """Two stages: half of the layers and of each token's cache on each, one table on the first and one on the last."""
    one, two = (
        memory_budget(replica_on(LLAMA_8B, L40S, layout=Layout(pp=pp), weights=Precision.BF16)) for pp in (1, 2)
    )
    assert two.kv_bytes_per_token == one.kv_bytes_per_token / 2
    assert two.weight_bytes == pytest.approx(one.weight_bytes / 2, rel=1e-6)


def test_a_tpu_keeps_neither_graphs_nor_collective_buffers():
    """92 % of the 95 % that the runtime leaves; the rest but weights and activations is cache."""
    budget = memory_budget(replica_on(LLAMA_8B, TPU_V6E, layout=Layout(tp=4), weights=Precision.BF16))
    assert budget.usable_bytes == pytest.approx(32e9 * 0.95 * 0.92)
    assert budget.overhead_bytes == 0


PRECISIONS = [Precision.FP32, Precision.BF16, Precision.FP8, Precision.INT8, Precision.NVFP4, Precision.INT4]


@given(
    model=st.sampled_from([LLAMA_8B, LLAMA_70B, DEEPSEEK_R1]),
    device=st.sampled_from([H100, A100, L40S]),
    index=st.integers(0, 20),
    narrow=st.sampled_from(PRECISIONS),
    wide=st.sampled_from(PRECISIONS),
)
def test_fewer_bits_never_need_more_memory(model, device, index, narrow, wide):
    """Of two formats the one with fewer bytes per element never has more weight bytes nor less cache."""
    layouts = legal_layouts(model, device, accelerators_in_machine=8, weights=Precision.BF16)
    layout = layouts[index % len(layouts)]
    few, many = (memory_budget(replica_on(model, device, layout=layout, weights=w)) for w in (narrow, wide))
    order = PRECISIONS.index(narrow) >= PRECISIONS.index(wide)
    smaller, larger = (few, many) if order else (many, few)
    # nvfp4 leaves latent attention in bf16, which costs less than what it saves on the experts
    assert smaller.weight_bytes <= larger.weight_bytes
    assert smaller.kv_bytes >= larger.kv_bytes


@given(
    model=st.sampled_from([LLAMA_8B, LLAMA_70B, DEEPSEEK_R1]),
    context=st.floats(1, 200_000),
    longer=st.floats(1, 10),
)
def test_longer_requests_are_never_held_in_larger_number(model, context, longer):
    budget = memory_budget(replica_on(model, H100, layout=Layout(tp=8), weights=Precision.FP8))
    assert max_sequences(budget, context * longer) <= max_sequences(budget, context)


@given(model=st.sampled_from([LLAMA_8B, LLAMA_70B, DEEPSEEK_R1]), tp=st.sampled_from([1, 2, 4, 8]))
def test_what_is_divided_adds_up_to_the_usable_memory(model, tp):
    """Weights, activations, overhead and cache are the whole of it, or the rest is missing."""
    budget = memory_budget(replica_on(model, H100, layout=Layout(tp=tp), weights=Precision.BF16))
    parts = budget.weight_bytes + budget.activation_bytes + budget.overhead_bytes + budget.kv_bytes
    assert parts == budget.usable_bytes if budget.headroom_bytes >= 0 else budget.kv_bytes == 0
