"""Requests that wait a while more before their first token."""

from __future__ import annotations

import pytest

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, OperatingPoint, closed_loop, open_loop, replica_on
from sizing.performance.serving.delayed import delayed
from sizing.spec.workload import TokenLengths, Traffic
from tests.examples import H100, LLAMA_8B

REPLICA = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
POINT = closed_loop(REPLICA, input_tokens=1000, output_tokens=200, concurrency=8)


def test_a_closed_loop_slows_by_littles_law():
    """Eight in flight, each half a second longer: 8 / (E2E + 0.5 s) requests a second."""
    later = delayed(POINT, 0.5, is_closed=True)
    e2e_s = POINT.ttft_mean_s + 199 * POINT.tpot_mean_s
    assert later.requests_per_s == pytest.approx(8 / (e2e_s + 0.5))
    assert later.output_tokens_per_s.value == pytest.approx(200 * later.requests_per_s)
    assert later.concurrency == 8


def test_arrivals_come_at_their_own_rate():
    """The rate stays; rate x 0.5 s more are in flight."""
    later = delayed(POINT, 0.5, is_closed=False)
    assert later.requests_per_s == POINT.requests_per_s
    assert later.concurrency == pytest.approx(POINT.concurrency + 0.5 * POINT.requests_per_s)


def test_only_what_comes_before_the_first_token_is_later():
    """TTFT and end to end by half a second, with both ends of their intervals; TPOT stays."""
    later = delayed(POINT, 0.5, is_closed=True)
    assert later.ttft_mean_s == pytest.approx(POINT.ttft_mean_s + 0.5)
    assert later.tpot_p95_s == POINT.tpot_p95_s
    for name in ("ttft_p95_s", "e2e_p95_s"):
        before, after = getattr(POINT, name), getattr(later, name)
        assert (after.value, after.low, after.high) == pytest.approx(
            (before.value + 0.5, before.low + 0.5, before.high + 0.5)
        )


def test_percentiles_are_later_too():
    """Of TTFT and end to end, each by half a second; those of TPOT and the gaps stay."""
    lengths = TokenLengths(mean=300, p95=900)
    traffic = Traffic(requests_per_s=2, input_tokens=lengths, output_tokens=lengths, prefix_hit=0.0, burstiness=1.0)
    point = open_loop(REPLICA, traffic=traffic)
    assert isinstance(point, OperatingPoint)
    before, after = point.latencies, delayed(point, 0.5, is_closed=False).latencies
    assert before is not None
    assert after is not None
    assert after.ttft.p99_s == pytest.approx(before.ttft.p99_s + 0.5)
    assert after.e2e.p50_s == pytest.approx(before.e2e.p50_s + 0.5)
    assert (after.tpot, after.gap_p99_s) == (before.tpot, before.gap_p99_s)


def test_no_wait_changes_nothing():
    """Zero seconds."""
    assert delayed(POINT, 0.0, is_closed=True) == POINT
