"""Prefill and decode in pools of their own: queues, transfers, ratios, and whether it pays."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import (
    Layout,
    Pools,
    best_pools,
    closed_loop,
    disaggregated_highest_rate,
    disaggregated_loop,
    disaggregated_open_loop,
    disaggregation_of,
    pool_balance,
    replica_on,
)
from sizing.performance.passes.forward import decode_step, prefill_s
from sizing.performance.serving.disaggregation import Balance
from sizing.performance.serving.operating_point import Excuse, OperatingPoint, Overloaded
from sizing.performance.serving.pools import (
    costs_of_pools,
    exposed_transfer_s,
    fullest,
    handed_bytes,
    queue_wait_s,
    transfer_s,
    wait_probability,
)
from sizing.spec.workload import Objectives, TokenLengths, Traffic
from tests.examples import DEEPSEEK_R1, H100, LLAMA_8B, LLAMA_70B

FOUR = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8)
POOLS = Pools(prefill=FOUR, prefill_replicas=2, decode=FOUR, decode_replicas=2, transfer_bytes_per_s=40e9)
NO_LIMITS = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)
CHAT = Traffic(
    requests_per_s=1.0,
    input_tokens=TokenLengths(mean=2000, p95=6000),
    output_tokens=TokenLengths(mean=300, p95=900),
    prefix_hit=0.0,
    burstiness=1.0,
)
FEW = settings(max_examples=25, deadline=None)


def test_a_single_server_waits_as_in_mm1():
    """Rho 0.5, service 1 s, exponential both ways (variability 1): rho / (1 - rho) = 1 s; half of it for constant."""
    assert queue_wait_s(0.5, servers=1, service_s=1.0, variability=1.0) == pytest.approx(1.0)
    assert queue_wait_s(0.5, servers=1, service_s=1.0, variability=0.5) == pytest.approx(0.5)
    assert wait_probability(0.5, 1) == pytest.approx(0.5)


def test_more_servers_at_the_same_load_wait_less():
    """Sakasegawa, four servers at 0.8: 0.8 ^ (sqrt 10 - 1) / (4 x 0.2) = 0.7716 of a service time."""
    assert queue_wait_s(0.8, servers=4, service_s=1.0, variability=1.0) == pytest.approx(0.7716, abs=1e-3)


def test_a_request_is_sent_once_whatever_ranks_hold_alike():
    """Llama-3.3-70B, 1,000 tokens x 327,680 bytes over four ranks; a latent cache, alike on all eight, in eighths."""
    assert handed_bytes(FOUR, 1000) == 1000 * 327_680 / 4
    latent = replica_on(DEEPSEEK_R1, H100, layout=Layout(tp=8), weights=Precision.FP8)
    assert handed_bytes(latent, 1000) == 1000 * 70_272 / 8
    data = replica_on(DEEPSEEK_R1, H100, layout=Layout(dp=8, ep=8), weights=Precision.FP8)
    assert handed_bytes(data, 1000) == 1000 * 70_272


def test_the_pool_with_fewer_ports_bounds_the_transfer():
    """Four ranks send 81.92 MB each; one receives 327.68 MB at 40 GB/s: 8.19 ms."""
    one = replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.FP8)
    assert transfer_s(POOLS, 1000) == pytest.approx(81.92e6 / 40e9)
    assert transfer_s(replace(POOLS, decode=one), 1000) == pytest.approx(327.68e6 / 40e9)


def test_streaming_by_layer_hides_all_but_the_last_layer():
    """80 layers, 2.048 ms to send: 25.6 us are left after a longer prefill; of one of 1 ms, 2.048 - 79/80 ms."""
    streamed = replace(POOLS, layer_streamed=True)
    assert exposed_transfer_s(POOLS, 1000, prefill_s=1.0) == pytest.approx(2.048e-3)
    assert exposed_transfer_s(streamed, 1000, prefill_s=1.0) == pytest.approx(25.6e-6)
    assert exposed_transfer_s(streamed, 1000, prefill_s=1e-3) == pytest.approx(2.048e-3 - 79e-3 / 80)


def test_the_fullest_rank_sets_the_pace():
    """Of 32 ranks with 256 sequences each in the mean: 256 + sqrt(2 x 256 x ln 32) = 298; of one, 256."""
    assert fullest(256, 32) == pytest.approx(298.1, abs=0.1)
    assert fullest(256, 1) == 256


def test_one_request_in_flight_meets_nobody():
    """Floor, prefill, transfer, the steps before its first token; then decoding alone."""
    point = disaggregated_loop(POOLS, input_tokens=1000, output_tokens=100, concurrency=1)
    costs = costs_of_pools(POOLS)
    step = decode_step(costs.after, sequences=1, context_tokens=1050).total_s
    read = prefill_s(costs.before, new_tokens=1000, cached_tokens=0)
    floor = costs.before.ttft_floor_s + costs.after.ttft_steps * step
    assert point.tpot_mean_s == pytest.approx(step)
    assert point.ttft_mean_s == pytest.approx(floor + read + 2.048e-3, rel=1e-3)
    assert point.requests_per_s == pytest.approx(1 / (point.ttft_mean_s + 100 * step), rel=1e-6)


def test_prefill_bounds_what_it_feeds():
    """Long prompts, short answers: one prefill replica reads 1 / t_prefill a second, however many are in flight."""
    starved = replace(POOLS, prefill_replicas=1, decode_replicas=4)
    point = disaggregated_loop(starved, input_tokens=8000, output_tokens=50, concurrency=400)
    read = prefill_s(costs_of_pools(starved).before, new_tokens=8000, cached_tokens=0)
    assert point.binding == "prefill queue"
    assert point.requests_per_s == pytest.approx(1 / read, rel=0.05)
    assert point.requests_per_s < 1 / read


@FEW
@given(inputs=st.floats(100, 10_000), outputs=st.floats(10, 2000), concurrency=st.integers(1, 2000))
def test_littles_law_holds_in_a_closed_loop(inputs, outputs, concurrency):
    """In flight = rate x (TTFT + O x TPOT)."""
    point = disaggregated_loop(POOLS, input_tokens=inputs, output_tokens=outputs, concurrency=concurrency)
    inside = point.requests_per_s * (point.ttft_mean_s + outputs * point.tpot_mean_s)
    assert inside == pytest.approx(concurrency, rel=1e-3)


@FEW
@given(concurrency=st.integers(1, 1000), more=st.integers(0, 1000))
def test_more_in_flight_never_lowers_the_rate(concurrency, more):
    few, many = (
        disaggregated_loop(POOLS, input_tokens=2000, output_tokens=200, concurrency=n).requests_per_s
        for n in (concurrency, concurrency + more)
    )
    # requests that come back together clump, which costs what little more of them bring
    assert many >= few * 0.97


@FEW
@given(rate=st.floats(0.01, 20), faster=st.floats(1, 10))
def test_a_faster_network_never_delays_the_first_token(rate, faster):
    quick = replace(POOLS, transfer_bytes_per_s=POOLS.transfer_bytes_per_s * faster)
    slower, sooner = (disaggregated_open_loop(p, traffic=replace(CHAT, requests_per_s=rate)) for p in (POOLS, quick))
    if isinstance(slower, OperatingPoint) and isinstance(sooner, OperatingPoint):
        assert sooner.ttft_p95_s.value <= slower.ttft_p95_s.value * (1 + 1e-6)


def test_the_open_loop_carries_what_the_highest_rate_says():
    best = disaggregated_highest_rate(POOLS, traffic=CHAT, objectives=NO_LIMITS, max_context_tokens=9000)
    assert isinstance(best, OperatingPoint)
    at_rate = disaggregated_open_loop(POOLS, traffic=replace(CHAT, requests_per_s=best.requests_per_s * 0.999))
    beyond = disaggregated_open_loop(POOLS, traffic=replace(CHAT, requests_per_s=best.requests_per_s * 1.01))
    assert isinstance(at_rate, OperatingPoint)
    assert at_rate.ttft_p95_s.value == pytest.approx(best.ttft_p95_s.value, rel=0.05)
    assert isinstance(beyond, Overloaded)
    assert beyond.highest_requests_per_s == pytest.approx(best.requests_per_s, rel=1e-3)


@FEW
@given(ttft=st.floats(0.3, 5), tpot=st.floats(0.015, 0.1))
def test_every_limit_is_kept_at_the_highest_rate(ttft, tpot):
    limits = Objectives(ttft_p95_s=ttft, tpot_p95_s=tpot, e2e_p95_s=None)
    best = disaggregated_highest_rate(POOLS, traffic=CHAT, objectives=limits, max_context_tokens=9000)
    if isinstance(best, OperatingPoint):
        assert best.ttft_p95_s.value <= ttft * (1 + 1e-6)
        assert best.tpot_p95_s.value <= tpot * (1 + 1e-6)


def test_what_cannot_be_served_is_told():
    tight = Objectives(ttft_p95_s=0.01, tpot_p95_s=None, e2e_p95_s=None)
    missed = disaggregated_highest_rate(POOLS, traffic=CHAT, objectives=tight, max_context_tokens=9000)
    assert isinstance(missed, Excuse)
    assert missed.metric == "ttft_p95_s"
    bare = replica_on(LLAMA_70B, H100, layout=Layout(), weights=Precision.BF16)
    nothing = disaggregated_highest_rate(
        replace(POOLS, decode=bare), traffic=CHAT, objectives=NO_LIMITS, max_context_tokens=9000
    )
    assert isinstance(nothing, Excuse)
    assert "decode" in nothing.text


def balance(objectives: Objectives = NO_LIMITS) -> Balance:
    found = pool_balance(
        FOUR, FOUR, traffic=CHAT, objectives=objectives, max_context_tokens=9000, transfer_bytes_per_s=40e9
    )
    assert isinstance(found, Balance)
    return found


def test_the_ratio_feeds_both_pools():
    """X / y = what a decode replica takes over what a prefill replica gives; each rate rounds up to whole replicas."""
    found = balance()
    assert found.prefill_per_decode == pytest.approx(found.decode_requests_per_s / found.prefill_requests_per_s)
    wanted = 2.5 * found.prefill_requests_per_s
    x, y = found.replicas(wanted)
    assert (x, y) == (3, max(1, -(-wanted // found.decode_requests_per_s)))


def test_the_network_carries_a_cache_for_every_prompt():
    """2,000 tokens x 327,680 bytes / 4 ranks, as often as a prefill replica reads a prompt."""
    found = balance()
    assert found.network_bytes_per_s == pytest.approx(found.prefill_requests_per_s * 2000 * 327_680 / 4)
    assert found.transfer_s == pytest.approx(2000 * 327_680 / 4 / 40e9)


def test_a_tighter_tpot_needs_fewer_prefill_replicas_for_each_decode():
    """A decode replica that must answer faster takes fewer requests."""
    tight = balance(objectives=Objectives(ttft_p95_s=None, tpot_p95_s=0.02, e2e_p95_s=None))
    assert tight.prefill_per_decode < balance().prefill_per_decode


def test_pools_pay_where_prompts_stall_answers():
    """
    Long prompts and a tight TPOT: mixed replicas stall for a prompt of 0.3 s and more. With short prompts and easy
    limits a mixed replica is never idle, and the pools gain nothing.
    """
    long = replace(CHAT, input_tokens=TokenLengths(mean=6000, p95=12000))
    tight = Objectives(ttft_p95_s=4.0, tpot_p95_s=0.025, e2e_p95_s=None)
    best = best_pools(POOLS, traffic=long, objectives=tight, max_context_tokens=16000, most_replicas=6)
    assert isinstance(best, Pools)
    assert disaggregation_of(best, FOUR, traffic=long, objectives=tight, max_context_tokens=16000).pays

    short = replace(CHAT, input_tokens=TokenLengths(mean=100, p95=200))
    easy = Objectives(ttft_p95_s=10, tpot_p95_s=0.5, e2e_p95_s=None)
    even = disaggregation_of(POOLS, FOUR, traffic=short, objectives=easy, max_context_tokens=3000)
    assert not even.pays
    assert even.gain == pytest.approx(even.pools_per_accelerator / even.mixed_per_accelerator)


def test_the_best_ratio_is_no_worse_than_any_other():
    best = best_pools(POOLS, traffic=CHAT, objectives=NO_LIMITS, max_context_tokens=9000, most_replicas=3)
    assert isinstance(best, Pools)

    def goodput(pools: Pools) -> float:
        point = disaggregated_highest_rate(pools, traffic=CHAT, objectives=NO_LIMITS, max_context_tokens=9000)
        assert isinstance(point, OperatingPoint)
        return point.requests_per_s / pools.accelerators

    for x in (1, 2, 3):
        for y in (1, 2, 3):
            assert goodput(best) >= goodput(replace(POOLS, prefill_replicas=x, decode_replicas=y)) * (1 - 1e-9)


def test_pools_answer_faster_than_a_mixed_replica_at_the_same_load():
    """Nothing interferes with decoding."""
    mixed = closed_loop(FOUR, input_tokens=4000, output_tokens=200, concurrency=64)
    apart = disaggregated_loop(POOLS, input_tokens=4000, output_tokens=200, concurrency=256)
    assert apart.tpot_mean_s < mixed.tpot_mean_s


def test_small_models_may_be_served_in_pools_too():
    one = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
    pools = replace(POOLS, prefill=one, decode=one)
    assert pools.accelerators == 4
    assert isinstance(disaggregated_open_loop(pools, traffic=CHAT), OperatingPoint)
