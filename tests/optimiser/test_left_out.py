"""Why workloads are left out: what is lacking, raised by just as much, lets them in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import solve
from sizing.optimiser.conflicts.left_out import Lack, Scarce, why_left_out
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Quota, Site, Team

REGION = "east"


def pool(zone: str, mode: PurchaseMode = PurchaseMode.ON_DEMAND, *, most: int | None = None) -> Pool:
    """Machines of four accelerators, on spot at half their price."""
    price = 400 if mode is PurchaseMode.SPOT else 800
    name = "cr-1" if mode is PurchaseMode.RESERVATION else None
    return Pool(
        machine="node", region=REGION, zone=zone, mode=mode, slots=4, micro_usd_per_hour=price, most=most, name=name
    )


A, B = pool("east-a"), pool("east-b")
SPOT_A = pool("east-a", PurchaseMode.SPOT)
HELD = pool("east-b", PurchaseMode.RESERVATION, most=1)


def choice(workload: str) -> Choice:
    """A replica takes a whole machine and carries ten."""
    return Choice(workload=workload, machine="node", kind="TP4", slots=4, capacity=10)


def demand(workload: str, total: int, priority: int | None = None, **parts: object) -> Demand:
    """So much, all of it on machines that stay."""
    one = Demand(workload=workload, total=(total,), firm=(total,), spot=(0,), zone_loss=False, priority=priority)
    return replace(one, **parts)  # type: ignore[arg-type]  # any part of a demand


def problem_of(*demands: Demand, pools: tuple[Pool, ...] = (A, B), **parts: object) -> Problem:
    """One region of two zones."""
    whole = Problem(
        demands=demands,
        choices=tuple(choice(one.workload) for one in demands),
        pools=pools,
        sites=(Site(region=REGION, system_micro_usd_per_hour=10, least_system_machines=2),),
    )
    return replace(whole, **parts)  # type: ignore[arg-type]  # any part of a problem


def quota(limit: int, *pools: Pool) -> Quota:
    """Ninety-six units a machine."""
    return Quota(name="P vCPU", limit=limit, units=tuple((one, 96) for one in pools))


def test_a_quota_that_others_take_is_told_with_what_is_left_of_it():
    """Chat takes two machines of the three that 288 units are; batch takes two more, 192, and 96 are left."""
    asked = problem_of(demand("chat", 20), demand("batch", 20, priority=1), quotas=(quota(288, A, B),))
    found = solve(asked)
    assert found.unserved == ("batch",)
    (why,) = why_left_out(asked, found)
    assert why.lacks == (Lack(of=Scarce.QUOTA, name="P vCPU", takes=192, left=96, limit=288),)
    assert (why.workload, why.region) == ("batch", REGION)


def test_machines_that_there_are_so_many_of_are_told():
    """Only the reservation is sold, of one machine, and chat has it."""
    asked = problem_of(demand("chat", 10), demand("batch", 10, priority=1), pools=(HELD,))
    (why,) = why_left_out(asked, solve(asked))
    assert why.lacks == (Lack(of=Scarce.MACHINES, name="cr-1", takes=1, left=0, limit=1),)


def test_a_budget_is_told():
    """Two system machines at 10 and a machine at 800 are 820; another machine in that zone is 800, and 180 are left."""
    asked = problem_of(demand("chat", 10), demand("batch", 10, priority=1), budget_micro_usd_per_hour=1000)
    (why,) = why_left_out(asked, solve(asked))
    assert why.lacks == (Lack(of=Scarce.BUDGET, name="", takes=800, left=180, limit=1000),)


def test_a_share_of_a_team_is_told_in_accelerators_and_in_money():
    """The team has four slots, which chat takes, and 1,000 an hour, of which chat takes 800."""
    team = Team(name="search", workloads=frozenset({"chat", "batch"}), slots=4, micro_usd_per_hour=1000)
    asked = problem_of(demand("chat", 10), demand("batch", 10, priority=1), teams=(team,))
    (why,) = why_left_out(asked, solve(asked))
    assert why.lacks == (
        Lack(of=Scarce.TEAM_SLOTS, name="search", takes=4, left=0, limit=4),
        Lack(of=Scarce.TEAM_MONEY, name="search", takes=800, left=200, limit=1000),
    )


def test_what_nothing_may_carry_lacks_nothing():
    """Batch may stand in the west only, where nothing is sold."""
    asked = problem_of(demand("batch", 10, priority=1, regions=frozenset({"west"})))
    (why,) = why_left_out(asked, solve(asked))
    assert why.lacks == ()
    assert why.choice is None


@st.composite
def scarce(draw: st.DrawFn) -> Problem:
    """Problems in which some of several workloads have to be left out."""
    demands = []
    for name in ("chat", "batch", "embed"):
        total = draw(st.integers(1, 40))
        part = draw(st.sampled_from((0, total // 2)))
        spot = draw(st.sampled_from((0, part)))
        one = demand(name, total, draw(st.integers(1, 3)), zone_loss=draw(st.booleans()))
        demands.append(replace(one, firm=(total - part,), spot=(spot,)))
    held = draw(st.booleans())
    pools = (A, B, SPOT_A, *((HELD,) if held else ()))
    team = Team(name="search", workloads=frozenset({"chat", "embed"}), slots=draw(st.integers(0, 24)))
    return problem_of(
        *demands,
        pools=pools,
        quotas=(quota(draw(st.integers(0, 600)), A, B), replace(quota(draw(st.integers(0, 400)), SPOT_A), name="spot")),
        teams=(team,) if draw(st.booleans()) else (),
        budget_micro_usd_per_hour=draw(st.sampled_from((None, 2000, 5000))),
    )


def raised(asked: Problem, lacks: tuple[Lack, ...]) -> Problem:
    """The problem with each limit as much higher as is lacking of it."""
    for lack in lacks:
        more = lack.limit + lack.takes - lack.left
        if lack.of is Scarce.QUOTA:
            quotas = tuple(replace(one, limit=more) if one.name == lack.name else one for one in asked.quotas)
            asked = replace(asked, quotas=quotas)
        elif lack.of is Scarce.MACHINES:
            pools = tuple(replace(one, most=more) if one.name == lack.name else one for one in asked.pools)
            asked = replace(asked, pools=pools)
        elif lack.of is Scarce.TEAM_SLOTS:
            asked = replace(asked, teams=tuple(replace(one, slots=more) for one in asked.teams))
        else:
            asked = replace(asked, budget_micro_usd_per_hour=more)
    return asked


@settings(max_examples=40, deadline=None)
@given(scarce())
def test_as_much_more_as_is_lacking_lets_a_workload_in(asked: Problem):
    """Of the highest priority that is left out, fewer are left out then; each limit that is told is really passed."""
    found = solve(asked)
    if found.micro_usd_per_hour is None:
        return
    for why in why_left_out(asked, found):
        assert all(lack.takes > lack.left for lack in why.lacks)
        if why.choice is None:
            continue
        priority = next(one.priority for one in asked.demands if one.workload == why.workload)
        assert why.lacks
        then = solve(raised(asked, why.lacks))
        assert _left_out(asked, then.unserved, priority) < _left_out(asked, found.unserved, priority)


def _left_out(asked: Problem, unserved: tuple[str, ...], least: int | None) -> list[int]:
    """How many of each priority are left out, the highest first, down to *least*."""
    by_priority = {one.workload: one.priority or 0 for one in asked.demands}
    return [sum(by_priority[name] == priority for name in unserved) for priority in range(9, (least or 1) - 1, -1)]
