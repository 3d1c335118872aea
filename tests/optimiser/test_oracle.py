"""Strategies against the oracle, which tries every purchase of small random problems."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Strategy, solve
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Site
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus, TooLarge
from sizing.optimiser.textbook.exhaustive import exhaustive
from tests.optimiser.problems import left_out, objective, problems

SLOW = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
STRATEGIES = tuple(one for one in Strategy if one is not Strategy.EXHAUSTIVE)


def oracle(problem: Problem) -> Purchase:
    """The proven answer; a problem that is too large to try everything is not looked at."""
    try:
        return exhaustive(problem)
    except TooLarge:
        assume(False)
        raise


def rank(problem: Problem, purchase: Purchase) -> tuple[list[int], float]:
    """What purchases are compared by."""
    return left_out(problem, purchase), objective(purchase)


@settings(SLOW, max_examples=500)
@given(problems())
def test_our_answer_is_as_good_as_the_best_of_all_purchases(problem):
    best, ours = oracle(problem), solve(problem)
    event(f"{best.status}, {len(best.unserved)} left out")
    assert violations(problem, best) == ()
    assert ours.status is best.status
    assert violations(problem, ours) == ()
    if best.objective is not None:
        assert left_out(problem, ours) == left_out(problem, best)
        assert abs(objective(ours) - objective(best)) < 1e-3
        assert ours.micro_usd_per_hour == best.micro_usd_per_hour or problem.moves


@pytest.mark.parametrize("strategy", STRATEGIES)
@settings(SLOW, max_examples=60)
@given(problems())
def test_every_strategy_passes_the_check_and_none_is_better_than_the_best(strategy, problem):
    best, found = oracle(problem), solve(problem, strategy=strategy)
    assert violations(problem, found) == ()
    if best.status is SolverStatus.INFEASIBLE:
        assert found.status in {SolverStatus.INFEASIBLE, SolverStatus.UNKNOWN, SolverStatus.OUT_OF_TIME}
    elif found.objective is not None:
        assert rank(problem, found) >= below(problem, best)
        if found.bound is not None and left_out(problem, found) == left_out(problem, best):
            assert found.bound <= objective(best) + 1e-3
    else:
        assert found.status is not SolverStatus.INFEASIBLE
    if found.status is SolverStatus.OPTIMAL:
        assert left_out(problem, found) == left_out(problem, best)
        assert abs(objective(found) - objective(best)) < 1e-3


def below(problem: Problem, purchase: Purchase) -> tuple[list[int], float]:
    """The rank of a purchase, less the noise of floating point."""
    counts, objective = rank(problem, purchase)
    return counts, objective - 1e-3


@settings(SLOW, max_examples=150)
@given(problems())
def test_one_mixed_integer_model_is_as_good_as_the_best_of_all_purchases(problem):
    """What larger problems are solved by: here on problems that are small enough to try everything."""
    best, found = oracle(problem), solve(problem, strategy=Strategy.EXACT)
    assert found.status is best.status
    if best.objective is not None:
        assert left_out(problem, found) == left_out(problem, best)
        assert abs(objective(found) - objective(best)) < 1e-3


def test_a_problem_that_is_too_large_to_try_everything_is_refused():
    """Fifteen replicas on each of six pools: 16 to the sixth placements."""
    pools = tuple(
        Pool(machine="one", region="east", zone=f"east-{zone}", mode=mode, slots=1, micro_usd_per_hour=1)
        for zone in "abc"
        for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
    )
    problem = Problem(
        demands=(Demand(workload="a", total=(15,), firm=(0,), spot=(0,), zone_loss=False),),
        choices=(Choice(workload="a", machine="one", kind="TP1", slots=1, capacity=1),),
        pools=pools,
        sites=(Site(region="east", system_micro_usd_per_hour=1, least_system_machines=2),),
    )
    with pytest.raises(TooLarge, match="more than 20000 ways"):
        exhaustive(problem)
