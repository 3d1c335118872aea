"""What a person sees while the engine works: a line for each finished operation; on a terminal, what is under way."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Self, TextIO

from pulumi.automation import EngineEvent

from infra.apply import events
from infra.apply.outcome_text import step_line
from infra.diff.changes import Step
from infra.render.nouns import noun
from infra.terminal import CLEAR
from sizing.table import WIDTH, elided


class Working:
    """Tells the engine's events on a stream (stderr by default), as they come; a context that leaves no half line."""

    def __init__(self, *, total: int, stream: TextIO | None = None) -> None:
        """Expect *total* operations."""
        self._total, self._done = total, 0
        self._out = sys.stderr if stream is None else stream
        self._under_way: dict[str, Step] = {}
        self._lock = threading.Lock()

    def __call__(self, event: EngineEvent) -> bool:
        """Tell *event*, where it is the beginning or the end of an operation; True: go on."""
        begun, ended = events.begun(event), events.finished(event)
        failed = events.failed(event)
        with self._lock:
            if begun is not None:
                self._under_way[begun.urn] = begun
            for step in (ended, failed):
                if step is not None:
                    self._under_way.pop(step.urn, None)
            if ended is not None:
                self._done += 1
            self._tell(ended, failed)
        return True

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Leave no half line behind."""
        if self._out.isatty():
            self._out.write(CLEAR)
            self._out.flush()

    def _tell(self, ended: Step | None, failed: Step | None) -> None:
        lines = []
        if ended is not None and _is_real(ended):
            lines.append(step_line(ended))
        if failed is not None:
            lines.append(f"  !   {failed.op.value} {noun(failed.type)} {failed.name} failed")
        live = self._out.isatty()
        text = "".join(f"{CLEAR if live else ''}{line}\n" for line in lines)
        if live and self._under_way:
            latest = list(self._under_way.values())[-1]
            text += CLEAR + elided(f"{self._done} of {self._total}: {noun(latest.type)} {latest.name}", WIDTH - 1)
        if text:
            self._out.write(text)
            self._out.flush()


def _is_real(step: Step) -> bool:
    resource = step.new or step.old
    return resource is not None and resource.custom
