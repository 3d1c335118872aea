"""A pass taken apart: the parts are the prediction, and each can be worked out by hand."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import catalog
from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Layout,
    Overloaded,
    Replica,
    Speculation,
    closed_loop,
    memory_budget,
    open_loop,
    replica_on,
)
from sizing.performance.breakdown.closed import Breakdown, breakdown, static_breakdown
from sizing.performance.breakdown.explanation import NO_TIME_OF_A_PASS, PARTS, WIRE, Pass, decode_pass, prefill_pass
from sizing.performance.breakdown.open import open_breakdown
from sizing.performance.passes.efficiency import efficiency
from sizing.performance.passes.forward import Costs, costs_of, decode_step, prompts_s
from sizing.performance.passes.routing import busiest_rank
from sizing.performance.serving.closed_loop import whole_batch
from sizing.spec.workload import TokenLengths, Traffic
from tests.examples import H100, L40S, LLAMA_8B, LLAMA_70B


def on(name: str, accelerator: str, layout: Layout, weights: Precision) -> Replica:
    return replica_on(catalog().model(name), catalog().accelerator(accelerator), layout=layout, weights=weights)


ONE_H100 = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
REPLICAS = {
    "dense": ONE_H100,
    "tensor parallel": replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8),
    "two stages": replica_on(LLAMA_70B, H100, layout=Layout(tp=2, pp=2), weights=Precision.INT4),
    "latent attention": on("DeepSeek-R1", "nvidia-h200-141gb", Layout(tp=8, ep=8), Precision.FP8),
    "attention by requests": on("DeepSeek-R1", "nvidia-b200", Layout(dp=8, ep=8), Precision.NVFP4),
    "speculation": replace(ONE_H100, speculation=Speculation(draft_tokens=3, acceptance=0.7)),
    "windows": on("gpt-oss-120b", "nvidia-h100-80gb", Layout(tp=2), Precision.MXFP4),
    "linear layers": on("Qwen3-Next-80B-A3B", "nvidia-h200-141gb", Layout(tp=2), Precision.BF16),
    "TPU": on("Llama-3.3-70B", "tpu-v6e", Layout(tp=8), Precision.BF16),
    "Neuron": on("Llama-3.1-8B", "aws-inferentia2", Layout(tp=4), Precision.BF16),
}
EACH = pytest.mark.parametrize("replica", REPLICAS.values(), ids=REPLICAS)


def part(found: Pass, name: str):
    return next(one for one in found.parts if one.name == name)


@EACH
@pytest.mark.parametrize("sequences", [1, 48, 700])
def test_the_parts_of_a_decode_step_add_up_to_the_step(replica: Replica, sequences: int):
    """No part is forgotten, and none is counted twice."""
    share = efficiency(replica.accelerator, replica.engine)
    found = decode_pass(replica, share, sequences=sequences, context_tokens=1100)
    step = decode_step(costs_of(replica, share), sequences=sequences, context_tokens=1100)
    assert found.seconds == step.total_s
    assert sum(one.seconds for one in found.parts) == pytest.approx(step.total_s)
    assert not [one for one in found.parts if one.name == "other"]


@EACH
@pytest.mark.parametrize(("prompts", "new", "cached"), [(1, 1000, 0), (3.5, 200, 300), (1, 30000, 0)])
def test_the_parts_of_a_prefill_add_up_to_it(replica: Replica, prompts: float, new: float, cached: float):
    """Also of prompts that take several passes, or follow a cached prefix."""
    share = efficiency(replica.accelerator, replica.engine)
    found = prefill_pass(replica, share, prompts=prompts, new_tokens=new, cached_tokens=cached)
    whole = prompts_s(costs_of(replica, share), prompts=prompts, tokens_each=new, cached_each=cached)
    assert found.seconds == whole
    assert sum(one.seconds for one in found.parts) == pytest.approx(whole)
    assert not [one for one in found.parts if one.name == "other"]


def test_every_cost_of_a_pass_belongs_to_one_part():
    """Whoever adds a cost to the model says here what it is a part of."""
    named = [name for names in PARTS.values() for name in names] + ["fixed_s"]
    assert len(named) == len(set(named))
    assert {field.name for field in fields(Costs)} - NO_TIME_OF_A_PASS == set(named)


def test_bytes_and_operations_of_a_decode_step_by_hand():
    """
    Llama-3.1-8B in bf16 with 64 sequences of 1,100 tokens.

    Projections: 32 layers x 4,096 x 128 x (2 x 32 + 2 x 8) = 1,342,177,280 elements, of two bytes, two operations for
    each of 64 tokens. Attention reads 64 x 1,100 x 131,072 bytes, with 4 x 32 x 128 x 32 operations a cached token.
    """
    share = efficiency(H100, ONE_H100.engine)
    found = decode_pass(ONE_H100, share, sequences=64, context_tokens=1100)
    elements = 32 * 4096 * 128 * (2 * 32 + 2 * 8)
    projections, attention = part(found, "projections"), part(found, "attention")
    assert projections.bytes == pytest.approx(2 * elements)
    assert projections.flop == pytest.approx(2 * elements * 64)
    assert attention.bytes == pytest.approx(64 * 1100 * 131_072)
    assert attention.flop == pytest.approx(64 * 1100 * 4 * 32 * 128 * 32)
    assert part(found, "output table").flop == pytest.approx(2 * 128_256 * 4096 * 64)


def test_seconds_are_bytes_and_operations_over_what_the_device_reaches():
    """Bytes / (share x bandwidth), operations / (share x peak): each column of the table by hand."""
    share = efficiency(H100, ONE_H100.engine)
    dense = part(decode_pass(ONE_H100, share, sequences=64, context_tokens=1100), "dense matrices")
    assert dense.bandwidth_share == pytest.approx(share.bandwidth[Precision.BF16])
    assert dense.memory_s == pytest.approx(dense.bytes / (dense.bandwidth_share * 3.35e12))
    assert dense.flops_share == pytest.approx(share.flops[Precision.BF16])
    assert dense.arithmetic_s == pytest.approx(dense.flop / (dense.flops_share * (H100.bf16_flop_per_s or 0)))


def test_the_experts_that_a_step_reads_by_hand():
    """One token of DeepSeek-R1 touches 8 of 256 experts, and the busiest of 8 ranks has more tokens than the mean."""
    replica = REPLICAS["latent attention"]
    share = efficiency(replica.accelerator, replica.engine)
    experts = part(decode_pass(replica, share, sequences=1, context_tokens=100), "routed experts")
    each = 3 * 7168 * 2048 * (1 + 4 / 128**2)
    assert experts.bytes == pytest.approx(58 * 8 * each / 8, rel=1e-6)
    assert experts.flop == pytest.approx(
        58 * 8 * 2 * 3 * 7168 * 2048 / 8 * busiest_rank(256, 8, share.routing_variation), rel=1e-6
    )


def test_two_all_reduces_a_layer_are_counted():
    """80 layers on four ranks: 160 starts; each token sends 160 x 2 x 3/4 x 8,192 x 2 bytes."""
    replica = REPLICAS["tensor parallel"]
    share = efficiency(H100, replica.engine)
    found = decode_pass(replica, share, sequences=32, context_tokens=500)
    starts, wire = part(found, "collectives, start"), part(found, "collectives, wire")
    assert starts.seconds / (starts.each_s or 0) == pytest.approx(160)
    assert wire.link_bytes == pytest.approx(32 * 160 * 2 * 3 / 4 * 8192 * 2)


def test_what_is_sent_does_not_depend_on_how_fast_it_goes():
    """The same bytes over NVLink as over a host bus; what they reach of it differs."""
    linked = replica_on(LLAMA_8B, H100, layout=Layout(tp=4), weights=Precision.BF16)
    cards = replica_on(LLAMA_8B, L40S, layout=Layout(tp=4), weights=Precision.BF16)
    wires = [
        part(decode_pass(one, efficiency(one.accelerator, one.engine), sequences=16, context_tokens=500), WIRE)
        for one in (linked, cards)
    ]
    assert wires[0].link_bytes == pytest.approx(wires[1].link_bytes)
    assert (wires[0].link_share or 0) > (wires[1].link_share or 0) > 0


@EACH
def test_no_pass_is_faster_than_its_physical_limit(replica: Replica):
    """All bytes at the data sheet's bandwidth, or all operations at its peak."""
    share = efficiency(replica.accelerator, replica.engine)
    for found in (
        decode_pass(replica, share, sequences=64, context_tokens=1000),
        prefill_pass(replica, share, prompts=1, new_tokens=2000, cached_tokens=0),
    ):
        assert 0 < found.roofline_share < 1


@EACH
@pytest.mark.parametrize("concurrency", [1, 64, 5000])
def test_the_terms_of_the_latencies_add_up_to_the_prediction(replica: Replica, concurrency: int):
    """TPOT and TTFT of the closed loop are the sums of what is told of them, each term the product of its factors."""
    found = breakdown(replica, input_tokens=1000, output_tokens=200, concurrency=concurrency)
    point = closed_loop(replica, input_tokens=1000, output_tokens=200, concurrency=concurrency)
    assert found.point == point
    assert sum(term.seconds for term in found.tpot) == pytest.approx(point.tpot_mean_s)
    assert sum(term.seconds for term in found.ttft) == pytest.approx(point.ttft_mean_s)
    for term in (*found.tpot, *found.ttft):
        assert term.product == pytest.approx(term.seconds, rel=1e-6), term.name
    assert concurrency / point.e2e_mean_s == pytest.approx(point.requests_per_s, rel=1e-6)


@given(prefix=st.floats(0, 0.95), concurrency=st.integers(1, 3000), tokens=st.integers(1, 9000))
def test_the_terms_add_up_for_any_load(prefix: float, concurrency: int, tokens: int):
    """Whatever prompts share, wait for, or find in the cache."""
    found = breakdown(
        ONE_H100, input_tokens=tokens, output_tokens=1 + tokens // 7, concurrency=concurrency, prefix_hit=prefix
    )
    assert sum(term.seconds for term in found.tpot) == pytest.approx(found.point.tpot_mean_s)
    assert sum(term.seconds for term in found.ttft) == pytest.approx(found.point.ttft_mean_s)


@EACH
@pytest.mark.parametrize("load", [0.01, 0.3, 0.8])
def test_the_terms_add_up_under_random_arrivals_too(replica: Replica, load: float):
    """At a share of the highest rate that is carried."""
    traffic = Traffic(
        requests_per_s=1e9,
        input_tokens=TokenLengths(mean=1000, p95=3000),
        output_tokens=TokenLengths(mean=200, p95=500),
        prefix_hit=0.2,
        burstiness=1.5,
    )
    most = open_loop(replica, traffic=traffic)
    assert isinstance(most, Overloaded)
    asked = replace(traffic, requests_per_s=load * most.highest_requests_per_s)
    found = open_breakdown(replica, traffic=asked)
    assert isinstance(found, Breakdown)
    assert found.point == open_loop(replica, traffic=asked)
    assert sum(term.seconds for term in found.tpot) == pytest.approx(found.point.tpot_mean_s, rel=1e-6)
    assert sum(term.seconds for term in found.ttft) == pytest.approx(found.point.ttft_mean_s, rel=1e-6)
    for term in (*found.tpot, *found.ttft):
        assert term.product == pytest.approx(term.seconds, rel=1e-6), term.name
    assert found.decode.seconds == pytest.approx(found.tpot[0].seconds, rel=1e-6)


def test_more_than_can_be_carried_is_not_explained():
    """The answer is what can be."""
    lengths = TokenLengths(mean=500, p95=500)
    traffic = Traffic(requests_per_s=1e6, input_tokens=lengths, output_tokens=lengths, prefix_hit=0.0, burstiness=1.0)
    assert isinstance(open_breakdown(ONE_H100, traffic=traffic), Overloaded)


@EACH
def test_the_weights_by_part_are_those_of_the_memory_budget(replica: Replica):
    """Nothing is told as other."""
    found = breakdown(replica, input_tokens=1000, output_tokens=200, concurrency=4)
    assert sum(one.bytes for one in found.weights) == pytest.approx(memory_budget(replica).weight_bytes)
    assert not [one for one in found.weights if one.name == "other"]


def test_a_static_batch_has_no_server_and_no_queue():
    """All prompts, then a decode step a token."""
    found = static_breakdown(ONE_H100, input_tokens=1000, output_tokens=200, batch=16)
    point = whole_batch(ONE_H100, input_tokens=1000, output_tokens=200, batch=16)
    assert found.prefill.seconds == pytest.approx(point.ttft_mean_s)
    assert found.decode.seconds == pytest.approx(point.tpot_mean_s)


def test_a_model_in_half_the_bytes_moves_half_of_them():
    """bf16 to fp8: the matrices' bytes halve (and the scales of 128 x 128 blocks), the cache's stay."""
    share = efficiency(H100, ONE_H100.engine)
    quantised = replace(ONE_H100, weights=Precision.FP8)
    before = decode_pass(ONE_H100, share, sequences=8, context_tokens=100)
    after = decode_pass(quantised, share, sequences=8, context_tokens=100)
    assert part(after, "dense matrices").bytes == pytest.approx(part(before, "dense matrices").bytes / 2, rel=1e-3)
    assert part(after, "attention").bytes == part(before, "attention").bytes
