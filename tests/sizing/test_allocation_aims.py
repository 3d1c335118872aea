"""Plans by the token and plans of a given fleet: their promises are held by the verifier; they say what they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation import size, surer
from sizing.allocation.why.sensitivity import sensitivity
from sizing.outcome import NoPlan, Sized
from sizing.plan import PoolRole, SizingPlan
from sizing.spec.workload import Objective, Spec
from tests.markets import ASSIST_8B, CHAT_70B, SMALL_MARKET, spec_of

SPEC = spec_of(CHAT_70B, ASSIST_8B)


def sized(spec: Spec, current: SizingPlan | None = None) -> SizingPlan:
    answer = size(spec, SMALL_MARKET, current=current)
    assert isinstance(answer, Sized)
    return answer.plan


def capacity(plan: SizingPlan, workload: str) -> float:
    """Requests a second of all replicas of a workload."""
    return sum(one.replicas * one.requests_per_s for one in plan.deployments if one.workload == workload)


def usd_per_request(plan: SizingPlan, spec: Spec) -> float:
    """What an answer token costs, capacity counted up to twice the peak with its headroom."""
    tokens = sum(
        min(capacity(plan, one.name), 2 * (1 + spec.headroom) * one.traffic.requests_per_s)
        * one.traffic.output_tokens.mean
        for one in spec.workloads
    )
    return plan.usd_per_hour / tokens


def machines(plan: SizingPlan) -> dict[str, int]:
    return {pool.name: pool.nodes for pool in plan.node_pools if pool.role is PoolRole.ACCELERATOR}


def test_the_cheapest_by_the_token_is_never_dearer_by_the_token_and_never_cheaper():
    least = sized(SPEC)
    by_token = sized(replace(SPEC, objective=Objective.COST_PER_TOKEN))
    assert by_token.usd_per_hour >= least.usd_per_hour
    assert usd_per_request(by_token, SPEC) <= usd_per_request(least, SPEC) * 1.001
    assert any("cheapest by the token" in text for text in by_token.assumptions)
    assert not any("cheapest by the token" in text for text in least.assumptions)


def test_the_most_work_takes_no_machine_that_is_not_there():
    """The plan of today with its traffic halved: the same machines carry more than what is asked."""
    today = sized(SPEC)
    halved = replace(
        SPEC,
        objective=Objective.MOST_WORK,
        workloads=tuple(
            replace(one, traffic=replace(one.traffic, requests_per_s=one.traffic.requests_per_s / 2))
            for one in SPEC.workloads
        ),
    )
    plan = sized(halved, today)
    there = machines(today)
    assert all(nodes <= there.get(name, 0) for name, nodes in machines(plan).items())
    for one in halved.workloads:
        assert capacity(plan, one.name) >= 2 * (1 + halved.headroom) * one.traffic.requests_per_s * 0.999
    assert any("the most work of the machines" in text for text in plan.assumptions)


def test_a_fleet_that_carries_too_little_is_told_with_its_share():
    """Twice the traffic of what today's machines were bought for."""
    today = sized(SPEC)
    doubled = replace(
        SPEC,
        objective=Objective.MOST_WORK,
        workloads=tuple(
            replace(one, traffic=replace(one.traffic, requests_per_s=one.traffic.requests_per_s * 8))
            for one in SPEC.workloads
        ),
    )
    answer = size(doubled, SMALL_MARKET, current=today)
    assert isinstance(answer, NoPlan)
    assert "% of the peak with its headroom, and no more" in answer.reason
    share = int(answer.reason.split(" carry ")[1].split(" %")[0])
    fits = replace(
        doubled,
        workloads=tuple(
            replace(one, traffic=replace(one.traffic, requests_per_s=one.traffic.requests_per_s * share / 100))
            for one in doubled.workloads
        ),
    )
    assert machines(sized(fits, today)) == machines(today)


def test_without_machines_there_is_nothing_to_work_with():
    answer = size(replace(SPEC, objective=Objective.MOST_WORK), SMALL_MARKET)
    assert isinstance(answer, NoPlan)
    assert "none that could serve this are there" in answer.reason
    assert answer.mends == ("size with objective cost first, or tell the reservations",)


@pytest.mark.parametrize("objective", [Objective.COST_PER_TOKEN])
def test_the_same_question_has_the_same_answer(objective: Objective):
    asked = replace(SPEC, objective=objective)
    assert sized(asked) == sized(asked)


def test_answers_about_the_least_cost_are_not_given_of_other_plans():
    asked = replace(SPEC, objective=Objective.COST_PER_TOKEN)
    assert surer(asked, SMALL_MARKET) == ()
    assert sensitivity(asked, SMALL_MARKET) is None
