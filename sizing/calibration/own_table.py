"""A user's own measurements as CSV: every mistake at once with its line and column, then values as of any table.

Columns that a user may leave out are filled: each row is a run of its own, of one collection, served by vLLM.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sizing.calibration.measurement import (
    NEEDED,
    Measurement,
    accelerator_named,
    read_measurements,
    weight_precision,
)
from sizing.calibration.prediction import Facts
from sizing.errors import InvalidSpec, Problem, UnknownFact

MODES = (
    *("agg", "offline-max", "static-batch", "single-stream", "disagg"),
    *("mlperf-offline", "mlperf-server", "mlperf-interactive"),
)
METRICS = ("output_tps", "output_tps_per_accel", "ttft_ms", "tpot_ms", "e2e_latency_ms")
FILLED = {  # where the column is left out, or a cell of it blank
    "id": "line {line}",
    "scenario": "line {line}",
    "group": "own",
    "software": "vllm",
    **dict.fromkeys(("kv_dtype", "tp", "pp", "ep", "dp", "concurrency", "notes", "flags"), ""),
}
DEGREES = ("tp", "pp", "ep", "dp", "n_nodes")
TOPOLOGY = re.compile(r"P\d+x\d+ D\d+x\d+")
PUBLISHED = ("source", "source_path", "version_date", "unit", "scope", "derived", "roofline_util")  # read past
COLUMNS = (*NEEDED, "value", *FILLED, "n_nodes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table, and where it stands."""

    number: int  # of the line in the file, from 1
    cells: Mapping[str, str]  # by column, without blanks around


def own_measurements(text: str, facts: Facts, *, source: str) -> tuple[Measurement, ...]:
    """
    The rows of a table of measurements.

    Args:
        text: The CSV, with a header; a spreadsheet's byte order mark is read past.
        facts: The catalog that names devices and models.
        source: The file, for messages.

    Raises:
        InvalidSpec: With every mistake, each with its line, its column and the mend.
    """
    header, lines = _read(text)
    problems = [*_of_header(header), *(problem for line in lines for problem in _of_line(line, facts))]
    if not problems and not lines:
        problems = [Problem(path="rows", what="the table has none", mend="give one metric of one run a line", line=2)]
    if problems:
        raise InvalidSpec(tuple(problems), source=source)
    out = io.StringIO()
    writer = csv.DictWriter(out, [*COLUMNS, "derived"], extrasaction="ignore", restval="")
    writer.writeheader()
    for line in lines:
        filled = {name: default.format(line=line.number) for name, default in FILLED.items()}
        writer.writerow(filled | {name: cell for name, cell in line.cells.items() if cell})
    return read_measurements(out.getvalue()).measurements


def _read(text: str) -> tuple[list[str], list[Line]]:
    """The header and the lines that hold anything."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    header = [name.strip() for name in next(reader, [])]
    lines = []
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = {name: cell.strip() for name, cell in zip(header, row, strict=False)}
            lines.append(Line(number=reader.line_num, cells=cells))
    return header, lines


def _of_header(header: Sequence[str]) -> Iterator[Problem]:
    for name in (*NEEDED, "value"):
        if name not in header:
            near = get_close_matches(name, header, n=1)
            mend = f"rename {near[0]}" if near else f"add the column {name}"
            yield Problem(path=name, what="this column is missing", mend=mend, line=1)
    for name in header:
        if name not in {*COLUMNS, *PUBLISHED}:
            near = get_close_matches(name, COLUMNS, n=1)
            mend = f"did you mean {near[0]}?" if near else f"columns are {', '.join(COLUMNS)}"
            yield Problem(path=name or "a column without a name", what="no such column is read", mend=mend, line=1)
        elif header.count(name) > 1:
            yield Problem(path=name, what="this column is there twice", mend="keep one", line=1)


def _of_line(line: Line, facts: Facts) -> Iterator[Problem]:
    def wrong(column: str, what: str, mend: str) -> Problem:
        return Problem(path=column, what=what, mend=mend, line=line.number)

    cells = line.cells
    blank = [name for name in (*NEEDED, "value") if name in cells and not cells[name]]
    yield from (wrong(name, "is blank", "fill it in, or leave the row out") for name in blank)
    told = {name: cell for name, cell in cells.items() if cell}
    for name in ("n_accel", "isl", "osl", "value", *DEGREES):
        if name in told and not _above_zero(told[name], whole=name in {"n_accel", *DEGREES}):
            kind = "a whole number above 0" if name in {"n_accel", *DEGREES} else "a number above 0"
            yield wrong(name, f"is {told[name]!r}, which is not {kind}", "write digits, without units or separators")
    concurrency = told.get("concurrency", "max")
    if concurrency != "max" and not _above_zero(concurrency, whole=True):
        yield wrong("concurrency", f"is {concurrency!r}", "give requests in flight, max, or leave it blank")
    for name, known in (("mode", MODES), ("metric", METRICS)):
        if name in told and told[name] not in known:
            yield wrong(name, f"is {told[name]!r}", f"one of {', '.join(known)}")
    yield from _of_names(told, facts, wrong)
    yield from _of_layout(told, wrong)


def _of_names(told: Mapping[str, str], facts: Facts, wrong: Callable[[str, str, str], Problem]) -> Iterator[Problem]:
    accelerator, model, weights = (told.get(name) for name in ("accel", "model", "weight_dtype"))
    if accelerator is not None and accelerator_named(accelerator, facts.accelerators) is None:
        names = [device.name for device in facts.accelerators]
        near = get_close_matches(accelerator.lower(), names, n=3, cutoff=0.4)
        mend = f"did you mean {', '.join(near)}?" if near else "see `sizeup facts list accelerators`"
        yield wrong("accel", f"no accelerator {accelerator!r} is known", mend)
    if model is not None:
        try:
            facts.model(model)
        except UnknownFact as error:
            mend = f"did you mean {', '.join(error.nearest)}?" if error.nearest else "see `sizeup facts list models`"
            yield wrong("model", f"no model {model!r} is known", mend)
    if weights is not None and weight_precision(weights) is None:
        yield wrong("weight_dtype", f"{weights!r} is no known format", "bf16, fp16, fp8, int8, int4, mxfp4 or nvfp4")


def _of_layout(told: Mapping[str, str], wrong: Callable[[str, str, str], Problem]) -> Iterator[Problem]:
    """A layout of more accelerators than there are; cores of Neuron chips and TPU v7x count as two to one."""
    numbers = [told.get(name, "1") for name in ("tp", "pp", "n_accel")]
    if all(_above_zero(cell, whole=True) for cell in numbers) and told.get("tp"):
        tensor, stages, accelerators = (int(float(cell)) for cell in numbers)
        if tensor * stages > 2 * accelerators:
            what = f"{tensor} ranks in {stages} stages are more than {accelerators} accelerators"
            yield wrong("tp", what, "correct tp, pp or n_accel")
    if told.get("mode") == "disagg" and not TOPOLOGY.match(told.get("notes", "")):
        yield wrong(
            "notes", "does not tell the pools of a disagg run", "begin it with P<workers>x<accelerators> D..x.."
        )


def _above_zero(cell: str, *, whole: bool) -> bool:
    try:
        number = float(cell)
    except ValueError:
        return False
    return 0 < number < math.inf and (number.is_integer() or not whole)
