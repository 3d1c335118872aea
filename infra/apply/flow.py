"""The way from a preview to an outcome, in values; what is shown and asked in between is the command's."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pulumi.automation import EngineEvent

from infra.apply import engine as pulumi
from infra.apply.diagnosis import Kind, diagnosed, not_shown
from infra.apply.engine import Engine, Told
from infra.apply.events import begun
from infra.apply.outcome import Outcome, error_text, outcome
from infra.apply.parity import Parity, parity
from infra.apply.states import keep
from infra.apply.working import Working
from infra.diff.changes import Op, Step
from infra.preview.base import Deployed, Nothing
from infra.preview.compose import preview
from infra.recorder.stack_program import stack_config
from infra.render.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Our preview with the engine's beside it."""

    report: Report  # with the differences
    told: Told
    parity: Parity


def deployed(engine: Engine, stack: str) -> Deployed | Nothing:
    """
    The stack as its backend holds it, to compare with; nothing where there is no such stack yet.

    Raises:
        ProgramFailed: If the backend cannot be read.
        InvalidSpec: If the stack file cannot be read.
    """
    state = pulumi.exported(engine, stack, show_secrets=True)
    if state is None:
        return Nothing()
    is_encrypted = bool(stack_config(engine.root, stack).secret_keys)
    return Deployed(state=state, secrets=pulumi.opened_settings(engine, stack) if is_encrypted else {})


def own_preview(engine: Engine, stack: str, base: Deployed | Nothing) -> Report:
    """Our preview of *stack* over *base*; raises as `preview` does."""
    return preview(engine.root, stack, base)


def compared(engine: Engine, report: Report) -> Compared:
    """
    The engine's preview beside ours.

    Raises:
        ProgramFailed: If the engine cannot preview the stack.
    """
    told = pulumi.previewed(engine, report.stack)
    found = beside(report.resources.steps, told, stack=report.stack)
    return Compared(report=replace(report, differences=found.differences), told=told, parity=found)


def beside(steps: tuple[Step, ...], told: Told, *, stack: str) -> Parity:
    """
    How our *steps* compare with what the engine *told*.

    Raises:
        ProgramFailed: If the engine cannot preview the stack, for another reason than that ours tells as well.
    """
    refused_by_us = any(step.protected_error is not None for step in steps)
    stopped = told.error is not None and diagnosed(error_text(told), stack=stack).kind is Kind.PROTECTED
    if not (stopped and refused_by_us):
        check(told, stack, "the engine cannot preview it")
    return parity(steps, told.steps, stopped=stopped)


def check(told: Told, stack: str, context: str) -> None:
    """
    Nothing, where the engine did not fail.

    Raises:
        ProgramFailed: With what it said and the mend.
    """
    if told.error is not None:
        raise diagnosed(error_text(told), stack=stack).failure(f"{stack}: {context}")


def kept_state(engine: Engine, stack: str) -> Path:
    """
    Where the state of *stack*, as it is now and with its secrets encrypted, was kept.

    Raises:
        ProgramFailed: If it cannot be read or written: nothing may be changed then.
    """
    state = pulumi.exported(engine, stack, show_secrets=False) or ""
    return keep(engine.root, stack, state, now=datetime.now(UTC))


def applied(engine: Engine, stack: str, *, shown: Iterable[Step], kept: Path | None) -> Outcome:
    """How the update of *stack* ended, which was stopped where it began something that was not *shown*."""
    expected = tuple(shown)
    unseen: list[Step] = []
    started = time.monotonic()
    with Working(total=len(expected)) as working:

        def listener(event: EngineEvent) -> bool:
            step = begun(event)
            if step is not None and not is_among(step, expected):
                unseen.append(step)
            return working(event) and not unseen

        told = pulumi.updated(engine, stack, listener=listener)
    seconds = time.monotonic() - started
    ended = outcome(told, shown=expected, stack=stack, verb="up", kept=kept, seconds=seconds)
    return replace(ended, diagnosis=not_shown(unseen[0], stack=stack)) if unseen else ended


def is_among(step: Step, shown: Iterable[Step]) -> bool:
    """Whether *step*, which the engine begins, is one of those *shown*, or a part of one."""
    ops = {other.op for other in shown if other.urn == step.urn}
    return step.op is Op.READ or step.op in ops or (step.op is Op.DELETE and Op.REPLACE in ops)


def torn_down(engine: Engine, stack: str, *, shown: Iterable[Step], kept: Path) -> Outcome:
    """How the destruction of *stack* ended."""
    expected = tuple(shown)
    started = time.monotonic()
    with Working(total=len(expected)) as working:
        told = pulumi.destroyed(engine, stack, listener=working)
    seconds = time.monotonic() - started
    return outcome(told, shown=expected, stack=stack, verb="destroy", kept=kept, seconds=seconds)
