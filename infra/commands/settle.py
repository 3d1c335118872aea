"""`sizeup settle`: decides what became of the operations that an interrupted run left pending, and reads the cloud."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict

from infra.apply import engine as pulumi
from infra.apply import flow
from infra.apply.asking import check_attended, confirm
from infra.apply.settling import Settled, made_from, settle
from infra.failures import DONE
from infra.project import project_root
from infra.recorder.urns import parse
from infra.terminal import progress


def run(arguments: argparse.Namespace) -> int:
    """Settle the stack; 1 where nobody says yes, 2 for a URN that is not pending, 3 where engine or cloud fail."""
    root, stack, made = project_root(arguments.directory), arguments.stack, made_from(arguments.made)
    check_attended(yes=arguments.yes, command=f"sizeup settle {stack}", as_json=arguments.json)
    engine = pulumi.find_engine(root, os.environ)
    taken = ", ".join(parse(urn).name for urn in made) or "nothing"
    confirm(f"of what was being created, {stack} takes over {taken} and forgets the rest.", yes=arguments.yes)
    with progress(f"settling {stack}"):
        kept = flow.kept_state(engine, stack)
        found = settle(engine, stack, made=made)
    if arguments.json:
        content = {key: value for key, value in asdict(found).items() if key != "document"}
        sys.stdout.write(json.dumps(content, indent=2, sort_keys=True) + "\n")
    else:
        sys.stdout.write(_text(found, stack) + f"  the state from before: {kept.relative_to(root)}\n")
    return DONE


def _text(found: Settled, stack: str) -> str:
    lines = [f"{stack}: settled; `sizeup up {stack}` goes on"]
    for title, urns in (
        ("taken over", found.made),
        ("forgotten, as it was not made", found.forgotten),
        ("as the cloud has it", found.refreshed),
    ):
        lines += [f"  {title}: {parse(urn).name}" for urn in urns]
    return "\n".join(lines) + "\n"
