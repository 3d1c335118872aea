"""The batch, the precision and the size of a model, as what a reader can move."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest

from sizing.catalog import ModelKind, catalog
from sizing.catalog.accelerator import Precision
from sizing.catalog.variant import Kept, resized
from sizing.errors import InvalidModel, UnknownFact
from sizing.performance import Layout, closed_loop, legal_precisions, memory_budget, replica_on
from sizing.performance.configuration.parameters import count_parameters
from sizing.performance.levers.comparison import compare_weights
from sizing.performance.levers.curve import CurvePoint, batch_curve, doublings, knees, roofline_tokens
from sizing.performance.levers.quality import published_quality, quality_facts
from sizing.performance.passes.efficiency import efficiency
from sizing.render_levers import bar, comparison_lines, curve_lines
from tests.examples import H100, L40S, LLAMA_8B, LLAMA_70B

ONE_H100 = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)


def toy(batch: int) -> CurvePoint:
    """A server whose response time is 1 s + 10 ms for each request in flight."""
    e2e_s = 1 + 0.01 * batch
    return CurvePoint(
        batch=batch, output_tokens_per_s=batch / e2e_s, tpot_s=0.0, ttft_s=0.0, e2e_s=e2e_s, cache_bytes=0.0
    )


def test_the_knee_of_a_linear_server_by_hand():
    """
    Power is B / R^2 = B / (1 + B / 100)^2; its slope is 0 where 1 + B / 100 = 2 B / 100: at B = 100.

    There the response time is twice that of an idle server, and throughput half of the highest, 100 requests/s.
    """
    (knee,) = knees(toy, doublings(1000))
    assert knee.batch == 100
    assert knee.e2e_s == pytest.approx(2 * toy(0).e2e_s)
    assert knee.output_tokens_per_s == pytest.approx(50)


def test_before_the_knee_throughput_is_the_cheaper_and_after_it_the_dearer():
    """One per cent more response time buys more than one per cent throughput below, and less above."""
    curve = batch_curve(ONE_H100, input_tokens=1000, output_tokens=200)

    def bought(low: int, high: int) -> float:
        less, more = (closed_loop(ONE_H100, input_tokens=1000, output_tokens=200, concurrency=b) for b in (low, high))
        rate = more.requests_per_s / less.requests_per_s - 1
        time = (high / more.requests_per_s) / (low / less.requests_per_s) - 1
        return rate / time

    knee = curve.knee.batch
    assert bought(knee // 2, knee - 2) > 1 > bought(knee + 2, knee * 2)


def test_the_curve_goes_to_what_the_replica_holds():
    """1, 2, 4 and so on, the most, and the knee; throughput and latency grow all the way."""
    curve = batch_curve(ONE_H100, input_tokens=1000, output_tokens=200)
    batches = [point.batch for point in curve.points]
    assert batches == sorted({*doublings(curve.most), curve.most, curve.knee.batch})
    held = memory_budget(ONE_H100)
    assert curve.points[-1].cache_bytes <= held.kv_bytes
    assert curve.limit == "HBM capacity"
    rates, times = ([getattr(point, name) for point in curve.points] for name in ("output_tokens_per_s", "e2e_s"))
    assert rates == sorted(rates)
    assert times == sorted(times)


def test_the_tokens_at_which_arithmetic_takes_over_by_hand():
    """M* = eta_f F b / (2 eta_w W): 2 bytes, 989 TFLOP/s and 3.35 TB/s at what the device reaches of them."""
    share = efficiency(H100, ONE_H100.engine)
    flops, bandwidth = share.flops[Precision.BF16], share.bandwidth[Precision.BF16]
    by_hand = flops * (H100.bf16_flop_per_s or 0) * 2 / (2 * bandwidth * 3.35e12)
    assert roofline_tokens(ONE_H100, share) == pytest.approx(by_hand)


def test_a_bar_is_as_long_as_its_share():
    """To an eighth of a column; plain where the terminal has no blocks, and never empty."""
    assert bar(1.0) == "█" * 18
    assert bar(0.5) == "█" * 9
    assert bar(1 / 18 / 8) == "▏"
    assert bar(0.0) == "▏"
    assert bar(0.5, plain=True) == "#" * 9


@pytest.mark.parametrize("name", ["Llama-3.1-8B", "DeepSeek-R1", "gpt-oss-120b"])
def test_a_curve_fits_the_screen(name: str):
    """Eighty columns, the knee marked; without block characters only ASCII."""
    layout = Layout(tp=8) if name == "DeepSeek-R1" else Layout()
    h200 = catalog().accelerator("nvidia-h200-141gb")
    replica = replica_on(catalog().model(name), h200, layout=layout, weights=catalog().model(name).native_precision)
    curve = batch_curve(replica, input_tokens=1000, output_tokens=200)
    lines = curve_lines(curve)
    assert max(map(len, lines)) <= 80
    assert sum("knee " in line.split("█")[0] for line in lines[1 : len(curve.points) + 1]) in {1, 2}
    assert "\n".join(curve_lines(curve, plain=True)).isascii()


def test_precisions_stand_side_by_side():
    """All that the device runs, the published one first; fewer bytes leave more cache."""
    options = compare_weights(
        ONE_H100,
        lambda replica: closed_loop(replica, input_tokens=1000, output_tokens=200, concurrency=8),
        request_tokens=1200,
    )
    assert tuple(option.weights for option in options) == legal_precisions(LLAMA_8B, H100)
    assert [option.is_native for option in options] == [True, False, False, False]
    by_bytes = sorted(options, key=lambda option: -option.budget.weight_bytes)
    cached = [option.budget.kv_tokens for option in by_bytes]
    assert cached == sorted(cached)
    assert max(map(len, comparison_lines(options))) <= 80


def test_a_precision_that_does_not_fit_is_told_so():
    """70 B parameters in bf16 on one L40S: 131 GiB of 45."""
    replica = replica_on(LLAMA_70B, L40S, layout=Layout(), weights=Precision.BF16)
    options = compare_weights(
        replica,
        lambda served: closed_loop(served, input_tokens=1000, output_tokens=200, concurrency=1),
        request_tokens=1200,
    )
    assert options[0].answer is None
    assert "does not fit" in comparison_lines(options[:1])[1]


def test_published_quality_is_told_with_its_source_and_else_unknown():
    """73.44 of 73.79 on OpenLLM v1, as the card of the fp8 checkpoint says: 99.5 %."""
    (fact,) = published_quality(catalog().model("Llama-3.1-8B"), Precision.FP8)
    assert fact.kept == pytest.approx(73.44 / 73.79)
    assert fact.provenance.source == "model card of neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8"
    assert published_quality(LLAMA_70B, Precision.INT4) == ()


def test_every_fact_of_quality_names_a_card_and_a_date():
    """No figure without them, none above 110 % or under 80 %; nearly every model is one of the catalog."""
    rows = json.loads(files("sizing.performance").joinpath("facts/quality.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == len(quality_facts())
    for fact in quality_facts():
        assert fact.provenance.source.startswith("model card of ")
        assert fact.provenance.as_of[:2] == "20"
        assert 0.8 < fact.kept < 1.1
        assert fact.weights is not fact.baseline
    known = 0
    for name in {fact.model for fact in quality_facts()}:
        try:
            known += catalog().model(name) is not None
        except UnknownFact:
            continue
    assert known >= 8


LLAMA = catalog().model("Llama-3.1-8B")
DEEPSEEK = catalog().model("DeepSeek-R1")


def test_pruning_by_width_gives_the_published_size():
    """
    Llama-3.1-Minitron-4B-Width keeps 32 layers, hidden 3,072, feed-forward 9,216 and all heads: 4.51 B parameters.

    32 x (3,072 x 128 x (2 x 32 + 2 x 8) + 3 x 3,072 x 9,216) + 2 x 128,256 x 3,072 = 4.512 B. Source: model card of
    nvidia/Llama-3.1-Minitron-4B-Width-Base, 2024-08.
    """
    pruned = resized(LLAMA, Kept(hidden=3072, intermediate=9216))
    by_hand = 32 * (3072 * 128 * (2 * 32 + 2 * 8) + 3 * 3072 * 9216) + 2 * 128_256 * 3072
    assert pruned.parameters == pytest.approx(by_hand, rel=1e-3)
    assert pruned.kv_elements_per_token_full == LLAMA.kv_elements_per_token_full


def test_pruning_by_depth_halves_layers_and_cache():
    """Llama-3.1-Minitron-4B-Depth keeps 16 of 32 layers: 16 x 218.1 M + 1.05 B = 4.54 B; the cache halves."""
    pruned = resized(LLAMA, Kept(layers=16))
    assert pruned.parameters == pytest.approx(16 * 218_103_808 + 2 * 128_256 * 4096, rel=1e-3)
    assert pruned.kv_elements_per_token_full * 2 == LLAMA.kv_elements_per_token_full
    assert "16 of 32 layers" in pruned.provenance.source


def test_fewer_experts_need_less_memory_and_the_same_arithmetic():
    """A token still chooses eight; 128 routed experts of 58 layers are gone, and half of each router."""
    pruned = resized(DEEPSEEK, Kept(experts=128))
    gone = 58 * 128 * (3 * 7168 * 2048 + 7168)
    assert DEEPSEEK.parameters - pruned.parameters == pytest.approx(gone, rel=1e-6)
    assert pruned.active_parameters == pytest.approx(DEEPSEEK.active_parameters, rel=0.01)
    assert count_parameters(pruned).routed * 2 == count_parameters(DEEPSEEK).routed


def test_a_student_has_the_size_asked_for():
    """6.5 B: the tables and 25 layers are 6.50 B; all of it is counted."""
    student = resized(LLAMA, Kept(parameters=6_500_000_000))
    assert (student.parameters, student.layers) == (6_500_000_000, 25)
    assert count_parameters(student).total == 6_500_000_000
    assert student.name == "Llama-3.1-8B at 6.5 B"


def test_kinds_of_layers_are_dropped_in_proportion():
    """gpt-oss mixes 18 full and 18 sliding layers; of 10 kept, five are of each."""
    pruned = resized(catalog().model("gpt-oss-120b"), Kept(layers=10))
    assert (pruned.full_attention_layers, pruned.sliding_layers) == (5, 5)
    hybrid = catalog().model("Qwen3-Next-80B-A3B")
    fewer = resized(hybrid, Kept(layers=hybrid.layers // 2))
    assert fewer.linear_layers * 2 == hybrid.linear_layers
    assert fewer.state_elements_per_sequence * 2 == hybrid.state_elements_per_sequence


def test_keeping_everything_changes_nothing_that_is_computed_with():
    """Of every decoder of the catalog: the same sizes; only the name and where it is from are told anew."""
    decoders = [model for model in catalog().models if model.kind is ModelKind.DECODER and model.parameters]
    assert len(decoders) > 100
    for model in decoders:
        same = resized(model, Kept(layers=model.layers, hidden=model.hidden, heads=model.heads))
        back = replace(same, name=model.name, aliases=model.aliases, provenance=model.provenance)
        assert back == model, model.name


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (Kept(layers=33), "it has 32 layers, of which 33 cannot be kept"),
        (Kept(layers=0), "of which 0 cannot be kept"),
        (Kept(experts=4), "it has no experts"),
        (Kept(parameters=9_000_000_000), "of which 9,000,000,000 cannot be kept"),
        (Kept(heads=5), "no whole number for each key-value head"),
    ],
)
def test_what_cannot_be_kept_is_told(kept: Kept, said: str):
    """More than there is, or heads that do not divide."""
    with pytest.raises(InvalidModel, match=said):
        resized(LLAMA, kept)


def test_fewer_experts_than_a_token_chooses_are_refused():
    """Eight of 256."""
    with pytest.raises(InvalidModel, match="a token chooses 8 experts, and 4 would be left"):
        resized(DEEPSEEK, Kept(experts=4))
