"""A spec on what one cloud sells, all its regions together, as a problem; and what its integers stand for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sizing.allocation.buying.names import pool_name
from sizing.allocation.buying.schedule import MICRO, Day, budget_of, day_of, demands_of, teams_of
from sizing.allocation.buying.supply import Supply
from sizing.allocation.ways.candidates import Candidate, Weighed
from sizing.catalog.machine import Machine
from sizing.catalog.offer import Offer
from sizing.optimiser.problem import Choice, Demand, Pool, Problem
from sizing.plan import Deployment, SizingPlan
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.workload import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """One cloud's problem, with what its choices, pools and periods stand for."""

    supply: Supply
    problem: Problem
    candidates: Mapping[Choice, Candidate]
    day: Day
    today: Mapping[tuple[Choice, Pool], int]  # replicas of the current plan
    told: tuple[str, ...] = ()  # what the plan must say of how it was chosen, in words

    @property
    def offers(self) -> Mapping[Pool, tuple[Machine, Offer]]:
        """What each pool is."""
        return self.supply.offers


def formulate(
    spec: Spec, supply: Supply, weighed: Sequence[Weighed], *, current: SizingPlan | None, stay: bool = True
) -> Formulation | None:
    """
    The problem of one cloud; None where nothing in any of its regions can carry the cluster's own services.

    Workloads, regions and machine types are in an order of their own, so how the spec lists them decides nothing.

    Args:
        spec: What is asked.
        supply: What the cloud sells, and what the account has of it.
        weighed: The ways of each workload, in any order.
        current: The plan that runs today; None: nothing runs.
        stay: Whether workloads that run today stay in their region: another one means another network, cluster,
            bucket and address, which no price of machines pays for unasked.
    """
    if not supply.sites:
        return None
    running = current if current is not None and current.cloud is supply.cloud else None
    pools = tuple(sorted(supply.offers, key=lambda pool: pool.region))  # within a region as the supply has them
    sold = {pool.machine for pool in pools}
    candidates = {
        _choice(candidate, running): candidate
        for candidate in sorted(_all(weighed), key=lambda one: one.workload)
        if candidate.machine.name in sold and candidate.machine.cloud is supply.cloud
    }
    day = day_of(spec.workloads)
    problem = Problem(
        demands=tuple(sorted(demands_of(spec, day), key=lambda demand: demand.workload)),
        choices=tuple(candidates),
        pools=pools,
        sites=tuple(sorted(supply.sites, key=lambda site: site.region)),
        periods=day.periods,
        standings=supply.upkeep.standings,
        quotas=supply.quotas,
        commitments=tuple(sorted(supply.commitments, key=lambda one: (one.region, one.machine, one.mode))),
        teams=teams_of(spec),
        budget_micro_usd_per_hour=budget_of(spec),
        payback_h=spec.payback_days * HOURS_PER_DAY,
    )
    if running is not None and stay:
        problem = _staying(problem, running)
    today = {} if running is None else _today(running, candidates, pools)
    return Formulation(supply=supply, problem=problem, candidates=candidates, day=day, today=today)


def _all(weighed: Iterable[Weighed]) -> Iterable[Candidate]:
    return (candidate for workload in weighed for candidate in workload.candidates)


def _choice(candidate: Candidate, running: SizingPlan | None) -> Choice:
    """The candidate as integers; replicas of one kind and one capacity may stand side by side."""
    capacity = max(1, math.floor(candidate.point.requests_per_s * MICRO))
    deployed = [] if running is None else [one for one in running.deployments if _is_alike(candidate, one)]
    return Choice(
        workload=candidate.workload,
        machine=candidate.machine.name,
        kind=f"{candidate.kind} at {capacity}",
        slots=candidate.slots,
        capacity=capacity,
        runs_today=any(candidate.machine.name in one.machines for one in deployed),
    )


def _is_alike(candidate: Candidate, deployed: Deployment) -> bool:
    """Whether a deployment's replicas are those of the candidate, on whatever machine."""
    replica = candidate.replica
    return (deployed.workload, deployed.accelerator, deployed.layout, deployed.weights, deployed.kv) == (
        candidate.workload,
        replica.accelerator.name,
        replica.layout,
        replica.weights,
        replica.kv,
    )


def _staying(problem: Problem, running: SizingPlan) -> Problem:
    """The problem with each workload that runs today held to its region, as long as it can stand there."""
    homes = {one.workload: one.region for one in running.deployments}
    by_machine: dict[str, list[Pool]] = {}
    for pool in problem.pools:
        by_machine.setdefault(pool.machine, []).append(pool)
    demands = {demand.workload: demand for demand in problem.demands}
    possible = {
        choice.workload
        for choice in problem.choices
        for pool in by_machine.get(choice.machine, ())
        if pool.region == homes.get(choice.workload) and problem.may_stand(demands[choice.workload], choice, pool)
    }
    return replace(
        problem, demands=tuple(_held(one, homes) if one.workload in possible else one for one in problem.demands)
    )


def _held(demand: Demand, homes: Mapping[str, str]) -> Demand:
    return replace(demand, regions=frozenset({homes[demand.workload]}))


def _today(
    running: SizingPlan, candidates: Mapping[Choice, Candidate], pools: Sequence[Pool]
) -> dict[tuple[Choice, Pool], int]:
    """Replicas of the plan that runs, by the choices and pools of the problem; those that it lacks are left out."""
    by_name = {pool_name(pool.machine, pool.zone, pool.mode, pool.name): pool for pool in pools}
    found: dict[tuple[Choice, Pool], int] = {}
    for deployment in running.deployments:
        alike = {choice.machine: choice for choice, one in candidates.items() if _is_alike(one, deployment)}
        for placement in deployment.placements:
            pool = by_name.get(placement.pool)
            if pool is not None and pool.machine in alike:
                found[alike[pool.machine], pool] = found.get((alike[pool.machine], pool), 0) + placement.replicas
    return found
