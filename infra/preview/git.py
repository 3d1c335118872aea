"""Other revisions of the repository around the project: their files, and worktrees that do not outlive their use."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.preview.errors import UnusableBase


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One commit of the repository around a project."""

    root: Path  # the project, here
    prefix: str  # the project's folder inside the repository, with a final slash; empty at the top
    asked: str  # what the user typed: main, HEAD~3
    commit: str  # its full name

    @property
    def name(self) -> str:
        """How to call it in messages and headings."""
        short = self.commit[:7]
        return f"git {short}" if self.commit.startswith(self.asked) else f"git {self.asked} ({short})"


def resolved(root: Path, asked: str) -> Revision:
    """
    The commit that *asked* names in the repository of the project in *root*.

    Raises:
        UnusableBase: If there is no git, no repository, or no such commit.
    """
    base = f"git:{asked}"
    if shutil.which("git") is None:
        raise UnusableBase(base=base, what="git is not installed", mend="install git, or compare with --state FILE")
    inside = _git(root, "rev-parse", "--show-prefix")
    if inside.returncode:
        raise UnusableBase(
            base=base, what=f"{root} is not in a git repository", mend="run it inside one, or compare with --state FILE"
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{asked}^{{commit}}")
    if found.returncode or not asked:
        raise UnusableBase(
            base=base,
            what="there is no such commit",
            mend="name a branch, tag or commit; `git log --oneline` shows some",
        )
    return Revision(root=root, prefix=inside.stdout.strip(), asked=asked, commit=found.stdout.strip())


def text_at(revision: Revision, path: str) -> str | None:
    """The content of the file *path* of the project at *revision*, or None where it is not there."""
    shown = _git(revision.root, "show", "--end-of-options", f"{revision.commit}:{revision.prefix}{path}")
    return None if shown.returncode else shown.stdout


@contextlib.contextmanager
def worktree(revision: Revision) -> Iterator[Path]:
    """
    The project as it is at *revision*, in a folder that is gone afterwards, whatever happens.

    Raises:
        UnusableBase: If git cannot make it.
    """
    folder = Path(tempfile.mkdtemp(prefix="sizeup-")).resolve()
    tree = folder / "tree"
    try:
        made = _git(
            revision.root,
            "-c",
            "core.hooksPath=/dev/null",
            "worktree",
            "add",
            "--quiet",
            "--detach",
            str(tree),
            revision.commit,
        )
        if made.returncode:
            raise UnusableBase(
                base=revision.name,
                what=f"git could not check it out ({made.stderr.strip()})",
                mend="free disk space, or run `git worktree prune`",
            )
        yield tree / revision.prefix
    finally:
        _git(revision.root, "worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)
        _git(revision.root, "worktree", "prune")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Git on the repository around *root*, whatever repository the environment points to (as inside a git hook)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(  # noqa: S603  fixed program, arguments passed as a list
        ["git", "-C", str(root), *arguments],  # noqa: S607  git is found on PATH, as users expect
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
