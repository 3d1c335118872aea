"""A plugin written in Python, run for the engine: what it prints, as it prints it, and its end."""

from __future__ import annotations

import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from infra.emulation.protocol import language_pb2

_CHUNK_BYTES = 4096


def plugin_output(
    words: Sequence[str], *, folder: Path, environment: Mapping[str, str], context: Any
) -> Iterator[language_pb2.RunPluginResponse]:
    """
    What the plugin that *words* start prints, then its exit status; it is ended when the engine ends the call.

    Source: pulumi/pulumi sdk/v3.259.0, proto/pulumi/language.proto (RunPlugin).
    """
    process = subprocess.Popen(  # noqa: S603  what the engine asks for
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    context.add_callback(process.kill)
    printed: queue.SimpleQueue[language_pb2.RunPluginResponse | None] = queue.SimpleQueue()
    for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
        threading.Thread(target=_read, args=(name, pipe, printed), daemon=True).start()
    open_pipes = 2
    while open_pipes:
        part = printed.get()
        if part is None:
            open_pipes -= 1
        else:
            yield part
    yield language_pb2.RunPluginResponse(exitcode=process.wait())


def _read(name: str, pipe: IO[bytes], printed: queue.SimpleQueue[language_pb2.RunPluginResponse | None]) -> None:
    """Put what comes out of *pipe* into *printed*, and None at its end."""
    with pipe:
        while chunk := pipe.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]  # a pipe of bytes is buffered
            printed.put(language_pb2.RunPluginResponse(**{name: chunk}))
    printed.put(None)
