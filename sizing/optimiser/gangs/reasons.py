"""Why a job cannot be done: of each way and supply what stands against it, or what it shares with other jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.gangs.gang import Gangs, Job, Supply, Way
from sizing.units import MICRO_USD_PER_USD


def alone_reasons(problem: Gangs, job: Job) -> tuple[str, ...]:
    """What stands against *job* with nothing else running: one reason or more for each of its ways."""
    reasons = [reason for way in job.ways for reason in _way_reasons(problem, job, way)]
    return tuple(dict.fromkeys(reasons)) or ("there is no way to run it",)


def conflict_reasons(problem: Gangs, job: Job, others: Sequence[Job]) -> tuple[str, ...]:
    """What *job* shares with *others*, with which it cannot be done: supplies, limits, the budget."""
    names = ", ".join(other.name for other in others)
    mine = _stands_on(problem, job)
    theirs = {supply.name for other in others for supply in _stands_on(problem, other)}
    shared = [supply for supply in mine if supply.name in theirs and supply.most is not None]
    reasons = [f"{supply.name} has {supply.most} x {supply.machine} at a time for it and {names}" for supply in shared]
    for limit in problem.limits:
        under = {name for name, _ in limit.units}
        if under & theirs and under & {supply.name for supply in mine}:
            reasons.append(f"{limit.name} allows {limit.most} at a time for it and {names}")
    if problem.budget_micro_usd is not None:
        reasons.append(f"the budget is {_usd(problem.budget_micro_usd)} for it and {names}")
    return tuple(reasons)


def _stands_on(problem: Gangs, job: Job) -> list[Supply]:
    """Supplies of the machine types that *job* can run on."""
    machines = {way.machine for way in job.ways}
    return [supply for supply in problem.supplies if supply.machine in machines]


def _way_reasons(problem: Gangs, job: Job, way: Way) -> Iterator[str]:
    """What stands against one way of *job*."""
    sold = [supply for supply in problem.supplies if supply.machine == way.machine]
    if not sold:
        yield f"{way.machine} is not to be had"
    for supply in sold:
        yield from _supply_reasons(problem, job, way, supply)
    if problem.budget_micro_usd is not None:
        yield f"{_text(way)}: the budget is {_usd(problem.budget_micro_usd)}"


def _supply_reasons(problem: Gangs, job: Job, way: Way, supply: Supply) -> Iterator[str]:
    """What stands against one way of *job* on one supply."""
    what, step = f"{_text(way)} on {supply.name}", problem.step_h
    if supply.most is not None and way.machines > supply.most:
        yield f"{what}: it has {supply.most} machines"
    for limit in problem.limits:
        takes = dict(limit.units).get(supply.name, 0) * way.machines
        if takes > limit.most:
            yield f"{what}: takes {takes} of {limit.name}, which allows {limit.most}"
    if job.restarts == 0 and supply.mode is PurchaseMode.SPOT:
        yield f"{what}: may be interrupted, and the job cannot be restarted"
    first, last = problem.window_steps(job, supply)
    takes_h, window_h = problem.least_steps(way, supply) * step, max(0, last - first) * step
    if takes_h > window_h:
        yield f"{what}: takes {takes_h} h, and from {first * step} h to {last * step} h there are {window_h} h"
    elif takes_h > problem.longest_steps(job, supply) * step:
        again = "which cannot be restarted" if job.restarts == 0 else f"with at most {job.restarts} restarts"
        yield f"{what}: takes {takes_h} h, {again}, and ends after {supply.longest_h} h"


def _text(way: Way) -> str:
    return f"{way.machines} x {way.machine} for {way.hours} h"


def _usd(micro_usd: int) -> str:
    return f"{micro_usd / MICRO_USD_PER_USD:,.2f} USD"
