"""The closed forms against the simulation of the same passes, on the smallest grid of `benchmarks.simulation`."""

from __future__ import annotations

import pytest

from benchmarks.simulation import Comparison, compare_closed, compare_open, render, replicas, summary, traffics

REPLICAS, TRAFFICS = replicas(), traffics()
# Over 1,500 requests a simulated 95th percentile of heavy-tailed waits is itself uncertain by about a tenth.
OPEN = {
    "TTFT mean": 0.2,
    "TTFT p90": 0.35,
    "TTFT p95": 0.35,
    "TPOT mean": 0.15,
    "TPOT p50": 0.1,
    "TPOT p95": 0.2,
    "E2E p50": 0.1,
    "E2E p95": 0.15,
}


@pytest.mark.parametrize("kind", ["chat", "equal lengths", "documents"])
@pytest.mark.parametrize("name", ["8B bf16, H100", "70B fp8, 4 x H100", "70B bf16, 8 x A100"])
def test_percentiles_of_the_open_loop_are_those_of_the_simulation(name: str, kind: str):
    """At three tenths and at two thirds of the highest rate: one device, four, and a small token budget."""
    found = list(compare_open(name, REPLICAS[name], kind, TRAFFICS[kind], loads=(0.3, 0.65), requests=1500, seeds=2))
    assert len(found) == 2
    for one in found:
        for metric, tolerance in OPEN.items():
            assert one.ratio[metric] == pytest.approx(1, abs=tolerance), (one.load, metric)


def test_bursts_are_felt_before_queues_are():
    """Requests of one burst share passes at any load: the closed form has them, within a third."""
    name = "70B fp8, 4 x H100"
    for one in compare_open(
        name, REPLICAS[name], "bursts", TRAFFICS["bursts"], loads=(0.1, 0.5), requests=1500, seeds=2
    ):
        assert one.ratio["TTFT mean"] == pytest.approx(1, abs=0.33)
        assert one.ratio["TTFT p95"] == pytest.approx(1, abs=0.33)


@pytest.mark.parametrize("lengths", [(1000, 1000), (128, 2048)])
@pytest.mark.parametrize("name", ["8B bf16, H100", "70B fp8, 4 x H100"])
def test_throughput_and_tpot_of_the_closed_loop_are_those_of_the_simulation(name: str, lengths: tuple[int, int]):
    """Work is conserved. TTFT is not compared: it is fitted to servers, which clump more than random lengths do."""
    for one in compare_closed(name, REPLICAS[name], lengths, concurrencies=(1, 16, 64)):
        assert one.ratio["rate"] == pytest.approx(1, abs=0.15), one.load
        assert one.ratio["TPOT mean"] == pytest.approx(1, abs=0.12), one.load


def test_the_table_tells_the_range_at_each_load():
    """Medians of three ratios, with the lowest and the highest."""
    found = [
        Comparison(
            replica="a", traffic="b", load=0.5, simulated={"TTFT p95": 1.0}, ratio={"TTFT p95": ratio}, preemptions=0
        )
        for ratio in (0.9, 1.0, 1.3)
    ]
    assert summary(found) == {0.5: {"TTFT p95": (0.9, 1.0, 1.3)}}
    assert render("open loop", found, ["TTFT p95"])[2].split() == ["0.5", "1.00", "(0.90-1.30)"]
