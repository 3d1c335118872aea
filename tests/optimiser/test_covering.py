"""Dynamic programming: the covering knapsack against every combination, and whole problems against the oracle."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Strategy, solve
from sizing.optimiser.check import violations
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Quota, Site
from sizing.optimiser.status import SolverStatus
from sizing.optimiser.textbook.knapsack import NEVER, Offer, covered, joined
from tests.optimiser.problems import problems
from tests.optimiser.test_oracle import SLOW, oracle

OFFERS = st.lists(
    st.builds(
        Offer,
        place=st.just(0),
        replicas=st.integers(1, 4),
        price=st.integers(0, 20),
        most=st.integers(1, 4),
        units=st.tuples(st.integers(0, 3)),
    ),
    min_size=1,
    max_size=4,
).map(lambda offers: [replace(one, place=place) for place, one in enumerate(offers)])


def least(offers: list[Offer], most: int) -> list[int]:
    """The least cost of each number of replicas from none to *most*, of every combination."""
    costs = [NEVER] * (most + 1)
    for numbers in product(*(range(offer.most + 1) for offer in offers)):
        taken = list(zip(numbers, offers, strict=True))
        replicas = min(most, sum(number * offer.replicas for number, offer in taken))
        costs[replicas] = min(costs[replicas], sum(number * offer.price for number, offer in taken))
    return [min(costs[number:]) for number in range(most + 1)]  # who has more has as many


@SLOW
@given(OFFERS, st.integers(1, 12))
def test_the_cover_of_each_number_is_the_cheapest_of_all_combinations(offers, replicas):
    cover, cut = covered(offers, replicas, [10**6])
    assert not cut
    costs = least(offers, replicas)
    for number in range(replicas + 1):
        assert cover.cost[number] == costs[number]
        if cover.cost[number] < NEVER:
            taken = cover.numbers(number)
            assert sum(offers[place].replicas * many for place, many in taken.items()) >= number
            assert sum(offers[place].price * many for place, many in taken.items()) == cover.cost[number]
            assert all(many <= offers[place].most for place, many in taken.items())


@SLOW
@given(OFFERS, OFFERS, st.integers(1, 10))
def test_two_covers_joined_are_the_cover_of_both(some, others, replicas):
    moved = [replace(one, place=one.place + len(some)) for one in others]
    both = joined(covered(some, replicas, [10**6])[0], covered(moved, replicas, [10**6])[0])
    costs = least([*some, *moved], replicas)
    for number in range(replicas + 1):
        assert both.cost[number] == costs[number]
        if both.cost[number] < NEVER:
            taken = both.numbers(number)
            prices = [*some, *moved]
            assert sum(prices[place].price * many for place, many in taken.items()) == both.cost[number]


@SLOW
@given(OFFERS, st.integers(1, 10), st.integers(0, 6))
def test_a_limit_is_never_passed(offers, replicas, limit):
    cover, _ = covered(offers, replicas, [limit])
    for number in range(replicas + 1):
        if cover.cost[number] < NEVER:
            taken = cover.numbers(number)
            assert sum(offers[place].units[0] * many for place, many in taken.items()) <= limit


@SLOW
@given(problems())
def test_what_it_buys_keeps_every_rule_and_is_never_better_than_the_best(problem):
    best, found = oracle(problem), solve(problem, strategy=Strategy.COVERING)
    assert violations(problem, found) == ()
    if found.objective is not None and best.objective is not None and found.unserved == best.unserved:
        assert found.objective > best.objective - 1e-3


@SLOW
@given(problems(most_workloads=1))
def test_what_it_calls_optimal_is(problem):
    found = solve(problem, strategy=Strategy.COVERING)
    assume(found.status is SolverStatus.OPTIMAL)
    best = oracle(problem)
    assert found.objective is not None
    assert best.objective is not None
    assert abs(found.objective - best.objective) < 1e-3


def pool(machine: str, slots: int, price: int, mode: PurchaseMode = PurchaseMode.ON_DEMAND) -> Pool:
    return Pool(machine=machine, region="east", zone="east-a", mode=mode, slots=slots, micro_usd_per_hour=price)


def one_workload(replicas: int, *pools: Pool, quotas: tuple[Quota, ...] = (), firm: int | None = None) -> Problem:
    return Problem(
        demands=(
            Demand(
                workload="chat",
                total=(replicas,),
                firm=(replicas if firm is None else firm,),
                spot=(0,),
                zone_loss=False,
            ),
        ),
        choices=tuple(
            Choice(workload="chat", machine=machine, kind="TP1", slots=1, capacity=1)
            for machine in dict.fromkeys(one.machine for one in pools)
        ),
        pools=pools,
        sites=(Site(region="east", system_micro_usd_per_hour=0, least_system_machines=0),),
        quotas=quotas,
    )


def test_sizes_are_mixed_where_that_is_cheapest():
    """Eleven replicas: one of eight (70), one of two (19) and one of one (10) make 99; two of eight cost 140."""
    problem = one_workload(11, pool("eight", 8, 70), pool("two", 2, 19), pool("one", 1, 10))
    found = solve(problem, strategy=Strategy.COVERING)
    assert {one.pool.machine: one.machines for one in found.bought} == {"eight": (1,), "two": (1,), "one": (1,)}
    assert (found.status, found.micro_usd_per_hour) == (SolverStatus.OPTIMAL, 99)


def test_beyond_a_quota_the_next_way_to_buy_is_taken_and_nothing_is_claimed():
    """Spot at 4 is limited to two machines of the three that would do; the third is on demand at 10: 18."""
    spot, firm = pool("one", 1, 4, PurchaseMode.SPOT), pool("one", 1, 10)
    quota = Quota(name="spot", limit=2, units=((spot, 1),))
    found = solve(one_workload(3, spot, firm, quotas=(quota,), firm=0), strategy=Strategy.COVERING)
    assert found.micro_usd_per_hour == 18
    assert violations(one_workload(3, spot, firm, quotas=(quota,), firm=0), found) == ()
