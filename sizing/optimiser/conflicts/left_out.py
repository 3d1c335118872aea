"""
Why a workload is left out, beside what is bought for the others: of what too little is left, and how much it takes.

For each way to stand it is counted which limits it would pass; the way that passes fewest, by least, is told. So as
much of these limits as is lacking, and nothing else, lets the workload in. Counted, not solved: quick for hundreds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Site, Team, replicas_for
from sizing.optimiser.purchase import Purchase


class Scarce(StrEnum):
    """What there can be too little of."""

    QUOTA = "quota"  # in its own unit
    MACHINES = "machines"  # of a reservation, a block, or a pool that has so many only
    TEAM_SLOTS = "team_slots"
    TEAM_MONEY = "team_money"  # in micro-USD per hour, on average over the day
    BUDGET = "budget"  # in micro-USD per hour, on average over the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A limit that is passed."""

    of: Scarce
    name: str  # of the quota, pool or team; empty for the budget
    takes: int  # the workload, by itself
    left: int  # by the others
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why one workload is left out; without lacks: because nothing that is sold may carry it."""

    workload: str
    choice: Choice | None = None  # that it would stand with
    region: str | None = None
    lacks: tuple[Lack, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Books:
    """What others take, of a problem and a purchase."""

    problem: Problem
    purchase: Purchase

    @cached_property
    def machines(self) -> Mapping[Pool, int]:
        """Of each pool, in the period that has most."""
        return {bought.pool: bought.most for bought in self.purchase.bought}

    @cached_property
    def quotas(self) -> Mapping[str, int]:
        """What is taken of each quota, in the period that takes most."""
        counted = {bought.pool: bought.machines for bought in self.purchase.bought}
        nothing = (0,) * len(self.problem.periods)
        return {
            quota.name: max(
                sum(units * counted.get(pool, nothing)[period] for pool, units in quota.units)
                for period in range(len(self.problem.periods))
            )
            for quota in self.problem.quotas
        }

    @cached_property
    def zones(self) -> frozenset[str]:
        """Zones in use."""
        return frozenset(pool.zone for pool in self.machines)

    @cached_property
    def regions(self) -> frozenset[str]:
        """Regions in use."""
        return frozenset(region for region, _ in self.purchase.system_machines)

    @cached_property
    def sites(self) -> Mapping[str, Site]:
        """Of each region."""
        return {site.region: site for site in self.problem.sites}

    @cached_property
    def standings(self) -> Mapping[tuple[str, str], int]:
        """Micro-USD per hour of each workload in each region, beside machines."""
        return {(one.workload, one.region): one.micro_usd_per_hour for one in self.problem.standings}

    @cached_property
    def teams(self) -> Mapping[str, tuple[Team, ...]]:
        """The teams of each workload."""
        found: dict[str, tuple[Team, ...]] = {}
        for team in self.problem.teams:
            for workload in sorted(team.workloads):
                found[workload] = (*found.get(workload, ()), team)
        return found

    @cached_property
    def units(self) -> Mapping[Pool, tuple[tuple[int, int], ...]]:
        """The quotas that each pool counts against, by their places, with the units of a machine."""
        found: dict[Pool, list[tuple[int, int]]] = {}
        for place, quota in enumerate(self.problem.quotas):
            for pool, units in quota.units:
                found.setdefault(pool, []).append((place, units))
        return {pool: tuple(of) for pool, of in found.items()}

    @cached_property
    def team_slots(self) -> Mapping[str, int]:
        """Slots of each team, in the period that has most."""
        return {
            team.name: max(
                sum(s.choice.slots * s.replicas[t] for s in self.purchase.stands if s.choice.workload in team.workloads)
                for t in range(len(self.problem.periods))
            )
            for team in self.problem.teams
        }

    @cached_property
    def team_money(self) -> Mapping[str, int]:
        """What each team spends, rounded up."""
        spent = {team.name: 0.0 for team in self.problem.teams}
        hours = [period.hours for period in self.problem.periods]
        for team in self.problem.teams:
            for stand in self.purchase.stands:
                if stand.choice.workload in team.workloads:
                    up = sum(n * h for n, h in zip(stand.replicas, hours, strict=True)) / sum(hours)
                    number = stand.most if stand.pool.is_kept else up
                    spent[team.name] += number * stand.choice.slots / stand.pool.slots * stand.pool.micro_usd_per_hour
        return {name: -int(-of // 1) for name, of in spent.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """A way to stand: so many replicas on each of some pools."""

    choice: Choice
    replicas: tuple[tuple[Pool, int], ...]

    @property
    def machines(self) -> Iterator[tuple[Pool, int]]:
        """Machines of each pool that are bought for it."""
        for pool, number in self.replicas:
            yield pool, -(-number * self.choice.slots // pool.slots)


def why_left_out(problem: Problem, purchase: Purchase) -> tuple[Why, ...]:
    """The reason of each workload that *purchase* leaves out, in the order of the problem."""
    unserved = frozenset(purchase.unserved)
    books = Books(problem=problem, purchase=purchase)
    pools: dict[str, list[Pool]] = {}
    for pool in problem.pools:
        pools.setdefault(pool.machine, []).append(pool)
    choices: dict[str, list[Choice]] = {}
    for choice in problem.choices:
        choices.setdefault(choice.workload, []).append(choice)
    return tuple(
        _why(books, demand, choices.get(demand.workload, ()), pools)
        for demand in problem.demands
        if demand.workload in unserved
    )


def _why(books: Books, demand: Demand, choices: Iterable[Choice], pools: Mapping[str, Sequence[Pool]]) -> Why:
    """The spread that passes fewest limits, of those the one that passes them by least, of those the cheapest."""
    best: tuple[tuple[float, ...], Why] | None = None
    for choice in _largest(choices):
        here = [pool for pool in pools.get(choice.machine, ()) if books.problem.may_stand(demand, choice, pool)]
        for spread in _spreads(choice, demand, here if demand.zone_loss else _unlike(books, here)):
            cost = _micro_usd_per_hour(books, spread)
            lacks = tuple(_lacks(books, spread, cost))
            short = sum((lack.takes - max(0, lack.left)) / max(1, lack.takes) for lack in lacks)
            rank = (float(len(lacks)), short, float(cost))
            if best is None or rank < best[0]:
                region = spread.replicas[0][0].region
                best = rank, Why(workload=demand.workload, choice=choice, region=region, lacks=lacks)
    return Why(workload=demand.workload) if best is None else best[1]


def _largest(choices: Iterable[Choice]) -> list[Choice]:
    """Of choices that take as many slots of one machine type, that which carries most: no other passes fewer limits."""
    found: dict[tuple[str, int], Choice] = {}
    for choice in choices:
        known = found.get((choice.machine, choice.slots))
        if known is None or choice.capacity > known.capacity:
            found[choice.machine, choice.slots] = choice
    return list(found.values())


def _unlike(books: Books, pools: Iterable[Pool]) -> list[Pool]:
    """Pools without those that differ in nothing but their zone, of which one that is in use comes first."""
    found: dict[tuple[object, ...], Pool] = {}
    for pool in sorted(pools, key=lambda pool: pool.zone not in books.zones):
        counts = books.units.get(pool, ())
        found.setdefault((pool.region, pool.mode, pool.micro_usd_per_hour, pool.most, pool.name, counts), pool)
    return list(found.values())


def _spreads(choice: Choice, demand: Demand, pools: Iterable[Pool]) -> Iterator[_Spread]:
    """
    Ways to stand in one region: all of it on machines that stay, or as much as may be on spot beside what must stay.

    Where a zone may be lost, replicas stand evenly in two zones or more, so many that the others carry all of it.
    """
    by_region: dict[str, list[Pool]] = {}
    for pool in pools:
        by_region.setdefault(pool.region, []).append(pool)
    total, firm, spot = (
        replicas_for(choice.capacity, max(amount)) for amount in (demand.total, demand.firm, demand.spot)
    )
    for here in by_region.values():
        stays = list(_evenly([pool for pool in here if not pool.is_spot], total, demand))
        for all_of_it in stays:
            if not spot:
                yield _Spread(choice=choice, replicas=all_of_it)
        if demand.may_use_spot:
            partly = list(_evenly([pool for pool in here if pool.is_spot], max(total - firm, spot, 1), demand))
            must = list(_evenly([pool for pool in here if not pool.is_spot], firm, demand)) if firm else [()]
            for on_spot in partly:
                yield from (_Spread(choice=choice, replicas=(*one, *on_spot)) for one in must)


def _evenly(pools: Iterable[Pool], replicas: int, demand: Demand) -> Iterator[tuple[tuple[Pool, int], ...]]:
    """*replicas* on one pool; or where a zone may be lost, on the cheapest pool of each of some zones."""
    if not demand.zone_loss:
        yield from (((pool, replicas),) for pool in pools)
        return
    modes: dict[PurchaseMode, dict[str, Pool]] = {}
    for pool in sorted(pools, key=lambda pool: pool.micro_usd_per_hour):
        modes.setdefault(pool.mode, {}).setdefault(pool.zone, pool)
    for zones in modes.values():
        cheapest = list(zones.values())
        for number in range(2, len(cheapest) + 1):
            each = -(-replicas // (number - 1))
            yield tuple((pool, each) for pool in cheapest[:number])


def _lacks(books: Books, spread: _Spread, cost: int) -> Iterator[Lack]:
    """The limits that a spread would pass, beside what the others take."""
    problem = books.problem
    taken: dict[int, int] = {}
    for pool, machines in spread.machines:
        for place, units in books.units.get(pool, ()):
            taken[place] = taken.get(place, 0) + units * machines
        if pool.most is not None and machines > (left := pool.most - books.machines.get(pool, 0)):
            name = pool.name or f"{pool.machine} in {pool.zone}"
            yield Lack(of=Scarce.MACHINES, name=name, takes=machines, left=left, limit=pool.most)
    for place, takes in sorted(taken.items()):
        quota = problem.quotas[place]
        if takes > (left := quota.limit - books.quotas[quota.name]):
            yield Lack(of=Scarce.QUOTA, name=quota.name, takes=takes, left=left, limit=quota.limit)
    yield from _of_teams(books, spread, books.teams.get(spread.choice.workload, ()))
    limit = problem.budget_micro_usd_per_hour
    if limit is not None and cost > (left := limit - (books.purchase.micro_usd_per_hour or 0)):
        yield Lack(of=Scarce.BUDGET, name="", takes=cost, left=left, limit=limit)


def _of_teams(books: Books, spread: _Spread, teams: Iterable[Team]) -> Iterator[Lack]:
    slots = sum(spread.choice.slots * number for _, number in spread.replicas)
    shares = (number * spread.choice.slots / p.slots * p.micro_usd_per_hour for p, number in spread.replicas)
    money = -int(-sum(shares) // 1)
    for team in teams:
        if team.slots is not None and slots > (left := team.slots - books.team_slots[team.name]):
            yield Lack(of=Scarce.TEAM_SLOTS, name=team.name, takes=slots, left=left, limit=team.slots)
        most = team.micro_usd_per_hour
        if most is not None and money > (left := most - books.team_money[team.name]):
            yield Lack(of=Scarce.TEAM_MONEY, name=team.name, takes=money, left=left, limit=most)


def _micro_usd_per_hour(books: Books, spread: _Spread) -> int:
    """What a spread costs at the most: its machines all hours, system machines, what stands beside it."""
    region = spread.replicas[0][0].region
    new_zones = len({pool.zone for pool, _ in spread.replicas} - books.zones)
    site = books.sites[region]
    system = new_zones if region in books.regions else max(site.least_system_machines, new_zones)
    machines = sum(number * pool.micro_usd_per_hour for pool, number in spread.machines)
    standing = books.standings.get((spread.choice.workload, region), 0)
    return machines + system * site.system_micro_usd_per_hour + standing
