"""`sizeup rehearse`: plays a stack's life with the real engine against emulated clouds, faults included."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.apply.installed import find_cli
from infra.commands.answer import answer
from infra.emulation.drills import USUAL
from infra.emulation.faults import Fault
from infra.emulation.rehearsal import rehearsed
from infra.emulation.rehearsal_text import rehearsal_document, render_rehearsal
from infra.failures import DONE, REFUSED, WrongInput
from infra.preview.base import Nothing
from infra.preview.compose import preview
from infra.project import project_root
from infra.terminal import progress


def run(arguments: argparse.Namespace) -> int:
    """Rehearse the stack; 1 where an act did not end as it should, 3 where there is no engine."""
    root, stack = project_root(arguments.directory), arguments.stack
    cli = find_cli(root, os.environ)
    faults = tuple(dict.fromkeys(map(Fault, arguments.fault))) if arguments.fault else USUAL
    with progress(f"recording what {stack} registers"):
        preview(root, stack, Nothing())  # a mistake in the stack is told before anything is played
    with _folder(arguments.keep) as folder:
        found = rehearsed(root, stack, folder, cli=cli, environ=os.environ, faults=faults, telling=progress)
    answer(as_json=arguments.json, document=lambda: rehearsal_document(found), text=lambda: render_rehearsal(found))
    return DONE if found.ended_well else REFUSED


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """
    Where the stages are: a folder that goes at the end, or *keep*.

    Raises:
        WrongInput: If *keep* has something in it already.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="sizeup-rehearsal-") as folder:
            yield Path(folder)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        is_empty = not any(keep.iterdir())
    except OSError as error:
        raise WrongInput(f"{keep}: cannot be used ({error.strerror})\n    hint: name another folder") from None
    if not is_empty:
        raise WrongInput(f"{keep}: is not empty\n    hint: name a new folder; a rehearsal overwrites nothing")
    yield keep.resolve()
