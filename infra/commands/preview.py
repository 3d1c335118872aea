"""`sizeup preview`: what deploying a stack would create or change, and what it costs; offline."""

from __future__ import annotations

import argparse
import gc
import os
import sys

from infra.failures import DONE, REFUSED
from infra.preview.base import Against, Nothing, StateFile, against
from infra.preview.compose import preview
from infra.project import project_root
from infra.render.json_document import render_json
from infra.render.text import render_text
from infra.terminal import progress, show


def run(arguments: argparse.Namespace) -> int:
    """Show the preview; 1 where a check failed: an input, the budget, a protected resource."""
    root = project_root(arguments.directory)
    gc.disable()  # a run makes a hundred thousand objects of the SDKs and ends: collecting takes a third of its time
    with progress(f"recording what {arguments.stack} registers"):
        report = preview(root, arguments.stack, _base(arguments))
    if arguments.json:
        sys.stdout.write(render_json(report))
    else:
        show(render_text(report, full=arguments.full), sys.stdout, os.environ)
    return REFUSED if any(finding.stops for finding in report.findings) else DONE


def _base(arguments: argparse.Namespace) -> Against:
    if arguments.state is not None:
        return StateFile(path=arguments.state)
    return Nothing() if arguments.against is None else against(arguments.against)
