"""Refusals name the requirement that stands in the way, and every way out that they give leads to a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sizing
from sizing.allocation.refusing.stack_requirements import of_stack
from sizing.allocation.refusing.workload_requirements import of_workload
from sizing.catalog import Precision
from sizing.outcome import NoPlan, Sized, SolverStatus
from sizing.spec.workload import Spec, Survive
from tests.markets import (
    ANYTHING,
    ASSIST_8B,
    CHAT_70B,
    H100_NODE,
    REGION,
    SMALL_MARKET,
    catalog_of,
    machine,
    offer,
    spec_of,
)

ONE_ZONE = catalog_of([H100_NODE], [offer(H100_NODE, 55.04, zones=("use1-az1",)), offer(machine("other"), 1.0)])


def refused(spec: Spec, catalog: sizing.Catalog = SMALL_MARKET) -> NoPlan:
    answer = sizing.size(spec, catalog)
    assert isinstance(answer, NoPlan), answer
    assert answer.outcome.status is SolverStatus.INFEASIBLE
    return answer


def cost(spec: Spec, catalog: sizing.Catalog = SMALL_MARKET) -> float:
    answer = sizing.size(spec, catalog)
    assert isinstance(answer, Sized)
    return answer.plan.usd_per_hour


def test_a_budget_too_small_is_told_with_the_least_cost():
    """55.64 USD/h x 730 h are 40,617.20 USD; asked 30,000. The raised budget, as told, is enough."""
    spec = spec_of(CHAT_70B, budget_usd_per_month=30_000)
    answer = refused(spec)
    assert "40,617.20 USD > 30,000.00 USD a month" in answer.reason
    assert "raise budget_usd_per_month to 40618: the plan then costs 55.64 USD/h, 40,618 USD a month" in answer.mends
    assert answer.nearest[0].usd_per_hour == pytest.approx(55.64)
    assert cost(replace(spec, budget_usd_per_month=40_618)) == pytest.approx(55.64)


def test_a_zone_that_cannot_be_lost_is_told():
    """The only machine that serves is sold in one zone."""
    spec = spec_of(replace(CHAT_70B, survive=Survive.ZONE))
    answer = refused(spec, ONE_ZONE)
    assert "chat: survive zone stands in the way" in answer.reason
    assert answer.mends == ("chat: set survive to none: the plan then costs 55.64 USD/h, 40,618 USD a month",)
    assert cost(spec_of(CHAT_70B), ONE_ZONE) == pytest.approx(55.64)


def test_a_machine_that_is_sold_in_too_few_zones_is_named_with_them():
    """What serves and is sold, but not so that a zone can be lost, is what came closest."""
    answer = refused(spec_of(replace(CHAT_70B, survive=Survive.ZONE)), ONE_ZONE)
    assert [(one.what, [miss.text for miss in one.misses]) for one in answer.nearest][:1] == [
        ("p5.48xlarge", ["sold in use1-az1 only: no other zone is left when that is lost"])
    ]


def test_a_machine_that_is_not_sold_on_spot_is_named():
    """Half on spot is asked, and the only machine that serves has no spot price."""
    half = replace(CHAT_70B.allowed, spot_share=0.5, min_spot_share=0.5)
    answer = refused(spec_of(replace(CHAT_70B, allowed=half)), ONE_ZONE)
    assert [miss.text for miss in answer.nearest[0].misses] == [f"not sold on spot at a known price in {REGION}"]


def test_weights_that_would_do_are_told():
    """bf16 weights of 141 GB fit no single L40S or H100; in fp8 they fit the H100 machine of one."""
    allowed = replace(ANYTHING, weights=(Precision.BF16,), machines=("p5.4xlarge",))
    spec = spec_of(replace(CHAT_70B, max_context_tokens=4096, allowed=allowed))
    answer = refused(spec)
    assert any("add fp8 to allow.weights" in mend for mend in answer.mends)
    assert any("to allow.machines" in mend for mend in answer.mends)
    assert {one.text for one in answer.conflict} == {
        "chat: allow.weights [bf16] (default)",
        "chat: allow.machines [p5.4xlarge]",
    }


def test_a_loosened_objective_is_one_that_a_plan_keeps():
    """Nothing answers within 100 ms; the limit that is proposed instead can be kept."""
    strict = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ttft_p95_s=0.1))
    answer = refused(spec_of(strict))
    mend = next(mend for mend in answer.mends if "ttft_p95_s" in mend)
    limit = float(mend.partition("ttft_p95_s to ")[2].partition(":")[0])
    assert limit > 0.1
    assert cost(spec_of(replace(strict, objectives=replace(strict.objectives, ttft_p95_s=limit)))) > 0


def test_a_confidence_that_nothing_reaches_is_told_with_what_the_prediction_gives():
    """With 99 % no machine keeps a TTFT of 0.33 s; as predicted, some does, and what it costs is told."""
    sure = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ttft_p95_s=0.33, confidence=0.99))
    answer = refused(spec_of(sure))
    assert "with 99 % confidence" in answer.reason
    (mend,) = [mend for mend in answer.mends if mend.startswith("chat: lower objectives.confidence to ")]
    confidence = float(mend.partition(" to ")[2].partition(":")[0])
    assert 0.5 <= confidence < 0.99
    less_sure = cost(spec_of(replace(sure, objectives=replace(sure.objectives, confidence=confidence))))
    assert f"the plan then costs {less_sure:.2f} USD/h" in mend
    surer = replace(sure, objectives=replace(sure.objectives, confidence=min(confidence + 0.05, 0.99)))
    refused(spec_of(surer))
    for mend in answer.mends:
        if "objectives.ttft_p95_s to" in mend:
            limit = float(mend.partition(" to ")[2].partition(":")[0])
            looser = replace(sure, objectives=replace(sure.objectives, ttft_p95_s=limit))
            assert cost(spec_of(looser)) > 0


def test_a_region_where_nothing_is_offered_is_told_with_one_where_it_is():
    """us-west-2 sells no accelerator; us-east-1 does."""
    wide = catalog_of([H100_NODE], [offer(H100_NODE, 55.04), offer(machine("other"), 1.0, region="us-west-2")])
    answer = refused(spec_of(CHAT_70B, regions=("us-west-2",)), wide)
    assert "can be bought at a known price in us-west-2" in answer.reason
    assert answer.mends == ("add us-east-1 to regions: the plan then costs 55.64 USD/h, 40,618 USD a month",)
    assert answer.nearest[0].misses[0].text == "not offered in us-west-2"


def test_two_conflicts_side_by_side_are_resolved_together():
    """Within 100 ms nothing answers, and the budget of 10 USD pays for nothing: both must give, and both are named."""
    strict = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ttft_p95_s=0.1))
    answer = refused(spec_of(strict, budget_usd_per_month=10))
    named = [[one.text for one in conflict] for conflict in (answer.conflict, *answer.conflicts_beside)]
    assert ["budget_usd_per_month 10"] in named
    assert ["chat: objectives.ttft_p95_s 0.1"] in named
    assert answer.mends
    assert all("ttft_p95_s" in mend and ", and raise budget_usd_per_month to " in mend for mend in answer.mends)


def test_ways_out_are_told_cheapest_first():
    """By the cost of the plan that each leads to."""
    spec = spec_of(replace(ASSIST_8B, survive=Survive.ZONE), budget_usd_per_month=6000)
    costs = [float(mend.partition("then costs ")[2].partition(" USD")[0]) for mend in refused(spec).mends]
    assert len(costs) > 1
    assert costs == sorted(costs)


def test_every_requirement_is_told_as_it_is_written():
    """Those of the stack, then those of each workload; what is let go changes the spec in that one thing."""
    allowed = replace(ANYTHING, weights=(Precision.BF16,), machines=("p5.4xlarge",), spot_share=0.5, min_spot_share=0.5)
    workload = replace(CHAT_70B, survive=Survive.ZONE, allowed=allowed)
    spec = spec_of(workload, zones=("use1-az1",), budget_usd_per_month=10)
    wide = catalog_of([H100_NODE], [offer(H100_NODE, 55.04), offer(machine("other"), 1.0, region="us-west-2")])
    asked = [*of_stack(spec, wide, nearby=("us-west-2",)), *of_workload(workload)]
    assert [one.requirement.text for one in asked] == [
        "regions [us-east-1]",
        "zones [use1-az1]",
        "headroom 0.2",
        "budget_usd_per_month 10",
        "chat: survive zone",
        "chat: objectives.ttft_p95_s 0.8",
        "chat: objectives.tpot_p95_s 0.045",
        "chat: allow.spot_share 0.5",
        "chat: allow.min_spot_share 0.5",
        "chat: allow.weights [bf16]",
        "chat: allow.kv [bf16]",
        "chat: allow.machines [p5.4xlarge]",
    ]
    assert len({one.let_go(spec) for one in asked} | {spec}) == len(asked) + 1
    assert [one.requirement.id for one in asked if one.is_default] == [
        "headroom",
        "chat: allow.weights",
        "chat: allow.kv",
    ]


def test_what_is_tried_is_counted_for_whoever_waits():
    """Relaxed specs, one after the other, until the answer is there."""
    tried: list[int] = []
    sizing.size(spec_of(CHAT_70B, budget_usd_per_month=30_000), SMALL_MARKET, relaxing=tried.append)
    assert tried == list(range(1, len(tried) + 1))
    assert len(tried) > 3
