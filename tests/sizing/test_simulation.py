"""The simulated server: alone it is the sum of its passes, a queue as theory has it, and it loses nothing."""

from dataclasses import replace
from itertools import pairwise
from statistics import mean, variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, replica_on
from sizing.performance.passes.forward import decode_step, prefill_s
from sizing.simulation import (
    Request,
    batching,
    goodput_share,
    percentile,
    requests_of,
    server_of,
    simulate,
    split,
    together,
)
from sizing.spec.workload import Objectives, TokenLengths
from tests.examples import CHAT, H100, L40S, LLAMA_8B, LLAMA_70B

ONE_H100 = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
FOUR_STAGES = replica_on(LLAMA_70B, L40S, layout=Layout(tp=2, pp=4), weights=Precision.FP8)
QUIET = server_of(ONE_H100)
QUIET = replace(QUIET, costs=replace(QUIET.costs, ttft_floor_s=0.0, ttft_steps=0.0))  # no front end
LIGHT = replace(CHAT, requests_per_s=4.0)


def at(arrival_s: float, inputs: int, outputs: int) -> Request:
    return Request(arrival_s=arrival_s, input_tokens=inputs, output_tokens=outputs)


def test_a_request_alone_takes_its_prefill_and_then_one_step_a_token():
    """5,000 tokens fit one pass of 8,192; 101 tokens are the first and 100 steps, at 5,050 cached in the mean."""
    served = simulate(QUIET, [at(0.0, 5000, 101)]).served[0]
    assert served.ttft_s == pytest.approx(prefill_s(QUIET.costs, new_tokens=5000, cached_tokens=0))
    step = decode_step(QUIET.costs, sequences=1, context_tokens=5050.5)
    assert served.tpot_s == pytest.approx(step.total_s, rel=1e-4)
    assert served.tpot_s is not None
    assert served.e2e_s == pytest.approx(served.ttft_s + 100 * served.tpot_s)


def test_tokens_in_the_prefix_cache_are_not_read_again():
    """Of 4,000 tokens 3,000 are known: 1,000 are read, and pair with all before them."""
    server = replace(QUIET, prefix_hit=0.75)
    served = simulate(server, [at(0.0, 4000, 1)]).served[0]
    assert served.ttft_s == pytest.approx(prefill_s(server.costs, new_tokens=1000, cached_tokens=3000))


def test_whole_budget_prompts_with_one_token_answers_are_an_m_d_1_queue():
    """
    Each prompt is one pass, so the server is a queue with Poisson arrivals and one constant service time S.

    Its mean wait is rho S / (2 (1 - rho)): at rho = 0.6, 0.75 S. Over 20,000 requests it is met within 5 %.
    """
    tokens = QUIET.costs.chunk
    service = prefill_s(QUIET.costs, new_tokens=tokens, cached_tokens=0)
    exact = TokenLengths(mean=tokens, p95=tokens)
    one = TokenLengths(mean=1, p95=1)
    traffic = replace(CHAT, requests_per_s=0.6 / service, input_tokens=exact, output_tokens=one, prefix_hit=0.0)
    outcome = simulate(QUIET, requests_of(traffic, number=20_000, seed=7))
    assert mean(outcome.ttft_s) - service == pytest.approx(0.75 * service, rel=0.05)


def test_littles_law_holds_in_the_simulation():
    """Mean sequences that decode = rate x mean time of decoding."""
    outcome = simulate(server_of(ONE_H100, prefix_hit=0.3), requests_of(LIGHT, number=2000, seed=3))
    decoding_s = mean(one.e2e_s - one.ttft_s for one in outcome.served)
    assert outcome.decoding_mean == pytest.approx(outcome.requests_per_s * decoding_s, rel=0.01)


def test_the_same_seed_gives_the_same_run():
    """Requests and outcome, to the last bit."""
    runs = [simulate(server_of(ONE_H100), requests_of(LIGHT, number=300, seed=5)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0] != simulate(server_of(ONE_H100), requests_of(LIGHT, number=300, seed=6))


def test_a_leap_over_passes_is_as_good_as_each_of_them(monkeypatch):
    """Contexts grow meanwhile; the pass in the middle of the leap stands for all."""
    requests = requests_of(replace(CHAT, requests_per_s=1.0), number=300, seed=1)
    leaping = simulate(server_of(ONE_H100), requests)
    monkeypatch.setattr(batching, "LONGEST_LEAP", 1)
    walking = simulate(server_of(ONE_H100), requests)
    assert percentile(leaping.e2e_s, 0.95) == pytest.approx(percentile(walking.e2e_s, 0.95), rel=0.01)
    assert mean(leaping.ttft_s) == pytest.approx(mean(walking.ttft_s), rel=0.02)


def test_a_full_cache_preempts_with_vllm_and_keeps_requests_waiting_with_tensorrt():
    """Forty requests of 500 + 1,500 tokens where 20,000 tokens fit: vLLM admits all of their prompts at once."""
    requests = [at(0.0, 500, 1500)] * 40
    small = {
        engine: replace(
            server_of(replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16, engine=engine)),
            cache_bytes=20_000 * 131_072,  # of 32 layers x 2 x 8 heads x 128 x 2 bytes
        )
        for engine in ("vllm", "tensorrt-llm")
    }
    eager, careful = (simulate(small[engine], requests) for engine in ("vllm", "tensorrt-llm"))
    assert eager.preemptions > 0
    assert careful.preemptions == 0
    assert max(eager.cache_peak, careful.cache_peak) <= 1
    assert len(eager.served) == len(careful.served) == 40
    assert percentile(eager.ttft_s, 0.5) < percentile(careful.ttft_s, 0.5)


def test_a_prompt_that_goes_first_stalls_answers_for_its_pass_and_one_beside_them_for_what_it_adds():
    """
    One answer runs when a prompt of 8,000 tokens comes.

    Alone, its pass delays the next token by all of its time; beside it, by the interference that was measured.
    """
    requests = [at(0.0, 100, 400), at(1.0, 8000, 1)]
    first = replace(QUIET, scheduler=replace(QUIET.scheduler, mixes=False))
    prompt_s = prefill_s(QUIET.costs, new_tokens=8000, cached_tokens=0)
    step_s = decode_step(QUIET.costs, sequences=1, context_tokens=250).total_s
    alone, beside = (max(one.gap_s for one in simulate(server, requests).gaps) for server in (first, QUIET))
    assert alone == pytest.approx(prompt_s + step_s, rel=0.01)
    assert beside == pytest.approx(QUIET.costs.interference * prompt_s + step_s, rel=0.01)


def test_a_request_that_no_empty_cache_holds_is_rejected_and_the_rest_are_served():
    """A million tokens beside short ones."""
    outcome = simulate(QUIET, [at(0.0, 100, 10), at(0.1, 10**6, 10), at(0.2, 100, 10)])
    assert [one.input_tokens for one in outcome.rejected] == [10**6]
    assert len(outcome.served) == 2
    assert goodput_share(outcome, Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)) == pytest.approx(2 / 3)


def test_a_closed_loop_keeps_so_many_in_flight():
    """Eight at a time: whenever one ends another starts, so at most eight arrivals are not yet ended."""
    outcome = simulate(QUIET, [at(0.0, 200, 50)] * 100, in_flight=8)
    assert len(outcome.served) == 100
    starts = sorted(one.request.arrival_s for one in outcome.served)
    ends = sorted(one.request.arrival_s + one.e2e_s for one in outcome.served)
    for moment in ends:
        assert sum(start <= moment for start in starts) - sum(end <= moment for end in ends) <= 8


def test_a_finite_batch_has_its_ramp_up_and_drain_in_its_makespan():
    """All at once: the last of equal requests ends them all."""
    outcome = simulate(QUIET, [at(0.0, 100, 200)] * 50)
    assert outcome.span_s == pytest.approx(max(one.e2e_s for one in outcome.served))
    assert outcome.output_tokens_per_s == pytest.approx(50 * 200 / outcome.span_s)


def test_stages_of_a_pipeline_work_on_different_passes_at_once():
    """Four passes of the same work take less than four times as long as one, and no less than its slowest stage."""
    server = server_of(FOUR_STAGES)
    alone = simulate(server, [at(0.0, 100, 200)])
    four = simulate(server, [at(0.0, 100, 200)] * 16)
    assert four.span_s < 2 * alone.span_s
    assert alone.served[0].tpot_s == pytest.approx(
        decode_step(server.costs, sequences=1, context_tokens=200).total_s, rel=0.01
    )


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_arrivals_have_the_burstiness_that_was_asked(burstiness):
    """Squared coefficient of variation of the gaps of 20,000 requests, and their rate."""
    requests = requests_of(replace(CHAT, requests_per_s=10.0, burstiness=burstiness), number=20_000, seed=4)
    gaps = [after.arrival_s - before.arrival_s for before, after in pairwise(requests)]
    assert mean(gaps) == pytest.approx(0.1, rel=0.05)
    assert variance(gaps) / mean(gaps) ** 2 == pytest.approx(burstiness, rel=0.1)


def test_lengths_are_drawn_from_what_was_asked():
    """Mean 1,800 and 95th percentile 6,000 tokens of prompts."""
    lengths = sorted(one.input_tokens for one in requests_of(LIGHT, number=20_000, seed=9))
    assert mean(lengths) == pytest.approx(1800, rel=0.05)
    assert percentile(lengths, 0.95) == pytest.approx(6000, rel=0.05)


def test_splitting_and_putting_together_loses_nothing():
    """Three servers get each request once."""
    requests = requests_of(LIGHT, number=500, seed=8)
    parts = split(requests, servers=3, seed=1)
    assert sorted((one for part in parts for one in part), key=lambda one: one.arrival_s) == list(requests)
    whole = together(simulate(QUIET, part) for part in parts)
    assert {one.request for one in whole.served} == set(requests)


REQUESTS = st.lists(
    st.builds(Request, arrival_s=st.floats(0, 5), input_tokens=st.integers(1, 9000), output_tokens=st.integers(1, 300)),
    min_size=1,
    max_size=40,
).map(lambda found: sorted(found, key=lambda one: one.arrival_s))


@settings(max_examples=60)
@given(
    requests=REQUESTS,
    base=st.sampled_from([QUIET, server_of(FOUR_STAGES)]),
    mixes=st.booleans(),
    reserved=st.floats(0, 1),
    tokens=st.integers(9400, 30_000),
    window=st.none() | st.integers(64, 4096),
    seats=st.integers(1, 64),
    hit=st.floats(0, 0.9),
)
def test_every_request_is_answered_within_cache_and_seats(  # noqa: PLR0917
    requests, base, mixes, reserved, tokens, window, seats, hit
):
    """Whatever the policy: all end, in causal order, with the cache never overfull and nothing left in it."""
    server = replace(
        base,
        scheduler=replace(base.scheduler, mixes=mixes, reserved_share=reserved),
        cache_bytes=round(tokens * (base.token_bytes + base.windowed_token_bytes)),
        token_bytes=base.token_bytes / 2,
        windowed_token_bytes=base.token_bytes / 2,
        costs=replace(base.costs, window=window),
        max_num_seqs=seats,
        prefix_hit=hit,
    )
    outcome = simulate(server, requests)
    assert len(outcome.served) == len(requests)
    assert not outcome.rejected
    assert outcome.cache_peak <= 1
    assert outcome.decoding_mean <= seats + 1e-9
    for one in outcome.served:
        assert 0 < one.ttft_s <= one.e2e_s
