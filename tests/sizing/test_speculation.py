"""Speculative decoding: tokens a step, what a draft costs in time and memory, and where the gain ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Layout,
    Speculation,
    break_even_sequences,
    closed_loop,
    memory_budget,
    open_loop,
    published_acceptance,
    replica_on,
    speculation_gain,
)
from sizing.performance.configuration.drafting import draft_cache_bytes_per_token, draft_of, draft_weight_bytes
from sizing.performance.configuration.speculation import acceptance_of, drafting_model, tokens_per_step
from sizing.performance.passes.efficiency import PERFECT, efficiency
from sizing.performance.passes.forward import costs_of, decode_step
from sizing.performance.serving.operating_point import OperatingPoint
from sizing.spec.workload import TokenLengths, Traffic
from tests.examples import DEEPSEEK_R1, H100, LLAMA_8B, LLAMA_70B

EAGLE = Speculation(draft_tokens=3, acceptance=0.7)
SMALL = Speculation(draft_tokens=4, acceptance=0.8, draft=LLAMA_8B)
SHARES = st.floats(0, 1)


def on_four(speculation, *, model=LLAMA_70B, layout=Layout(tp=4)):  # noqa: B008  frozen
    return replica_on(model, H100, layout=layout, weights=Precision.FP8, speculation=speculation)


def test_tokens_of_a_step_are_a_geometric_sum():
    """Three drafted at 0.7: 1 + 0.7 + 0.49 + 0.343 = 2.533; a perfect draft gives all and one more, a wrong one one."""
    assert tokens_per_step(0.7, 3) == pytest.approx(2.533)
    assert tokens_per_step(0.7, 3) == pytest.approx((1 - 0.7**4) / (1 - 0.7))
    assert tokens_per_step(1.0, 3) == 4
    assert tokens_per_step(0.0, 3) == 1


@given(acceptance=SHARES, drafted=st.integers(1, 16))
def test_acceptance_follows_from_tokens_a_step(acceptance, drafted):
    tokens = tokens_per_step(acceptance, drafted)
    assert tokens_per_step(acceptance_of(tokens, drafted), drafted) == pytest.approx(tokens)


def test_published_figures_name_their_source():
    """DeepSeek-V3's own report: 85 % of second tokens, that is 1.85 tokens a step with one drafted."""
    figures = published_acceptance()
    assert all(one.provenance.source and 0 < one.acceptance < 1 for one in figures)
    mtp = next(one for one in figures if one.method == "MTP" and one.draft_tokens == 1)
    assert mtp.acceptance == pytest.approx(0.85)


@pytest.mark.parametrize(
    "figures",
    [
        {"draft_tokens": 0, "acceptance": 0.5},
        {"draft_tokens": 2, "acceptance": 1.2},
        {"draft_tokens": 2, "acceptance": -1},
    ],
)
def test_figures_that_cannot_be_are_refused(figures):
    with pytest.raises(ValueError, match="is "):
        Speculation(**figures)


def test_a_head_is_one_layer_and_a_projection():
    """Llama-3.3-70B: 8,192 x 128 x (2 x 64 + 2 x 8) + 3 x 8,192 x 28,672 + 2 x 8,192^2 = 989,855,744 in one layer."""
    head = drafting_model(LLAMA_70B, EAGLE)
    assert head is not None
    assert head.layers == 1
    assert head.kv_elements_per_token_full == 2 * 8 * 128
    alone = replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.BF16, speculation=EAGLE)
    assert draft_weight_bytes(alone) == pytest.approx(2 * 989_855_744)
    assert draft_cache_bytes_per_token(alone) == 2 * 2 * 8 * 128


def test_a_head_of_a_sparse_model_has_experts():
    """DeepSeek's MTP module: 256 experts of 3 x 7,168 x 2,048 are 11.3e9 of its about 11.5e9 parameters."""
    head = drafting_model(DEEPSEEK_R1, EAGLE)
    assert head is not None
    assert head.moe is not None
    tables = 2 * 129280 * 7168
    assert head.parameters - tables == pytest.approx(11.6e9, rel=0.02)


def test_a_draft_model_takes_its_weights_and_cache_from_the_replica():
    """Llama-3.1-8B in fp8 over four ranks: 6.98e9 / 4 bytes, tables in bf16; 32 layers x 2 heads of keys, values."""
    plain, drafted = (memory_budget(on_four(s)) for s in (None, SMALL))
    tables = 2 * 128256 * 4096
    weights = ((LLAMA_8B.parameters - tables) * (1 + 4 / 128**2) + tables * 2) / 4
    assert drafted.weight_bytes - plain.weight_bytes == pytest.approx(weights, rel=1e-6)
    assert drafted.kv_bytes_per_token - plain.kv_bytes_per_token == 32 * 2 * 2 * 128 * 2
    assert drafted.kv_tokens < plain.kv_tokens


def test_lookup_without_a_network_costs_nothing_to_draft():
    lookup = on_four(Speculation(draft_tokens=5, acceptance=0.5, head_layers=0))
    assert draft_of(lookup) is None
    assert memory_budget(lookup) == memory_budget(on_four(None))


def test_a_step_verifies_and_drafts():
    """At the device's limits: (verify 4 tokens of each sequence + 3 passes of the head) / 2.533 tokens."""
    costs = costs_of(on_four(EAGLE), PERFECT)
    step = decode_step(costs, sequences=2, context_tokens=1000)
    plain = costs_of(on_four(None), PERFECT)
    assert costs.draft is not None
    head = decode_step(costs.draft, sequences=2, context_tokens=1000).total_s
    verify = step.total_s * 2.533 - 3 * head
    # weights and cache are read once whatever the draft; six more tokens travel between the ranks
    assert verify == pytest.approx(decode_step(plain, sequences=2, context_tokens=1000).total_s, rel=0.02)
    assert step.total_s == pytest.approx((verify + 3 * head) / 2.533)


def test_speculation_pays_for_few_and_not_for_many():
    """
    The gain ends where verification is bound by arithmetic: four times the tokens at 2.533 kept of four.

    One sequence gains less than its 2.53 tokens a step, for drafting; 512 of them lose.
    """
    one, many = (speculation_gain(on_four(EAGLE), sequences=n, context_tokens=500) for n in (1, 512))
    assert 1.5 < one < 2.533
    assert many < 1
    assert speculation_gain(on_four(None), sequences=1, context_tokens=500) == 1


def test_the_break_even_batch_separates_gain_from_loss():
    replica = on_four(EAGLE)
    most = break_even_sequences(replica, context_tokens=500)
    assert 16 < most < 512
    assert speculation_gain(replica, sequences=most, context_tokens=500) > 1
    assert speculation_gain(replica, sequences=most + 1, context_tokens=500) <= 1
    assert break_even_sequences(on_four(Speculation(draft_tokens=3, acceptance=0.0)), context_tokens=500) == 0


@given(acceptance=SHARES, better=SHARES, sequences=st.floats(1, 512), context=st.floats(1, 20_000))
def test_a_better_draft_never_slows(acceptance, better, sequences, context):
    low, high = sorted((acceptance, better))
    gains = [
        speculation_gain(on_four(replace(EAGLE, acceptance=share)), sequences=sequences, context_tokens=context)
        for share in (low, high)
    ]
    assert gains[0] <= gains[1] * (1 + 1e-9)


@given(acceptance=SHARES, drafted=st.integers(1, 8), sequences=st.floats(1, 512), context=st.floats(1, 20_000))
def test_the_gain_is_never_more_than_the_tokens_of_a_step(acceptance, drafted, sequences, context):
    replica = on_four(Speculation(draft_tokens=drafted, acceptance=acceptance))
    gain = speculation_gain(replica, sequences=sequences, context_tokens=context)
    assert gain <= tokens_per_step(acceptance, drafted) * (1 + 1e-9)


def test_every_operating_point_uses_the_draft():
    """At one request in flight answers come faster in a closed loop and in an open one."""
    plain, drafted = on_four(None), on_four(EAGLE)
    loops = [closed_loop(r, input_tokens=500, output_tokens=200, concurrency=1) for r in (plain, drafted)]
    assert loops[0].tpot_mean_s / loops[1].tpot_mean_s == pytest.approx(
        speculation_gain(drafted, sequences=1, context_tokens=600)
    )
    traffic = Traffic(
        requests_per_s=0.1,
        input_tokens=TokenLengths(mean=500, p95=500),
        output_tokens=TokenLengths(mean=200, p95=200),
        prefix_hit=0.0,
        burstiness=1.0,
    )
    before, after = (open_loop(r, traffic=traffic) for r in (plain, drafted))
    assert isinstance(before, OperatingPoint)
    assert isinstance(after, OperatingPoint)
    assert after.tpot_mean_s < before.tpot_mean_s
    assert after.e2e_p95_s.value < before.e2e_p95_s.value


def test_a_draft_reads_the_prompt_too():
    """A head on 80 layers adds about a layer's time to a prompt, and the steps before its first token are longer."""
    plain, drafted = (
        closed_loop(on_four(s), input_tokens=4000, output_tokens=10, concurrency=1).ttft_mean_s for s in (None, EAGLE)
    )
    assert 1 < drafted / plain < 1.1
    assert efficiency(H100, on_four(None).engine).step_s > 0
