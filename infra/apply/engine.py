"""Pulumi's engine on a stack of the project: its state, its preview, its `up` and `destroy`, as values.

Goes through the Automation API over the project's own folder, so that the engine does what `pulumi up` would. Neither
`stack_settings` nor project settings of that API are used: they do not know `stackConfigDir`. The stack that the user
has selected stays selected.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi.automation import CommandError, EngineEvent, LocalWorkspace, Stack, StackNotFoundError

from infra.apply import events
from infra.apply.command import Command
from infra.apply.diagnosis import diagnosed
from infra.apply.events import Message
from infra.apply.installed import Cli, find_cli
from infra.diff.changes import Step

_QUIET: Mapping[str, str] = {"PULUMI_SKIP_UPDATE_CHECK": "true", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The CLI, the project that it works on, and the environment that it and the program see."""

    cli: Cli
    root: Path
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one run of the engine said."""

    steps: tuple[Step, ...]
    messages: tuple[Message, ...]
    done: tuple[Step, ...]  # operations that were finished; none in a preview
    failed: tuple[Step, ...]
    unfinished: tuple[Step, ...]  # begun, and neither finished nor failed: interrupted
    error: str | None = None  # what the CLI said when it ended in failure


Listener = Callable[[EngineEvent], bool]  # False: the engine must begin nothing more


def find_engine(root: Path, environ: Mapping[str, str]) -> Engine:
    """
    The engine for the project in *root*.

    Raises:
        ProgramFailed: If there is no CLI that will do.
    """
    return Engine(cli=find_cli(root, environ), root=root, environ=environ)


def exported(engine: Engine, stack: str, *, show_secrets: bool) -> str | None:
    """
    The state of *stack* as `pulumi stack export` prints it; None where there is no such stack yet.

    Args:
        engine: Where to look.
        stack: Its name.
        show_secrets: Whether secrets are decrypted: to compare with in this process, never to be written.

    Raises:
        ProgramFailed: If the backend cannot be reached, or does not let us.
    """
    words = ["stack", "export", "--stack", stack, *(["--show-secrets"] if show_secrets else [])]
    try:
        return _command(engine).run(words, str(engine.root), _QUIET).stdout
    except StackNotFoundError:
        return None
    except CommandError as error:
        raise diagnosed(str(error), stack=stack).failure(f"the state of {stack} cannot be read") from None


def opened_settings(engine: Engine, stack: str) -> Mapping[str, str]:
    """
    The encrypted settings of *stack*, by full key, in clear: to compare with in this process, never to be written.

    Raises:
        ProgramFailed: If they cannot be decrypted.
    """
    words = ["config", "--show-secrets", "--json", "--stack", stack]
    try:
        printed = _command(engine).run(words, str(engine.root), _QUIET).stdout
    except CommandError as error:
        raise diagnosed(str(error), stack=stack).failure(f"the settings of {stack} cannot be read") from None
    return {key: entry["value"] for key, entry in json.loads(printed).items() if entry.get("secret")}


def create(engine: Engine, stack: str) -> None:
    """
    Make *stack* in the backend; its name is selected no more than before.

    Raises:
        ProgramFailed: If the backend refuses.
    """
    try:
        _command(engine).run(["stack", "init", stack, "--no-select"], str(engine.root), _QUIET)
    except CommandError as error:
        raise diagnosed(str(error), stack=stack).failure(f"the stack {stack} cannot be made") from None


def imported(engine: Engine, stack: str, state: Path) -> None:
    """
    Put the state in the file *state* in the place of what the backend holds of *stack*.

    Raises:
        ProgramFailed: If the backend refuses it.
    """
    _ran(engine, stack, ["stack", "import", "--file", str(state)], f"the state of {stack} cannot be written")


def refreshed(engine: Engine, stack: str) -> None:
    """
    Have the state of *stack* say what the clouds have.

    Raises:
        ProgramFailed: If a cloud or the backend refuses.
    """
    _ran(engine, stack, ["refresh", "--yes", "--skip-preview", "--color", "never"], f"{stack} cannot be refreshed")


def _ran(engine: Engine, stack: str, words: list[str], context: str) -> None:
    try:
        _command(engine).run([*words, "--stack", stack], str(engine.root), _QUIET)
    except CommandError as error:
        raise diagnosed(str(error), stack=stack).failure(context) from None


def previewed(engine: Engine, stack: str) -> Told:
    """What the engine's own preview of an update says; a preview that fails is told in `error`."""
    return _run(lambda it, on_event: it.preview(on_event=on_event, color="never"), engine, stack)


def updated(engine: Engine, stack: str, *, listener: Listener | None = None) -> Told:
    """
    What happened when *stack* was updated; a failure is told in `error`.

    The engine's own update plans (`--save-plan`, `--plan`) would hold it to its preview, but refuse what they should
    not: that a resource depends on more than was known before (3.259.0, "violates plan: dependencies changed"). The
    *listener* may stop it instead.
    """
    return _run(
        lambda it, on_event: it.up(on_event=on_event, show_secrets=False, color="never"),
        engine,
        stack,
        listener,
    )


def destruction_previewed(engine: Engine, stack: str) -> Told:
    """What the engine says that destroying *stack* would do."""
    return _run(lambda it, on_event: it.preview_destroy(on_event=on_event, color="never"), engine, stack)


def destroyed(engine: Engine, stack: str, *, listener: Listener | None = None) -> Told:
    """What happened when *stack* was destroyed; a failure is told in `error`."""
    return _run(
        lambda it, on_event: it.destroy(on_event=on_event, show_secrets=False, color="never"), engine, stack, listener
    )


class _Workspace(LocalWorkspace):
    """The project as it is; every command names its stack, so none is selected."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing: the user's selection stays."""


def _command(engine: Engine) -> Command:
    return Command(engine.cli, engine.environ)


def _run(
    operation: Callable[[Stack, Callable[[EngineEvent], object]], object],
    engine: Engine,
    stack: str,
    listener: Listener | None = None,
) -> Told:
    """Run one *operation* and gather what it tells."""
    command = _command(engine)
    workspace = _Workspace(work_dir=str(engine.root), env_vars=_QUIET, pulumi_command=command)
    heard: list[EngineEvent] = []
    lock = threading.Lock()

    def hear(event: EngineEvent) -> None:
        with lock:  # events arrive on threads of the gRPC server
            heard.append(event)
            if listener is not None and not listener(event):
                command.interrupt()

    error = None
    try:
        operation(Stack.select(stack, workspace), hear)
    except CommandError as ended:
        error = str(ended)
    return _told(sorted(heard, key=lambda event: event.sequence), error)


def _told(heard: list[EngineEvent], error: str | None) -> Told:
    done = [step for event in heard if (step := events.finished(event)) is not None]
    failed = [step for event in heard if (step := events.failed(event)) is not None]
    ended = {(step.urn, step.op) for step in (*done, *failed)}
    begun = [step for event in heard if (step := events.begun(event)) is not None]
    return Told(
        steps=events.steps(heard),
        messages=events.messages(heard),
        done=tuple(done),
        failed=tuple(failed),
        unfinished=tuple(step for step in begun if (step.urn, step.op) not in ended),
        error=error,
    )
