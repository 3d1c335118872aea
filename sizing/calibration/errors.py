"""Predictions of measurements, and how far they are from what was measured."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sizing.calibration.measurement import Measurement
from sizing.calibration.prediction import Facts, Prediction, predict


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """How far predictions of some rows are from their measured values."""

    rows: int
    median: float  # of |predicted - measured| / measured
    mean: float
    bias: float  # median of predicted / measured
    within_interval: float  # share of rows whose value lies in the 80 % interval


def metric_of(row: Measurement) -> str:
    """Throughput per system or per accelerator count as one metric: throughput, ttft, tpot, e2e."""
    return "throughput" if row.metric.startswith("output_tps") else row.metric.partition("_")[0]


def predict_all(rows: Iterable[Measurement], facts: Facts) -> tuple[dict[str, Prediction], Counter[str]]:
    """Predictions by row id, and how many rows had none for which reason; each setup is predicted once."""
    known: dict[object, Mapping[str, Prediction] | str] = {}
    predictions: dict[str, Prediction] = {}
    refused: Counter[str] = Counter()
    for row in rows:
        if row.setup not in known:
            known[row.setup] = predict(row.setup, facts)
        answer = known[row.setup]
        if isinstance(answer, str):
            refused[answer] += 1
        elif row.metric not in answer:
            refused[f"metric {row.metric} is not predicted"] += 1
        else:
            predictions[row.id] = answer[row.metric]
    return predictions, refused


def errors(scored: Iterable[tuple[Measurement, Prediction]]) -> Errors:
    """The errors of rows with a value."""
    pairs = [(prediction, row.value) for row, prediction in scored if row.value]
    relative = [abs(prediction.predicted - value) / value for prediction, value in pairs]
    return Errors(
        rows=len(pairs),
        median=statistics.median(relative),
        mean=statistics.fmean(relative),
        bias=statistics.median(prediction.predicted / value for prediction, value in pairs),
        within_interval=statistics.fmean(prediction.low <= value <= prediction.high for prediction, value in pairs),
    )
