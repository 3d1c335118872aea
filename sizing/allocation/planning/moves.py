"""What changed against the plan of today, and what that is worth: saving, cost of the move, and when it has paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.figures import figure, money, plural
from sizing.optimiser.problem import DOUBLE_RUNNING_H
from sizing.plan import NodePool, PoolRole, SizingPlan
from sizing.spec.schedule import HOURS_PER_DAY

if TYPE_CHECKING:
    from sizing.catalog import Catalog


def moves(current: SizingPlan, plan: SizingPlan, catalog: Catalog, *, payback_h: int) -> tuple[str, ...]:
    """
    What moves, in words: machines that come and go, what that saves an hour at the prices of today, and what it costs.

    A machine that comes is paid for a day beside what it replaces. That is more than a start takes, which is minutes:
    it is the time in which traffic is led over and the new replicas are watched through all hours of a day.
    """
    before, after = _machines(current), _machines(plan)
    gone = {key: count - after.get(key, 0) for key, count in before.items() if count > after.get(key, 0)}
    new = {key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)}
    if not gone and not new:
        return ()
    prices = {(pool.machine, pool.zone, pool.mode): pool.usd_per_hour for pool in plan.node_pools}
    once = sum(count * prices[key] for key, count in new.items()) * DOUBLE_RUNNING_H
    text = f"{_listed(gone) or 'nothing'} -> {_listed(new) or 'nothing'}"
    told = _priced_today(current, catalog)
    if told is None:
        return (f"{text}: what ran is not sold any more at a known price",)
    saving = told - plan.usd_per_hour
    if saving <= 0 or not new:
        change = f"{money(abs(saving))} USD/h {'less' if saving >= 0 else 'more'}"
        cost = f", {money(once)} USD once for {DOUBLE_RUNNING_H} h beside what runs" if new else ""
        return (f"{text}: {change}{cost}",)
    days = figure(once / saving / HOURS_PER_DAY)
    paid = f"{money(once)} USD once, {DOUBLE_RUNNING_H} h beside what runs"
    limit = plural(payback_h // HOURS_PER_DAY, "day")
    return (f"{text}: saves {money(saving)} USD/h, costs {paid}, and has paid after {days} of {limit}",)


Key = tuple[str, str, PurchaseMode]


def _machines(plan: SizingPlan) -> dict[Key, int]:
    """Machines with accelerators, by type, zone and mode."""
    counts: dict[Key, int] = {}
    for pool in plan.node_pools:
        if pool.role is PoolRole.ACCELERATOR:
            key = (pool.machine, pool.zone, pool.mode)
            counts[key] = counts.get(key, 0) + pool.nodes
    return counts


def _listed(counts: dict[Key, int]) -> str:
    return " + ".join(
        f"{count:,} x {machine} {mode.value.replace('_', ' ')} in {zone}"
        for (machine, zone, mode), count in sorted(counts.items())
    )


def _priced_today(current: SizingPlan, catalog: Catalog) -> float | None:
    """What the plan of today costs at the catalog's prices; None where a machine of it is not sold any more."""
    pools = {pool.name: pool for pool in current.node_pools}
    total = 0.0
    for line in current.cost_lines:
        pool = None if line.pool is None else pools[line.pool]
        price = line.usd_per_hour if pool is None else _price(current, pool, catalog)
        if price is None:
            return None
        total += line.usd_per_hour_on_average * (price / line.usd_per_hour if line.usd_per_hour else 1.0)
    return total


def _price(current: SizingPlan, pool: NodePool, catalog: Catalog) -> float | None:
    """The price of a pool's machines now; what is reserved or committed keeps the price that was told."""
    if pool.reservation is not None or pool.committed:
        return pool.usd_per_hour
    offers = catalog.offers_for(current.cloud, pool.region, pool.machine)
    sold = [one for one in offers if one.mode is pool.mode and one.orderable and pool.zone in one.zones]
    return sold[0].usd_per_hour if sold else None
