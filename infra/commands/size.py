"""`sizeup size`: works out the plan of a stack and locks it, or checks the locked one."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from infra.commands.answer import no_plan
from infra.failures import DONE, REFUSED
from infra.project import project_root
from infra.stack import STACKS, check_fresh, current_plan, load_plan, load_stack, plan_path, write_plan
from infra.staleness import facts_note
from infra.terminal import keep_stdout, show
from sizing import lockfile
from sizing.catalog import Catalog, catalog
from sizing.outcome import NoPlan, Sized
from sizing.render import render_plan
from sizing.render_outcome import stopped_text
from sizing.spec.workload import Spec


def run(arguments: argparse.Namespace) -> int:
    """Size and lock, or check; 1 where there is no plan, or where the locked one is stale."""
    keep_stdout()
    root, stack = project_root(arguments.directory), arguments.stack
    facts = catalog()
    spec = load_stack(root, stack, facts).spec
    if arguments.check:
        return _check(root, stack, spec, facts, as_json=arguments.json)
    return _size(root, stack, spec, facts, arguments)


def _check(root: Path, stack: str, spec: Spec, facts: Catalog, *, as_json: bool) -> int:
    plan = load_plan(root, stack)
    check_fresh(plan, spec, stack=stack)
    note = facts_note(plan, facts, stack=stack)
    if note is not None:
        sys.stderr.write(f"note: {note}\n")
    sys.stdout.write(
        lockfile.dumps(plan)
        if as_json
        else f"{_name(root, stack)} is the plan of {STACKS}/Pulumi.{stack}.yaml as it stands\n"
    )
    return DONE


def _size(root: Path, stack: str, spec: Spec, facts: Catalog, arguments: argparse.Namespace) -> int:
    from infra.commands.solving import watched_size  # noqa: PLC0415  a check never solves
    from sizing.optimiser import Effort, Strategy  # noqa: PLC0415

    found = watched_size(
        f"sizing {stack}",
        spec,
        facts,
        current=None if arguments.fresh else current_plan(root, stack),
        strategy=Strategy(arguments.strategy),
        effort=Effort(arguments.effort),
    )
    if isinstance(found, NoPlan):
        return no_plan(found, stack=stack, as_json=arguments.json)
    if found.outcome.interrupted:
        return _stopped(found, stack=stack, arguments=arguments)
    plan = lockfile.rounded(found.plan)  # what is shown is what is locked
    before = _content(root, stack)
    try:
        written = write_plan(root, stack, plan)
        if arguments.json:
            sys.stdout.write(lockfile.dumps(plan))
        else:
            next_best = found.runners_up[0] if found.runners_up else None
            text = render_plan(plan, name=stack, outcome=found.outcome, next_best=next_best, moves=found.moves)
            show(text, sys.stdout, os.environ)
        sys.stdout.flush()
    except KeyboardInterrupt:
        changed = _content(root, stack) != before
        told = f"{_name(root, stack)} is written" if changed else "no file was changed"
        raise KeyboardInterrupt(f"interrupted; {told}") from None
    sys.stderr.write(f"{'wrote' if written else 'unchanged:'} {_name(root, stack)}\n")
    return DONE


def _stopped(found: Sized, *, stack: str, arguments: argparse.Namespace) -> int:
    """Show the best plan so far, which is not written: what is locked was searched for to its end."""
    plan = lockfile.rounded(found.plan)
    if arguments.json:
        sys.stdout.write(lockfile.dumps(plan))
    else:
        show(render_plan(plan, name=stack, outcome=found.outcome), sys.stdout, os.environ)
    sys.stdout.flush()
    sys.stderr.write(f"error: {stopped_text(found.outcome)}; not written, no file was changed\n")
    return REFUSED


def _name(root: Path, stack: str) -> Path:
    return plan_path(root, stack).relative_to(root)


def _content(root: Path, stack: str) -> bytes | None:
    """What the plan file holds; None where there is none."""
    path = plan_path(root, stack)
    return path.read_bytes() if path.exists() else None
