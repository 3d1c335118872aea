"""
`python -m sizing SPEC.json`: the library's own door, for use without Pulumi.

Reads a spec (the keys of a stack file without `sizeup:`, as JSON; `-` is standard input) and prints the plan document.
Exit status: 0 a plan, 1 there is none, 2 wrong input.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sizing import NoPlan, Sized, SizingError, catalog, read_spec, size
from sizing.lockfile import dumps
from sizing.render import render_no_plan
from sizing.spec.read import model_paths

PLANNED, REFUSED, WRONG_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Size one spec; the plan goes to standard output, everything else to standard error."""
    parser = argparse.ArgumentParser(prog="python -m sizing", description="Size a spec, print the plan document.")
    parser.add_argument("spec", help="a JSON file, or - for standard input")
    path = parser.parse_args(arguments).spec
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
        mapping = json.loads(text)
        if not isinstance(mapping, dict):
            raise TypeError("a spec is a JSON object")  # noqa: TRY301  told like the other ways of being no spec
        folder = Path() if path == "-" else Path(path).parent
        configs = {name: (folder / name).read_bytes() for name in model_paths(mapping)}
        spec = read_spec(mapping, catalog=catalog(), model_configs=configs, source=path)
    except (OSError, ValueError, TypeError, SizingError) as error:
        sys.stderr.write(f"error: {error}\n")
        return WRONG_INPUT
    match size(spec, catalog()):
        case Sized(plan=plan):
            sys.stdout.write(dumps(plan))
            return PLANNED
        case NoPlan() as answer:
            sys.stderr.write(render_no_plan(answer, name=path))
            return REFUSED


if __name__ == "__main__":
    sys.exit(main())
