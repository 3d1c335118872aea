"""What became of an `up` or a `destroy`: what is done, what is not, and why it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.apply.diagnosis import Diagnosis, diagnosed
from infra.apply.engine import Told
from infra.diff.changes import Op, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run of the engine ended."""

    stack: str
    verb: str  # up, destroy
    done: tuple[Step, ...]
    failed: tuple[Step, ...]
    unfinished: tuple[Step, ...]  # begun, and what became of them is not known: pending operations
    not_begun: tuple[Step, ...]
    diagnosis: Diagnosis | None  # None: it ended well
    kept: Path | None  # the state from before, where there was one
    seconds: float

    @property
    def counts(self) -> Mapping[Op, int]:
        """Finished operations by what they did."""
        return Counter(step.op for step in self.done)


def outcome(told: Told, *, shown: Iterable[Step], stack: str, verb: str, kept: Path | None, seconds: float) -> Outcome:
    """
    What the engine *told*, held against the steps that were *shown* before.

    Args:
        told: What the run said.
        shown: The engine's own preview of it.
        stack: Name of the stack.
        verb: up or destroy.
        kept: Where the state from before is.
        seconds: How long it took.
    """
    begun = {step.urn for step in (*told.done, *told.failed, *told.unfinished)}
    return Outcome(
        stack=stack,
        verb=verb,
        done=told.done,
        failed=told.failed,
        unfinished=tuple(step for step in told.unfinished if _is_operation(step)),
        not_begun=tuple(step for step in shown if step.urn not in begun),
        diagnosis=None if told.error is None else diagnosed(error_text(told), stack=stack),
        kept=kept,
        seconds=seconds,
    )


def _is_operation(step: Step) -> bool:
    """Whether *step* asks something of a cloud: a component is only put down when its children are."""
    resource = step.new or step.old
    return resource is not None and resource.custom


def error_text(told: Told) -> str:
    """What providers and the program said went wrong, or else what the CLI printed."""
    errors = [message.text for message in told.messages if message.severity == "error"]
    return "\n".join(errors) or told.error or ""
