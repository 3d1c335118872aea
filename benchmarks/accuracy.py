"""How far the performance model is from published measurements.

    python -m benchmarks.accuracy --table measured.csv [--efficiencies priors.json] [--predictions out.csv] [--json]

Reads a table of inference or of training measurements (told apart by the header), predicts each row from its setup
alone, writes `id,predicted,low,high`, and where the table tells outcomes prints the errors by group, metric,
accelerator and model. A row that cannot be predicted has no line, and counts as not covered. Constants are those that
the package ships, or those of `--efficiencies`. Processor time goes to stderr.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time

from sizing.calibration.errors import Errors, errors, metric_of, predict_all
from sizing.calibration.measurement import Measurement, Table, kind_of, read_measurements
from sizing.calibration.prediction import Prediction
from sizing.catalog import catalog
from sizing.performance.passes.efficiency import using

LEAST_ROWS = 5  # of a group that takes part in the average over groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The accuracy over one table."""

    rows: int
    covered: int
    beyond_limit: int  # predictions that no device could reach
    refused: Mapping[str, int]  # why rows have no prediction
    average: Mapping[str, float]  # by metric: medians of groups of at least five rows, averaged
    by_group: Mapping[str, Errors]
    by_metric: Mapping[str, Errors]
    by_accelerator: Mapping[str, Errors]
    by_model: Mapping[str, Errors]


def report(rows: tuple[Measurement, ...], predictions: Mapping[str, Prediction], refused: Mapping[str, int]) -> Report:
    """Errors over the rows that count (see `measurements.LEFT_OUT`) and have a prediction."""
    scored = [(row, predictions[row.id]) for row in rows if row.counts and row.id in predictions]

    def by(key: Callable[[Measurement], str]) -> dict[str, Errors]:
        parts: dict[str, list[tuple[Measurement, Prediction]]] = defaultdict(list)
        for row, prediction in scored:
            parts[f"{metric_of(row)} {key(row)}".strip()].append((row, prediction))
        return {name: errors(parts[name]) for name in sorted(parts)}

    groups = by(lambda row: row.group)
    return Report(
        rows=len(predictions) + sum(refused.values()),
        covered=len(predictions),
        beyond_limit=sum(not prediction.possible for prediction in predictions.values()),
        refused=dict(refused),
        average={
            metric: statistics.fmean(medians)
            for metric in ("throughput", "tpot", "ttft", "e2e")
            if (
                medians := [
                    part.median
                    for name, part in groups.items()
                    if name.startswith(f"{metric} ") and part.rows >= LEAST_ROWS
                ]
            )
        },
        by_group=groups,
        by_metric=by(lambda _: ""),
        by_accelerator=by(lambda row: row.setup.accelerator),
        by_model=by(lambda row: row.setup.model),
    )


def write_predictions(path: Path, rows: Iterable[Measurement], predictions: Mapping[str, Prediction]) -> None:
    """One line for each predicted row, in the order of the table, to six digits."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "predicted", "low", "high"))
        for row in rows:
            prediction = predictions.get(row.id)
            if prediction is not None:
                values = (prediction.predicted, prediction.low, prediction.high)
                writer.writerow((row.id, *(f"{value:.6g}" for value in values)))


def text_of(result: Report) -> str:
    """The report as people read it."""
    share = result.covered / result.rows if result.rows else 0.0
    lines = [
        f"{result.covered:,} of {result.rows:,} rows predicted ({share:.1%})",
        f"{result.beyond_limit} predictions beyond the physical limit",
        *(f"  not predicted: {count:,} rows, {why}" for why, count in sorted(result.refused.items())),
    ]
    if result.by_group:
        lines += ["", "median error, averaged over groups of at least 5 rows"]
        lines += [f"  {metric:<12}{value:>8.1%}" for metric, value in result.average.items()]
    for title, parts in (
        ("metric", result.by_metric),
        ("group", result.by_group),
        ("accelerator", result.by_accelerator),
        ("model", result.by_model),
    ):
        if parts:
            lines += ["", f"{'by ' + title:<46}{'rows':>6}{'median':>9}{'mean':>9}{'bias':>7}{'in 80 %':>9}"]
            lines += [
                f"  {name:<44}{part.rows:>6}{part.median:>9.1%}{part.mean:>9.1%}"
                f"{part.bias:>7.2f}{part.within_interval:>9.0%}"
                for name, part in parts.items()
            ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 the table cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="measurements, as CSV")
    parser.add_argument("--efficiencies", type=Path, help="constants to predict with, instead of the packaged ones")
    parser.add_argument("--predictions", type=Path, help="where to write id,predicted,low,high")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        with options.table.open(encoding="utf-8", newline="") as file:
            kind = kind_of(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        sys.stderr.write(f"error: {options.table}: {error}\n")
        return 2
    if kind is Table.TRAINING:
        return _training(options.table, options.predictions, as_json=options.json)
    try:
        reading = read_measurements(options.table.read_text(encoding="utf-8"))
    except KeyError as error:
        sys.stderr.write(f"error: {options.table}: there is no column {error}\n")
        return 2
    rows = reading.measurements
    try:
        constants = _constants(options.efficiencies)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {options.efficiencies}: {error}\n")
        return 2
    facts = catalog()
    started = process_time()
    with constants:
        predictions, refused = predict_all(rows, facts)
    taken = process_time() - started
    setups = len({row.setup for row in rows})
    sys.stderr.write(f"{setups:,} setups in {taken:.1f} s of one core, {1e3 * taken / max(1, setups):.2f} ms each\n")
    refused += reading.unreadable
    if options.predictions is not None:
        write_predictions(options.predictions, rows, predictions)
    result = report(rows, predictions, refused)
    print(json.dumps(asdict(result), indent=1) if options.json else text_of(result))
    return 0


def _constants(path: Path | None) -> AbstractContextManager[None]:
    """A block in which predictions are made with the constants of *path*, or the packaged ones where there is none."""
    return nullcontext() if path is None else using(json.loads(path.read_text(encoding="utf-8")))


def _training(table: Path, output: Path | None, *, as_json: bool) -> int:
    """Training is not modelled yet: no row is predicted, and that is said."""
    with table.open(encoding="utf-8", newline="") as file:
        count = sum(1 for _ in csv.DictReader(file))
    if output is not None:
        write_predictions(output, (), {})
    why = {"training is not predicted yet": count}
    result = Report(
        rows=count,
        covered=0,
        beyond_limit=0,
        refused=why,
        average={},
        by_group={},
        by_metric={},
        by_accelerator={},
        by_model={},
    )
    print(json.dumps(asdict(result), indent=1) if as_json else text_of(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
