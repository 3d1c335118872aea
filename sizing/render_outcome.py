"""Answers of the sizing engine as JSON holds them: the same content as their text."""

from __future__ import annotations

import dataclasses

from sizing import lockfile
from sizing.figures import money, percent
from sizing.outcome import NoPlan, RunnerUp, Sized, SolverOutcome


def sized_document(sized: Sized) -> dict[str, object]:
    """The plan document, what the solver proved, the alternatives, what more confidence costs, and what moved."""
    return {
        "plan": lockfile.to_dict(sized.plan),
        "solver": outcome_document(sized.outcome),
        "alternatives": [_runner_up(runner) for runner in sized.runners_up],
        "storage": [_runner_up(runner) for runner in sized.storage],
        "surer": [_runner_up(runner) for runner in sized.surer],
        "moves": list(sized.moves),
    }


def no_plan_document(answer: NoPlan) -> dict[str, object]:
    """Why there is no plan, what came closest, what conflicts, and the ways out."""
    return {
        "plan": None,
        "reason": answer.reason,
        "solver": outcome_document(answer.outcome),
        "nearest": [_runner_up(runner) for runner in answer.nearest],
        "conflicts": [
            [dataclasses.asdict(one) for one in conflict]
            for conflict in (answer.conflict, *answer.conflicts_beside)
            if conflict
        ],
        "ways_out": list(answer.mends),
    }


def outcome_document(outcome: SolverOutcome) -> dict[str, object]:
    """Status, cost, bound and gap as plain values."""
    return {
        "status": outcome.status.value,
        "usd_per_hour": outcome.usd_per_hour,
        "bound_usd_per_hour": outcome.bound_usd_per_hour,
        "gap": outcome.gap,
    }


def stopped_text(outcome: SolverOutcome) -> str:
    """That the user broke off, and how good the plan is that was found by then."""
    gap = "how near it is to the cheapest is not known" if outcome.gap is None else f"gap {percent(outcome.gap)}"
    return f"interrupted; the best plan so far costs {money(outcome.usd_per_hour or 0)} USD/h, {gap}"


def _runner_up(runner: RunnerUp) -> dict[str, object]:
    return dataclasses.asdict(runner)
