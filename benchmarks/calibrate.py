"""Fits `sizing/performance/facts/efficiencies.json` to a table of measurements, with strong priors.

    python -m benchmarks.calibrate --table measured.csv --out efficiencies.json [--folds 4] [--unseen folder]

The constants are fitted to all rows (`sizing.calibration.fit`). The intervals come from rows that a fit had not seen:
whole groups of model and accelerator left out in turn, and, for what lies outside of what was measured, whole
accelerators and whole models. `--unseen` keeps those predictions, as pair.csv, accelerator.csv and model.csv.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy import write_predictions
from benchmarks.held_out import PRIORS, unseen
from sizing.calibration.fit import describe, fitted
from sizing.calibration.intervals import intervals, outside, residuals
from sizing.calibration.measurement import Measurement, read_measurements
from sizing.catalog import catalog


def calibrated(
    rows: Sequence[Measurement], priors: Mapping[str, Any], *, folds: int, keep: Path | None = None
) -> dict[str, Any]:
    """
    The whole document: constants, the devices they were measured on, and both kinds of interval.

    Predictions of rows that the fit had not seen are written into the folder *keep*.
    """
    document = fitted(rows, catalog(), priors, say=print)
    source = f"fitted to {sum(row.counts for row in rows):,} published measurements; {priors['source']}"
    describe(document, rows, catalog(), priors=priors, source=source)
    by = {name: unseen(rows, priors, folds=folds, by=name)[0] for name in ("pair", "accelerator", "model")}
    for name, predictions in by.items():
        if keep is not None:
            write_predictions(keep / f"{name}.csv", rows, predictions)
    document["intervals"] = intervals(residuals(rows, by["pair"], catalog()))
    document["outside"] = outside(*(residuals(rows, by[name], catalog()) for name in ("accelerator", "model")))
    return document


def main() -> None:
    """Read a table and priors, fit, write the constants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--priors", type=Path, default=PRIORS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--unseen", type=Path, help="folder for the predictions of rows that a fit had not seen")
    arguments = parser.parse_args()
    priors = json.loads(arguments.priors.read_text(encoding="utf-8"))
    rows = read_measurements(arguments.table.read_text(encoding="utf-8")).measurements
    document = calibrated(rows, priors, folds=arguments.folds, keep=arguments.unseen)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
