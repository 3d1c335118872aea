"""The relaxation over columns: what makes its bound tight, by hand, and that it is a bound, against every purchase."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Strategy, solve
from sizing.optimiser.engine.alone import keeps_limits
from sizing.optimiser.engine.columns import relaxation
from sizing.optimiser.engine.covers import Cover, broken, least_units
from sizing.optimiser.engine.fleet import fleet
from sizing.optimiser.engine.pricing import pricer
from sizing.optimiser.engine.solving import Limits
from sizing.optimiser.engine.tables import UNLIMITED, tables
from sizing.optimiser.engine.whole import best_of_columns
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Quota, Site
from sizing.optimiser.status import TooLarge
from sizing.optimiser.textbook.exhaustive import exhaustive
from tests.optimiser.problems import left_out, objective, problems
from tests.optimiser.test_oracle import SLOW

USD = 1_000_000


def pool(machine: str, region: str, usd: int, *, slots: int = 1, zone: str = "a", **rest) -> Pool:
    return Pool(
        machine=machine,
        region=region,
        zone=f"{region}-{zone}",
        mode=PurchaseMode.ON_DEMAND,
        slots=slots,
        micro_usd_per_hour=usd * USD,
        **rest,
    )


def problem(replicas: dict[str, int], *pools: Pool, quotas: tuple[Quota, ...] = (), zone_loss: bool = False) -> Problem:
    """Workloads by their replicas of one slot each, which run alike on every machine type."""
    machines = dict.fromkeys(one.machine for one in pools)
    return Problem(
        demands=tuple(
            Demand(workload=name, total=(number,), firm=(number,), spot=(0,), zone_loss=zone_loss)
            for name, number in replicas.items()
        ),
        choices=tuple(
            Choice(workload=name, machine=machine, kind="TP1", slots=1, capacity=1)
            for name in replicas
            for machine in machines
        ),
        pools=pools,
        sites=tuple(
            Site(region=region, system_micro_usd_per_hour=0, least_system_machines=0)
            for region in dict.fromkeys(one.region for one in pools)
        ),
        quotas=quotas,
    )


def bound(asked: Problem, *, links: int) -> float:
    """USD per hour."""
    return relaxation(pricer(tables(asked)), rounds=80, links=links).bound


EAST, WEST = pool("one", "east", 1), pool("one", "west", 10)
FIVE_IN_THE_EAST = Quota(name="east", limit=5, units=((EAST, 1),))
TWO_OF_THREE = problem({"a": 3, "b": 3}, EAST, WEST, quotas=(FIVE_IN_THE_EAST,))


def test_two_that_take_more_than_a_quota_together_cannot_both_stand_there():
    """Three machines each, five in the east: in parts, 5 x 1 + 1 x 10 USD; whole, one of them pays 30 in the west."""
    assert bound(TWO_OF_THREE, links=0) == pytest.approx(15)
    assert bound(TWO_OF_THREE, links=2) == pytest.approx(33)
    found = solve(TWO_OF_THREE, strategy=Strategy.COLUMNS)
    assert found.micro_usd_per_hour == 33 * USD


def test_a_cover_holds_options_that_take_as_much_as_those_in_it():
    """Of three that take three each of five, no two stand there; what takes two could, beside one of them."""
    asked = problem({"a": 3, "b": 3, "c": 3, "d": 2}, EAST, WEST, quotas=(FIVE_IN_THE_EAST,))
    made = tables(asked)
    east = [j for j, option in enumerate(made.options) if option.region == "east"]
    least = least_units(made)
    assert least == (dict(zip(east, (3, 3, 3, 2), strict=True)),)
    assert broken(made, least, {east[0]: 1.0, east[1]: 0.5}) == [Cover((east[0], east[1], east[2]), 1)]
    assert broken(made, least, {east[0]: 1.0, east[3]: 1.0}) == []


def test_where_a_zone_may_be_lost_an_option_takes_what_stands_in_the_others_too():
    """Four that are left whichever of three zones is gone are six: two in each."""
    zones = tuple(pool("one", "east", 1, zone=zone) for zone in "abc")
    quota = Quota(name="east", limit=100, units=tuple((one, 8) for one in zones))
    made = tables(problem({"a": 4}, *zones, quotas=(quota,), zone_loss=True))
    assert least_units(made) == ({0: 6 * 8},)


def test_machines_that_take_nothing_of_a_quota_are_filled_first():
    """One reserved machine carries a replica of three; the other two take of the quota."""
    reserved = replace(pool("one", "east", 1), mode=PurchaseMode.RESERVATION, name="r-1", most=1)
    made = tables(problem({"a": 3}, EAST, reserved, quotas=(FIVE_IN_THE_EAST,)))
    assert least_units(made) == ({0: 2},)


def test_a_workload_that_stands_alone_pays_for_the_whole_machine():
    """One slot of eight at 8 USD is 1 USD in parts; whole, the small machine at 2 USD is the cheapest."""
    asked = problem({"a": 1}, pool("eight", "east", 8, slots=8), pool("one", "east", 2))
    assert bound(asked, links=0) == pytest.approx(1)
    assert bound(asked, links=2) == pytest.approx(2)


def test_machines_that_no_quota_leaves_room_for_are_no_place_to_stand():
    """Two machines of eight units fit into 23; one of 24 does not."""
    large, small = pool("large", "east", 1), pool("small", "east", 1)
    quota = Quota(name="east", limit=23, units=((large, 24), (small, 8)))
    made = tables(problem({"a": 1}, large, small, WEST, quotas=(quota,)))
    assert made.most == (0, 2, UNLIMITED)
    assert sorted(made.pool.tolist()) == [1, 2]


def test_a_way_that_needs_more_machines_than_a_quota_leaves_is_no_column():
    """Two zones of a machine each, and a quota for one: the way over both zones of the east is none, the west's is."""
    zones = tuple(
        pool("eight", region, usd, slots=8, zone=z) for region, usd in (("east", 8), ("west", 16)) for z in "ab"
    )
    quota = Quota(name="east", limit=1, units=tuple((one, 1) for one in zones[:2]))
    made = tables(problem({"a": 1}, *zones, quotas=(quota,), zone_loss=True))
    found = relaxation(pricer(made), rounds=80, links=0)
    assert all(keeps_limits(made, placed) for _, placed in found.columns)
    assert {made.options[placed.option].region for _, placed in found.columns} == {"west"}
    assert found.bound == pytest.approx(2 * 16 / 8)


def test_columns_in_whole_numbers_serve_the_more_important_where_not_all_can_be():
    """One machine for two; the cheaper way of the less important one does not count."""
    only = pool("one", "east", 1, most=1)
    asked = problem({"a": 1, "b": 1}, only)
    low, high = (replace(demand, priority=rank) for demand, rank in zip(asked.demands, (1, 2), strict=True))
    priced = pricer(tables(replace(asked, demands=(low, high))))
    relaxed = relaxation(priced, rounds=80, links=2)
    found = best_of_columns(priced, relaxed, fleet(priced.tables), Limits(nodes=100), most_columns=100)
    assert found is not None
    assert list(found) == [1]


def test_columns_in_whole_numbers_are_let_be_where_they_are_too_many():
    priced = pricer(tables(TWO_OF_THREE))
    relaxed = relaxation(priced, rounds=80, links=2)
    assert best_of_columns(priced, relaxed, fleet(priced.tables), Limits(nodes=100), most_columns=1) is None


@SLOW
@given(problems())
def test_the_bound_is_never_above_the_least_cost(asked):
    """With every row that is added to the relaxation."""
    try:
        best = exhaustive(asked)
    except TooLarge:
        assume(False)
        raise
    found = solve(asked, strategy=Strategy.COLUMNS)
    if found.bound is not None and best.objective is not None and left_out(asked, found) == left_out(asked, best):
        assert found.bound <= objective(best) + 1e-3
