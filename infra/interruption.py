"""Ctrl-C: it acts within a moment, whatever is under way, and ends a command in one line; never a traceback.

A solver's own code holds the thread that it runs in until it is done: Python hears of a signal only afterwards. So what
may take long runs in a thread of its own, and the main thread, which signals go to, waits for it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

_T = TypeVar("_T")

REFUSED = 1  # exit status, as in infra.failures; this module is imported before anything that takes time
_LOOK_S = 0.5  # where a wait cannot be interrupted by a signal, it is by the clock


def interruptible(work: Callable[[], _T]) -> _T:
    """
    What *work* returns; KeyboardInterrupt as soon as the user asks for it, whatever code *work* is in then.

    *work* is then left where it is: it must write nothing, and ends with the program at the latest.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    found: list[_T] = []
    failed: list[BaseException] = []
    done = threading.Event()

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=run, name="interruptible", daemon=True)
    thread.start()
    try:
        while not done.wait(_LOOK_S):
            pass
    except KeyboardInterrupt:
        atexit.register(_leave, thread)
        raise
    if failed:
        raise failed[0]
    return found[0]


def _leave(thread: threading.Thread) -> None:
    """End the program without waiting for what was interrupted: a solver does not hear that Python goes away."""
    if thread.is_alive():
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(REFUSED)


def ignored_from_here() -> None:
    """Let Ctrl-C pass from now on: the command has ended, and only its exit is left."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Tell of an interruption that nobody caught, as during imports, in one line; of all else as ever."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    ignored_from_here()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write("error: interrupted\n")
        sys.stderr.flush()
    os._exit(REFUSED)


sys.excepthook = _one_line
