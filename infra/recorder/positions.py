"""Where in the project a call stands: what messages and the preview name as a resource's place."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse


def position(request: Any, *, root: Path) -> str | None:
    """File and line of the nearest call that is in the project below *root* itself, not in an installed package."""
    for found in [frame.pc for frame in request.stackTrace.frames] or [request.sourcePosition]:
        file = project_file(unquote(urlparse(found.uri).path), root=root)
        if file is not None:
            return f"{file}:{found.line}"
    return None


def project_file(path: str, *, root: Path) -> str | None:
    """*path* relative to *root*; None for what lies elsewhere, or is installed below it."""
    file = Path(path)
    if not file.is_relative_to(root) or "site-packages" in file.parts:
        return None
    return file.relative_to(root).as_posix()


def sdk_call(error: BaseException, *, root: Path) -> str | None:
    """Where the project called a Pulumi package that refused the call by *error*; None where it came from elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not any(part.startswith("pulumi") for part in Path(frames[-1].filename).parts):
        return None
    own = [(file, frame.lineno) for frame in frames if (file := project_file(frame.filename, root=root)) is not None]
    return f"{own[-1][0]}:{own[-1][1]}" if own else None
