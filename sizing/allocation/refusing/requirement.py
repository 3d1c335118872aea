"""
One requirement of a spec: the user's words, the spec without it, and the least of it to give up so that a plan exists.

Traffic and models are no requirements: they are what all the rest is asked of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sizing.allocation.refusing.relaxed import Relaxed
from sizing.outcome import Requirement
from sizing.spec.workload import Serving, Spec

Change = tuple[Spec, str]  # a spec, and what is written otherwise in it
LetGo = Callable[[Spec], Spec]
Settle = Callable[[Spec, Relaxed], Change | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One requirement."""

    requirement: Requirement
    let_go: LetGo
    settle: Settle  # of a spec in which it is let go: the least of it to give up; None: no value of it is enough
    eased: Settle | None = None  # the same, but as much as makes a plan cheap; None: there is no such middle
    workload: str | None = None  # whose it is; None: the stack's
    weighs: bool = False  # acts where candidates are weighed, before there is a problem in whole numbers
    is_default: bool = False  # what holds where nothing is written


def requirement(key: str, value: str, *, workload: str | None = None) -> Requirement:
    """A requirement as it is written: chat: survive zone."""
    owner = "" if workload is None else f"{workload}: "
    return Requirement(id=f"{owner}{key}", text=f"{owner}{key} {value}")


def with_workload(spec: Spec, name: str, change: Callable[[Serving], Serving]) -> Spec:
    """The spec with one of its workloads changed."""
    workloads = tuple(change(one) if one.name == name else one for one in spec.workloads)
    return replace(spec, workloads=workloads)


def stepped(values: Sequence[float], put: Callable[[Spec, float], Spec], mend: str) -> Settle:
    """The first of *values*, each looser than the one before, that leaves a plan; *mend* tells it."""

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        found = first(len(values), lambda place: relaxed.possible(put(spec, values[place])))
        return None if found is None else (put(spec, values[found]), mend.format(f"{values[found]:g}"))

    return settle


def first(places: int, holds: Callable[[int], bool]) -> int | None:
    """
    The first of so many *places* from which on something holds; None where it does at none of them.

    Steps are doubled until it holds, then halved: few places are tried where the first one is near.
    """
    low, step = -1, 1  # at low it does not hold
    while low < places - 1:
        high = min(low + step, places - 1)
        if holds(high):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if holds(middle) else (middle, high)
            return high
        low, step = high, step * 2
    return None


def in_brackets(values: Iterable[object]) -> str:
    """A list as it is written: [us-east-1, us-west-2]."""
    return f"[{', '.join(str(value) for value in values)}]"
