"""A command of the CLI as a process: its output, its failure, and how an interrupt reaches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pulumi.automation import CommandError, StackNotFoundError

from infra.apply.command import Command
from infra.apply.installed import Cli
from tests.project import ROOT


def command(folder: Path, script: str) -> Command:
    """A CLI that is a shell script."""
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return Command(Cli(path=path, version="3.259.0"), {"PATH": "/bin:/usr/bin", "GREETING": "hello"})


def test_what_is_printed_comes_back_line_by_line(tmp_path: Path):
    """With our environment and what is added to it, and never asking anything."""
    heard: list[str] = []
    script = 'echo "$GREETING $MORE $1 $2"; echo aside >&2'
    result = command(tmp_path, script).run(["stack"], str(tmp_path), {"MORE": "you"}, heard.append)
    assert (result.stdout, result.stderr, result.code) == ("hello you --non-interactive stack", "aside", 0)
    assert heard == ["hello you --non-interactive stack"]


def test_a_failure_is_the_automation_apis_own(tmp_path: Path):
    """So that what it makes of the text holds: no such stack, locked, and so on."""
    with pytest.raises(CommandError, match="went wrong"):
        command(tmp_path, "echo went wrong >&2; exit 3").run([], str(tmp_path), {})
    with pytest.raises(StackNotFoundError):
        command(tmp_path, "echo \"error: no stack named 'dev' found\" >&2; exit 6").run([], str(tmp_path), {})


def test_an_interrupt_ends_it_in_order_and_once(tmp_path: Path):
    """The script counts the signals that it gets, as the engine does: a second one would abandon what is under way."""
    script = "n=0; trap 'n=$((n+1))' INT; touch ready; for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1; done; echo $n"
    running = command(tmp_path, script)

    def interrupt() -> None:
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        running.interrupt()
        running.interrupt()

    other = threading.Thread(target=interrupt)
    other.start()
    assert running.run([], str(tmp_path), {}).stdout == "1"
    other.join()


HANDED_ON = """
import sys
from pathlib import Path
from infra.apply.command import Command
from infra.apply.installed import Cli
folder = Path(sys.argv[1])
command = Command(Cli(path=folder / "pulumi", version="3.259.0"), {"PATH": "/bin:/usr/bin"})
print(command.run([], str(folder), {}).stdout)
"""


def test_ctrl_c_is_handed_on_and_our_own_process_waits(tmp_path: Path):
    """The first asks the engine to end in order; we say so, and still report what it says in the end."""
    command(tmp_path, "trap 'echo ended in order; exit 0' INT; touch ready; while true; do sleep 0.1; done")
    with subprocess.Popen(  # noqa: S603  this very Python
        [sys.executable, "-c", HANDED_ON, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as ours:
        while not (tmp_path / "ready").exists():
            time.sleep(0.05)
        ours.send_signal(signal.SIGINT)
        out, err = ours.communicate(timeout=60)
    assert out.strip() == "ended in order"
    assert "what is under way is finished first" in err
    assert ours.returncode == 0
