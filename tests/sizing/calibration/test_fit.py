"""The fit of efficiencies: finds what it should, and holds to its priors where the measurements say nothing."""

import copy
from typing import Any

import pytest

from sizing.calibration.fit import Fit, Knob
from sizing.calibration.measurement import Measurement, Setup
from sizing.calibration.prediction import predict
from sizing.catalog import catalog
from sizing.performance.passes.efficiency import packaged, using


@pytest.fixture
def constants() -> dict[str, Any]:
    """A copy of the packaged constants, to be moved."""
    return copy.deepcopy(dict(packaged()))


def runs(constants: dict[str, Any]) -> list[Measurement]:
    """What the model itself predicts for single streams of Llama-3.1-8B on H100, as if it were measured."""
    rows = []
    for output_tokens in (64.0, 256.0, 1024.0):
        setup = Setup(
            accelerator="H100-SXM-80GB", accelerators=1, nodes=1, software="vllm", model="Llama-3.1-8B", weights="bf16",
            kv="", tp=1, pp=1, ep=None, dp=None, mode="agg", input_tokens=512.0, output_tokens=output_tokens,
            random_lengths=False, concurrency=4, topology=None,
        )  # fmt: skip
        with using(constants):
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


def test_a_constant_goes_to_where_the_measurements_are(constants):
    """Measured with the true overhead per layer; started a fifth above it and hardly held, two steps find it."""
    rows, start = runs(constants), copy.deepcopy(constants)
    true = hopper(constants)["layer_us"]
    hopper(start)["layer_us"] = 1.2 * true
    work = Fit(rows, catalog(), start)
    for _ in range(2):
        work.descend(hopper(start), [Knob(("layer_us",), 1.2 * true, 1e3, 1e9)], rows)
    assert hopper(start)["layer_us"] == pytest.approx(true, rel=0.01)


def test_a_constant_without_measurements_stays_at_its_prior(constants):
    """No row has experts: their cost must not move."""
    rows, start = runs(constants), copy.deepcopy(constants)
    prior = hopper(start)["moe_layer_us"]
    Fit(rows, catalog(), start).descend(hopper(start), [Knob(("moe_layer_us",), prior, 0.35, 1e9)], rows)
    assert hopper(start)["moe_layer_us"] == pytest.approx(prior, rel=0.01)


def test_constants_of_a_block_hold_only_while_they_are_in_use(constants):
    """A document in use changes predictions, and afterwards the packaged one is back."""
    rows, slow = runs(constants), copy.deepcopy(constants)
    hopper(slow)["layer_us"] *= 2
    with using(slow):
        slower = predict(rows[0].setup, catalog())
    again = predict(rows[0].setup, catalog())
    assert not isinstance(slower, str)
    assert not isinstance(again, str)
    assert rows[0].value is not None
    assert slower["tpot_ms"].predicted > rows[0].value
    assert again["tpot_ms"].predicted == rows[0].value
