"""Property paths as Pulumi writes them (`spec.containers[0].image`, `labels["a/b"]`, `[*]`), and what they match."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
WILDCARD = "*"  # any key, or any place in a list

_SEGMENT = re.compile(
    r"""\.? (?: (?P<name>[^.\[\]"]+) | \["(?P<quoted>(?:[^"\\]|\\.)*)"\] | \[(?P<index>\d+)\] | \[(?P<any>\*)\] )""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^.\[\]\"*\s]+")


def text(path: Path) -> str:
    """*path* as people read it: `vpcConfig.subnetIds[0]`, `labels["app.kubernetes.io/name"]`."""
    parts: list[str] = []
    for segment in path:
        if isinstance(segment, int):
            parts.append(f"[{segment}]")
        elif _PLAIN.fullmatch(segment):
            parts.append(f".{segment}" if parts else segment)
        else:
            escaped = segment.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'["{escaped}"]')
    return "".join(parts)


@functools.cache
def parsed(path: str) -> Path:
    """The segments of *path*; `*` and `[*]` are wildcards.

    Raises:
        ValueError: If *path* is no property path.
    """
    segments: list[str | int] = []
    position = 0
    while position < len(path):
        match = _SEGMENT.match(path, position)
        if match is None:
            raise ValueError(f"{path!r} is not a property path")
        position = match.end()
        if match["index"] is not None:
            segments.append(int(match["index"]))
        elif match["quoted"] is not None:
            segments.append(re.sub(r"\\(.)", r"\1", match["quoted"]))
        else:
            segments.append(match["name"] or WILDCARD)
    return tuple(segments)


def covers(pattern: Sequence[str | int], path: Sequence[str | int]) -> bool:
    """Whether *pattern* names *path* or something that *path* lies in."""
    return len(pattern) <= len(path) and all(map(_same, pattern, path))


def inside(pattern: Sequence[str | int], path: Sequence[str | int]) -> tuple[str | int, ...] | None:
    """What of *pattern* lies below *path*, or None where *pattern* does not lead there."""
    if len(pattern) > len(path) and all(map(_same, pattern, path)):
        return tuple(pattern[len(path) :])
    return None


def _same(pattern: str | int, segment: str | int) -> bool:
    return pattern in (WILDCARD, segment)
