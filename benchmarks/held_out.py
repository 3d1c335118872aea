"""How accurate the performance model is on rows that its constants were not fitted to.

    python -m benchmarks.held_out --table measured.csv [--folds 2] [--rounds 1] [--predictions out.csv]

Whole groups of model and accelerator go to one fold each, so nothing of a group that is predicted was seen in the fit.
Each fold starts from the priors, is fitted on the other folds alone, and predicts its own; errors are those of
`benchmarks.accuracy` over all folds together.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.accuracy import predict_all, report, text_of, write_predictions
from benchmarks.calibrate import PRIORS, Fit, fit, intervals
from benchmarks.measurements import Measurement, read_inference
from benchmarks.predictions import Prediction
from sizing.catalog import catalog


def fold_of(row: Measurement, folds: int) -> int:
    """The fold of a row, from its model and accelerator alone: the same in every run."""
    name = f"{row.setup.model}|{row.setup.accelerator}"
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds


def held_out(
    table: Path, *, fold: int, folds: int, rounds: int, priors: Path
) -> tuple[dict[str, Prediction], Counter[str]]:
    """Predictions of one fold by constants that were fitted on the others, and why rows have none."""
    known = json.loads(priors.read_text(encoding="utf-8"))
    document = copy.deepcopy(known)
    rows = read_inference(table).measurements
    others = [row for row in rows if row.counts and fold_of(row, folds) != fold]
    fit(others, catalog(), document, known, rounds=rounds, say=lambda _: None)
    document["intervals"] = intervals(others, catalog(), document)
    Fit(others, catalog(), document).install()
    return predict_all([row for row in rows if fold_of(row, folds) == fold], catalog())


def main() -> None:
    """Fit and predict every fold in a process of its own, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--priors", type=Path, default=PRIORS)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--predictions", type=Path, help="where to write id,predicted,low,high")
    options = parser.parse_args()
    predictions: dict[str, Prediction] = {}
    refused: Counter[str] = Counter()
    with ProcessPoolExecutor() as processes:
        parts = [
            processes.submit(
                held_out,
                options.table,
                fold=fold,
                folds=options.folds,
                rounds=options.rounds,
                priors=options.priors,
            )
            for fold in range(options.folds)
        ]
        for part in parts:
            predicted, missing = part.result()
            predictions |= predicted
            refused += missing
    rows = read_inference(options.table).measurements
    if options.predictions is not None:
        write_predictions(options.predictions, rows, predictions)
    print(text_of(report(rows, predictions, refused)))


if __name__ == "__main__":
    main()
