"""What a glance tells of a problem is what a search finds, and it tells of money at once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from sizing.allocation.refusing.glance import at_a_glance, is_possible
from sizing.optimiser import Strategy, solve
from sizing.optimiser.conflicts.conflict import possible
from sizing.optimiser.problem import Problem
from tests.optimiser.problems import problems


@given(problems())
def test_a_glance_never_contradicts_a_search(asked: Problem) -> None:
    """CP-SAT is asked about the same problem, with all of its budget, quotas and teams."""
    seen, searched = at_a_glance(asked), possible(asked)
    assert seen is None or seen is searched
    assert is_possible(asked) is searched


@given(problems(may_be_left_out=False))
def test_a_budget_below_what_fractions_cost_is_seen_to_be_impossible(asked: Problem) -> None:
    """Half of the bound of the linear programme is less than anything costs."""
    bound = solve(replace(asked, budget_micro_usd_per_hour=None), strategy=Strategy.RELAXATION).bound
    if bound is not None and bound >= 2:
        assert at_a_glance(replace(asked, budget_micro_usd_per_hour=int(bound / 2))) is False
