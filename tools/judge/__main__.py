"""Judges the example stacks: `python -m tools.judge`. Exit status: 0 nothing open, 1 findings, 3 checkov failed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from infra.failures import DONE, PROGRAM_FAILED, REFUSED, WRONG_INPUT, ProgramFailed
from infra.stack import stack_names
from sizing.errors import SizingError
from tools.judge.checkov import judge
from tools.judge.rendering import kinds, recorded, write
from tools.judge.report import report
from tools.judge.verdict import load_baseline, load_waivers, verdict

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".venv-judge" / "bin" / "checkov"


def main() -> int:
    """Render, judge, tell."""
    arguments = _parser().parse_args()
    stacks = stack_names(ROOT)
    try:
        waivers, baseline = load_waivers(), load_baseline()
        with tempfile.TemporaryDirectory(prefix="sizeup-judge-") as temporary:
            within = Path(temporary) if arguments.keep is None else arguments.keep
            folders = {stack: within / stack for stack in stacks}
            rendered: set[str] = set()
            for stack, folder in folders.items():
                graph, origins = recorded(ROOT, stack)
                write(graph, origins, folder)
                rendered |= kinds(graph)
            found = verdict(judge(folders, program=PROGRAM), waivers, baseline, rendered=rendered)
    except ProgramFailed as error:
        return _ended(error, PROGRAM_FAILED)
    except (SizingError, FileExistsError) as error:
        return _ended(error, WRONG_INPUT)
    sys.stdout.write(report(found, stacks=stacks))
    return DONE if found.holds else REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.judge", description=__doc__, allow_abbrev=False)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave what checkov reads in FOLDER, a new one")
    return parser


def _ended(error: Exception, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
