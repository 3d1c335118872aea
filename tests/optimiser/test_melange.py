"""Melange's rule: each workload by itself, on demand, on its own machines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Strategy, solve
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Demand, Problem
from sizing.optimiser.status import SolverStatus
from tests.optimiser.problems import problems
from tests.optimiser.test_covering import one_workload, pool
from tests.optimiser.test_oracle import SLOW, oracle


def two_workloads(priority: int | None = None) -> Problem:
    """Two workloads of one replica each, which would share a machine of two."""
    first = one_workload(1, pool("two", 2, 19), pool("two", 2, 5, PurchaseMode.SPOT))
    second = Demand(workload="code", total=(1,), firm=(1,), spot=(0,), zone_loss=False, priority=priority)
    choice = Choice(workload="code", machine="two", kind="TP1", slots=1, capacity=1)
    return replace(first, demands=(*first.demands, second), choices=(*first.choices, choice))


def test_no_machine_is_shared_though_one_would_do():
    """Two machines at 19, half empty; packed together one is enough."""
    found = solve(two_workloads(), strategy=Strategy.MELANGE)
    assert [one.machines for one in found.bought] == [(2,)]
    assert found.micro_usd_per_hour == 38
    assert solve(two_workloads(), strategy=Strategy.COVERING).micro_usd_per_hour == 19


def test_only_machines_on_demand_are_bought():
    """Spot at 5 is there, and the workload could use it."""
    problem = one_workload(1, pool("two", 2, 19), pool("two", 2, 5, PurchaseMode.SPOT), firm=0)
    found = solve(problem, strategy=Strategy.MELANGE)
    assert [one.pool.mode for one in found.bought] == [PurchaseMode.ON_DEMAND]


def test_over_the_budget_the_less_important_go():
    """38 for both, and 20 may be spent."""
    problem = replace(two_workloads(priority=1), budget_micro_usd_per_hour=20)
    found = solve(problem, strategy=Strategy.MELANGE)
    assert (found.unserved, found.micro_usd_per_hour) == (("code",), 19)
    must = replace(two_workloads(), budget_micro_usd_per_hour=20)
    assert solve(must, strategy=Strategy.MELANGE).status is SolverStatus.UNKNOWN


@SLOW
@given(problems())
def test_what_it_buys_keeps_every_rule_and_is_never_better_than_the_best(problem):
    best, found = oracle(problem), solve(problem, strategy=Strategy.MELANGE)
    assert violations(problem, found) == ()
    assert {one.pool.mode for one in found.bought} <= {PurchaseMode.ON_DEMAND}
    if found.objective is not None and best.objective is not None and found.unserved == best.unserved:
        assert found.objective > best.objective - 1e-3
