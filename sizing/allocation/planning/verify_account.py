"""
A plan tried against what the account has: quotas, reservations, capacity blocks, commitments, teams, and residency.

Worked out from the plan's own values and the spec; shares nothing with what made the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.plan import Commitment, Deployment, NodePool, PoolRole, SizingPlan
from sizing.spec.workload import Serving, Spec
from sizing.units import MICRO_USD_PER_USD, usd_per_month

if TYPE_CHECKING:
    from sizing.catalog import Catalog

CENT = 0.01
DAYS_OF_FLEX_START = 7  # Google Cloud documentation, "About flex-start VMs": they run for at most seven days


def account_violations(plan: SizingPlan, spec: Spec, catalog: Catalog) -> tuple[str, ...]:
    """Everything of what the account has that *plan* breaks, in words; empty: nothing."""
    return (
        *_quotas(plan, spec, catalog),
        *_held(plan, spec),
        *_commitments(plan, spec, catalog),
        *_teams(plan, spec),
        *(text for workload in spec.workloads for text in _allowed(workload, plan, spec)),
    )


def _quotas(plan: SizingPlan, spec: Spec, catalog: Catalog) -> Iterator[str]:
    """No more of a quota than there is; reservations take of it whether used or not."""
    for told in spec.quotas:
        if told.cloud is not plan.cloud:
            continue
        fact = catalog.quota(told.cloud, told.quota)
        taken = 0
        for pool in plan.node_pools:
            machine = catalog.machine(plan.cloud, pool.machine)
            here = told.region in {None, pool.region} and pool.mode is not PurchaseMode.RESERVATION
            if here and pool.role is PoolRole.ACCELERATOR and fact.counts(machine, pool.mode):
                taken += pool.nodes * fact.units_of(machine)
        for one in spec.reservations:
            machine = catalog.machine(one.cloud, one.machine)
            if told.region in {None, one.region} and fact.counts(machine, PurchaseMode.RESERVATION):
                taken += one.machines * fact.units_of(machine)
        used = any(fact.counts(catalog.machine(plan.cloud, pool.machine), pool.mode) for pool in plan.node_pools)
        if used and taken > told.limit:
            yield f"{fact.name}: the plan takes {taken} {fact.unit}, and the limit is {told.limit}"


def _held(plan: SizingPlan, spec: Spec) -> Iterator[str]:
    """Machines of a reservation or block are those that are held, where they are held, and no more of them."""
    held = {
        (PurchaseMode.RESERVATION, one.name): (one.cloud, one.machine, one.zone, one.machines, one.usd_per_hour)
        for one in spec.reservations
    } | {
        (PurchaseMode.CAPACITY_BLOCK, one.name): (one.cloud, one.machine, one.zone, one.machines, one.usd_per_hour)
        for one in spec.capacity_blocks
    }
    for pool in plan.node_pools:
        if pool.reservation is None:
            if pool.mode in {PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK}:
                yield f"pool {pool.name} is of no reservation"
            continue
        of = held.get((pool.mode, pool.reservation))
        if of is None or of[:3] != (plan.cloud, pool.machine, pool.zone):
            yield f"pool {pool.name}: {pool.reservation} holds no {pool.machine} in {pool.zone}"
        elif pool.nodes > of[3] or pool.least_nodes != pool.nodes:
            yield f"pool {pool.name} has {pool.nodes} machines, and {pool.reservation} holds {of[3]} at all hours"
        elif abs(pool.usd_per_hour - of[4]) * MICRO_USD_PER_USD > 1:
            yield f"pool {pool.name} counts {pool.usd_per_hour} USD/h, and the stack tells {of[4]}"


def _commitments(plan: SizingPlan, spec: Spec, catalog: Catalog) -> Iterator[str]:
    """What is covered was committed to, of a term that may be bought, at its price."""
    covered: Counter[tuple[str, str]] = Counter()
    for pool in plan.node_pools:
        if pool.committed:
            covered[pool.machine, pool.region] += pool.committed
            if pool.mode is not PurchaseMode.ON_DEMAND or pool.committed > pool.nodes:
                yield f"pool {pool.name}: {pool.committed} of {pool.nodes} {pool.mode} machines cannot be committed"
    there: Counter[tuple[str, str]] = Counter()
    for one in plan.commitments:
        there[one.machine, one.region] += one.owned + one.to_buy
        owned = sum(
            own.machines
            for own in spec.commitments.owned
            if (own.cloud, own.machine, own.region, own.term) == (plan.cloud, one.machine, one.region, one.mode)
        )
        if one.owned > owned:
            yield f"{one.owned} x {one.machine} in {one.region} are called owned, and the stack owns {owned}"
        if one.to_buy and not (one.mode in spec.commitments.terms and _is_offered(plan, one, catalog)):
            yield f"{one.mode} of {one.machine} in {one.region} is not offered at {one.usd_per_hour} USD/h"
    for (machine, region), number in covered.items():
        if number > there[machine, region]:
            yield f"{number} x {machine} in {region} are covered by {there[machine, region]} commitments"


def _is_offered(plan: SizingPlan, one: Commitment, catalog: Catalog) -> bool:
    """Whether a commitment is sold at the price that is counted."""
    offers = catalog.offers_for(plan.cloud, one.region, one.machine)
    return any(
        offer.mode is one.mode
        and offer.orderable
        and offer.usd_per_hour is not None
        and abs(offer.usd_per_hour - one.usd_per_hour) * MICRO_USD_PER_USD <= 1
        for offer in offers
    )


def _teams(plan: SizingPlan, spec: Spec) -> Iterator[str]:
    """
    No team has more accelerators, or pays more, than it may.

    A plan tells replicas at their most and at their least only: where these differ, what a team has at a time is not
    known from it, and the optimiser's own check must do.
    """
    pools = {pool.name: pool for pool in plan.node_pools}
    for team in spec.teams:
        members = {workload.name for workload in spec.workloads if workload.team == team.name}
        own = [one for one in plan.deployments if one.workload in members]
        taken = sum(one.replicas * one.layout.accelerators for one in own)
        always = all(one.least_replicas == one.replicas for one in own)
        if team.accelerators is not None and always and taken > team.accelerators:
            yield f"{team.name} may have {team.accelerators} accelerators, and has {taken}"
        spent = sum(_usd_per_hour(one, pools) for one in own)
        limit = team.budget_usd_per_month
        if limit is not None and always and usd_per_month(spent) > limit + CENT:
            yield f"{team.name} may spend {limit:.2f} USD a month, and spends {usd_per_month(spent):.2f}"


def _usd_per_hour(deployment: Deployment, pools: dict[str, NodePool]) -> float:
    """A deployment's share of its machines, by the accelerators that its replicas use."""
    return sum(
        placement.replicas
        * deployment.layout.accelerators
        / pools[placement.pool].accelerators_per_node
        * pools[placement.pool].usd_per_hour
        for placement in deployment.placements
    )


def _allowed(workload: Serving, plan: SizingPlan, spec: Spec) -> Iterator[str]:
    """A workload stands where it may, on machines that are bought as it may be."""
    pools = {pool.name: pool for pool in plan.node_pools}
    for one in plan.deployments:
        if one.workload != workload.name:
            continue
        if workload.regions and one.region not in workload.regions:
            yield f"{workload.name} stands in {one.region}, where it may not"
        for placement in one.placements:
            pool = pools.get(placement.pool)
            if pool is None:
                continue
            if (pool.mode is PurchaseMode.SPOT) != (one.mode is PurchaseMode.SPOT):
                yield f"{one.name} is called {one.mode} and stands on {pool.mode} machines"
            if workload.allowed.purchase and pool.mode not in workload.allowed.purchase:
                yield f"{workload.name} stands on {pool.mode} machines, which it may not"
            if workload.allowed.machines and pool.machine not in workload.allowed.machines:
                yield f"{workload.name} stands on {pool.machine}, which it may not"
        yield from _in_time(workload, one, pools, spec)


def _in_time(workload: Serving, deployment: Deployment, pools: dict[str, NodePool], spec: Spec) -> Iterator[str]:
    """Machines that are there for some days carry only what is needed on these days."""
    standing = [pools[placement.pool] for placement in deployment.placements if placement.pool in pools]
    windows = {block.name: block.window for block in spec.capacity_blocks}
    needed = workload.needed
    for pool in standing:
        window = windows.get(pool.reservation or "")
        if pool.mode is PurchaseMode.CAPACITY_BLOCK and needed is None:
            yield f"{workload.name} is always needed and stands on a capacity block"
        elif (
            window is not None
            and needed is not None
            and not (window.start <= needed.start <= needed.until <= window.until)
        ):
            yield f"{workload.name} is needed beyond the days of {pool.reservation}"
        if pool.mode is PurchaseMode.FLEX_START and (needed is None or needed.days > DAYS_OF_FLEX_START):
            yield f"{workload.name} is needed for more than {DAYS_OF_FLEX_START} days and stands on flex-start machines"
