"""One configuration as text: what it is, its memory, and what it does under one load."""

from __future__ import annotations

from sizing.catalog.accelerator import Precision
from sizing.performance import Estimate, Grade, Layout, OperatingPoint, Overloaded, Replica, memory_budget, replica_on
from sizing.render_prediction import prediction_lines
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


def shown(replica: Replica, answer: OperatingPoint | Overloaded | None) -> list[str]:
    return prediction_lines(replica, memory_budget(replica), answer, input_tokens=1800, output_tokens=320)


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
