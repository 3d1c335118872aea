"""Intervals: quantiles of residuals that the fit had not seen, by the narrowest set that has enough of them."""

import math
from dataclasses import replace

import pytest

from sizing.calibration.intervals import Residual, interval_of, intervals, outside
from sizing.catalog import catalog
from sizing.performance.configuration.engine import engine_named
from sizing.performance.passes.efficiency import Situation, efficiency, packaged, spread, using


def residuals(value: float, *, pairs: int, each: int, situation: Situation = Situation.LOOP) -> list[Residual]:
    """*each* equal residuals of so many pairs of model and accelerator."""
    return [
        Residual(
            metric="tpot",
            situation=situation,
            device_class="hopper-nvlink",
            model=str(pair),
            accelerator="h100",
            value=value,
        )
        for pair in range(pairs)
        for _ in range(each)
    ]


def test_eight_of_ten_residuals_lie_between_the_quantiles():
    """Of 99 residuals from -0.49 to 0.49, ranks 10 and 90 of 100: -0.40 and 0.40."""
    found = interval_of([n / 100 for n in range(-49, 50)])
    assert found["low"] == pytest.approx(math.exp(-0.40), rel=0.01)
    assert found["high"] == pytest.approx(math.exp(0.40), rel=0.01)


def test_no_interval_claims_less_than_five_percent():
    """Even where every measurement was met."""
    found = interval_of([0.0] * 100)
    assert found["low"] == pytest.approx(1 / 1.05, rel=0.01)
    assert found["high"] == pytest.approx(1.05)


def test_a_part_has_an_interval_of_its_own_where_enough_pairs_speak():
    """Forty rows of two pairs do not; of four pairs they do."""
    few = intervals(residuals(0.1, pairs=2, each=20))["tpot"]
    many = intervals(residuals(0.1, pairs=4, each=10))["tpot"]
    assert set(few) == {"any any"}
    assert set(many) == {"any any", "loop any", "loop hopper-nvlink"}


def test_every_accelerator_counts_the_same_for_those_that_are_unknown():
    """A hundred rows of one that is met, ten of one that is measured at half: the lower end is the half."""
    met = residuals(0.0, pairs=1, each=100)
    half = [replace(one, accelerator="l40s", value=math.log(0.5)) for one in residuals(0.0, pairs=1, each=10)]
    found = outside(met + half, [])["tpot"]
    assert found["low"] == pytest.approx(0.5)
    assert found["high"] == pytest.approx(1.05)


def test_the_narrowest_set_that_is_known_is_used():
    """Its own class where it has one, else the situation's, else all."""
    table = {
        "intervals": {"tpot": {"any any": {"low": 0.5, "high": 2.0}, "loop pcie": {"low": 0.8, "high": 1.3}}},
        "outside": {"tpot": {"low": 0.4, "high": 1.5}},
    }
    with using(table):
        assert spread("tpot", "pcie", Situation.LOOP).high == 1.3
        assert spread("tpot", "tpu", Situation.LOOP).high == 2.0
        assert spread("tpot", "pcie", Situation.OPEN).high == 1.3  # a server too
        assert spread("tpot", "pcie", Situation.BATCH).high == 2.0


@pytest.mark.parametrize("metric", ["throughput", "tpot", "ttft"])
@pytest.mark.parametrize("situation", list(Situation))
def test_a_device_without_measurements_has_the_wider_interval(metric, situation):
    """To both sides, for every class of the packaged facts."""
    classes = packaged()["classes"]
    assert isinstance(classes, list)
    for row in classes:
        known = spread(metric, row["name"], situation)
        unknown = spread(metric, row["name"], situation, measured=False)
        assert unknown.low <= known.low
        assert known.high <= unknown.high


def test_a_sparse_model_without_measurements_has_the_wider_interval():
    """Dense models with plain attention are like those that were measured; a new mixture of experts is not."""
    engine, known = engine_named("vllm"), catalog().model("Qwen3-30B-A3B")
    new = replace(known, name="new-mixture", aliases=())
    dense = replace(catalog().model("Llama-3.1-8B"), name="new-dense", aliases=())
    h100 = catalog().accelerator("nvidia-h100-80gb")
    assert efficiency(h100, engine, known).measured
    assert efficiency(h100, engine, dense).measured
    assert not efficiency(h100, engine, new).measured
    narrow, wide = (efficiency(h100, engine, one).spread("throughput", Situation.LOOP) for one in (known, new))
    assert wide.low < narrow.low
    assert narrow.high <= wide.high
