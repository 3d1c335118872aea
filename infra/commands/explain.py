"""`sizeup explain`: what binds the plan of a stack, and why each alternative lost; worked out anew, nothing written."""

from __future__ import annotations

import argparse
from dataclasses import replace

from infra.commands.answer import answer, no_plan
from infra.failures import DONE
from infra.interruption import interruptible
from infra.project import project_root
from infra.stack import current_plan, load_stack
from infra.terminal import progress
from sizing import lockfile
from sizing.allocation import size, surer
from sizing.catalog import catalog
from sizing.outcome import NoPlan
from sizing.render import render_explain
from sizing.render_outcome import sized_document


def run(arguments: argparse.Namespace) -> int:
    """Show why; 1 where there is no plan."""
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    current = current_plan(root, stack)
    with progress(f"weighing the alternatives of {stack}"):
        found = interruptible(lambda: size(spec, facts, current=current))
        more = () if isinstance(found, NoPlan) else interruptible(lambda: surer(spec, facts, current=current))
    if isinstance(found, NoPlan):
        return no_plan(found, stack=stack, as_json=arguments.json)
    sized = replace(found, plan=lockfile.rounded(found.plan), surer=more)  # the figures that `size` locks and shows
    answer(
        as_json=arguments.json,
        document=lambda: sized_document(sized),
        text=lambda: render_explain(sized, name=stack),
    )
    return DONE
