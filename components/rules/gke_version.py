"""GKE versions in order: 1.35.0-gke.274500 is before 1.35.0-gke.3065000, and 1.35 may be either."""

from __future__ import annotations

import re

_VERSION = re.compile(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:-gke\.(\d+))?$")


def is_before(version: str | None, first: str) -> bool:
    """True where *version* is surely older than *first*; a prefix (1.35) is only as old as its newest version."""
    parts, least = _parts(version or ""), _parts(first)
    return bool(parts) and parts < least[: len(parts)]


def _parts(version: str) -> tuple[int, ...]:
    found = _VERSION.match(version)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()
