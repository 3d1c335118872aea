"""A schedule of gangs tried hour by hour against everything that was asked; knows nothing of how it was found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.gangs.gang import PPM, Gangs, Job, Run, Schedule


def broken(problem: Gangs, schedule: Schedule) -> tuple[str, ...]:
    """Everything of *problem* that *schedule* breaks, in words; empty: nothing."""
    if schedule.micro_usd is None:
        return ("there is no schedule, but there are runs",) if schedule.runs else ()
    return (
        *(text for job in problem.jobs for text in _job(problem, schedule, job)),
        *_machines(problem, schedule),
        *_cost(problem, schedule),
    )


def _job(problem: Gangs, schedule: Schedule, job: Job) -> Iterator[str]:
    """One job: done or left out, in one way, one run after the other, with all its work and in time."""
    runs = sorted((run for run in schedule.runs if run.job == job.name), key=lambda run: run.from_h)
    is_out = job.name in {one.job for one in schedule.unmet}
    if is_out == bool(runs):
        yield f"{job.name}: is both done and left out" if runs else f"{job.name}: is neither done nor left out"
    if not runs:
        if job.priority is None:
            yield f"{job.name}: must be done"
        return
    if len(runs) > job.restarts + 1:
        yield f"{job.name}: {len(runs)} runs, with {job.restarts} restarts"
    if any(after.from_h < before.until_h for before, after in pairwise(runs)):
        yield f"{job.name}: runs twice at a time"
    if len({run.way for run in runs}) > 1 or runs[0].way not in job.ways:
        yield f"{job.name}: not one of its ways"
    if runs[0].from_h < job.release_h or runs[-1].until_h > job.deadline_h:
        yield f"{job.name}: runs from {runs[0].from_h} h to {runs[-1].until_h} h"
    for run in runs:
        yield from _run(problem, job, run)
    kept = sum(run.hours * (PPM - problem.supply(run.supply).lost_ppm) for run in runs)
    asked = (runs[0].way.hours + (len(runs) - 1) * job.restart_h) * PPM
    if kept < asked:
        yield f"{job.name}: {kept / PPM:g} h of work of {asked / PPM:g} h"


def _run(problem: Gangs, job: Job, run: Run) -> Iterator[str]:
    """One run is where and when its supply has machines, and may be there."""
    supply = problem.supply(run.supply)
    if run.way.machine != supply.machine:
        yield f"{job.name}: {run.way.machine} from {supply.name}"
    if run.hours < 1 or run.from_h % problem.step_h or run.until_h % problem.step_h:
        yield f"{job.name}: a run from {run.from_h} h to {run.until_h} h, off the grid"
    if run.from_h < supply.from_h or (supply.until_h is not None and run.until_h > supply.until_h):
        yield f"{job.name}: outside of the window of {supply.name}"
    if supply.longest_h is not None and run.hours > supply.longest_h:
        yield f"{job.name}: {run.hours} h on {supply.name}"
    if job.restarts == 0 and supply.mode is PurchaseMode.SPOT:
        yield f"{job.name}: cannot be restarted, and is on spot"


def _machines(problem: Gangs, schedule: Schedule) -> Iterator[str]:
    """At every hour, of every supply and limit."""
    for hour in range(problem.horizon_h):
        held: dict[str, int] = {}
        for run in schedule.runs:
            if run.from_h <= hour < run.until_h:
                held[run.supply] = held.get(run.supply, 0) + run.way.machines
        for name, machines in held.items():
            most = problem.supply(name).most
            if most is not None and machines > most:
                yield f"{name}: {machines} machines of {most} at {hour} h"
        for limit in problem.limits:
            taken = sum(units * held.get(name, 0) for name, units in limit.units)
            if taken > limit.most:
                yield f"{limit.name}: {taken} of {limit.most} at {hour} h"


def _cost(problem: Gangs, schedule: Schedule) -> Iterator[str]:
    """The cost is that of the runs, and of what is paid up front; within the budget, and not below what was proved."""
    held = sum(run.hours * run.way.machines * problem.supply(run.supply).micro_usd_per_hour for run in schedule.runs)
    cost = held + sum(problem.supply(name).upfront_micro_usd for name in {run.supply for run in schedule.runs})
    if cost != schedule.micro_usd:
        yield f"costs {cost} micro-USD, not {schedule.micro_usd}"
    if problem.budget_micro_usd is not None and cost > problem.budget_micro_usd:
        yield f"costs {cost} micro-USD, over the budget"
    if schedule.bound_micro_usd is not None and cost < schedule.bound_micro_usd:
        yield f"costs {cost} micro-USD, less than was proved"
