"""Custom timeouts as the engine reads them: Go durations (1h30m, 90m, 600s), in seconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sizing.errors import SizingError

OPERATIONS = ("create", "update", "delete", "read")
_UNITS_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)")


class UnreadableTimeout(SizingError):
    """A custom timeout that is no duration: the engine refuses the resource."""

    def __init__(self, *, urn: str, text: str) -> None:
        """Tell the *text*, and whose it is."""
        self.urn, self.text = urn, text
        super().__init__(f"unable to parse customTimeout Value {text!r} of {urn}\n    hint: write 90m, 1h30m or 600s")


def duration_s(text: str) -> float | None:
    """Seconds that a Go duration spells; None where *text* is none. Source: Go, time.ParseDuration."""
    if text == "0":
        return 0.0
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.removeprefix("-").removeprefix("+") if text[:1] in "+-" else text
    parts = list(_PART.finditer(rest))
    if not parts or "".join(part[0] for part in parts) != rest:
        return None
    return sign * sum(float(part[1]) * _UNITS_S[part[2]] for part in parts)


def timeouts_s(timeouts: Any, *, urn: str) -> Mapping[str, float]:
    """
    The operations of which a registration says how long they may take, in seconds.

    Raises:
        UnreadableTimeout: If one of them is no duration.
    """
    found = {}
    for operation in OPERATIONS:
        text = getattr(timeouts, operation)
        if text:
            seconds = duration_s(text)
            if seconds is None:
                raise UnreadableTimeout(urn=urn, text=text)
            found[operation] = seconds
    return found
