"""A plugin run for the engine: what it prints arrives as it is printed, its end too, and it ends with the call."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from infra.emulation.plugin_process import plugin_output


class Call:
    """A call of the engine, as gRPC shows it to who answers."""

    def __init__(self) -> None:
        """Under way."""
        self.at_end: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Have *callback* called when the engine ends the call."""
        self.at_end.append(callback)
        return True


def test_both_streams_and_the_exit_status_arrive(tmp_path: Path):
    """Each under its own name, the status last."""
    program = "import sys; print('4711'); print('why', file=sys.stderr); sys.exit(3)"
    words = [sys.executable, "-c", program]
    parts = list(plugin_output(words, folder=tmp_path, environment=os.environ, context=Call()))
    assert b"".join(part.stdout for part in parts).strip() == b"4711"
    assert b"".join(part.stderr for part in parts).strip() == b"why"
    assert parts[-1].exitcode == 3


def test_a_port_arrives_while_the_plugin_serves(tmp_path: Path):
    """The engine waits for it; and ending the call ends the plugin, by a signal."""
    program = "import sys, time; print('4711', flush=True); time.sleep(600)"
    call = Call()
    parts = plugin_output([sys.executable, "-c", program], folder=tmp_path, environment=os.environ, context=call)
    assert next(parts).stdout.startswith(b"4711")
    for end in call.at_end:
        end()
    assert list(parts)[-1].exitcode == -9  # the end of the line may come by itself, before the end of the plugin
