"""Keeps the state of a stack from before each change, encrypted as the backend has it, so that a person can go back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from infra.failures import ProgramFailed

FOLDER = ".sizeup"
LATEST = 10  # kept of each stack
_STAMP = "%Y%m%dT%H%M%S.%fZ"


def keep(root: Path, stack: str, state: str, *, now: datetime) -> Path:
    """
    Where *state* was written; of all that are kept of *stack*, the latest ten stay.

    The folder is readable by its owner alone, and tells git to leave it out.

    Raises:
        ProgramFailed: If it cannot be written: nothing may be changed then.
    """
    folder = root / FOLDER / "states" / stack
    path = folder / f"{now.astimezone(UTC).strftime(_STAMP)}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (root / FOLDER / ".gitignore").write_text("*\n", encoding="utf-8")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(state)
            file.flush()
            os.fsync(file.fileno())
        for old in sorted(folder.glob("*.json"))[:-LATEST]:
            old.unlink()
    except OSError as error:
        raise ProgramFailed(
            f"the state of {stack} cannot be kept in {folder.relative_to(root)}: {error.strerror}; nothing was changed",
            mend="make room, or allow writing there",
        ) from None
    return path
