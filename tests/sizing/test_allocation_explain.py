"""Alternatives are true: each costs what a spec held to it costs, and none is cheaper than the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sizing
from sizing.allocation import surer
from sizing.outcome import Sized
from sizing.spec.workload import Serving, Survive
from sizing.units import usd_per_month
from tests.markets import A100_NODE, ANYTHING, ASSIST_8B, CHAT_70B, H100_NODE, SMALL_MARKET, catalog_of, offer, spec_of


def answer(*workloads: Serving, **rest) -> Sized:
    found = sizing.size(spec_of(*workloads, **rest), SMALL_MARKET)
    assert isinstance(found, Sized)
    return found


@pytest.mark.parametrize("workload", [CHAT_70B, ASSIST_8B], ids=["chat", "assist"])
def test_an_alternative_costs_what_a_spec_held_to_it_costs(workload: Serving):
    """For each machine type that is told: the same workload with allow.machines of that one."""
    found = answer(workload)
    costed = [(one.what, one.usd_per_hour) for one in found.runners_up if one.usd_per_hour is not None]
    assert costed
    for what, cost in costed:
        machine = what.split()[2]
        held = answer(replace(workload, allowed=replace(workload.allowed, machines=(machine,))))
        if machine not in {pool.machine for pool in found.plan.node_pools}:
            assert held.plan.usd_per_hour == pytest.approx(cost)
        assert cost >= found.plan.usd_per_hour - 1e-6


def test_alternatives_are_told_cheapest_first_then_what_cannot_be_bought():
    """Costs ascend; what has no cost comes last, each with what it misses."""
    costs = [one.usd_per_hour for one in answer(CHAT_70B, ASSIST_8B).runners_up]
    known = [cost for cost in costs if cost is not None]
    assert known == sorted(known)
    assert costs[: len(known)] == known


def test_what_has_no_cost_says_why():
    """Every alternative without a cost misses something; every feasible one within the budget misses nothing."""
    for one in answer(CHAT_70B, ASSIST_8B).runners_up:
        assert (one.usd_per_hour is None) == bool(one.misses)


def test_alternatives_over_the_budget_say_so():
    """A100 machines serve the chat too, at ten times the budget."""
    dearer = [one for one in answer(CHAT_70B, budget_usd_per_month=45_000).runners_up if "p4de" in one.what]
    assert dearer[0].misses[0].metric == "usd_per_month"
    assert dearer[0].misses[0].reached == pytest.approx(730 * (dearer[0].usd_per_hour or 0))


def test_a_plan_with_spot_tells_what_it_costs_without():
    """All on demand costs what a spec without spot costs."""
    mixed = answer(replace(ASSIST_8B, allowed=replace(ANYTHING, spot_share=0.5)))
    firm = answer(ASSIST_8B)
    costs = [one.usd_per_hour for one in mixed.runners_up]
    assert any(cost == pytest.approx(firm.plan.usd_per_hour) for cost in costs if cost is not None)


def test_a_machine_sold_in_one_zone_is_told_as_such():
    """Cheaper, but the workload must survive the loss of a zone, and nothing else carries as its replicas do."""
    cheap = replace(A100_NODE, name="cheap.48xlarge")
    market = catalog_of([H100_NODE, cheap], [offer(H100_NODE, 55.04), offer(cheap, 10.0, zones=("use1-az1",))])
    found = sizing.size(spec_of(replace(CHAT_70B, survive=Survive.ZONE)), market)
    assert isinstance(found, Sized)
    lost = next(one for one in found.runners_up if one.what.startswith("cheap.48xlarge"))
    assert lost.misses[0].text == "sold in use1-az1 only: no other zone is left when that is lost"


def test_what_more_confidence_costs_is_what_a_spec_that_asks_for_it_costs():
    """At 80 % and at 90 %, each really sized; what is asked already is not told."""
    told = surer(spec_of(ASSIST_8B), SMALL_MARKET)
    assert [one.what.partition(":")[0] for one in told] == ["80 % confidence", "90 % confidence"]
    for share, one in zip((0.8, 0.9), told, strict=True):
        asked = replace(ASSIST_8B, objectives=replace(ASSIST_8B.objectives, confidence=share))
        assert one.usd_per_hour is not None
        assert one.usd_per_hour == pytest.approx(answer(asked).plan.usd_per_hour)
        assert one.usd_per_hour >= answer(ASSIST_8B).plan.usd_per_hour - 1e-6
    sure = replace(ASSIST_8B, objectives=replace(ASSIST_8B.objectives, confidence=0.85))
    assert [one.what.partition(":")[0] for one in surer(spec_of(sure), SMALL_MARKET)] == ["90 % confidence"]


def test_a_confidence_that_nothing_reaches_says_what_the_nearest_misses():
    """A TTFT of 0.1 s: nine times of ten nothing here keeps it, however little arrives."""
    tight = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ttft_p95_s=0.1))
    *_, last = surer(spec_of(tight), SMALL_MARKET)
    assert last.usd_per_hour is None
    assert "with 90 % confidence" in last.misses[0].text


def test_more_confidence_beyond_the_budget_says_so():
    """A dollar a month less than what 90 % takes: it is told all the same; with a dollar more nothing is missed."""
    *_, free = surer(spec_of(CHAT_70B), SMALL_MARKET)
    assert free.usd_per_hour is not None
    cost = usd_per_month(free.usd_per_hour)
    *_, over = surer(spec_of(CHAT_70B, budget_usd_per_month=cost - 1), SMALL_MARKET)
    assert over.usd_per_hour == free.usd_per_hour
    assert [miss.metric for miss in over.misses] == ["usd_per_month"]
    *_, within = surer(spec_of(CHAT_70B, budget_usd_per_month=cost + 1), SMALL_MARKET)
    assert not within.misses
