"""
A mix: which accelerators, and how many, serve a distribution of request sizes; what is asked, and what is answered.

The check here is independent of whatever found an answer: it adds up loads exactly, in whole numbers. Floating-point
numbers of the input are taken for what they are, so a load may exceed the accelerators that serve it by 1e-6 of one
accelerator, the tolerance of the solvers that such cases are usually given to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sizing.optimiser.status import SolverStatus

TOLERANCE = Fraction(1, 10**6)  # accelerators that the load of a type may exceed its count by


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """One case: what each type costs, and how many accelerators of it the whole load of a bucket takes."""

    name: str
    usd_per_hour: Mapping[str, float]
    accelerators_for_bucket: tuple[Mapping[str, float], ...]  # per bucket with load; a type that cannot serve is absent
    slice_factor: int

    def __post_init__(self) -> None:
        """Refuse prices, loads and slices that are not numbers of that kind."""
        if self.slice_factor < 1:
            raise ValueError(f"{self.name}: a bucket is cut in {self.slice_factor} slices, and must be in at least one")
        for kind, usd in self.usd_per_hour.items():
            if not 0 < usd < float("inf"):
                raise ValueError(f"{self.name}: {kind} costs {usd} USD/h, and must cost more than nothing")
        for loads in self.accelerators_for_bucket:
            for kind, load in loads.items():
                if kind not in self.usd_per_hour or not 0 < load < float("inf"):
                    raise ValueError(f"{self.name}: a bucket takes {load} of {kind}")

    def prices(self) -> dict[str, Fraction]:
        """USD per hour as written: 3.67 is 367 cents, not the nearest binary fraction."""
        return {kind: Fraction(Decimal(repr(usd))) for kind, usd in self.usd_per_hour.items()}

    def cost(self, counts: Mapping[str, int]) -> Fraction:
        """USD per hour of so many of each type."""
        prices = self.prices()
        return sum((prices[kind] * number for kind, number in counts.items()), Fraction())


@dataclass(frozen=True, slots=True, kw_only=True)
class MixAnswer:
    """Counts of least cost under one rule; all but the status is None where no mix was found."""

    status: SolverStatus
    cost: float | None = None  # USD per hour
    bound: float | None = None  # no mix under this rule costs less
    counts: Mapping[str, int] | None = None
    routes: tuple[Mapping[str, Fraction], ...] | None = None  # per bucket: the share of its load on each type


def overloads(mix: Mix, answer: MixAnswer, *, whole_slices: bool) -> tuple[str, ...]:
    """Everything that is wrong with the routes of an answer, a sentence each; empty: the counts serve the load."""
    if answer.counts is None or answer.routes is None:
        return ("there is no answer",)
    used = dict.fromkeys(mix.usd_per_hour, Fraction())
    wrong = []
    for bucket, (loads, shares) in enumerate(zip(mix.accelerators_for_bucket, answer.routes, strict=True)):
        if sum(shares.values()) != 1 or min(shares.values()) < 0:
            wrong.append(f"bucket {bucket}: shares are not of a whole")
        for kind, share in shares.items():
            if kind not in loads:
                wrong.append(f"bucket {bucket}: {kind} cannot serve it")
                continue
            if whole_slices and (share * mix.slice_factor).denominator != 1:
                wrong.append(f"bucket {bucket}: {share} is not a number of slices")
            used[kind] += share * Fraction(loads[kind])
    for kind, load in used.items():
        if load > answer.counts[kind] + TOLERANCE:
            wrong.append(f"{kind}: {float(load)} accelerators are needed, {answer.counts[kind]} are there")
    return tuple(wrong)
