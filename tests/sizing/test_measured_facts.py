"""
Facts that any model of serving must reproduce.

Source: published serving runs as ai-dynamo collects them (2025-10 to 2026-04), and the performance overview of
TensorRT-LLM 0.14 (2024).
"""

from dataclasses import replace

import pytest

from sizing.catalog import catalog
from sizing.catalog.accelerator import Accelerator, Precision
from sizing.performance import Layout, closed_loop, memory_budget, replica_on, saturated
from sizing.performance.shard import shard_of

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


def saturated_tokens_per_s(device: Accelerator, tp: int, weights: Precision) -> float:
    """Output of Llama-3.1-70B under TensorRT-LLM, 1,000 tokens in and out, as many requests as memory holds."""
    cache = Precision.BF16 if weights is Precision.BF16 else Precision.FP8
    replica = replica_on(
        FACTS.model("Llama-3.1-70B"), device, layout=Layout(tp=tp), weights=weights, kv=cache, engine="tensorrt-llm"
    )
    assert memory_budget(replica).fits
    return saturated(replica, input_tokens=1000, output_tokens=1000).output_tokens_per_s.value


@pytest.mark.parametrize(
    ("device", "weights", "measured"),
    [
        ("nvidia-h100-80gb", Precision.FP8, {2: 4116, 4: 6933, 8: 10730}),
        ("nvidia-a100-80gb", Precision.BF16, {2: 469, 4: 1763, 8: 3190}),
    ],
)
def test_tensor_parallelism_pays_on_nvlink(device, weights, measured):
    """Each rate within 35 % of the measured one, rising with every doubling."""
    rates = {tp: saturated_tokens_per_s(FACTS.accelerator(device), tp, weights) for tp in measured}
    assert rates == pytest.approx(measured, rel=0.35)
    assert list(rates.values()) == sorted(rates.values())


def test_eight_cards_on_a_host_bus_are_no_better_than_four():
    """L40S on full PCIe 4.0: 1,161 tokens/s on four, 1,188 on eight, each within 35 %; the second adds under 10 %."""
    card = replace(FACTS.accelerator("nvidia-l40s"), host_link_bytes_per_s=32e9)
    four, eight = (saturated_tokens_per_s(card, tp, Precision.FP8) for tp in (4, 8))
    assert (four, eight) == pytest.approx((1161, 1188), rel=0.35)
    assert eight < 1.1 * four


def test_memory_left_for_the_cache_decides_what_one_device_gives():
    """70B in fp8: 410 tokens/s on one H100, 4,116 on two: ten times for twice the hardware; 2,585 on one H200."""
    h100, h200 = FACTS.accelerator("nvidia-h100-80gb"), FACTS.accelerator("nvidia-h200-141gb")
    one, two = (saturated_tokens_per_s(h100, tp, Precision.FP8) for tp in (1, 2))
    assert two > 5 * one
    assert saturated_tokens_per_s(h200, 1, Precision.FP8) == pytest.approx(2585, rel=0.35)
    assert saturated_tokens_per_s(h100, 2, Precision.BF16) == pytest.approx(785, rel=0.35)
