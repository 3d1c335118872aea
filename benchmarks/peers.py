"""Our predictions beside those of other tools, on the same rows of a measurements table.

    python -m benchmarks.peers --table measured.csv --peer NAME=answers.csv [--peer ...] [--held-out ours.csv]

A peer's answers are `id, metric, predicted, seconds, version, note`; an empty `predicted` is a refusal. Every peer is
compared with us on the rows that it answers; rows that their collection flags as unreliable are left out, as in
`benchmarks.accuracy`. Our packaged constants were fitted on the table; `--held-out` adds the predictions that
`benchmarks.held_out --predictions` wrote, by constants that never saw the model and accelerator of the row.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sizing.calibration.errors import metric_of, predict_all
from sizing.calibration.measurement import Measurement, read_measurements
from sizing.catalog import catalog

METRICS = ("throughput", "tpot", "ttft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One peer and one metric: medians of |predicted - measured| / measured over the rows that the peer answers."""

    peer: str
    metric: str
    asked: int  # rows that were put to the peer
    answered: int
    of_peer: float
    of_ours: float
    of_ours_held_out: float | None


def compare(
    peer: str,
    answers: Mapping[str, float | None],
    rows: Iterable[Measurement],
    ours: Mapping[str, float],
    held_out: Mapping[str, float],
) -> list[Comparison]:
    """
    A comparison for each metric that *peer* answers at all.

    Args:
        peer: Name of the peer.
        answers: Its answers by row id; None where it refuses.
        rows: The measurements; those that it was not asked are left out.
        ours: Our predictions by row id.
        held_out: Our predictions by row id, of constants fitted on other rows; may be empty.
    """
    found = []
    asked = [row for row in rows if row.counts and row.value and row.id in answers and row.id in ours]
    for metric in METRICS:
        put = [row for row in asked if metric_of(row) == metric]
        both = [row for row in put if answers[row.id] is not None]
        if not both:
            continue
        unseen = [row for row in both if row.id in held_out]
        found.append(
            Comparison(
                peer=peer,
                metric=metric,
                asked=len(put),
                answered=len(both),
                of_peer=_median(both, {row.id: answers[row.id] or 0.0 for row in both}),
                of_ours=_median(both, ours),
                of_ours_held_out=_median(unseen, held_out) if len(unseen) == len(both) else None,
            )
        )
    return found


def _median(rows: Sequence[Measurement], predicted: Mapping[str, float]) -> float:
    return statistics.median(abs(predicted[row.id] - row.value) / row.value for row in rows if row.value)


def text_of(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as a table."""
    lines = [f"{'median error':<18}{'metric':<12}{'answered':>14}{'peer':>9}{'ours':>9}{'held out':>10}"]
    for found in comparisons:
        unseen = "" if found.of_ours_held_out is None else f"{found.of_ours_held_out:.1%}"
        lines.append(
            f"{found.peer:<18}{found.metric:<12}{f'{found.answered} of {found.asked}':>14}"
            f"{found.of_peer:>9.1%}{found.of_ours:>9.1%}{unseen:>10}"
        )
    return "\n".join(lines)


def _read(path: Path) -> dict[str, float | None]:
    """`predicted` by `id`."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: float(row["predicted"]) if row["predicted"] else None for row in csv.DictReader(file)}


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 done, 2 a file cannot be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="measurements, as CSV")
    parser.add_argument("--peer", action="append", required=True, metavar="NAME=FILE", help="answers of a peer")
    parser.add_argument("--held-out", type=Path, metavar="FILE", help="our held-out predictions: id,predicted,low,high")
    options = parser.parse_args(arguments)
    try:
        rows = read_measurements(options.table.read_text(encoding="utf-8")).measurements
        unseen = {} if options.held_out is None else _read(options.held_out)
        peers = {name: _read(Path(file)) for name, _, file in (peer.partition("=") for peer in options.peer)}
    except (OSError, KeyError, ValueError) as error:
        sys.stderr.write(f"error: a file cannot be read: {error}\n")
        return 2
    asked = {id_ for answers in peers.values() for id_ in answers}
    predictions, _ = predict_all([row for row in rows if row.id in asked], catalog())
    ours = {id_: prediction.predicted for id_, prediction in predictions.items()}
    held_out = {id_: value for id_, value in unseen.items() if value is not None}
    print(text_of([x for name, answers in peers.items() for x in compare(name, answers, rows, ours, held_out)]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
