"""
Fronts of cost against something else: plans that no other plan beats in both.

Each is the epsilon method: one side is held to a limit, the cheapest plan within it is found, and the limit moves on.
The number of changes is held by the days within which a move must pay for itself, so of that front only those plans are
found that some such horizon prefers: the corners of its convex hull.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sizing.spec.changes import Change, read_changes
from sizing.spec.workload import Serving, Spec

LATENCY_FACTORS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)  # of the limit that is asked
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SPOT_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
HORIZONS_DAYS = (1, 2, 5, 10, 20, 30, 60, 90, 180, 365)
_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What cost is set against."""

    name: str  # as it is asked for
    label: str  # as people read it
    less_is_better: bool
    change: Change  # what is swept to find the front


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where one plan stands: what is on the axis, and its cost."""

    at: float
    usd_per_hour: float


def axis_of(name: str, spec: Spec) -> Axis | None:
    """The axis *name* for *spec*; None where no workload of it has such a limit."""
    if name == "spot_share":
        least = max(workload.allowed.min_spot_share for workload in spec.workloads)
        shares = [share for share in SPOT_SHARES if share >= least]
        return _axis(name, "most of the capacity that may be on spot", "spot_share", shares, spec)
    if name == "confidence":
        label = "probability with which each limit is kept"
        return _axis(name, label, "confidence", CONFIDENCES, spec, less_is_better=False)
    if name == "changes":
        return _axis(name, "machines bought newly", "payback_days", HORIZONS_DAYS, spec)
    stated = [limit for workload in spec.workloads if (limit := limit_of(workload, name)) is not None]
    if not stated:
        return None
    label = f"limit of {name.split('_', maxsplit=1)[0].upper().replace('E2E', 'end to end')}"
    if len(stated) == 1:
        limits = [float(f"{stated[0] * factor:.{_DIGITS}g}") for factor in LATENCY_FACTORS]
        owner = next(workload.name for workload in spec.workloads if limit_of(workload, name) is not None)
        return _axis(name, f"{label}, s", name if len(spec.workloads) == 1 else f"{owner}.{name}", limits, spec)
    return _axis(name, f"{label}, times what is asked", name, [f"*{x:g}" for x in LATENCY_FACTORS], spec)


def _axis(
    name: str, label: str, key: str, values: Sequence[float | str], spec: Spec, *, less_is_better: bool = True
) -> Axis:
    text = f"{key}={','.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)}"
    (change,) = read_changes([text], workloads=[workload.name for workload in spec.workloads])
    return Axis(name=name, label=label, less_is_better=less_is_better, change=change)


def limit_of(workload: Serving, metric: str) -> float | None:
    """What a workload asks of one latency."""
    asked = workload.objectives
    limits = {"ttft_p95_s": asked.ttft_p95_s, "tpot_p95_s": asked.tpot_p95_s, "e2e_p95_s": asked.e2e_p95_s}
    return limits.get(metric)


def efficient(spots: Sequence[Spot], *, less_is_better: bool) -> tuple[int, ...]:
    """
    Which of *spots* no other one beats: as good in one and better in the other; of equal ones the first.

    In the order of the axis, so cost falls along it where less is better, and rises where more is.
    """
    sign = 1 if less_is_better else -1
    order = sorted(range(len(spots)), key=lambda one: (sign * spots[one].at, spots[one].usd_per_hour, one))
    front: list[int] = []
    for one in order:
        if not front or spots[one].usd_per_hour < spots[front[-1]].usd_per_hour:
            front.append(one)
    return tuple(sorted(front, key=lambda one: spots[one].at))
