"""Rates with a confidence: never higher for more of it, and what is promised holds when predictions err."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog import Precision
from sizing.performance import Excuse, Layout, OperatingPoint, Replica, highest_rate, open_loop, replica_on
from sizing.performance.certainty.confidence import quantile
from sizing.performance.serving.assurance import assured, assured_rate, capacity, latency, rate_within
from sizing.spec.workload import Objectives, TokenLengths, Traffic
from tests.examples import A100, CHAT, CHAT_OBJECTIVES, H100, L40S, LLAMA_8B, LLAMA_70B

CONFIDENCES = st.floats(0.5, 0.99)
CONTEXT = 8192


def replica(model=LLAMA_70B, device=H100, tp: int = 4) -> Replica:
    return replica_on(model, device, layout=Layout(tp=tp), weights=Precision.FP8)


REPLICAS = st.sampled_from([replica(), replica(tp=8), replica(LLAMA_8B, L40S, 1), replica(LLAMA_8B, A100, 2)])
OBJECTIVES = st.builds(
    Objectives,
    ttft_p95_s=st.none() | st.floats(0.2, 5),
    tpot_p95_s=st.none() | st.floats(0.01, 0.2),
    e2e_p95_s=st.none() | st.floats(3, 60),
    confidence=st.just(0.5),
)


def rate(objectives: Objectives, one: Replica | None = None, traffic: Traffic = CHAT) -> OperatingPoint | Excuse:
    return assured_rate(one or replica(), traffic=traffic, objectives=objectives, max_context_tokens=CONTEXT)


def requests_per_s(point: OperatingPoint | Excuse) -> float:
    return point.requests_per_s if isinstance(point, OperatingPoint) else 0.0


@given(one=REPLICAS, objectives=OBJECTIVES)
@settings(max_examples=20, deadline=None)
def test_a_confidence_of_one_half_is_the_prediction_itself(one, objectives):
    assert rate(objectives, one) == highest_rate(one, traffic=CHAT, objectives=objectives, max_context_tokens=CONTEXT)


@given(one=REPLICAS, objectives=OBJECTIVES, confidences=st.tuples(CONFIDENCES, CONFIDENCES))
@settings(max_examples=30, deadline=None)
def test_more_confidence_never_gives_a_higher_rate(one, objectives, confidences):
    """Bisection stops within one part in ten thousand, and so may differ by twice that."""
    less, more = (replace(objectives, confidence=share) for share in sorted(confidences))
    assert requests_per_s(rate(more, one)) <= requests_per_s(rate(less, one)) * 1.0002


@given(one=REPLICAS, objectives=OBJECTIVES, confidence=CONFIDENCES)
@settings(max_examples=30, deadline=None)
def test_every_limit_is_kept_at_its_quantile(one, objectives, confidence):
    """The quantile of each latency at the rate that is given keeps its limit, and the rate that of the capacity."""
    asked = replace(objectives, confidence=confidence)
    point = rate(asked, one)
    if isinstance(point, Excuse):
        return
    for metric in ("ttft_p95_s", "tpot_p95_s", "e2e_p95_s"):
        limit = getattr(asked, metric)
        assert limit is None or quantile(latency(point, metric), confidence) <= limit * 1.001
    most = capacity(one, traffic=CHAT, max_context_tokens=CONTEXT)
    assert not isinstance(most, Excuse)
    assert point.requests_per_s <= quantile(most, 1 - confidence) * 1.001
    assert assured(point, asked, most=most).everything >= confidence - 0.002


def test_where_no_latency_binds_the_rate_is_the_quantile_of_the_capacity():
    """TTFT within 100 s says nothing: 90 % confidence leaves the lower end of the interval of throughput."""
    loose = Objectives(ttft_p95_s=100.0, tpot_p95_s=None, e2e_p95_s=None, confidence=0.9)
    most = capacity(replica(), traffic=CHAT, max_context_tokens=CONTEXT)
    assert not isinstance(most, Excuse)
    assert requests_per_s(rate(loose)) == pytest.approx(most.low, rel=1e-3)


def test_a_limit_that_cannot_be_kept_with_confidence_says_what_would_be():
    """The least TTFT times the factor of its quantile, and the user's own limit, not the tightened one."""
    strict = replace(CHAT_OBJECTIVES, ttft_p95_s=0.25, confidence=0.99)
    missed = rate(strict)
    assert isinstance(missed, Excuse)
    assert (missed.metric, missed.asked) == ("ttft_p95_s", 0.25)
    assert "with 99 % confidence" in missed.text
    kept = rate(replace(strict, ttft_p95_s=missed.reached * 1.01, tpot_p95_s=None))
    assert isinstance(kept, OperatingPoint)


def test_a_model_that_does_not_fit_says_so_whatever_the_confidence():
    small = replica_on(LLAMA_70B, H100, layout=Layout(tp=1), weights=Precision.BF16)
    missed = rate(replace(CHAT_OBJECTIVES, confidence=0.9), small)
    assert isinstance(missed, Excuse)
    assert missed.metric == "hbm_bytes"


@given(one=REPLICAS, objectives=OBJECTIVES)
@settings(max_examples=15, deadline=None)
def test_the_interval_of_a_rate_holds_the_prediction(one, objectives):
    """Its ends are the rates that are kept with 90 % and with 10 %."""
    within = rate_within(one, traffic=CHAT, objectives=objectives, max_context_tokens=CONTEXT)
    if isinstance(within, Excuse):
        return
    assert within.low <= within.value <= within.high
    assert within.value == requests_per_s(rate(objectives, one))
    assert within.low == pytest.approx(requests_per_s(rate(replace(objectives, confidence=0.9), one)), rel=0.01)


def test_a_lighter_load_is_served_more_surely():
    """At a tenth of the highest rate the odds are better than the half that the highest rate is made for."""
    most = capacity(replica(), traffic=CHAT, max_context_tokens=CONTEXT)
    assert not isinstance(most, Excuse)
    highest = requests_per_s(rate(CHAT_OBJECTIVES))
    light = open_loop(replica(), traffic=replace(CHAT, requests_per_s=highest / 10))
    full = open_loop(replica(), traffic=replace(CHAT, requests_per_s=highest))
    assert isinstance(light, OperatingPoint)
    assert isinstance(full, OperatingPoint)
    at_full = assured(full, CHAT_OBJECTIVES, most=most).everything
    assert at_full == pytest.approx(0.5, abs=0.01)
    assert assured(light, CHAT_OBJECTIVES, most=most).everything > at_full


def test_all_limits_are_kept_as_often_as_the_least_likely_one():
    """Errors go together: the probabilities are not multiplied."""
    most = capacity(replica(), traffic=CHAT, max_context_tokens=CONTEXT)
    point = open_loop(replica(), traffic=replace(CHAT, requests_per_s=2.0))
    assert not isinstance(most, Excuse)
    assert isinstance(point, OperatingPoint)
    found = assured(point, CHAT_OBJECTIVES, most=most)
    assert found.everything == min(found.latencies.values())


@pytest.mark.parametrize("burstiness", [0.0, 4.0])
def test_the_rate_of_the_traffic_is_not_read(burstiness):
    """Only its lengths, hits and burstiness are."""
    traffic = Traffic(
        requests_per_s=1.0,
        input_tokens=TokenLengths(mean=900, p95=2700),
        output_tokens=TokenLengths(mean=200, p95=600),
        prefix_hit=0.0,
        burstiness=burstiness,
    )
    objectives = replace(CHAT_OBJECTIVES, confidence=0.7)
    assert requests_per_s(rate(objectives, traffic=traffic)) == requests_per_s(
        rate(objectives, traffic=replace(traffic, requests_per_s=50.0))
    )
