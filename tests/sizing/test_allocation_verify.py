"""The verifier finds what is wrong with a plan: each case breaks one thing of a good plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import sizing
from sizing.allocation.planning.verify import violations
from sizing.catalog import Precision, PurchaseMode
from sizing.outcome import Sized
from sizing.performance import Layout
from sizing.plan import Deployment, NodePool, SizingPlan
from sizing.spec.workload import Spec, Survive
from tests.markets import ANYTHING, ASSIST_8B, CHAT_70B, SMALL_MARKET, spec_of

SPEC = spec_of(
    CHAT_70B,
    replace(ASSIST_8B, survive=Survive.ZONE, allowed=replace(ANYTHING, spot_share=0.5, min_spot_share=0.2)),
    budget_usd_per_month=100_000,
)


def good_plan(spec: Spec = SPEC) -> SizingPlan:
    answer = sizing.size(spec, SMALL_MARKET)
    assert isinstance(answer, Sized)
    return answer.plan


def with_pools(plan: SizingPlan, change: Callable[[NodePool], NodePool]) -> SizingPlan:
    """The plan with every pool of accelerators changed, and cost lines that agree."""
    pools = tuple(change(pool) if pool.accelerator else pool for pool in plan.node_pools)
    lines = tuple(
        replace(line, quantity=pool.nodes, usd_per_hour=pool.usd_per_hour)
        for line, pool in zip(plan.cost_lines, pools, strict=True)
    )
    return replace(plan, node_pools=pools, cost_lines=lines)


def with_deployments(plan: SizingPlan, change: Callable[[Deployment], Deployment]) -> SizingPlan:
    return replace(plan, deployments=tuple(map(change, plan.deployments)))


def fewer_replicas(one: Deployment) -> Deployment:
    return replace(one, placements=tuple(replace(place, replicas=1) for place in one.placements[:1]))


def more_replicas(one: Deployment) -> Deployment:
    return replace(one, placements=tuple(replace(place, replicas=place.replicas + 8) for place in one.placements))


def on_demand(one: Deployment) -> Deployment:
    return replace(one, mode=PurchaseMode.ON_DEMAND)


def on_spot(one: Deployment) -> Deployment:
    return replace(one, mode=PurchaseMode.SPOT)


def widened(one: Deployment) -> Deployment:
    return replace(one, layout=Layout(tp=8)) if one.mode is PurchaseMode.SPOT else one


def too_few_processors(one: Deployment) -> Deployment:
    return replace(one, vcpus=2.0)


def busier(one: Deployment) -> Deployment:
    return replace(one, requests_per_s=one.requests_per_s * 100)


def broken_promise(plan: SizingPlan) -> SizingPlan:
    return replace(plan, promises=(replace(plan.promises[0], planned=9.0), *plan.promises[1:]))


BROKEN: dict[str, tuple[Callable[[SizingPlan], SizingPlan], str]] = {
    "a zone too little": (lambda plan: with_deployments(plan, fewer_replicas), "replica"),
    "too many for the machines": (lambda plan: with_deployments(plan, more_replicas), "do not fit"),
    "nothing on spot": (lambda plan: with_deployments(plan, on_demand), "less than its least share"),
    "everything on spot": (lambda plan: with_deployments(plan, on_spot), "nothing is left"),
    "unlike replicas": (lambda plan: with_deployments(plan, widened), "unlike replicas"),
    "too few processors": (lambda plan: with_deployments(plan, too_few_processors), "asks for 2 vCPU"),
    "too few front ends": (lambda plan: with_deployments(plan, busier), "front ends, and its rate takes"),
    "no deployment": (lambda plan: replace(plan, deployments=plan.deployments[:1]), "has no deployment"),
    "a price of its own": (lambda plan: with_pools(plan, lambda p: replace(p, usd_per_hour=1.0)), "is not offered at"),
    "a zone outside the network": (lambda plan: replace(plan, zones=()), "which the network does not span"),
    "another region": (lambda plan: replace(plan, region="eu-west-1"), "is not asked for"),
    "over the budget": (lambda plan: with_pools(plan, lambda p: replace(p, nodes=p.nodes + 9)), "over the budget"),
    "a cost line missing": (lambda plan: replace(plan, cost_lines=plan.cost_lines[1:]), "cost lines"),
    "two pools of one name": (lambda plan: with_pools(plan, lambda p: replace(p, name="pool")), "two pools"),
    "pools that are not there": (lambda plan: replace(plan, node_pools=()), "does not have"),
    "a promise broken": (broken_promise, "is promised at"),
    "a promise not made": (lambda plan: replace(plan, promises=plan.promises[1:]), "no promise of"),
    "a single system machine": (
        lambda plan: replace(plan, node_pools=tuple(p for p in plan.node_pools if p.accelerator)),
        "fewer than two system machines",
    ),
}


def test_the_good_plan_breaks_nothing():
    """What the cases below start from."""
    assert violations(good_plan(), SPEC, SMALL_MARKET) == ()


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_rule_is_found(case: str):
    """The text says which."""
    change, expected = BROKEN[case]
    plan = good_plan()
    assert plan != change(plan)
    found = violations(change(plan), SPEC, SMALL_MARKET)
    assert any(expected in text for text in found), found


def test_weights_that_are_not_allowed_are_found():
    """The plan serves fp8; the spec then allows bf16 only."""
    strict = replace(CHAT_70B, allowed=replace(ANYTHING, weights=(Precision.BF16,)))
    assert any("not allowed" in text for text in violations(good_plan(), spec_of(strict), SMALL_MARKET))


def test_a_plan_made_without_confidence_is_found_wanting_where_it_is_asked():
    """The same machines, and 95 % asked of every limit at the highest rate: the replicas are too busy for that."""
    sure = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, confidence=0.95))
    spec = spec_of(sure, *SPEC.workloads[1:], budget_usd_per_month=100_000)
    assert any("chat" in text and "replicas" in text for text in violations(good_plan(), spec, SMALL_MARKET))
