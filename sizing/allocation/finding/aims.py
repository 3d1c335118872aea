"""
Plans that are best by something else than their cost: by the token of all they serve, or by the work of a given fleet.

The least cost is found first, as ever: it tells whether what is asked can be served at all, and who is left out.
"""

from __future__ import annotations

from dataclasses import replace

from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.finding.search import Search, Searched
from sizing.optimiser.levels.objectives import Priced, Served, least_cost_per_token, most_work, standing_fleet
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.outcome import NoPlan, SolverOutcome
from sizing.spec.workload import Objective, Spec

TIMES = 2  # capacity beyond the demand is worth its tokens up to twice the demand: more is not in sight of being sold
FOUND = (SolverStatus.OPTIMAL, SolverStatus.FEASIBLE)


def aimed(spec: Spec, found: Search) -> Search | NoPlan:
    """The search with what is best by the spec's objective in place of what costs least; or why nothing is."""
    if spec.objective is Objective.COST or found.best is None:
        return found
    solved = [one for one in found.clouds if one.found is not None and one.found.objective is not None]
    if spec.objective is Objective.COST_PER_TOKEN:
        priced = [(_priced(spec, one), one) for one in solved]
        ranked = [(each.usd_per_million, each, one) for each, one in priced if each.usd_per_million is not None]
        if not ranked:
            return _nothing("no plan by the token was found within the limits of the search", SolverStatus.OUT_OF_TIME)
        usd, cheapest, cloud = min(ranked, key=lambda each: each[0])
        text = (
            f"the plan is the cheapest by the token, not the cheapest: {usd:.2f} USD for a million answer tokens, with "
            f"capacity up to {TIMES} times the peak and its headroom counted ({_multiples(cheapest.served)})"
        )
        return _with(found, cloud, cheapest.served, text)
    worked = [(_worked(spec, one), one) for one in solved]
    served, cloud = max(worked, key=lambda pair: (pair[0].common, pair[0].utilisation))
    if served.common < 1:
        return _too_small(served)
    text = (
        f"the plan is the most work of the machines that run or are reserved: {_multiples(served)} times the peak with "
        f"its headroom, {100 * served.utilisation:.0f} % of their accelerators in use"
    )
    return _with(found, cloud, served, text)


def _priced(spec: Spec, cloud: Searched) -> Priced:
    """The least cost by the token on one cloud."""
    problem = _served_ones(cloud)
    return least_cost_per_token(problem, tokens=_tokens(spec), times=TIMES)


def _worked(spec: Spec, cloud: Searched) -> Served:
    """The most work of what stands on one cloud."""
    problem = _served_ones(cloud)
    return most_work(problem, fleet=standing_fleet(problem), tokens=_tokens(spec))


def _served_ones(cloud: Searched) -> Problem:
    """The problem of one cloud with the workloads that are served at least cost."""
    problem, bought = _formulation(cloud).problem, cloud.found
    left_out = () if bought is None else bought.unserved
    return replace(problem, demands=tuple(one for one in problem.demands if one.workload not in left_out))


def _formulation(cloud: Searched) -> Formulation:
    if cloud.formulation is None:
        raise ValueError(f"{cloud.cloud}: something was bought and nothing formulated")
    return cloud.formulation


def _tokens(spec: Spec) -> dict[str, int]:
    """Tokens of an answer, by workload: what users pay for and wait for."""
    return {one.name: max(1, round(one.traffic.output_tokens.mean)) for one in spec.workloads}


def _with(found: Search, cloud: Searched, served: Served, text: str) -> Search:
    """The search with this cloud alone, and what is served there."""
    if served.problem is None or served.purchase is None:
        raise ValueError("something is served, and nothing bought")
    formulation = _formulation(cloud)
    purchase = _on_pools(served.purchase, formulation.problem)
    demands = {one.workload: one for one in served.problem.demands}
    whole = replace(
        formulation.problem,
        demands=tuple(demands.get(one.workload, one) for one in formulation.problem.demands),
    )
    left_out = () if cloud.found is None else cloud.found.unserved
    bought: Purchase = replace(
        purchase,
        status=served.status,
        unserved=left_out,
        bound=purchase.objective if served.status is SolverStatus.OPTIMAL else None,
    )
    told = replace(formulation, problem=whole, told=(text,))
    return replace(found, clouds=(replace(cloud, formulation=told, found=bought),))


def _on_pools(purchase: Purchase, problem: Problem) -> Purchase:
    """The purchase on the pools of *problem*, as they are without a fleet that limits them."""
    pools = {replace(pool, most=None): pool for pool in problem.pools}
    return replace(
        purchase,
        bought=tuple(replace(one, pool=pools[replace(one.pool, most=None)]) for one in purchase.bought),
        stands=tuple(replace(one, pool=pools[replace(one.pool, most=None)]) for one in purchase.stands),
    )


def _multiples(served: Served) -> str:
    return ", ".join(f"{workload} {multiple:.2f}" for workload, multiple in sorted(served.multiples.items()))


def _too_small(served: Served) -> NoPlan:
    """That the fleet does not carry what is asked, and how much of it it does."""
    if served.status not in FOUND:
        reason = (
            "objective most_work is for machines that run or are reserved, and none that could serve this are there"
        )
        return _nothing(reason, SolverStatus.INFEASIBLE, "size with objective cost first, or tell the reservations")
    percent = int(100 * served.common)
    reason = f"the machines that run or are reserved carry {percent} % of the peak with its headroom, and no more"
    return _nothing(reason, SolverStatus.INFEASIBLE, "size with objective cost, which buys what is lacking")


def _nothing(reason: str, status: SolverStatus, *mends: str) -> NoPlan:
    outcome = SolverOutcome(status=status, usd_per_hour=None, bound_usd_per_hour=None)
    return NoPlan(outcome=outcome, reason=reason, nearest=(), mends=mends)
