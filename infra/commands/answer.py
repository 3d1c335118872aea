"""How every command answers on stdout: one content, as text for people or as JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from infra.failures import REFUSED
from infra.terminal import show
from sizing.outcome import NoPlan
from sizing.render import render_no_plan
from sizing.render_outcome import no_plan_document


def answer(*, as_json: bool, document: Callable[[], object], text: Callable[[], str]) -> None:
    """Write the *document* as JSON with sorted keys, or else the *text*; only the one asked for is worked out."""
    if as_json:
        sys.stdout.write(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    else:
        show(text(), sys.stdout, os.environ)


def no_plan(found: NoPlan, *, stack: str, as_json: bool) -> int:
    """The exit status of having no plan, which is told with what came closest."""
    answer(as_json=as_json, document=lambda: no_plan_document(found), text=lambda: render_no_plan(found, name=stack))
    return REFUSED
