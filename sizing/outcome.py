"""What sizing answers: a plan with what the solver proved, or that there is none with the nearest misses."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.optimiser.status import SolverStatus
from sizing.plan import SizingPlan

__all__ = ["Miss", "NoPlan", "Requirement", "RunnerUp", "Sized", "SolverOutcome", "SolverStatus"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SolverOutcome:
    """Status, cost, bound and gap, always reported."""

    status: SolverStatus
    usd_per_hour: float | None
    bound_usd_per_hour: float | None
    interrupted: bool = False  # stopped by the user: the best plan so far

    @property
    def gap(self) -> float | None:
        """Share of the cost that is not proved necessary; 0 at a proven optimum."""
        if self.usd_per_hour is None or self.bound_usd_per_hour is None or self.usd_per_hour == 0:
            return None
        return max(0.0, 1 - self.bound_usd_per_hour / self.usd_per_hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """What one rejected candidate lacks, as numbers and in words."""

    metric: str  # tpot_p95_s, hbm_bytes, price, offer, usd_per_hour, ...
    asked: float | None
    reached: float | None
    text: str  # TPOT 61 ms > 40 ms


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerUp:
    """One alternative that was weighed and why it lost."""

    workload: str
    what: str  # 3 x g6e.48xlarge on_demand, L40S TP4 fp8
    usd_per_hour: float | None
    misses: tuple[Miss, ...]  # empty: feasible, but dearer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A plan, with what `explain` tells beside it."""

    plan: SizingPlan
    outcome: SolverOutcome
    runners_up: tuple[RunnerUp, ...]
    storage: tuple[
        RunnerUp, ...
    ] = ()  # that weights could lie on where a start is asked, with the cost of the whole plan
    surer: tuple[RunnerUp, ...] = ()  # the best plans at higher confidences, where they were worked out
    moves: tuple[str, ...] = ()  # from the current plan: what moved, what it saves, what it costs, when that has paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that a spec asks and that could be let go, as it is written."""

    id: str  # chat: objectives.ttft_p95_s
    text: str  # chat: objectives.ttft_p95_s 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """There is no plan: an answer, not an error."""

    outcome: SolverOutcome
    reason: str  # one sentence: which requirement cannot be met
    nearest: tuple[RunnerUp, ...]  # the closest candidates and what each misses
    mends: tuple[str, ...]  # what could be relaxed, cheapest first
    conflict: tuple[Requirement, ...] = ()  # cannot hold together, while any of them let go leaves the others possible
    conflicts_beside: tuple[tuple[Requirement, ...], ...] = ()  # further ones, where there are: each must be resolved
