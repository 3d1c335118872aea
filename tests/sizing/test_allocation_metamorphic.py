"""What must hold between two plans, each made from nothing and proved to be the cheapest: more choice, more asked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

import sizing
from sizing.allocation.finding.search import search
from sizing.catalog import Catalog, Cloud
from sizing.outcome import NoPlan, Sized, SolverStatus
from sizing.plan import PoolRole, SizingPlan
from sizing.spec.capacity import QuotaLimit
from sizing.spec.workload import Serving, Spec, Survive
from tests.markets import (
    A100_NODE,
    ASSIST_8B,
    CHAT_70B,
    G_QUOTA,
    H100_NODE,
    H100_SINGLE,
    L40S_NODE,
    L40S_SINGLE,
    REGION,
    catalog_of,
    offer,
    spec_of,
)

WEST, WEST_ZONES = "us-west-2", ("usw2-az1", "usw2-az2")
SOUTH, SOUTH_ZONES = "sa-east-1", ("sae1-az1", "sae1-az2", "sae1-az3")
CENTRE = 1e-6  # of a dollar: prices are whole millionths
MANY_VCPUS = 100_000


def market(price: float) -> Catalog:
    """Three regions; *price* is that of L40S in the west, whose machines elsewhere are at the list price."""
    places = [(REGION, ("use1-az1", "use1-az2", "use1-az4"), 1.0), (WEST, WEST_ZONES, price), (SOUTH, SOUTH_ZONES, 1.4)]
    offers = [
        offer(machine, round(usd * (factor if machine in {L40S_SINGLE, L40S_NODE} else 1.0), 4), region=region, zones=z)
        for region, z, factor in places
        for machine, usd in ((H100_NODE, 55.04), (H100_SINGLE, 6.88), (L40S_SINGLE, 2.24), (L40S_NODE, 15.13))
        if region == REGION or machine is not H100_SINGLE
    ]
    machines = [H100_NODE, H100_SINGLE, A100_NODE, L40S_SINGLE, L40S_NODE]
    return replace(catalog_of(machines, offers), quotas=(G_QUOTA,))


prices = st.sampled_from([0.6, 0.9, 1.0, 1.2])
rates = st.floats(1, 60).map(lambda rate: round(rate, 1))
survivals = st.sampled_from(list(Survive))
few = settings(max_examples=12, deadline=None)


@st.composite
def stacks(draw: st.DrawFn, *, regions: tuple[str, ...] = (REGION, WEST)) -> Spec:
    """A chat, an assistant or both, at some rate, some of them to survive the loss of a zone."""
    chosen = draw(st.sampled_from([(CHAT_70B,), (ASSIST_8B,), (CHAT_70B, ASSIST_8B)]))
    workloads = [replace(at(one, draw(rates)), survive=draw(survivals)) for one in chosen]
    return spec_of(*workloads, regions=regions)


def at(workload: Serving, requests_per_s: float) -> Serving:
    return replace(workload, traffic=replace(workload.traffic, requests_per_s=requests_per_s))


def proven(spec: Spec, catalog: Catalog) -> SizingPlan | None:
    """The plan, which is proved to be the cheapest, or that there is none."""
    answer = sizing.size(spec, catalog, alternatives=False)
    if isinstance(answer, NoPlan):
        assert answer.outcome.status is SolverStatus.INFEASIBLE
        return None
    assert isinstance(answer, Sized)
    assert answer.outcome.status is SolverStatus.OPTIMAL
    return answer.plan


def cost(spec: Spec, catalog: Catalog) -> float:
    """USD per hour of what is proved to be the cheapest purchase; more than anything where there is none."""
    found = search(spec, catalog)
    if found.best is None or found.best.found is None:
        assert found.status is SolverStatus.INFEASIBLE
        return float("inf")
    assert found.status is SolverStatus.OPTIMAL
    return (found.best.found.micro_usd_per_hour or 0) / 1e6


@few
@given(stacks(), prices, st.floats(1.0, 3.0))
def test_more_traffic_never_costs_less(spec: Spec, price: float, factor: float):
    more = replace(spec, workloads=tuple(at(one, one.traffic.requests_per_s * factor) for one in spec.workloads))
    assert cost(spec, market(price)) <= cost(more, market(price)) + CENTRE


@few
@given(stacks(), prices, st.floats(1.0, 2.0))
def test_looser_limits_never_cost_more(spec: Spec, price: float, factor: float):
    """Times to the first token and per token, both times the same."""
    loose = replace(
        spec,
        workloads=tuple(
            replace(
                one,
                objectives=replace(
                    one.objectives,
                    ttft_p95_s=(one.objectives.ttft_p95_s or 1.0) * factor,
                    tpot_p95_s=(one.objectives.tpot_p95_s or 1.0) * factor,
                ),
            )
            for one in spec.workloads
        ),
    )
    assert cost(loose, market(price)) <= cost(spec, market(price)) + CENTRE


@few
@given(stacks(regions=(REGION,)), prices)
def test_one_more_region_never_costs_more(spec: Spec, price: float):
    """Whatever it sells, and at what prices."""
    wider = replace(spec, regions=(*spec.regions, WEST))
    widest = replace(spec, regions=(SOUTH, *wider.regions))
    costs = [cost(one, market(price)) for one in (widest, wider, spec)]
    assert costs == sorted(costs)


@few
@given(stacks(), prices, st.floats(1, 40).map(lambda usd: round(usd, 2)))
def test_one_more_machine_type_never_costs_more(spec: Spec, price: float, usd: float):
    narrow = market(price)
    wider = replace(narrow, offers=(*narrow.offers, offer(A100_NODE, usd, region=WEST, zones=WEST_ZONES)))
    assert cost(spec, wider) <= cost(spec, narrow) + CENTRE


@few
@given(stacks(), prices, st.integers(0, 300), st.integers(0, 300))
def test_more_quota_never_costs_more(spec: Spec, price: float, limit: int, more: int):
    """In vCPUs of G machines in the west; without one told there is none to keep."""
    costs = [
        cost(replace(spec, quotas=(QuotaLimit(cloud=Cloud.AWS, quota="L-G", region=WEST, limit=most),)), market(price))
        for most in (MANY_VCPUS, limit + more, limit)
    ]
    assert costs == sorted(costs)
    assert costs[0] == cost(spec, market(price))


@few
@given(stacks(), prices)
def test_how_workloads_regions_and_offers_are_listed_changes_nothing(spec: Spec, price: float):
    """Turned round: the same machines in the same zones, the same replicas on them."""
    plan = proven(spec, market(price))
    facts = market(price)
    turned = proven(
        replace(spec, workloads=spec.workloads[::-1], regions=spec.regions[::-1]),
        replace(facts, machines=facts.machines[::-1], offers=facts.offers[::-1]),
    )
    assert (plan is None) == (turned is None)
    if plan is not None and turned is not None:
        assert plan.node_pools == turned.node_pools
        assert sorted(plan.deployments, key=lambda one: one.name) == sorted(
            turned.deployments, key=lambda one: one.name
        )


@few
@given(stacks(), prices, st.sampled_from([0.5, 2.0, 10.0]))
def test_scaled_prices_scale_the_cost(spec: Spec, price: float, factor: float):
    """Every price times the same: the cost too, to the rounding of prices to millionths."""
    facts = market(price)
    scaled = replace(
        facts,
        offers=tuple(
            replace(one, usd_per_hour=None if one.usd_per_hour is None else one.usd_per_hour * factor)
            for one in facts.offers
        ),
    )
    before, after = cost(spec, facts), cost(spec, scaled)
    assert after == before * factor or abs(after / before / factor - 1) < 1e-6


@few
@given(stacks(), prices)
def test_sizing_again_changes_nothing(spec: Spec, price: float):
    """From its own plan, the plan itself."""
    plan = proven(spec, market(price))
    if plan is None:
        return
    again = sizing.size(spec, market(price), current=plan, alternatives=False)
    assert isinstance(again, Sized)
    assert again.plan == plan


@few
@given(stacks(), prices)
def test_a_plan_survives_the_loss_of_any_one_zone_where_that_is_asked(spec: Spec, price: float):
    """Each zone's pools taken away in turn: what is left of a workload carries its peak with the headroom."""
    plan = proven(spec, market(price))
    if plan is None:
        return
    zones = {pool.name: pool.zone for pool in plan.node_pools if pool.role is PoolRole.ACCELERATOR}
    for workload in spec.workloads:
        own = [one for one in plan.deployments if one.workload == workload.name]
        for lost in set(zones.values()) if workload.survive is Survive.ZONE else {None}:
            left = sum(
                placement.replicas * one.requests_per_s
                for one in own
                for placement in one.placements
                if zones[placement.pool] != lost
            )
            assert left >= workload.traffic.requests_per_s * 1.2 * (1 - 1e-4)
