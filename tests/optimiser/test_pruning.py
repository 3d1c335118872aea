"""Nothing that is left out of a problem would have made its answer any better."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.check import violations
from sizing.optimiser.levels import proof
from sizing.optimiser.problem import ALWAYS, Choice, Commitment, Demand, Pool, Problem, Quota, Site
from sizing.optimiser.pruning import with_pools, without_dominated
from sizing.optimiser.purchase import Purchase
from tests.optimiser.problems import problems

ON_DEMAND = PurchaseMode.ON_DEMAND


def proven_unpruned(problem: Problem) -> Purchase:
    """The proven answer to the problem as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof, "without_dominated", lambda whole: whole)
        return proof.proven(problem)


def pool(machine: str, *, slots: int, usd: int, region: str = "east", **rest) -> Pool:
    return Pool(
        machine=machine,
        region=region,
        zone=f"{region}-a",
        mode=ON_DEMAND,
        slots=slots,
        micro_usd_per_hour=usd,
        **rest,
    )


def market(*pools: Pool, **rest) -> Problem:
    """One workload that runs alike on every machine type."""
    machines = dict.fromkeys(one.machine for one in pools)
    return Problem(
        demands=(Demand(workload="chat", total=(3,), firm=(3,), spot=(0,), zone_loss=False),),
        choices=tuple(Choice(workload="chat", machine=name, kind="TP1", slots=1, capacity=1) for name in machines),
        pools=pools,
        sites=tuple(
            Site(region=region, system_micro_usd_per_hour=0, least_system_machines=0)
            for region in dict.fromkeys(one.region for one in pools)
        ),
        periods=ALWAYS,
        **rest,
    )


def kept(problem: Problem) -> set[str]:
    return {one.machine for one in without_dominated(problem).pools}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems())
def test_what_is_left_out_changes_neither_who_is_served_nor_the_least_cost(problem: Problem):
    """With quotas, reservations, limits, commitments, teams, periods, regions and machines that run today."""
    whole, smaller = proven_unpruned(problem), proof.proven(problem)
    assert (smaller.status, len(smaller.unserved)) == (whole.status, len(whole.unserved))
    assert smaller.objective == pytest.approx(whole.objective)
    assert not violations(problem, smaller)


def test_eight_single_machines_replace_one_of_eight_at_the_same_price():
    """8 x 1 USD for 8 USD: whatever packs on the large one packs on eight small ones."""
    assert kept(market(pool("large", slots=8, usd=8), pool("small", slots=1, usd=1))) == {"small"}
    assert kept(market(pool("large", slots=8, usd=7), pool("small", slots=1, usd=1))) == {"large", "small"}


def test_what_takes_more_of_a_quota_replaces_nothing():
    """Two units a slot of the small machine, one of the large: the quota may be what decides."""
    large, small = pool("large", slots=8, usd=8), pool("small", slots=1, usd=1)
    quota = Quota(name="vcpus", limit=8, units=((large, 8), (small, 2)))
    assert kept(market(large, small, quotas=(quota,))) == {"large", "small"}
    alike = replace(quota, units=((large, 8), (small, 1)))
    assert kept(market(large, small, quotas=(alike,))) == {"small"}


def test_what_there_are_only_some_of_replaces_nothing():
    assert kept(market(pool("large", slots=8, usd=8), pool("small", slots=1, usd=1, most=4))) == {"large", "small"}


def test_what_is_sold_in_fewer_regions_replaces_nothing():
    """The large machine is to be had in the west too."""
    west = pool("large", slots=8, usd=8, region="west")
    assert kept(market(pool("large", slots=8, usd=8), west, pool("small", slots=1, usd=1))) == {"large", "small"}


def test_what_runs_today_stays_in_the_problem():
    """Leaving it costs a move."""
    running = pool("large", slots=8, usd=8, running=1)
    assert kept(market(running, pool("small", slots=1, usd=1, running=0))) == {"large", "small"}


@pytest.mark.parametrize(("usd", "left"), [(4, {"large", "small"}), (8, {"small"})])
def test_what_can_be_committed_to_is_replaced_only_by_what_can_be_at_no_more(usd: int, left: set[str]):
    """A year of the large machine at 4 USD an hour beats eight small ones at 0.75; at 8 USD it does not."""
    large, small = pool("large", slots=8, usd=8), pool("small", slots=1, usd=1)
    years = [
        Commitment(machine=one.machine, region="east", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=price)
        for one, price in ((large, usd), (small, 1))
    ]
    assert kept(market(large, small, commitments=tuple(years))) == left
    assert kept(market(large, small, commitments=tuple(years[:1]))) == {"large", "small"}


def test_a_problem_of_fewer_pools_has_what_belongs_to_them():
    """Quotas over other pools, commitments and sites of other regions go with them."""
    east, west = pool("large", slots=8, usd=8), pool("large", slots=8, usd=8, region="west")
    year = Commitment(machine="large", region="west", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=4)
    quota = Quota(name="vcpus", limit=8, units=((east, 8), (west, 8)))
    here = with_pools(market(east, west, quotas=(quota,), commitments=(year,)), [east])
    assert here.pools == (east,)
    assert here.quotas[0].units == ((east, 8),)
    assert not here.commitments
    assert [site.region for site in here.sites] == ["east"]
