"""`sizeup destroy`: takes a stack down through the engine, behind the gate: what goes, what is held, confirm, go."""

from __future__ import annotations

import argparse
import json
import os
import sys

from infra.apply import engine as pulumi
from infra.apply import flow, gate
from infra.apply.asking import check_attended, confirm
from infra.apply.destruction import destruction, render_destruction
from infra.apply.outcome_text import document
from infra.commands.ending import told
from infra.failures import DONE, Refused
from infra.preview.base import Nothing
from infra.project import project_root
from infra.recorder.stack_program import read_project
from infra.terminal import progress, show
from sizing.catalog import catalog


def run(arguments: argparse.Namespace) -> int:
    """Take the stack down; 1 where something is held or nobody says yes, 3 where the engine or a cloud fails."""
    root, stack = project_root(arguments.directory), arguments.stack
    check_attended(yes=arguments.yes, command=f"sizeup destroy {stack}", as_json=arguments.json)
    engine = pulumi.find_engine(root, os.environ)
    with progress(f"reading the state of {stack}"):
        base = flow.deployed(engine, stack)
    if isinstance(base, Nothing):
        raise Refused(f"{stack}: its backend knows no such stack, so there is nothing to take down")
    found = destruction(base.state, project=read_project(root).name, stack=stack, catalog=catalog())
    if not arguments.json:
        show(render_destruction(found), sys.stdout, os.environ)
    reason = gate.destruction_refusal(found)
    if reason is not None:
        raise Refused(reason)
    if not found.changes.steps:
        return DONE
    confirm(f"take {stack} down?", yes=arguments.yes)
    kept = flow.kept_state(engine, stack)
    outcome = flow.torn_down(engine, stack, shown=found.changes.steps, kept=kept)
    if arguments.json:
        sys.stdout.write(json.dumps(document(outcome, root=root), indent=2, sort_keys=True) + "\n")
    return told(outcome, root, quiet=arguments.json)
