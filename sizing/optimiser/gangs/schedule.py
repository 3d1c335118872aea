"""
When and where each job runs at least cost, with every deadline kept: intervals on supplies, solved by CP-SAT.

Each run of a job is an interval; on each supply and under each limit, intervals are cumulative. Levels are solved one
after the other, each with those before it held: jobs that are done, from the highest priority down; then cost; then
the hours at which jobs end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.gangs.gang import PPM, Gangs, Job, Run, Schedule, Supply, Unmet, Way
from sizing.optimiser.gangs.reasons import alone_reasons, conflict_reasons
from sizing.optimiser.levels.lexicographic import Aim, Solved, Value, lexicographic
from sizing.optimiser.status import SolverStatus

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

ROUNDING = 1e-3  # of bounds, in micro-dollars
DETERMINISTIC_LIMIT = 10.0  # of each level, in CP-SAT's deterministic time: some ten seconds of one core


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    """One run of a job in one way on one supply; the variables mean nothing where it is not taken."""

    way: Way
    supply: Supply
    taken: cp_model.IntVar
    steps: cp_model.IntVar  # held; 0 where it is not taken
    interval: cp_model.IntervalVar


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A run that a job may have: the first, or one after a restart."""

    start: cp_model.IntVar
    end: cp_model.IntVar
    present: cp_model.IntVar
    options: tuple[_Option, ...]


@dataclass(frozen=True, kw_only=True)
class _Model:
    """The model of a problem, and what its variables stand for."""

    model: cp_model.CpModel
    problem: Gangs
    pieces: dict[str, tuple[_Piece, ...]]
    done: dict[str, cp_model.IntVar]
    paid: dict[str, cp_model.IntVar]  # supplies that are paid up front, where anything runs on them

    @cached_property
    def cost(self) -> cp_model.LinearExprT:
        """Micro-dollars for everything."""
        held = sum(
            option.steps * (self.problem.step_h * option.way.machines * option.supply.micro_usd_per_hour)
            for pieces in self.pieces.values()
            for piece in pieces
            for option in piece.options
        )
        upfront = sum(self.problem.supply(name).upfront_micro_usd * paid for name, paid in self.paid.items())
        return held + upfront


def schedule(problem: Gangs, *, deterministic_limit: float = DETERMINISTIC_LIMIT) -> Schedule:
    """
    The schedule that leaves out as few jobs as it must, the least important first, at least cost; then ends earliest.

    Where jobs that must be done cannot, there is none, and `Schedule.unmet` tells a smallest set of them that cannot be
    done together: taking any one of them away makes the rest possible.

    Args:
        problem: Jobs, and what they may run on.
        deterministic_limit: Of each level, in CP-SAT's deterministic time; about as many seconds of one core.

    Raises:
        KeyboardInterrupt: Where it comes before there is any schedule; later, the best so far is the answer.
    """
    modelled = _modelled(problem)
    left_out = [len(level) - sum(modelled.done[name] for name in level) for level in _levels(problem)]
    solved = _solved(modelled, [*left_out, modelled.cost, _finishes(modelled)], deterministic_limit)
    if solved.value is None:
        return _none(problem, solved.statuses[-1], deterministic_limit)
    return _schedule(modelled, solved, solved.value, deterministic_limit)


def _schedule(modelled: _Model, solved: Solved, value: Value, deterministic_limit: float) -> Schedule:
    """The schedule that the variables stand for, and why whoever is left out is."""
    problem, runs = modelled.problem, tuple(_runs(value, modelled))
    left = [job for job in problem.jobs if not value(modelled.done[job.name])]
    proved = not solved.interrupted and all(status is SolverStatus.OPTIMAL for status in solved.statuses)
    bounds = solved.bounds[len(_levels(problem)) :]  # empty where the search was broken off before
    return Schedule(
        status=SolverStatus.OPTIMAL if proved else SolverStatus.FEASIBLE,
        runs=runs,
        unmet=tuple(Unmet(job=job.name, reasons=_left_out(problem, job, runs, deterministic_limit)) for job in left),
        micro_usd=value(modelled.cost),
        bound_micro_usd=max(0, math.ceil(bounds[0] - ROUNDING)) if bounds and math.isfinite(bounds[0]) else None,
    )


def can_be_done(problem: Gangs, *, deterministic_limit: float = DETERMINISTIC_LIMIT) -> SolverStatus:
    """Whether all jobs of *problem*, those that may be left out as well, can be done together; whatever the cost."""
    asked = replace(problem, jobs=tuple(replace(job, priority=None) for job in problem.jobs))
    return _solved(_modelled(asked), [0], deterministic_limit).statuses[-1]


def _levels(problem: Gangs) -> list[list[str]]:
    """Names of the jobs that may be left out, by priority, the highest first."""
    ranks = sorted({job.priority for job in problem.jobs if job.priority is not None}, reverse=True)
    return [[job.name for job in problem.jobs if job.priority == rank] for rank in ranks]


def _modelled(problem: Gangs) -> _Model:
    """All runs that could be, with what holds between them."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    model = cp_model.CpModel()
    modelled = _Model(
        model=model,
        problem=problem,
        pieces={},
        done={job.name: model.new_bool_var(f"{job.name} done") for job in problem.jobs},
        paid={s.name: model.new_bool_var(f"{s.name} paid") for s in problem.supplies if s.upfront_micro_usd},
    )
    for job in problem.jobs:
        _add_job(modelled, job)
    _add_supplies(modelled)
    if problem.budget_micro_usd is not None:
        model.add(modelled.cost <= problem.budget_micro_usd)
    return modelled


def _add_job(modelled: _Model, job: Job) -> None:
    """The runs of *job*: one after the other, in one way, with all its work in them."""
    model, problem = modelled.model, modelled.problem
    done = modelled.done[job.name]
    pieces = tuple(_piece(modelled, job, number) for number in range(job.restarts + 1))
    modelled.pieces[job.name] = pieces
    ways = {way: model.new_bool_var(f"{job.name} {way}") for way in job.ways}
    model.add(sum(ways.values()) == done)
    model.add(pieces[0].present == done)
    if job.priority is None:
        model.add(done == 1)
    for before, after in pairwise(pieces):
        model.add_implication(after.present, before.present)
        model.add(before.end <= after.start).only_enforce_if(after.present)
    for piece in pieces:
        for option in piece.options:
            model.add_implication(option.taken, ways[option.way])
    worked = sum(
        option.steps * (problem.step_h * (PPM - option.supply.lost_ppm)) for piece in pieces for option in piece.options
    )
    again = sum(piece.present for piece in pieces[1:]) * (job.restart_h * PPM)
    asked = sum(way.hours * PPM * chosen for way, chosen in ways.items())
    model.add(worked - again >= asked)


def _piece(modelled: _Model, job: Job, number: int) -> _Piece:
    """One run of *job*, on any supply that it may stand on."""
    model, name = modelled.model, f"{job.name} {number}"
    horizon = max(0, job.deadline_h // modelled.problem.step_h)
    present = model.new_bool_var(f"{name} present")
    start, end = model.new_int_var(0, horizon, f"{name} start"), model.new_int_var(0, horizon, f"{name} end")
    options = tuple(_options(modelled, job, start, end, name=name))
    model.add(sum(option.taken for option in options) == present)
    model.add(start + sum(option.steps for option in options) == end)
    model.add(start == 0).only_enforce_if(present.Not())
    return _Piece(start=start, end=end, present=present, options=options)


def _options(
    modelled: _Model, job: Job, start: cp_model.IntVar, end: cp_model.IntVar, *, name: str
) -> Iterator[_Option]:
    """Every way on every supply that has room for it, alone."""
    model, problem = modelled.model, modelled.problem
    for way in job.ways:
        for supply in problem.supplies:
            longest = problem.longest_steps(job, supply)
            if not may_run(problem, job, way, supply):
                continue
            first, last = problem.window_steps(job, supply)
            what = f"{name} {way} {supply.name}"
            taken = model.new_bool_var(what)
            steps = model.new_int_var(0, longest, f"{what} steps")
            model.add(steps <= longest * taken)
            model.add(steps >= taken)
            model.add(start >= first).only_enforce_if(taken)
            model.add(end <= last).only_enforce_if(taken)
            interval = model.new_optional_interval_var(start, steps, end, taken, f"{what} held")
            yield _Option(way=way, supply=supply, taken=taken, steps=steps, interval=interval)


def may_run(problem: Gangs, job: Job, way: Way, supply: Supply) -> bool:
    """Whether a run of *job* in this way may stand on *supply* at all, were nothing else there."""
    return (
        way.machine == supply.machine
        and (supply.most is None or way.machines <= supply.most)
        and (job.restarts > 0 or supply.mode is not PurchaseMode.SPOT)
        and problem.longest_steps(job, supply) >= 1
        and (job.restarts > 0 or problem.least_steps(way, supply) <= problem.longest_steps(job, supply))
    )


def _add_supplies(modelled: _Model) -> None:
    """Machines and quotas hold at every hour, and what is paid up front is paid once anything runs on it."""
    model, problem = modelled.model, modelled.problem
    options = [one for pieces in modelled.pieces.values() for piece in pieces for one in piece.options]
    for supply in problem.supplies:
        here = [option for option in options if option.supply == supply]
        paid = modelled.paid.get(supply.name)
        if paid is not None:
            model.add_max_equality(paid, [option.taken for option in here] or [model.new_constant(0)])
        if supply.most is not None and here:
            model.add_cumulative([o.interval for o in here], [o.way.machines for o in here], supply.most)
            _add_room(modelled, supply, here)
    for limit in problem.limits:
        units = dict(limit.units)
        under = [option for option in options if option.supply.name in units]
        takes = [option.way.machines * units[option.supply.name] for option in under]
        model.add_cumulative([option.interval for option in under], takes, limit.most)


def _add_room(modelled: _Model, supply: Supply, here: Sequence[_Option]) -> None:
    """
    Machine-steps held are no more than there are, and none where nothing is paid: implied, for the linear relaxation.

    Without it the relaxation takes a sliver of every block, and proves next to nothing.
    """
    problem, most = modelled.problem, supply.most or 0
    until = problem.horizon_h if supply.until_h is None else min(problem.horizon_h, supply.until_h)
    room = most * max(0, until // problem.step_h - -(-supply.from_h // problem.step_h))
    held = sum(option.steps * option.way.machines for option in here)
    modelled.model.add(held <= room * modelled.paid.get(supply.name, 1))


def _finishes(modelled: _Model) -> cp_model.LinearExprT:
    """Steps at which jobs end, all together."""
    ends = []
    for name, pieces in modelled.pieces.items():
        if len(pieces) == 1:
            ends.append(pieces[0].end)
            continue
        last = modelled.model.new_int_var(0, modelled.problem.horizon_h, f"{name} ends")
        for piece in pieces:
            modelled.model.add(last >= piece.end)
        ends.append(last)
    return sum(ends)


def _solved(modelled: _Model, levels: Sequence[cp_model.LinearExprT], deterministic_limit: float) -> Solved:
    """
    Each level at its least, the earlier ones held.

    Linearised less than a purchase is: of ten jobs in a month, that found a schedule which is five per cent cheaper.
    """
    aims = [Aim(expression=level, limit=deterministic_limit, linearised=1) for level in levels]
    return lexicographic(modelled.model, aims)


def _runs(value: Value, modelled: _Model) -> Iterator[Run]:
    """The runs that were found, of each job in the order of time."""
    step = modelled.problem.step_h
    for name, pieces in modelled.pieces.items():
        for piece in pieces:
            for option in piece.options:
                if value(option.taken):
                    start, end = value(piece.start) * step, value(piece.end) * step
                    yield Run(job=name, way=option.way, supply=option.supply.name, from_h=start, until_h=end)


def _none(problem: Gangs, status: SolverStatus, deterministic_limit: float) -> Schedule:
    """No schedule: where that is proved, with a smallest set of jobs that cannot be done together, and why."""
    if status is not SolverStatus.INFEASIBLE:
        return Schedule(status=status)
    kept = [job for job in problem.jobs if job.priority is None]
    for job in tuple(kept):
        rest = replace(problem, jobs=tuple(one for one in kept if one is not job))
        if can_be_done(rest, deterministic_limit=deterministic_limit) is SolverStatus.INFEASIBLE:
            kept.remove(job)
    unmet = tuple(Unmet(job=job.name, reasons=_together(problem, job, kept)) for job in kept)
    return Schedule(status=status, unmet=unmet)


def _together(problem: Gangs, job: Job, conflict: list[Job]) -> tuple[str, ...]:
    """Why *job* cannot be done with the others of a smallest conflict; alone, where it is the only one."""
    others = [one for one in conflict if one is not job]
    return conflict_reasons(problem, job, others) if others else alone_reasons(problem, job)


def _left_out(problem: Gangs, job: Job, runs: tuple[Run, ...], deterministic_limit: float) -> tuple[str, ...]:
    """Why a job that may be left out is."""
    alone = replace(problem, jobs=(job,))
    if can_be_done(alone, deterministic_limit=deterministic_limit) is SolverStatus.INFEASIBLE:
        return alone_reasons(problem, job)
    done = {run.job for run in runs}
    return conflict_reasons(problem, job, [one for one in problem.jobs if one.name in done])
