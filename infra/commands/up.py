"""`sizeup up`: applies a stack through Pulumi's engine, behind the gate: preview, limits, confirm, state kept, go."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from pathlib import Path

from infra.apply import engine as pulumi
from infra.apply import flow, gate
from infra.apply.asking import check_attended, confirm
from infra.apply.engine import Engine
from infra.apply.flow import Compared
from infra.apply.outcome import Outcome
from infra.apply.outcome_text import document
from infra.commands.ending import told
from infra.failures import DONE, Refused
from infra.preview.base import Deployed, Nothing
from infra.project import project_root
from infra.render.json_document import document as preview_document
from infra.render.report import Report
from infra.render.text import render_text
from infra.terminal import progress, show


def run(arguments: argparse.Namespace) -> int:
    """Apply the stack; 1 where the gate refuses or nobody says yes, 3 where the engine or a cloud fails."""
    root, stack = project_root(arguments.directory), arguments.stack
    check_attended(yes=arguments.yes, command=f"sizeup up {stack}", as_json=arguments.json)
    engine = pulumi.find_engine(root, os.environ)
    gc.disable()  # as for a preview
    with progress(f"reading the state of {stack}"):
        base = flow.deployed(engine, stack)
    with progress(f"recording what {stack} registers"):
        report = flow.own_preview(engine, stack, base)
    found = _asked_engine(engine, report, base, arguments)
    shown = report if found is None else found.report
    if not arguments.json:
        show(render_text(shown), sys.stdout, os.environ)
    _gate(shown, found, arguments)
    if found is not None and _is_settled(found):
        return _tell(None, shown, root, as_json=arguments.json)
    confirm(f"apply this to {stack}?", yes=arguments.yes)
    kept = None if found is None else flow.kept_state(engine, stack)
    if found is None:
        found = _made(engine, report)
        _gate(found.report, found, arguments)
    outcome = flow.applied(engine, stack, shown=found.told.steps, kept=kept)
    return _tell(outcome, found.report, root, as_json=arguments.json)


def _asked_engine(
    engine: Engine, report: Report, base: Deployed | Nothing, arguments: argparse.Namespace
) -> Compared | None:
    """What the engine would do; None where there is nothing to ask it about: a new stack, or one that is refused."""
    if isinstance(base, Nothing) or _refusal(report, None, arguments) is not None:
        return None
    with progress(f"asking Pulumi's engine about {report.stack}"):
        return flow.compared(engine, report)


def _made(engine: Engine, report: Report) -> Compared:
    """The stack made in the backend, and what the engine would do to it."""
    with progress(f"making the stack {report.stack}"):
        pulumi.create(engine, report.stack)
    with progress(f"asking Pulumi's engine about {report.stack}"):
        return flow.compared(engine, report)


def _refusal(report: Report, found: Compared | None, arguments: argparse.Namespace) -> str | None:
    return gate.refusal(
        report,
        max_usd_per_month=arguments.max_usd_per_month,
        parity=None if found is None else found.parity,
        attended=not arguments.yes,
    )


def _gate(report: Report, found: Compared | None, arguments: argparse.Namespace) -> None:
    reason = _refusal(report, found, arguments)
    if reason is None:
        return
    if arguments.json:
        _write({"preview": preview_document(report), "refused": reason, "outcome": None})
    raise Refused(reason)


def _is_settled(found: Compared) -> bool:
    """Whether neither preview sees anything to do."""
    return not (found.report.resources.steps or found.report.resources.outputs or found.told.steps)


def _tell(outcome: Outcome | None, report: Report, root: Path, *, as_json: bool) -> int:
    """Show how it ended; None: there was nothing to do."""
    if as_json:
        how = None if outcome is None else document(outcome, root=root)
        _write({"preview": preview_document(report), "refused": None, "outcome": how})
    elif outcome is None:
        sys.stdout.write(f"\n{report.stack}: nothing to apply: the engine sees no change either\n")
    return DONE if outcome is None else told(outcome, root, quiet=as_json)


def _write(content: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
