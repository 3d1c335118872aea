"""
A fleet improved a few workloads at a time: each neighbourhood is a model of its own, beside all others as they stand.

Half of them start from waste: workloads that stand on machines with free slots, and those that share their region, as
what is left over on one machine is of use to another only there. The other half start from a workload that stands where
it is dear, and take those that hold the quota or the reservation which it would need where it is cheap. Choices are
drawn from a seeded source, in an order that never changes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sizing.optimiser.engine.columns import Relaxation
from sizing.optimiser.engine.compact import cheapest, compact, fewest_left_out, hold_left_out, pools_of
from sizing.optimiser.engine.fleet import Fleet, fleet
from sizing.optimiser.engine.machines import usd
from sizing.optimiser.engine.placed import Placed, usd_per_hour
from sizing.optimiser.engine.pricing import INFINITY, Pricer, placed_at
from sizing.optimiser.engine.solving import Limits, Solver
from sizing.optimiser.engine.tables import Floats, rank

LEAST_WEIGHT = 1e-3  # of a column: what is taken for a part of the relaxation's answer
WASTE_SHARE = 0.5  # of neighbourhoods that start from waste
LEAST_SAVING = 1e-6  # USD per hour: what counts as better


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a neighbourhood is."""

    workloads: int
    options: int  # of each workload that are tried beside its own
    local_options: int  # of them in the region that is looked at
    nodes: int


def improve(standing: Fleet, option_costs: Floats, size: Size, source: random.Random) -> bool:
    """
    Better ways for the workloads of one neighbourhood, taken into *standing* where there are any: whether there were.

    Args:
        standing: Changed in place.
        option_costs: Of each option at the prices of the relaxation: which of them are worth a try.
        size: Of the neighbourhood.
        source: Of chance.
    """
    displaced = _displaced(standing, option_costs, source)
    if displaced is None:
        region = _region(standing, source)
        chosen = _workloads(standing, region, option_costs, size, source)
    else:
        region, chosen = _rivals(standing, displaced, option_costs, size, source)
    options = _options(standing, chosen, region, option_costs, size)
    before = {m: standing.remove(m) for m in chosen if m in standing.placed}
    after = _solved(standing, chosen, options, before, size)
    return _better_of(standing, chosen, before, {} if after is None else after)


def replaced(standing: Fleet, ways: Mapping[int, Placed]) -> bool:
    """Let everyone stand as *ways* tell, if that is better and keeps limits: whether it is."""
    before = {m: standing.remove(m) for m in sorted(standing.placed)}
    return _better_of(standing, sorted({*before, *ways}), before, ways)


def _better_of(
    standing: Fleet, chosen: Sequence[int], before: Mapping[int, Placed], after: Mapping[int, Placed]
) -> bool:
    """Let the chosen workloads stand as *after* if that is better and keeps limits, else as *before*: whether it is."""
    if _merit(standing, chosen, after) < _merit(standing, chosen, before):
        _stand(standing, after)
        if all(standing.keeps_limits(m) for m in after):
            return True
        for m in after:  # a limit passed by the tolerance of the solver
            standing.remove(m)
    _stand(standing, before)
    return False


def _stand(standing: Fleet, ways: Mapping[int, Placed]) -> None:
    for m, placed in sorted(ways.items()):
        standing.add(m, placed)


def _merit(standing: Fleet, chosen: Sequence[int], ways: Mapping[int, Placed]) -> tuple[list[int], int]:
    """What ways of the chosen workloads are compared by: who is left out, from the highest priority, then the cost."""
    ranks = [rank(standing.tables.problem, m) for m in chosen]
    out = [
        sum(rank(standing.tables.problem, m) == each and m not in ways for m in chosen)
        for each in sorted(set(ranks), reverse=True)
    ]
    cost = usd_per_hour(standing.tables, {**standing.placed, **ways})
    return out, round(cost / LEAST_SAVING)


def _solved(
    standing: Fleet, chosen: Sequence[int], options: Sequence[int], before: Mapping[int, Placed], size: Size
) -> Mapping[int, Placed] | None:
    """
    The best ways that are found for the chosen workloads beside the others; None: none are.

    Where some are left out, so may be others that are less important than the most important of them.
    """
    tables = standing.tables
    ranks = {m: rank(tables.problem, m) for m in chosen}
    missing = [m for m in chosen if m not in before]
    highest = max((ranks[m] for m in missing), default=None)
    may_be = [m for m in chosen if m not in before or (highest is not None and ranks[m] < highest)]
    taken = standing.taken(pools_of(tables, options))
    model = compact(tables, chosen, options=options, may_be_left_out=frozenset(may_be), taken=taken)
    limits = Limits(nodes=size.nodes, solver=Solver.SCIP)
    for each in sorted({ranks[m] for m in may_be}, reverse=True):
        level = [m for m in may_be if ranks[m] == each]
        fewest = fewest_left_out(model, limits, level)
        if fewest.placed is None:
            return None
        hold_left_out(model, level, sum(m not in fewest.placed for m in level))
    return cheapest(model, limits, hint=None if missing else before).placed


def _displaced(standing: Fleet, option_costs: Floats, source: random.Random) -> int | None:
    """Every other time, a workload that stands where it is dear, the likelier the dearer; None: no turn, or none."""
    if source.random() < WASTE_SHARE:
        return None
    dearer = {m: _excess(standing, m, option_costs) for m in sorted(standing.placed)}
    total = sum(dearer.values())
    if total <= LEAST_SAVING:
        return None
    return source.choices(list(dearer), list(dearer.values()))[0]


def _excess(standing: Fleet, workload: int, option_costs: Floats) -> float:
    """What a workload's option costs beyond its cheapest one, at the prices of the relaxation."""
    own = standing.tables.of_workload[workload]
    return float(option_costs[standing.placed[workload].option] - option_costs[own.start : own.stop].min())


def _rivals(
    standing: Fleet, displaced: int, option_costs: Floats, size: Size, source: random.Random
) -> tuple[str, list[int]]:
    """A region where a workload would be cheap, and those that take of the quotas or pools that it needs there."""
    tables = standing.tables
    own = tables.of_workload[displaced]
    order = own.start + np.argsort(option_costs[own.start : own.stop], kind="stable")
    option = int(order[min(len(order) - 1, int(source.expovariate(1.0)))])
    needed = _scarce(standing, {int(pool) for pool in tables.pool[tables.places_of[option]]})
    takers = []
    for m in sorted(standing.placed):
        pools = {int(tables.pool[at]) for at, _ in standing.placed[m].replicas}
        if m != displaced and _scarce(standing, pools) & needed:
            takers.append(m)
    source.shuffle(takers)
    rest = [m for m in sorted(standing.placed) if m != displaced and m not in set(takers)]
    source.shuffle(rest)
    chosen = [displaced, *takers, *rest][: size.workloads]
    return tables.options[option].region, sorted(chosen)


def _scarce(standing: Fleet, pools: set[int]) -> set[tuple[str, int]]:
    """The quotas that machines of *pools* count against, and those of the pools of which there are only so many."""
    quotas = {("quota", quota) for pool in pools for quota, _ in standing.tables.quotas_of.get(pool, ())}
    return quotas | {("pool", pool) for pool in pools if standing.tables.problem.pools[pool].most is not None}


def _region(standing: Fleet, source: random.Random) -> str:
    """A region, the likelier the more is paid there for slots that nothing takes."""
    problem = standing.tables.problem
    waste: dict[str, float] = {}
    for pool, period in standing.slots:
        if period == 0 and standing.slots[pool, 0]:
            of = problem.pools[pool]
            free = standing.machines(pool)[0] * of.slots - standing.slots[pool, 0]
            waste[of.region] = waste.get(of.region, 0.0) + free * usd(of.micro_usd_per_hour) / of.slots
    regions = sorted(waste)
    return source.choices(regions, [waste[region] + 1e-3 for region in regions])[0] if regions else ""


def _workloads(standing: Fleet, region: str, option_costs: Floats, size: Size, source: random.Random) -> list[int]:
    """Workloads left out, those of the region with machines that are not full, and those that could come for little."""
    tables = standing.tables
    out = [m for m in range(len(tables.of_workload)) if m not in standing.placed and tables.of_workload[m]]
    source.shuffle(out)
    inside = [m for m in sorted(standing.placed) if tables.options[standing.placed[m].option].region == region]
    inside.sort(key=lambda m: (-_waste(standing, m) * source.random(), m))
    chosen = [*out[: size.workloads // 4], *inside[: size.workloads // 2]]
    others = [m for m in sorted(standing.placed) if m not in set(inside)]
    others.sort(key=lambda m: (_away(standing, m, region, option_costs) * (0.5 + source.random()), m))
    chosen += others[: size.workloads - len(chosen)]
    return sorted(chosen)


def _waste(standing: Fleet, workload: int) -> float:
    """What is paid for free slots beside a workload's replicas, and a little for each workload."""
    problem = standing.tables.problem
    total = 0.1
    for at, _ in standing.placed[workload].replicas:
        pool = int(standing.tables.pool[at])
        of = problem.pools[pool]
        free = standing.machines(pool)[0] * of.slots - standing.slots.get((pool, 0), 0)
        total += free * usd(of.micro_usd_per_hour) / of.slots
    return total


def _away(standing: Fleet, workload: int, region: str, option_costs: Floats) -> float:
    """How much dearer a workload is in *region* than where it is cheapest, at the prices of the relaxation."""
    own = standing.tables.of_workload[workload]
    there = [option_costs[j] for j in own if standing.tables.options[j].region == region]
    return float(min(there) - option_costs[own.start : own.stop].min()) + 1e-3 if there else float("inf")


def _options(standing: Fleet, chosen: Iterable[int], region: str, option_costs: Floats, size: Size) -> list[int]:
    """The options that are tried: each workload's own, its cheapest anywhere, and its cheapest in *region*."""
    tables = standing.tables
    found: list[int] = []
    for m in chosen:
        own = tables.of_workload[m]
        order = [own.start + int(j) for j in np.argsort(option_costs[own.start : own.stop], kind="stable")]
        tried = order[: size.options]
        tried += [j for j in order if tables.options[j].region == region][: size.local_options]
        if m in standing.placed:
            tried.append(standing.placed[m].option)
        found += sorted(set(tried))
    return found


def rounded(priced: Pricer, relaxed: Relaxation) -> Fleet:
    """
    A fleet of the heaviest columns: the most important and largest workloads first, each in a way with room for it.

    Where limits leave no room for any column of a workload, its other options are tried, the cheapest first.

    Args:
        priced: The pricing problem.
        relaxed: Its relaxation.
    """
    tables = priced.tables
    ways: dict[int, list[tuple[float, int]]] = {m: [] for m in priced.with_options.tolist()}
    for number, ((m, _), weight) in enumerate(zip(relaxed.columns, relaxed.weights, strict=True)):
        if weight > LEAST_WEIGHT:
            ways[m].append((-weight, number))
    made = fleet(tables)
    least = {m: float(relaxed.options[tables.of_workload[m].start : tables.of_workload[m].stop].min()) for m in ways}
    for m in sorted(ways, key=lambda m: (-rank(tables.problem, m), -least[m], m)):
        columns = (relaxed.columns[number][1] for _, number in sorted(ways[m]))
        if not any(_stands(made, m, placed) for placed in columns):
            _fit(priced, made, m, relaxed)
    return made


def _stands(made: Fleet, workload: int, placed: Placed) -> bool:
    """Whether limits leave room for *placed*, which then stands."""
    made.add(workload, placed)
    if made.keeps_limits(workload):
        return True
    made.remove(workload)
    return False


def _fit(priced: Pricer, made: Fleet, workload: int, relaxed: Relaxation) -> None:
    """Let *workload* stand in its cheapest option that there is room for, on pools that are not full."""
    own = priced.tables.of_workload[workload]
    open_places = relaxed.place.copy()
    for at in range(priced.tables.places_of[own.start].start, priced.tables.places_of[own.stop - 1].stop):
        if not made.has_room(int(priced.tables.pool[at]), int(priced.tables.slots[at])):
            open_places[at] = INFINITY
    for option in own.start + np.argsort(relaxed.options[own.start : own.stop], kind="stable"):
        placed = placed_at(priced, int(option), open_places)
        if placed is not None and _stands(made, workload, placed):
            return
