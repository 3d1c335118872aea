"""How `up` and `destroy` tell what became of them: on stdout where it went well, else as the error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from infra.apply.diagnosis import Kind
from infra.apply.outcome import Outcome
from infra.apply.outcome_text import render_outcome
from infra.failures import DONE, PROGRAM_FAILED, REFUSED
from infra.terminal import show


def told(outcome: Outcome, root: Path, *, quiet: bool) -> int:
    """The exit status of *outcome*, which is shown unless *quiet* (its JSON was written)."""
    is_done = outcome.diagnosis is None
    if not quiet:
        text = render_outcome(outcome, root=root)
        show(f"\n{text}" if is_done else f"error: {text}", sys.stdout if is_done else sys.stderr, os.environ)
    if outcome.diagnosis is not None and outcome.diagnosis.kind in (Kind.CANCELLED, Kind.NOT_SHOWN):
        return REFUSED
    return DONE if is_done else PROGRAM_FAILED
