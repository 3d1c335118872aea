"""Requests that wait a while more before their first token."""

from __future__ import annotations

import pytest

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, closed_loop, replica_on
from sizing.performance.delayed import delayed
from tests.examples import H100, LLAMA_8B

POINT = closed_loop(
    replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16),
    input_tokens=1000,
    output_tokens=200,
    concurrency=8,
)


def test_a_closed_loop_slows_by_littles_law():
    """Eight in flight, each half a second longer: 8 / (E2E + 0.5 s) requests a second."""
    later = delayed(POINT, 0.5, output_tokens=200, is_closed=True)
    e2e_s = POINT.ttft_mean_s + 199 * POINT.tpot_mean_s
    assert later.requests_per_s == pytest.approx(8 / (e2e_s + 0.5))
    assert later.output_tokens_per_s.value == pytest.approx(200 * later.requests_per_s)
    assert later.concurrency == 8


def test_arrivals_come_at_their_own_rate():
    """The rate stays; rate x 0.5 s more are in flight."""
    later = delayed(POINT, 0.5, output_tokens=200, is_closed=False)
    assert later.requests_per_s == POINT.requests_per_s
    assert later.concurrency == pytest.approx(POINT.concurrency + 0.5 * POINT.requests_per_s)


def test_only_what_comes_before_the_first_token_is_later():
    """TTFT and end to end by half a second, with both ends of their intervals; TPOT stays."""
    later = delayed(POINT, 0.5, output_tokens=200, is_closed=True)
    assert later.ttft_mean_s == pytest.approx(POINT.ttft_mean_s + 0.5)
    assert later.tpot_p95_s == POINT.tpot_p95_s
    for name in ("ttft_p95_s", "e2e_p95_s"):
        before, after = getattr(POINT, name), getattr(later, name)
        assert (after.value, after.low, after.high) == pytest.approx(
            (before.value + 0.5, before.low + 0.5, before.high + 0.5)
        )


def test_no_wait_changes_nothing():
    """Zero seconds."""
    assert delayed(POINT, 0.0, output_tokens=200, is_closed=True) == POINT
