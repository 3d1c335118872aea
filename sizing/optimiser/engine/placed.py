"""Where workloads stand, in the engine's own terms, and the purchase that this comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.engine.machines import owned_and_offered, usd
from sizing.optimiser.engine.tables import Tables
from sizing.optimiser.problem import Commitment, Problem
from sizing.optimiser.purchase import Bought, Purchase, Stand
from sizing.optimiser.status import SolverStatus
from sizing.units import MICRO_USD_PER_USD

Slots = Mapping[tuple[int, int], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One workload: the option that it takes, and its replicas by place and period."""

    option: int
    replicas: tuple[tuple[int, tuple[int, ...]], ...]  # places with replicas only, in their order


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What machines cost, in micro-USD times hours, over all periods."""

    machines: int  # with commitments and system machines
    standings: int
    committed: tuple[tuple[Commitment, int], ...]
    system: tuple[tuple[str, int], ...]
    moves: float  # micro-USD per hour

    @property
    def total(self) -> int:
        """Everything but the price of moves."""
        return self.machines + self.standings


def slots_taken(tables: Tables, placed: Mapping[int, Placed]) -> dict[tuple[int, int], int]:
    """Slots that replicas take, by pool and period; only where any do."""
    taken: dict[tuple[int, int], int] = {}
    for one in placed.values():
        for place, replicas in one.replicas:
            pool, slots = int(tables.pool[place]), int(tables.slots[place])
            for period, number in enumerate(replicas):
                if number:
                    taken[pool, period] = taken.get((pool, period), 0) + number * slots
    return taken


def machines_for(problem: Problem, taken: Slots) -> dict[int, tuple[int, ...]]:
    """The fewest machines of each pool that hold *taken*, by period, in the order of the problem."""
    pools = sorted({pool for pool, _ in taken})
    found = {}
    for pool in pools:
        of = problem.pools[pool]
        counts = [-(-taken.get((pool, period), 0) // of.slots) for period in range(len(problem.periods))]
        found[pool] = tuple([max(counts)] * len(counts) if of.is_kept else counts)
    return found


def team_usd_per_hour(tables: Tables, placed: Placed) -> float:
    """What a team pays for a workload: its slots' share of machines, for the hours that replicas are up."""
    problem = tables.problem
    total = 0.0
    for at, replicas in placed.replicas:
        pool = problem.pools[tables.pool[at]]
        hours = [period.hours / problem.hours for period in problem.periods]
        up = max(replicas) if pool.is_kept else sum(n * h for n, h in zip(replicas, hours, strict=True))
        total += up * int(tables.slots[at]) * usd(pool.micro_usd_per_hour) / pool.slots
    return total


def machines_alone(tables: Tables, placed: Placed) -> dict[tuple[int, int], int]:
    """The machines that a workload stands on, by pool and period, as if it stood there alone; only where it does."""
    machines = machines_for(tables.problem, slots_taken(tables, {0: placed}))
    return {(pool, period): n for pool, numbers in machines.items() for period, n in enumerate(numbers) if n}


def bill(
    problem: Problem, machines: Mapping[int, tuple[int, ...]], tables: Tables, placed: Mapping[int, Placed]
) -> Bill:
    """What *machines* cost, under the commitments that pay."""
    hours = [period.hours for period in problem.periods]
    total = sum(
        problem.pools[pool].micro_usd_per_hour * sum(n * h for n, h in zip(counts, hours, strict=True))
        for pool, counts in machines.items()
    )
    committed, saved = _commitments(problem, machines)
    system = _system(problem, machines)
    prices = {site.region: site.system_micro_usd_per_hour for site in problem.sites}
    total += sum(prices[region] * number for region, number in system) * problem.hours
    stands = {(one.workload, one.region): one.micro_usd_per_hour for one in problem.standings}
    standing = sum(
        stands.get((problem.demands[workload].workload, tables.options[one.option].region), 0)
        for workload, one in placed.items()
    )
    added = sum(
        max(0, max(counts) - (problem.pools[pool].running or 0)) * problem.pools[pool].micro_usd_per_hour
        for pool, counts in machines.items()
    )
    return Bill(
        machines=total - saved,
        standings=standing * problem.hours,
        committed=committed,
        system=system,
        moves=added * problem.double_running_h / problem.payback_h if problem.moves else 0.0,
    )


def _commitments(
    problem: Problem, machines: Mapping[int, tuple[int, ...]]
) -> tuple[tuple[tuple[Commitment, int], ...], int]:
    """
    The commitments that pay, and what all of them save, in micro-USD times hours.

    The next machine under commitment saves the price on demand in the hours in which so many run, which are ever
    fewer: so the cheapest term is bought while it saves more than it costs.
    """
    bought: list[tuple[Commitment, int]] = []
    saved = 0
    for (machine, region), offered in owned_and_offered(problem).items():
        covered = [
            at
            for at in machines
            if (problem.pools[at].machine, problem.pools[at].region, problem.pools[at].mode)
            == (machine, region, PurchaseMode.ON_DEMAND)
        ]
        running = [_prices(problem, machines, covered, period) for period in range(len(problem.periods))]
        under = sum(one.owned for _, one in offered)
        saved += sum(_saves(problem, running, number) for number in range(under))
        for _, one in sorted(offered, key=lambda pair: (pair[1].micro_usd_per_hour, pair[0])):
            number = 0
            while one.most is None or number < one.most:
                saves = _saves(problem, running, under) - one.micro_usd_per_hour * problem.hours
                if saves <= 0:
                    break
                saved += saves
                number, under = number + 1, under + 1
            if number:
                bought.append((one, number))
    order = {one: place for place, one in enumerate(problem.commitments)}
    return tuple(sorted(bought, key=lambda pair: order[pair[0]])), saved


def _prices(problem: Problem, machines: Mapping[int, tuple[int, ...]], covered: list[int], period: int) -> list[int]:
    """The price on demand of each machine that runs in a period, the dearest first: those are covered first."""
    prices = [problem.pools[at].micro_usd_per_hour for at in covered for _ in range(machines[at][period])]
    return sorted(prices, reverse=True)


def _saves(problem: Problem, running: list[list[int]], number: int) -> int:
    """Micro-USD times hours on demand that the next machine under commitment, after *number* of them, takes over."""
    return sum(
        prices[number] * period.hours
        for period, prices in zip(problem.periods, running, strict=True)
        if number < len(prices)
    )


def _system(problem: Problem, machines: Mapping[int, tuple[int, ...]]) -> tuple[tuple[str, int], ...]:
    """System machines of each region in use."""
    zones: dict[str, set[str]] = {}
    for pool, counts in machines.items():
        if any(counts):
            zones.setdefault(problem.pools[pool].region, set()).add(problem.pools[pool].zone)
    least = {site.region: site.least_system_machines for site in problem.sites}
    return tuple((region, max(least[region], len(used))) for region, used in sorted(zones.items()))


def usd_per_hour(tables: Tables, placed: Mapping[int, Placed]) -> float:
    """What a strategy compares by: cost and moves, in USD per hour."""
    problem = tables.problem
    paid = bill(problem, machines_for(problem, slots_taken(tables, placed)), tables, placed)
    return (paid.total / problem.hours + paid.moves) / MICRO_USD_PER_USD


def purchase_of(
    tables: Tables, placed: Mapping[int, Placed], *, bound_usd_per_hour: float | None, proved: bool = False
) -> Purchase:
    """
    The purchase of *placed*.

    Args:
        tables: Of the problem.
        placed: The workloads that are served, by place in the problem.
        bound_usd_per_hour: What is proved that no purchase which serves as many costs less than.
        proved: Whether the purchase is proved to be the best.
    """
    problem = tables.problem
    counts = machines_for(problem, slots_taken(tables, placed))
    paid = bill(problem, counts, tables, placed)
    objective = paid.total / problem.hours + paid.moves
    bound = None if bound_usd_per_hour is None else min(objective, bound_usd_per_hour * MICRO_USD_PER_USD)
    return Purchase(
        status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE,
        bought=tuple(Bought(pool=problem.pools[pool], machines=number) for pool, number in counts.items()),
        stands=_stands(tables, placed),
        committed=paid.committed,
        system_machines=paid.system,
        unserved=tuple(d.workload for place, d in enumerate(problem.demands) if place not in placed),
        micro_usd_per_hour=-(-paid.total // problem.hours),
        objective=objective,
        bound=objective if proved else bound,
    )


def _stands(tables: Tables, placed: Mapping[int, Placed]) -> tuple[Stand, ...]:
    """Every stand, in the order of the problem's choices, then of its pools."""
    problem = tables.problem
    found = sorted(
        (int(tables.choice[place]), int(tables.pool[place]), replicas)
        for one in placed.values()
        for place, replicas in one.replicas
    )
    return tuple(
        Stand(choice=problem.choices[choice], pool=problem.pools[pool], replicas=replicas)
        for choice, pool, replicas in found
    )
