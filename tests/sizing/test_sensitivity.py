"""How firmly a plan stands: each figure against what sizing anew with that one thing changed comes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sizing
from sizing.allocation.whatif.sweep import Repricing, repriced
from sizing.allocation.why.sensitivity import MOST_GROWTH, Sensitivity, sensitivity
from sizing.outcome import Sized
from sizing.render_sensitivity import sensitivity_document, sensitivity_lines
from sizing.spec.workload import Spec, Survive
from tests.markets import CHAT_70B, H100_NODE, REGION, SMALL_MARKET, ZONES, catalog_of, offer, spec_of

SPEC = spec_of(replace(CHAT_70B, survive=Survive.ZONE))


def cost(spec: Spec, catalog: sizing.Catalog = SMALL_MARKET) -> float:
    answer = sizing.size(spec, catalog, alternatives=False)
    assert isinstance(answer, Sized)
    return answer.plan.usd_per_hour


@pytest.fixture(scope="module")
def found() -> Sensitivity:
    answer = sensitivity(SPEC, SMALL_MARKET)
    assert answer is not None
    return answer


def test_surviving_a_zone_costs_what_the_plan_without_it_saves(found: Sensitivity):
    saved = next(one for one in found.reliefs if "loss of a zone" in one.what)
    without = spec_of(CHAT_70B)
    assert saved.saves_usd_per_hour == pytest.approx(cost(SPEC) - cost(without))
    assert saved.saves_usd_per_hour > 0


def test_a_looser_limit_saves_what_sizing_with_it_does(found: Sensitivity):
    """45 ms a token become 49.5 ms."""
    told = next(one for one in found.reliefs if "tpot_p95_s of 0.0495" in one.what)
    looser = replace(SPEC.workloads[0], objectives=replace(CHAT_70B.objectives, tpot_p95_s=0.0495))
    assert told.saves_usd_per_hour == pytest.approx(cost(SPEC) - cost(replace(SPEC, workloads=(looser,))), abs=0.005)


def test_the_plan_turns_at_the_price_that_is_told(found: Sensitivity):
    """A thousandth below, the same machines at the higher price; a thousandth above, others that cost less."""
    (turn,) = found.rises
    assert turn.machine == "p5.48xlarge"
    assert turn.factor is not None
    assert turn.turns_at_usd_per_hour == pytest.approx(55.04 * turn.factor)
    for factor, stays in ((turn.factor - 0.001, True), (turn.factor + 0.001, False)):
        dearer = repriced(SMALL_MARKET, [Repricing(name=turn.machine, mode=None, factor=factor)])
        answer = sizing.size(SPEC, dearer, alternatives=False)
        assert isinstance(answer, Sized)
        same = cost(SPEC) + (factor - 1) * 55.04 * 2
        assert (answer.plan.usd_per_hour == pytest.approx(same, abs=1e-5)) is stays
        assert answer.plan.usd_per_hour <= same + 1e-5


def test_the_nearest_rival_would_have_to_fall_so_far(found: Sensitivity):
    """A thousandth less than that, and it is in the plan; a thousandth more, and it is not."""
    turns = [one for one in found.falls if one.factor is not None]
    assert turns
    for turn in turns:
        assert turn.factor is not None
        for factor, taken in ((turn.factor * 0.999, True), (min(1.0, turn.factor * 1.001), False)):
            cheaper = repriced(SMALL_MARKET, [Repricing(name=turn.machine, mode=None, factor=factor)])
            answer = sizing.size(SPEC, cheaper, alternatives=False)
            assert isinstance(answer, Sized)
            assert (turn.machine in {pool.machine for pool in answer.plan.node_pools}) is taken


def test_the_same_machines_carry_so_much_and_hardly_more(found: Sensitivity):
    """At that rate the plan costs what it costs; a hundredth beyond, more."""
    factor = found.same_machines_up_to
    assert 1 <= factor < MOST_GROWTH

    def at(times: float) -> float:
        traffic = replace(CHAT_70B.traffic, requests_per_s=CHAT_70B.traffic.requests_per_s * times)
        return cost(replace(SPEC, workloads=(replace(SPEC.workloads[0], traffic=traffic),)))

    assert at(factor) <= cost(SPEC) + 1e-9
    assert at(factor * 1.01) > cost(SPEC)
    for growth in found.growths:
        assert growth.usd_per_hour == pytest.approx(at(growth.factor), abs=1e-4)


def test_without_a_plan_there_is_nothing_to_stand_firmly():
    impossible = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, tpot_p95_s=0.0001))
    assert sensitivity(spec_of(impossible), SMALL_MARKET) is None


def test_another_zone_is_tried_where_the_spec_leaves_it_out():
    """Over two zones either must carry all; over three, two of the three: fewer machines."""
    market = catalog_of([H100_NODE], [offer(H100_NODE, 55.04)])
    busy = replace(CHAT_70B, survive=Survive.ZONE, traffic=replace(CHAT_70B.traffic, requests_per_s=40))
    spec = spec_of(busy, zones=ZONES[:2])
    answer = sensitivity(spec, market)
    assert answer is not None
    told = next(one for one in answer.reliefs if one.what == f"zone {ZONES[2]}")
    saved = cost(spec, market) - cost(spec_of(busy, zones=ZONES), market)
    assert told.saves_usd_per_hour == pytest.approx(saved, abs=0.005)
    assert saved > 0
    assert REGION in {one.region for one in market.offers}


def test_what_is_told_fits_the_screen_and_the_document_says_the_same(found: Sensitivity):
    """80 columns; every figure of the text is a value of the document."""
    lines = sensitivity_lines(found, SPEC)
    assert max(map(len, lines)) <= 80
    document = sensitivity_document(found)
    assert document["same_machines_up_to"] == found.same_machines_up_to
    assert [one["what"] for one in document["reliefs"]] == [one.what for one in found.reliefs]  # type: ignore[attr-defined]
    text = "\n".join(lines)
    assert "p5.48xlarge may rise by" in text
    assert "the same machines carry up to" in text
