"""Intervals of predictions from residuals of rows that the fit had not seen.

A residual is the logarithm of measured over predicted, for a row whose whole group of model and accelerator was left
out of the fit. The interval of 80 % lies between their quantiles at 10 and 90 %, by metric, way of running and device
class where enough groups speak, else by fewer of these. What lies outside of the measurements (a device or a sparse
model that none is of) has an interval of its own, from rows whose whole accelerator or model was left out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sizing.calibration.errors import metric_of
from sizing.calibration.measurement import Measurement, accelerator_named
from sizing.calibration.prediction import Facts, Prediction
from sizing.performance.passes.efficiency import ANY, Situation, device_class

QUANTILES = (0.1, 0.9)
LEAST_ROWS, LEAST_PAIRS = 30, 3  # of a part with an interval of its own
NARROWEST = 1.05  # no interval claims less than 5 % to either side


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """ln(measured / predicted) of one row that the fit had not seen."""

    metric: str
    situation: Situation | None  # None: a run whose layout is not told, which says little of the others
    device_class: str
    model: str
    accelerator: str
    value: float


def situation_of(row: Measurement) -> Situation:
    """How the server of a row was run."""
    match row.setup.mode:
        case "static-batch" | "single-stream":
            return Situation.BATCH
        case "disagg":
            return Situation.POOLS
        case "mlperf-server" | "mlperf-interactive":
            return Situation.OPEN
        case _:
            return Situation.SATURATED if row.setup.concurrency is None else Situation.LOOP


def residuals(rows: Iterable[Measurement], predictions: Mapping[str, Prediction], facts: Facts) -> list[Residual]:
    """The residuals of rows that count, have a value and were predicted."""
    found = []
    for row in rows:
        accelerator = accelerator_named(row.setup.accelerator, facts.accelerators)
        if row.counts and row.value and row.id in predictions and accelerator is not None:
            found.append(
                Residual(
                    metric=metric_of(row),
                    situation=None if row.setup.tp is None and row.setup.topology is None else situation_of(row),
                    device_class=device_class(accelerator),
                    model=row.setup.model,
                    accelerator=row.setup.accelerator,
                    value=math.log(row.value / predictions[row.id].predicted),
                )
            )
    return found


def intervals(found: Sequence[Residual]) -> dict[str, dict[str, dict[str, float]]]:
    """
    Factors of the interval by metric, then by "situation class", "situation any" and "any any".

    Every part of at least `LEAST_ROWS` rows of `LEAST_PAIRS` pairs has one, and each metric its "any any".
    """
    parts: dict[str, dict[str, list[Residual]]] = defaultdict(lambda: defaultdict(list))
    for residual in found:
        parts[residual.metric][f"{ANY} {ANY}"].append(residual)
        if residual.situation is not None:
            for name in (residual.device_class, ANY):
                parts[residual.metric][f"{residual.situation} {name}"].append(residual)
    return {
        metric: {
            name: interval_of([residual.value for residual in part])
            for name, part in sorted(by_name.items())
            if name == f"{ANY} {ANY}" or _speaks(part)
        }
        for metric, by_name in sorted(parts.items())
    }


def _speaks(part: Sequence[Residual]) -> bool:
    return len(part) >= LEAST_ROWS and len({(residual.model, residual.accelerator) for residual in part}) >= LEAST_PAIRS


def outside(by_accelerator: Sequence[Residual], by_model: Sequence[Residual]) -> dict[str, dict[str, float]]:
    """
    Factors of the interval by metric outside of what was measured, from whole accelerators and whole models left out.

    Each of them counts the same, however many rows are of it: the next unknown one may be like any of them.
    """
    parts: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for residual in by_accelerator:
        parts[residual.metric][residual.accelerator].append(residual.value)
    for residual in by_model:
        parts[residual.metric][residual.model].append(residual.value)
    return {metric: interval_of(_evenly(tuple(by_name.values()))) for metric, by_name in sorted(parts.items())}


def _evenly(parts: Sequence[Sequence[float]]) -> list[float]:
    """As many values of each part, at evenly spaced ranks, as the largest part has."""
    count = max(len(part) for part in parts)
    ordered = [sorted(part) for part in parts]
    return [part[int((rank + 0.5) / count * len(part))] for part in ordered for rank in range(count)]


def interval_of(values: Sequence[float]) -> dict[str, float]:
    """
    The factors between which 80 % of *values*, logarithms, lie: split conformal, so a little wider for few of them.

    Source: Lei et al., Distribution-free predictive inference for regression, 2018: rank (n + 1) q of n residuals.
    """
    ordered, count = sorted(values), len(values)
    low = ordered[max(0, math.floor((count + 1) * QUANTILES[0]) - 1)]
    high = ordered[min(count - 1, math.ceil((count + 1) * QUANTILES[1]) - 1)]
    return {
        "low": float(f"{min(math.exp(low), 1 / NARROWEST):.3g}"),
        "high": float(f"{max(math.exp(high), NARROWEST):.3g}"),
    }
