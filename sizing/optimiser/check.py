"""
Whether a purchase does what its problem asks, worked out anew from the values.

Shares no code with what builds models, and uses none of the problem's own rules: a wrong coefficient there must show
here. Reads a problem and a purchase, counts machines, replicas and money in whole numbers, and decides nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Choice, Demand, Pool, Problem, Team
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.optimiser.status import SolverStatus

FOUND = (SolverStatus.OPTIMAL, SolverStatus.FEASIBLE)
TOLERANCE = 1e-6  # of an objective or a bound, which solvers give in floating point
KEPT = (PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK)


def violations(problem: Problem, purchase: Purchase) -> tuple[str, ...]:
    """
    Everything of *problem* that *purchase* breaks, a sentence each; empty: nothing.

    The conventions, where values alone do not tell them:

    - Money is added up in micro-dollar hours, exactly, and its average over the hours of all periods is rounded up.
    - Reservations and capacity blocks are paid for all hours and hold the same machines in all periods.
    - A commitment covers the dearest on-demand machines of its type in its region first. Those that are owned are paid
      whatever is decided, so they cover machines and are not in the cost; those that are bought are, for all hours.
    - A replica costs its team slots / machine slots of its pool's price (whether a commitment covers it or not) for the
      hours that it is up; on a reservation or block, the most replicas of any period for all hours. Nothing is rounded:
      the sum is held against the limit exactly.
    - A move costs double_running_h of a machine's price, spread over payback_h, for each machine beyond those running.
    """
    if purchase.micro_usd_per_hour is None:
        return tuple(_without_a_purchase(purchase))
    if malformed := (*_strangers(problem, purchase), *_twins(purchase), *_counts(problem, purchase)):
        return malformed  # what is not of the problem cannot be counted
    books = _books(problem, purchase)
    return (
        *_order(problem, purchase),
        *(text for demand in problem.demands for text in _service(problem, demand, books)),
        *(text for pool, machines in books.machines.items() for text in _pool(pool, machines)),
        *_packing(problem, books),
        *_quotas(problem, books),
        *_teams(problem, books),
        *_commitments(purchase),
        *_system_machines(problem, purchase, books),
        *_money(problem, purchase, books),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What is bought and what stands, by the keys that rules ask for."""

    machines: Mapping[Pool, tuple[int, ...]]
    stands: Mapping[str, Sequence[Stand]]  # by workload
    on_pool: Mapping[Pool, Sequence[Stand]]
    zones: Mapping[str, frozenset[str]]  # with machines, by region in use
    unserved: frozenset[str]


def _books(problem: Problem, purchase: Purchase) -> _Books:
    stands: dict[str, list[Stand]] = {demand.workload: [] for demand in problem.demands}
    on_pool: dict[Pool, list[Stand]] = defaultdict(list)
    zones: dict[str, set[str]] = defaultdict(set)
    for stand in purchase.stands:
        stands[stand.choice.workload].append(stand)
        on_pool[stand.pool].append(stand)
    for bought in purchase.bought:
        zones[bought.pool.region].add(bought.pool.zone)
    return _Books(
        machines={bought.pool: bought.machines for bought in purchase.bought},
        stands=stands,
        on_pool=on_pool,
        zones={region: frozenset(of) for region, of in sorted(zones.items())},
        unserved=frozenset(purchase.unserved),
    )


def _without_a_purchase(purchase: Purchase) -> Iterator[str]:
    """Of an answer that says nothing was found."""
    if purchase.status in FOUND:
        yield f"the search ended {purchase.status}, and there is no cost"
    if purchase.bought or purchase.stands or purchase.committed or purchase.system_machines:
        yield "there is no cost, and yet something is bought"
    if purchase.objective is not None:
        yield "there is no cost, and yet an objective"


def _strangers(problem: Problem, purchase: Purchase) -> Iterator[str]:
    """Pools, choices, workloads and commitments that the problem does not have."""
    pools, choices = set(problem.pools), set(problem.choices)
    for bought in purchase.bought:
        if bought.pool not in pools:
            yield f"{_named(bought.pool)} is not in the problem"
    for stand in purchase.stands:
        if stand.pool not in pools:
            yield f"{stand.choice.workload} stands on {_named(stand.pool)}, which is not in the problem"
        if stand.choice not in choices:
            yield f"{stand.choice.workload}: {stand.choice.kind} on {stand.choice.machine} is not in the problem"
    known = {demand.workload for demand in problem.demands}
    lost = [stand.choice.workload for stand in purchase.stands if stand.choice.workload not in known]
    for workload in dict.fromkeys([*lost, *(one for one in purchase.unserved if one not in known)]):
        yield f"{workload} is not a workload of the problem"
    for commitment, _ in purchase.committed:
        if commitment not in problem.commitments:
            yield f"a commitment of {commitment.machine} in {commitment.region} is not in the problem"


def _twins(purchase: Purchase) -> Iterator[str]:
    """Parts that are told more than once."""
    for what, parts in (
        ("pool is bought", [bought.pool for bought in purchase.bought]),
        ("placement is told", [(stand.choice, stand.pool) for stand in purchase.stands]),
        ("workload is left out", list(purchase.unserved)),
        ("commitment is bought", [commitment for commitment, _ in purchase.committed]),
    ):
        if any(times > 1 for times in Counter(parts).values()):
            yield f"a {what} twice"


def _counts(problem: Problem, purchase: Purchase) -> Iterator[str]:
    """Numbers for other periods than the problem's, below zero, or nothing but zero."""
    rows = [
        *((f"machines of {_named(bought.pool)}", bought.machines) for bought in purchase.bought),
        *((f"replicas of {s.choice.workload} on {_named(s.pool)}", s.replicas) for s in purchase.stands),
    ]
    for what, numbers in rows:
        if len(numbers) != len(problem.periods):
            yield f"{what} are told for {len(numbers)} periods, and the problem has {len(problem.periods)}"
        elif min(numbers) < 0 or not any(numbers):
            yield f"{what} are {', '.join(map(str, numbers))}"


def _order(problem: Problem, purchase: Purchase) -> Iterator[str]:
    """Parts that do not come in the order of the problem, which makes equal answers equal bytes."""
    pools = {pool: place for place, pool in enumerate(problem.pools)}
    choices = {choice: place for place, choice in enumerate(problem.choices)}
    workloads = {demand.workload: place for place, demand in enumerate(problem.demands)}
    for what, places in (
        ("pools", [(pools[bought.pool],) for bought in purchase.bought]),
        ("placements", [(choices[stand.choice], pools[stand.pool]) for stand in purchase.stands]),
        ("unserved workloads", [(workloads[workload],) for workload in purchase.unserved]),
    ):
        if places != sorted(places):
            yield f"the {what} are not in the order of the problem"


def _service(problem: Problem, demand: Demand, books: _Books) -> Iterator[str]:
    """Whether one workload is served: in one region, by one kind, where it may stand, and enough of it."""
    stands = books.stands[demand.workload]
    if demand.workload in books.unserved:
        if demand.priority is None:
            yield f"{demand.workload} must be served and is left out"
        if stands:
            yield f"{demand.workload} is left out and yet has replicas"
        return
    if len(regions := {stand.pool.region for stand in stands}) > 1:
        yield f"{demand.workload} stands in {len(regions)} regions: {', '.join(sorted(regions))}"
    if len(kinds := {stand.choice.kind for stand in stands}) > 1:
        yield f"{demand.workload} has replicas of {len(kinds)} kinds: {', '.join(sorted(kinds))}"
    for stand in stands:
        if reason := _why_not_here(demand, stand.choice, stand.pool):
            yield f"{demand.workload} may not stand on {_named(stand.pool)}: {reason}"
    for place, period in enumerate(problem.periods):
        for text in _coverage(demand, stands, place):
            yield f"{demand.workload}, {period.name}: {text}"


def _why_not_here(demand: Demand, choice: Choice, pool: Pool) -> str | None:
    """Why a replica may not stand on a pool; None: it may."""
    if choice.machine != pool.machine:
        return f"its replica is one for {choice.machine}"
    if demand.regions is not None and pool.region not in demand.regions:
        return f"{pool.region} is not among its regions"
    if demand.modes is not None and pool.mode not in demand.modes:
        return f"{pool.mode} is not among its ways to buy"
    if pool.only_for is not None and demand.workload not in pool.only_for:
        return "the pool is kept for others"
    if pool.mode is PurchaseMode.SPOT and demand.firm == demand.total:
        return "it takes no spot"
    return None


def _coverage(demand: Demand, stands: Sequence[Stand], place: int) -> Iterator[str]:
    """What is not carried in one period: with all zones, and, where asked, with each zone taken away in turn."""
    zones = sorted({stand.pool.zone for stand in stands if stand.replicas[place]})
    for lost in (None, *zones) if demand.zone_loss else (None,):
        total = firm = 0
        for stand in stands:
            if stand.pool.zone != lost:
                carried = stand.replicas[place] * stand.choice.capacity
                total += carried
                firm += 0 if stand.pool.mode is PurchaseMode.SPOT else carried
        left = "" if lost is None else f" without {lost}"
        if total < demand.total[place]:
            yield f"{total} of {demand.total[place]} is carried{left}"
        if firm < demand.firm[place]:
            yield f"{firm} of {demand.firm[place]} is carried by machines that are not on spot{left}"
    spot = sum(s.replicas[place] * s.choice.capacity for s in stands if s.pool.mode is PurchaseMode.SPOT)
    if spot < demand.spot[place]:
        yield f"{spot} of {demand.spot[place]} is carried on spot"


def _pool(pool: Pool, machines: tuple[int, ...]) -> Iterator[str]:
    """More machines than there are, and kept machines that come and go."""
    if pool.most is not None and max(machines) > pool.most:
        yield f"{_named(pool)} has {max(machines)} machines, and there are {pool.most}"
    if pool.mode in KEPT and len(set(machines)) > 1:
        yield f"{_named(pool)} is paid for all hours, and its machines change: {', '.join(map(str, machines))}"


def _packing(problem: Problem, books: _Books) -> Iterator[str]:
    """Replicas that do not go into the machines of their pool, period by period."""
    for pool, stands in books.on_pool.items():
        machines = books.machines.get(pool, (0,) * len(problem.periods))
        for place, period in enumerate(problem.periods):
            sizes = Counter[int]()
            for stand in stands:
                sizes[stand.choice.slots] += stand.replicas[place]
            if not _fits(sizes, machines[place], pool.slots):
                asked = ", ".join(f"{number} of {size}" for size, number in sorted(sizes.items(), reverse=True))
                yield f"{_named(pool)}, {period.name}: {asked} slots do not go into {machines[place]} machines"


def _fits(sizes: Mapping[int, int], machines: int, slots: int) -> bool:
    """
    Whether replicas go into machines one by one: the largest first, each into the first machine with room.

    A replica wider than a machine takes as many whole ones as it needs.
    """
    free = [slots] * machines
    for size, number in sorted(sizes.items(), reverse=True):
        at = 0  # machines before it had no room for this size, and none is emptied
        for _ in range(number):
            for part in _parts(size, slots):
                while at < machines and free[at] < part:
                    at += 1
                if at == machines:
                    return False
                free[at] -= part
    return True


def _parts(size: int, slots: int) -> list[int]:
    """What one replica takes of each machine that it stands on: whole machines where it is wider than one."""
    return [size] if size <= slots else [slots] * -(-size // slots)


def _quotas(problem: Problem, books: _Books) -> Iterator[str]:
    """Quotas that are passed in the period that takes most of them."""
    for quota in problem.quotas:
        taken = [0] * len(problem.periods)
        for pool, units in quota.units:
            for place, number in enumerate(books.machines.get(pool, ())):
                taken[place] += units * number
        if max(taken) > quota.limit:
            yield f"{quota.name} allows {quota.limit}, and {max(taken)} is taken"


def _teams(problem: Problem, books: _Books) -> Iterator[str]:
    """Teams with more slots at a time, or more money on average, than they may have."""
    for team in problem.teams:
        stands = [stand for workload in sorted(team.workloads) for stand in books.stands.get(workload, ())]
        slots = max(
            sum(stand.choice.slots * stand.replicas[place] for stand in stands) for place in range(len(problem.periods))
        )
        if team.slots is not None and slots > team.slots:
            yield f"{team.name} may have {team.slots} slots, and has {slots}"
        yield from _team_money(problem, team, stands)


def _team_money(problem: Problem, team: Team, stands: Sequence[Stand]) -> Iterator[str]:
    hours = [period.hours for period in problem.periods]
    spent = Fraction(0)
    for stand in stands:
        kept = stand.pool.mode in KEPT
        up_h = max(stand.replicas) * sum(hours) if kept else _by_hour(stand.replicas, hours)
        spent += Fraction(stand.choice.slots * stand.pool.micro_usd_per_hour * up_h, stand.pool.slots)
    limit = team.micro_usd_per_hour
    if limit is not None and spent > limit * sum(hours):
        yield f"{team.name} may spend {limit} micro-USD an hour, and spends {float(spent / sum(hours)):.2f}"


def _commitments(purchase: Purchase) -> Iterator[str]:
    """Commitments beyond what may be bought, or of nothing."""
    for commitment, number in purchase.committed:
        if number < 1 or (commitment.most is not None and number > commitment.most):
            most = "any number" if commitment.most is None else commitment.most
            yield f"{number} x {commitment.machine} in {commitment.region} are committed, and {most} may be"


def _system_machines(problem: Problem, purchase: Purchase, books: _Books) -> Iterator[str]:
    """Regions in use without one system machine a zone, or with fewer than their least; regions that are not in use."""
    least = {site.region: site.least_system_machines for site in problem.sites}
    due = tuple((region, max(len(zones), least[region])) for region, zones in books.zones.items())
    if purchase.system_machines != due:
        yield f"system machines are {_listed(purchase.system_machines)}, and must be {_listed(due)}"


def _listed(by_region: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{number} in {region}" for region, number in by_region) or "none"


def _money(problem: Problem, purchase: Purchase, books: _Books) -> Iterator[str]:
    """A cost that is not the sum of its parts, an objective without its moves, a bound above it, a budget passed."""
    spent = _micro_usd_hours(problem, purchase, books)
    cost = -(-spent // sum(period.hours for period in problem.periods))
    if purchase.micro_usd_per_hour != cost:
        yield f"the cost is told as {purchase.micro_usd_per_hour} micro-USD an hour, and is {cost}"
    budget = problem.budget_micro_usd_per_hour
    if budget is not None and cost > budget:
        yield f"{cost} micro-USD an hour is over the budget of {budget}"
    objective = cost + _moves(problem, books)
    slack = 1 + TOLERANCE * objective
    if purchase.objective is None or abs(purchase.objective - objective) > slack:
        yield f"the objective is told as {purchase.objective}, and is {objective:.2f}"
    if purchase.bound is not None and purchase.bound > objective + slack:
        yield f"the bound of {purchase.bound:.2f} is above the objective of {objective:.2f}"
    if purchase.status not in FOUND:
        yield f"there is a cost, and the search ended {purchase.status}"
    unproved = purchase.bound is None or purchase.bound < objective - slack
    if purchase.status is SolverStatus.OPTIMAL and unproved:
        yield f"{objective:.2f} is called optimal, and the bound is {purchase.bound}"


def _micro_usd_hours(problem: Problem, purchase: Purchase, books: _Books) -> int:
    """What everything costs over all periods."""
    hours = [period.hours for period in problem.periods]
    spent = sum(commitment.micro_usd_per_hour * number * sum(hours) for commitment, number in purchase.committed)
    on_demand: dict[tuple[str, str], list[Bought]] = defaultdict(list)
    for pool, machines in books.machines.items():
        if pool.mode in KEPT:
            spent += pool.micro_usd_per_hour * max(machines) * sum(hours)
        elif pool.mode is PurchaseMode.ON_DEMAND:
            on_demand[pool.machine, pool.region].append(Bought(pool=pool, machines=machines))
        else:
            spent += pool.micro_usd_per_hour * _by_hour(machines, hours)
    covered = Counter[tuple[str, str]]()
    for commitment in problem.commitments:
        covered[commitment.machine, commitment.region] += commitment.owned
    for commitment, number in purchase.committed:
        covered[commitment.machine, commitment.region] += number
    for key, bought in on_demand.items():
        spent += sum(h * _uncovered(bought, covered[key], place) for place, h in enumerate(hours))
    price = {site.region: site.system_micro_usd_per_hour for site in problem.sites}
    spent += sum(price[region] * number * sum(hours) for region, number in purchase.system_machines)
    for standing in problem.standings:
        if any(stand.pool.region == standing.region for stand in books.stands.get(standing.workload, ())):
            spent += standing.micro_usd_per_hour * sum(hours)
    return spent


def _uncovered(bought: Sequence[Bought], covered: int, place: int) -> int:
    """Micro-dollars an hour of on-demand machines that commitments leave over, the dearest of them covered first."""
    spent = 0
    for one in sorted(bought, key=lambda one: one.pool.micro_usd_per_hour, reverse=True):
        free = min(covered, one.machines[place])
        covered -= free
        spent += one.pool.micro_usd_per_hour * (one.machines[place] - free)
    return spent


def _moves(problem: Problem, books: _Books) -> float:
    """What new machines cost beside what they replace, by the hour; nothing where there is no current plan."""
    if all(pool.running is None for pool in problem.pools):
        return 0.0
    new = sum(
        pool.micro_usd_per_hour * max(0, max(machines) - (pool.running or 0))
        for pool, machines in books.machines.items()
    )
    return new * problem.double_running_h / problem.payback_h


def _by_hour(numbers: Sequence[int], hours: Sequence[int]) -> int:
    """Machine-hours or replica-hours over all periods."""
    return sum(number * h for number, h in zip(numbers, hours, strict=True))


def _named(pool: Pool) -> str:
    """A pool in words."""
    name = "" if pool.name is None else f" ({pool.name})"
    return f"{pool.machine} {pool.mode} in {pool.zone}{name}"
