"""The fit of efficiencies: finds what it should, and holds to its priors where the measurements say nothing."""

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from benchmarks.calibrate import Fit, Knob, intervals
from benchmarks.measurements import Measurement, Setup
from benchmarks.predictions import predict
from sizing.catalog import catalog
from sizing.performance import efficiency, forward, queueing


@pytest.fixture
def constants(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The packaged constants, put back afterwards."""
    packaged = json.loads(files("sizing.performance").joinpath("facts/efficiencies.json").read_text(encoding="utf-8"))
    monkeypatch.setattr(efficiency, "_document", efficiency._document)
    yield packaged
    monkeypatch.undo()
    for cached in (efficiency.efficiency, forward.costs_of, queueing._load):
        cached.cache_clear()


def runs(constants: dict[str, Any]) -> list[Measurement]:
    """What the model itself predicts for single streams of Llama-3.1-8B on H100, as if it were measured."""
    Fit([], catalog(), constants).install()
    rows = []
    for output_tokens in (64.0, 256.0, 1024.0):
        setup = Setup(
            accelerator="H100-SXM-80GB", accelerators=1, nodes=1, software="vllm", model="Llama-3.1-8B", weights="bf16",
            kv="", tp=1, pp=1, ep=None, dp=None, mode="agg", input_tokens=512.0, output_tokens=output_tokens,
            random_lengths=False, concurrency=4, topology=None,
        )  # fmt: skip
        answer = predict(setup, catalog())
        assert not isinstance(answer, str)
        rows.append(
            Measurement(
                id=str(output_tokens),
                scenario="s",
                group="g",
                setup=setup,
                metric="tpot_ms",
                value=answer["tpot_ms"].predicted,
                flags=frozenset(),
            )
        )
    return rows


def hopper(constants: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in constants["classes"] if row["name"] == "hopper-nvlink")


def test_the_loss_is_zero_where_predictions_are_measurements(constants):
    rows = runs(constants)
    assert Fit(rows, catalog(), constants).loss(rows) == pytest.approx(0)


def test_a_constant_moves_towards_the_measurements(constants):
    """Measured with the true overhead per layer; started a fifth above it, the first step goes down."""
    rows, start = runs(constants), copy.deepcopy(constants)
    true = hopper(constants)["layer_us"]
    hopper(start)["layer_us"] = 1.2 * true
    work = Fit(rows, catalog(), start)
    before = work.loss(rows)
    work.descend(hopper(start), [Knob(("layer_us",), 1.2 * true, 10.0, 1e9)], rows, 0.1)
    assert work.loss(rows) < before
    assert hopper(start)["layer_us"] == pytest.approx(1.2 * true * 0.905, rel=0.01)


def test_a_constant_without_measurements_stays_at_its_prior(constants):
    """No row has experts: their cost must not move."""
    rows, start = runs(constants), copy.deepcopy(constants)
    prior = hopper(start)["moe_layer_us"]
    Fit(rows, catalog(), start).descend(hopper(start), [Knob(("moe_layer_us",), prior, 0.35, 1e9)], rows, 0.25)
    assert hopper(start)["moe_layer_us"] == prior


def test_intervals_are_quantiles_of_measured_over_predicted(constants):
    """Thirty rows, all measured 20 % above the prediction: the upper bound is 1.2 ^ 1.15, the lower at most 0.95."""
    rows = [
        Measurement(
            id=f"{row.id}-{n}", scenario="s", group="g", setup=row.setup, metric=row.metric,
            value=1.2 * (row.value or 0), flags=frozenset(),
        )
        for n in range(10)
        for row in runs(constants)
    ]  # fmt: skip
    found = intervals(rows, catalog(), constants)["tpot"]["hopper-nvlink"]
    assert found["high"] == pytest.approx(1.2**1.15, rel=0.01)
    assert found["low"] == 0.95
