"""The verifier finds what breaks an account's limits: each case breaks one thing of a good plan, or asks for less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import pytest

import sizing
from sizing.allocation.planning.verify import violations
from sizing.catalog import Cloud, PurchaseMode
from sizing.outcome import Sized
from sizing.plan import Deployment, LeftOut, NodePool, Placement, SizingPlan
from sizing.spec.capacity import Commitments, OwnedCommitment, QuotaLimit, TeamQuota
from sizing.spec.schedule import DayPart, Window
from sizing.spec.workload import Spec
from tests.markets import (
    ASSIST_8B,
    CHAT_70B,
    G_QUOTA,
    H100_NODE,
    L40S_SINGLE,
    REGION,
    RESERVED_NODE,
    SMALL_MARKET,
    WEEK_BLOCK,
    offer,
    spec_of,
)

WEST = "us-west-2"
MARKET = replace(
    SMALL_MARKET,
    quotas=(G_QUOTA,),
    offers=(*SMALL_MARKET.offers, replace(offer(L40S_SINGLE, 1.4), mode=PurchaseMode.COMMITTED_1Y)),
)
NIGHTS = (DayPart(from_h=0, until_h=8, share=0.2), DayPart(from_h=8, until_h=24, share=1.0))
DAILY = replace(
    ASSIST_8B,
    team="apps",
    traffic=replace(ASSIST_8B.traffic, requests_per_s=60, day=NIGHTS),
    allowed=replace(ASSIST_8B.allowed, machines=(L40S_SINGLE.name,)),
)
SPEC = replace(
    spec_of(replace(CHAT_70B, team="research"), DAILY),
    reservations=(RESERVED_NODE,),
    commitments=Commitments(
        terms=(PurchaseMode.COMMITTED_1Y,),
        owned=(OwnedCommitment(cloud=Cloud.AWS, machine=L40S_SINGLE.name, region=REGION, machines=2),),
    ),
    quotas=(QuotaLimit(cloud=Cloud.AWS, quota="L-G", region=REGION, limit=64),),
    teams=(TeamQuota(name="research", accelerators=8, budget_usd_per_month=100.0), TeamQuota(name="apps")),
)


@cache
def good_plan() -> SizingPlan:
    """The chat on the reservation; eight L40S by day and two by night, two of them owned and six to be committed to."""
    answer = sizing.size(SPEC, MARKET, alternatives=False)
    assert isinstance(answer, Sized), answer
    return answer.plan


def pool_of(plan: SizingPlan, machine: str) -> NodePool:
    return next(one for one in plan.node_pools if one.machine == machine)


def with_pool(plan: SizingPlan, machine: str, **changes: Any) -> SizingPlan:
    """The plan with something else of the pool of one machine type; a new name is taken over by what stands there."""
    pools = tuple(replace(one, **changes) if one.machine == machine else one for one in plan.node_pools)
    return replace(plan, node_pools=pools)


def with_deployments(plan: SizingPlan, change: Callable[[Deployment], Deployment]) -> SizingPlan:
    return replace(plan, deployments=tuple(map(change, plan.deployments)))


def swapped(plan: SizingPlan) -> SizingPlan:
    """The assistant on the reservation, called on spot."""
    name = pool_of(plan, H100_NODE.name).name
    return with_deployments(
        plan,
        lambda one: (
            replace(one, mode=PurchaseMode.SPOT, placements=(Placement(pool=name, replicas=1),))
            if one.workload == "assist"
            else one
        ),
    )


def elsewhere(one: Deployment) -> Deployment:
    return replace(one, region=WEST) if one.workload == "assist" else one


BROKEN: dict[str, tuple[Callable[[SizingPlan], SizingPlan], str]] = {
    "another reservation": (lambda p: with_pool(p, H100_NODE.name, reservation="cr-2"), "cr-2 holds no"),
    "no reservation": (lambda p: with_pool(p, H100_NODE.name, reservation=None), "is of no reservation"),
    "another zone": (lambda p: with_pool(p, H100_NODE.name, zone="use1-az1"), "holds no p5.48xlarge in use1-az1"),
    "more than is held": (lambda p: with_pool(p, H100_NODE.name, nodes=2), "and cr-1 holds 1"),
    "held at other hours": (lambda p: with_pool(p, H100_NODE.name, least_nodes=0), "at all hours"),
    "a price of its own": (lambda p: with_pool(p, H100_NODE.name, usd_per_hour=1.0), "the stack tells 0"),
    "more than the quota": (lambda p: with_pool(p, L40S_SINGLE.name, nodes=9), "takes 72 vCPU, and the limit is 64"),
    "more covered than committed": (lambda p: replace(p, commitments=()), "covered by 0 commitments"),
    "more owned than there are": (
        lambda p: replace(p, commitments=tuple(replace(one, owned=3) for one in p.commitments)),
        "3 x g6e.2xlarge in us-east-1 are called owned, and the stack owns 2",
    ),
    "a commitment at another price": (
        lambda p: replace(p, commitments=tuple(replace(one, usd_per_hour=1.0) for one in p.commitments)),
        "is not offered at 1.0 USD/h",
    ),
    "more committed than machines": (lambda p: with_pool(p, L40S_SINGLE.name, committed=9), "cannot be committed"),
    "spot that stays": (swapped, "is called spot and stands on reservation machines"),
    "a machine that may not be": (swapped, "stands on p5.48xlarge, which it may not"),
    "two regions": (lambda p: with_deployments(p, elsewhere), "stands in us-west-2, where it may not"),
    "left out what must be served": (
        lambda p: replace(p, left_out=(LeftOut(workload="chat", priority=1, why="so"),)),
        "chat must be served and is left out",
    ),
    "left out and deployed": (
        lambda p: replace(p, left_out=(LeftOut(workload="chat", priority=1, why="so"),)),
        "chat is left out and yet has a deployment",
    ),
    "too few by night": (
        lambda p: with_deployments(p, lambda one: replace(one, least_replicas=min(1, one.least_replicas))),
        "assist: 1 replicas are overloaded",
    ),
    "a floor above the replicas": (
        lambda p: with_deployments(p, lambda one: replace(one, least_replicas=99)),
        "its floor is above its replicas",
    ),
    "paid for too few hours": (
        lambda p: replace(p, cost_lines=tuple(replace(line, hours_per_month=1.0) for line in p.cost_lines)),
        "is paid for other hours than it is up",
    ),
}


def test_the_good_plan_breaks_nothing():
    """And has everything in it that the cases break."""
    plan = good_plan()
    assert violations(plan, HERE, MARKET) == ()
    assert pool_of(plan, H100_NODE.name).reservation == "cr-1"
    assert (pool_of(plan, L40S_SINGLE.name).nodes, pool_of(plan, L40S_SINGLE.name).least_nodes) == (8, 2)
    assert [(one.owned, one.to_buy) for one in plan.commitments] == [(2, 6)]


# The assistant is kept in its region only where a case moves it away: one region is all that the spec allows.
HERE: Spec = replace(SPEC, workloads=(SPEC.workloads[0], replace(SPEC.workloads[1], regions=(REGION,))))


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_rule_is_found(case: str):
    """The text says which."""
    change, expected = BROKEN[case]
    plan = good_plan()
    assert plan != change(plan)
    found = violations(change(plan), HERE, MARKET)
    assert any(expected in text for text in found), found


def test_a_team_that_has_more_than_it_may_is_found():
    """Two replicas of four accelerators each; on a reservation at no price they cost it nothing."""
    few, poor = (
        replace(SPEC, teams=(team,))
        for team in (
            TeamQuota(name="research", accelerators=7),
            TeamQuota(name="research", budget_usd_per_month=50.0),
        )
    )
    assert violations(good_plan(), few, MARKET) == ("research may have 7 accelerators, and has 8",)
    assert violations(good_plan(), poor, MARKET) == ()


def test_a_team_that_pays_more_than_it_may_is_found():
    """The chat on demand: all of one machine at 55.04 USD/h, 40,179 USD a month."""
    free = replace(spec_of(replace(CHAT_70B, team="research")))
    answer = sizing.size(free, MARKET, alternatives=False)
    assert isinstance(answer, Sized)
    poor = replace(free, teams=(TeamQuota(name="research", budget_usd_per_month=40_000),))
    assert any(
        "research may spend 40000.00 USD a month, and spends 40179.20" in t
        for t in violations(answer.plan, poor, MARKET)
    )


def test_a_block_that_carries_what_is_always_needed_is_found():
    """Sized for three days within it; then the chat is needed always."""
    brief = replace(CHAT_70B, needed=Window(start=date(2026, 12, 2), until=date(2026, 12, 5)))
    spec = replace(spec_of(brief), capacity_blocks=(WEEK_BLOCK,))
    answer = sizing.size(spec, MARKET, alternatives=False)
    assert isinstance(answer, Sized)
    assert not violations(answer.plan, spec, MARKET)
    always = replace(spec, workloads=(CHAT_70B,))
    longer = replace(spec, workloads=(replace(brief, needed=Window(start=date(2026, 12, 2), until=date(2026, 12, 9))),))
    assert any("always needed and stands on a capacity block" in t for t in violations(answer.plan, always, MARKET))
    assert any("beyond the days of" in t for t in violations(answer.plan, longer, MARKET))


def test_a_way_to_buy_that_is_not_allowed_is_found():
    """The reservation is used; then only machines on demand may be."""
    strict = replace(SPEC.workloads[0], allowed=replace(CHAT_70B.allowed, purchase=(PurchaseMode.ON_DEMAND,)))
    found = violations(good_plan(), replace(SPEC, workloads=(strict, SPEC.workloads[1])), MARKET)
    assert any("chat stands on reservation machines, which it may not" in text for text in found)
