"""
Answers to "why": what a little more of each limit would save, how far prices and traffic may go before the plan turns.

Nothing is estimated: each figure is a problem that was changed in one place and solved again, or, for prices, the point
where the cost of two plans crosses. A plan costs so much more for each dollar on a price, so its cost is a straight
line; the least cost of all plans is the lower edge of such lines, and where the edge turns is found in a few steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.search import Asking, search
from sizing.allocation.why.nearest import purchase_text, usd
from sizing.allocation.why.parametric import growing_to, spent_on, turning_point, with_traffic, with_units
from sizing.optimiser import Effort, solve
from sizing.optimiser.problem import Pool, Problem
from sizing.optimiser.purchase import Purchase
from sizing.plan import SizingPlan
from sizing.spec.workload import Objective, Objectives, Serving, Spec, Survive

if TYPE_CHECKING:
    from sizing.catalog import Catalog

FEW_WORKLOADS = 6  # up to which every answer is given; of more, quotas and traffic, so that nobody waits for minutes
LOOSER = 1.1  # a tenth more time for each latency
GROWTHS = (1.1, 1.25, 1.5)
HIGHEST_RISE, DEEPEST_FALL = 10.0, 0.1  # of a price; what is beyond is told to be beyond
MOST_GROWTH = 8.0
RUNNERS_UP = 3  # machine types whose price could fall
MOST_SIZES = 3  # of machines that one quota is tried for
PLAIN = Asking()
LEAST_SAVING = 0.005  # half a cent an hour: less is told as nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Relief:
    """A limit with a little more of it, and what the best plan then saves."""

    what: str  # 192 more of L-417A185B in us-east-1
    saves_usd_per_hour: float  # 0: it does not bind by itself
    serves: tuple[str, ...] = ()  # workloads that are left out today and would be served

    @property
    def helps(self) -> bool:
        """Whether anything is gained."""
        return self.saves_usd_per_hour >= LEAST_SAVING or bool(self.serves)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTurn:
    """How far the price of a machine type may go before another plan is cheaper."""

    machine: str
    usd_per_hour: float | None  # of one machine, today; None: it has several prices, by zone or way to buy it
    factor: float | None  # None: not within the limits that were tried
    becomes: str | None  # the plan that is as cheap there

    @property
    def turns_at_usd_per_hour(self) -> float | None:
        """The price at which both plans cost the same."""
        return None if self.factor is None or self.usd_per_hour is None else self.usd_per_hour * self.factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """So many times the traffic of every workload, and the best plan for it."""

    factor: float
    usd_per_hour: float | None  # None: no plan
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How firmly a plan stands."""

    usd_per_hour: float  # of the plan
    reliefs: tuple[Relief, ...]  # of every limit that was tried, the one that saves most first
    rises: tuple[PriceTurn, ...]  # of machines that are bought
    falls: tuple[PriceTurn, ...]  # of others
    same_machines_up_to: float  # times the traffic; at most MOST_GROWTH
    growths: tuple[Growth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What all answers start from."""

    spec: Spec
    catalog: Catalog
    current: SizingPlan | None
    formulation: Formulation
    taken: Purchase

    @property
    def problem(self) -> Problem:
        return self.formulation.problem

    @property
    def is_small(self) -> bool:
        return len(self.spec.workloads) <= FEW_WORKLOADS


def sensitivity(
    spec: Spec,
    catalog: Catalog,
    *,
    current: SizingPlan | None = None,
    asking: Asking = PLAIN,
    tell: Callable[[str], None] = lambda _: None,
) -> Sensitivity | None:
    """
    How firmly the best plan of *spec* stands; None where there is no plan, or one that is best by more than its cost.

    Args:
        spec: What is asked.
        catalog: What can be rented.
        current: The plan that runs today.
        asking: How the plan itself is searched for.
        tell: Told what is being tried.
    """
    if spec.objective is not Objective.COST:
        return None
    best = search(spec, catalog, current=current, asking=asking).best
    if best is None or best.formulation is None or best.found is None or best.found.micro_usd_per_hour is None:
        return None
    asked = _Asked(spec=spec, catalog=catalog, current=current, formulation=best.formulation, taken=best.found)
    tell("limits")
    reliefs = sorted(_reliefs(asked), key=lambda one: (not one.helps, -one.saves_usd_per_hour, one.what))
    tell("prices")
    rises, falls = (tuple(_rises(asked)), tuple(_falls(asked))) if asked.is_small else ((), ())
    tell("traffic")
    return Sensitivity(
        usd_per_hour=usd(best.found.micro_usd_per_hour),
        reliefs=tuple(reliefs),
        rises=rises,
        falls=falls,
        same_machines_up_to=growing_to(asked.problem, best.found, most=MOST_GROWTH),
        growths=tuple(_growth(asked, factor) for factor in GROWTHS),
    )


def _reliefs(asked: _Asked) -> Iterator[Relief]:
    yield from _quotas(asked)
    yield from _held(asked)
    yield from _teams(asked)
    if asked.problem.budget_micro_usd_per_hour is not None and asked.taken.unserved:
        free = replace(asked.problem, budget_micro_usd_per_hour=None)
        yield _relief(asked, "no budget", _solved(free))
    if asked.is_small:
        yield from _survival(asked)
        yield from _spec_changes(asked)


def _quotas(asked: _Asked) -> Iterator[Relief]:
    """One machine more of each quota: of the sizes that count against it, the one that saves most."""
    for quota in asked.problem.quotas:
        used = sum(units * _most(asked.taken, pool) for pool, units in quota.units)
        sizes = sorted({units for _, units in quota.units if units})
        tried = [size for size in sizes if quota.limit - used < size] or sizes[-1:]
        reliefs = []
        for units in tried[-MOST_SIZES:]:
            raised = replace(quota, limit=quota.limit + units)
            quotas = tuple(raised if one is quota else one for one in asked.problem.quotas)
            found = _solved(replace(asked.problem, quotas=quotas))
            reliefs.append(_relief(asked, f"{units:,} more of {quota.name}", found))
        if reliefs:
            yield max(reliefs, key=lambda one: (len(one.serves), one.saves_usd_per_hour))


def _held(asked: _Asked) -> Iterator[Relief]:
    """One machine more of each reservation and capacity block, at its price."""
    for pool in asked.problem.pools:
        if pool.most is None or _most(asked.taken, pool) < pool.most:
            continue
        found = _solved(with_units(asked.problem, pool, replace(pool, most=pool.most + 1)))
        name = f"{pool.mode.value.replace('_', ' ')} {pool.name}" if pool.name else f"what {pool.zone} has"
        yield _relief(asked, f"one {pool.machine} more of {name}", found)


def _teams(asked: _Asked) -> Iterator[Relief]:
    """One machine's accelerators more for each team that is limited."""
    step = max((pool.slots for pool in asked.problem.pools), default=1)
    for team in asked.problem.teams:
        if team.slots is not None:
            raised = replace(team, slots=team.slots + step)
            teams = tuple(raised if one is team else one for one in asked.problem.teams)
            found = _solved(replace(asked.problem, teams=teams))
            yield _relief(asked, f"{step} accelerators more for team {team.name}", found)


def _survival(asked: _Asked) -> Iterator[Relief]:
    """What it costs to survive the loss of a zone."""
    if any(demand.zone_loss for demand in asked.problem.demands):
        demands = tuple(replace(demand, zone_loss=False) for demand in asked.problem.demands)
        yield _relief(asked, "not surviving the loss of a zone", _solved(replace(asked.problem, demands=demands)))


def _spec_changes(asked: _Asked) -> Iterator[Relief]:
    """A tenth more time for each latency, and each zone that the spec leaves out: ways are weighed anew."""
    for workload in asked.spec.workloads:
        for metric in ("ttft_p95_s", "tpot_p95_s", "e2e_p95_s"):
            limit = getattr(workload.objectives, metric)
            if limit is not None:
                looser = float(f"{limit * LOOSER:.4g}")
                objectives: Objectives = replace(workload.objectives, **{metric: looser})
                workloads = _replaced(asked.spec.workloads, workload, replace(workload, objectives=objectives))
                what = f"{workload.name}: {metric} of {looser:g} instead of {limit:g}"
                yield _searched(asked, what, replace(asked.spec, workloads=workloads))
    for zone in _other_zones(asked):
        yield _searched(asked, f"zone {zone}", replace(asked.spec, zones=(*asked.spec.zones, zone)))


def _replaced(workloads: tuple[Serving, ...], old: Serving, new: Serving) -> tuple[Serving, ...]:
    return tuple(new if one is old else one for one in workloads)


def _other_zones(asked: _Asked) -> list[str]:
    """Zones of the plan's regions that the spec leaves out, where the loss of one must be survived."""
    if not asked.spec.zones or all(workload.survive is Survive.NONE for workload in asked.spec.workloads):
        return []
    cloud = asked.formulation.supply.cloud
    regions = [region for region, _ in asked.taken.system_machines]
    return [zone for region in regions for zone in asked.catalog.zones(cloud, region) if zone not in asked.spec.zones][
        :RUNNERS_UP
    ]


def _searched(asked: _Asked, what: str, spec: Spec) -> Relief:
    """The relief of another spec, on the cloud of the plan."""
    found = search(spec, asked.catalog, current=asked.current, asking=Asking(effort=Effort.LOW))
    cloud = asked.formulation.supply.cloud
    purchase = next((one.found for one in found.clouds if one.cloud is cloud), None)
    return _relief(asked, what, purchase)


def _relief(asked: _Asked, what: str, found: Purchase | None) -> Relief:
    """What is saved: of the objective, so a plan that is cheaper but not worth moving to saves nothing."""
    if found is None or found.objective is None or asked.taken.objective is None:
        return Relief(what=what, saves_usd_per_hour=0.0)
    serves = tuple(name for name in asked.taken.unserved if name not in found.unserved)
    saves = 0.0 if serves else max(0.0, usd(asked.taken.objective - found.objective))
    return Relief(what=what, saves_usd_per_hour=saves, serves=serves)


def _rises(asked: _Asked) -> Iterator[PriceTurn]:
    """For each machine type that is bought and paid for."""
    for machine in dict.fromkeys(one.pool.machine for one in asked.taken.bought):
        if spent_on(asked.problem, asked.taken, machine) > 0:
            yield _turn(asked, machine, HIGHEST_RISE)


def _falls(asked: _Asked) -> Iterator[PriceTurn]:
    """For the machine types that come nearest, by the cost of a request on a full machine."""
    bought = {one.pool.machine for one in asked.taken.bought}
    others = dict.fromkeys(choice.machine for choice in asked.problem.choices if choice.machine not in bought)
    ranked = sorted(others, key=lambda machine: (_least_for_one(asked.problem, machine), machine))
    turns = [_turn(asked, machine, DEEPEST_FALL) for machine in ranked[:RUNNERS_UP]]
    yield from sorted(turns, key=lambda one: -(one.factor or 0.0))


def _least_for_one(problem: Problem, machine: str) -> float:
    """What the smallest whole load of a workload would cost on whole machines of one type: an order to try them in."""
    pools = [pool for pool in problem.pools if pool.machine == machine]
    if not pools:
        return math.inf
    price, slots = min(pool.micro_usd_per_hour for pool in pools), pools[0].slots
    loads = {demand.workload: max(demand.total) for demand in problem.demands}
    return min(
        price * math.ceil(loads[choice.workload] / (slots // choice.slots * choice.capacity))
        for choice in problem.choices
        if choice.machine == machine
    )


def _turn(asked: _Asked, machine: str, limit: float) -> PriceTurn:
    found = turning_point(asked.problem, asked.taken, machine, limit=limit)
    pools = [one.pool for one in asked.taken.bought if one.pool.machine == machine] or [
        pool for pool in asked.problem.pools if pool.machine == machine
    ]
    prices = {pool.micro_usd_per_hour for pool in pools}
    return PriceTurn(
        machine=machine,
        usd_per_hour=usd(prices.pop()) if len(prices) == 1 else None,
        factor=None if found is None else found[0],
        becomes=None if found is None else purchase_text(asked.formulation, found[1]),
    )


def _growth(asked: _Asked, factor: float) -> Growth:
    """The best plan for more traffic, beyond the budget or not."""
    found = _solved(with_traffic(replace(asked.problem, budget_micro_usd_per_hour=None), factor))
    if found.micro_usd_per_hour is None:
        return Growth(factor=factor, usd_per_hour=None, what="no plan")
    return Growth(
        factor=factor, usd_per_hour=usd(found.micro_usd_per_hour), what=purchase_text(asked.formulation, found)
    )


def _solved(problem: Problem) -> Purchase:
    return solve(problem, effort=Effort.LOW)


def _most(taken: Purchase, pool: Pool) -> int:
    return sum(one.most for one in taken.bought if one.pool == pool)
