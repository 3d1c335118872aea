"""The packaged constants fitted on to a user's own measurements, and how much nearer that brings the predictions.

The packaged constants are the priors, so few measurements move them little. Errors after the fit are on the very rows
it was fitted to; where there are several models or devices, errors on rows that it had not seen stand beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sizing.calibration.errors import Errors, errors, metric_of, predict_all
from sizing.calibration.fit import Knob, describe, fitted, get, knobs_of_class, knobs_of_engine
from sizing.calibration.measurement import Measurement
from sizing.calibration.prediction import Facts, Prediction
from sizing.performance.passes.efficiency import packaged, using

FOLDS = 3  # at most: whole groups of model and accelerator are left out in turn
LEAST_MOVE = 0.02  # of a constant, in logarithms, that is worth telling


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricErrors:
    """Errors of one metric before and after the fit, and on rows that a fit had not seen."""

    metric: str
    before: Errors
    after: Errors
    unseen: Errors | None  # None: only one group of model and accelerator


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One constant that the measurements moved."""

    of: str  # hopper-nvlink, vllm
    name: str  # bandwidth bf16, layer_us
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFit:
    """The fitted constants, and what they are worth."""

    document: Mapping[str, Any]  # in the form of `facts/efficiencies.json`
    rows: int
    refused: Mapping[str, int]  # rows without a prediction, by reason
    metrics: tuple[MetricErrors, ...]
    moved: tuple[Moved, ...]  # the furthest first


def fit_own(
    rows: Sequence[Measurement],
    facts: Facts,
    *,
    source: str,
    as_of: str,
    say: Callable[[str], None] = lambda _: None,
) -> OwnFit:
    """
    The constants in use, fitted on to *rows*; intervals stay those of the packaged calibration.

    Args:
        rows: As `own_measurements` reads them.
        facts: The catalog.
        source: The file of the rows, for the provenance of the result.
        as_of: The date of the fit.
        say: Told what is being done.
    """
    priors = packaged()
    say(f"fitting to {len(rows)} rows")
    document = fitted(rows, facts, priors)
    provenance = f"fitted to {len(rows)} rows of {source}; priors: the constants of {priors['as_of']}"
    describe(document, rows, facts, priors=priors, source=provenance)
    document["as_of"] = as_of
    before, refused = predict_all(rows, facts)
    with using(document):
        after, _ = predict_all(rows, facts)
    unseen = _unseen(rows, facts, priors, say)
    metrics = sorted({metric_of(row) for row in rows if row.id in before})
    return OwnFit(
        document=document,
        rows=len(rows),
        refused=refused,
        metrics=tuple(_errors(metric, rows, before, after, unseen) for metric in metrics),
        moved=tuple(_moved(priors, document)),
    )


def _unseen(
    rows: Sequence[Measurement], facts: Facts, priors: Mapping[str, Any], say: Callable[[str], None]
) -> dict[str, Prediction]:
    """Predictions by constants that were fitted without the row's group of model and accelerator; empty for one."""
    pairs = sorted({_pair(row) for row in rows})
    folds = min(FOLDS, len(pairs))
    predictions: dict[str, Prediction] = {}
    for fold in range(folds if folds > 1 else 0):
        say(f"fitting without part {fold + 1} of {folds}")
        left_out = set(pairs[fold::folds])
        with using(fitted([row for row in rows if _pair(row) not in left_out], facts, priors)):
            predictions |= predict_all([row for row in rows if _pair(row) in left_out], facts)[0]
    return predictions


def _pair(row: Measurement) -> tuple[str, str]:
    return row.setup.model, row.setup.accelerator


def _errors(
    metric: str,
    rows: Sequence[Measurement],
    before: Mapping[str, Prediction],
    after: Mapping[str, Prediction],
    unseen: Mapping[str, Prediction],
) -> MetricErrors:
    part = [row for row in rows if metric_of(row) == metric and row.id in before]
    return MetricErrors(
        metric=metric,
        before=errors([(row, before[row.id]) for row in part]),
        after=errors([(row, after[row.id]) for row in part]),
        unseen=errors([(row, unseen[row.id]) for row in part]) if unseen else None,
    )


def _moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Moved]:
    found = []
    for part, knobs in (("classes", knobs_of_class), ("engines", knobs_of_engine)):
        for old, new in zip(before[part], after[part], strict=True):
            name = " ".join(str(old[key]) for key in ("name", "version") if key in old)
            found += [_move(name, knob, get(old, knob.path), get(new, knob.path)) for knob in knobs(old)]
    told = [move for move in found if abs(math.log(move.after / move.before)) >= LEAST_MOVE]
    return sorted(told, key=lambda move: -abs(math.log(move.after / move.before)))


def _move(of: str, knob: Knob, before: float, after: float) -> Moved:
    return Moved(of=of, name=" ".join(knob.path), before=before, after=after)
