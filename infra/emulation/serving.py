"""How a plugin process is served to the engine: a port on the loopback interface, told on the first line of output."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.emulation.protocol import CHANNEL_OPTIONS, grpc

_WATCH_S = 0.2
_THREADS = 32  # the engine asks for sixteen resources at a time, unless told otherwise


def serve(register: Callable[[grpc.Server], None]) -> None:
    """
    Serve what *register* adds until the engine is done with it (it interrupts its plugins), or is gone.

    The engine is this process's parent. One that was killed says nothing: the process is then given to another parent.
    """
    parent, ended = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    server = grpc.server(ThreadPoolExecutor(max_workers=_THREADS), options=CHANNEL_OPTIONS)
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == parent and not ended.wait(_WATCH_S):
        pass
    server.stop(grace=None)
