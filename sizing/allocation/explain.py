"""Why this plan: the best plan of every other region, machine type and purchase mode, each really solved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sizing.allocation.exact import PAYBACK_H, Purchase, purchase
from sizing.allocation.formulation import Formulation
from sizing.allocation.nearest import purchase_text, rejected, unsold, usd
from sizing.allocation.problem import Problem
from sizing.allocation.search import Search
from sizing.outcome import Miss, RunnerUp, SolverStatus
from sizing.spec.workload import Spec
from sizing.units import HOURS_PER_MONTH

MOST_MACHINES = 12  # alternatives solved for a workload alone; fewer for each of several, at least four
LEAST_MACHINES = 4
ALTERNATIVE_LIMIT = 1.0  # deterministic time of each: about a second of one core
TWO_ZONES = 2
STOPPED = Miss(metric="solver", asked=None, reached=None, text="the search was stopped before it found a plan")


def runners_up(spec: Spec, search: Search) -> tuple[RunnerUp, ...]:
    """
    What was weighed and lost: cheapest first, then what cannot be bought or misses an objective, nearest first.

    Each costed alternative is the whole stack's best plan with one thing changed: another region, or one workload
    held to another machine type, or to on-demand machines.
    """
    best = search.best
    if best is None or best.formulation is None or best.found is None:
        return ()
    moving = any(pool.running is not None for pool in best.formulation.problem.pools)
    costed = [
        _dearer(one, best.found, moving=moving)
        for one in (*_regions(spec, search), *_machines(spec, best.formulation, best.found))
    ]
    costed.sort(key=lambda one: (one.usd_per_hour is None, one.usd_per_hour or 0.0, one.workload, one.what))
    return (*dict.fromkeys(costed), *unsold(search), *rejected(search))


def _dearer(one: RunnerUp, taken: Purchase, *, moving: bool) -> RunnerUp:
    """The alternative; one that costs less than what was taken says why it was not."""
    if one.usd_per_hour is None or taken.micro_usd_per_hour is None or one.misses:
        return one
    saving = usd(taken.micro_usd_per_hour) - one.usd_per_hour
    if saving <= 0:
        return one
    text = f"{saving:,.2f} USD/h less, but moving does not pay within {PAYBACK_H // 24} days"
    if not moving:
        text = f"{saving:,.2f} USD/h less: found by a narrower search, the plan is not proved cheapest"
    return replace(one, misses=(Miss(metric="moving", asked=None, reached=saving, text=text),))


def _regions(spec: Spec, search: Search) -> Iterator[RunnerUp]:
    """The best plan of each other region."""
    every = " + ".join(workload.name for workload in spec.workloads)
    for one in search.regions:
        if one is search.best:
            continue
        where = f"{one.market.cloud} {one.market.region}"
        if one.formulation is None or one.found is None:
            miss = Miss(metric="offer", asked=None, reached=None, text="no priced machine for cluster services")
            yield RunnerUp(workload=every, what=where, usd_per_hour=None, misses=(miss,))
        elif one.found.micro_usd_per_hour is None:
            yield RunnerUp(workload=every, what=where, usd_per_hour=None, misses=(_why_none(spec, one.formulation),))
        else:
            what = f"{where}: {purchase_text(one.formulation, one.found)}"
            price = usd(one.found.micro_usd_per_hour)
            yield RunnerUp(workload=every, what=what, usd_per_hour=price, misses=tuple(_away(search, price)))


def _away(search: Search, usd_per_hour: float) -> Iterator[Miss]:
    """Why a cheaper region was not taken: the stack runs elsewhere."""
    best = search.best
    if best is None or best.found is None or best.found.micro_usd_per_hour is None or best.place != search.home:
        return
    saving = usd(best.found.micro_usd_per_hour) - usd_per_hour
    if saving > 0:
        text = f"{saving:,.2f} USD/h less, but another region replaces the whole stack: sizeup size --fresh takes it"
        yield Miss(metric="region", asked=None, reached=saving, text=text)


def _machines(spec: Spec, formulation: Formulation, bought: Purchase) -> Iterator[RunnerUp]:
    """The best plan with a workload held to each other machine type, and without spot where spot is used."""
    problem = replace(formulation.problem, budget_micro_usd_per_hour=None)
    for workload in spec.workloads:
        taken = {choice.machine for choice in bought.choices if choice.workload == workload.name}
        others = dict.fromkeys(choice.machine for choice in problem.choices if choice.workload == workload.name)
        ranked = sorted(
            (one for one in others if one not in taken), key=lambda one: _floor(problem, workload.name, one)
        )
        for machine in ranked[: max(LEAST_MACHINES, MOST_MACHINES // len(spec.workloads))]:
            held = _held(problem, workload.name, machine)
            miss = _unsold(formulation, held, workload.name, machine)
            none = RunnerUp(workload=workload.name, what=machine, usd_per_hour=None, misses=(miss,))
            yield _alternative(spec, formulation, held, none=none)
        yield from _other_weights(spec, formulation, problem, bought, workload.name)
    if any(pool.is_spot for pool, _ in bought.machines) and not any(demand.spot for demand in problem.demands):
        every = " + ".join(workload.name for workload in spec.workloads)
        pools = tuple(pool for pool in problem.pools if not pool.is_spot)
        miss = Miss(metric="offer", asked=None, reached=None, text="not every workload can do without spot")
        none = RunnerUp(workload=every, what="on demand only", usd_per_hour=None, misses=(miss,))
        yield _alternative(spec, formulation, replace(problem, pools=pools), none=none)


def _other_weights(
    spec: Spec, formulation: Formulation, problem: Problem, bought: Purchase, workload: str
) -> Iterator[RunnerUp]:
    """The best plan with a workload's weights in each other format that it may have."""
    weights = {
        choice: formulation.candidates[choice].replica.weights
        for choice in problem.choices
        if choice.workload == workload
    }
    taken = {weights[choice] for choice in bought.choices if choice.workload == workload}
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


def _alternative(spec: Spec, formulation: Formulation, problem: Problem, *, none: RunnerUp) -> RunnerUp:
    """The best plan of a changed problem, beyond the budget or not; *none* where it has no plan."""
    found = purchase(problem, deterministic_limit=ALTERNATIVE_LIMIT)
    if found.micro_usd_per_hour is None:
        return none if found.status is SolverStatus.INFEASIBLE else replace(none, misses=(STOPPED,))
    cost, budget = usd(found.micro_usd_per_hour), spec.budget_usd_per_month
    over = budget is not None and cost * HOURS_PER_MONTH > budget
    return RunnerUp(
        workload=none.workload,
        what=purchase_text(formulation, found) + ("" if found.status is SolverStatus.OPTIMAL else ", or less"),
        usd_per_hour=cost,
        misses=(over_budget(cost, budget),) if budget is not None and over else (),
    )


def _unsold(formulation: Formulation, problem: Problem, workload: str, machine: str) -> Miss:
    """Why a workload cannot stand on one machine type alone."""
    text = f"what {formulation.market.region} sells of it does not serve {workload}"
    return sale_miss(formulation, problem, workload, machine) or Miss(
        metric="offer", asked=None, reached=None, text=text
    )


def sale_miss(formulation: Formulation, problem: Problem, workload: str, machine: str) -> Miss | None:
    """What keeps a workload from standing on one machine type alone: how it is sold, or in too few zones; or None."""
    demand = next(one for one in problem.demands if one.workload == workload)
    region = formulation.market.region
    pools = [pool for pool in problem.pools if pool.machine == machine]
    zones = sorted({pool.zone for pool in pools if not (demand.firm and pool.is_spot)})
    if demand.firm and not zones:
        text = f"not sold on demand at a known price in {region}"
        return Miss(metric="offer", asked=None, reached=None, text=text)
    if demand.spot and not any(pool.is_spot for pool in pools):
        return Miss(metric="offer", asked=None, reached=None, text=f"not sold on spot at a known price in {region}")
    if demand.zone_loss and len(zones) < TWO_ZONES:
        text = f"sold in {', '.join(zones)} only: no other zone is left when that is lost"
        return Miss(metric="zones", asked=TWO_ZONES, reached=len(zones), text=text)
    return None


def over_budget(usd_per_hour: float, budget_usd_per_month: float) -> Miss:
    """A plan that costs more than the budget."""
    monthly = usd_per_hour * HOURS_PER_MONTH
    text = f"{monthly:,.2f} USD > {budget_usd_per_month:,.2f} USD a month"
    return Miss(metric="usd_per_month", asked=budget_usd_per_month, reached=monthly, text=text)


def _why_none(spec: Spec, formulation: Formulation) -> Miss:
    """Why a region has no plan: the budget, where one without it exists; else its zones or what it sells."""
    if spec.budget_usd_per_month is not None:
        freely = purchase(replace(formulation.problem, budget_micro_usd_per_hour=None))
        if freely.micro_usd_per_hour is not None:
            return over_budget(usd(freely.micro_usd_per_hour), spec.budget_usd_per_month)
    if not formulation.problem.pools:
        return Miss(metric="offer", asked=None, reached=None, text="sells nothing that serves the workloads")
    loose = replace(
        formulation.problem,
        demands=tuple(replace(demand, zone_loss=False) for demand in formulation.problem.demands),
        budget_micro_usd_per_hour=None,
    )
    if purchase(loose).micro_usd_per_hour is not None:
        return Miss(metric="survive", asked=None, reached=None, text="too few zones to survive the loss of one")
    return Miss(metric="offer", asked=None, reached=None, text="what it sells does not serve every workload")
