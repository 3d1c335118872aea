"""`sizeup explain`: what binds the plan of a stack, and why each alternative lost; worked out anew, nothing written."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace

from infra.failures import DONE, REFUSED
from infra.project import project_root
from infra.stack import current_plan, load_stack
from infra.terminal import progress, show
from sizing import lockfile
from sizing.allocation import size
from sizing.catalog import catalog
from sizing.outcome import NoPlan, Sized
from sizing.render import render_explain, render_no_plan
from sizing.render_outcome import no_plan_document, sized_document


def run(arguments: argparse.Namespace) -> int:
    """Show why; 1 where there is no plan."""
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    with progress(f"weighing the alternatives of {stack}"):
        answer = size(spec, facts, current=current_plan(root, stack))
    if isinstance(answer, Sized):
        answer = replace(answer, plan=lockfile.rounded(answer.plan))  # the figures that `size` locks and shows
    if arguments.json:
        document = no_plan_document(answer) if isinstance(answer, NoPlan) else sized_document(answer)
        sys.stdout.write(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    elif isinstance(answer, NoPlan):
        show(render_no_plan(answer, name=stack), sys.stdout, os.environ)
    else:
        show(render_explain(answer, name=stack), sys.stdout, os.environ)
    return REFUSED if isinstance(answer, NoPlan) else DONE
