"""Judges the example stacks and their variants: `python -m tools.judge`.

Exit status: 0 nothing is open; 1 findings, or a check that never ran; 2 a file of the judge's own; 3 checkov failed.
"""

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
from tools.judge.variants import load_variants, project_of
from tools.judge.verdict import load_baseline, load_waivers, verdict

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / ".venv-judge" / "bin" / "checkov"


def main() -> int:
    """Render, judge, tell."""
    arguments = _parser().parse_args()
    try:
        waivers, baseline = load_waivers(), load_baseline()
        with tempfile.TemporaryDirectory(prefix="sizeup-judge-") as temporary:
            within = Path(temporary) if arguments.keep is None else arguments.keep
            folders, rendered = _rendered(within / "rendered", within / "projects")
            found = verdict(judge(folders, program=PROGRAM), waivers, baseline, rendered=rendered)
    except ProgramFailed as error:
        return _ended(error, PROGRAM_FAILED)
    except (SizingError, FileExistsError) as error:
        return _ended(error, WRONG_INPUT)
    sys.stdout.write(report(found, stacks=tuple(folders)))
    return DONE if found.holds else REFUSED


def _rendered(folder: Path, projects: Path) -> tuple[dict[str, Path], frozenset[str]]:
    """The folder of each stack and variant, and the types of all resources in them."""
    folders: dict[str, Path] = {}
    found: frozenset[str] = frozenset()
    roots = {stack: (ROOT, stack) for stack in stack_names(ROOT)}
    for name, variant in load_variants().items():
        roots[name] = project_of(variant, root=ROOT, folder=projects / name), variant.of
    for name, (root, stack) in roots.items():
        graph, origins = recorded(root, stack)
        folders[name] = folder / name
        write(graph, origins, folders[name])
        found |= kinds(graph)
    return folders, found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.judge", description=__doc__, allow_abbrev=False)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave what checkov reads in FOLDER, a new one")
    return parser


def _ended(error: Exception, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
