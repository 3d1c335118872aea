"""Held-out accuracy: what is predicted was not seen in the fit."""

from dataclasses import replace

from benchmarks.held_out import fold_of
from sizing.calibration.measurement import Measurement, Setup

RUN = Setup(
    accelerator="H100-SXM-80GB", accelerators=1, nodes=1, software="vllm", model="Llama-3.1-8B", weights="bf16",
    kv="", tp=1, pp=1, ep=None, dp=None, mode="agg", input_tokens=512.0, output_tokens=64.0,
    random_lengths=False, concurrency=4, topology=None,
)  # fmt: skip
ROW = Measurement(id="1", scenario="s", group="g", setup=RUN, metric="tpot_ms", value=9.0, flags=frozenset())


def test_all_rows_of_a_model_on_an_accelerator_are_in_one_fold():
    """Whatever the engine, the lengths or the load: a row of the same pair in the fit would give the answer away."""
    others = [
        replace(RUN, software="sglang"),
        replace(RUN, concurrency=256),
        replace(RUN, output_tokens=4096.0, tp=8, accelerators=8),
    ]
    assert {fold_of(replace(ROW, setup=setup), 4) for setup in others} == {fold_of(ROW, 4)}


def test_pairs_spread_over_all_folds():
    """Forty models on one accelerator leave none of four folds empty."""
    rows = [replace(ROW, setup=replace(RUN, model=f"model-{number}")) for number in range(40)]
    assert {fold_of(row, 4) for row in rows} == {0, 1, 2, 3}
