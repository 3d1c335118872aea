"""
Other aims than the least cost of a demand: the most work from a given fleet, and the least cost of what is served.

A multiple is how many times its demand a workload is carried, in every period alike, with the same rules: firm and spot
shares, the loss of a zone, one kind in one region. Work is multiples weighed by what a request is worth: its tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from sizing.optimiser.engine.placed import purchase_of
from sizing.optimiser.engine.tables import tables
from sizing.optimiser.engine.trim import trimmed
from sizing.optimiser.levels.lexicographic import Aim, Solved, Value, hint, lexicographic
from sizing.optimiser.levels.proof import placed_of
from sizing.optimiser.levels.rows import Rows, rows, weighted
from sizing.optimiser.problem import Choice, Demand, Pool, Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.units import MICRO_USD_PER_USD, SECONDS_PER_HOUR

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

DETERMINISTIC_LIMIT = 3.0  # of each solve, in CP-SAT's deterministic time: some three seconds of one core
ROUNDS = 8  # prices of work that are tried: the method gains digits as Newton's does, and three to five are usual
STEPS = 1000  # multiples are told in thousandths of the demand
WEIGHT = 10_000  # of all workloads together, in whole numbers: the objective's own precision
TIMES = 10  # the demand is carried no more often than this, where nothing else is said
MICRO = 1_000_000
FINE = 10_000  # the price of work is a fraction with no larger denominator, so that sums stay in 64 bits
FOUND = (SolverStatus.OPTIMAL, SolverStatus.FEASIBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is served beyond or below the demand, by which purchase."""

    status: SolverStatus  # optimal: proved, in thousandths of the demand
    multiples: Mapping[str, float] = field(default_factory=dict)  # by workload
    problem: Problem | None = None  # the same with the demand that is served
    purchase: Purchase | None = None  # of it, with the machines that it takes

    @property
    def common(self) -> float:
        """How many times its demand every workload is carried."""
        return min(self.multiples.values(), default=0.0)

    @property
    def utilisation(self) -> float:
        """Share of the slots of all machines there are that replicas take, over all hours."""
        if self.problem is None or self.purchase is None:
            return 0.0
        hours = [period.hours for period in self.problem.periods]
        taken = sum(
            stand.choice.slots * n * h
            for stand in self.purchase.stands
            for n, h in zip(stand.replicas, hours, strict=True)
        )
        return taken / (sum((pool.most or 0) * pool.slots for pool in self.problem.pools) * sum(hours))


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The least cost of a million tokens, and what serves them so."""

    served: Served
    usd_per_million: float | None = None
    bound_usd_per_million: float | None = None  # proved: nothing costs less


def most_work(
    problem: Problem,
    *,
    fleet: Mapping[Pool, int] | None = None,
    tokens: Mapping[str, int] | None = None,
    times: int = TIMES,
    deterministic_limit: float = DETERMINISTIC_LIMIT,
) -> Served:
    """
    The most that a fleet carries: the largest multiple of every workload's demand, then the most work beside.

    What machines cost plays no part, as they are there; a budget neither.

    Args:
        problem: The demand, and how it could be carried.
        fleet: Machines of each pool; None: those that run today, and all that is reserved.
        tokens: Of one request, by workload; None: requests of all workloads are worth the same.
        times: Multiples beyond which more of a workload is of no use.
        deterministic_limit: Of each level, in CP-SAT's deterministic time.
    """
    there = standing_fleet(problem) if fleet is None else fleet
    on_fleet = _on_fleet(problem, there)
    if not on_fleet.pools:
        return Served(status=SolverStatus.INFEASIBLE)
    made, multiples = _modelled(on_fleet, least=1, times=times)
    common = made.model.new_int_var(1, times * STEPS, "")
    for multiple in multiples.values():
        made.model.add(common <= multiple)
    work = weighted(list(multiples.values()), _weights(on_fleet, tokens).values())
    solved = lexicographic(
        made.model,
        [Aim(expression=-common, limit=deterministic_limit), Aim(expression=-work, limit=deterministic_limit)],
    )
    return _served(on_fleet, made, multiples, solved)


def least_cost_per_token(
    problem: Problem,
    *,
    tokens: Mapping[str, int] | None = None,
    times: int = 2,
    deterministic_limit: float = DETERMINISTIC_LIMIT,
) -> Priced:
    """
    The least cost of what is served, with all demand carried; capacity beyond it counts up to so many times the demand.

    A ratio of two sums, by Dinkelbach's method: with the ratio so far as the price of work, the least of cost less the
    price of its work is found exactly; where that is not below zero, no ratio is better. Moves are not priced in.

    Args:
        problem: The demand, and what can be bought.
        tokens: Of one request, by workload; None: every request is one.
        times: Multiples of the demand up to which work counts.
        deterministic_limit: Of each solve, in CP-SAT's deterministic time.
    """
    weights, best, price, bound = _weights(problem, tokens), None, Fraction(0), Fraction(0)
    smaller = without_dominated(problem)
    for _ in range(ROUNDS):
        made, multiples = _modelled(smaller, least=STEPS, times=times)
        if best is not None and best[3].value is not None:
            hint(made.model, best[3].value)
        if problem.budget_micro_usd_per_hour is not None:
            made.model.add(made.cost <= problem.budget_micro_usd_per_hour * sum(made.hours))
        work = weighted(list(multiples.values()), weights.values())
        aim = made.cost * price.denominator - work * price.numerator
        solved = lexicographic(made.model, [Aim(expression=aim, limit=deterministic_limit)])
        if solved.value is None:
            return Priced(served=Served(status=solved.statuses[-1]))
        ratio = Fraction(solved.value(made.cost), solved.value(work))
        bound = max(bound, _proved(price, solved.bounds[-1], STEPS * sum(weights.values())))
        if best is not None and ratio >= best[0]:
            break
        best = ratio, made, multiples, solved
        price = ratio.limit_denominator(FINE)
        if solved.interrupted:
            break
    if best is None:
        raise ValueError("no round was tried")
    ratio, made, multiples, solved = best
    proved = bound >= ratio * (1 - Fraction(1, MICRO))
    served = _served(smaller, made, multiples, solved)
    served = replace(served, status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE)
    return _priced(problem, served, tokens, bound=float(bound / ratio))


def standing_fleet(problem: Problem) -> dict[Pool, int]:
    """Machines that run today, and all of what is reserved."""
    running = {pool: pool.running or 0 for pool in problem.pools}
    return {pool: max(number, pool.most or 0) if pool.is_kept else number for pool, number in running.items()}


def _on_fleet(problem: Problem, fleet: Mapping[Pool, int]) -> Problem:
    """The problem with no machines but those of *fleet*, whatever they cost."""
    held = {pool: replace(pool, most=fleet[pool]) for pool in problem.pools if fleet.get(pool, 0) > 0}
    return replace(
        problem,
        pools=tuple(held.values()),
        quotas=tuple(
            replace(quota, units=tuple((held[pool], units) for pool, units in quota.units if pool in held))
            for quota in problem.quotas
        ),
        demands=tuple(replace(demand, priority=None) for demand in problem.demands),
        budget_micro_usd_per_hour=None,
    )


def _modelled(problem: Problem, *, least: int, times: int) -> tuple[Rows, dict[str, cp_model.IntVar]]:
    """The model of *problem*, and by how much the demand of each workload is multiplied, in thousandths."""
    asked = replace(problem, demands=tuple(replace(demand, priority=None) for demand in problem.demands))
    made = rows(asked, times=times)
    multiples = {demand.workload: made.model.new_int_var(least, times * STEPS, "") for demand in asked.demands}
    demands = {demand.workload: demand for demand in asked.demands}
    for (workload, kind, region), used in made.chosen.items():
        standing = {
            (choice, pool): numbers
            for (choice, pool), numbers in made.replicas.items()
            if (choice.workload, choice.kind, pool.region) == (workload, kind, region)
        }
        for period in range(len(problem.periods)):
            own = [(choice, pool, numbers[period]) for (choice, pool), numbers in standing.items()]
            _carry(made.model, demands[workload], own, used, multiples[workload], period=period, times=times)
    return made, multiples


def _carry(
    model: cp_model.CpModel,
    demand: Demand,
    standing: Iterable[tuple[Choice, Pool, cp_model.IntVar]],
    used: cp_model.IntVar,
    multiple: cp_model.IntVar,
    *,
    period: int,
    times: int,
) -> None:
    """Replicas of an option that is taken carry so many times the demand of one period, whichever zone is gone."""
    own = list(standing)
    zones = dict.fromkeys(pool.zone for _, pool, _ in own)
    asked = []
    for lost in (None, *zones) if demand.zone_loss else (None,):
        left = [one for one in own if one[1].zone != lost]
        asked.append((left, demand.total[period]))
        asked.append(([one for one in left if not one[1].is_spot], demand.firm[period]))
    asked.append(([one for one in own if one[1].is_spot], demand.spot[period]))
    for places, amount in asked:
        if not amount:
            continue
        carried = weighted([number for _, _, number in places], [choice.capacity * STEPS for choice, _, _ in places])
        model.add(carried >= multiple * amount - (1 - used) * (amount * times * STEPS))


def _weights(problem: Problem, tokens: Mapping[str, int] | None) -> dict[str, int]:
    """What one multiple of each workload is worth, in whole numbers, by its tokens over the day."""
    worth = {demand.workload: _tokens(problem, demand, tokens) for demand in problem.demands}
    whole = sum(worth.values())
    return {workload: max(1, round(WEIGHT * Fraction(each, whole))) for workload, each in worth.items()}


def _tokens(problem: Problem, demand: Demand, tokens: Mapping[str, int] | None) -> int:
    """Tokens of a workload's demand, in millionths of one a second times the hours of the day."""
    requests = sum(total * period.hours for total, period in zip(demand.total, problem.periods, strict=True))
    return requests * (1 if tokens is None else tokens[demand.workload])


def _proved(price: Fraction, bound: float, least_work: int) -> Fraction:
    """What no ratio of cost to work is below, where cost x denominator - work x numerator is at least *bound*."""
    slack = Fraction(math.floor(bound)) / (price.denominator * least_work)
    return max(Fraction(0), price + min(Fraction(0), slack))


def _served(problem: Problem, made: Rows, multiples: Mapping[str, cp_model.IntVar], solved: Solved) -> Served:
    """The purchase that a solution is, of the demand that it serves."""
    if solved.value is None:
        return Served(status=solved.statuses[-1])
    thousandths = {workload: solved.value(multiple) for workload, multiple in multiples.items()}
    scaled = replace(
        problem,
        demands=tuple(_times(demand, Fraction(thousandths[demand.workload], STEPS)) for demand in problem.demands),
    )
    proved = all(status is SolverStatus.OPTIMAL for status in solved.statuses) and not solved.interrupted
    return Served(
        status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE,
        multiples={workload: number / STEPS for workload, number in thousandths.items()},
        problem=scaled,
        purchase=_purchase(scaled, made, solved.value),
    )


def _purchase(scaled: Problem, made: Rows, value: Value) -> Purchase:
    """The fewest replicas and machines of a solution that carry what it serves."""
    columns = tables(scaled)
    placed = {
        workload: trimmed(columns, one.option, dict(one.replicas))
        for workload, one in placed_of(columns, made, value).items()
    }
    return purchase_of(columns, placed, bound_usd_per_hour=None)


def _times(demand: Demand, multiple: Fraction) -> Demand:
    """The demand multiplied, rounded down, spot still allowed where it was."""
    total = tuple(math.floor(each * multiple) for each in demand.total)
    firm = tuple(math.floor(each * multiple) for each in demand.firm)
    spot = tuple(math.floor(each * multiple) for each in demand.spot)
    return replace(demand, total=total, firm=firm, spot=spot, priority=None)


def _priced(problem: Problem, served: Served, tokens: Mapping[str, int] | None, *, bound: float) -> Priced:
    """What a million tokens cost; *bound* is the share of it that is proved."""
    if served.purchase is None or served.purchase.micro_usd_per_hour is None:
        return Priced(served=served)
    per_hour = sum(
        _tokens(problem, demand, tokens) / problem.hours / MICRO * SECONDS_PER_HOUR * served.multiples[demand.workload]
        for demand in problem.demands
    )
    usd = served.purchase.micro_usd_per_hour / MICRO_USD_PER_USD / per_hour * MICRO
    return Priced(served=served, usd_per_million=usd, bound_usd_per_million=usd * min(1.0, bound))
