"""The terminal: colour where a person looks and wants it, and a progress line for what takes more than a second.

Renderers know nothing of this: colour is laid over finished text, so the text itself is the same bytes everywhere.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from sizing.table import elided

_GREEN, _YELLOW, _RED, _BOLD, _PLAIN = "\033[32m", "\033[33m", "\033[31m", "\033[1m", "\033[0m"
CLEAR = "\r\033[K"
_BY_SIGN = {"+": _GREEN, "~": _YELLOW, "-": _RED, "-/+": _RED, "!": _RED, "=": _GREEN}
_SIGNED = re.compile(r"^ *(?P<sign>-/\+|[+~!=-]) ")
_BINDING = re.compile(r"<- .*$")
DELAY_S = 1.0  # what is done by then needs no progress line
_TICK_S = 0.5
STDOUT = 1  # the descriptor


def keep_stdout() -> None:
    """
    Let results alone reach standard output from now on: what a library prints to its descriptor goes nowhere.

    A solver's own code may print (HiGHS lets a line of its debugging through), and would break what is piped or JSON.
    Where standard output is not the descriptor itself, as under a test's capture, nothing is done.
    """
    before = sys.__stdout__
    if before is None or sys.stdout is not before or before.fileno() != STDOUT:
        return
    before.flush()
    kept = os.dup(STDOUT)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDOUT)
    os.close(nowhere)
    buffering = 1 if os.isatty(kept) else -1
    sys.stdout = os.fdopen(kept, "w", buffering, before.encoding, before.errors)


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """
    True where *stream* is a terminal and nothing in *environ* forbids colour.

    NO_COLOR of any value but the empty one forbids it (no-color.org), and so does a terminal that calls itself dumb.
    """
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def coloured(text: str) -> str:
    """*text* with its first line bold, lines that begin with a sign in the colour of that sign, what binds marked."""
    lines = text.split("\n")
    painted = [f"{_BOLD}{lines[0]}{_PLAIN}" if lines[0] else ""]
    for line in lines[1:]:
        found = _SIGNED.match(line)
        if found is not None:
            painted.append(f"{_BY_SIGN[found['sign']]}{line}{_PLAIN}")
        else:
            painted.append(_BINDING.sub(lambda match: f"{_YELLOW}{match[0]}{_PLAIN}", line))
    return "\n".join(painted)


def show(text: str, stream: TextIO, environ: Mapping[str, str]) -> None:
    """Write *text* to *stream*, coloured where that is wanted."""
    stream.write(coloured(text) if wants_colour(stream, environ) else text)
    stream.flush()


@contextmanager
def progress(what: str, stream: TextIO | None = None, *, delay_s: float = DELAY_S) -> Iterator[Callable[[str], None]]:
    """
    While the block runs, tell on *stream* (stderr by default) what takes so long: `sizing chat-aws ... 3 s`.

    What the block tells stands behind it: `sizing chat-aws ... 3 s, best 110.68 USD/h`. Nothing is written before
    *delay_s*, nor where the stream is no terminal; the line is gone when the block ends.
    """
    out = sys.stderr if stream is None else stream
    told: list[str] = [""]
    if not out.isatty():
        yield lambda _: None
        return
    done = threading.Event()
    ticker = threading.Thread(target=_tick, args=(what, out, done, delay_s, told), daemon=True)
    ticker.start()
    try:
        yield lambda text: told.__setitem__(0, text)
    finally:
        done.set()
        ticker.join()


def _tick(what: str, out: TextIO, done: threading.Event, delay_s: float, told: Sequence[str]) -> None:
    started = time.monotonic()
    if done.wait(delay_s):
        return
    while not done.wait(_TICK_S):
        line = f"{what} ... {time.monotonic() - started:.0f} s{f', {told[0]}' * bool(told[0])}"
        out.write(CLEAR + elided(line, shutil.get_terminal_size().columns - 1))
        out.flush()
    out.write(CLEAR)
    out.flush()
