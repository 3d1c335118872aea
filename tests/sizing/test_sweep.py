"""Sweeps: weighed once where only rate and price differ, the same answers as alone, fronts, where machines change."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sizing
import sizing.allocation.whatif.sweep as sweeping
from sizing.allocation.ways.candidates import Weighed, weigh
from sizing.allocation.whatif.pareto import Spot, axis_of, efficient
from sizing.allocation.whatif.sweep import (
    Machines,
    Repricing,
    Trial,
    Weighings,
    machines_of,
    machines_that_differ,
    repriced,
    sweep,
)
from sizing.allocation.whatif.tried import Tried, Tries
from sizing.catalog import PurchaseMode
from sizing.errors import UnknownFact
from sizing.outcome import Sized
from sizing.spec.changes import points, read_changes
from sizing.spec.workload import Serving, Spec, Survive
from tests.markets import ANYTHING, ASSIST_8B, CHAT_70B, SMALL_MARKET, spec_of


def at_rate(requests_per_s: float) -> Spec:
    """The chat at another rate."""
    return spec_of(replace(CHAT_70B, traffic=replace(CHAT_70B.traffic, requests_per_s=requests_per_s)))


def test_ways_are_weighed_once_for_trials_that_differ_in_rate_and_price(monkeypatch: pytest.MonkeyPatch):
    """Two rates on two markets, with and without the loss of a zone: one weighing; another limit: one more."""
    weighed = []

    def counted(workload: Serving, *rest) -> Weighed:
        weighed.append(workload.name)
        return weigh(workload, *rest)

    monkeypatch.setattr(sweeping, "weigh", counted)
    dearer = repriced(SMALL_MARKET, [Repricing(name="p5.48xlarge", mode=None, factor=1.2)])
    specs = [at_rate(rate) for rate in (4, 12)]
    surviving = [replace(one, workloads=(replace(one.workloads[0], survive=Survive.ZONE),)) for one in specs]
    trials = [Trial(spec=one, catalog=market) for one in (*specs, *surviving) for market in (SMALL_MARKET, dearer)]
    assert len(list(sweep(trials, current=None))) == 8
    assert len(weighed) == 1

    slower = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, tpot_p95_s=0.06))
    list(sweep([*trials, Trial(spec=spec_of(slower), catalog=SMALL_MARKET)], current=None))
    assert len(weighed) == 3  # a sweep of its own begins with nothing


def test_a_sweep_answers_as_one_after_the_other_would():
    """What is used again changes no answer: the same plans as sized each by itself."""
    trials = [
        Trial(spec=replace(at_rate(rate), headroom=headroom), catalog=SMALL_MARKET)
        for rate in (4, 24)
        for headroom in (0.1, 0.5)
    ]
    for trial, answer in zip(trials, sweep(trials, current=None), strict=True):
        alone = sizing.size(trial.spec, trial.catalog)
        assert isinstance(alone, Sized)
        assert isinstance(answer, Sized)
        assert answer.plan == alone.plan


def test_two_workloads_that_are_alike_but_for_their_name_are_weighed_by_name():
    """Candidates carry the name of their workload."""
    known = Weighings()
    pair = known.of(Trial(spec=spec_of(CHAT_70B, replace(CHAT_70B, name="twin")), catalog=SMALL_MARKET))
    assert [{one.workload for one in found.candidates} for found in pair] == [{"chat"}, {"twin"}]


def price(catalog: sizing.Catalog, machine: str, mode: PurchaseMode) -> float | None:
    return next(one.usd_per_hour for one in catalog.offers if (one.machine, one.mode) == (machine, mode))


def test_a_factor_is_on_every_way_to_buy_and_a_price_on_demand():
    """55.04 and 22.00 USD/h of a p5.48xlarge, on demand and spot."""
    on_demand, spot = PurchaseMode.ON_DEMAND, PurchaseMode.SPOT
    half = repriced(SMALL_MARKET, [Repricing(name="p5.48xlarge", mode=None, factor=0.5)])
    assert (price(half, "p5.48xlarge", on_demand), price(half, "p5.48xlarge", spot)) == (27.52, 11.0)
    told = repriced(SMALL_MARKET, [Repricing(name="p5.48xlarge", mode=None, usd_per_hour=40.0)])
    assert (price(told, "p5.48xlarge", on_demand), price(told, "p5.48xlarge", spot)) == (40.0, 22.0)
    only = repriced(SMALL_MARKET, [Repricing(name="p5.48xlarge", mode=spot, factor=0.5)])
    assert (price(only, "p5.48xlarge", on_demand), price(only, "p5.48xlarge", spot)) == (55.04, 11.0)


def test_an_accelerator_stands_for_every_machine_that_has_it():
    """Both machine types with H100, and no other."""
    dearer = repriced(SMALL_MARKET, [Repricing(name="nvidia-h100-80gb", mode=None, factor=2)])
    moved = {new.machine for old, new in zip(SMALL_MARKET.offers, dearer.offers, strict=True) if old != new}
    assert moved == {"p5.48xlarge", "p5.4xlarge"}


def test_a_machine_that_does_not_exist_has_no_price():
    with pytest.raises(UnknownFact, match=r"p5\.48xlarge"):
        repriced(SMALL_MARKET, [Repricing(name="p5.48", mode=None, factor=2)])


def tries_of(text: str, specs: list[Spec], **rest) -> Tries:
    """One change with a value for each of *specs*, sized."""
    asked = points(read_changes([text], workloads=["chat"]))
    answers = sweep([Trial(spec=one, catalog=SMALL_MARKET) for one in specs], current=None)
    tried = tuple(Tried(point=point, answer=answer) for point, answer in zip(asked, answers, strict=True))
    return Tries(stack="chat", tried=tried, today=None, **rest)


def test_where_the_plan_changes_machine_is_told_between_two_points():
    """The least traffic is cheapest on other machines than a whole node, which more traffic takes one or two of."""
    tries = tries_of("requests_per_s=0.5,12,30", [at_rate(0.5), at_rate(12), at_rate(30)])
    kinds = [{one.machine for one in machines_of(tried.plan)} for tried in tries.tried if tried.plan]
    expected = [place for place in (0, 1) if kinds[place] != kinds[place + 1]]
    assert expected
    assert [tries.tried.index(turn.before) for turn in tries.turns] == expected
    assert all(turn.after is tries.tried[tries.tried.index(turn.before) + 1] for turn in tries.turns)


def test_machines_that_are_bought_newly_are_counted_by_pool():
    """From one p5.48xlarge to three: two are new; back again: none is."""
    (few, many) = (
        answer.plan
        for answer in sweep([Trial(spec=at_rate(rate), catalog=SMALL_MARKET) for rate in (12, 60)], current=None)
        if isinstance(answer, Sized)
    )
    had, has = machines_of(few), machines_of(many)
    assert had == (Machines(machine="p5.48xlarge", mode=PurchaseMode.ON_DEMAND, nodes=1),)
    assert sum(one.nodes for one in has) > 1
    assert machines_that_differ(few, many) == sum(one.nodes for one in has) - 1
    assert machines_that_differ(many, few) == 0


def test_a_front_holds_what_no_other_point_beats():
    """By hand: (3, 5) is beaten by (2, 5), (4, 4) is not, (5, 4) is."""
    spots = [Spot(at=at, usd_per_hour=cost) for at, cost in ((3, 5), (1, 9), (5, 4), (2, 5), (4, 4))]
    assert [spots[one].at for one in efficient(spots, less_is_better=True)] == [1, 2, 4]
    # where more is better, (5, 4) is the best of all
    assert [spots[one].at for one in efficient(spots, less_is_better=False)] == [5]


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12),
    st.booleans(),
)
def test_every_point_is_on_the_front_or_beaten_by_one_that_is(pairs: list[tuple[int, int]], less: bool):  # noqa: FBT001
    """And no point of the front is as good as another one in both."""
    spots = [Spot(at=at, usd_per_hour=cost) for at, cost in pairs]
    front = [spots[one] for one in efficient(spots, less_is_better=less)]
    sign = 1 if less else -1

    def covers(one: Spot, other: Spot) -> bool:
        return sign * one.at <= sign * other.at and one.usd_per_hour <= other.usd_per_hour

    assert all(any(covers(one, spot) for one in front) for spot in spots)
    assert not any(covers(one, other) for one in front for other in front if one is not other)


def test_a_front_of_spot_shares_gets_cheaper_as_more_may_be_on_spot():
    """Every share within the axis is tried; those of the front cost less and less."""
    spec = spec_of(replace(ASSIST_8B, allowed=replace(ANYTHING, spot_share=0.5)))
    axis = axis_of("spot_share", spec)
    assert axis is not None
    asked = points([axis.change])
    specs = [
        replace(spec, workloads=(replace(ASSIST_8B, allowed=replace(ANYTHING, spot_share=share)),))
        for share in axis.change.values
        if isinstance(share, int | float)
    ]
    answers = sweep([Trial(spec=one, catalog=SMALL_MARKET) for one in specs], current=None)
    tried = tuple(Tried(point=point, answer=answer) for point, answer in zip(asked, answers, strict=True))
    front = Tries(stack="assist", tried=tried, today=None, axis=axis).front
    costs = [one.plan.usd_per_hour for one in front if one.plan is not None]
    assert len(costs) > 1
    assert costs == sorted(costs, reverse=True)


def test_a_front_needs_a_limit_that_is_stated():
    """No workload states one from end to end; one with a single workload is in seconds, about what is asked."""
    assert axis_of("e2e_p95_s", spec_of(CHAT_70B)) is None
    axis = axis_of("tpot_p95_s", spec_of(CHAT_70B))
    assert axis is not None
    assert CHAT_70B.objectives.tpot_p95_s in axis.change.values
