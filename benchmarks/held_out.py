"""How accurate the performance model is on rows that its constants were not fitted to.

    python -m benchmarks.held_out --table measured.csv [--by pair] [--folds 4] [--predictions out.csv]

Whole groups of model and accelerator (or whole accelerators, models or collections: `--by`) go to one fold each, so
nothing of a group that is predicted was seen in the fit. Each fold starts from the priors, is fitted on the other folds
alone, and predicts its own, with intervals from the residuals of the other folds. Errors are those of
`benchmarks.accuracy` over all folds together.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.accuracy import report, text_of, write_predictions
from sizing.calibration.errors import metric_of, predict_all
from sizing.calibration.fit import fitted
from sizing.calibration.intervals import intervals, residuals, situation_of
from sizing.calibration.measurement import Measurement, accelerator_named, read_measurements
from sizing.calibration.prediction import Prediction
from sizing.catalog import Accelerator, catalog
from sizing.performance.passes.efficiency import device_class, spread, using

PRIORS = Path(__file__).parent / "priors.json"  # what the constants are before any fit, with their source

GROUPS: Mapping[str, Callable[[Measurement], str]] = {
    "pair": lambda row: f"{row.setup.model}|{row.setup.accelerator}",
    "accelerator": lambda row: row.setup.accelerator,
    "model": lambda row: row.setup.model,
    "collection": lambda row: row.group,
}


def fold_of(row: Measurement, folds: int, by: str = "pair") -> int:
    """The fold of a row, from its group's name alone: the same in every run."""
    return int(hashlib.sha256(GROUPS[by](row).encode()).hexdigest(), 16) % folds


def unseen(
    rows: Sequence[Measurement], priors: Mapping[str, Any], *, folds: int, by: str = "pair"
) -> tuple[dict[str, Prediction], Counter[str]]:
    """Predictions of all rows, each by constants fitted on the other folds; why rows have none. A process a fold."""
    predictions: dict[str, Prediction] = {}
    refused: Counter[str] = Counter()
    with ProcessPoolExecutor() as processes:
        for predicted, missing in processes.map(partial(_one, rows, priors, folds, by), range(folds)):
            predictions |= predicted
            refused += missing
    return predictions, refused


def _one(
    rows: Sequence[Measurement], priors: Mapping[str, Any], folds: int, by: str, fold: int
) -> tuple[dict[str, Prediction], Counter[str]]:
    document = fitted([row for row in rows if fold_of(row, folds, by) != fold], catalog(), priors)
    with using(document):
        return predict_all([row for row in rows if fold_of(row, folds, by) == fold], catalog())


def with_intervals(
    rows: Sequence[Measurement],
    predictions: Mapping[str, Prediction],
    *,
    folds: int,
    by: str,
) -> dict[str, Prediction]:
    """The same predictions, each with the interval that the residuals of the other folds give."""
    found: dict[str, Prediction] = {}
    classes = {name: device_class(device) for name, device in _devices(rows).items()}
    for fold in range(folds):
        others = [row for row in rows if fold_of(row, folds, by) != fold]
        with using({"intervals": intervals(residuals(others, predictions, catalog()))}):
            for row in rows:
                if row.id in predictions and fold_of(row, folds, by) == fold:
                    factors = spread(metric_of(row), classes[row.setup.accelerator], situation_of(row))
                    one = predictions[row.id]
                    low = one.predicted * factors.low * one.layouts
                    found[row.id] = replace(one, low=low, high=one.predicted * factors.high)
    return found


def _devices(rows: Sequence[Measurement]) -> dict[str, Accelerator]:
    """The catalog's accelerators for the names of a table, as far as it has them."""
    found = {row.setup.accelerator: accelerator_named(row.setup.accelerator, catalog().accelerators) for row in rows}
    return {name: device for name, device in found.items() if device is not None}


def main() -> None:
    """Fit and predict every fold, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--priors", type=Path, default=PRIORS)
    parser.add_argument("--by", choices=tuple(GROUPS), default="pair")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--predictions", type=Path, help="where to write id,predicted,low,high")
    options = parser.parse_args()
    rows = read_measurements(options.table.read_text(encoding="utf-8")).measurements
    priors = json.loads(options.priors.read_text(encoding="utf-8"))
    predictions, refused = unseen(rows, priors, folds=options.folds, by=options.by)
    predictions = with_intervals(rows, predictions, folds=options.folds, by=options.by)
    if options.predictions is not None:
        write_predictions(options.predictions, rows, predictions)
    print(text_of(report(rows, predictions, refused)))


if __name__ == "__main__":
    main()
