"""Proven answers against exhaustive search, and rules of the problem one at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.check import violations
from sizing.optimiser.levels.arrangement import arranged
from sizing.optimiser.levels.proof import proven
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Site
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus

MOST_MACHINES = 3  # of each pool, in the exhaustive search


def pool(machine: str, zone: str, *, slots: int, usd: float, spot: bool = False, running: int | None = None) -> Pool:
    return Pool(
        machine=machine,
        region="here",
        zone=zone,
        mode=PurchaseMode.SPOT if spot else PurchaseMode.ON_DEMAND,
        slots=slots,
        micro_usd_per_hour=round(usd * 1e6),
        running=running,
    )


def choice(machine: str, *, slots: int, capacity: int, workload: str = "chat") -> Choice:
    return Choice(workload=workload, machine=machine, kind=f"{slots} for {capacity}", slots=slots, capacity=capacity)


def demand(total: int, *, workload: str = "chat", firm: int | None = None, spot: int = 0, zone_loss: bool = False):
    return Demand(
        workload=workload,
        total=(total,),
        firm=(total if firm is None else firm,),
        spot=(spot,),
        zone_loss=zone_loss,
    )


def problem(demands, choices, pools, **rest) -> Problem:
    return Problem(
        demands=tuple(demands),
        choices=tuple(choices),
        pools=tuple(pools),
        sites=(
            Site(
                region="here",
                system_micro_usd_per_hour=rest.pop("system", 0),
                least_system_machines=rest.pop("least_system", 0),
            ),
        ),
        **rest,
    )


def bought(result: Purchase) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in result.bought:
        name = f"{one.pool.machine}/{one.pool.zone}{'/spot' if one.pool.is_spot else ''}"
        counts[name] = one.most
    return counts


# The exhaustive search: every number of machines, cheapest first, and every way to place replicas on them.


def exhaustive_cost(asked: Problem) -> float | None:
    """
    The least cost, found by trying every purchase in order of cost; packing is done machine by machine.

    With machines running, each machine that is added costs 24 h more of 720.
    """
    purchases = []
    for numbers in product(range(MOST_MACHINES + 1), repeat=len(asked.pools)):
        zones = {at.zone for at, number in zip(asked.pools, numbers, strict=True) if number}
        (site,) = asked.sites
        system = (max(site.least_system_machines, len(zones)) if zones else 0) * site.system_micro_usd_per_hour
        machines = sum(n * at.micro_usd_per_hour for at, n in zip(asked.pools, numbers, strict=True))
        cost: float = system + machines
        if any(at.running is not None for at in asked.pools):
            added = [
                max(0, n - (at.running or 0)) * at.micro_usd_per_hour
                for at, n in zip(asked.pools, numbers, strict=True)
            ]
            cost += sum(added) * 24 / 720
        purchases.append((cost, numbers))
    for cost, numbers in sorted(purchases):
        if carries(asked, dict(zip(asked.pools, numbers, strict=True))):
            return cost
    return None


def carries(asked: Problem, machines: dict[Pool, int]) -> bool:
    """Whether some placement on *machines* serves every workload."""
    for one in asked.demands:  # a workload that has all machines to itself must be served, or nothing is
        own = [c for c in asked.choices if c.workload == one.workload]
        most = [
            max([at.slots // c.slots * c.capacity for c in own if c.machine == at.machine] or [0]) for at in machines
        ]
        if sum(n * each for n, each in zip(machines.values(), most, strict=True)) < one.total[0]:
            return False
    return any(
        all(packs(at, number, plan) for at, number in machines.items())
        for plan in combined([list(plans_of(one, asked, machines)) for one in asked.demands])
    )


def combined(options: list[list[list[tuple[Choice, Pool, int]]]]) -> Iterator[list[tuple[Choice, Pool, int]]]:
    for picks in product(*options):
        yield [stand for pick in picks for stand in pick]


def plans_of(one: Demand, asked: Problem, machines: dict[Pool, int]) -> Iterator[list[tuple[Choice, Pool, int]]]:
    """Every way to serve one workload: alike replicas, any number on each pool that it may stand on."""
    own = [c for c in asked.choices if c.workload == one.workload]
    for kind in dict.fromkeys(c.kind for c in own):
        places = [(c, at) for c in own if c.kind == kind for at in machines if at.machine == c.machine and machines[at]]
        places = [(c, at) for c, at in places if one.may_use_spot or not at.is_spot]
        ranges = [
            range(min(machines[at] * (at.slots // c.slots), -(-one.total[0] // c.capacity)) + 1) for c, at in places
        ]  # more replicas in one pool than the whole demand needs never help
        for numbers in product(*ranges):
            plan = [(c, at, n) for (c, at), n in zip(places, numbers, strict=True) if n]
            if serves(one, plan):
                yield plan


def serves(one: Demand, plan: list[tuple[Choice, Pool, int]]) -> bool:
    zones = {at.zone for _, at, _ in plan}
    for lost in zones if one.zone_loss else {None}:
        left = [(c.capacity * n, at.is_spot) for c, at, n in plan if at.zone != lost]
        if sum(capacity for capacity, is_spot in left if not is_spot) < one.firm[0]:
            return False
        if sum(capacity for capacity, _ in left) < one.total[0]:
            return False
    return bool(plan) and sum(c.capacity * n for c, at, n in plan if at.is_spot) >= one.spot[0]


def packs(at: Pool, number: int, plan: list[tuple[Choice, Pool, int]]) -> bool:
    """Whether the replicas really go into the machines, tried one after the other, every placement of each."""
    sizes = sorted((c.slots for c, where, n in plan if where == at for _ in range(n)), reverse=True)

    def fill(free: tuple[int, ...], rest: list[int]) -> bool:
        if not rest:
            return True
        tried = {f for f in free if f >= rest[0]}
        return any(fill(tuple(sorted([*_without(free, f), f - rest[0]])), rest[1:]) for f in tried)

    return fill((at.slots,) * number, sizes)


def _without(values: tuple[int, ...], value: int) -> list[int]:
    kept = list(values)
    kept.remove(value)
    return kept


@st.composite
def small_problems(draw: st.DrawFn) -> Problem:
    """Two machine types in one or two zones, on demand and sometimes spot, some running; one or two workloads."""
    zones = ["a", "b"][: draw(st.integers(1, 2))]
    kinds = [("big", draw(st.sampled_from([2, 4, 6]))), ("small", 1)]
    spot = draw(st.booleans())
    pools = []
    for machine, slots in kinds:
        usd = draw(st.integers(1, 6)) * slots
        for zone in draw(st.lists(st.sampled_from(zones), min_size=1, unique=True)):
            pools.append(pool(machine, zone, slots=slots, usd=usd))
            if spot and draw(st.booleans()):
                pools.append(pool(machine, zone, slots=slots, usd=usd * 0.4, spot=True))
    pools = draw(st.permutations(pools))[:4]
    if draw(st.booleans()):
        pools = [replace(at, running=draw(st.integers(0, MOST_MACHINES))) for at in pools]
    workloads = ["chat", "code"][: 1 if spot or len(pools) > 3 else draw(st.integers(1, 2))]
    choices, demands = [], []
    for workload in workloads:
        capacities = {1: draw(st.integers(1, 6)), 2: draw(st.integers(1, 6))}
        for machine, slots in kinds:
            sizes = draw(st.lists(st.sampled_from([1, 2] if slots > 1 else [1]), unique=True, min_size=1, max_size=2))
            choices += [choice(machine, slots=n, capacity=capacities[n], workload=workload) for n in sizes]
        total = draw(st.integers(1, 6))
        firm = draw(st.integers(0, total)) if spot else total
        least_spot = draw(st.integers(0, total - firm)) if firm < total else 0
        demands.append(demand(total, workload=workload, firm=firm, spot=least_spot, zone_loss=draw(st.booleans())))
    return problem(demands, choices, pools, system=draw(st.sampled_from([0, 500_000])), least_system=1)


@settings(max_examples=300, deadline=None)
@given(small_problems())
def test_the_proof_finds_the_least_cost_that_exhaustive_search_finds(asked: Problem):
    """On every small market, with packing, zones, spot and shared machines, and proves it."""
    expected, found = exhaustive_cost(asked), proven(asked)
    if found.status is SolverStatus.INFEASIBLE:
        assert expected is None
        return
    assert found.status is SolverStatus.OPTIMAL
    assert found.objective is not None
    assert not violations(asked, found)
    assert carries(asked, dict.fromkeys(asked.pools, 0) | {one.pool: one.most for one in found.bought})
    if max(one.most for one in found.bought) <= MOST_MACHINES:
        assert found.objective == pytest.approx(expected)
    else:  # outside what the exhaustive search tries, which may only be dearer
        assert expected is None or found.objective <= expected * (1 + 1e-12)


@settings(max_examples=100, deadline=None)
@given(small_problems())
def test_replicas_stand_on_the_machines_that_were_bought(asked: Problem):
    """The arrangement serves every workload on exactly the proof's machines, and the replicas really pack."""
    machines = proven(asked)
    if machines.status is SolverStatus.INFEASIBLE:
        return
    better = arranged(asked, machines, latency=lambda one: one.capacity)
    assert not violations(asked, better)
    assert better.bought == machines.bought
    placed = [(one.choice, one.pool, one.most) for one in better.stands]
    for one in asked.demands:
        assert serves(one, [stand for stand in placed if stand[0].workload == one.workload])
    assert all(packs(one.pool, one.most, placed) for one in better.bought)


@settings(max_examples=60, deadline=None)
@given(small_problems(), st.integers(1, 3))
def test_more_traffic_never_costs_less(asked: Problem, factor: int):
    """Demand multiplied: every plan for the larger demand serves the smaller."""
    larger = replace(
        asked,
        demands=tuple(
            replace(one, total=(one.total[0] * factor,), firm=(one.firm[0] * factor,)) for one in asked.demands
        ),
    )
    less, more = proven(asked), proven(larger)
    if more.objective is not None:
        assert less.objective is not None
        assert less.objective <= more.objective


@settings(max_examples=60, deadline=None)
@given(small_problems(), st.integers(1, 5), st.integers(1, 6))
def test_faster_replicas_and_more_machine_types_never_cost_more(asked: Problem, faster: int, usd: int):
    """A looser objective only raises capacities; a new machine type only adds choices."""
    wider = replace(
        asked,
        choices=(
            *(replace(one, capacity=one.capacity + faster) for one in asked.choices),
            replace(choice("new", slots=1, capacity=2, workload=asked.demands[0].workload), kind="new"),
        ),
        pools=(
            *asked.pools,
            *(
                pool(
                    "new",
                    zone,
                    slots=1,
                    usd=usd,
                    running=0 if any(at.running is not None for at in asked.pools) else None,
                )
                for zone in "ab"
            ),
        ),
    )
    narrow, wide = proven(asked), proven(wider)
    if narrow.objective is not None:
        assert wide.objective is not None
        assert wide.objective <= narrow.objective


def test_an_accelerator_that_is_only_sold_by_eight_is_paid_by_eight():
    """One replica on one accelerator needs a whole 8-accelerator machine at 55.04 USD/h."""
    found = proven(problem([demand(1)], [choice("p5", slots=1, capacity=1)], [pool("p5", "a", slots=8, usd=55.04)]))
    assert found.micro_usd_per_hour == 55_040_000


def test_two_workloads_share_a_machine():
    """4 + 4 accelerators of one machine: one purchase of 55 USD/h, not two."""
    found = proven(
        problem(
            [demand(1), demand(1, workload="code")],
            [choice("p5", slots=4, capacity=1), choice("p5", slots=4, capacity=1, workload="code")],
            [pool("p5", "a", slots=8, usd=55)],
        )
    )
    assert bought(found) == {"p5/a": 1}


@pytest.mark.parametrize(("zones", "machines"), [(2, 4), (3, 3)])
def test_surviving_a_zone_takes_more_machines_where_zones_are_few(zones: int, machines: int):
    """Demand of two machines: two zones need 2 + 2; three zones need 1 + 1 + 1, any two of which suffice."""
    asked = problem(
        [demand(2, zone_loss=True)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", zone, slots=1, usd=1) for zone in "abc"[:zones]],
    )
    assert sum(bought(proven(asked)).values()) == machines


def test_a_single_zone_cannot_survive_its_own_loss():
    """Offered in one zone only: proved infeasible."""
    asked = problem([demand(1, zone_loss=True)], [choice("g6", slots=1, capacity=1)], [pool("g6", "a", slots=1, usd=1)])
    assert proven(asked).status is SolverStatus.INFEASIBLE


def test_on_demand_alone_carries_what_must_not_rest_on_spot():
    """Demand 10, at most 30 % on spot: 7 on demand at 1 USD, 3 on spot at 0.40: 8.20 USD/h."""
    asked = problem(
        [demand(10, firm=7)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", "a", slots=1, usd=1), pool("g6", "a", slots=1, usd=0.4, spot=True)],
    )
    assert bought(proven(asked)) == {"g6/a": 7, "g6/a/spot": 3}
    assert proven(asked).micro_usd_per_hour == 8_200_000


def test_a_least_spot_share_is_bought_even_where_spot_is_dearer():
    """Demand 4, at least 2 on spot: spot at 3 USD beside on demand at 1 USD."""
    asked = problem(
        [demand(4, firm=2, spot=2)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", "a", slots=1, usd=1), pool("g6", "a", slots=1, usd=3, spot=True)],
    )
    assert bought(proven(asked)) == {"g6/a": 2, "g6/a/spot": 2}


def test_after_the_loss_of_a_zone_on_demand_still_carries_its_share():
    """Demand 4, half on spot, three zones: any two zones hold 2 on demand and 4 in all."""
    asked = problem(
        [demand(4, firm=2, zone_loss=True)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", zone, slots=1, usd=usd, spot=spot) for zone in "abc" for usd, spot in ((1, False), (0.4, True))],
    )
    counts = bought(proven(asked))
    assert sum(number for name, number in counts.items() if "spot" not in name) == 3
    assert sum(counts.values()) == 6


def test_a_budget_below_the_least_cost_is_infeasible():
    """One machine costs 1 USD/h; 0.99 USD/h does not pay for it, 1.00 does."""
    asked = problem([demand(1)], [choice("g6", slots=1, capacity=1)], [pool("g6", "a", slots=1, usd=1)])
    assert proven(replace(asked, budget_micro_usd_per_hour=990_000)).status is SolverStatus.INFEASIBLE
    assert proven(replace(asked, budget_micro_usd_per_hour=1_000_000)).status is SolverStatus.OPTIMAL


def test_system_machines_follow_the_zones_of_the_network():
    """Two zones are cheaper by capacity, but a third zone costs a system machine of 5 USD/h."""
    asked = problem(
        [demand(2, zone_loss=True)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", zone, slots=1, usd=1) for zone in "abc"],
        system=5_000_000,
        least_system=2,
    )
    found = proven(asked)
    assert found.system_machines == (("here", 2),)
    assert found.micro_usd_per_hour == 2 * 5_000_000 + 4 * 1_000_000


@pytest.mark.parametrize(("new_usd", "stays"), [(0.98, True), (0.95, False)])
def test_a_plan_moves_only_where_that_pays_within_thirty_days(*, new_usd: float, stays: bool):
    """
    One machine at 1 USD/h runs; another type is cheaper.

    Thirty days of 1 USD are 720 USD. Moving costs a day of the new machine beside it: 744 h x 0.98 = 729 USD does not
    pay, 744 h x 0.95 = 707 USD does.
    """
    asked = problem(
        [demand(1)],
        [choice("old", slots=1, capacity=1), choice("new", slots=1, capacity=1)],
        [pool("old", "a", slots=1, usd=1, running=1), pool("new", "a", slots=1, usd=new_usd, running=0)],
    )
    assert bought(proven(asked)) == ({"old/a": 1} if stays else {"new/a": 1})
    fresh = replace(asked, pools=tuple(replace(at, running=None) for at in asked.pools))
    assert bought(proven(fresh)) == {"new/a": 1}


def test_among_plans_of_equal_cost_the_one_with_fewest_changes_wins():
    """Two zones cost the same; the machine that runs in b stays there."""
    asked = problem(
        [demand(1)],
        [choice("g6", slots=1, capacity=1)],
        [pool("g6", "a", slots=1, usd=1, running=0), pool("g6", "b", slots=1, usd=1, running=1)],
    )
    assert bought(proven(asked)) == {"g6/b": 1}


def test_on_machines_that_are_paid_anyway_the_fastest_replicas_stand():
    """One machine of eight does with TP2 or TP8; TP8 answers sooner, but a plan that runs TP2 keeps it."""
    narrow, wide = choice("p5", slots=2, capacity=5), choice("p5", slots=8, capacity=9)
    asked = problem([demand(5)], [narrow, wide], [pool("p5", "a", slots=8, usd=55)])
    fastest = arranged(asked, proven(asked), latency=lambda one: 100 // one.slots)
    assert [one.choice for one in fastest.stands] == [wide]
    today = replace(asked, choices=(replace(narrow, runs_today=True), wide))
    kept = arranged(today, proven(today), latency=lambda one: 100 // one.slots)
    assert [one.choice.slots for one in kept.stands] == [2]


@settings(max_examples=30, deadline=None)
@given(small_problems())
def test_the_same_problem_has_the_same_answer(asked: Problem):
    """Machines and replicas, not only their cost."""
    first, second = proven(asked), proven(asked)
    assert first == second
    placed = [arranged(asked, first, latency=lambda one: one.slots) for _ in range(2)]
    assert placed[0] == placed[1]


def test_replicas_side_by_side_carry_alike():
    """
    Half on spot: TP1 is cheapest on demand and TP2 on spot, but requests are spread evenly, so one kind serves both.

    TP1 carries 2 and TP2 carries 6. Demand 12: six TP1 replicas or two TP2 replicas, half of them on spot.
    """
    small, wide = choice("g6", slots=1, capacity=2), choice("g6", slots=2, capacity=6)
    asked = problem(
        [demand(12, firm=6, spot=6)],
        [small, wide],
        [pool("g6", "a", slots=2, usd=1), pool("g6", "a", slots=2, usd=0.5, spot=True)],
    )
    found = proven(asked)
    assert bought(found) == {"g6/a": 1, "g6/a/spot": 1}
    assert {one.choice.kind for one in arranged(asked, found, latency=lambda _: 1).stands} == {wide.kind}


def large_problem() -> Problem:
    """Forty machine types in three zones for six workloads: more than a moment's work."""
    machines = [(f"m{n}", 2 ** (n % 4), 1 + 0.37 * (n % 7)) for n in range(40)]
    pools = [pool(m, zone, slots=slots, usd=usd * slots) for m, slots, usd in machines for zone in "abc"]
    choices = [
        choice(m, slots=size, capacity=1000 + 317 * ((n * 7 + size * 3 + place) % 11), workload=f"w{place}")
        for place in range(6)
        for n, (m, slots, _) in enumerate(machines)
        for size in (1, 2, 4, 8)
        if size <= slots
    ]
    unlike = [replace(one, kind=f"{one.kind} {one.machine}") for one in choices]
    return problem([demand(9000 + n, workload=f"w{n}", zone_loss=True) for n in range(6)], unlike, pools)


def test_a_search_that_is_stopped_before_any_plan_says_so():
    """Out of time is neither infeasible nor unknown: the limit is named as the cause."""
    stopped = proven(large_problem(), deterministic_limit=1e-9)
    assert stopped.status is SolverStatus.OUT_OF_TIME
    assert stopped.micro_usd_per_hour is None
    assert not stopped.bought


def test_ctrl_c_during_the_search_gives_the_best_so_far():
    """It comes with the first purchase that is told, when there are dozens to come, and is not lost."""
    told: list[Purchase] = []

    def interrupt(found: Purchase) -> None:
        told.append(found)
        if len(told) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    found = proven(large_problem(), improved=interrupt)
    assert found.interrupted
    assert found.status is SolverStatus.FEASIBLE
    assert found.objective is not None
    assert told[0].objective is not None
    assert found.objective <= told[0].objective
    assert not violations(large_problem(), found)


def test_each_better_purchase_is_told_with_its_bound():
    """Ever cheaper, every one of them whole; the answer is at least as good as the last."""
    told: list[Purchase] = []
    asked = large_problem()
    found = proven(asked, deterministic_limit=0.2, improved=told.append)
    costs = [one.objective or 0.0 for one in told]
    assert len(costs) > 1
    assert costs == sorted(costs, reverse=True)
    assert found.objective is not None
    assert found.objective <= costs[-1]
    assert not [text for one in told for text in violations(asked, one)]


def test_a_search_that_is_stopped_early_tells_how_far_its_plan_may_be_from_the_best():
    """The bound is below the cost, and the same limit gives the same plan: time is counted in steps of the search."""
    early, again = (proven(large_problem(), deterministic_limit=0.2) for _ in range(2))
    assert early.status is SolverStatus.FEASIBLE
    assert (early.bound or 0) < (early.objective or 0)
    assert early == again
