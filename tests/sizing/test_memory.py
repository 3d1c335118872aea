"""Memory budgets against what engines print, and against arithmetic by hand."""

import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import Model, ModelKind, catalog, model_from_config
from sizing.catalog.accelerator import Accelerator, Precision
from sizing.performance import (
    Engine,
    Layout,
    Replica,
    engine_named,
    engines,
    legal_layouts,
    max_sequences,
    memory_budget,
    replica_on,
    weight_bytes,
)
from sizing.performance.memory.activations import activation_bytes, expert_workspace_bytes
from sizing.performance.memory.budget import MemoryBudget, sequence_bytes
from sizing.units import GIB, KIB, MIB
from tests.examples import A100, DEEPSEEK_R1, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E

LOGS = json.loads((Path(__file__).parents[1] / "reference" / "vllm-memory.json").read_text(encoding="utf-8"))
LOGGED = LOGS["rows"]
ARCHITECTURES = sorted({row["architecture"] for row in LOGGED})
PRECISE_GIB, PRECISE_SHARE = 1.0, 0.03  # what a cache may be off by: either will do


def logged_model(name: str) -> Model:
    """The model of a log: packaged, or from the fields of its config.json."""
    config = LOGS["configs"].get(name)
    return catalog().model(name) if config is None else model_from_config(config, name=name, source=name)


def logged_replica(row: dict[str, Any], engine: Engine) -> Replica:
    """The server of a log: H100 as its driver reports it, the share that it was given, and default limits."""
    return replica_on(
        logged_model(row["model"]),
        replace(H100, memory_bytes=round(LOGS["device_gib"][row["source"]] * GIB)),
        layout=Layout(tp=row["tp"], pp=row["pp"]),
        weights=Precision(row["weights"]),
        kv=Precision(row["cache"]),
        engine=replace(engine, memory_utilisation=row["utilisation"]),
    )


def engine_without(architecture: str | None, version: str) -> Engine:
    """
    The engine of a log with every constant that has a unit of memory taken from the other architectures' logs.

    Buffers are the median of what the tensors do not explain of a logged activation peak, and overheads the medians of
    logged non-torch memory, by kind of layout.
    """
    packaged = engine_named("vllm", version)
    rows = [r for r in LOGGED if r["architecture"] != architecture and engine_named("vllm", r["version"]) == packaged]
    if not rows:
        return packaged
    plain = replace(packaged, buffer_bytes=0)
    peaks = [row["activation_gib"] * GIB - activation_bytes(logged_replica(row, plain)) for row in rows]
    single = [row["non_torch_gib"] * GIB for row in rows if row["tp"] == row["pp"] == 1]
    linked = [row["non_torch_gib"] * GIB for row in rows if row["tp"] > 1]
    staged = [row["non_torch_gib"] * GIB for row in rows if row["pp"] > 1]
    return replace(
        packaged,
        buffer_bytes=round(median(peaks)),
        overhead_bytes_single=round(median(single)) if single else packaged.overhead_bytes_single,
        overhead_bytes_linked=round(median(linked)) if linked else packaged.overhead_bytes_linked,
        overhead_bytes_staged=round(median(staged)) if staged else packaged.overhead_bytes_staged,
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_caches_are_as_logged_though_nothing_is_known_of_the_architecture(architecture):
    """
    Every cache that vLLM 0.11 to 0.19 logged, within 1 GiB or 3 %, with the architecture's own logs left out.

    What is left is what the tensors of a pass take, so the check is no copy of the table.
    """
    for row in LOGGED:
        if row["architecture"] == architecture:
            budget = memory_budget(logged_replica(row, engine_without(architecture, row["version"])))
            off = budget.kv_bytes / GIB - row["cache_gib"]
            assert abs(off) < PRECISE_GIB or abs(off) < PRECISE_SHARE * row["cache_gib"], (row["model"], off)


@pytest.mark.parametrize("row", LOGGED, ids=lambda row: "{model}-tp{tp}pp{pp}-{weights}-{version}".format(**row))
def test_memory_is_divided_as_vllm_logs_it(row):
    """Activations within 0.15 GiB, weights within 0.7 GiB or 1 %, cache within 0.7 GiB, tokens within 3 % (0.2 GiB)."""
    replica = logged_replica(row, engine_named("vllm", row["version"]))
    budget = memory_budget(replica)
    assert budget.activation_bytes / GIB == pytest.approx(row["activation_gib"], abs=0.15)
    assert budget.weight_bytes / GIB == pytest.approx(row["weights_gib"], rel=0.01, abs=0.7)
    assert budget.kv_bytes / GIB == pytest.approx(row["cache_gib"], abs=0.7)
    if row["tokens"] is not None:
        small = 0.2 * GIB / budget.kv_bytes_per_token
        assert budget.kv_tokens == pytest.approx(row["tokens"], rel=0.03, abs=small)


def test_half_of_the_logged_activation_peaks_are_met_within_2_percent():
    """One formula for all: Llama and Gemma, dense and sparse, one to four ranks, sorting and fused samplers."""
    errors = []
    for row in LOGGED:
        predicted = activation_bytes(logged_replica(row, engine_named("vllm", row["version"]))) / GIB
        errors.append(abs(predicted / row["activation_gib"] - 1))
    assert median(errors) < 0.02


def test_the_constants_of_the_engine_are_those_of_its_logs():
    """53 MiB of buffers; 0.25, 0.07 and 2.1 GiB beside: the medians over all architectures, to a tenth."""
    for version in ("0.19", "0.14"):
        packaged, fitted = engine_named("vllm", version), engine_without(None, version)
        assert packaged.buffer_bytes == pytest.approx(fitted.buffer_bytes, rel=0.1)
        assert packaged.overhead_bytes_single == pytest.approx(fitted.overhead_bytes_single, rel=0.1)
        assert packaged.overhead_bytes_linked == pytest.approx(fitted.overhead_bytes_linked, rel=0.1)


def test_the_sampler_of_llama_3_1_holds_fourteen_bytes_a_logit():
    """
    1,024 sequences of 128,256 logits: bf16 and fp32 logits, probabilities and noise (2 + 4 + 4 + 4 bytes), 132 rows of
    working space in fp32; beside them 8,192 hidden states of 4,096 in bf16, and 53 MiB of buffers.
    """
    activation = memory_budget(logged_replica(LOGGED[0], engine_named("vllm", "0.19"))).activation_bytes
    assert activation == 128_256 * (1024 * 14 + 132 * 4) + 8192 * 4096 * 2 + 53 * 2**20


def test_experts_work_in_two_buffers():
    """
    8 rows for each of 8,192 tokens; outputs of 2,048 are wider than products of 768 and than both projections of 1,536.

    vLLM 0.19 keeps the buffers while it samples; kernels for mxfp4 have none.
    """
    sparse, quantised = (
        logged_replica(next(r for r in LOGGED if r["model"] == name), engine_named("vllm", "0.19"))
        for name in ("Qwen3-30B-A3B", "gpt-oss-20b")
    )
    assert expert_workspace_bytes(sparse) == 8192 * 8 * (2048 + 2048) * 2
    assert expert_workspace_bytes(quantised) == 0


def test_groups_of_layers_are_padded():
    """Gemma 3 27B has 10 full and 52 sliding layers: six groups of ten for the latter, 70 places of 8,192 bytes."""
    gemma = next(row for row in LOGGED if row["model"] == "Gemma-3-27b-it")
    assert (
        memory_budget(logged_replica(gemma, engine_named("vllm", "0.19"))).kv_bytes_per_token == 70 * 2 * 16 * 128 * 2
    )


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


def test_a_sequence_takes_whole_blocks():
    """17 tokens take two blocks of 16, 320 KiB a token."""
    budget = memory_budget(replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.FP8))
    assert [sequence_bytes(budget, tokens) for tokens in (1, 16, 17)] == [320 * KIB * n for n in (16, 16, 32)]


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
    """92 % of what XLA leaves to programs; the rest but weights and activations is cache."""
    budget = memory_budget(replica_on(LLAMA_8B, TPU_V6E, layout=Layout(tp=4), weights=Precision.BF16))
    assert budget.usable_bytes == pytest.approx(32e9 * 0.92)
    assert budget.overhead_bytes == 0


def test_a_neuron_core_keeps_memory_for_its_runtime_and_bounds_the_cache():
    """Of 96 GiB 95 %, of which vLLM takes 92 %; at most 30 % of that is cache (AWS Neuron documentation)."""
    trainium = catalog().accelerator("aws-trainium2")
    budget = memory_budget(replica_on(LLAMA_8B, trainium, layout=Layout(tp=4), weights=Precision.BF16))
    assert budget.usable_bytes == pytest.approx(96 * GIB * 0.95 * 0.92)
    assert budget.kv_bytes == pytest.approx(0.3 * budget.usable_bytes)


def sglang(model: Model, device: Accelerator, layout: Layout) -> MemoryBudget:
    return memory_budget(replica_on(model, device, layout=layout, weights=Precision.FP8, engine="sglang"))


def test_sglang_keeps_a_reserve_before_it_measures_anything():
    """
    512 MiB + 1.5 x 8,192 + 128 a rank + 2 x 256 sequences of the graphs = 13,440 MiB on an H100 with two ranks.

    Beside it the context of two ranks, 1.5 GiB, and the weights; activations find room in the reserve.
    """
    budget = sglang(LLAMA_70B, H100, Layout(tp=2))
    reserve = (512 + 1.5 * 8192 + 128 * 2 + 2 * 256) * MIB
    assert budget.kv_bytes == pytest.approx(H100.memory_bytes - budget.weight_bytes - 1.5 * GIB - reserve, rel=1e-6)


def test_the_reserve_of_sglang_has_a_floor_on_large_devices_and_grows_with_graphs():
    """10 GiB at least above 60 GB; with four ranks graphs for 512 sequences; a small card keeps 4,096 tokens' worth."""
    one, four = sglang(LLAMA_8B, H100, Layout()), sglang(LLAMA_8B, H100, Layout(tp=4))
    assert one.overhead_bytes + one.activation_bytes == pytest.approx(0.5 * GIB + (512 + 12_288 + 128 + 512) * MIB)
    assert four.overhead_bytes + four.activation_bytes == pytest.approx(1.5 * GIB + (512 + 12_288 + 512 + 1024) * MIB)
    small = sglang(LLAMA_8B, L40S, Layout())
    assert small.overhead_bytes + small.activation_bytes == pytest.approx(0.5 * GIB + (512 + 6144 + 128 + 64) * MIB)


def test_a_reserve_leaves_half_of_what_is_free():
    """DeepSeek-R1 on 16 H100 leaves less than SGLang would keep by default: half of it is cache."""
    budget = sglang(DEEPSEEK_R1, H100, Layout(dp=16, ep=16))
    assert budget.kv_bytes > 0
    free = H100.memory_bytes - budget.weight_bytes - budget.activation_bytes - 1.5 * GIB
    assert budget.kv_bytes == pytest.approx(free / 2, rel=1e-6)


def test_tensorrt_llm_takes_a_share_of_what_is_free():
    """0.9 less 1.5 % and 2 % of tolerance: 0.869 of what weights, activations and context leave."""
    replica = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.FP8, engine="tensorrt-llm")
    budget = memory_budget(replica)
    assert budget.usable_bytes == H100.memory_bytes
    assert budget.kv_bytes == pytest.approx(0.869 * budget.headroom_bytes)


@pytest.mark.parametrize(
    ("asked", "found"), [("0.33", "0.33"), ("0.25.1", "0.33"), ("0.18.0", "0.19"), ("0.15.1", "0.14"), ("0.5", "0.2")]
)
def test_a_version_is_told_by_the_facts_that_hold_for_it(asked, found):
    """Facts hold from a version on: sorting samplers from 0.11.1, kernels from 0.17, 92 % from 0.22."""
    assert engine_named("vllm", asked).version == found


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


DECODERS = [model for model in catalog().models if model.kind is ModelKind.DECODER]


@given(
    model=st.sampled_from(DECODERS),
    device=st.sampled_from([H100, A100, L40S]),
    layout=st.sampled_from([Layout(tp=tp, pp=pp) for tp in (1, 2, 4, 8) for pp in (1, 2)]),
    engine=st.sampled_from(engines()),
)
def test_fp8_never_needs_more_than_bf16(model, device, layout, engine):
    """Weights no larger and cache no smaller, for every packaged decoder, layout and engine; so with an fp8 cache."""
    plain, quantised, cached = (
        memory_budget(replica_on(model, device, layout=layout, weights=weights, kv=kv, engine=engine))
        for weights, kv in (
            (Precision.BF16, Precision.BF16),
            (Precision.FP8, Precision.BF16),
            (Precision.FP8, Precision.FP8),
        )
    )
    assert quantised.weight_bytes <= plain.weight_bytes
    assert quantised.kv_bytes >= plain.kv_bytes
    assert cached.kv_tokens >= quantised.kv_tokens


@given(model=st.sampled_from(DECODERS), tp=st.sampled_from([1, 2, 4]), engine=st.sampled_from(engines()))
def test_more_ranks_never_hold_more_each(model, tp, engine):
    """Twice the tensor-parallel ranks: neither more weights on each nor more of a token's cache."""
    few, many = (
        memory_budget(replica_on(model, H100, layout=Layout(tp=n), weights=Precision.BF16, engine=engine))
        for n in (tp, 2 * tp)
    )
    assert many.weight_bytes <= few.weight_bytes
    assert many.kv_bytes_per_token <= few.kv_bytes_per_token
    assert many.activation_bytes <= few.activation_bytes


@given(
    model=st.sampled_from(DECODERS),
    device=st.sampled_from([H100, A100, L40S]),
    engine=st.sampled_from(engines()),
    context=st.integers(1, 100_000),
)
def test_what_is_held_fits_the_device(model, device, engine, context):
    """Weights, activations, overhead and the cache of as many sequences as are said to fit, within the memory."""
    replica = replica_on(model, device, layout=Layout(), weights=model.native_precision, engine=engine)
    budget = memory_budget(replica)
    if budget.fits:
        sequences = max_sequences(budget, context) * sequence_bytes(budget, context)
        held = budget.weight_bytes + budget.activation_bytes + budget.overhead_bytes + sequences
        assert held <= budget.usable_bytes <= device.memory_bytes
