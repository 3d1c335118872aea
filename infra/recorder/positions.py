"""Where in the project a call stands: what messages and the preview name as a resource's place."""

from __future__ import annotations

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
