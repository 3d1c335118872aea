"""
What a plan says of its machines and buckets that no resource tells.

That is how long machines are up, which of them a commitment pays for, what reserved ones cost whoever reserved them,
and how much a bucket is expected to hold. Everything else is read from the recorded graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sizing.catalog.offer import PurchaseMode
from sizing.plan import NodePool, SizingPlan
from sizing.units import HOURS_PER_MONTH

_KEPT = frozenset({PurchaseMode.RESERVATION, PurchaseMode.CAPACITY_BLOCK})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPool:
    """The machines of one pool as the plan pays them."""

    nodes: int
    committed: int  # of the machines, that a commitment pays for
    committed_usd_per_hour: float  # of one of them
    hours_per_month: float  # that one of the others is up, on average
    kept_usd_per_hour: float | None  # of one machine of a reservation or block, used or not; None: of neither
    source: str
    as_of: str


def planned_pools(plan: SizingPlan) -> Mapping[str, PlannedPool]:
    """The pools of *plan* by name."""
    hours = dict.fromkeys((pool.name for pool in plan.node_pools), 0.0)
    for line in plan.cost_lines:
        if line.pool in hours:
            hours[line.pool] += line.quantity * line.hours_per_month
    return {pool.name: _planned(pool, hours[pool.name]) for pool in plan.node_pools}


def _planned(pool: NodePool, machine_hours: float) -> PlannedPool:
    """*pool*, whose machines are paid for so many hours a month together; committed ones for all hours."""
    others = pool.nodes - pool.committed
    left = machine_hours - pool.committed * HOURS_PER_MONTH
    is_counted = others > 0 and left > 0
    return PlannedPool(
        nodes=pool.nodes,
        committed=pool.committed,
        committed_usd_per_hour=pool.committed_usd_per_hour or 0.0,
        hours_per_month=min(HOURS_PER_MONTH, left / others) if is_counted else HOURS_PER_MONTH,
        kept_usd_per_hour=pool.usd_per_hour if pool.mode in _KEPT else None,
        source=pool.price_source,
        as_of=pool.price_as_of,
    )


def content_of(plan: SizingPlan) -> Mapping[str, int]:
    """Bytes that each bucket of *plan* is expected to hold, by its name; away from home, by name and region."""
    return {
        bucket.name if bucket.region == plan.region else f"{bucket.name}@{bucket.region}": bucket.bytes
        for bucket in plan.buckets
    }
