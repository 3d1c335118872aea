"""A problem with one number moved: a price, a limit, all traffic; and where the best purchase turns as it moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Effort, solve
from sizing.optimiser.problem import Demand, Pool, Problem
from sizing.optimiser.pruning import with_pools
from sizing.optimiser.purchase import Bought, Purchase

TOLERANCE = 1e-6  # of an objective: nearer, two plans cost the same
MOST_STEPS = 8  # towards a turning point; three are the rule
PRECISION = 0.005  # of a factor on traffic


def turning_point(problem: Problem, taken: Purchase, machine: str, *, limit: float) -> tuple[float, Purchase] | None:
    """
    The factor on the price of *machine* at which another purchase is as cheap as *taken*, and that purchase.

    Starts from the best purchase at the *limit* (above 1: a dearer machine, below: a cheaper one) and goes to where the
    cost of it crosses that of *taken*. If a third one is cheaper there, on from that one; else this is the turn. None:
    *taken* is still the best at the limit.
    """
    if taken.objective is None:
        return None
    own, own_slope = taken.objective, spent_on(problem, taken, machine)
    at, rival = limit, None
    for _ in range(MOST_STEPS):
        found = solve(with_price(problem, machine, at), effort=Effort.LOW)
        here = own + (at - 1) * own_slope
        if found.objective is None or found.objective >= here - TOLERANCE * max(1.0, abs(here)):
            break
        slope = spent_on(with_price(problem, machine, at), found, machine) / at
        base = found.objective - (at - 1) * slope
        rival, crossing = found, 1 + (base - own) / (own_slope - slope)
        if not min(1.0, limit) <= crossing <= max(1.0, limit):  # the bound of a search that was not finished
            return at, found
        at = crossing
    return None if rival is None else (at, rival)


def spent_on(problem: Problem, purchase: Purchase, machine: str) -> float:
    """
    What of the objective of *purchase* is the price of one machine type, in micro-USD per hour on average.

    Machines that are up, less those that a commitment covers; commitments that are bought; reservations and blocks for
    all hours; and the double running of machines that are new.
    """
    hours = [period.hours for period in problem.periods]
    own = [one for one in purchase.bought if one.pool.machine == machine]
    committed = [(of, number) for of, number in purchase.committed if of.machine == machine]
    total = sum(number * of.micro_usd_per_hour for of, number in committed) * problem.hours
    for region in dict.fromkeys(one.pool.region for one in own):
        here = [one for one in own if one.pool.region == region]
        owned = sum(of.owned for of in problem.commitments if (of.machine, of.region) == (machine, region))
        covered = owned + sum(number for of, number in committed if of.region == region)
        for place, length in enumerate(hours):
            total += length * _paid_at(here, place, covered)
    moved = sum(
        max(0, one.most - one.pool.running) * one.pool.micro_usd_per_hour for one in own if one.pool.running is not None
    )
    return total / problem.hours + moved * problem.double_running_h / problem.payback_h


def _paid_at(bought: Sequence[Bought], place: int, covered: int) -> int:
    """What machines of one type in one region cost in one period: the dearest of those on demand are covered first."""
    total, on_demand = 0, list[int]()
    for one in bought:
        pool, number = one.pool, one.machines[place]
        if pool.mode is PurchaseMode.ON_DEMAND:
            on_demand += [pool.micro_usd_per_hour] * number
        elif pool.is_kept:
            total += pool.micro_usd_per_hour * one.most
        else:
            total += pool.micro_usd_per_hour * number
    return total + sum(sorted(on_demand, reverse=True)[covered:])


def with_price(problem: Problem, machine: str, factor: float) -> Problem:
    """The problem with every price of *machine* so many times what it is, commitments to it too."""
    priced = _with_each_pool(
        problem,
        lambda pool: (
            replace(pool, micro_usd_per_hour=round(pool.micro_usd_per_hour * factor))
            if pool.machine == machine
            else pool
        ),
    )
    commitments = tuple(
        replace(one, micro_usd_per_hour=round(one.micro_usd_per_hour * factor)) if one.machine == machine else one
        for one in problem.commitments
    )
    return replace(priced, commitments=commitments)


def with_units(problem: Problem, old: Pool, new: Pool) -> Problem:
    """The problem with *new* in the place of the pool *old*."""
    return _with_each_pool(problem, lambda pool: new if pool == old else pool)


def _with_each_pool(problem: Problem, changed: Callable[[Pool], Pool]) -> Problem:
    pools = {pool: changed(pool) for pool in problem.pools}
    quotas = tuple(
        replace(quota, units=tuple((pools.get(pool, pool), units) for pool, units in quota.units))
        for quota in problem.quotas
    )
    return replace(problem, pools=tuple(pools.values()), quotas=quotas)


def with_traffic(problem: Problem, factor: float) -> Problem:
    """The problem with so many times the traffic of every workload, rounded up."""
    return replace(problem, demands=tuple(_times(demand, factor) for demand in problem.demands))


def _times(demand: Demand, factor: float) -> Demand:
    def times(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(math.ceil(number * factor) for number in numbers)

    return replace(demand, total=times(demand.total), firm=times(demand.firm), spot=times(demand.spot))


def growing_to(problem: Problem, taken: Purchase, *, most: float) -> float:
    """
    So many times the traffic of every workload the machines that are bought can carry, each workload as best it may.

    Found by halving, to half a percent, rounded down; at most *most*. Workloads that are left out stay so.
    """
    served = {stand.choice.workload for stand in taken.stands}
    limits = {one.pool: max(one.machines) for one in taken.bought}
    held = with_pools(problem, limits)
    held = _with_each_pool(held, lambda pool: replace(pool, most=limits[pool]))
    held = replace(
        held,
        demands=tuple(replace(one, priority=None) for one in problem.demands if one.workload in served),
        choices=tuple(one for one in problem.choices if one.workload in served),
        standings=tuple(one for one in problem.standings if one.workload in served),
        budget_micro_usd_per_hour=None,
    )

    def carries(factor: float) -> bool:
        return solve(with_traffic(held, factor), effort=Effort.LOW).objective is not None

    low, high = 1.0, most
    if carries(high):
        return high
    while high / low > 1 + PRECISION:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if carries(middle) else (low, middle)
    return low
