"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> bool:
    """
    Whether the file was written: False where it already held *text*.

    A reader sees the old content or the new, never a part: the text goes to a temporary file beside the target, to the
    disk, and then takes its name in one step.
    """
    return write_whole_bytes(path, text.encode())


def write_whole_bytes(path: Path, content: bytes) -> bool:
    """Whether the file was written, as with `write_whole`."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return False
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True
