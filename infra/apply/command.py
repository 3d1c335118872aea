"""One command of the Pulumi CLI as a process that is stopped in good order: Ctrl-C lets what is under way finish.

The Automation API starts its commands through this. It knows nothing of stacks, plans or states.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra.apply.installed import Cli

_FIRST = "\nstopping: what is under way is finished first, nothing new is begun; Ctrl-C again abandons it\n"
_SECOND = "\nabandoning what is under way: what becomes of it in the cloud is not known\n"
_STDERR = 2  # written to as a signal handler may: without locks
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Command(PulumiCommand):
    """The CLI that was found, without another look at its version."""

    def __init__(self, cli: Cli, environ: Mapping[str, str]) -> None:
        """Run *cli* in *environ*."""
        self.command = str(cli.path)
        self.version = VersionInfo.parse(cli.version)
        self._environ = dict(environ)
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """
        What the command printed.

        Its process is in a group of its own, so that Ctrl-C on the terminal reaches it once, through us.

        Raises:
            CommandError: If it failed.
        """
        with _interruptible() as started:
            process = subprocess.Popen(  # noqa: S603  the CLI that the user chose, arguments passed as a list
                [self.command, "--non-interactive", *args],
                cwd=cwd,
                env={**self._environ, **additional_env, "PULUMI_AUTOMATION_API": "true", "PATH": self._path()},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                process_group=0,
            )
            started(process)
            self._process = process
            with process:
                readers = [_Reader(process.stdout, on_output), _Reader(process.stderr, on_error)]
                process.wait()
                out, err = (reader.text() for reader in readers)
        result = CommandResult(stdout=out, stderr=err, code=process.returncode)
        if process.returncode:
            raise create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Have what runs now begin nothing more; once, however often it is asked."""
        if self._process is not None and not self._stopped:
            self._stopped = True
            self._process.send_signal(signal.SIGINT)

    def _path(self) -> str:
        """PATH with the CLI's folder behind everything: its own plugins are there where it was installed whole."""
        return os.pathsep.join([self._environ.get("PATH", os.defpath), str(Path(self.command).parent)])


class _Reader:
    """Reads one stream of a process to its end, on a thread of its own."""

    def __init__(self, stream: IO[str] | None, each: OnOutput | None) -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream, each), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[str] | None, each: OnOutput | None) -> None:
        for line in stream or ():
            self._lines.append(line.rstrip())
            if each is not None:
                each(line.rstrip())

    def text(self) -> str:
        """All that came, once the stream has ended."""
        self._thread.join()
        return "\n".join(self._lines)


@contextmanager
def _interruptible() -> Iterator[Callable[[subprocess.Popen[str]], None]]:
    """
    While the block runs, hand interrupts on: at the first the engine ends in order, at the second at once.

    Gives the function that tells which process gets them; what came before is handed on then. Off the main thread,
    where no signal arrives, this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda _process: None
        return
    received: list[int] = []
    processes: list[subprocess.Popen[str]] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        os.write(_STDERR, (_FIRST if len(received) == 1 else _SECOND).encode())
        for process in processes:
            process.send_signal(signal.SIGINT)

    def started(process: subprocess.Popen[str]) -> None:
        processes.append(process)
        if received:
            process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, hand_on) for number in _SIGNALS}
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
