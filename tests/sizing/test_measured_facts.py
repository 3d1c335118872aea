"""
Facts of bandwidth and memory that any model of serving must reproduce; those of links are in test_parallel_serving.

Source: published serving runs as ai-dynamo collects them (2025-10 to 2026-04), and the performance overview of
TensorRT-LLM 0.14 (2024).
"""

import pytest

from sizing.catalog import catalog
from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, closed_loop, replica_on, saturated
from sizing.performance.configuration.shard import shard_of

FACTS = catalog()
DEGREES = (1, 2, 4, 8)

# Share of the summed HBM bandwidth that weights imply at a handful of requests, at TP 1, 2, 4, 8: medians over dense
# models.
BANDWIDTH_SHARES = [
    ("nvidia-h200-141gb", "Llama-3.1-70B", Precision.FP8, (0.67, 0.53, 0.38, 0.24)),
    ("nvidia-h100-80gb", "Qwen3-32B", Precision.BF16, (0.61, 0.49, 0.36, 0.23)),
    ("nvidia-h100-80gb", "Llama-3.1-70B", Precision.FP8, (0.55, 0.47, 0.33, 0.20)),
    ("nvidia-b200", "Llama-3.1-70B", Precision.FP8, (0.54, 0.42, 0.29, 0.18)),
    ("nvidia-b200", "Llama-3.1-70B", Precision.NVFP4, (0.39, 0.27, 0.18, 0.10)),
]


def share_of_bandwidth(device: str, model: str, weights: Precision, tp: int) -> float:
    """Bytes of weights on one accelerator / (TPOT x its bandwidth), with four requests of 1,000 tokens in flight."""
    accelerator = FACTS.accelerator(device)
    replica = replica_on(FACTS.model(model), accelerator, layout=Layout(tp=tp), weights=weights)
    point = closed_loop(replica, input_tokens=1000, output_tokens=1000, concurrency=4)
    return shard_of(replica).weight_bytes / point.tpot_mean_s / (accelerator.memory_bytes_per_s or 0)


@pytest.mark.parametrize(("device", "model", "weights", "measured"), BANDWIDTH_SHARES)
def test_the_share_of_bandwidth_falls_steeply_with_tensor_parallelism(device, model, weights, measured):
    """Each share within 0.12 of the measured one, and eight ranks reach less than six tenths of what one reaches."""
    shares = [share_of_bandwidth(device, model, weights, tp) for tp in DEGREES]
    assert shares == pytest.approx(measured, abs=0.12)
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.6 * shares[0]


def test_half_the_bytes_do_not_take_half_the_time():
    """B200: fp4 reaches a smaller share of bandwidth than fp8, at every degree: what is left does not shrink."""
    for tp in DEGREES:
        narrow, wide = (
            share_of_bandwidth("nvidia-b200", "Llama-3.1-70B", weights, tp)
            for weights in (Precision.NVFP4, Precision.FP8)
        )
        assert narrow < wide


def test_one_h200_holds_what_takes_two_h100():
    """70B in fp8 under TensorRT-LLM 0.14, 1,000 tokens in and out, saturated: 2,585 tokens/s on a single H200."""
    replica = replica_on(
        FACTS.model("Llama-3.1-70B"),
        FACTS.accelerator("nvidia-h200-141gb"),
        layout=Layout(),
        weights=Precision.FP8,
        kv=Precision.FP8,
        engine="tensorrt-llm",
    )
    point = saturated(replica, input_tokens=1000, output_tokens=1000)
    assert point.output_tokens_per_s.value == pytest.approx(2585, rel=0.35)
