"""Random arrivals: percentiles, the highest rate within objectives, and what happens when its inputs change."""

from dataclasses import replace
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Excuse,
    Layout,
    OperatingPoint,
    Overloaded,
    highest_rate,
    memory_budget,
    open_loop,
    replica_on,
)
from sizing.performance.lengths import mean_reciprocal, percentile, quantiles, second_moment_over_mean, sigma
from sizing.performance.queueing import State, load_of, state_of, ttft_exceeds, ttft_p95_s
from sizing.spec.workload import Objectives, TokenLengths, Traffic
from tests.examples import A100, CHAT, CHAT_OBJECTIVES, H100, L40S, LLAMA_8B, LLAMA_70B

NO_LIMITS = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)
REPLICAS = [
    replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16),
    replica_on(LLAMA_8B, L40S, layout=Layout(), weights=Precision.FP8),
    replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8),
    replica_on(LLAMA_70B, A100, layout=Layout(tp=8), weights=Precision.BF16),
    replica_on(LLAMA_70B, L40S, layout=Layout(tp=2, pp=4), weights=Precision.FP8),
]


def rate(replica, objectives=NO_LIMITS, traffic=CHAT, context=16_384):
    """Requests per second; none where the replica cannot serve at all."""
    found = highest_rate(replica, traffic=traffic, objectives=objectives, max_context_tokens=context)
    return found.requests_per_s if isinstance(found, OperatingPoint) else 0.0


def test_a_lognormal_goes_through_its_mean_and_its_95th_percentile():
    """Mean 1,800 and p95 6,000: sigma 1.645 - sqrt(1.645^2 - 2 ln(6000 / 1800)) = 1.099."""
    lengths = TokenLengths(mean=1800, p95=6000)
    assert sigma(lengths) == pytest.approx(1.099, abs=0.001)
    assert percentile(lengths, 0.95) == pytest.approx(6000)
    assert sum(quantiles(lengths, 30)) / 30 == pytest.approx(1800)
    assert second_moment_over_mean(lengths) == pytest.approx(1800 * exp(1.099**2), rel=0.01)
    assert mean_reciprocal(lengths) == pytest.approx(exp(1.099**2) / 1800, rel=0.01)


def test_equal_lengths_have_no_spread():
    assert quantiles(TokenLengths(mean=500, p95=500), 30) == (500,) * 30


def test_a_wider_tail_than_any_lognormal_is_taken_at_the_widest():
    """p95 / mean of a lognormal is at most exp(1.645^2 / 2) = 3.87."""
    assert sigma(TokenLengths(mean=100, p95=1000)) == pytest.approx(1.645, abs=0.001)


def test_the_wait_of_equal_prompts_is_that_of_an_m_d_1_queue():
    """
    Rho S / (2 (1 - rho)) for Poisson arrivals and a constant service time S.

    S is the prompt and its share of the token budget of a decode step, rho its share of the time.
    """
    exact = replace(CHAT, input_tokens=TokenLengths(mean=2048, p95=2048), prefix_hit=0.0)
    load = load_of(REPLICAS[0], exact)
    state = state_of(load, 20.0)
    service = load.prompts_s[0] + 2048 / 8192 * state.step.total_s
    assert state.prefill_load == pytest.approx(state.requests_per_s * service)
    assert state.wait_mean_s == pytest.approx(state.prefill_load * service / (2 * (1 - state.prefill_load)))


def test_littles_law_holds_between_rate_and_sequences():
    """B = rate x answer length x TPOT."""
    state = state_of(load_of(REPLICAS[2], CHAT), 30.0)
    assert state.requests_per_s * 320 * state.tpot_mean_s == pytest.approx(30)


def test_the_95th_percentile_of_ttft_is_exceeded_by_a_twentieth():
    state = state_of(load_of(REPLICAS[2], CHAT), 60.0)
    assert ttft_exceeds(state, ttft_p95_s(state)) == pytest.approx(0.05, abs=0.005)


def test_an_idle_replica_has_the_ttft_of_its_95th_percentile_prompt():
    """Nobody to wait for: what is left is the spread of prompt lengths; the last but one of 30 equally likely ones."""
    state: State = state_of(load_of(REPLICAS[2], CHAT), 1e-6)
    assert ttft_p95_s(state) == pytest.approx(sorted(state.ttft_fixed_s)[-2], rel=1e-6)


def test_the_highest_rate_keeps_what_was_asked():
    """Checked at that rate by the open-loop model, and missed a tenth above it."""
    best = highest_rate(REPLICAS[2], traffic=CHAT, objectives=CHAT_OBJECTIVES, max_context_tokens=16_384)
    assert isinstance(best, OperatingPoint)
    at = open_loop(REPLICAS[2], traffic=replace(CHAT, requests_per_s=best.requests_per_s))
    assert isinstance(at, OperatingPoint)
    assert at.ttft_p95_s.value <= 0.8 * 1.001
    assert at.tpot_p95_s.value <= 0.045 * 1.001
    above = open_loop(REPLICAS[2], traffic=replace(CHAT, requests_per_s=1.1 * best.requests_per_s))
    assert isinstance(above, Overloaded) or above.ttft_p95_s.value > 0.8 or above.tpot_p95_s.value > 0.045


def test_too_much_traffic_is_overload():
    """A thousand requests a second on one GPU, and the answer tells what it could carry."""
    answer = open_loop(REPLICAS[1], traffic=replace(CHAT, requests_per_s=1000))
    assert isinstance(answer, Overloaded)
    assert 0 < answer.highest_requests_per_s < 1000


def test_a_model_that_does_not_fit_tells_what_it_needs():
    """70B in bf16 on one H100: 131 GiB of weights alone."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.BF16)
    excuse = highest_rate(replica, traffic=CHAT, objectives=CHAT_OBJECTIVES, max_context_tokens=8192)
    assert isinstance(excuse, Excuse)
    assert excuse.metric == "hbm_bytes"
    assert excuse.asked > 131 * 2**30 > excuse.reached
    assert "GiB" in excuse.text


def test_a_context_longer_than_the_cache_is_refused():
    """One request of the longest context must fit, or the server does not start."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.FP8)
    tokens = memory_budget(replica).kv_tokens
    excuse = highest_rate(replica, traffic=CHAT, objectives=NO_LIMITS, max_context_tokens=tokens + 1)
    assert isinstance(excuse, Excuse)
    assert (excuse.metric, excuse.asked, excuse.reached) == ("kv_tokens", tokens + 1, tokens)


def test_an_excuse_names_the_metric_and_both_numbers():
    """70B in bf16 on four L40S in pipeline stages reads 35 GB a stage: no 45 ms."""
    replica = replica_on(LLAMA_70B, L40S, layout=Layout(pp=4), weights=Precision.BF16)
    excuse = highest_rate(replica, traffic=CHAT, objectives=CHAT_OBJECTIVES, max_context_tokens=8192)
    assert isinstance(excuse, Excuse)
    assert excuse.metric == "tpot_p95_s"
    assert excuse.reached > 0.16 > excuse.asked == 0.045
    assert excuse.text.startswith("TPOT p95")
    assert excuse.text.endswith("> 45 ms even at one request in flight")


def test_memory_bounds_the_sequences_in_flight():
    """Without latency limits, what memory holds 95 % of the time is not passed."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(tp=2), weights=Precision.FP8)
    chatty = replace(CHAT, output_tokens=TokenLengths(mean=4000, p95=4000))
    best = highest_rate(replica, traffic=chatty, objectives=NO_LIMITS, max_context_tokens=8192)
    assert isinstance(best, OperatingPoint)
    assert best.binding == "HBM capacity"
    assert best.max_concurrency * (1800 + 2000) <= memory_budget(replica).kv_tokens * 1.01


LIMITS = st.builds(
    Objectives,
    ttft_p95_s=st.none() | st.floats(0.05, 5),
    tpot_p95_s=st.none() | st.floats(0.005, 0.2),
    e2e_p95_s=st.none() | st.floats(1, 100),
)
TRAFFIC = st.builds(
    Traffic,
    requests_per_s=st.just(1.0),
    input_tokens=st.builds(
        lambda mean, tail: TokenLengths(mean=mean, p95=mean * tail), st.floats(50, 8000), st.floats(1, 3.5)
    ),
    output_tokens=st.builds(
        lambda mean, tail: TokenLengths(mean=mean, p95=mean * tail), st.floats(10, 2000), st.floats(1, 3.5)
    ),
    prefix_hit=st.floats(0, 0.9),
    burstiness=st.floats(0.5, 5),
)


@given(replica=st.sampled_from(REPLICAS), traffic=TRAFFIC, limits=LIMITS, looser=st.floats(1, 5))
def test_looser_limits_never_lower_the_rate(replica, traffic, limits, looser):
    loose = Objectives(
        ttft_p95_s=limits.ttft_p95_s and limits.ttft_p95_s * looser,
        tpot_p95_s=limits.tpot_p95_s and limits.tpot_p95_s * looser,
        e2e_p95_s=limits.e2e_p95_s and limits.e2e_p95_s * looser,
    )
    strict = rate(replica, limits, traffic)
    assert rate(replica, loose, traffic) >= strict * (1 - 1e-3)
    assert rate(replica, NO_LIMITS, traffic) >= strict * (1 - 1e-3)


@given(replica=st.sampled_from(REPLICAS), traffic=TRAFFIC, limits=LIMITS, faster=st.floats(1, 3))
def test_a_faster_device_never_lowers_the_rate(replica, traffic, limits, faster):
    """Bandwidth, arithmetic and links together."""
    device = replica.accelerator
    names = ("memory_bytes_per_s", "bf16_flop_per_s", "fp8_flop_per_s", "int8_op_per_s", "link_bytes_per_s")
    better = replace(
        replica,
        accelerator=replace(device, **{n: v * faster for n in names if (v := getattr(device, n)) is not None}),
        link=replace(
            replica.link, links=tuple(replace(one, bytes_per_s=one.bytes_per_s * faster) for one in replica.link.links)
        ),
    )
    assert rate(better, limits, traffic) >= rate(replica, limits, traffic) * (1 - 1e-3)


@given(replica=st.sampled_from(REPLICAS), traffic=TRAFFIC, limits=LIMITS)
def test_every_promise_of_the_highest_rate_is_kept(replica, traffic, limits):
    """The point that is answered keeps each limit itself, whatever bound it."""
    best = highest_rate(replica, traffic=traffic, objectives=limits, max_context_tokens=10_000)
    if isinstance(best, Excuse):
        assert best.reached > best.asked or best.metric in {"hbm_bytes", "kv_tokens"}
        return
    for asked, reached in (
        (limits.ttft_p95_s, best.ttft_p95_s),
        (limits.tpot_p95_s, best.tpot_p95_s),
        (limits.e2e_p95_s, best.e2e_p95_s),
    ):
        assert asked is None or reached.value <= asked * (1 + 1e-6)
    assert best.requests_per_s > 0
    assert best.tpot_mean_s <= best.tpot_p95_s.value * (1 + 1e-9)


@given(replica=st.sampled_from(REPLICAS), traffic=TRAFFIC, limits=LIMITS, burst=st.floats(1, 5))
def test_burstier_arrivals_never_raise_the_rate(replica, traffic, limits, burst):
    bursty = replace(traffic, burstiness=traffic.burstiness * burst)
    assert rate(replica, limits, bursty) <= rate(replica, limits, traffic) * (1 + 1e-3)


def test_the_tail_of_the_wait_is_exponential():
    """P(W > w) = rho exp(-w rho / E[W]): at w = E[W] / rho x ln 2 it is half of rho."""
    exact = replace(CHAT, input_tokens=TokenLengths(mean=2048, p95=2048), prefix_hit=0.0)
    state = state_of(load_of(REPLICAS[0], exact), 40.0)
    half = state.wait_mean_s / state.prefill_load * log(2)
    assert ttft_exceeds(state, state.ttft_fixed_s[0] + half) == pytest.approx(state.prefill_load / 2)
