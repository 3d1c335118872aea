"""Whether a problem has a purchase, where a glance tells: a search of it may take minutes where it proves that not."""

from __future__ import annotations

from dataclasses import replace

from sizing.optimiser import Strategy, solve
from sizing.optimiser.conflicts.conflict import possible
from sizing.optimiser.conflicts.feasibility import must_be_served
from sizing.optimiser.problem import Problem

SURELY = 1 + 1e-6  # times the budget: the bound is in floating point


def at_a_glance(problem: Problem) -> bool | None:
    """
    Whether all that must be served can be; None: that needs a search.

    What the greedy strategy buys is a purchase. And fractions of machines cost no more than whole ones: where they are
    over the budget, so is everything.
    """
    asked = must_be_served(problem)
    if solve(asked, strategy=Strategy.GREEDY).objective is not None:
        return True
    budget = asked.budget_micro_usd_per_hour
    if budget is None:
        return None
    bound = solve(replace(asked, budget_micro_usd_per_hour=None), strategy=Strategy.RELAXATION).bound
    return False if bound is not None and bound > SURELY * budget else None


def is_possible(problem: Problem) -> bool | None:
    """Whether all that must be served can be, by a search where need be; None: a limit stopped it."""
    seen = at_a_glance(problem)
    return possible(problem) if seen is None else seen
