"""What fitting to one's own measurements changed, as text."""

from __future__ import annotations

from sizing.calibration.own_fit import OwnFit
from sizing.figures import figure, percent, plural
from sizing.table import table, wrapped

MOST_MOVED = 12  # constants told
NAMES = {"throughput": "throughput", "ttft": "TTFT", "tpot": "TPOT", "e2e": "end to end"}


def calibration_lines(found: OwnFit, *, written: str | None) -> list[str]:
    """Errors before and after by metric, the constants that moved most, and where they are; *written*: the file."""
    predicted = sum(metric.before.rows for metric in found.metrics)
    rows = [["median error", "rows", "before", "after", "unseen", "in interval before", "after"]]
    rows += [
        [
            NAMES.get(one.metric, one.metric),
            f"{one.before.rows:,}",
            percent(one.before.median),
            percent(one.after.median),
            "" if one.unseen is None else percent(one.unseen.median),
            *(percent(errors.within_interval) for errors in (one.before, one.after)),
        ]
        for one in found.metrics
    ]
    lines = [f"{predicted:,} of {plural(found.rows, 'row')} predicted, before and after the fit to them", ""]
    lines += table(rows, align="<>>>>>>")
    for reason, count in found.refused.items():
        lines += wrapped(f"{plural(count, 'row')} without a prediction: {reason}", indent="  ", hanging="    ")
    lines += ["", *_reading(found), "", *_moved(found), ""]
    if written is None:
        return [*lines, "nothing is written: give --out FILE to keep the constants"]
    return [*lines, *wrapped(f"written to {written}: sizeup predict ... --efficiencies {written}", hanging="  ")]


def _reading(found: OwnFit) -> list[str]:
    """What the columns mean, and what they do not."""
    seen = "the errors after are on the rows that the constants were fitted to"
    if any(one.unseen is not None for one in found.metrics):
        seen += (
            "; unseen: on rows whose model and accelerator were left out of the fit, which is what to expect of others"
        )
    else:
        seen += ", which all are of one model and accelerator: what to expect of others is not known"
    return wrapped(f"{seen}; in interval: in that of 80 %", indent="  ", hanging="  ")


def _moved(found: OwnFit) -> list[str]:
    if not found.moved:
        return ["  no constant moved by 2 % or more"]
    rows = [["constants that moved", "", "before", "after"]]
    rows += [[one.of, one.name, figure(one.before), figure(one.after)] for one in found.moved[:MOST_MOVED]]
    left = len(found.moved) - MOST_MOVED
    return [*table(rows, align="<<>>"), *([f"  and {left} more"] if left > 0 else [])]
