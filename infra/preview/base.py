"""What a preview is compared with: nothing, a state file, or another revision of the repository."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from components.graph import Graph
from infra.diff.changes import ResourceChanges
from infra.diff.diff import changes
from infra.diff.errors import InvalidState
from infra.diff.graph_json import UnreadableGraph, loads, masked
from infra.diff.recorded import Base, earlier_program, nothing
from infra.diff.settled import settled
from infra.diff.state import read_state
from infra.preview import git
from infra.preview.errors import UnusableBase
from infra.recorder.answers import created
from infra.recorder.recorder import Transport
from infra.recorder.stack_program import NOTHING, read_project, record_stack

CHILD = "infra/preview/child.py"
LOCKED = "requirements.txt"
PATIENCE_S = 300  # a recording takes seconds; whoever waits this long has a program that hangs

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Compare with a stack that does not exist yet: everything is created."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFile:
    """Compare with what `pulumi stack export` wrote to *path*."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """Compare with the stack as it is deployed: what its backend holds."""

    # What `pulumi stack export --show-secrets` printed, and the encrypted settings by full key: compared in memory,
    # never written.
    state: str = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstRevision:
    """Compare with the program and plan of another revision of the repository."""

    revision: str  # main, HEAD, v1.2, 1a2b3c4


Against: TypeAlias = Nothing | StateFile | Deployed | AgainstRevision


def against(text: str) -> AgainstRevision:
    """What `--against` was given: `git:REV`.

    Raises:
        UnusableBase: If it is anything else.
    """
    scheme, colon, revision = text.partition(":")
    if scheme != "git" or not colon or not revision:
        raise UnusableBase(base=text, what="is not a revision", mend="write git: and a revision, for example git:main")
    return AgainstRevision(revision=revision)


def resource_changes(
    root: Path, stack: str, base: Against, *, transport: Transport = Transport.GRPC
) -> ResourceChanges:
    """
    What deploying *stack* of the project in *root*, as it is now, would do to *base*.

    Raises:
        SizingError: If the program, the stack, the state or the revision cannot be used; its text has the mend.
    """
    match base:
        case Nothing():
            return _with_state(root, stack, nothing(project=read_project(root).name, stack=stack), transport)
        case StateFile(path=path):
            return _with_state(root, stack, state_base(path, project=read_project(root).name, stack=stack), transport)
        case Deployed(state=state, secrets=opened):
            name = read_project(root).name
            there = read_state(state, source=f"{stack} as deployed", project=name, stack=stack)
            return _with_state(root, stack, there, transport, secrets=opened)
        case AgainstRevision(revision=asked):
            return _with_revision(root, stack, asked, transport)


def _with_state(
    root: Path, stack: str, base: Base, transport: Transport, *, secrets: Mapping[str, str] = NOTHING
) -> ResourceChanges:
    answer = settled(base) if base.entries else created
    return changes(record_stack(root, stack, answer=answer, transport=transport, secrets=secrets).graph, base)


def _with_revision(root: Path, stack: str, asked: str, transport: Transport) -> ResourceChanges:
    """Both programs run at the same time; secrets are compared by their digests only."""
    key = secrets.token_bytes(32)
    with recording_at(git.resolved(root, asked), stack, key=key) as earlier:
        graph = record_stack(root, stack, transport=transport).graph
        found = changes(masked(graph, key=key), earlier())
    return replace(found, graph=graph)


def state_base(path: Path, *, project: str, stack: str) -> Base:
    """
    The base in the state file *path*.

    Raises:
        InvalidState: If it cannot be read, or is not a state of that stack.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidState(
            source=str(path),
            what=f"cannot be read ({reason})",
            mend=f"write it with: pulumi stack export --stack {stack} --file {path}",
        ) from None
    return read_state(text, source=path.name, project=project, stack=stack)


class Earlier:
    """A recording that runs in another process; call it for the base that comes out."""

    def __init__(self, process: subprocess.Popen[str], revision: git.Revision, tree: Path) -> None:
        """Wait for *process*, which records *revision* from its worktree *tree*."""
        self._process, self._revision, self._tree = process, revision, tree

    def __call__(self) -> Base:
        """
        Wait for the recording.

        Raises:
            UnusableBase: If that revision's program cannot be run, refuses, or answers in another format.
        """
        try:
            out, err = self._process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise _unusable(self._revision, f"its program did not end within {PATIENCE_S} s") from None
        try:
            reply = json.loads(out)
        except ValueError:
            last = err.strip().splitlines()[-1:] or ["it said nothing"]
            raise _unusable(self._revision, f"its program failed ({last[0]})") from None
        if "error" in reply:
            said = str(reply["error"]).partition("\n    hint:")[0]  # the mend is for another day's files
            raise _unusable(self._revision, f"its program refused: {said}")
        if not Path(reply.get("code", "/")).is_relative_to(self._tree):
            raise _unusable(self._revision, "its own code could not be loaded: another sizeup stands before it")
        return earlier_program(self._graph(reply.get("graph", "")), name=self._revision.name)

    def _graph(self, text: str) -> Graph:
        try:
            return loads(text)
        except UnreadableGraph as error:
            raise _unusable(self._revision, f"it records graphs in another form ({error})") from None


@contextlib.contextmanager
def recording_at(revision: git.Revision, stack: str, *, key: bytes) -> Iterator[Earlier]:
    """
    The recording of *stack* at *revision*, started; its worktree and process are gone when the block ends.

    Raises:
        UnusableBase: If that revision has no such stack, cannot record, or locks other dependencies.
    """
    _check(revision, stack)
    with git.worktree(revision) as project:
        process = subprocess.Popen(  # noqa: S603  this very Python, arguments passed as a list
            [sys.executable, "-m", "infra.preview.child", stack, str(project)],
            cwd=project,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(project), os.environ.get("PYTHONPATH", "")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        try:
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(key.hex() + "\n")
                    process.stdin.flush()
            yield Earlier(process, revision, project)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _check(revision: git.Revision, stack: str) -> None:
    """Refuse early what cannot work, with the reason."""
    if git.text_at(revision, f"stacks/Pulumi.{stack}.yaml") is None:
        raise _unusable(revision, f"it has no stack {stack!r}", mend="compare with a later revision, or with nothing")
    if git.text_at(revision, CHILD) is None:
        raise _unusable(revision, "it is older than this way to compare", mend="compare with a later revision")
    there = git.text_at(revision, LOCKED) or ""
    here = (revision.root / LOCKED).read_text("utf-8") if (revision.root / LOCKED).is_file() else ""
    differing = differing_pins(there, here)
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        raise _unusable(
            revision,
            f"its locked dependencies differ from today's: {'; '.join(differing[:3])}{more}",
            mend="compare with a revision after the dependencies changed, or with --state FILE",
        )


def differing_pins(there: str, here: str) -> tuple[str, ...]:
    """What is pinned differently in two locked requirement files, in words; comments and hashes do not count."""
    old, new = (dict(_PIN.findall(text)) for text in (there, here))
    return tuple(
        f"{name} {old.get(name, 'not there')}, now {new.get(name, 'gone')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    )


def _unusable(revision: git.Revision, what: str, *, mend: str = "compare with another revision") -> UnusableBase:
    return UnusableBase(base=revision.name, what=what, mend=mend)
