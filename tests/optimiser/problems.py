"""Small random problems with every rule in them, small enough to try every purchase."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis import strategies as st

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import (
    ALWAYS,
    Choice,
    Commitment,
    Demand,
    Period,
    Pool,
    Problem,
    Quota,
    Site,
    Standing,
    Team,
)
from sizing.optimiser.purchase import Purchase

T = TypeVar("T")

DAY_AND_NIGHT = (Period(name="day", hours=16), Period(name="night", hours=8))
SLOTS = {"one": 1, "two": 2, "four": 4}
REGIONS = {"east": ("east-a", "east-b", "east-c"), "west": ("west-a", "west-b")}
ON_DEMAND, SPOT, RESERVATION = PurchaseMode.ON_DEMAND, PurchaseMode.SPOT, PurchaseMode.RESERVATION


@st.composite
def problems(draw: st.DrawFn, *, most_workloads: int = 3, may_be_left_out: bool = True) -> Problem:
    """
    One to three workloads, kinds and machine types, two to seven pools in one or two regions.

    Spot, reservations, quotas, teams, commitments, a second period, zones to lose, machines that run today: each in
    some of them.
    """
    periods = draw(st.sampled_from([ALWAYS, ALWAYS, DAY_AND_NIGHT]))
    workloads = ["a", "b", "c"][: draw(st.integers(1, most_workloads))]
    machines = sorted(draw(st.sets(st.sampled_from([*SLOTS]), min_size=1)))
    pools = _pools(draw, machines, workloads)
    demands = tuple(_demand(draw, name, periods, may_be_left_out=may_be_left_out) for name in workloads)
    return Problem(
        demands=demands,
        choices=tuple(choice for name in workloads for choice in _choices(draw, name, machines)),
        pools=pools,
        sites=tuple(
            Site(region=region, system_micro_usd_per_hour=draw(st.integers(0, 9)), least_system_machines=2)
            for region in dict.fromkeys(pool.region for pool in pools)
        ),
        periods=periods,
        standings=tuple(
            Standing(workload=name, region=region, micro_usd_per_hour=draw(st.integers(1, 20)))
            for name in workloads
            for region in REGIONS
            if draw(st.booleans())
        ),
        quotas=_some(draw, 2, lambda number: _quota(draw, number, pools)),
        commitments=_commitments(draw, pools),
        teams=_some(draw, 1, lambda number: _team(draw, number, workloads)),
        budget_micro_usd_per_hour=_seldom(draw, st.integers(50, 1000)),
    )


def _seldom(draw: st.DrawFn, values: st.SearchStrategy[T]) -> T | None:
    """One of *values* in one case of five."""
    return draw(values) if draw(st.integers(0, 4)) == 4 else None


def _some(draw: st.DrawFn, most: int, build: Callable[[int], T]) -> tuple[T, ...]:
    """Nothing as often as not, up to *most* of them otherwise."""
    return tuple(build(number) for number in range(max(0, draw(st.integers(-most, most)))))


def _pools(draw: st.DrawFn, machines: Iterable[str], workloads: list[str]) -> tuple[Pool, ...]:
    places = [
        (machine, region, zone, mode)
        for machine in machines
        for region, zones in REGIONS.items()
        for zone in zones
        for mode in (ON_DEMAND, SPOT, RESERVATION)
    ]
    chosen = draw(st.lists(st.sampled_from(places), min_size=2, max_size=7, unique=True))
    today = draw(st.booleans())
    prices = {(machine, region): draw(st.integers(20, 60)) for machine in machines for region in REGIONS}
    found = []
    for machine, region, zone, mode in chosen:
        share = {ON_DEMAND: 1.0, SPOT: 0.4, RESERVATION: draw(st.sampled_from([0.0, 0.6]))}[mode]
        kept = mode is RESERVATION
        found.append(
            Pool(
                machine=machine,
                region=region,
                zone=zone,
                mode=mode,
                slots=SLOTS[machine],
                micro_usd_per_hour=round(prices[machine, region] * SLOTS[machine] * share),
                running=draw(st.integers(0, 2)) if today else None,
                most=draw(st.integers(1, 3)) if kept else _seldom(draw, st.integers(0, 4)),
                name=f"kept-{machine}-{zone}" if kept else None,
                only_for=_seldom(draw, st.just(frozenset(workloads[:1]))),
            )
        )
    return tuple(found)


def _demand(draw: st.DrawFn, workload: str, periods: tuple[Period, ...], *, may_be_left_out: bool) -> Demand:
    total = tuple(draw(st.integers(1, 30)) if at == 0 else draw(st.integers(0, 30)) for at in range(len(periods)))
    share = draw(st.sampled_from([1.0, 1.0, 0.5, 0.0]))
    firm = tuple(round(each * share) for each in total)
    some_on_spot = share < 1 and draw(st.booleans())
    return Demand(
        workload=workload,
        total=total,
        firm=firm,
        spot=tuple((each - kept) // 2 if some_on_spot else 0 for each, kept in zip(total, firm, strict=True)),
        zone_loss=draw(st.integers(0, 2)) == 0,
        priority=draw(st.integers(1, 3)) if may_be_left_out and draw(st.integers(0, 3)) else None,
        regions=_seldom(draw, st.just(frozenset({"east"}))),
        modes=_seldom(draw, st.just(frozenset({ON_DEMAND, SPOT}))),
    )


def _choices(draw: st.DrawFn, workload: str, machines: Iterable[str]) -> Iterable[Choice]:
    """One to three kinds; the wider replica carries more, and not all machine types have each of them."""
    for kind, slots in zip(("TP1", "TP2", "TP4"), (1, 2, 4), strict=True):
        capacity = draw(st.integers(8, 14)) * slots
        for machine in machines:
            if draw(st.integers(0, 3)):
                yield Choice(workload=workload, machine=machine, kind=kind, slots=slots, capacity=capacity)


def _quota(draw: st.DrawFn, number: int, pools: tuple[Pool, ...]) -> Quota:
    counted = draw(st.sets(st.integers(0, len(pools) - 1), min_size=1))
    units = tuple((pools[at], 2 * pools[at].slots) for at in sorted(counted))
    return Quota(name=f"quota-{number}", limit=draw(st.integers(0, 40)), units=units)


def _commitments(draw: st.DrawFn, pools: tuple[Pool, ...]) -> tuple[Commitment, ...]:
    priced = {(pool.machine, pool.region): pool.micro_usd_per_hour for pool in pools if pool.mode is ON_DEMAND}
    return tuple(
        Commitment(
            machine=machine,
            region=region,
            mode=PurchaseMode.COMMITTED_1Y,
            micro_usd_per_hour=round(price * 0.6),
            owned=draw(st.integers(0, 1)),
            most=draw(st.none() | st.integers(0, 2)),
        )
        for (machine, region), price in priced.items()
        if draw(st.integers(0, 3)) == 0
    )


def _team(draw: st.DrawFn, number: int, workloads: list[str]) -> Team:
    own = frozenset(draw(st.sets(st.sampled_from(workloads), min_size=1)))
    return Team(
        name=f"team-{number}",
        workloads=own,
        slots=draw(st.none() | st.integers(1, 12)),
        micro_usd_per_hour=draw(st.none() | st.integers(20, 800)),
    )


def objective(purchase: Purchase) -> float:
    """What a purchase was compared by; there is one."""
    assert purchase.objective is not None
    return purchase.objective


def left_out(problem: Problem, purchase: Purchase) -> list[int]:
    """How many workloads are left out of each priority, the highest first."""
    lost = [demand.priority for demand in problem.demands if demand.workload in purchase.unserved]
    return [lost.count(priority) for priority in range(9, 0, -1)]
