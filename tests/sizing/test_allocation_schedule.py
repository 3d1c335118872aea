"""The day cut into periods of equal demand, and demand in whole micro-requests per second in each of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.allocation.buying.schedule import WHOLE_DAY, budget_of, day_of, demand_of, demands_of, share_at, teams_of
from sizing.catalog import PurchaseMode
from sizing.optimiser.problem import ALWAYS, Period, Team
from sizing.spec.capacity import TeamQuota
from sizing.spec.schedule import DayPart
from sizing.spec.workload import Serving, Survive
from tests.markets import ASSIST_8B, CHAT_70B, spec_of


def daily(workload: Serving, *parts: tuple[int, int, float]) -> Serving:
    """The workload with shares of its peak by hours of the day."""
    day = tuple(DayPart(from_h=start, until_h=end, share=share) for start, end, share in parts)
    return replace(workload, traffic=replace(workload.traffic, day=day))


OFFICE = daily(CHAT_70B, (0, 8, 0.25), (8, 20, 1.0), (20, 24, 0.25))
EVENING = daily(ASSIST_8B, (0, 6, 0.1), (6, 18, 0.5), (18, 24, 1.0))


def test_a_day_without_a_schedule_is_one_period():
    """The peak all day: what every plan was made for before there were schedules."""
    assert day_of([CHAT_70B, ASSIST_8B]) == WHOLE_DAY
    assert WHOLE_DAY.periods == ALWAYS


def test_hours_of_equal_share_are_one_period_even_across_midnight():
    """0 to 8 and 20 to 24 carry a quarter of the peak: one night of twelve hours."""
    day = day_of([OFFICE])
    assert day.periods == (Period(name="20-08", hours=12), Period(name="08-20", hours=12))
    assert day.spans == (((20, 8),), ((8, 20),))


def test_the_day_is_cut_where_any_workload_changes():
    """
    Boundaries 0 6 8 18 20: nights differ, as one of them is still busy for the evening workload.

    Hours: 0-6 (quarter, tenth), 6-8 (quarter, half), 8-18 (full, half), 18-20 (full, full), 20-24 (quarter, full).
    """
    day = day_of([OFFICE, EVENING])
    assert [(period.name, period.hours) for period in day.periods] == [
        ("00-06", 6),
        ("06-08", 2),
        ("08-18", 10),
        ("18-20", 2),
        ("20-24", 4),
    ]


def test_hours_apart_that_are_alike_are_one_period_with_both_spans():
    """A peak in the morning and one in the afternoon."""
    twice = daily(CHAT_70B, (0, 8, 0.2), (8, 10, 1.0), (10, 16, 0.2), (16, 18, 1.0), (18, 24, 0.2))
    day = day_of([twice])
    assert [period.name for period in day.periods] == ["10-16, 18-08", "08-10, 16-18"]
    assert [period.hours for period in day.periods] == [20, 4]


def test_demand_of_a_period_is_its_share_of_the_peak_with_headroom():
    """12 x 1.2 = 14.4 requests per second by day, a quarter of it, 3.6, by night; at most 30 % of each on spot."""
    spot = replace(OFFICE, allowed=replace(OFFICE.allowed, spot_share=0.3, min_spot_share=0.1))
    demand = demand_of(spot, day_of([spot]), headroom=0.2)
    assert demand.total == (3_600_000, 14_400_000)
    assert demand.firm == (2_520_000, 10_080_000)
    assert demand.spot == (360_000, 1_440_000)


def test_demand_is_rounded_up_but_not_by_the_noise_of_fractions():
    """A third of 1 request per second is 333,333.3 micro-requests: 333,334; 12 x 1.2 is not 14.400000000000002."""
    third = replace(CHAT_70B, traffic=replace(CHAT_70B.traffic, requests_per_s=1 / 3))
    assert demand_of(third, WHOLE_DAY, headroom=0.0).total == (333_334,)
    assert demand_of(CHAT_70B, WHOLE_DAY, headroom=0.2).total == (14_400_000,)


def test_a_workload_that_sleeps_at_night_demands_nothing_then():
    """A share of zero is a period without demand, not a mistake."""
    sleeper = daily(CHAT_70B, (0, 12, 0.0), (12, 24, 1.0))
    demand = demand_of(sleeper, day_of([sleeper]), headroom=0.2)
    assert demand.total == (0, 14_400_000)
    assert not demand.may_use_spot


def test_what_else_a_demand_says_comes_from_the_workload():
    bound = replace(
        CHAT_70B,
        survive=Survive.ZONE,
        priority=3,
        regions=("us-east-1",),
        allowed=replace(CHAT_70B.allowed, purchase=(PurchaseMode.ON_DEMAND,)),
    )
    plain, told = demands_of(spec_of(ASSIST_8B, bound), WHOLE_DAY)
    assert (plain.zone_loss, plain.priority, plain.regions, plain.modes) == (False, None, None, None)
    assert (told.zone_loss, told.priority) == (True, 3)
    assert (told.regions, told.modes) == (frozenset({"us-east-1"}), frozenset({PurchaseMode.ON_DEMAND}))


def test_teams_have_their_workloads_their_accelerators_and_their_money():
    """73,000 USD a month are 100 USD an hour of 730; a team without workloads limits nothing."""
    spec = spec_of(replace(CHAT_70B, team="search"), replace(ASSIST_8B, team="search"))
    teams = (TeamQuota(name="search", accelerators=16, budget_usd_per_month=73_000), TeamQuota(name="idle"))
    assert teams_of(replace(spec, teams=teams)) == (
        Team(name="search", workloads=frozenset({"chat", "assist"}), slots=16, micro_usd_per_hour=100_000_000),
    )


def test_a_budget_is_rounded_down():
    """100 USD a month: 0.136986301... USD an hour."""
    assert budget_of(spec_of(CHAT_70B, budget_usd_per_month=100)) == 136_986
    assert budget_of(spec_of(CHAT_70B)) is None


@st.composite
def days(draw: st.DrawFn) -> tuple[tuple[int, int, float], ...]:
    cuts = sorted({0, 24, *draw(st.lists(st.integers(1, 23), max_size=4))})
    shares = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=len(cuts), max_size=len(cuts)))
    return tuple((start, end, share) for start, end, share in zip(cuts, cuts[1:], shares, strict=False))


@given(days(), days())
def test_every_hour_lies_in_one_period_with_its_own_shares(
    first: tuple[tuple[int, int, float], ...], second: tuple[tuple[int, int, float], ...]
):
    """Periods cover the 24 hours once, and within one no workload's share changes."""
    workloads = [daily(CHAT_70B, *first), daily(ASSIST_8B, *second)]
    day = day_of(workloads)
    seen: list[int] = []
    for period, spans in zip(day.periods, day.spans, strict=True):
        hours = [h % 24 for start, end in spans for h in range(start, end if end > start else end + 24)]
        assert len(hours) == period.hours
        assert len({tuple(share_at(one, hour) for one in workloads) for hour in hours}) == 1
        seen += hours
    assert sorted(seen) == list(range(24))


@pytest.mark.parametrize("hour", range(24))
def test_without_a_schedule_every_hour_has_the_peak(hour: int):
    assert share_at(CHAT_70B, hour) == 1.0
