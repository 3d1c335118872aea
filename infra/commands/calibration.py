"""`sizeup predict --calibrate` and `--efficiencies`: constants fitted to a user's own measurements, and used."""

from __future__ import annotations

import argparse
import dataclasses
import json
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from infra.commands.answer import answer
from infra.failures import DONE, WrongInput
from infra.files import write_whole
from infra.terminal import progress
from sizing.calibration.constants import mistakes
from sizing.calibration.own_fit import OwnFit, fit_own
from sizing.calibration.own_table import own_measurements
from sizing.catalog import catalog
from sizing.performance.passes.efficiency import packaged, using
from sizing.render_calibration import calibration_lines


def run(options: argparse.Namespace) -> int:
    """Fit the constants to the table, show errors before and after, and write them where asked."""
    text = _text(options.calibrate, "give a CSV of measurements; see sizeup predict --help")
    rows = own_measurements(text, catalog(), source=str(options.calibrate))
    with progress(f"fitting to {len(rows)} rows"):
        today = datetime.now(tz=UTC).date().isoformat()
        found = fit_own(rows, catalog(), source=options.calibrate.name, as_of=today)
    if options.out is not None:
        _write(options.out, found)
    written = None if options.out is None else str(options.out)
    answer(
        as_json=options.json,
        document=lambda: _document(found, written),
        text=lambda: "\n".join(calibration_lines(found, written=written)) + "\n",
    )
    return DONE


def constants(path: Path | None) -> AbstractContextManager[None]:
    """A block inside which predictions use the constants of the file, or the packaged ones."""
    if path is None:
        return nullcontext()
    mend = "give a file that sizeup predict --calibrate wrote"
    try:
        document = json.loads(_text(path, mend))
    except ValueError as error:
        raise WrongInput(f"{path}: is no JSON ({error})\n    hint: {mend}") from None
    wrong = list(mistakes(document, packaged()))
    if wrong:
        raise WrongInput(f"{path}: " + "\n  ".join(wrong) + f"\n    hint: {mend}")
    return using(document)


def _document(found: OwnFit, written: str | None) -> dict[str, object]:
    return {
        "rows": found.rows,
        "refused": dict(found.refused),
        "metrics": [dataclasses.asdict(metric) for metric in found.metrics],
        "moved": [dataclasses.asdict(move) for move in found.moved],
        "constants": found.document,
        "written": written,
    }


def _write(path: Path, found: OwnFit) -> None:
    try:
        write_whole(path, json.dumps(found.document, indent=1) + "\n")
    except OSError as error:
        raise WrongInput(f"{path}: cannot be written ({error.strerror})\n    hint: give another --out") from None


def _text(path: Path, mend: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror})\n    hint: {mend}") from None
    except UnicodeDecodeError:
        raise WrongInput(f"{path}: is no text in UTF-8\n    hint: {mend}") from None
