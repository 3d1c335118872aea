"""Staying as it is, as one of the answers: kept where nothing better is known, or nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sizing
from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.search import search
from sizing.allocation.finding.staying import is_unchanged, kept_or, stayed
from sizing.allocation.planning.moves import moves
from sizing.catalog import Catalog
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.outcome import Sized
from sizing.plan import SizingPlan
from sizing.spec.schedule import DayPart
from sizing.spec.workload import Serving, Spec
from tests.markets import ASSIST_8B, CHAT_70B, H100_NODE, SMALL_MARKET, offer, spec_of

NIGHTS = (DayPart(from_h=0, until_h=8, share=0.2), DayPart(from_h=8, until_h=24, share=1.0))
BOTH = spec_of(CHAT_70B, ASSIST_8B)


def plan_of(spec: Spec, catalog: Catalog = SMALL_MARKET) -> SizingPlan:
    answer = sizing.size(spec, catalog, alternatives=False)
    assert isinstance(answer, Sized)
    return answer.plan


def formulation_of(spec: Spec, current: SizingPlan | None) -> tuple[Formulation, Purchase]:
    """The problem from a current plan, and its best purchase."""
    best = search(spec, SMALL_MARKET, current=current).best
    assert best is not None
    assert best.formulation is not None
    assert best.found is not None
    return best.formulation, best.found


def busier(workload: Serving, factor: float) -> Serving:
    return replace(workload, traffic=replace(workload.traffic, requests_per_s=workload.traffic.requests_per_s * factor))


def test_what_stays_is_what_runs():
    """Machines and cost of the plan, as a purchase that does all that is asked."""
    plan = plan_of(BOTH)
    formulation, _ = formulation_of(BOTH, plan)
    staying = stayed(formulation)
    assert staying is not None
    assert (staying.micro_usd_per_hour or 0) / 1e6 == pytest.approx(plan.usd_per_hour)
    assert {one.pool.machine for one in staying.bought} == {p.machine for p in plan.node_pools if p.accelerator}


def test_what_carries_its_traffic_no_more_does_not_stay():
    """Three times the requests: the replicas of today are too few."""
    more = spec_of(CHAT_70B, busier(ASSIST_8B, 3))
    formulation, _ = formulation_of(more, plan_of(BOTH))
    assert stayed(formulation) is None


def test_nothing_stays_where_nothing_runs():
    formulation, _ = formulation_of(BOTH, None)
    assert stayed(formulation) is None


def test_by_hours_of_the_day_the_machines_of_today_are_filled_anew():
    """A plan tells its replicas at their most and least only; what its machines can do each hour is worked out."""
    daily = spec_of(replace(ASSIST_8B, traffic=replace(ASSIST_8B.traffic, requests_per_s=60, day=NIGHTS)))
    plan = plan_of(daily)
    formulation, _ = formulation_of(daily, plan)
    staying = stayed(formulation)
    assert staying is not None
    assert (staying.micro_usd_per_hour or 0) / 1e6 == pytest.approx(plan.usd_per_hour)


def test_a_dearer_plan_of_a_search_that_was_stopped_is_not_taken():
    """Its own bound stays: what is proved is proved."""
    formulation, found = formulation_of(BOTH, plan_of(BOTH))
    assert found.objective is not None
    dearer = replace(found, status=SolverStatus.FEASIBLE, objective=found.objective * 1.1, bound=found.objective * 0.9)
    kept = kept_or(dearer, formulation, unchanged=False)
    assert kept.objective == pytest.approx(found.objective)
    assert kept.bound == dearer.bound
    assert kept.status is SolverStatus.FEASIBLE


def test_where_nothing_has_changed_a_stopped_search_moves_nothing_and_a_proof_does():
    """A cheaper plan: found by chance it stays where it is; proved to be the best it is taken."""
    formulation, found = formulation_of(BOTH, plan_of(BOTH))
    assert found.objective is not None
    cheaper = replace(found, status=SolverStatus.FEASIBLE, objective=found.objective * 0.9, bound=1.0)
    kept = kept_or(cheaper, formulation, unchanged=True)
    assert kept.objective == pytest.approx(found.objective)
    assert kept.status is SolverStatus.FEASIBLE
    assert kept_or(cheaper, formulation, unchanged=False) is cheaper
    proved = replace(cheaper, status=SolverStatus.OPTIMAL)
    assert kept_or(proved, formulation, unchanged=True) is proved


def test_a_search_without_an_answer_leaves_what_runs():
    """Out of time: the plan of today does what is asked. Proved that there is none: so be it."""
    formulation, _ = formulation_of(BOTH, plan_of(BOTH))
    late = kept_or(Purchase(status=SolverStatus.OUT_OF_TIME), formulation, unchanged=False)
    assert late.status is SolverStatus.FEASIBLE
    assert late.micro_usd_per_hour is not None
    none = Purchase(status=SolverStatus.INFEASIBLE)
    assert kept_or(none, formulation, unchanged=True) is none


def test_a_plan_is_unchanged_with_its_spec_facts_and_versions():
    plan = plan_of(BOTH)
    assert is_unchanged(BOTH, SMALL_MARKET, plan)
    assert not is_unchanged(replace(BOTH, hash="b" * 64), SMALL_MARKET, plan)
    assert not is_unchanged(BOTH, replace(SMALL_MARKET, hash="d" * 64), plan)
    assert not is_unchanged(BOTH, SMALL_MARKET, replace(plan, solver="ortools 1.0"))


def test_what_moved_is_told_with_what_it_saves_and_when_it_has_paid():
    """
    From 55.04 to 50.00 USD/h: 5.04 are saved; a day of the new machine is 1,200 USD, paid after 1,200 / 5.04 / 24 days.

    9.92 days, of which a plan has thirty.
    """
    today = plan_of(spec_of(CHAT_70B))
    new = replace(H100_NODE, name="new.48xlarge")
    wider = replace(
        SMALL_MARKET, machines=(*SMALL_MARKET.machines, new), offers=(*SMALL_MARKET.offers, offer(new, 50.0))
    )
    answer = sizing.size(spec_of(CHAT_70B), wider, current=today, alternatives=False)
    assert isinstance(answer, Sized)
    (told,) = answer.moves
    what, _, worth = told.partition(": ")
    assert what == "1 x p5.48xlarge on demand in use1-az1 -> 1 x new.48xlarge on demand in use1-az1"
    assert worth == (
        "saves 5.04 USD/h, costs 1,200.00 USD once, 24 h beside what runs, and has paid after 9.92 of 30 days"
    )


def test_machines_for_more_traffic_are_told_with_what_they_cost():
    """Twice the requests: three machines more, nothing is saved."""
    today = plan_of(spec_of(ASSIST_8B))
    answer = sizing.size(spec_of(busier(ASSIST_8B, 2)), SMALL_MARKET, current=today, alternatives=False)
    assert isinstance(answer, Sized)
    (told,) = answer.moves
    assert told.startswith("nothing -> ")
    assert "USD/h more" in told


def test_what_is_not_sold_any_more_is_told_as_such():
    """What stood there has no price to compare with."""
    today = plan_of(spec_of(CHAT_70B))
    gone = replace(SMALL_MARKET, offers=tuple(o for o in SMALL_MARKET.offers if o.machine != "p5.48xlarge"))
    answer = sizing.size(spec_of(CHAT_70B), gone, current=today, alternatives=False)
    assert isinstance(answer, Sized)
    assert answer.moves[0].endswith("what ran is not sold any more at a known price")
    assert moves(today, today, gone, payback_h=720) == ()
