"""One forward pass: its kernel, its collectives, and the physical limits it never passes."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, engine_named, legal_layouts, legal_precisions, replica_on
from sizing.performance.links.collectives import all_reduce_s, all_to_all_s, by_ranks, distinct_ranks
from sizing.performance.passes.efficiency import PERFECT, device_class, efficiency
from sizing.performance.passes.forward import costs_of, decode_step, prefill_s
from sizing.performance.passes.roofline import roofline_s
from sizing.performance.passes.routing import busiest_rank, experts_hit
from tests.examples import A100, DEEPSEEK_R1, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E

MODELS = st.sampled_from([LLAMA_8B, LLAMA_70B, DEEPSEEK_R1])
DEVICES = st.sampled_from([H100, A100, L40S, TPU_V6E])
ENGINES = st.sampled_from(["vllm", "sglang", "tensorrt-llm"])


@st.composite
def replicas(draw):
    model, device = draw(MODELS), draw(DEVICES)
    weights = draw(st.sampled_from(legal_precisions(model, device)))
    layouts = legal_layouts(model, device, accelerators_in_machine=8, weights=weights)
    return replica_on(model, device, layout=draw(st.sampled_from(layouts)), weights=weights, engine=draw(ENGINES))


def real(replica):
    return costs_of(replica, efficiency(replica.accelerator, replica.engine))


@given(a=st.floats(0, 1e3), b=st.floats(0, 1e3))
def test_the_roofline_is_never_below_its_parts_nor_above_their_sum(a, b):
    together = roofline_s(a, b)
    assert max(a, b) <= together <= (a + b) * (1 + 1e-12)


def test_the_knee_is_a_quarter_slower_than_each_part():
    """Two equal parts: 2 ** (1 / 3) = 1.26 times one."""
    assert roofline_s(1.0, 1.0) == pytest.approx(1.26, abs=0.001)


def test_an_all_reduce_sends_each_byte_almost_twice():
    """Eight ranks, 45 GB, 450 GB/s: 2 x 7/8 x 0.1 s, after the start."""
    assert all_reduce_s(45e9, ranks=8, start_s=1e-5, bytes_per_s=450e9) == pytest.approx(0.175 + 1e-5)
    assert all_reduce_s(45e9, ranks=1, start_s=1e-5, bytes_per_s=450e9) == 0


def test_an_all_to_all_keeps_its_own_share():
    """Four ranks keep a quarter: 3/4 of 4 GB at 1 GB/s."""
    assert all_to_all_s(4e9, ranks=4, start_s=0, bytes_per_s=1e9) == 3.0


def test_two_experts_of_one_rank_are_one_message():
    """Eight picks of eight ranks: 8 x (1 - (7/8) ** 8) = 5.25 different ones."""
    assert distinct_ranks(8, 8) == pytest.approx(5.25, abs=0.01)


def test_a_group_between_two_measured_ones_counts_as_the_larger():
    assert by_ranks({2: 0.9, 4: 0.5, 8: 0.1}, 3) == 0.5
    assert by_ranks({2: 0.9, 4: 0.5, 8: 0.1}, 12) == 0.1


def test_few_tokens_touch_few_experts():
    """One token of 8 in 256: 8; two: 256 x (1 - (248/256)^2) = 15.75; many: all."""
    assert experts_hit(256, 8, 1) == pytest.approx(8)
    assert experts_hit(256, 8, 2) == pytest.approx(15.75)
    assert experts_hit(256, 8, 10_000) == pytest.approx(256)


def test_uneven_popularity_leaves_experts_untouched():
    """Exponential popularity (variation 1), 33 tokens of 8 in 256: 8 + 248 (1 - 1 / (1 + 32 x 8 / 256)) = 132."""
    assert experts_hit(256, 8, 33, 1.0) == pytest.approx(132)
    assert experts_hit(256, 8, 1, 1.0) == 8
    assert experts_hit(256, 8, 1e6, math.inf) == 8


@given(tokens=st.floats(1, 1e5), more=st.floats(0, 1e5), variation=st.floats(0.05, 5))
def test_more_tokens_hit_more_experts_and_never_more_than_there_are(tokens, more, variation):
    few, many = experts_hit(128, 4, tokens, variation), experts_hit(128, 4, tokens + more, variation)
    assert 4 <= few <= many * (1 + 1e-12) <= 128 * (1 + 1e-9)
    assert few <= experts_hit(128, 4, tokens) * (1 + 1e-3) + 1e-9


def test_the_busiest_of_eight_ranks_by_hand():
    """256 experts of variation 1 on 8 ranks: a sum of 32 varies by 1 / sqrt 32 = 0.177, its largest of 8 by 1.43."""
    assert busiest_rank(256, 8, 1.0) == pytest.approx(1 + 0.1768 * 1.434, abs=0.001)
    assert busiest_rank(256, 1, 1.0) == 1.0


def test_a_step_at_the_limit_reads_weights_and_cache_once():
    """Llama-3.1-8B bf16, one sequence of 1,000 tokens: 15.01 GB without the input table, 131 MB of cache, 3.35 TB/s."""
    replica = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
    step = decode_step(costs_of(replica, PERFECT), sequences=1, context_tokens=1000)
    weights = 2 * (LLAMA_8B.parameters - 128256 * 4096)
    assert step.total_s == pytest.approx((weights + 1000 * 131_072) / 3.35e12, rel=0.001)


def test_a_prompt_at_the_limit_runs_at_peak_arithmetic():
    """8,000 prompt tokens of Llama-3.1-8B: 2 x 6.98e9 each, and 4 x 32 x 128 x 8,000^2 / 2 x 32 layers of attention."""
    replica = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
    inner = LLAMA_8B.parameters - 2 * 128256 * 4096
    flop = 2 * inner * 8000 + 4 * 32 * 128 * 8000**2 / 2 * 32
    seconds = prefill_s(costs_of(replica, PERFECT), new_tokens=8000, cached_tokens=0)
    assert seconds == pytest.approx(flop / 989.4e12, rel=0.02)


def test_weight_only_formats_gain_bandwidth_and_no_arithmetic():
    """A100 has no fp8 unit: products are those of bf16 with unpacking on the way, decoding gains."""
    bf16, fp8 = (
        real(replica_on(LLAMA_70B, A100, layout=Layout(tp=4), weights=w)) for w in (Precision.BF16, Precision.FP8)
    )
    unpacked = efficiency(A100, engine_named("vllm")).unpacked_flops
    assert fp8.dense.token_s == pytest.approx(bf16.dense.token_s / unpacked)
    assert unpacked <= 1
    assert (
        decode_step(fp8, sequences=1, context_tokens=1).total_s
        < decode_step(bf16, sequences=1, context_tokens=1).total_s
    )


def test_a_window_bounds_attention():
    """With every layer sliding over 128 tokens, a context of 100,000 costs what one of 128 does."""
    model = replace(
        LLAMA_8B,
        full_attention_layers=0,
        sliding_layers=32,
        sliding_window=128,
        kv_elements_per_token_full=0,
        kv_elements_per_token_sliding=LLAMA_8B.kv_elements_per_token_full,
    )
    costs = real(replica_on(model, H100, layout=Layout(), weights=Precision.BF16))
    long, short = (decode_step(costs, sequences=64, context_tokens=n).total_s for n in (100_000, 128))
    assert long == short


def test_eight_cards_on_the_bus_decode_no_faster_than_four():
    """Measured: Llama-3.1-70B fp8, L40S, TensorRT-LLM 0.14: 1,161 tokens/s at TP4 and 1,188 at TP8."""
    four, eight = (real(replica_on(LLAMA_70B, L40S, layout=Layout(tp=n), weights=Precision.FP8)) for n in (4, 8))
    gain = (
        decode_step(four, sequences=64, context_tokens=1500).total_s
        / decode_step(eight, sequences=64, context_tokens=1500).total_s
    )
    assert gain < 1.3


def test_bandwidth_efficiency_falls_with_tensor_parallelism():
    """Measured on H100 fp8, concurrency 1 to 8: 0.55 at TP1, 0.47, 0.33, 0.20 at TP8: a fixed cost per layer."""
    shares = []
    for tp in (1, 2, 4, 8):
        replica = replica_on(LLAMA_70B, H100, layout=Layout(tp=tp), weights=Precision.FP8)
        ideal = decode_step(costs_of(replica, PERFECT), sequences=4, context_tokens=1500).total_s
        shares.append(ideal / decode_step(real(replica), sequences=4, context_tokens=1500).total_s)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 1.8 * shares[3]


def test_devices_fall_into_classes():
    assert device_class(H100) == "hopper-nvlink"
    assert device_class(L40S) == "pcie"
    assert device_class(TPU_V6E) == "tpu"


@given(replica=replicas(), sequences=st.floats(1, 512), context=st.floats(1, 100_000))
def test_no_step_is_faster_than_the_device(replica, sequences, context):
    """Against a device at its peaks in everything, with nothing else to wait for."""
    limit = decode_step(costs_of(replica, PERFECT), sequences=sequences, context_tokens=context)
    assert decode_step(real(replica), sequences=sequences, context_tokens=context).total_s >= limit.total_s


@given(replica=replicas(), tokens=st.floats(1, 100_000), cached=st.floats(0, 100_000))
def test_no_prompt_is_read_faster_than_the_device_can(replica, tokens, cached):
    limit = prefill_s(costs_of(replica, PERFECT), new_tokens=tokens, cached_tokens=cached)
    assert prefill_s(real(replica), new_tokens=tokens, cached_tokens=cached) >= limit


@given(replica=replicas(), faster=st.floats(1, 4), sequences=st.floats(1, 512), context=st.floats(1, 50_000))
def test_a_faster_device_is_never_slower(replica, faster, sequences, context):
    """More bandwidth, or more arithmetic, never lengthens a step."""
    device = replica.accelerator
    wider = replace(replica, accelerator=replace(device, memory_bytes_per_s=device.memory_bytes_per_s * faster))
    peaks = {
        name: value * faster
        for name in ("bf16_flop_per_s", "fp8_flop_per_s", "int8_op_per_s", "fp4_flop_per_s")
        if (value := getattr(device, name)) is not None
    }
    stronger = replace(replica, accelerator=replace(device, **peaks))
    step = decode_step(real(replica), sequences=sequences, context_tokens=context).total_s
    for better in (wider, stronger):
        assert decode_step(real(better), sequences=sequences, context_tokens=context).total_s <= step * (1 + 1e-9)


@given(replica=replicas(), sequences=st.floats(1, 256), more=st.floats(1, 4), context=st.floats(1, 20_000))
def test_more_sequences_share_a_step(replica, sequences, more, context):
    """A step of a larger batch is longer, but by less than the batch grew."""
    costs = real(replica)
    few = decode_step(costs, sequences=sequences, context_tokens=context).total_s
    many = decode_step(costs, sequences=sequences * more, context_tokens=context).total_s
    assert few <= many * (1 + 1e-9)
    assert many <= few * more * (1 + 1e-9)


def test_every_engine_of_the_facts_has_efficiencies():
    """Shares of a peak lie between nothing and all, for every class and engine."""
    for device in (H100, A100, L40S, TPU_V6E):
        for name in ("vllm", "sglang", "tensorrt-llm"):
            share = efficiency(device, engine_named(name))
            values = [*share.flops.values(), *share.bandwidth.values(), *share.link_share.values()]
            assert all(0 < value < 1 for value in [*values, share.attention_flops, share.cache_bandwidth])
