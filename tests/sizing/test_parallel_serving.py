"""What parallelism buys on each interconnect, as published: Llama-3.1-70B, 1,000 in and 1,000 out, TensorRT-LLM 0.14.

Source: TensorRT-LLM performance overview 0.14 (measured.md section 3), system output tokens per second, saturated.
"""

import pytest

from sizing import catalog
from sizing.catalog.accelerator import Precision
from sizing.performance import Layout, memory_budget, replica_on, saturated

FACTS = catalog()
MEASURED = {
    ("nvidia-h100-80gb", Precision.FP8): {2: 4116, 4: 6933, 8: 10730},
    ("nvidia-a100-80gb", Precision.BF16): {2: 469, 4: 1763, 8: 3190},
    ("nvidia-l40s", Precision.FP8): {4: 1161, 8: 1188},
}


def on(name, precision, tp):
    return replica_on(
        FACTS.model("Llama-3.1-70B"),
        FACTS.accelerator(name),
        layout=Layout(tp=tp),
        weights=precision,
        kv=precision,
        engine="tensorrt-llm",
    )


def rate(name, precision, tp):
    return saturated(on(name, precision, tp), input_tokens=1000, output_tokens=1000).output_tokens_per_s.value


@pytest.mark.parametrize(
    ("name", "precision", "tp", "measured"),
    [(*device, tp, rate) for device, rates in MEASURED.items() for tp, rate in rates.items()],
)
def test_every_degree_is_near_its_measurement(name, precision, tp, measured):
    """Within 30 %, from 469 to 10,730 tokens a second."""
    assert rate(name, precision, tp) == pytest.approx(measured, rel=0.30)


@pytest.mark.parametrize(
    ("name", "precision"), [("nvidia-h100-80gb", Precision.FP8), ("nvidia-a100-80gb", Precision.BF16)]
)
def test_more_ranks_keep_paying_on_a_switch(name, precision):
    """H100 1.68 and 1.55 times, A100 3.76 (memory for the cache) and 1.81 times."""
    two, four, eight = (rate(name, precision, tp) for tp in (2, 4, 8))
    assert four > 1.4 * two
    assert eight > 1.4 * four


def test_eight_cards_on_a_host_bus_serve_no_more_than_four():
    """1,161 and 1,188 tokens/s on L40S: eight of them should run as two replicas of four."""
    four, eight = (rate("nvidia-l40s", Precision.FP8, tp) for tp in (4, 8))
    assert eight < 1.15 * four
    assert eight < 0.7 * 2 * four


def test_what_binds_cards_is_their_bus():
    for tp in (4, 8):
        point = saturated(on("nvidia-l40s", Precision.FP8, tp), input_tokens=1000, output_tokens=1000)
        assert point.binding == "collectives"


def test_one_h100_holds_a_70b_model_but_hardly_any_cache():
    """
    410 tokens/s on one against 4,116 on two: ten times for twice the hardware, as memory for the cache decides.

    TensorRT-LLM 0.14 measured with batches of 2,048 tokens; the model is asked with the engine's present defaults.
    """
    one, two = (memory_budget(on("nvidia-h100-80gb", Precision.FP8, tp)).kv_tokens for tp in (1, 2))
    assert two > 8 * one
    assert rate("nvidia-h100-80gb", Precision.FP8, 2) > 5 * rate("nvidia-h100-80gb", Precision.FP8, 1)
