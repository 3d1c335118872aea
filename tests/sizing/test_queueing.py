"""Random arrivals: percentiles, the highest rate within objectives, and what happens when its inputs change."""

from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
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
from sizing.performance.passes.forward import prefill_s, prompts_s
from sizing.performance.serving import load as load_module
from sizing.performance.serving.latencies import e2e_parts, gap_p99_s, tpot_parts, ttft_parts
from sizing.performance.serving.load import load_of
from sizing.performance.serving.steady_state import state_of
from sizing.performance.serving.tails import Part, exceeds, gamma_exceeds, mean, percentiles, variance
from sizing.performance.serving.tails import percentile as percentile_of
from sizing.spec import lengths
from sizing.spec.lengths import within_context
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


EXACT = replace(CHAT, input_tokens=TokenLengths(mean=2048, p95=2048), prefix_hit=0.0)


def test_a_prompt_waits_for_half_a_pass_and_for_all_who_share_its_own():
    """
    Of the pass that an arrival meets, m = E[T^2] / E[T], it waits for m / 2 + rho m.

    E[T] = a / (1 - rho), Var[T] = lambda E[T] S^2 / (1 - rho^2). Equal prompts of 2,048 tokens, at most four to a pass.
    """
    load = load_of(REPLICAS[0], EXACT)
    state = state_of(load, 20.0)
    queue, added = state.queue, state.prompts_s[0]
    rho = state.requests_per_s * added
    length = queue.pass_s / (1 - rho)
    met = length + state.requests_per_s * added**2 / (1 - rho**2)
    step_share = queue.fills[0] * queue.pass_s  # each prompt brings its share of a step along
    ahead = [
        state.requests_per_s * time**2 / (2 * (1 - state.requests_per_s * time)) for time in (added, added + step_share)
    ]
    assert queue.mean_s == pytest.approx(met * (0.5 + rho) + ahead[1] - ahead[0], rel=1e-6)
    assert queue.load == pytest.approx(state.requests_per_s * (added + step_share))


def test_prompts_that_share_a_pass_read_the_weights_together():
    """
    One at a time, each adds its own pass times the measured interference; two in a pass, less than that each.

    With b = 2 O sequences two prompts arrive in a step: 2 / (1 - e^-2) = 2.3 in a pass that has any.
    """
    load = load_of(REPLICAS[0], EXACT)
    alone = load.costs.interference * prefill_s(load.costs, new_tokens=2048, cached_tokens=0)
    assert state_of(load, 1e-9).prompts_s[0] == pytest.approx(alone)
    together = 2 / (1 - exp(-2))
    shared = prompts_s(load.costs, prompts=together, tokens_each=2048) / together
    assert state_of(load, 2 * load.output_mean).prompts_s[0] == pytest.approx(load.costs.interference * shared)
    assert shared < alone / load.costs.interference


def test_littles_law_holds_between_rate_and_sequences():
    """B = rate x answer length x TPOT."""
    state = state_of(load_of(REPLICAS[2], CHAT), 30.0)
    assert state.requests_per_s * 320 * state.tpot_mean_s == pytest.approx(30)


@pytest.mark.parametrize("parts_of", [ttft_parts, tpot_parts, e2e_parts])
def test_a_percentile_is_exceeded_by_the_rest(parts_of):
    load = load_of(REPLICAS[2], CHAT)
    parts = parts_of(load, state_of(load, 60.0))
    for share in (0.5, 0.9, 0.95, 0.99):
        assert exceeds(parts, percentile_of(parts, share)) == pytest.approx(1 - share, abs=1e-4)


def test_percentiles_of_a_gamma_variable_are_those_of_its_tables():
    """Shape 1 is exponential: ln 20 at the 95th. Shape 4 is half of chi-squared with 8 degrees: 15.507 / 2."""
    assert percentile_of((Part(1.0, 0.0, 1.0, 1.0),), 0.95) == pytest.approx(log(20), rel=0.01)
    assert percentile_of((Part(1.0, 0.0, 4.0, 4.0),), 0.95) == pytest.approx(15.507 / 2, rel=0.005)
    assert gamma_exceeds(1.0, 1.0, 1.0) == pytest.approx(exp(-1), abs=0.01)


def test_a_constant_has_itself_for_every_percentile():
    assert percentiles((Part(1.0, 2.0, 0.5, 0.0),)).p50_s == pytest.approx(2.5, rel=1e-3)
    assert percentiles((Part(1.0, 2.0, 0.5, 0.0),)).p99_s == pytest.approx(2.5, rel=1e-3)


def test_a_mixture_has_the_variance_within_its_parts_and_between_them():
    """Half at 1 with variance 4, half at 3 with none: mean 2, variance 2 + 1."""
    parts = (Part(0.5, 0.0, 1.0, 4.0), Part(0.5, 3.0, 0.0, 0.0))
    assert (mean(parts), variance(parts)) == (2.0, 3.0)


def test_an_idle_replica_has_the_ttft_of_its_95th_percentile_prompt():
    """Nobody to wait for: the floor, and the passes of a prompt of 6,000 tokens of which 30 % are cached."""
    load = load_of(REPLICAS[2], CHAT)
    alone = prefill_s(load.costs, new_tokens=4200, cached_tokens=1800)
    found = percentile_of(ttft_parts(load, state_of(load, 1e-6)), 0.95)
    assert found == pytest.approx(load.costs.ttft_floor_s + alone, rel=0.03)


def test_an_idle_replica_has_the_tpot_of_one_sequence_at_every_percentile():
    load = load_of(REPLICAS[2], CHAT)
    state = state_of(load, 1e-6)
    assert percentile_of(tpot_parts(load, state), 0.99) == pytest.approx(state.step.total_s, rel=1e-3)
    assert gap_p99_s(state) == state.step.total_s


def test_a_pass_with_a_prompt_is_the_longest_gap_of_one_in_a_hundred():
    """Equal prompts, two in a hundred passes: the gap is a decode step and what one prompt adds."""
    load = load_of(REPLICAS[0], EXACT)
    state = state_of(load, 0.02 * load.output_mean)
    assert state.round_prompts == pytest.approx(0.02)
    assert gap_p99_s(state) == pytest.approx(state.step.total_s + state.prompts_s[0], rel=0.05)


def test_both_definitions_of_time_per_token():
    """(end to end - TTFT) / (O - 1) is TPOT; end to end / O has the wait for the first token in it."""
    point = open_loop(REPLICAS[2], traffic=replace(CHAT, requests_per_s=2.0))
    assert isinstance(point, OperatingPoint)
    assert (point.e2e_mean_s - point.ttft_mean_s) / 319 == pytest.approx(point.tpot_mean_s)
    assert point.e2e_per_token_s == pytest.approx((point.ttft_mean_s + 319 * point.tpot_mean_s) / 320)
    assert point.latencies is not None
    assert point.latencies.ttft.p95_s == pytest.approx(point.ttft_p95_s.value)
    assert point.latencies.ttft.p50_s < point.latencies.ttft.p90_s < point.latencies.ttft.p99_s


def test_a_stricter_share_of_requests_never_raises_the_rate():
    """MLPerf's limits hold for 99 of 100 requests, others' for half of them."""

    def rate(share: float) -> float:
        best = highest_rate(
            REPLICAS[2], traffic=CHAT, objectives=CHAT_OBJECTIVES, max_context_tokens=16_384, share=share
        )
        assert isinstance(best, OperatingPoint)
        return best.requests_per_s

    assert rate(0.5) > rate(0.95) > rate(0.99) > 0


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
        assert asked is None or reached.value <= asked * (1 + 1e-3)
    assert best.requests_per_s > 0
    assert best.tpot_mean_s <= best.tpot_p95_s.value * (1 + 1e-9)


@given(replica=st.sampled_from(REPLICAS), traffic=TRAFFIC, limits=LIMITS, burst=st.floats(1, 5))
def test_burstier_arrivals_never_raise_the_rate(replica, traffic, limits, burst):
    bursty = replace(traffic, burstiness=traffic.burstiness * burst)
    assert rate(replica, limits, bursty) <= rate(replica, limits, traffic) * (1 + 2e-3)


ANSWERS = replace(
    CHAT,
    input_tokens=TokenLengths(mean=50, p95=50),
    output_tokens=TokenLengths(mean=352, p95=1056),
    prefix_hit=0.0,
)
FINE = (*(k / 400 for k in range(399)), *(1 - 0.005 * 0.7**k for k in range(1, 16)), 1.0)


@contextmanager
def sliced(edges):
    """Lengths in slices between *edges*; what was worked out with others is forgotten, before and after."""

    def forget():
        lengths.slices.cache_clear()
        load_module._load.cache_clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lengths, "EDGES", tuple(sorted(edges)))
        forget()
        yield
    forget()


@pytest.mark.parametrize("burstiness", [1.0, 4.0, 8.0])
@pytest.mark.parametrize(
    ("replica", "limits", "traffic"),
    [
        pytest.param(REPLICAS[1], replace(NO_LIMITS, e2e_p95_s=23), ANSWERS, id="answers end in time on one L40S"),
        pytest.param(REPLICAS[3], replace(NO_LIMITS, e2e_p95_s=23), ANSWERS, id="answers end in time on eight A100"),
        pytest.param(REPLICAS[2], replace(NO_LIMITS, e2e_p95_s=20), CHAT, id="chat ends in time"),
        pytest.param(REPLICAS[2], CHAT_OBJECTIVES, CHAT, id="chat begins in time"),
        pytest.param(
            REPLICAS[0],
            replace(NO_LIMITS, tpot_p95_s=0.03),
            replace(CHAT, output_tokens=TokenLengths(mean=40, p95=120)),
            id="short answers go on in time",
        ),
    ],
)
def test_slices_of_lengths_are_fine_enough(replica, limits, traffic, burstiness):
    """Four hundred slices and a divided tail change the highest rate by no more than the model's last digit."""
    asked = within_context(replace(traffic, burstiness=burstiness), 16_384)
    with sliced(FINE):
        fine = rate(replica, limits, asked)
    assert rate(replica, limits, asked) == pytest.approx(fine, rel=5e-3)


@pytest.mark.parametrize("limit_s", [15, 23])
@pytest.mark.parametrize("replica", REPLICAS[:3])
def test_noise_carries_no_requests_out_of_a_limit(replica, limit_s):
    """Where most of an answer's time is its length, bursts add noise; an edge of slices there raised rates by 4 %."""
    limits = replace(NO_LIMITS, e2e_p95_s=limit_s)
    found = [rate(replica, limits, replace(ANSWERS, burstiness=burst)) for burst in (1, 1.5, 2, 3, 4, 5, 8, 12, 25)]
    assert all(after <= before for before, after in pairwise(found))
