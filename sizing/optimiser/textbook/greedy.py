"""
The textbook method: workloads one after another, the largest first, each where it adds least to the cost.

Sees free slots of machines that are bought already, quotas, zones, teams and what there is of each pool; never goes
back. So it says nothing about how good its answer is, and where it finds none there may be one. In a day of several
periods it reserves what the highest of them takes, and gives back what the others do not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sizing.optimiser.engine.placed import Placed, purchase_of
from sizing.optimiser.engine.tables import Option, Tables, tables
from sizing.optimiser.engine.trim import trimmed
from sizing.optimiser.problem import Problem, Team
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.optimiser.textbook.stock import Stock, empty_stock

OPTIONS_TRIED = 16  # of each workload, the cheapest by the slot first; the others only where none of these can be had
PLACES_TRIED = 3  # in each zone and way to buy, the cheapest by the slot, and those with free slots beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One option on what is left, with what it adds to the cost."""

    option: int
    price: float  # micro-USD an hour
    replicas: dict[int, int]  # by place, in the period that takes most


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What placing is done on: arrays, prices by the slot, what is bought, and what teams have left."""

    tables: Tables
    stock: Stock
    pool: list[int]  # of each place
    slots: list[int]  # of each place
    zone: list[int]  # of each place, counted within its option
    is_spot: list[bool]  # of each place
    per_replica: list[float]  # of each place: its share of the machine's price, in micro-USD an hour
    standing: dict[tuple[str, str], int]  # by workload and region
    teams: dict[str, Team]  # by workload
    team_slots: dict[str, int]  # left, by team
    team_money: dict[str, float]  # left, by team


def greedy(problem: Problem) -> Purchase:
    """The purchase that the method comes to; UNKNOWN where a workload that must be served finds no place."""
    return greedy_on(tables(without_dominated(problem)))


def greedy_on(asked: Tables) -> Purchase:
    """The purchase that the method comes to on tables that are made already."""
    room = room_in(asked)
    placed: dict[int, Placed] = {}
    for workload in largest_first(room):
        found = cheapest(room, asked.of_workload[workload])
        if found is not None:
            placed[workload] = take(room, found)
        elif asked.problem.demands[workload].priority is None:
            return Purchase(status=SolverStatus.UNKNOWN)
    return within_budget(asked, placed)


def room_in(asked: Tables) -> Room:
    """Nothing placed yet."""
    problem = asked.problem
    pools = problem.pools
    return Room(
        tables=asked,
        stock=empty_stock(problem),
        pool=asked.pool.tolist(),
        slots=asked.slots.tolist(),
        zone=asked.zone.tolist(),
        is_spot=asked.is_spot.tolist(),
        per_replica=[
            pools[pool].micro_usd_per_hour * int(slots) / pools[pool].slots
            for pool, slots in zip(asked.pool.tolist(), asked.slots.tolist(), strict=True)
        ],
        standing={(one.workload, one.region): one.micro_usd_per_hour for one in problem.standings},
        teams={workload: team for team in problem.teams for workload in team.workloads},
        team_slots={team.name: team.slots for team in problem.teams if team.slots is not None},
        team_money={
            team.name: float(team.micro_usd_per_hour) for team in problem.teams if team.micro_usd_per_hour is not None
        },
    )


def largest_first(room: Room) -> list[int]:
    """Workloads in the order in which they are placed: what must be served, then by priority, then the dearest."""
    demands = room.tables.problem.demands
    dearest = {
        workload: min((by_the_slot(room, option) for option in options), default=0.0)
        for workload, options in enumerate(room.tables.of_workload)
    }
    return sorted(dearest, key=lambda m: (demands[m].priority is not None, -(demands[m].priority or 0), -dearest[m], m))


def by_the_slot(room: Room, option: int) -> float:
    """What an option would cost if machines could be bought by the slot, each replica on the cheapest of them."""
    asked, of = room.tables, room.tables.options[option]
    span = range(asked.places_of[option].start, asked.places_of[option].stop)
    anywhere = min(room.per_replica[place] for place in span)
    firm = min((room.per_replica[place] for place in span if not room.is_spot[place]), default=anywhere)
    return max(of.firm) * firm + (max(of.total) - max(of.firm)) * anywhere


def cheapest(room: Room, options: Iterable[int]) -> Tried | None:
    """The option that adds least to the cost; None: nothing is left for any of them."""
    ranked = sorted(options, key=lambda option: (by_the_slot(room, option), option))
    for first in range(0, len(ranked), OPTIONS_TRIED):
        found = [one for option in ranked[first : first + OPTIONS_TRIED] for one in _tried(room, option)]
        if found:
            return min(found, key=lambda one: (one.price, one.option))
    return None


def take(room: Room, found: Tried) -> Placed:
    """Place an option, less the replicas that not every period needs."""
    asked = room.tables
    for place, number in found.replicas.items():
        room.stock.put(room.pool[place], number * room.slots[place])
    team = _team(room, found.option)
    if team is not None:
        slots, money = _team_takes(room, found.replicas)
        if team.name in room.team_slots:
            room.team_slots[team.name] -= slots
        if team.name in room.team_money:
            room.team_money[team.name] -= money
    periods = len(asked.problem.periods)
    return trimmed(asked, found.option, {place: [number] * periods for place, number in found.replicas.items()})


def within_budget(asked: Tables, placed: dict[int, Placed]) -> Purchase:
    """The purchase, without the least important workloads as long as it is over the budget."""
    budget = asked.problem.budget_micro_usd_per_hour
    demands = asked.problem.demands
    kept = dict(placed)
    while True:
        found = purchase_of(asked, kept, bound_usd_per_hour=None)
        if budget is None or (found.micro_usd_per_hour or 0) <= budget:
            return found
        may_go = [workload for workload in kept if demands[workload].priority is not None]
        if not may_go:
            return Purchase(status=SolverStatus.UNKNOWN)
        del kept[min(may_go, key=lambda workload: (demands[workload].priority or 0, -workload))]


def _tried(room: Room, option: int) -> Iterator[Tried]:
    """An option over two zones, three, and so on; without a loss to survive, wherever it is cheapest."""
    of = room.tables.options[option]
    for zones in range(2, len(of.zones) + 1) if of.zone_loss else (1,):
        replicas: dict[int, int] = {}
        before = room.stock.system_price(of.region)
        price = _fill(room, option, replicas, zones)
        price_of_system = room.stock.system_price(of.region) - before
        for place, number in replicas.items():
            room.stock.put(room.pool[place], -number * room.slots[place])
        if price is None or not _team_may(room, option, replicas):
            continue
        workload = room.tables.problem.demands[of.workload].workload
        whole = price + price_of_system + room.standing.get((workload, of.region), 0)
        yield Tried(option=option, price=whole, replicas=replicas)


def _fill(room: Room, option: int, replicas: dict[int, int], zones: int) -> float | None:
    """
    Place an option's replicas on the stock, and tell what that costs; None where there is no room.

    Where the loss of one of *zones* must leave n replicas, each has at most n / (zones - 1) of them, rounded up, and
    all together n and as many again as one has: then whichever goes, n are left.
    """
    of = room.tables.options[option]
    most_firm, most = _each(max(of.firm), of, zones), _each(max(of.total), of, zones)
    lost_firm, lost = (most_firm, most) if of.zone_loss else (0, 0)
    price = 0.0
    firm = _Part(number=max(of.firm) + lost_firm, a_zone=most_firm, spot=False)
    spot = _Part(number=max(of.spot), a_zone=most, spot=True)
    for part in (firm, spot):
        paid = _place(room, option, replicas, part)
        if paid is None:
            return None
        price += paid
    rest = _Part(number=max(of.total) + lost - _counted(room, of, replicas, most), a_zone=most, spot=None)
    paid = _place(room, option, replicas, rest)
    return None if paid is None else price + paid


def _each(number: int, of: Option, zones: int) -> int:
    """Replicas that one zone may have."""
    return -(-number // (zones - 1)) if of.zone_loss else number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Replicas that are placed alike."""

    number: int
    a_zone: int  # at most, those that stand there already included
    spot: bool | None  # None: on spot or not


def _counted(room: Room, of: Option, replicas: dict[int, int], most: int) -> int:
    """Replicas so far, those beyond what a zone may have not counted: they do not help where another zone is lost."""
    zones = [0] * len(of.zones)
    for place, number in replicas.items():
        zones[room.zone[place]] += number
    return sum(min(number, most) for number in zones) if of.zone_loss else sum(zones)


def _place(room: Room, option: int, replicas: dict[int, int], part: _Part) -> float | None:
    """Place replicas, each time where one costs least: on free slots, on whole machines, or all that are left."""
    of, stock = room.tables.options[option], room.stock
    places = _worth_trying(room, option, part)
    left, price = part.number, 0.0
    zones = [0] * len(of.zones)
    for place, number in replicas.items():
        zones[room.zone[place]] += number
    while left > 0:
        best: tuple[float, float, int, int] | None = None
        for place, pool, slots, zone in places:
            cap = min(left, stock.room(pool, slots))
            if of.zone_loss:
                cap = min(cap, part.a_zone - zones[zone])
            for number in _numbers(cap, slots, stock.free(pool), stock.problem.pools[pool].slots):
                each = stock.price(pool, number * slots) / number
                key = (each, room.per_replica[place], place, number)
                if best is None or key < best:
                    best = key
        if best is None:
            return None
        each, _, place, number = best
        stock.put(room.pool[place], number * room.slots[place])
        replicas[place] = replicas.get(place, 0) + number
        zones[room.zone[place]] += number
        left -= number
        price += each * number
    return price


def _numbers(cap: int, slots: int, free: int, whole: int) -> set[int]:
    """Numbers of replicas worth a look: those on free slots, those that fill machines, and as many as may come."""
    in_a_machine = max(1, whole // slots)
    on_free = min(cap, free // slots)
    filled = on_free + (cap - on_free) // in_a_machine * in_a_machine
    return {number for number in (on_free, filled, cap) if number > 0}


def _worth_trying(room: Room, option: int, part: _Part) -> list[tuple[int, int, int, int]]:
    """Places, their pools, slots and zones: in each zone the cheapest by the slot, and those with free slots."""
    asked, stock = room.tables, room.stock
    groups: dict[tuple[int, bool], list[int]] = {}
    span = asked.places_of[option]
    for place in range(span.start, span.stop):
        spot = room.is_spot[place]
        if part.number > 0 and (part.spot is None or part.spot is spot):
            groups.setdefault((room.zone[place], spot), []).append(place)
    found: list[int] = []
    for group in groups.values():
        ranked = sorted(
            (place for place in group if stock.room(room.pool[place], room.slots[place])),
            key=lambda place: (room.per_replica[place], place),
        )
        found += ranked[:PLACES_TRIED]
        found += [place for place in ranked[PLACES_TRIED:] if stock.free(room.pool[place]) > 0]
    return [(place, room.pool[place], room.slots[place], room.zone[place]) for place in found]


def _team(room: Room, option: int) -> Team | None:
    return room.teams.get(room.tables.problem.demands[room.tables.options[option].workload].workload)


def _team_takes(room: Room, replicas: dict[int, int]) -> tuple[int, float]:
    """Slots and micro-USD an hour that replicas take of their team's, if they are up all day."""
    slots = sum(room.slots[place] * number for place, number in replicas.items())
    return slots, sum(room.per_replica[place] * number for place, number in replicas.items())


def _team_may(room: Room, option: int, replicas: dict[int, int]) -> bool:
    """Whether the workload's team, if it has one, has as much left."""
    team = _team(room, option)
    if team is None:
        return True
    slots, money = _team_takes(room, replicas)
    return slots <= room.team_slots.get(team.name, slots) and money <= room.team_money.get(team.name, money)
