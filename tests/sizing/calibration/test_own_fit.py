"""Constants fitted on to a user's own measurements: nearer to them, and a lot of physics still."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from sizing.calibration.errors import predict_all
from sizing.calibration.own_fit import fit_own
from sizing.calibration.own_table import own_measurements
from sizing.catalog import catalog
from sizing.performance.passes.efficiency import packaged
from sizing.render_calibration import calibration_lines

HEADER = "accel,n_accel,model,weight_dtype,kv_dtype,tp,mode,isl,osl,concurrency,metric,value"
RUNS = [
    f"H100-SXM-80GB,1,{model},bf16,bf16,1,agg,1000,{osl},{users}"
    for model in ("Llama-3.1-8B", "Qwen3-8B")
    for osl in (150, 400)
    for users in (1, 8, 64)
]


def measured(runs: list[str], factor: float):
    """What the model itself predicts of the runs, times a factor, as if it had been measured."""
    text = "\n".join([HEADER, *(f"{run},tpot_ms,1" for run in runs)])
    rows = own_measurements(text, catalog(), source="runs")
    predicted, _ = predict_all(rows, catalog())
    lines = [f"{run},tpot_ms,{predicted[row.id].predicted * factor}" for run, row in zip(runs, rows, strict=True)]
    return own_measurements("\n".join([HEADER, *lines]), catalog(), source="mine.csv")


SLOWER = fit_own(measured(RUNS, 1.25), catalog(), source="mine.csv", as_of="2026-11-21")
ALONE = fit_own(measured(RUNS[:6], 1.25), catalog(), source="mine.csv", as_of="2026-11-21")


def test_the_error_before_is_that_of_the_packaged_constants():
    """All measured 25 % above the prediction: |1 - 1.25| / 1.25 = 20 % off, on one side."""
    (tpot,) = SLOWER.metrics
    assert (tpot.metric, tpot.before.rows) == ("tpot", 12)
    assert tpot.before.median == pytest.approx(0.2, abs=0.001)
    assert tpot.before.bias == pytest.approx(0.8, abs=0.001)


def test_the_fit_brings_predictions_nearer_and_keeps_them_physical():
    """Nearer by at least a third, on unseen models too; no share of a peak above 0.97, no constant without bound."""
    (tpot,) = SLOWER.metrics
    assert tpot.after.median < 0.67 * tpot.before.median
    assert tpot.unseen is not None
    assert tpot.unseen.median < tpot.before.median
    for row in SLOWER.document["classes"]:
        assert all(0 < value <= 0.97 for table in ("flops", "bandwidth", "link_share") for value in row[table].values())


def test_what_agrees_with_the_constants_leaves_them():
    """Measured as predicted: no constant moves by two per cent."""
    same = fit_own(measured(RUNS, 1.0), catalog(), source="mine.csv", as_of="2026-11-21")
    assert same.moved == ()
    assert "no constant moved" in "\n".join(calibration_lines(same, written=None))


def test_only_what_the_rows_speak_of_moves():
    """One Hopper under vLLM says nothing of other devices and engines."""
    assert {move.of for move in SLOWER.moved} <= {"hopper-nvlink", "vllm"}
    assert SLOWER.moved


def test_the_file_says_what_it_was_fitted_to():
    """Rows, file, date, the priors' date, and that this device has been measured."""
    document = SLOWER.document
    assert document["source"] == f"fitted to 12 rows of mine.csv; priors: the constants of {packaged()['as_of']}"
    assert document["as_of"] == "2026-11-21"
    hopper = next(row for row in document["classes"] if row["name"] == "hopper-nvlink")
    assert "nvidia-h100-80gb" in hopper["measured"]
    assert document["intervals"] == packaged()["intervals"]


def test_one_model_on_one_device_says_nothing_of_others():
    """No unseen column, and why."""
    assert [one.unseen for one in ALONE.metrics] == [None]
    text = " ".join("\n".join(calibration_lines(ALONE, written="my.json")).split())
    assert "what to expect of others is not known" in text
    assert "written to my.json" in text


def test_the_report_fits_the_screen():
    """Eighty columns, also with long names of constants."""
    for found in (SLOWER, ALONE):
        assert max(map(len, calibration_lines(found, written="/a/file.json"))) <= 80


def test_the_packaged_constants_stay_as_they_are():
    """A fit changes a copy: after two of them, what is in use is what the file says."""
    text = files("sizing.performance").joinpath("facts/efficiencies.json").read_text(encoding="utf-8")
    assert packaged() == json.loads(text)
