"""`sizeup size`: works out the plan of a stack and locks it, or checks the locked one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from infra.failures import DONE, REFUSED
from infra.project import project_root
from infra.stack import check_fresh, current_plan, load_plan, load_stack, plan_path, write_plan
from infra.terminal import progress, show
from sizing import lockfile
from sizing.catalog import Catalog, catalog
from sizing.outcome import NoPlan
from sizing.plan import SizingPlan
from sizing.render import render_no_plan, render_plan
from sizing.render_outcome import no_plan_document
from sizing.spec.workload import Spec


def run(arguments: argparse.Namespace) -> int:
    """Size and lock, or check; 1 where there is no plan, or where the locked one is stale."""
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    return _check(root, stack, spec, facts, arguments) if arguments.check else _size(root, stack, spec, arguments)


def _check(root: Path, stack: str, spec: Spec, facts: Catalog, arguments: argparse.Namespace) -> int:
    plan = load_plan(root, stack)
    check_fresh(plan, spec, stack=stack)
    plan_path(root, stack).relative_to(root)
    if plan.facts_hash != facts.hash:
        pass
    if arguments.json:
        sys.stdout.write(lockfile.dumps(plan))
    else:
        pass
    return DONE


def _size(root: Path, stack: str, spec: Spec, arguments: argparse.Namespace) -> int:
    from sizing.allocation import size  # noqa: PLC0415  a check never solves

    current = None if arguments.fresh else _current(root, stack)
    with progress(f"sizing {stack}"):
        answer = size(spec, catalog(), current=current)
    if isinstance(answer, NoPlan):
        if arguments.json:
            sys.stdout.write(json.dumps(no_plan_document(answer), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
        else:
            show(render_no_plan(answer, name=stack), sys.stdout, os.environ)
        return REFUSED
    write_plan(root, stack, answer.plan)
    if arguments.json:
        sys.stdout.write(lockfile.dumps(answer.plan))
    else:
        next_best = answer.runners_up[0] if answer.runners_up else None
        show(render_plan(answer.plan, name=stack, next_best=next_best), sys.stdout, os.environ)
    plan_path(root, stack).relative_to(root)
    return DONE


def _current(root: Path, stack: str) -> SizingPlan | None:
    """The plan that re-sizing starts from: moving away from it is priced."""
    return current_plan(root, stack)
