"""Colour only where a person looks and wants it; progress only for what takes long."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import time

import pytest

from infra.terminal import coloured, progress, show, wants_colour

SCREEN = "chat on aws\n\n  requests >= 12 /s <- HBM bandwidth\n  + VPC a\n  -/+ subnet b\n  ~ role c\nend\n"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """A person is looking."""
        return True


@pytest.mark.parametrize(
    ("environ", "wanted"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)]
)
def test_colour_obeys_no_color(environ: dict[str, str], wanted: object) -> None:
    """NO_COLOR of any value but the empty one forbids colour, as no-color.org asks."""
    assert wants_colour(Terminal(), environ) is wanted


def test_a_pipe_gets_the_same_bytes_without_colour() -> None:
    """What is piped is the text itself."""
    pipe = io.StringIO()
    show(SCREEN, pipe, {})
    assert pipe.getvalue() == SCREEN


def test_colour_changes_no_character_of_the_text() -> None:
    """Without the escapes, the coloured text is the text."""
    assert re.sub(r"\033\[\d*m", "", coloured(SCREEN)) == SCREEN


def test_signs_give_their_line_its_colour() -> None:
    """Green for what comes, red for what goes, yellow for what changes and for what binds."""
    lines = coloured(SCREEN).split("\n")
    assert lines[3] == "\033[32m  + VPC a\033[0m"
    assert lines[4] == "\033[31m  -/+ subnet b\033[0m"
    assert lines[5] == "\033[33m  ~ role c\033[0m"
    assert lines[2].endswith("\033[33m<- HBM bandwidth\033[0m")


def test_quick_work_shows_no_progress() -> None:
    """Nothing is written before the delay is over."""
    out = Terminal()
    with progress("sizing chat", out, delay_s=5):
        pass
    assert out.getvalue() == ""


def test_slow_work_shows_a_line_that_goes_away() -> None:
    """The line tells what is going on; when the work ends, nothing of it is left on the screen."""
    out = Terminal()
    with progress("sizing chat", out, delay_s=0.01):
        time.sleep(0.8)
    assert "sizing chat ... " in out.getvalue()
    assert out.getvalue().endswith("\r\033[K")


def test_a_pipe_gets_no_progress() -> None:
    """A log is no terminal."""
    out = io.StringIO()
    with progress("sizing chat", out, delay_s=0.0):
        time.sleep(0.6)
    assert out.getvalue() == ""


def test_progress_ends_with_an_error_too() -> None:
    """The error passes through, and the line is gone."""
    out = Terminal()

    def work() -> None:
        with progress("sizing", out, delay_s=0.01):
            time.sleep(0.6)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    assert out.getvalue().endswith("\r\033[K")


def test_only_results_reach_standard_output():
    """What a library writes to the descriptor itself is not among them."""
    program = (
        "import os\n"
        "from infra.terminal import keep_stdout\n"
        "print('before')\n"
        "keep_stdout()\n"
        "os.write(1, b'noise of a solver')\n"
        "print('after')\n"
    )
    run = [sys.executable, "-c", program]
    ended = subprocess.run(run, capture_output=True, text=True, check=True)  # noqa: S603  the lines above
    assert (ended.stdout, ended.stderr) == ("before\nafter\n", "")
