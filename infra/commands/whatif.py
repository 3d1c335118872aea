"""
`sizeup whatif`: what would be, of which nothing is written. Asked in one of two ways.

With `key=value` the changed spec is sized: other machines for other traffic, limits or prices. Without, other traffic
or a trace is simulated on the deployments of the locked plan: the same machines, other latencies.
"""

from __future__ import annotations

import argparse
import importlib

from infra.commands import whatif_simulated
from infra.failures import WrongInput
from infra.terminal import keep_stdout

SIZED_OPTIONS = ("fresh", "plot", "html", "workers", "front")  # that only the sizing of a changed spec has


def run(arguments: argparse.Namespace) -> int:
    """Size the changed spec, or simulate on the plan as it is."""
    keep_stdout()
    is_sized = bool(arguments.changes) or arguments.front is not None
    foreign = whatif_simulated.OPTIONS if is_sized else SIZED_OPTIONS
    given = [f"--{name}" for name in foreign if _is_given(arguments, name)]
    if given and is_sized:
        raise WrongInput(
            f"{', '.join(given)}: of traffic on the plan as it is, while key=value and --front size the spec anew\n"
            "    hint: ask for one of them: sizeup whatif STACK requests_per_s=40, or sizeup whatif STACK --rate 40"
        )
    if given:
        raise WrongInput(
            f"{', '.join(given)}: of a changed spec, and nothing is changed\n"
            "    hint: say what to change: sizeup whatif STACK requests_per_s=5..100"
        )
    if not is_sized:
        return whatif_simulated.run(arguments)
    return int(importlib.import_module("infra.commands.whatif_sized").run(arguments))


def _is_given(arguments: argparse.Namespace, name: str) -> bool:
    value = getattr(arguments, name)
    return value is not None and value is not False
