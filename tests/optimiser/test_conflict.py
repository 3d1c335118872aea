"""Minimal conflicts and the fewest requirements to let go, against every set tried with a model that shares no code."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import solve
from sizing.optimiser.conflicts.conflict import MOST_WAYS, analysis, least, possible
from sizing.optimiser.conflicts.feasibility import team_slots, usage
from sizing.optimiser.conflicts.looser import Requirements, loosest, place_of
from sizing.optimiser.problem import Choice, Commitment, Demand, Period, Pool, Problem, Quota, Site, Standing, Team
from sizing.optimiser.status import SolverStatus

DAY = (Period(name="day", hours=14), Period(name="night", hours=10))
REGIONS = ("east", "west")
ZONES = {"east": ("east-a", "east-b"), "west": ("west-a",)}
PRICE = {"node": 800, "small": 130}
SLOTS = {"node": 4, "small": 1}
MOST_TRIED = 5  # requirements of which every set is tried


def pool(machine: str, region: str, zone: str, mode: PurchaseMode = PurchaseMode.ON_DEMAND) -> Pool:
    """Machines of a zone, on spot at half their price."""
    price = PRICE[machine] // (2 if mode is PurchaseMode.SPOT else 1)
    return Pool(machine=machine, region=region, zone=zone, mode=mode, slots=SLOTS[machine], micro_usd_per_hour=price)


POOLS = tuple(
    pool(machine, region, zone, mode)
    for machine in SLOTS
    for region in REGIONS
    for zone in ZONES[region]
    for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
)
EAST = tuple(one for one in POOLS if one.region == "east")


def quota(limit: int, pools: tuple[Pool, ...] = EAST, *, name: str = "vCPU in east") -> Quota:
    """As many units as a machine has slots."""
    return Quota(name=name, limit=limit, units=tuple((one, one.slots) for one in pools))


def problem_of(*demands: Demand, choices: tuple[Choice, ...], **parts: object) -> Problem:
    """A problem of two regions."""
    sites = tuple(Site(region=region, system_micro_usd_per_hour=10, least_system_machines=2) for region in REGIONS)
    whole = Problem(demands=demands, choices=choices, pools=POOLS, sites=sites, periods=DAY)
    return replace(whole, **parts)  # type: ignore[arg-type]  # any part of a problem


def demand(workload: str, total: int, **parts: object) -> Demand:
    """Half of the day's traffic by night, none of it on spot."""
    amounts = (total, total // 2)
    whole = Demand(workload=workload, total=amounts, firm=amounts, spot=(0, 0), zone_loss=False)
    return replace(whole, **parts)  # type: ignore[arg-type]  # any part of a demand


CHAT_4 = Choice(workload="chat", machine="node", kind="TP4", slots=4, capacity=20)
CHAT_1 = Choice(workload="chat", machine="small", kind="TP1", slots=1, capacity=4)
CHAT_1_NODE = replace(CHAT_1, machine="node")
FAST_2 = Choice(workload="chat", machine="node", kind="TP2 fp8", slots=2, capacity=18)
ASSIST_1 = Choice(workload="assist", machine="small", kind="TP1", slots=1, capacity=6)


def with_demand(problem: Problem, workload: str, **parts: object) -> Problem:
    """The problem with parts of one demand replaced."""
    demands = tuple(
        replace(one, **parts) if one.workload == workload else one  # type: ignore[arg-type]  # any part of a demand
        for one in problem.demands
    )
    return replace(problem, demands=demands)


def let_go(asked: Problem) -> dict[str, Problem]:
    """Every requirement that the problem has, and the problem without it."""
    found = {f"quota {one.name}": replace(asked, quotas=_without(asked.quotas, one)) for one in asked.quotas}
    if asked.budget_micro_usd_per_hour is not None:
        found["budget"] = replace(asked, budget_micro_usd_per_hour=None)
    for team in asked.teams:
        found[f"slots of {team.name}"] = replace(asked, teams=(replace(team, slots=None),))
        found[f"money of {team.name}"] = replace(asked, teams=(replace(team, micro_usd_per_hour=None),))
    for one in asked.demands:
        nothing = (0,) * len(DAY)
        name = one.workload
        looser = {
            "zone loss": with_demand(asked, name, zone_loss=False),
            "regions": with_demand(asked, name, regions=None),
            "modes": with_demand(asked, name, modes=None),
            "firm": with_demand(asked, name, firm=nothing, spot=nothing),
            "spot": with_demand(asked, name, spot=nothing),
        }
        found |= {f"{name}: {what}": of for what, of in looser.items() if of != asked}
    for scarce in (one for one in asked.pools if one.most is not None):
        more = tuple(replace(one, most=None) if one == scarce else one for one in asked.pools)
        swap = dict(zip(asked.pools, more, strict=True))
        quotas = tuple(replace(q, units=tuple((swap[p], n) for p, n in q.units)) for q in asked.quotas)
        found[f"machines of {scarce.name or scarce.zone}"] = replace(asked, pools=more, quotas=quotas)
    if FAST_2 not in asked.choices:
        found["chat: weights"] = replace(asked, choices=(*asked.choices, FAST_2))
    return found


def _without(quotas: tuple[Quota, ...], dropped: Quota) -> tuple[Quota, ...]:
    return tuple(one for one in quotas if one != dropped)


def requirements_of(asked: Problem, *, most: int | None = None) -> Requirements:
    """Each requirement by itself, the first ones only where there are more than *most*: the others cannot be let go."""
    each = {frozenset({name}): looser for name, looser in list(let_go(asked).items())[:most]}
    return Requirements(asked=asked, let_go=each)


def conflicts_by_trial(requirements: Requirements) -> set[frozenset[str]]:
    """Every minimal conflict, from the problem of every set of requirements, solved by another model."""
    found: set[frozenset[str]] = set()
    for size in range(len(requirements.ids) + 1):
        for on in map(frozenset, combinations(requirements.ids, size)):
            left_out = [name for name in requirements.ids if name not in on]
            if not any(known <= on for known in found) and not served(requirements.without(left_out)):
                found.add(on)
    return found


def served(problem: Problem) -> bool:
    """Whether a purchase exists, by the other model; these problems are small enough for a proof either way."""
    status = solve(problem).status
    assert status in {SolverStatus.OPTIMAL, SolverStatus.INFEASIBLE}
    return status is SolverStatus.OPTIMAL


@st.composite
def demands(draw: st.DrawFn, workload: str) -> Demand:
    """What one workload needs, with limits on where and how."""
    total = draw(st.integers(1, 60))
    part = draw(st.sampled_from((0, 0, total // 2)))
    firm = (total - part, (total - part) // 2)
    asked = demand(workload, total, firm=firm, zone_loss=draw(st.booleans()))
    if part:
        asked = replace(asked, spot=draw(st.sampled_from(((0, 0), (part, 0)))))
    modes = draw(st.sampled_from((None, frozenset({PurchaseMode.ON_DEMAND}), frozenset({PurchaseMode.SPOT}))))
    return replace(asked, modes=modes, regions=draw(st.sampled_from((None, frozenset({"east"}), frozenset({"west"})))))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small problems whose limits often conflict."""
    two = draw(st.booleans())
    asked = (draw(demands("chat")), *((draw(demands("assist")),) if two else ()))
    own = draw(st.sampled_from(((CHAT_4,), (CHAT_1,), (CHAT_4, CHAT_1, CHAT_1_NODE))))
    limits = st.integers(0, 24)
    scarce = draw(st.sampled_from((None, 0, 1, 3)))
    pools = tuple(
        replace(one, most=scarce) if scarce is not None and (one.zone, one.machine) == ("west-a", "small") else one
        for one in POOLS
    )
    quotas = draw(
        st.sampled_from(((), (quota(draw(limits)),), (quota(draw(limits)), quota(draw(limits), pools, name="all"))))
    )
    teams = (Team(name="search", workloads=frozenset({"chat"}), slots=draw(limits), micro_usd_per_hour=600),)
    return problem_of(
        *asked,
        choices=(*own, *((ASSIST_1,) if two else ())),
        pools=pools,
        quotas=quotas,
        teams=teams if draw(st.booleans()) else (),
        budget_micro_usd_per_hour=draw(st.sampled_from((None, None, 400, 900, 2000))),
        commitments=(
            (
                Commitment(
                    machine="node", region="east", mode=PurchaseMode.COMMITTED_1Y, micro_usd_per_hour=500, owned=1
                ),
            )
            if draw(st.booleans())
            else ()
        ),
        standings=(Standing(workload="chat", region="west", micro_usd_per_hour=50),),
    )


@settings(max_examples=40, deadline=None)
@given(problems())
def test_what_is_possible_is_what_the_other_model_finds_a_purchase_for(asked: Problem):
    """Two models of one problem, which share no code, agree on whether there is a purchase."""
    assert possible(asked) is served(asked)


@settings(max_examples=15, deadline=None)
@given(problems())
def test_a_conflict_is_one_of_the_minimal_ones(asked: Problem):
    """Removing any member makes it possible, by trying every set of requirements with another model."""
    requirements = requirements_of(asked, most=MOST_TRIED)
    every = conflicts_by_trial(requirements)
    found = analysis(requirements).conflicts()
    assert bool(found) is not served(asked)
    assert all(conflict.is_minimal for conflict in found)
    assert {frozenset(conflict.requirements) for conflict in found} <= every
    assert len({conflict.requirements for conflict in found}) == len(found)


@settings(max_examples=15, deadline=None)
@given(problems())
def test_ways_out_are_all_of_the_smallest_sets_that_do(asked: Problem):
    """By trying every set of requirements, the small ones first."""
    requirements = requirements_of(asked, most=MOST_TRIED)
    ways = [
        [set(off) for off in combinations(requirements.ids, size) if served(requirements.without(off))]
        for size in range(len(requirements.ids) + 1)
    ]
    expected = next((sets for sets in ways[1:] if sets), []) if not ways[0] else []
    found = analysis(requirements).explanation()
    assert len(found.ways_out) == (
        len(expected) if expected and len(expected[0]) == 1 else min(len(expected), MOST_WAYS)
    )
    assert all(set(way) in expected for way in found.ways_out)
    if expected and len(expected[0]) == 1:
        (conflict,) = found.conflicts
        assert [{name} for name in conflict.requirements] == expected


def test_a_quota_and_a_residency_conflict_together():
    """Three nodes of 4 units are needed in the east (two in fp8), which has 4; the west has no quota: either does."""
    chat = demand("chat", 60, regions=frozenset({"east"}))
    asked = problem_of(chat, choices=(CHAT_4,), quotas=(quota(4),))
    one = analysis(requirements_of(asked))
    assert [set(conflict.requirements) for conflict in one.conflicts()] == [{"quota vCPU in east", "chat: regions"}]
    found = one.explanation()
    assert [set(conflict.requirements) for conflict in found.conflicts] == [{"quota vCPU in east", "chat: regions"}]
    assert set(found.ways_out) == {("quota vCPU in east",), ("chat: regions",)}


def test_two_conflicts_side_by_side_are_both_named():
    """The team may have 2 slots and a replica takes 4; and the loss of the only zone in the west leaves nothing."""
    chat = demand("chat", 20, regions=frozenset({"west"}), zone_loss=True)
    team = Team(name="search", workloads=frozenset({"chat"}), slots=2)
    asked = problem_of(chat, choices=(CHAT_4,), teams=(team,), quotas=(quota(0),))
    told = analysis(requirements_of(asked)).explanation()
    found = {frozenset(conflict.requirements) for conflict in told.conflicts}
    assert frozenset({"slots of search"}) in found
    assert any("chat: zone loss" in conflict for conflict in found)
    assert ("slots of search", "chat: zone loss") in told.ways_out


def test_what_no_requirement_stands_in_the_way_of_has_an_empty_conflict():
    """Nothing carries the workload: there is no choice at all for it."""
    asked = problem_of(demand("chat", 20), choices=(), budget_micro_usd_per_hour=10_000)
    one = analysis(
        Requirements(asked=asked, let_go={frozenset({"budget"}): replace(asked, budget_micro_usd_per_hour=None)})
    )
    assert [conflict.requirements for conflict in one.explanation().conflicts] == [()]
    assert one.explanation().ways_out == ()


def test_what_can_hold_has_no_conflict():
    """One node is enough, and nothing forbids it."""
    asked = problem_of(demand("chat", 20), choices=(CHAT_4,), quotas=(quota(8),))
    assert analysis(requirements_of(asked)).conflicts() == ()


def test_what_only_two_together_let_in_is_found():
    """A choice that needs both its device and its precision allowed is there once both are let go."""
    chat = demand("chat", 20)
    asked = problem_of(chat, choices=())
    wide = replace(asked, choices=(FAST_2,))
    requirements = Requirements(
        asked=asked,
        let_go={frozenset({"device"}): asked, frozenset({"format"}): asked, frozenset({"device", "format"}): wide},
    )
    found = analysis(requirements).explanation()
    assert {conflict.requirements for conflict in found.conflicts} == {("device",), ("format",)}
    assert found.ways_out == (("device", "format"),)


def test_workloads_that_may_be_left_out_conflict_with_nothing():
    """Chat may be left out, so no quota stands in its way; assist must be served, and fits."""
    chat = demand("chat", 60, priority=1)
    asked = problem_of(chat, demand("assist", 6), choices=(CHAT_4, ASSIST_1), quotas=(quota(1),))
    assert possible(asked)


def test_clouds_are_not_mixed():
    """Chat may only stand in the east and assist only in the west: on two clouds that is no plan."""
    asked = problem_of(
        demand("chat", 20, regions=frozenset({"east"})),
        demand("assist", 6, regions=frozenset({"west"})),
        choices=(CHAT_4, ASSIST_1),
    )
    assert possible(asked)
    apart = replace(requirements_of(asked), apart=(frozenset({"east"}), frozenset({"west"})))
    (conflict,) = analysis(apart).conflicts()
    assert set(conflict.requirements) == {"chat: regions", "assist: regions"}


def test_the_least_quota_that_does_is_worked_out():
    """60 and then 30 micro-requests: three nodes of 4 units by day, or 15 small ones of 1: the least is 12."""
    asked = problem_of(demand("chat", 60, regions=frozenset({"east"})), choices=(CHAT_4, CHAT_1))
    units = {place_of(one): number for one, number in quota(0).units}
    assert least(asked, lambda model: usage(model, units)) == 12


def test_the_least_share_of_a_team_that_does_is_worked_out():
    """Three replicas of 4 slots in the busiest period."""
    asked = problem_of(demand("chat", 60), choices=(CHAT_4,))
    team = Team(name="search", workloads=frozenset({"chat"}))
    assert least(asked, lambda model: team_slots(model, team)) == 12


def test_the_loosest_of_two_problems_has_the_most_of_each():
    """The higher quota, the lower amounts, the wider places."""
    asked = problem_of(demand("chat", 20, regions=frozenset({"east"})), choices=(CHAT_4,), quotas=(quota(4),))
    more = replace(asked, quotas=(quota(16),))
    wider = with_demand(asked, "chat", regions=frozenset({"east", "west"}))
    both = loosest(asked, more, wider)
    assert both.quotas == more.quotas
    assert both.demands == wider.demands
    assert loosest(asked, replace(asked, quotas=())).quotas == ()


@pytest.mark.parametrize("limit", [0, 11])
def test_a_quota_a_unit_too_small_is_a_conflict_and_one_that_just_does_is_none(limit: int):
    """Three nodes take 12 units."""
    east = demand("chat", 60, regions=frozenset({"east"}))
    assert possible(problem_of(east, choices=(CHAT_4,), quotas=(quota(limit),))) is False
    assert possible(problem_of(east, choices=(CHAT_4,), quotas=(quota(12),))) is True
