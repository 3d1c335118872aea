"""Where replicas stand on machines that are bought: it costs nothing, and comes level by level."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.check import violations
from sizing.optimiser.engine.stands import purchase_of_stands
from sizing.optimiser.levels.arrangement import arranged
from sizing.optimiser.levels.proof import proven
from sizing.optimiser.problem import Choice, Demand, Period, Pool, Problem, Site
from sizing.optimiser.purchase import Purchase, Stand
from tests.optimiser.problems import problems


def pool(machine: str, zone: str, *, slots: int, usd: int) -> Pool:
    return Pool(
        machine=machine, region="east", zone=zone, mode=PurchaseMode.ON_DEMAND, slots=slots, micro_usd_per_hour=usd
    )


def problem(demands: dict[str, int], choices: list[Choice], pools: list[Pool], **rest) -> Problem:
    return Problem(
        demands=tuple(
            Demand(workload=name, total=(total,), firm=(total,), spot=(0,), zone_loss=False)
            for name, total in demands.items()
        ),
        choices=tuple(choices),
        pools=tuple(pools),
        sites=(Site(region="east", system_micro_usd_per_hour=0, least_system_machines=0),),
        **rest,
    )


def choice(machine: str, *, slots: int, workload: str = "chat", capacity: int = 1) -> Choice:
    return Choice(workload=workload, machine=machine, kind=f"TP{slots}", slots=slots, capacity=capacity)


def told(purchase: Purchase) -> list[tuple[str, str, str, int]]:
    return [(one.choice.workload, one.choice.kind, one.pool.zone, one.most) for one in purchase.stands]


def fast_when_wide(one: Choice) -> int:
    return 100 // one.slots


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(), st.integers(0, 3))
def test_an_arrangement_does_all_that_is_asked_at_the_same_cost(asked: Problem, liking: int):
    """Whatever is liked: with every rule of the problem in it."""
    found = proven(asked)
    if found.objective is None:
        return
    better = arranged(asked, found, latency=lambda one: (one.slots * 7 + liking) % 5)
    assert not violations(asked, better)
    assert better.objective == pytest.approx(found.objective)
    assert (better.status, better.bound) == (found.status, found.bound)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(problems(may_be_left_out=False))
def test_what_stands_today_stays_where_it_is(asked: Problem):
    """Sized again with everything as it was, no replica moves, whatever would now be faster."""
    found = proven(asked)
    if found.objective is None or len(asked.periods) > 1:
        return
    today = {(one.choice, one.pool): one.most for one in found.stands}
    assert arranged(asked, found, latency=fast_when_wide, today=today).stands == found.stands


def test_a_workload_that_runs_today_keeps_its_kind_and_another_may_be_faster():
    """Two machines of eight, one TP8 replica each or narrow ones: chat runs TP2 today, code is new."""
    both = [choice("p5", slots=n, workload=name) for name in ("chat", "code") for n in (2, 8)]
    asked = problem({"chat": 1, "code": 1}, both, [pool("p5", "a", slots=8, usd=5)])
    today = replace(asked, choices=tuple(replace(one, runs_today=one == both[0]) for one in both))
    two = purchase_of_stands(
        today,
        [
            Stand(choice=one, pool=asked.pools[0], replicas=(4 // one.slots + (one.slots == 8),))
            for one in today.choices
            if one.slots == (2 if one.workload == "chat" else 8)
        ],
    )
    assert [one.most for one in two.bought] == [2]
    better = arranged(today, two, latency=fast_when_wide)
    assert told(better) == [("chat", "TP2", "a", 1), ("code", "TP8", "a", 1)]


def test_the_fewest_replicas_do():
    """Two machines are bought for code; chat, which needs one replica, does not spread over both."""
    asked = problem(
        {"chat": 1, "code": 2},
        [choice("g6", slots=1), choice("g6", slots=1, workload="code")],
        [pool("g6", "a", slots=2, usd=1), pool("g6", "b", slots=2, usd=1)],
    )
    better = arranged(asked, proven(asked), latency=fast_when_wide)
    assert sum(number for name, _, _, number in told(better) if name == "chat") == 1


def test_a_machine_that_gets_empty_is_not_paid():
    """Given one replica on each of two machines that hold two: both go on the first, at half the cost."""
    asked = problem({"chat": 2}, [choice("g6", slots=1)], [pool("g6", zone, slots=2, usd=1) for zone in "ab"])
    wasteful = purchase_of_stands(
        asked, [Stand(choice=asked.choices[0], pool=one, replicas=(1,)) for one in asked.pools]
    )
    assert wasteful.micro_usd_per_hour == 2
    better = arranged(asked, wasteful, latency=fast_when_wide)
    assert told(better) == [("chat", "TP1", "a", 2)]
    assert better.micro_usd_per_hour == 1


def test_replicas_come_and_go_with_the_hours():
    """Day 4, night 1: four replicas on two machines by day, one on one by night."""
    hours = (Period(name="day", hours=16), Period(name="night", hours=8))
    asked = problem({"chat": 1}, [choice("g6", slots=1)], [pool("g6", "a", slots=2, usd=3)])
    demand = Demand(workload="chat", total=(4, 1), firm=(4, 1), spot=(0, 0), zone_loss=False)
    asked = replace(asked, demands=(demand,), periods=hours)
    better = arranged(asked, proven(asked), latency=fast_when_wide)
    assert [one.replicas for one in better.stands] == [(4, 1)]
    assert [one.machines for one in better.bought] == [(2, 1)]
    assert better.micro_usd_per_hour == (2 * 3 * 16 + 3 * 8) // 24


def test_a_limit_that_is_reached_keeps_what_was_given():
    asked = problem({"chat": 2}, [choice("g6", slots=1)], [pool("g6", "a", slots=2, usd=1)])
    found = proven(asked)
    assert arranged(asked, found, latency=fast_when_wide, deterministic_limit=0.0).stands == found.stands


def test_nothing_bought_is_nothing_arranged():
    """The answer that there is none is handed on."""
    none = proven(problem({"chat": 1}, [], []))
    assert arranged(problem({"chat": 1}, [], []), none, latency=fast_when_wide) == none
