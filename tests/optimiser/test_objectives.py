"""The most work from a fleet and the least cost of what is served: by hand, and against trying every way."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import solve
from sizing.optimiser.check import violations
from sizing.optimiser.levels.objectives import STEPS, Served, least_cost_per_token, most_work, standing_fleet
from sizing.optimiser.problem import Choice, Demand, Period, Pool, Problem, Quota, Site
from sizing.optimiser.status import SolverStatus

USD = 1_000_000
NODE = Pool(
    machine="p5",
    region="r",
    zone="a",
    mode=PurchaseMode.ON_DEMAND,
    slots=8,
    micro_usd_per_hour=80 * USD,
    running=1,
)
CHAT = Choice(workload="chat", machine="p5", kind="tp4", slots=4, capacity=10_000)
CODE = Choice(workload="code", machine="p5", kind="tp1", slots=1, capacity=10_000)
SITE = Site(region="r", system_micro_usd_per_hour=0, least_system_machines=0)


def demand(workload: str, *total: int, zone_loss: bool = False) -> Demand:
    return Demand(workload=workload, total=total, firm=total, spot=(0,) * len(total), zone_loss=zone_loss)


PROBLEM = Problem(
    demands=(demand("chat", 10_000), demand("code", 20_000)), choices=(CHAT, CODE), pools=(NODE,), sites=(SITE,)
)


def held(found: Served) -> Served:
    """What was found, against which the check has nothing: the purchase serves what it says."""
    assert found.problem is not None
    assert found.purchase is not None
    assert violations(found.problem, found.purchase) == ()
    return found


def test_a_fleet_is_used_to_the_last_slot():
    """Of 8 slots chat takes 4 for its demand; the other 4 carry 40,000 of code, twice its demand."""
    found = held(most_work(PROBLEM))
    assert found.status is SolverStatus.OPTIMAL
    assert (found.multiples, found.common, found.utilisation) == ({"chat": 1.0, "code": 2.0}, 1.0, 1.0)


def test_a_fleet_that_is_too_small_carries_the_same_share_of_everything():
    """Half of the 8 slots is one replica of chat, the least there can be: it carries a third of 30,000."""
    of = replace(PROBLEM, demands=(demand("chat", 30_000), demand("code", 60_000)))
    found = held(most_work(of))
    assert found.common == pytest.approx(1 / 3, abs=1 / STEPS)


def test_more_of_a_workload_than_the_limit_is_of_no_use():
    """Code is worth more than once and a half its demand by no more: three of its replicas do, and a slot is free."""
    of = replace(PROBLEM, demands=(demand("chat", 10_000), demand("code", 10_000)))
    found = held(most_work(of, times=3))
    assert (found.multiples["code"], found.utilisation) == (3.0, 7 / 8)


def test_what_is_worth_more_is_carried_more():
    """The last four slots are one more replica of chat, or four of code: by the tokens of a request."""
    pools = (replace(NODE, slots=4, running=3),)
    of = replace(PROBLEM, pools=pools, demands=(demand("chat", 10_000), demand("code", 40_000)))
    for tokens, multiples in (({"chat": 100, "code": 1}, (2.0, 1.0)), ({"chat": 1, "code": 100}, (1.0, 2.0))):
        found = held(most_work(of, tokens=tokens))
        assert (found.multiples["chat"], found.multiples["code"]) == multiples


def test_the_fleet_is_what_runs_and_what_is_reserved():
    reserved = replace(NODE, mode=PurchaseMode.RESERVATION, most=3, running=0, name="held")
    idle = replace(NODE, zone="b", running=0)
    assert standing_fleet(replace(PROBLEM, pools=(NODE, reserved, idle))) == {NODE: 1, reserved: 3, idle: 0}


def test_without_machines_nothing_is_served():
    of = replace(PROBLEM, pools=(replace(NODE, running=0),))
    assert most_work(of) == Served(status=SolverStatus.INFEASIBLE)


def test_a_fleet_serves_the_multiple_after_the_loss_of_any_zone():
    """Two machines of 8 in two zones: each alone must carry everything, so 8 slots count and not 16."""
    pools = (NODE, replace(NODE, zone="b"))
    of = replace(
        PROBLEM,
        pools=pools,
        demands=(demand("chat", 10_000, zone_loss=True), demand("code", 20_000, zone_loss=True)),
    )
    found = held(most_work(of))
    assert (found.multiples, found.utilisation) == ({"chat": 1.0, "code": 2.0}, 1.0)


def test_a_larger_machine_is_cheaper_by_the_token_where_all_of_it_is_used():
    """
    Demand of 10,000: three small machines of 4,000 at 3 USD cost 9, one large of 20,000 costs 10.

    The least cost is 9 for 1.2 times the demand, 7.50 for each; the least by the token is 10 for twice the demand.
    """
    small = replace(NODE, machine="small", slots=1, micro_usd_per_hour=3 * USD, running=None)
    large = replace(NODE, machine="large", slots=1, micro_usd_per_hour=10 * USD, running=None)
    choices = (
        replace(CHAT, machine="small", kind="s", slots=1, capacity=4_000),
        replace(CHAT, machine="large", kind="l", slots=1, capacity=20_000),
    )
    of = Problem(demands=(demand("chat", 10_000),), choices=choices, pools=(small, large), sites=(SITE,))
    assert solve(of).micro_usd_per_hour == 9 * USD
    found = least_cost_per_token(of)
    served = held(found.served)
    assert (served.status, served.multiples) == (SolverStatus.OPTIMAL, {"chat": 2.0})
    # 10,000 micro-requests a second are 36 an hour; twice that for 10 USD
    assert found.usd_per_million == pytest.approx(10 / 72 * 1e6)
    assert found.bound_usd_per_million == pytest.approx(found.usd_per_million, rel=1e-5)


def test_capacity_beyond_the_limit_does_not_count():
    """With 1.2 times the demand as the most, were it whole numbers: at once the demand, 9 USD beat 10."""
    small = replace(NODE, machine="small", slots=1, micro_usd_per_hour=3 * USD, running=None)
    large = replace(NODE, machine="large", slots=1, micro_usd_per_hour=10 * USD, running=None)
    choices = (
        replace(CHAT, machine="small", kind="s", slots=1, capacity=4_000),
        replace(CHAT, machine="large", kind="l", slots=1, capacity=20_000),
    )
    of = Problem(demands=(demand("chat", 10_000),), choices=choices, pools=(small, large), sites=(SITE,))
    found = least_cost_per_token(of, times=1)
    assert held(found.served).multiples == {"chat": 1.0}
    assert found.usd_per_million == pytest.approx(9 / 36 * 1e6)


def test_a_demand_that_nothing_carries_has_no_price():
    of = replace(PROBLEM, choices=(CODE,))
    assert least_cost_per_token(of).served.status is SolverStatus.INFEASIBLE


def test_a_budget_holds_while_the_ratio_is_made_least():
    """Two machines for 160 USD carry four times the demand of chat at the price of one for twice; 100 USD buy one."""
    of = replace(
        PROBLEM,
        demands=(demand("chat", 10_000),),
        choices=(CHAT,),
        pools=(replace(NODE, running=None),),
        budget_micro_usd_per_hour=100 * USD,
    )
    found = least_cost_per_token(of, times=4)
    assert held(found.served).multiples == {"chat": 2.0}


def test_every_hour_of_the_day_is_multiplied_alike():
    """At night half is asked; one machine of 8 slots carries twice the day's chat, and so twice the night's."""
    day = (Period(name="day", hours=16), Period(name="night", hours=8))
    of = replace(PROBLEM, periods=day, demands=(demand("chat", 10_000, 5_000),), choices=(CHAT,))
    found = held(most_work(of))
    assert found.multiples == {"chat": 2.0}
    assert found.problem is not None
    assert found.problem.demands[0].total == (20_000, 10_000)


@pytest.mark.parametrize("seed", range(40))
def test_the_most_work_is_that_of_trying_every_way(seed: int):
    of = small_case(random.Random(seed))  # noqa: S311
    found = most_work(of, times=3)
    best = max(((common, work) for common, work, _ in ways(of, times=3) if common), default=None)
    if best is None:
        assert found.status is SolverStatus.INFEASIBLE
        return
    held(found)
    assert found.status is SolverStatus.OPTIMAL
    assert round(found.common * STEPS) == best[0]
    assert work_of(of, {name: round(multiple * STEPS) for name, multiple in found.multiples.items()}) == best[1]


@pytest.mark.parametrize("seed", range(40))
def test_the_least_cost_per_token_is_that_of_trying_every_way(seed: int):
    """Within a hundred-thousandth, as the price of work is a fraction of small numbers."""
    of = small_case(random.Random(seed + 1000), runs=False)  # noqa: S311
    found = least_cost_per_token(of, times=2)
    ratios = [Fraction(cost, work) for common, work, cost in ways(of, times=2) if common >= STEPS]
    if not ratios:
        assert found.served.status is SolverStatus.INFEASIBLE
        return
    served = held(found.served)
    assert served.purchase is not None
    assert served.purchase.micro_usd_per_hour is not None
    thousandths = {name: round(multiple * STEPS) for name, multiple in served.multiples.items()}
    reached = Fraction(served.purchase.micro_usd_per_hour, work_of(of, thousandths))
    assert served.status is SolverStatus.OPTIMAL
    assert float(reached / min(ratios)) == pytest.approx(1, rel=1e-5)


def small_case(rng: random.Random, *, runs: bool = True) -> Problem:
    """Two workloads of up to two kinds on two pools of one machine type, with or without zones to lose and spot."""
    modes = (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
    pools: tuple[Pool, ...] = (
        replace(NODE, slots=4, running=rng.randint(1, 2), micro_usd_per_hour=rng.randint(1, 9) * USD),
        replace(NODE, slots=4, zone="b", mode=rng.choice(modes), running=1, micro_usd_per_hour=rng.randint(1, 9) * USD),
    )
    if not runs:
        pools = tuple(replace(pool, most=pool.running, running=None) for pool in pools)
    choices, demands = [], []
    for name in ("chat", "code"):
        total = rng.randint(5, 30) * 1000
        firm = rng.choice((total, total // 2))
        demands.append(Demand(workload=name, total=(total,), firm=(firm,), spot=(0,), zone_loss=rng.random() < 0.3))
        for kind, slots in rng.sample((("tp1", 1), ("tp2", 2), ("tp4", 4)), rng.randint(1, 2)):
            capacity = slots * rng.randint(4, 9) * 1000
            choices.append(Choice(workload=name, machine="p5", kind=kind, slots=slots, capacity=capacity))
    quotas = (Quota(name="vCPU", limit=2, units=((pools[0], 1), (pools[1], 1))),) if rng.random() < 0.2 else ()
    return Problem(demands=tuple(demands), choices=tuple(choices), pools=pools, sites=(SITE,), quotas=quotas)


def ways(of: Problem, *, times: int) -> Iterator[tuple[int, int, int]]:
    """The common multiple, the work and the cost of every way to put replicas on machines; multiples in thousandths."""
    options = [list(placements(of, of.demands[place], times)) for place in range(len(of.demands))]
    for chosen in product(*options):
        counts = [
            -(-sum(slots * replicas[place] for slots, replicas, _ in chosen) // pool.slots)
            for place, pool in enumerate(of.pools)
        ]
        there = [pool.most if pool.running is None else pool.running for pool in of.pools]
        taken = dict(zip(of.pools, counts, strict=True))
        over = any(sum(unit * taken[pool] for pool, unit in quota.units) > quota.limit for quota in of.quotas)
        if over or any(count > (most or 0) for count, most in zip(counts, there, strict=True)):
            continue
        thousandths = {one.workload: multiple for one, (_, _, multiple) in zip(of.demands, chosen, strict=True)}
        cost = sum(n * pool.micro_usd_per_hour for n, pool in zip(counts, of.pools, strict=True))
        yield min(thousandths.values()), work_of(of, thousandths), cost


def placements(of: Problem, asked: Demand, times: int) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """Slots of a replica, replicas on each pool, and the multiple that they carry, of every way for one workload."""
    for choice in of.choices:
        if choice.workload != asked.workload:
            continue
        room = [0 if pool.is_spot and not asked.may_use_spot else 8 // choice.slots for pool in of.pools]
        for replicas in product(*(range(most + 1) for most in room)):
            limits = [Fraction(times)]
            for lost in (None, "a", "b") if asked.zone_loss else (None,):
                left = [(n, pool) for n, pool in zip(replicas, of.pools, strict=True) if pool.zone != lost]
                limits.append(Fraction(sum(n for n, _ in left) * choice.capacity, asked.total[0]))
                firm = sum(n for n, pool in left if not pool.is_spot)
                limits.append(Fraction(firm * choice.capacity, asked.firm[0]))
            yield choice.slots, replicas, math.floor(min(limits) * STEPS)


def work_of(of: Problem, thousandths: dict[str, int]) -> int:
    """Multiples weighed by the requests of each workload, in ten-thousandths of all."""
    whole = sum(one.total[0] for one in of.demands)
    return sum(round(Fraction(10_000 * one.total[0], whole)) * thousandths[one.workload] for one in of.demands)
