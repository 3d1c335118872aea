"""The allocation problem solved exactly with CP-SAT: first what to buy, then how to arrange replicas on it.

Deterministic: one worker, a fixed seed, limits in deterministic time, never in seconds of a clock. Packing needs no
variable per machine: replica sizes divide each other and the machine, so placing the largest first wastes nothing, and
replicas pack if and only if their accelerators together are no more than the machines hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.problem import Choice, Demand, Pool, Problem, replicas_for, without_dominated
from sizing.outcome import SolverStatus

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

DETERMINISTIC_LIMIT = 10.0  # of each solve, in CP-SAT's deterministic time: some ten seconds of one core
PAYBACK_H = 30 * 24  # a move must pay for itself within thirty days
DOUBLE_RUNNING_H = 24  # a machine that is newly bought is paid for a day beside what it replaces


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """The machines of least cost, or why there are none."""

    status: SolverStatus
    machines: tuple[tuple[Pool, int], ...]  # only pools with machines, in the order of the problem
    choices: tuple[Choice, ...]  # that replicas on them are of, one kind a workload
    system_machines: int
    micro_usd_per_hour: int | None
    objective: int | None  # what regions are compared by: the cost, with moves priced in where there is a current plan
    bound_micro_usd_per_hour: int | None  # proved: no plan costs less (moves priced in, where there is a current plan)


NOTHING_BOUGHT = {
    status: Purchase(
        status=status,
        machines=(),
        choices=(),
        system_machines=0,
        micro_usd_per_hour=None,
        objective=None,
        bound_micro_usd_per_hour=None,
    )
    for status in SolverStatus
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Where the replicas of each workload stand, on machines that are bought."""

    status: SolverStatus
    replicas: tuple[tuple[Choice, Pool, int], ...]  # in the order of the problem


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variables:
    """The variables of one model."""

    machines: dict[Pool, cp_model.IntVar]
    most: dict[Pool, int]  # machines of each pool that could ever be of use
    replicas: dict[tuple[Choice, Pool], cp_model.IntVar]
    used: dict[tuple[Choice, bool], cp_model.IntVar]  # a choice, on spot or not
    system_machines: cp_model.IntVar


def purchase(problem: Problem, *, deterministic_limit: float = DETERMINISTIC_LIMIT) -> Purchase:
    """
    The machines that carry every workload at least cost, and among those the fewest changes from the current plan.

    With a current plan, a machine that is not there yet costs DOUBLE_RUNNING_H of its price on top, and the cost of
    all machines counts for PAYBACK_H: so the plan moves only where the saving pays for the move in that time.

    Args:
        problem: One region's problem.
        deterministic_limit: Of each solve, in CP-SAT's deterministic time; about as many seconds of one core.
    """
    problem = without_dominated(problem)
    model, variables = _model(problem)
    cost = _cost(problem, variables)
    if problem.budget_micro_usd_per_hour is not None:
        model.add(cost <= problem.budget_micro_usd_per_hour)
    levels = [cost]
    moves = any(pool.running is not None for pool in problem.pools)
    if moves:
        added, changed = _changes(problem, model, variables)
        levels = [cost * PAYBACK_H + added * DOUBLE_RUNNING_H, changed]
    levels.append(_ranked(variables.machines.values()))
    status, bound, value = _lexicographic(model, levels, deterministic_limit)
    if value is None:
        return NOTHING_BOUGHT[status]
    machines = tuple((pool, number) for pool, variable in variables.machines.items() if (number := value(variable)))
    micro_usd = value(cost)
    unproved = value(levels[0]) - bound
    if moves:
        unproved = -(-unproved // PAYBACK_H)
    return Purchase(
        status=status,
        machines=machines,
        choices=tuple(dict.fromkeys(choice for (choice, _), used in variables.used.items() if value(used))),
        system_machines=value(variables.system_machines),
        micro_usd_per_hour=micro_usd,
        objective=value(levels[0]),
        bound_micro_usd_per_hour=max(0, micro_usd - max(0, unproved)),
    )


def arrangement(problem: Problem, bought: Purchase, *, latency: Callable[[Choice], int]) -> Arrangement:
    """
    Replicas on the machines that were bought: fewest changes of what runs today, then best latency, then fewest
    replicas, then the first in the order of the problem.

    Every choice takes part, also those that are dominated in cost: on machines that are paid anyway a wider replica
    may answer faster.

    Args:
        problem: The problem that the machines were bought for.
        bought: Those machines.
        latency: How slow a choice is at the load it will carry, in any unit; asked only of choices that can run here.
    """
    counts = dict(bought.machines)
    stand = {pool.machine for pool in counts}
    here = tuple(choice for choice in problem.choices if choice.machine in stand)
    pools = tuple(pool for pool in problem.pools if pool in counts)
    model, variables = _model(replace(problem, choices=here, pools=pools))
    for pool, variable in variables.machines.items():
        model.add(variable == counts[pool])
    runs_today = any(choice.runs_today for choice in here)
    used, standing = list(variables.used.values()), list(variables.replicas.values())
    levels = [
        _weighted(used, [runs_today and not choice.runs_today for choice, _ in variables.used]),
        _weighted(used, [latency(choice) for choice, _ in variables.used]),
        _weighted(standing, [1] * len(standing)),
        _ranked(used),
        _ranked(standing),
    ]
    status, _, value = _lexicographic(model, levels, DETERMINISTIC_LIMIT)
    if value is None:
        return Arrangement(status=status, replicas=())
    stands = tuple((choice, pool, value(number)) for (choice, pool), number in variables.replicas.items())
    return Arrangement(status=status, replicas=tuple(stand for stand in stands if stand[2]))


def _model(problem: Problem) -> tuple[cp_model.CpModel, _Variables]:
    """Every rule of the problem but its objective."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    model = cp_model.CpModel()
    demand = {demand.workload: demand for demand in problem.demands}
    places = [
        (choice, pool)
        for choice in problem.choices
        for pool in problem.pools
        if choice.machine == pool.machine and choice.slots <= pool.slots
        if not pool.is_spot or demand[choice.workload].may_use_spot
    ]
    most = {choice: replicas_for(choice.capacity, demand[choice.workload].total) for choice in problem.choices}
    least_system = problem.least_system_machines
    machines = {pool: sum(most[choice] for choice, at in places if at == pool) for pool in problem.pools}
    variables = _Variables(
        machines={pool: model.new_int_var(0, number, "") for pool, number in machines.items()},
        most=machines,
        replicas={place: model.new_int_var(0, most[place[0]], "") for place in places},
        used={key: model.new_bool_var("") for key in dict.fromkeys((c, p.is_spot) for c, p in places)},
        system_machines=model.new_int_var(least_system, max(least_system, len(problem.zones)), ""),
    )
    for (choice, pool), number in variables.replicas.items():
        model.add(number <= most[choice] * variables.used[choice, pool.is_spot])
    for one in problem.demands:
        _carry(one, model, variables)
    for pool in problem.pools:
        _pack(pool, model, variables)
    _system(problem, model, variables)
    return model, variables


def _carry(demand: Demand, model: cp_model.CpModel, variables: _Variables) -> None:
    """
    Enough replicas of one kind, whichever zone is gone; on one machine type on demand and on one on spot.

    Replicas of a kind carry alike, so the rows count whole replicas: tighter than sums of capacities.
    """
    own = {key: used for key, used in variables.used.items() if key[0].workload == demand.workload}
    standing = {place: n for place, n in variables.replicas.items() if place[0].workload == demand.workload}
    kinds = {choice.kind: model.new_bool_var("") for choice, _ in own}
    capacity = {choice.kind: choice.capacity for choice, _ in own}
    model.add_exactly_one(kinds.values())
    zones = dict.fromkeys(pool.zone for _, pool in standing)
    for kind, chosen in kinds.items():
        for is_spot in (False, True):
            machines = [used for (choice, on_spot), used in own.items() if (choice.kind, on_spot) == (kind, is_spot)]
            model.add(sum(machines) <= chosen)
        total, firm, spot = (replicas_for(capacity[kind], n) for n in (demand.total, demand.firm, demand.spot))
        alike = {pool: number for (choice, pool), number in standing.items() if choice.kind == kind}
        for lost in (None, *zones) if demand.zone_loss else (None,):
            left = {pool: number for pool, number in alike.items() if pool.zone != lost}
            model.add(sum(left.values()) >= total * chosen)
            model.add(sum(number for pool, number in left.items() if not pool.is_spot) >= firm * chosen)
        model.add(sum(number for pool, number in alike.items() if pool.is_spot) >= spot * chosen)


def _pack(pool: Pool, model: cp_model.CpModel, variables: _Variables) -> None:
    """The accelerators of all replicas fit in those of all machines."""
    inside = {choice: number for (choice, at), number in variables.replicas.items() if at == pool}
    taken = sum(choice.slots * number for choice, number in inside.items())
    model.add(taken <= pool.slots * variables.machines[pool])


def _system(problem: Problem, model: cp_model.CpModel, variables: _Variables) -> None:
    """A system machine for each zone that pools use."""
    in_use = {zone: model.new_bool_var("") for zone in problem.zones}
    for pool, number in variables.machines.items():
        model.add(number == 0).only_enforce_if(in_use[pool.zone].negated())
    model.add(variables.system_machines >= sum(in_use.values()))


def _cost(problem: Problem, variables: _Variables) -> cp_model.LinearExpr:
    """Micro-dollars per hour of all machines."""
    prices = [pool.micro_usd_per_hour for pool in variables.machines]
    return _weighted(
        [*variables.machines.values(), variables.system_machines], [*prices, problem.system_micro_usd_per_hour]
    )


def _changes(
    problem: Problem, model: cp_model.CpModel, variables: _Variables
) -> tuple[cp_model.LinearExpr, cp_model.LinearExpr]:
    """The price per hour of all machines that are added to the current plan, and machines added or taken away."""
    added, removed = [], []
    for pool in problem.pools:
        number, running = variables.machines[pool], pool.running or 0
        more = model.new_int_var(0, variables.most[pool], "")
        fewer = model.new_int_var(0, running, "")
        model.add(number - running == more - fewer)
        added.append((pool, more))
        removed.append(fewer)
    price = _weighted([more for _, more in added], [pool.micro_usd_per_hour for pool, _ in added])
    changed = [*(more for _, more in added), *removed]
    return price, _weighted(changed, [1] * len(changed))


def _ranked(variables: Iterable[cp_model.IntVar]) -> cp_model.LinearExpr:
    """An order among plans that are equal so far: as much as possible in what comes first."""
    listed = list(variables)
    return _weighted(listed, range(1, len(listed) + 1))


def _weighted(variables: Sequence[cp_model.IntVar], weights: Sequence[int]) -> cp_model.LinearExpr:
    """The sum of *variables* times *weights*, as an expression even where there is none."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    return cp_model.LinearExpr.weighted_sum(variables, list(weights))


def _lexicographic(
    model: cp_model.CpModel, levels: Sequence[cp_model.LinearExpr], deterministic_limit: float
) -> tuple[SolverStatus, int, Callable[[cp_model.LinearExprT], int] | None]:
    """
    Each level at its least, the earlier ones held: status and bound of the first, and the values of the last solution.

    A level that a limit stops before its optimum is held at the best value found; status and bound are those of the
    first level, which is what a plan costs.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    status, bound, solved = SolverStatus.UNKNOWN, 0, None
    for place, level in enumerate(levels):
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.catch_sigint_signal = False  # Ctrl-C is the caller's: the solver would leave it deaf or dead
        solver.parameters.linearization_level = 2  # the packing rows prove little without the linear relaxation
        solver.parameters.max_deterministic_time = deterministic_limit
        model.minimize(level)
        ended = _status(solver, solver.solve(model), deterministic_limit)
        if place == 0:
            status = ended
            bound = math.ceil(solver.best_objective_bound - 1e-6)
        if ended not in {SolverStatus.OPTIMAL, SolverStatus.FEASIBLE}:
            break
        solved = solver
        model.add(level <= solver.value(level))
        model.clear_hints()  # type: ignore[no-untyped-call]  # ortools types it not at all
        for index in range(len(model.proto.variables)):
            variable = model.get_int_var_from_proto_index(index)
            model.add_hint(variable, solver.value(variable))
    return status, bound, None if solved is None else solved.value


def _status(solver: cp_model.CpSolver, ended: cp_model.CpSolverStatus, deterministic_limit: float) -> SolverStatus:
    """The solver's word in ours; a search that stopped without a plan says whether the limit stopped it."""
    from ortools.sat.python import cp_model  # noqa: PLC0415  half a second: imported where it is first used

    match ended:
        case cp_model.OPTIMAL:
            return SolverStatus.OPTIMAL
        case cp_model.FEASIBLE:
            return SolverStatus.FEASIBLE
        case cp_model.INFEASIBLE:
            return SolverStatus.INFEASIBLE
        case cp_model.UNKNOWN:
            spent = solver.response_proto.deterministic_time >= deterministic_limit
            return SolverStatus.OUT_OF_TIME if spent else SolverStatus.UNKNOWN
        case _:
            raise ValueError(f"the allocation model is invalid: {solver.status_name(ended)}")
