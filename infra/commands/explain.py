"""`sizeup explain`: what binds the plan of a stack, and why each alternative lost; worked out anew, nothing written."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from dataclasses import replace

from infra.commands.answer import answer, no_plan
from infra.commands.solving import watched_size
from infra.failures import DONE, REFUSED
from infra.interruption import interruptible
from infra.project import project_root
from infra.stack import current_plan, load_stack
from infra.terminal import keep_stdout, progress
from sizing import lockfile
from sizing.allocation import surer
from sizing.allocation.finding.search import Asking
from sizing.allocation.why.sensitivity import Sensitivity, sensitivity
from sizing.catalog import Catalog, catalog
from sizing.optimiser import Effort, Strategy
from sizing.outcome import NoPlan, RunnerUp
from sizing.plan import SizingPlan
from sizing.render import render_explain
from sizing.render_outcome import sized_document, stopped_text
from sizing.render_sensitivity import sensitivity_document, sensitivity_lines
from sizing.spec.workload import Spec


def run(arguments: argparse.Namespace) -> int:
    """Show why; 1 where there is no plan, or where the user stopped it: then what is known by then."""
    keep_stdout()
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    current = current_plan(root, stack)
    asking = Asking(strategy=Strategy(arguments.strategy), effort=Effort(arguments.effort))
    found = watched_size(
        f"weighing the alternatives of {stack}",
        spec,
        facts,
        current=current,
        strategy=asking.strategy,
        effort=asking.effort,
    )
    if isinstance(found, NoPlan):
        return no_plan(found, stack=stack, as_json=arguments.json)
    stopped = stopped_text(found.outcome) if found.outcome.interrupted else None
    more: tuple[RunnerUp, ...] = ()
    firm: Sensitivity | None = None
    if stopped is None:
        stopped = "interrupted; the rest is not worked out"
        with progress(f"asking what a little more would save {stack}") as tell, contextlib.suppress(KeyboardInterrupt):
            more, firm = interruptible(lambda: _firmness(spec, facts, current, asking, tell))
            stopped = None
    sized = replace(found, plan=lockfile.rounded(found.plan), surer=more)  # the figures that `size` locks and shows
    answer(
        as_json=arguments.json,
        document=lambda: sized_document(sized) | {"sensitivity": None if firm is None else sensitivity_document(firm)},
        text=lambda: render_explain(sized, name=stack, beside=[] if firm is None else sensitivity_lines(firm, spec)),
    )
    if stopped is not None:
        sys.stdout.flush()
        sys.stderr.write(f"error: {stopped}\n")
    return DONE if stopped is None else REFUSED


def _firmness(
    spec: Spec, facts: Catalog, current: SizingPlan | None, asking: Asking, tell: Callable[[str], None]
) -> tuple[tuple[RunnerUp, ...], Sensitivity | None]:
    """What more confidence costs, and how firmly the plan stands."""
    tell("confidence")
    more = surer(spec, facts, current=current)
    return more, sensitivity(spec, facts, current=current, asking=asking, tell=tell)
