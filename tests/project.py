"""The project as a user has it: its stacks, copies of it to change, and the command run on them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
STACKS = ("chat-aws", "chat-gcp", "small-aws", "tpu-gcp")
PARTS = ("Pulumi.yaml", "requirements.txt", "infra", "components", "sizing", "stacks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str


def sizeup(*arguments: str, root: Path = ROOT) -> Ended:
    """Run `sizeup` on the project in *root* in a process of its own, as from a shell without a terminal."""
    ended = subprocess.run(  # noqa: S603  this very Python
        [sys.executable, "-m", "infra.cli", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(status=ended.returncode, out=ended.stdout, err=ended.stderr)


def project_copy(folder: Path) -> Path:
    """A copy of the project in *folder*, in a git repository with one commit."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "as it is"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)  # noqa: S603, S607
    return folder


def edited(root: Path, stack: str, old: str, new: str) -> Path:
    """The stack file of *stack* with *old*, which must stand in it, replaced by *new*."""
    path = root / "stacks" / f"Pulumi.{stack}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} does not stand in {path.name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def contents(root: Path) -> dict[str, bytes]:
    """Every file of the stacks folder, to see that a refused command changed none."""
    return {path.name: path.read_bytes() for path in sorted((root / "stacks").iterdir())}
