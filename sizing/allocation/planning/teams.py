"""
What each team bears of a purchase: its slots for the hours that its replicas stand, its workloads' own costs, no more.

Slots that are paid and carry nothing are told apart as idle, and what serves all, the clusters' own machines, as
shared: who is to bear these is for the teams to settle. All parts together are the cost of the purchase, to the
micro-dollar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Pool, Problem
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.units import MICRO_USD_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCost:
    """What one team bears."""

    team: str | None  # None: workloads of no team
    micro_usd_per_hour: int
    slots: float  # accelerators that its replicas take, on average over the day

    @property
    def usd_per_hour(self) -> float:
        """The same in USD."""
        return self.micro_usd_per_hour / MICRO_USD_PER_USD


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCosts:
    """All that a purchase costs, by who bears it."""

    teams: tuple[TeamCost, ...]  # in the order of the problem, then workloads of no team where there are any
    idle_micro_usd_per_hour: int  # slots that are paid and carry nothing
    shared_micro_usd_per_hour: int  # machines of the clusters themselves

    @property
    def micro_usd_per_hour(self) -> int:
        """Everything: what the purchase costs."""
        borne = sum(team.micro_usd_per_hour for team in self.teams)
        return borne + self.idle_micro_usd_per_hour + self.shared_micro_usd_per_hour


def team_costs(problem: Problem, purchase: Purchase) -> TeamCosts | None:
    """
    Who bears what of *purchase*; None where nothing was bought.

    A pool's cost is split by slot-hours. On-demand machines of a type in a region are one pool here: a commitment
    covers them in whichever zone. What is paid for all hours is idle in the hours in which nothing stands on it.
    """
    if purchase.micro_usd_per_hour is None:
        return None
    owner = {workload: team.name for team in problem.teams for workload in team.workloads}
    borne: dict[str | None, Fraction] = dict.fromkeys([team.name for team in problem.teams], Fraction(0))
    slot_hours: Counter[str | None] = Counter()
    idle = Fraction(0)
    for group in _groups(problem, purchase):
        left = Fraction(group.cost)
        for workload, taken in group.taken.items():
            share = Fraction(group.cost * taken, group.slot_hours)
            team = owner.get(workload)
            borne[team] = borne.get(team, Fraction(0)) + share
            slot_hours[team] += taken
            left -= share
        idle += left
    for workload, cost in _standing(problem, purchase):
        team = owner.get(workload)
        borne[team] = borne.get(team, Fraction(0)) + cost
    prices = {site.region: site.system_micro_usd_per_hour for site in problem.sites}
    shared = sum(prices[region] * number for region, number in purchase.system_machines) * problem.hours
    whole = _whole([*borne.values(), idle, Fraction(shared)], problem.hours, total=purchase.micro_usd_per_hour)
    return TeamCosts(
        teams=tuple(
            TeamCost(team=team, micro_usd_per_hour=cost, slots=slot_hours[team] / problem.hours)
            for team, cost in zip(borne, whole, strict=False)
        ),
        idle_micro_usd_per_hour=whole[-2],
        shared_micro_usd_per_hour=whole[-1],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Machines that are paid together."""

    cost: int  # micro-USD times hours, over all periods
    slot_hours: int  # that are paid
    taken: Mapping[str, int]  # slot-hours by workload


def _groups(problem: Problem, purchase: Purchase) -> Iterator[_Group]:
    """The pools of a purchase; those on demand of one type in one region together."""
    together: dict[object, list[Bought]] = {}
    for bought in purchase.bought:
        pool = bought.pool
        key = (pool.machine, pool.region) if pool.mode is PurchaseMode.ON_DEMAND else pool
        together.setdefault(key, []).append(bought)
    for bought_together in together.values():
        pools = {bought.pool for bought in bought_together}
        taken: Counter[str] = Counter()
        for stand in purchase.stands:
            if stand.pool in pools:
                taken[stand.choice.workload] += _slot_hours(problem, stand)
        paid = sum(_machine_hours(problem, bought) * bought.pool.slots for bought in bought_together)
        yield _Group(cost=_cost(problem, purchase, bought_together), slot_hours=paid, taken=taken)


def _slot_hours(problem: Problem, stand: Stand) -> int:
    return stand.choice.slots * sum(n * p.hours for n, p in zip(stand.replicas, problem.periods, strict=True))


def _machine_hours(problem: Problem, bought: Bought) -> int:
    """Machine-hours that are paid: all of them where the pool is kept."""
    if bought.pool.is_kept:
        return bought.most * problem.hours
    return sum(n * period.hours for n, period in zip(bought.machines, problem.periods, strict=True))


def _cost(problem: Problem, purchase: Purchase, bought: Sequence[Bought]) -> int:
    """What a group costs in micro-USD times hours: on demand less what commitments cover, and these for all hours."""
    first = bought[0].pool
    if first.mode is not PurchaseMode.ON_DEMAND:
        return sum(_machine_hours(problem, one) * one.pool.micro_usd_per_hour for one in bought)
    own = {one: number for one, number in purchase.committed if _covers(one.machine, one.region, first)}
    owned = sum(one.owned for one in problem.commitments if _covers(one.machine, one.region, first))
    covered = owned + sum(own.values())
    spent = sum(one.micro_usd_per_hour * number * problem.hours for one, number in own.items())
    for place, period in enumerate(problem.periods):
        prices = sorted(
            (one.pool.micro_usd_per_hour for one in bought for _ in range(one.machines[place])), reverse=True
        )
        spent += sum(prices[covered:]) * period.hours
    return spent


def _covers(machine: str, region: str, pool: Pool) -> bool:
    return (machine, region) == (pool.machine, pool.region)


def _standing(problem: Problem, purchase: Purchase) -> Iterator[tuple[str, Fraction]]:
    """What workloads cost beside machines, in the regions that they stand in."""
    places = {(stand.choice.workload, stand.pool.region) for stand in purchase.stands}
    for one in problem.standings:
        if (one.workload, one.region) in places:
            yield one.workload, Fraction(one.micro_usd_per_hour * problem.hours)


def _whole(parts: Sequence[Fraction], hours: int, *, total: int) -> list[int]:
    """Parts in whole micro-dollars an hour that add up to *total*: rounded down, what is left to the largest rests."""
    each = [part / hours for part in parts]
    whole = [part.numerator // part.denominator for part in each]
    order = sorted(range(len(parts)), key=lambda place: (whole[place] - each[place], place))
    for place in order[: total - sum(whole)]:
        whole[place] += 1
    return whole
