"""
Every purchase of a small problem, one after another: the oracle that strategies are tested against.

Kinds, regions, placements of every replica and numbers of machines and commitments are all tried. Left out is only what
cannot be better: replicas that could go while a workload is still carried, and all that begins with a part which alone
is no better than what is found already. Shares no code with what builds models, and works its costs out itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Choice, Commitment, Demand, Pool, Problem
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.optimiser.status import SolverStatus, TooLarge

MOST_PLACEMENTS = 20_000  # of one workload on the pools of a region, in one period
MOST_PLANS = 20_000  # of one workload
MOST_PURCHASES = 400_000  # that are looked at

Counts = tuple[int, ...]  # one a period
Slots = tuple[tuple[Pool, Counts], ...]  # taken of each pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One way to serve one workload."""

    region: str
    stands: tuple[Stand, ...]
    slots: Slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """What machines cost, exactly."""

    micro_usd_hours: int
    moves: int  # micro-USD of machines beyond those that run today
    committed: tuple[tuple[Commitment, int], ...]
    system: tuple[tuple[str, int], ...]


@dataclass(slots=True, kw_only=True)
class _Search:
    problem: Problem
    plans: list[list[Plan | None]]
    looked_at: int = 0
    best: tuple[tuple[int, ...], int] | None = None  # left out by priority, and what is made least
    answer: tuple[Plan | None, ...] = ()
    chosen: list[Plan | None] = field(default_factory=list)


def exhaustive(problem: Problem) -> Purchase:
    """
    The purchase of least cost among those that leave out as few as can be, the higher priority first: proved.

    Raises:
        TooLarge: Where there are too many to try.
    """
    plans = [_plans(problem, demand) for demand in problem.demands]
    if not all(plans):
        return Purchase(status=SolverStatus.INFEASIBLE)
    search = _Search(problem=problem, plans=plans)
    _extend(search)
    if search.best is None:
        return Purchase(status=SolverStatus.INFEASIBLE)
    return _purchase(problem, search.answer)


def _plans(problem: Problem, demand: Demand) -> list[Plan | None]:
    """Every way to serve a workload, the cheapest by itself first; None last, where it may be left out."""
    found: dict[tuple[Pool | Counts, ...], Plan] = {}
    for region in dict.fromkeys(pool.region for pool in problem.pools):
        for kind in dict.fromkeys(one.kind for one in problem.choices if one.workload == demand.workload):
            places = [
                (choice, pool)
                for choice in problem.choices
                for pool in problem.pools
                if choice.workload == demand.workload and choice.kind == kind and pool.region == region
                if _may(demand, choice, pool)
            ]
            for plan in _plans_on(demand, region, places):
                found.setdefault(tuple(part for pair in plan.slots for part in pair), plan)
                if len(found) > MOST_PLANS:
                    raise TooLarge(f"{demand.workload} can be served in more than {MOST_PLANS} ways")
    kept = [plan for plan in found.values() if _within_limits(problem, (plan,))]
    kept.sort(key=lambda plan: _least(problem, _priced(problem, (plan,))))
    return [*kept, None] if demand.priority is not None else [*kept]


def _may(demand: Demand, choice: Choice, pool: Pool) -> bool:
    """Whether a replica may stand on a pool."""
    refused = (
        choice.machine != pool.machine
        or (demand.regions is not None and pool.region not in demand.regions)
        or (demand.modes is not None and pool.mode not in demand.modes)
        or (pool.only_for is not None and demand.workload not in pool.only_for)
        or (pool.mode is PurchaseMode.SPOT and demand.firm == demand.total)
    )
    return not refused


def _plans_on(demand: Demand, region: str, places: Sequence[tuple[Choice, Pool]]) -> Iterator[Plan]:
    """Every way to place one kind on the pools of a region, without a replica that could go."""
    if not places:
        return
    by_period = [[*_covers(demand, places, period)] for period in range(len(demand.total))]
    for counts in product(*by_period):
        replicas = [tuple(period[at] for period in counts) for at in range(len(places))]
        stands = tuple(
            Stand(choice=choice, pool=pool, replicas=number)
            for (choice, pool), number in zip(places, replicas, strict=True)
            if any(number)
        )
        slots: dict[Pool, Counts] = {}
        for stand in stands:
            before = slots.get(stand.pool, (0,) * len(counts))
            added = zip(before, stand.replicas, strict=True)
            slots[stand.pool] = tuple(taken + stand.choice.slots * number for taken, number in added)
        yield Plan(region=region, stands=stands, slots=tuple(slots.items()))


def _covers(demand: Demand, places: Sequence[tuple[Choice, Pool]], period: int) -> Iterator[Counts]:
    """Replicas by place that carry one period's demand, and would not without any one of them."""
    capacity = places[0][0].capacity
    total, firm, spot = (math.ceil(each[period] / capacity) for each in (demand.total, demand.firm, demand.spot))
    most = max(total, firm, spot)
    if (most + 1) ** len(places) > MOST_PLACEMENTS:
        raise TooLarge(f"{demand.workload} can be placed in more than {MOST_PLACEMENTS} ways")
    rows = _rows(demand, places, total, firm, spot)
    for counts in product(range(most + 1), repeat=len(places)):
        over = [sum(counts[at] for at in row) - least for row, least in rows]
        if min(over, default=0) >= 0 and not any(
            number and all(left > 0 for (row, _), left in zip(rows, over, strict=True) if at in row)
            for at, number in enumerate(counts)
        ):
            yield counts


def _rows(
    demand: Demand, places: Sequence[tuple[Choice, Pool]], total: int, firm: int, spot: int
) -> list[tuple[frozenset[int], int]]:
    """Places and the least replicas on them together: all, those not on spot, whichever zone is lost; those on spot."""
    on_spot = frozenset(at for at, (_, pool) in enumerate(places) if pool.mode is PurchaseMode.SPOT)
    everywhere = frozenset(range(len(places)))
    rows = [(on_spot, spot)]
    for lost in (None, *dict.fromkeys(pool.zone for _, pool in places)) if demand.zone_loss else (None,):
        gone = {at for at, (_, pool) in enumerate(places) if pool.zone == lost}
        rows += [(everywhere - gone, total), (everywhere - on_spot - gone, firm)]
    return rows


def _extend(search: _Search) -> None:
    """Every way to serve the next workload, and all after it."""
    problem, at = search.problem, len(search.chosen)
    search.looked_at += 1
    if search.looked_at > MOST_PURCHASES:
        raise TooLarge(f"there are more than {MOST_PURCHASES} purchases to look at")
    served = [plan for plan in search.chosen if plan is not None]
    if not _within_limits(problem, served):
        return
    value = (_left_out(problem, search.chosen), _least(problem, _priced(problem, served)))
    if search.best is not None and value >= search.best:
        return
    if at == len(search.plans):
        search.best, search.answer = value, tuple(search.chosen)
        return
    for plan in search.plans[at]:
        search.chosen.append(plan)
        _extend(search)
        search.chosen.pop()


def _left_out(problem: Problem, chosen: Sequence[Plan | None]) -> tuple[int, ...]:
    """How many are left out so far of each priority, the highest first."""
    lost = [one.priority for one, plan in zip(problem.demands, chosen, strict=False) if plan is None]
    priorities = sorted({one.priority for one in problem.demands if one.priority is not None}, reverse=True)
    return tuple(lost.count(priority) for priority in priorities)


def _machines(problem: Problem, plans: Iterable[Plan]) -> dict[Pool, Counts]:
    """The fewest machines that hold what stands on each pool."""
    taken: dict[Pool, list[int]] = {}
    for plan in plans:
        for pool, slots in plan.slots:
            held = taken.setdefault(pool, [0] * len(problem.periods))
            for period, number in enumerate(slots):
                held[period] += number
    return {
        pool: (max(-(-n // pool.slots) for n in held),) * len(held)
        if pool.mode in {PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK}
        else tuple(-(-n // pool.slots) for n in held)
        for pool, held in taken.items()
    }


def _within_limits(problem: Problem, plans: Sequence[Plan]) -> bool:
    """Whether what there is of each pool, quotas, teams and the budget allow it; more of it never would again."""
    machines = _machines(problem, plans)
    if any(pool.most is not None and max(counts) > pool.most for pool, counts in machines.items()):
        return False
    periods = range(len(problem.periods))
    for quota in problem.quotas:
        units = dict(quota.units)
        if any(sum(units.get(p, 0) * n[t] for p, n in machines.items()) > quota.limit for t in periods):
            return False
    if not all(_team_may(problem, plans, *team) for team in _teams(problem)):
        return False
    budget = problem.budget_micro_usd_per_hour
    return budget is None or _priced(problem, plans).micro_usd_hours <= budget * _hours(problem)


def _teams(problem: Problem) -> Iterator[tuple[frozenset[str], int | None, int | None]]:
    for team in problem.teams:
        yield team.workloads, team.slots, team.micro_usd_per_hour


def _team_may(
    problem: Problem, plans: Iterable[Plan], workloads: frozenset[str], slots: int | None, money: int | None
) -> bool:
    """Whether a team has the slots at a time, and the money for its share of machines while its replicas are up."""
    own = [stand for plan in plans for stand in plan.stands if stand.choice.workload in workloads]
    for period in range(len(problem.periods)):
        if slots is not None and sum(stand.choice.slots * stand.replicas[period] for stand in own) > slots:
            return False
    if money is None:
        return True
    whole = math.lcm(*(stand.pool.slots for stand in own)) if own else 1
    spent = 0
    for stand in own:
        kept = stand.pool.mode in {PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK}
        up = [max(stand.replicas)] * len(stand.replicas) if kept else stand.replicas
        up_h = sum(number * period.hours for number, period in zip(up, problem.periods, strict=True))
        spent += up_h * stand.choice.slots * stand.pool.micro_usd_per_hour * (whole // stand.pool.slots)
    return spent <= money * _hours(problem) * whole


def _hours(problem: Problem) -> int:
    return sum(period.hours for period in problem.periods)


def _least(problem: Problem, priced: Priced) -> int:
    """What is made least: the cost and the price of moves, in micro-USD times hours times the hours of payback."""
    return priced.micro_usd_hours * problem.payback_h + priced.moves * problem.double_running_h * _hours(problem)


def _priced(problem: Problem, plans: Iterable[Plan]) -> Priced:
    """What machines, commitments, system machines and standing costs come to, with the commitments that pay most."""
    plans = tuple(plans)
    machines = _machines(problem, plans)
    hours = [period.hours for period in problem.periods]
    standing = sum(
        one.micro_usd_per_hour
        for one in problem.standings
        for plan in plans
        if (one.workload, one.region) == (plan.stands[0].choice.workload, plan.region)
    )
    zones: dict[str, set[str]] = {}
    for pool in machines:
        zones.setdefault(pool.region, set()).add(pool.zone)
    sites = {site.region: site for site in problem.sites}
    system = tuple((at, max(len(used), sites[at].least_system_machines)) for at, used in sorted(zones.items()))
    fixed = standing + sum(sites[region].system_micro_usd_per_hour * number for region, number in system)
    today = {pool: pool.running or 0 for pool in machines}
    new = sum(pool.micro_usd_per_hour * max(0, max(n) - today[pool]) for pool, n in machines.items())
    spent, committed = min(
        ((_bought(problem, machines, numbers, hours), numbers) for numbers in _commitments(problem, machines)),
        key=lambda pair: pair[0],
    )
    return Priced(
        micro_usd_hours=spent + fixed * sum(hours),
        moves=new if any(pool.running is not None for pool in problem.pools) else 0,
        committed=tuple((one, n) for one, n in zip(problem.commitments, committed, strict=True) if n),
        system=system,
    )


def _commitments(problem: Problem, machines: Mapping[Pool, Counts]) -> Iterator[Counts]:
    """Every number of each commitment that is of any use."""
    most = []
    for one in problem.commitments:
        running = sum(max(counts) for pool, counts in machines.items() if _covers_pool(one, pool))
        most.append(running if one.most is None else min(one.most, running))
    yield from product(*(range(number + 1) for number in most))


def _covers_pool(one: Commitment, pool: Pool) -> bool:
    return (one.machine, one.region, PurchaseMode.ON_DEMAND) == (pool.machine, pool.region, pool.mode)


def _bought(problem: Problem, machines: Mapping[Pool, Counts], committed: Counts, hours: Sequence[int]) -> int:
    """What machines and commitments cost, in micro-USD times hours; the dearest machines are covered first."""
    pairs = [*zip(problem.commitments, committed, strict=True)]
    spent = sum(one.micro_usd_per_hour * number * sum(hours) for one, number in pairs)
    under: dict[tuple[str, str], int] = {}
    for one, number in pairs:
        under[one.machine, one.region] = under.get((one.machine, one.region), 0) + one.owned + number
    dearest_first = sorted(machines.items(), key=lambda item: -item[0].micro_usd_per_hour)
    for period, each in enumerate(hours):
        left = dict(under)
        for pool, counts in dearest_first:
            free = 0
            if pool.mode is PurchaseMode.ON_DEMAND:
                free = min(left.get((pool.machine, pool.region), 0), counts[period])
                left[pool.machine, pool.region] = left.get((pool.machine, pool.region), 0) - free
            spent += pool.micro_usd_per_hour * (counts[period] - free) * each
    return spent


def _purchase(problem: Problem, answer: Sequence[Plan | None]) -> Purchase:
    """The answer as a purchase, in the order of the problem."""
    plans = [plan for plan in answer if plan is not None]
    machines, priced = _machines(problem, plans), _priced(problem, plans)
    stands = {(stand.choice, stand.pool): stand for plan in plans for stand in plan.stands}
    objective = _least(problem, priced) / (_hours(problem) * problem.payback_h)
    return Purchase(
        status=SolverStatus.OPTIMAL,
        bought=tuple(Bought(pool=pool, machines=machines[pool]) for pool in problem.pools if pool in machines),
        stands=tuple(
            stands[choice, pool] for choice in problem.choices for pool in problem.pools if (choice, pool) in stands
        ),
        committed=priced.committed,
        system_machines=priced.system,
        unserved=tuple(one.workload for one, plan in zip(problem.demands, answer, strict=True) if plan is None),
        micro_usd_per_hour=-(-priced.micro_usd_hours // _hours(problem)),
        objective=objective,
        bound=objective,
    )
