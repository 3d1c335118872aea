"""
Our own search, for one workload or a thousand: a relaxation, a rounded fleet, neighbourhoods, a proof where it is near.

The relaxation over columns gives the bound and the prices that everything else goes by. A fleet is rounded from it and
improved neighbourhood by neighbourhood. Where the bound leaves few enough options in doubt, the rest is one model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sizing.optimiser.engine.columns import Relaxation, relaxation
from sizing.optimiser.engine.compact import cheapest, compact
from sizing.optimiser.engine.exact import exact
from sizing.optimiser.engine.fleet import Fleet
from sizing.optimiser.engine.neighbourhood import Size, improve, replaced, rounded
from sizing.optimiser.engine.placed import Placed, purchase_of, usd_per_hour
from sizing.optimiser.engine.pricing import pricer
from sizing.optimiser.engine.solving import Limits
from sizing.optimiser.engine.tables import Tables, rank, tables
from sizing.optimiser.engine.whole import best_of_columns
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus

Improved = Callable[[Purchase], None]
Note = Callable[[Mapping[int, Placed], float], Purchase]  # placed, and the bound in USD per hour
SEED = 1
TOLERANCE = 1e-6  # of an objective in floating point
ALL = float("inf")  # rank of what must be served


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """How far a search goes; in numbers of rounds and nodes, never in seconds."""

    pricing_rounds: int
    links: int  # times that rows are added to the relaxation
    whole_columns: int  # up to which the columns in whole numbers are one model
    whole_nodes: int
    whole_rounds: int  # of neighbourhoods, where one holds all workloads
    rounds: int  # of neighbourhoods otherwise, at the least
    workloads_per_round: int  # one round more for so many workloads
    size: Size
    gap: float  # share of the cost that is not proved, below which neighbourhoods stop
    stall: int  # rounds in which nothing gets better, after which they stop
    proof_options: int  # in doubt, up to which the rest is one model
    proof_nodes: int


def search(problem: Problem, depth: Depth, improved: Improved | None = None) -> Purchase:
    """
    The best purchase of *problem* that a search of *depth* finds.

    *improved* is told each better one. Where the user stops the search, the answer is the best so far.

    Raises:
        KeyboardInterrupt: Where the user stops it before there is any.
    """
    made = tables(without_dominated(problem))
    if any(not own and rank(problem, m) == ALL for m, own in enumerate(made.of_workload)):
        return Purchase(status=SolverStatus.INFEASIBLE)
    noted: list[Purchase] = []

    def note(placed: Mapping[int, Placed], bound: float) -> Purchase:
        reached = usd_per_hour(made, placed)
        proved = reached <= bound + TOLERANCE * max(1.0, reached)
        purchase = purchase_of(made, placed, bound_usd_per_hour=bound, proved=proved)
        if all(rank(problem, m) < ALL or m in placed for m in range(len(problem.demands))):
            noted.append(purchase)
            if improved is not None:
                improved(purchase)
        return purchase

    try:
        return _searched(made, depth, note)
    except KeyboardInterrupt:
        if not noted:
            raise
        return replace(noted[-1], interrupted=True)


def _searched(made: Tables, depth: Depth, note: Note) -> Purchase:
    if not made.options:
        return note({}, 0.0)
    priced = pricer(made)
    relaxed = relaxation(priced, rounds=depth.pricing_rounds, links=depth.links)
    standing = rounded(priced, relaxed)
    note(standing.placed, relaxed.bound_without(len(made.of_workload) - len(standing.placed)))
    limits = Limits(nodes=depth.whole_nodes, gap=depth.gap)
    found = best_of_columns(priced, relaxed, standing, limits, most_columns=depth.whole_columns)
    if found is not None:
        replaced(standing, found)
    best = _neighbourhoods(standing, relaxed, depth, note)
    in_doubt = _in_doubt(standing, relaxed)
    if len(in_doubt) <= depth.proof_options:
        return _proof(standing, relaxed, in_doubt, depth, note)
    if any(rank(made.problem, m) == ALL and m not in standing.placed for m in range(len(made.of_workload))):
        return Purchase(status=SolverStatus.OUT_OF_TIME)
    return best


def _neighbourhoods(standing: Fleet, relaxed: Relaxation, depth: Depth, note: Note) -> Purchase:
    """The fleet improved until little can be gained, or for as many rounds as there are."""
    source = random.Random(SEED)  # noqa: S311  chance that is the same every time, not a secret
    bound = relaxed.bound_without(len(standing.tables.of_workload) - len(standing.placed))
    best = note(standing.placed, bound)
    since = 0
    for _ in range(_rounds(depth, len(standing.tables.of_workload))):
        everyone = len(standing.placed) == len(standing.tables.of_workload)
        if since >= depth.stall or (everyone and (best.gap or 0.0) <= depth.gap):
            break
        since += 1
        if improve(standing, relaxed.options, depth.size, source):
            bound = relaxed.bound_without(len(standing.tables.of_workload) - len(standing.placed))
            best = note(standing.placed, bound)
            since = 0
    return best


def _rounds(depth: Depth, workloads: int) -> int:
    """How many neighbourhoods are looked at: few where one of them holds every workload."""
    if workloads <= depth.size.workloads:
        return depth.whole_rounds
    return depth.rounds + workloads // depth.workloads_per_round


def _in_doubt(standing: Fleet, relaxed: Relaxation) -> list[int]:
    """
    The options that a better purchase could take.

    One that takes any other costs at least the bound and what that option costs beyond the cheapest of its workload.
    """
    made = standing.tables
    if len(standing.placed) < len(made.of_workload):
        return list(range(len(made.options)))
    room = usd_per_hour(made, standing.placed) - relaxed.bound
    found = []
    for m, own in enumerate(made.of_workload):
        least = min(float(relaxed.options[own.start : own.stop].min()), relaxed.penalties[m])
        found += [j for j in own if relaxed.options[j] - least <= room + TOLERANCE * max(1.0, room)]
    return found


def _proof(standing: Fleet, relaxed: Relaxation, in_doubt: list[int], depth: Depth, note: Note) -> Purchase:
    """The best of the options in doubt, as one model; proved where its nodes are enough."""
    made = standing.tables
    limits = Limits(nodes=depth.proof_nodes)
    if len(standing.placed) < len(made.of_workload):
        return exact(made.problem, limits)
    reached = usd_per_hour(made, standing.placed)
    # a hint makes HiGHS slower here by half: it spends long on what it then finds by itself
    found = cheapest(compact(made, range(len(made.of_workload)), options=in_doubt), limits)
    bound = relaxed.bound if found.bound is None else max(relaxed.bound, min(found.bound, reached))
    if found.placed is not None and usd_per_hour(made, found.placed) < reached - TOLERANCE:
        return note(found.placed, bound)
    return note(standing.placed, bound)
