"""Runs checkov over rendered graphs, without network, and returns what it judged, as values."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.failures import ProgramFailed

FRAMEWORKS = ("terraform_plan", "kubernetes")
TIME_LIMIT_S = 600
_NOWHERE = "http://127.0.0.1:9"  # the discard port of this machine: whoever tries the network fails at once
_ALONE: Mapping[str, str] = {
    "CKV_SKIP_PACKAGE_UPDATE_CHECK": "true",  # or the package index is asked for a newer release
    "HTTP_PROXY": _NOWHERE,
    "HTTPS_PROXY": _NOWHERE,
    "http_proxy": _NOWHERE,
    "https_proxy": _NOWHERE,
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Judgement:
    """One check that ran on one resource."""

    check: str  # CKV_AWS_58
    resource: str  # aws_eks_cluster.cluster-eks, Deployment.chat.chat
    stack: str
    title: str
    passed: bool


def judge(folders: Mapping[str, Path], *, program: Path) -> tuple[Judgement, ...]:
    """
    Everything that checkov says of the rendered graph of each stack, in a process for each.

    One stack at a time: in one folder, checkov would join resources of two stacks that have the same names.

    Args:
        folders: The folder of each stack's rendered graph, and nothing else in it.
        program: The `checkov` command.

    Raises:
        ProgramFailed: If checkov cannot run, cannot read a file, or stumbles in a check.
    """
    with ThreadPoolExecutor(max_workers=2) as workers:
        answers = workers.map(lambda stack: _run(program, folders[stack], stack), folders)
        return tuple(sorted(one for answer in answers for one in answer))


def _run(program: Path, folder: Path, stack: str) -> Sequence[Judgement]:
    command = [str(program), "--directory", str(folder), "--framework", *FRAMEWORKS, "--output", "json"]
    command += ["--compact", "--skip-download"]  # no custom policies, no guidelines of its vendor's platform
    environment = {key: text for key, text in os.environ.items() if not key.startswith(("BC_", "CKV_", "PRISMA_"))}
    try:
        ended = subprocess.run(  # noqa: S603  the environment's own program
            command,
            env={**environment, **_ALONE},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramFailed(f"checkov did not run: {error}", mend="run: make judge") from None
    if ended.returncode not in (0, 1) or "Traceback" in ended.stderr or "Failed to run check" in ended.stderr:
        raise ProgramFailed(f"checkov failed over {stack}:\n{ended.stderr.strip()[-2000:]}", mend="run: make judge")
    return read(ended.stdout, stack=stack)


def read(output: str, *, stack: str) -> tuple[Judgement, ...]:
    """
    The judgements in checkov's JSON *output*: one report for each framework, or one alone.

    Raises:
        ProgramFailed: If it is no such report, or tells of a file that could not be read.
    """
    try:
        content = json.loads(output)
    except json.JSONDecodeError:
        raise ProgramFailed(f"checkov over {stack} answered no JSON", mend="run: make judge") from None
    reports: list[Any] = content if isinstance(content, list) else [content]
    found: list[Judgement] = []
    for report in reports:
        if "results" not in report:  # counts alone: nothing of this framework was found
            continue
        unread = report["results"].get("parsing_errors")
        if unread:
            raise ProgramFailed(f"checkov cannot read {', '.join(unread)}", mend="mend the rendering in tools/judge")
        for passed, key in ((True, "passed_checks"), (False, "failed_checks")):
            found += [
                Judgement(
                    check=row["check_id"],
                    resource=row["resource"],
                    stack=stack,
                    title=row["check_name"],
                    passed=passed,
                )
                for row in report["results"].get(key, [])
            ]
    return tuple(found)
