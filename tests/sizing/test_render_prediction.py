"""One configuration as text: what it is, its memory, and what it does under one load."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Estimate,
    Excuse,
    Grade,
    Layout,
    OperatingPoint,
    Overloaded,
    Replica,
    memory_budget,
    replica_on,
)
from sizing.render_prediction import heading_lines, memory_lines, speed_lines, too_large_lines
from tests.examples import H100, L40S, LLAMA_70B

FOUR_H100 = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8)
ONE_L40S = replica_on(LLAMA_70B, L40S, layout=Layout(tp=1), weights=Precision.BF16)


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high, grade=Grade.CALIBRATED)


POINT = OperatingPoint(
    requests_per_s=1.68,
    concurrency=8.0,
    max_concurrency=12,
    ttft_mean_s=0.1,
    tpot_mean_s=0.014,
    ttft_p95_s=estimate(0.163, 0.0816, 0.408),
    tpot_p95_s=estimate(0.0144, 0.00935, 0.023),
    e2e_p95_s=estimate(4.75, 3.09, 7.61),
    output_tokens_per_s=estimate(539.0, 323.0, 808.0),
    utilisation=0.93,
    binding="HBM bandwidth",
)


def shown(replica: Replica, answer: OperatingPoint | Overloaded | Excuse | None) -> list[str]:
    budget = memory_budget(replica)
    if answer is None:
        return [*heading_lines(replica), *memory_lines(budget), *too_large_lines(budget, 2120)]
    speed = speed_lines(answer, input_tokens=1800, output_tokens=320)
    return [*heading_lines(replica), *memory_lines(budget), *speed]


def test_the_configuration_comes_first() -> None:
    """Model, precisions, layout and engine version, in one sentence."""
    head = " ".join(" ".join(shown(FOUR_H100, POINT)[:2]).split())
    assert head.startswith("Llama-3.3-70B fp8, bf16 cache, on 4 x nvidia-h100-80gb (TP4), vllm ")


def test_each_latency_has_its_interval() -> None:
    """Planned value and both ends, each with its unit."""
    lines = shown(FOUR_H100, POINT)
    assert any(line.split("  ")[-1] == "81.6 ms to 408 ms" for line in lines if "TTFT p95" in line)
    assert any(line.endswith("323 to 808") and "539 tokens/s" in line for line in lines)
    assert lines[-1] == "  binding: HBM bandwidth; rests on: calibrated"


def test_both_ways_to_count_time_per_token_are_told() -> None:
    """End to end of 320 tokens is 0.1 s + 319 x 14 ms = 4.566 s: 14 ms between tokens, 14.3 ms a token in all."""
    lines = shown(FOUR_H100, POINT)
    assert any(line.split() == ["TPOT", "mean", "14", "ms"] for line in lines)
    assert any(line.split() == ["end", "to", "end", "/", "output", "token", "14.3", "ms"] for line in lines)
    assert "  TPOT is (end to end - TTFT) / (tokens out - 1)" in lines


def test_where_all_requests_are_alike_there_is_one_latency() -> None:
    """A closed loop of constant lengths has no percentiles."""
    alike = replace(POINT, ttft_mean_s=POINT.ttft_p95_s.value, tpot_mean_s=POINT.tpot_p95_s.value)
    lines = shown(FOUR_H100, alike)
    assert any(line.startswith("  TTFT  ") and line.endswith("81.6 ms to 408 ms") for line in lines)
    assert not any(line.startswith("  TTFT p95") for line in lines)


def test_limits_that_no_rate_keeps_say_which() -> None:
    """The first that is missed with one request in flight."""
    text = "TTFT p95 60 ms > 5 ms even at one request in flight"
    excuse = Excuse(metric="ttft_p95_s", asked=0.005, reached=0.06, text=text)
    assert shown(FOUR_H100, excuse)[-1] == f"no rate keeps the limits: {text}"


def test_the_memory_is_worked_out_per_accelerator() -> None:
    """320 KiB a token over four accelerators are 80 KiB on each."""
    assert any(line.startswith("  80 KiB of it a token; the replica holds ") for line in shown(FOUR_H100, POINT))


def test_what_does_not_fit_says_how_much_is_missing() -> None:
    """131 GiB of weights on a card of 45 GiB; no latency is told for what cannot run."""
    lines = shown(ONE_L40S, None)
    assert lines[-1].startswith("does not fit: ")
    assert not any("TTFT" in line for line in lines)


def test_an_overload_says_what_could_be_carried() -> None:
    """An answer, not an error."""
    overloaded = Overloaded(requests_per_s=20, highest_requests_per_s=6.4, binding="compute")
    assert shown(FOUR_H100, overloaded)[-1] == "overloaded: it carries at most 6.4 requests/s; binding: compute"


def test_no_line_is_wider_than_the_screen() -> None:
    """Also where nothing fits."""
    for replica, answer in ((FOUR_H100, POINT), (ONE_L40S, None)):
        assert max(map(len, shown(replica, answer))) <= 80
