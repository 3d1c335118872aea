"""A replica at a fixed number of requests in flight."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, closed_loop, replica_on, saturated
from sizing.performance.passes.efficiency import PERFECT, efficiency
from sizing.performance.passes.forward import costs_of, decode_step, prefill_s, prompts_s
from sizing.performance.serving.closed_loop import loop_of, sequences_held, whole_batch
from sizing.performance.serving.pools import Pools, disaggregated_loop
from tests.examples import A100, DEEPSEEK_R1, H100, L40S, LLAMA_8B, LLAMA_70B


def on(model, device, tp=1, weights=Precision.BF16, **settings):
    return replica_on(model, device, layout=Layout(tp=tp), weights=weights, **settings)


REPLICAS = [
    on(LLAMA_8B, H100),
    on(LLAMA_8B, L40S, weights=Precision.FP8),
    on(LLAMA_70B, H100, tp=4, weights=Precision.FP8),
    on(LLAMA_70B, A100, tp=8),
    replica_on(
        DEEPSEEK_R1, replace(H100, memory_bytes=2 * H100.memory_bytes), layout=Layout(dp=8, ep=8), weights=Precision.FP8
    ),
]


def test_littles_law_holds():
    """Requests in flight = rate x time of a request: TTFT and 199 more tokens."""
    point = closed_loop(REPLICAS[0], input_tokens=1000, output_tokens=200, concurrency=32)
    seconds = point.ttft_mean_s + 199 * point.tpot_mean_s
    assert point.requests_per_s * seconds == pytest.approx(32)
    assert point.output_tokens_per_s.value == pytest.approx(200 * point.requests_per_s)


def test_work_is_conserved():
    """While one request decodes 100 tokens, each of the other seven is prefilled once (phi of it in the way)."""
    costs = costs_of(REPLICAS[0], efficiency(H100, REPLICAS[0].engine))
    loop = loop_of(costs, input_tokens=2000, output_tokens=100, concurrency=8)
    step = decode_step(costs, sequences=8, context_tokens=2050).total_s
    prompt = prefill_s(costs, new_tokens=2000, cached_tokens=0)
    not_before = costs.interference * (1 - costs.clumping)
    assert loop.tpot_s == pytest.approx(step + not_before * 7 / 100 * prompt)


def test_requests_beyond_memory_wait():
    """Throughput stays as it is at the most that fits; time to first token takes the queue."""
    replica = on(LLAMA_70B, H100, tp=2, weights=Precision.FP8)
    held = sequences_held(replica, 4500)
    full = closed_loop(replica, input_tokens=4000, output_tokens=1000, concurrency=held)
    over = closed_loop(replica, input_tokens=4000, output_tokens=1000, concurrency=2 * held)
    assert over.requests_per_s == full.requests_per_s
    assert over.ttft_mean_s == pytest.approx(full.ttft_mean_s + held / full.requests_per_s)
    assert over.binding == "HBM capacity"


def test_memory_left_for_the_cache_dominates_saturated_throughput():
    """Measured, TensorRT-LLM 0.14, 70B fp8, 1,000 in and out: 410 tokens/s on one H100, 4,116 on two."""
    one, two = (
        saturated(
            on(LLAMA_70B, H100, tp=tp, weights=Precision.FP8, kv=Precision.FP8, engine="tensorrt-llm"),
            input_tokens=1000,
            output_tokens=1000,
        )
        for tp in (1, 2)
    )
    assert two.output_tokens_per_s.value > 5 * one.output_tokens_per_s.value


def test_prefix_hits_shorten_the_prompt_only():
    """Half of the prompt in the cache: TTFT falls, the cache that decoding reads does not."""
    cold, warm = (
        closed_loop(REPLICAS[0], input_tokens=8000, output_tokens=100, concurrency=1, prefix_hit=hit)
        for hit in (0, 0.5)
    )
    assert warm.ttft_mean_s < 0.7 * cold.ttft_mean_s
    assert warm.tpot_mean_s == cold.tpot_mean_s


def test_a_static_batch_reads_all_prompts_then_decodes():
    """Without a server: its time is the prompts' and 127 steps."""
    replica = REPLICAS[0]
    costs = costs_of(replica, efficiency(H100, replica.engine))
    point = whole_batch(replica, input_tokens=128, output_tokens=128, batch=64)
    step = decode_step(costs, sequences=64, context_tokens=192).total_s
    assert point.requests_per_s == pytest.approx(64 / (prompts_s(costs, prompts=64, tokens_each=128) + 127 * step))


def pools(prefill, decode):
    replica = on(LLAMA_70B, H100, tp=4, weights=Precision.FP8)
    return Pools(
        prefill=replica,
        prefill_replicas=prefill,
        decode=replica,
        decode_replicas=decode,
        transfer_bytes_per_s=50e9,
    )


def test_the_slower_pool_sets_the_rate():
    """Long prompts and short answers: a second prefill replica helps, a second decode replica does not."""
    work = {"input_tokens": 8000, "output_tokens": 50, "concurrency": 256}
    base = disaggregated_loop(pools(1, 1), **work)
    assert base.binding == "prefill queue"
    assert disaggregated_loop(pools(2, 1), **work).requests_per_s > 1.5 * base.requests_per_s
    assert disaggregated_loop(pools(1, 2), **work).requests_per_s < 1.1 * base.requests_per_s


def test_prompts_do_not_slow_decoding_of_another_pool():
    """TPOT of the pools is that of a decode step, without interference."""
    point = disaggregated_loop(pools(4, 1), input_tokens=4000, output_tokens=500, concurrency=32)
    mixed = closed_loop(
        on(LLAMA_70B, H100, tp=4, weights=Precision.FP8), input_tokens=4000, output_tokens=500, concurrency=32
    )
    assert point.tpot_mean_s < mixed.tpot_mean_s


LENGTHS = st.floats(16, 16_000)


@given(
    replica=st.sampled_from(REPLICAS),
    inputs=LENGTHS,
    outputs=LENGTHS,
    few=st.integers(1, 300),
    more=st.integers(0, 300),
)
def test_more_requests_in_flight_never_lower_throughput(replica, inputs, outputs, few, more):
    """Up to what memory holds, and constant beyond."""
    low, high = (
        closed_loop(replica, input_tokens=inputs, output_tokens=outputs, concurrency=n) for n in (few, few + more)
    )
    assert low.requests_per_s <= high.requests_per_s * (1 + 1e-6)
    assert low.tpot_mean_s <= high.tpot_mean_s * (1 + 1e-9)
    assert low.ttft_mean_s <= high.ttft_mean_s * (1 + 1e-9)


@given(replica=st.sampled_from(REPLICAS), inputs=LENGTHS, outputs=LENGTHS, concurrency=st.integers(1, 300))
def test_no_throughput_is_above_the_devices_peaks(replica, inputs, outputs, concurrency):
    """Against the same replica at its peaks, with the same sequences in flight."""
    point = closed_loop(replica, input_tokens=inputs, output_tokens=outputs, concurrency=concurrency)
    held = min(concurrency, sequences_held(replica, inputs + outputs / 2))
    limit = loop_of(costs_of(replica, PERFECT), input_tokens=inputs, output_tokens=outputs, concurrency=held)
    assert point.requests_per_s <= limit.requests_per_s
    assert point.output_tokens_per_s.low <= point.output_tokens_per_s.value <= point.output_tokens_per_s.high


@given(
    replica=st.sampled_from(REPLICAS),
    inputs=LENGTHS,
    outputs=LENGTHS,
    concurrency=st.integers(1, 300),
    faster=st.floats(1, 3),
)
def test_more_bandwidth_never_lowers_throughput(replica, inputs, outputs, concurrency, faster):
    device = replace(replica.accelerator, memory_bytes_per_s=replica.accelerator.memory_bytes_per_s * faster)
    slow, fast = (
        closed_loop(r, input_tokens=inputs, output_tokens=outputs, concurrency=concurrency)
        for r in (replica, replace(replica, accelerator=device))
    )
    assert fast.requests_per_s >= slow.requests_per_s * (1 - 1e-9)
