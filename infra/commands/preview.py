"""`sizeup preview`: what deploying a stack would create or change, and its cost; offline unless told otherwise."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from infra.failures import DONE, REFUSED, WrongInput
from infra.preview.base import Against, Nothing, StateFile, against
from infra.preview.compose import preview
from infra.project import project_root
from infra.render.json_document import render_json
from infra.render.markdown import render_markdown
from infra.render.report import Report
from infra.render.text import render_text
from infra.terminal import progress, show


def run(arguments: argparse.Namespace) -> int:
    """Show the preview; 1 where a check failed: an input, the budget, a protected resource."""
    root = project_root(arguments.directory)
    gc.disable()  # a run makes a hundred thousand objects of the SDKs and ends: collecting takes a third of its time
    base = _deployed(root, arguments) if arguments.deployed or arguments.engine else _base(arguments)
    with progress(f"recording what {arguments.stack} registers"):
        report = preview(root, arguments.stack, base)
    if arguments.engine:
        report = _beside_engine(root, report)
    _show(report, arguments)
    return REFUSED if any(finding.stops for finding in report.findings) else DONE


def _show(report: Report, arguments: argparse.Namespace) -> None:
    """The report in the form that was asked for, on stdout."""
    if arguments.json:
        sys.stdout.write(render_json(report))
    elif arguments.markdown:
        sys.stdout.write(render_markdown(report))
    elif arguments.html:
        from infra.render.html import render_html  # noqa: PLC0415  no other form needs an XML library

        sys.stdout.write(render_html(report))
    else:
        show(render_text(report, full=arguments.full), sys.stdout, os.environ)


def _base(arguments: argparse.Namespace) -> Against:
    if arguments.state is not None:
        return StateFile(path=arguments.state)
    return Nothing() if arguments.against is None else against(arguments.against)


def _deployed(root: Path, arguments: argparse.Namespace) -> Against:
    """
    The stack as its backend has it.

    Raises:
        WrongInput: If another base was asked for, too: the engine knows only this one.
        ProgramFailed: If there is no CLI, or it cannot read the state.
    """
    if arguments.state is not None or arguments.against is not None:
        raise WrongInput("--engine compares with the stack as it is deployed\n    hint: leave --state or --against out")
    from infra.apply import engine, flow  # noqa: PLC0415  the offline preview does without the Automation API

    with progress(f"reading the state of {arguments.stack}"):
        return flow.deployed(engine.find_engine(root, os.environ), arguments.stack)


def _beside_engine(root: Path, report: Report) -> Report:
    """
    The report with what Pulumi's own engine previews beside it.

    Raises:
        ProgramFailed: If the engine cannot preview the stack.
        WrongInput: If the stack is in no backend yet.
    """
    from infra.apply import engine, flow  # noqa: PLC0415  as above

    if report.resources.base_name == "nothing":
        raise WrongInput(
            f"the engine previews only a stack that its backend knows, and {report.stack} is none yet\n"
            f"    hint: pulumi stack init {report.stack}"
        )
    with progress(f"asking Pulumi's engine about {report.stack}"):
        return flow.compared(engine.find_engine(root, os.environ), report).report
