"""A finite batch: its parts by hand, and its makespan against the simulation."""

from __future__ import annotations

from statistics import fmean

import pytest

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, replica_on
from sizing.performance.passes.efficiency import efficiency
from sizing.performance.passes.forward import costs_of, decode_step, prefill_s
from sizing.performance.serving.offline import makespan
from sizing.simulation import Request, requests_of, server_of, simulate
from sizing.spec.workload import TokenLengths, Traffic
from tests.examples import A100, H100, LLAMA_8B, LLAMA_70B

ONE = replica_on(LLAMA_8B, H100, layout=Layout(), weights=Precision.BF16)
SMALL_BUDGET = replica_on(LLAMA_70B, A100, layout=Layout(tp=8), weights=Precision.BF16)
EQUAL = TokenLengths(mean=1000, p95=1000), TokenLengths(mean=300, p95=300)
CHAT = TokenLengths(mean=1800, p95=6000), TokenLengths(mean=320, p95=900)


def simulated_s(replica, lengths, number):
    """Mean span of five runs of that many requests, all there at the start."""
    traffic = Traffic(
        requests_per_s=1.0, input_tokens=lengths[0], output_tokens=lengths[1], prefix_hit=0.0, burstiness=1.0
    )
    spans = []
    for seed in range(5):
        drawn = requests_of(traffic, number=number, seed=seed)
        queued = [
            Request(arrival_s=0.0, input_tokens=one.input_tokens, output_tokens=one.output_tokens) for one in drawn
        ]
        spans.append(simulate(server_of(replica), queued).span_s)
    return fmean(spans)


def test_one_request_takes_its_prompt_and_its_steps():
    """Floor, prompt, and 300 steps of one sequence at 1,150 cached tokens."""
    costs = costs_of(ONE, efficiency(ONE.accelerator, ONE.engine))
    found = makespan(ONE, input_tokens=EQUAL[0], output_tokens=EQUAL[1], requests=1)
    steps_s = 300 * decode_step(costs, sequences=1, context_tokens=1150).total_s
    prompt_s = costs.interference * prefill_s(costs, new_tokens=1000, cached_tokens=0)
    assert found.total_s == pytest.approx(costs.ttft_floor_s + prompt_s + steps_s)
    assert found.full_s == 0
    assert found.output_tokens_per_s == pytest.approx(300 / found.total_s)


def test_throughput_grows_with_the_batch_as_ramp_up_and_drain_weigh_less():
    rates = [
        makespan(ONE, input_tokens=CHAT[0], output_tokens=CHAT[1], requests=n).output_tokens_per_s
        for n in (1, 10, 100, 1000, 10_000)
    ]
    assert rates == sorted(rates)
    assert rates[-1] < 1.2 * rates[-2]


@pytest.mark.parametrize("number", [20, 200, 1000])
@pytest.mark.parametrize("lengths", [EQUAL, CHAT], ids=["equal", "chat"])
@pytest.mark.parametrize("replica", [ONE, SMALL_BUDGET], ids=["8B", "70B"])
def test_a_finite_batch_takes_as_long_as_the_simulation_of_it(replica, lengths, number):
    """Within a fifth: a few have a random longest answer, and a full cache preempts, which no formula here has."""
    found = makespan(replica, input_tokens=lengths[0], output_tokens=lengths[1], requests=number)
    assert found.total_s == pytest.approx(simulated_s(replica, lengths, number), rel=0.2)
