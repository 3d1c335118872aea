"""Why this plan: the best plan of every other region, machine type and purchase mode, each really solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.search import Search, Searched
from sizing.allocation.why.nearest import purchase_text, rejected, unsold, usd
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Effort, Strategy, solve
from sizing.optimiser.problem import Problem
from sizing.optimiser.pruning import with_pools, without_dominated
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.outcome import Miss, RunnerUp
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.workload import Spec
from sizing.units import HOURS_PER_MONTH

MOST_MACHINES = 12  # alternatives solved for a workload alone; fewer for each of several, at least four
LEAST_MACHINES = 4
MANY_WORKLOADS = 3  # beyond it, only what costs most is looked at, and others stay where they stand
MOST_WORKLOADS = 6
MOST_REGIONS = 8
FEW_REGIONS = 2  # of many workloads
HUNDREDS = 30  # workloads beyond which only a few are looked at
FEW_WORKLOADS = 2
TWO_ZONES = 2
STOPPED = Miss(metric="solver", asked=None, reached=None, text="the search was stopped before it found a plan")


def runners_up(spec: Spec, search: Search) -> tuple[RunnerUp, ...]:
    """
    What was weighed and lost: cheapest first, then what cannot be bought or misses an objective, nearest first.

    Each costed alternative is the whole stack's best plan with one thing changed: another cloud, one region for all,
    or one workload held to another machine type or precision, or to machines that stay. Of many workloads those that
    cost most are looked at, while the others keep their kinds, machine types and regions.
    """
    best = search.best
    if best is None or best.formulation is None or best.found is None:
        return ()
    held = tuple(_machines(spec, best.formulation, best.found))
    costed = [
        _dearer(one, best.found, best.formulation)
        for one in (*_clouds(spec, search), *_regions(spec, search, best), *held)
    ]
    costed.sort(key=lambda one: (one.usd_per_hour is None, one.usd_per_hour or 0.0, one.workload, one.what))
    return (*dict.fromkeys(costed), *unsold(search), *rejected(search))


def briefly_solved(problem: Problem, *, whole: bool = False) -> Purchase:
    """
    An alternative's best purchase, with little effort.

    Of a few workloads it is proved. Of many it is one small model, as all but one of them keep what they have; where
    the *whole* stack is placed anew, it is what the greedy strategy finds, and may be had for less.
    """
    if len(problem.demands) <= MANY_WORKLOADS:
        return solve(problem, effort=Effort.LOW)
    strategy = Strategy.GREEDY if whole else Strategy.EXACT
    return solve(without_dominated(problem), strategy=strategy, effort=Effort.LOW)


def _dearer(one: RunnerUp, taken: Purchase, formulation: Formulation) -> RunnerUp:
    """The alternative; one that costs less than what was taken says why it was not."""
    if one.usd_per_hour is None or taken.micro_usd_per_hour is None or one.misses:
        return one
    saving = usd(taken.micro_usd_per_hour) - one.usd_per_hour
    if saving <= 0:
        return one
    problem = formulation.problem
    text = f"{saving:,.2f} USD/h less, but moving does not pay within {problem.payback_h // HOURS_PER_DAY} days"
    if not problem.moves:
        text = f"{saving:,.2f} USD/h less: found by a narrower search, the plan is not proved cheapest"
    return replace(one, misses=(Miss(metric="moving", asked=None, reached=saving, text=text),))


def _clouds(spec: Spec, search: Search) -> Iterator[RunnerUp]:
    """The best plan of each other cloud."""
    for one in search.clouds:
        if one is search.best:
            continue
        if one.formulation is None or one.found is None:
            miss = Miss(metric="offer", asked=None, reached=None, text="no priced machine for cluster services")
            yield RunnerUp(workload=every(spec), what=one.cloud.value, usd_per_hour=None, misses=(miss,))
        elif one.found.micro_usd_per_hour is None:
            miss = _why_none(spec, one.formulation.problem)
            yield RunnerUp(workload=every(spec), what=one.cloud.value, usd_per_hour=None, misses=(miss,))
        else:
            yield _elsewhere(spec, search, one, one.formulation, one.found)


def _regions(spec: Spec, search: Search, best: Searched) -> Iterator[RunnerUp]:
    """The best plan with everything in one region, for each that is not the plan's only one already."""
    if best.formulation is None:
        return
    others = [site.region for site in best.formulation.problem.sites if best.regions != (site.region,)]
    for region in others[: MOST_REGIONS if len(spec.workloads) <= MANY_WORKLOADS else FEW_REGIONS]:
        problem = only_in(spec, best.formulation.problem, region)
        found = briefly_solved(problem, whole=True)
        if found.micro_usd_per_hour is not None:
            yield _elsewhere(spec, search, best, best.formulation, found)
        else:
            misses = (_why_none(spec, problem),)
            yield RunnerUp(workload=every(spec), what=f"{best.cloud} {region}", usd_per_hour=None, misses=misses)


def only_in(spec: Spec, problem: Problem, region: str) -> Problem:
    """The problem held to one region, where every workload may stand that the spec does not keep out of it."""
    residency = {workload.name: frozenset(workload.regions) or None for workload in spec.workloads}
    demands = tuple(replace(demand, regions=residency[demand.workload]) for demand in problem.demands)
    here = with_pools(problem, (pool for pool in problem.pools if pool.region == region))
    return replace(here, demands=demands)


def _elsewhere(spec: Spec, search: Search, one: Searched, formulation: Formulation, found: Purchase) -> RunnerUp:
    """A plan of other regions, and why it was not taken where it is cheaper: the stack runs elsewhere."""
    where = " + ".join(region for region, _ in found.system_machines)
    price, best = usd(found.micro_usd_per_hour or 0), search.best
    misses: tuple[Miss, ...] = ()
    if best is not None and best.found is not None and best.found.micro_usd_per_hour is not None and search.home:
        saving = usd(best.found.micro_usd_per_hour) - price
        if saving > 0 and best.cloud is search.home:
            text = (
                f"{saving:,.2f} USD/h less, but another region replaces the whole stack: sizeup size --fresh takes it"
            )
            misses = (Miss(metric="region", asked=None, reached=saving, text=text),)
    what = f"{one.cloud} {where}: {purchase_text(formulation, found)}{_or_less(found)}"
    return RunnerUp(workload=every(spec), what=what, usd_per_hour=price, misses=misses)


def every(spec: Spec) -> str:
    """All workloads of a spec, in few words."""
    names = [workload.name for workload in spec.workloads]
    return " + ".join(names) if len(names) <= MANY_WORKLOADS else f"all {len(names)} workloads"


def _machines(spec: Spec, formulation: Formulation, bought: Purchase) -> Iterator[RunnerUp]:
    """The best plan with a workload held to each other machine type, and without spot where spot is used."""
    problem = replace(formulation.problem, budget_micro_usd_per_hour=None)
    for name in _costliest(spec, bought):
        if len(spec.workloads) > MANY_WORKLOADS:
            problem = _others_stay(replace(formulation.problem, budget_micro_usd_per_hour=None), bought, name)
        taken = {stand.choice.machine for stand in bought.stands if stand.choice.workload == name}
        others = dict.fromkeys(choice.machine for choice in problem.choices if choice.workload == name)
        ranked = sorted((one for one in others if one not in taken), key=lambda one: _floor(problem, name, one))
        for machine in ranked[: max(LEAST_MACHINES, MOST_MACHINES // len(spec.workloads))]:
            held = _held(problem, name, machine)
            miss = _unsold(held, name, machine)
            none = RunnerUp(workload=name, what=machine, usd_per_hour=None, misses=(miss,))
            yield _alternative(spec, formulation, held, none=none)
        yield from _other_weights(spec, formulation, problem, bought, name)
    if any(one.pool.is_spot for one in bought.bought) and not any(any(demand.spot) for demand in problem.demands):
        problem = replace(formulation.problem, budget_micro_usd_per_hour=None)
        firm = with_pools(problem, (pool for pool in problem.pools if not pool.is_spot))
        miss = Miss(metric="offer", asked=None, reached=None, text="not every workload can do without spot")
        none = RunnerUp(workload=every(spec), what="on demand only", usd_per_hour=None, misses=(miss,))
        yield _alternative(spec, formulation, firm, none=none, whole=True)


def _costliest(spec: Spec, bought: Purchase) -> list[str]:
    """The workloads that alternatives are told of: all of a few, of many those whose machines cost most."""
    names = [workload.name for workload in spec.workloads if workload.name not in bought.unserved]
    if len(names) <= MANY_WORKLOADS:
        return names
    paid = dict.fromkeys(names, 0.0)
    for stand in bought.stands:
        paid[stand.choice.workload] += (
            stand.most * stand.choice.slots / stand.pool.slots * stand.pool.micro_usd_per_hour
        )
    most = MOST_WORKLOADS if len(names) <= HUNDREDS else FEW_WORKLOADS
    return sorted(names, key=lambda name: (-paid[name], name))[:most]


def _others_stay(problem: Problem, bought: Purchase, name: str) -> Problem:
    """The problem with every workload but one held to its kind, its machine types and its region."""
    kept = {(stand.choice.workload, stand.choice.kind, stand.choice.machine) for stand in bought.stands}
    regions = {stand.choice.workload: stand.pool.region for stand in bought.stands}
    return replace(
        problem,
        demands=tuple(
            one if one.workload == name else replace(one, regions=frozenset({regions[one.workload]}))
            for one in problem.demands
            if one.workload in regions
        ),
        choices=tuple(
            one for one in problem.choices if one.workload == name or (one.workload, one.kind, one.machine) in kept
        ),
    )


def _other_weights(
    spec: Spec, formulation: Formulation, problem: Problem, bought: Purchase, workload: str
) -> Iterator[RunnerUp]:
    """The best plan with a workload's weights in each other format that it may have."""
    weights = {
        choice: formulation.candidates[choice].replica.weights
        for choice in problem.choices
        if choice.workload == workload
    }
    taken = {weights[stand.choice] for stand in bought.stands if stand.choice.workload == workload}
    for other in dict.fromkeys(weights.values()):
        if other not in taken:
            choices = tuple(one for one in problem.choices if weights.get(one, other) is other)
            miss = Miss(metric="offer", asked=None, reached=None, text=f"{workload} has no plan in {other}")
            none = RunnerUp(workload=workload, what=f"{other} weights", usd_per_hour=None, misses=(miss,))
            yield _alternative(spec, formulation, replace(problem, choices=choices), none=none)


def _held(problem: Problem, workload: str, machine: str) -> Problem:
    """The problem with one workload held to one machine type."""
    choices = tuple(one for one in problem.choices if one.workload != workload or one.machine == machine)
    return replace(problem, choices=choices)


def _floor(problem: Problem, workload: str, machine: str) -> tuple[float, str]:
    """Cost of a micro-request per second on a full machine: an order to try machine types in, cheapest first."""
    price = min(pool.micro_usd_per_hour for pool in problem.pools if pool.machine == machine)
    slots = next(pool.slots for pool in problem.pools if pool.machine == machine)
    most = max(
        slots // one.slots * one.capacity
        for one in problem.choices
        if (one.workload, one.machine) == (workload, machine)
    )
    return price / most, machine


def _alternative(
    spec: Spec, formulation: Formulation, problem: Problem, *, none: RunnerUp, whole: bool = False
) -> RunnerUp:
    """The best plan of a changed problem, beyond the budget or not; *none* where it has no plan."""
    found = briefly_solved(problem, whole=whole)
    left_out = any(demand.workload == none.workload for demand in problem.demands if demand.workload in found.unserved)
    if found.micro_usd_per_hour is None or left_out:
        return none if found.status is SolverStatus.INFEASIBLE or left_out else replace(none, misses=(STOPPED,))
    cost, budget = usd(found.micro_usd_per_hour), spec.budget_usd_per_month
    over = budget is not None and cost * HOURS_PER_MONTH > budget
    return RunnerUp(
        workload=none.workload,
        what=purchase_text(formulation, found) + _or_less(found),
        usd_per_hour=cost,
        misses=(over_budget(cost, budget),) if budget is not None and over else (),
    )


def _or_less(found: Purchase) -> str:
    return "" if found.status is SolverStatus.OPTIMAL else ", or less"


def _unsold(problem: Problem, workload: str, machine: str) -> Miss:
    """Why a workload cannot stand on one machine type alone."""
    text = f"what is sold of it does not serve {workload}"
    return sale_miss(problem, workload, machine) or Miss(metric="offer", asked=None, reached=None, text=text)


def sale_miss(problem: Problem, workload: str, machine: str) -> Miss | None:
    """What keeps a workload from standing on one machine type alone: how it is sold, or in too few zones; or None."""
    demand = next(one for one in problem.demands if one.workload == workload)
    where = ", ".join(sorted(demand.regions or {site.region for site in problem.sites}))
    pools = [
        pool
        for pool in problem.pools
        if pool.machine == machine and (demand.regions is None or pool.region in demand.regions)
    ]
    zones = sorted({pool.zone for pool in pools if not (any(demand.firm) and pool.is_spot)})
    if any(demand.firm) and not zones:
        text = f"not sold on demand at a known price in {where}"
        return Miss(metric="offer", asked=None, reached=None, text=text)
    if any(demand.spot) and not any(pool.mode is PurchaseMode.SPOT for pool in pools):
        return Miss(metric="offer", asked=None, reached=None, text=f"not sold on spot at a known price in {where}")
    most = max((len({p.zone for p in pools if p.region == region}) for region in {p.region for p in pools}), default=0)
    if demand.zone_loss and most < TWO_ZONES:
        text = f"sold in {', '.join(zones)} only: no other zone is left when that is lost"
        return Miss(metric="zones", asked=TWO_ZONES, reached=len(zones), text=text)
    return None


def over_budget(usd_per_hour: float, budget_usd_per_month: float) -> Miss:
    """A plan that costs more than the budget."""
    monthly = usd_per_hour * HOURS_PER_MONTH
    text = f"{monthly:,.2f} USD > {budget_usd_per_month:,.2f} USD a month"
    return Miss(metric="usd_per_month", asked=budget_usd_per_month, reached=monthly, text=text)


def _why_none(spec: Spec, problem: Problem) -> Miss:
    """Why there is no plan: the budget, where one without it exists; else zones or what is sold."""
    freely = replace(problem, budget_micro_usd_per_hour=None)
    if spec.budget_usd_per_month is not None:
        found = briefly_solved(freely, whole=True)
        if found.micro_usd_per_hour is not None:
            return over_budget(usd(found.micro_usd_per_hour), spec.budget_usd_per_month)
    if not problem.pools:
        return Miss(metric="offer", asked=None, reached=None, text="sells nothing that serves the workloads")
    loose = replace(freely, demands=tuple(replace(demand, zone_loss=False) for demand in problem.demands))
    if briefly_solved(loose, whole=True).micro_usd_per_hour is not None:
        return Miss(metric="survive", asked=None, reached=None, text="too few zones to survive the loss of one")
    return Miss(metric="offer", asked=None, reached=None, text="what it sells does not serve every workload")
