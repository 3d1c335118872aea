"""What an account has, hours of the day, teams, priorities and several regions, from the spec to the plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

import sizing
from sizing import lockfile
from sizing.allocation.planning.verify import violations
from sizing.catalog import Cloud, PurchaseMode
from sizing.outcome import NoPlan, Sized
from sizing.plan import PoolRole, SizingPlan
from sizing.spec.capacity import Commitments, OwnedCommitment, TeamQuota
from sizing.spec.schedule import DayPart, Window
from sizing.spec.workload import Serving, Spec, Survive
from tests.markets import (
    ASSIST_8B,
    CHAT_70B,
    H100_NODE,
    L40S_NODE,
    L40S_SINGLE,
    REGION,
    RESERVED_NODE,
    SMALL_MARKET,
    WEEK_BLOCK,
    catalog_of,
    offer,
    spec_of,
)

WEST, WEST_ZONES = "us-west-2", ("usw2-az1", "usw2-az2")
NIGHTS = (DayPart(from_h=0, until_h=8, share=0.2), DayPart(from_h=8, until_h=24, share=1.0))
L40S_ONLY = replace(ASSIST_8B.allowed, machines=(L40S_SINGLE.name,))
COMMITTED = replace(
    SMALL_MARKET,
    offers=(*SMALL_MARKET.offers, replace(offer(L40S_SINGLE, 1.4), mode=PurchaseMode.COMMITTED_1Y)),
)
TWO_COASTS = catalog_of(
    [H100_NODE, L40S_SINGLE],
    [
        offer(H100_NODE, 55.04),
        offer(L40S_SINGLE, 2.24),
        offer(L40S_SINGLE, 1.0, region=WEST, zones=WEST_ZONES),
    ],
)
BOTH = (REGION, WEST)


def at(workload: Serving, requests_per_s: float, **traffic) -> Serving:
    return replace(workload, traffic=replace(workload.traffic, requests_per_s=requests_per_s, **traffic))


def sized(spec: Spec, catalog: sizing.Catalog = SMALL_MARKET, current: SizingPlan | None = None) -> SizingPlan:
    answer = sizing.size(spec, catalog, current=current, alternatives=False)
    assert isinstance(answer, Sized), answer
    assert not violations(answer.plan, spec, catalog)
    return lockfile.loads(lockfile.dumps(answer.plan), source="the plan")


def nodes(plan: SizingPlan) -> dict[str, int]:
    return {pool.name: pool.nodes for pool in plan.node_pools if pool.role is PoolRole.ACCELERATOR}


def test_machines_of_quiet_hours_are_paid_for_all_of_them_and_the_rest_while_it_is_up():
    """
    Eight replicas by day, two by night: 16 h of eight machines and 8 h of two at 2.24 USD, three system machines.

    (8 x 16 + 2 x 8) / 24 = 6 machines on average: 13.44 USD/h.
    """
    daily = replace(at(ASSIST_8B, 60, day=NIGHTS), allowed=L40S_ONLY)
    plan = sized(spec_of(daily))
    (pool,) = [one for one in plan.node_pools if one.role is PoolRole.ACCELERATOR]
    assert (pool.nodes, pool.least_nodes) == (8, 2)
    assert [(one.replicas, one.least_replicas) for one in plan.deployments] == [(8, 2)]
    assert plan.usd_per_hour == pytest.approx(6 * 2.24 + 0.6, abs=1e-5)
    assert sized(spec_of(daily), current=plan) == plan


def test_a_commitment_is_bought_where_its_hours_pay():
    """Up for 16 of 24 h a machine costs 1.49 USD/h on average: a year at 1.40 is less, at 1.50 it is not."""
    daily = replace(spec_of(replace(at(ASSIST_8B, 60, day=NIGHTS), allowed=L40S_ONLY)))
    yearly = replace(daily, commitments=Commitments(terms=(PurchaseMode.COMMITTED_1Y,)))
    plan = sized(yearly, COMMITTED)
    assert [(one.to_buy, one.owned, one.usd_per_hour) for one in plan.commitments] == [(8, 0, 1.4)]
    assert plan.usd_per_hour == pytest.approx(8 * 1.4 + 0.6)
    dearer = replace(
        SMALL_MARKET, offers=(*SMALL_MARKET.offers, replace(offer(L40S_SINGLE, 1.5), mode=PurchaseMode.COMMITTED_1Y))
    )
    base = sized(yearly, dearer)
    assert [one.to_buy for one in base.commitments] == [2]  # by night too
    assert base.usd_per_hour == pytest.approx(2 * 1.5 + 6 * 2.24 * 16 / 24 + 0.6, abs=1e-5)


def test_commitments_that_are_owned_cover_machines_at_no_more():
    """Two of three machines are paid anyway: one at 2.24 USD is left."""
    owned = OwnedCommitment(cloud=Cloud.AWS, machine=L40S_SINGLE.name, region=REGION, machines=2)
    spec = spec_of(replace(ASSIST_8B, allowed=L40S_ONLY))
    plan = sized(replace(spec, commitments=Commitments(owned=(owned,))))
    assert nodes(plan) == {"g6e-2xlarge-use1-az1": 3}
    assert plan.usd_per_hour == pytest.approx(2.24 + 0.6)


def test_a_reservation_is_used_before_anything_is_bought():
    """It is paid anyway: the chat stands there, where one machine on demand costs 55.04 USD/h."""
    plan = sized(replace(spec_of(CHAT_70B), reservations=(RESERVED_NODE,)))
    assert [(one.reservation, one.mode, one.nodes) for one in plan.node_pools if one.accelerator] == [
        ("cr-1", PurchaseMode.RESERVATION, 1)
    ]
    assert plan.usd_per_hour == pytest.approx(0.6)
    assert [one.mode for one in plan.deployments] == [PurchaseMode.ON_DEMAND]  # it stays, as spot does not


def test_a_capacity_block_carries_what_is_needed_within_its_days():
    """1,680 USD for one machine and seven days are 10 USD/h; who is needed always finds nothing in it."""
    brief = replace(CHAT_70B, needed=Window(start=date(2026, 12, 2), until=date(2026, 12, 5)))
    plan = sized(replace(spec_of(brief), capacity_blocks=(WEEK_BLOCK,)))
    assert plan.usd_per_hour == pytest.approx(10 + 0.6)
    told = "machines of cb-1 are there from 2026-12-01 until 2026-12-08 alone"
    assert [one.startswith(told) for one in plan.assumptions].count(True) == 1
    always = sized(replace(spec_of(CHAT_70B), capacity_blocks=(WEEK_BLOCK,)))
    assert always.usd_per_hour == pytest.approx(55.04 + 0.6)


def test_each_workload_stands_where_it_is_cheapest():
    """The chat needs H100, sold in the east; thirteen L40S cost 13 USD in the west and 29.12 in the east."""
    plan = sized(spec_of(CHAT_70B, at(ASSIST_8B, 100), regions=BOTH), TWO_COASTS)
    assert [(one.workload, one.region) for one in plan.deployments] == [("chat", REGION), ("assist", WEST)]
    assert (plan.region, [site.region for site in plan.elsewhere]) == (REGION, [WEST])
    assert plan.usd_per_hour == pytest.approx(55.04 + 13 + 5 * 0.2)  # three zones in the east, two in the west
    assert [bucket.region for bucket in plan.buckets] == [REGION, WEST]


def test_a_workload_stays_where_it_may():
    """The west is cheaper; residency holds it in the east."""
    here = replace(at(ASSIST_8B, 100), regions=(REGION,))
    plan = sized(spec_of(here, regions=BOTH), TWO_COASTS)
    assert [one.region for one in plan.deployments] == [REGION]


def test_a_workload_that_runs_does_not_leave_its_region_unasked():
    """Sized where only the east was allowed; now the west is, at less than half. A new workload may stand there."""
    assist = at(ASSIST_8B, 100)
    today = sized(spec_of(assist), TWO_COASTS)
    stays = sized(spec_of(assist, regions=BOTH), TWO_COASTS, current=today)
    assert [one.region for one in stays.deployments] == [REGION]
    assert [one.region for one in sized(spec_of(assist, regions=BOTH), TWO_COASTS).deployments] == [WEST]
    second = replace(assist, name="second")
    both = sized(spec_of(assist, second, regions=BOTH), TWO_COASTS, current=today)
    assert {one.workload: one.region for one in both.deployments} == {"assist": REGION, "second": WEST}
    assert both.region == REGION  # home: its resources keep their names


def test_a_workload_whose_region_has_nothing_for_it_any_more_moves():
    """The east sells no L40S any more, and no zone is asked to be survived elsewhere."""
    assist = replace(at(ASSIST_8B, 100), allowed=L40S_ONLY)
    today = sized(spec_of(assist, regions=BOTH[:1]), TWO_COASTS)
    left = replace(
        TWO_COASTS,
        offers=tuple(one for one in TWO_COASTS.offers if (one.machine, one.region) != (L40S_SINGLE.name, REGION)),
    )
    moved = sized(spec_of(assist, regions=BOTH), left, current=today)
    assert moved.region == WEST


def test_home_stays_home_while_anything_stands_there():
    """The chat stands in the east, where the plan has its home, though more is paid in the west."""
    many = at(ASSIST_8B, 800)
    today = sized(spec_of(CHAT_70B), TWO_COASTS)
    plan = sized(spec_of(CHAT_70B, many, regions=BOTH), TWO_COASTS, current=today)
    assert (plan.region, [site.region for site in plan.elsewhere]) == (REGION, [WEST])
    assert sized(spec_of(CHAT_70B, many, regions=BOTH), TWO_COASTS).region == WEST


def test_what_comes_last_is_left_out_where_the_budget_does_not_carry_all():
    """20,000 USD a month are 27.40 USD/h: the assistant at 6.72, not the chat at 55.04."""
    chat, assist = replace(CHAT_70B, priority=2), replace(ASSIST_8B, priority=5)
    spec = spec_of(chat, assist, budget_usd_per_month=20_000)
    plan = sized(spec)
    assert [(one.workload, one.priority) for one in plan.left_out] == [("chat", 2)]
    assert {one.workload for one in plan.deployments} == {"assist"}
    must = sizing.size(replace(spec, workloads=(replace(chat, priority=None), assist)), SMALL_MARKET)
    assert isinstance(must, NoPlan)


def test_a_team_has_no_more_than_its_accelerators():
    """The chat would take four of an H100 node twice; with four to have, its team has no plan, with eight it has."""
    chat = replace(CHAT_70B, team="research")
    few, enough = (
        replace(spec_of(chat), teams=(TeamQuota(name="research", accelerators=number),)) for number in (4, 8)
    )
    assert isinstance(sizing.size(few, SMALL_MARKET, alternatives=False), NoPlan)
    assert [one.team for one in sized(enough).deployments] == ["research"]


def test_replicas_of_one_kind_stand_on_several_machine_types():
    """Eleven L40S: a node of eight at 13.44 USD is 1.68 a device, and three single ones at 2.24 are the rest."""
    market = catalog_of([L40S_SINGLE, L40S_NODE], [offer(L40S_SINGLE, 2.24), offer(L40S_NODE, 13.44)])
    plan = sized(spec_of(at(ASSIST_8B, 85)), market)
    (deployment,) = plan.deployments
    assert nodes(plan) == {"g6e-2xlarge-use1-az1": 3, "g6e-48xlarge-use1-az1": 1}
    assert set(deployment.machines) == {"g6e.2xlarge", "g6e.48xlarge"}
    assert deployment.replicas == 11


@pytest.mark.parametrize("lost", ["use1-az1", "use1-az2", "use1-az4"])
def test_a_plan_that_survives_a_zone_serves_without_any_of_them(lost: str):
    """Taken away: its pools, and with them its replicas; what is left carries the peak with its headroom."""
    workloads = tuple(replace(one, survive=Survive.ZONE) for one in (CHAT_70B, ASSIST_8B))
    plan = sized(spec_of(*workloads))
    zones = {pool.name: pool.zone for pool in plan.node_pools}
    for workload in workloads:
        left = sum(
            placement.replicas * one.requests_per_s
            for one in plan.deployments
            if one.workload == workload.name
            for placement in one.placements
            if zones[placement.pool] != lost
        )
        assert left >= workload.traffic.requests_per_s * 1.2 * (1 - 1e-4)
