"""
What recorded resources cost, line by line: usable alone, over any recorded graph and the catalog.

    from infra.cost import cost, cost_change
    from sizing.catalog import catalog

    now, then = cost(graph, catalog()), cost(earlier, catalog())
    print(now.usd_per_month, now.upfront_usd, len(now.unknown))
    for line in cost_change(then, now).lines:
        print(line.item, line.difference_usd_per_hour)

A graph is `components.graph.Graph`: made by `infra.recorder` from a program, by `infra.diff` from a state, or by hand.
"""

from __future__ import annotations

from infra.cost.bill import (
    Cost,
    CostChange,
    CostGroup,
    CostKind,
    CostLine,
    LineChange,
    Share,
    WorkloadChange,
    WorkloadCost,
)
from infra.cost.capacity import CapacityChange, capacity_changes
from infra.cost.estimate import cost, cost_change, machine_lines, renames
from infra.cost.planned import content_of

__all__ = [
    "CapacityChange",
    "Cost",
    "CostChange",
    "CostGroup",
    "CostKind",
    "CostLine",
    "LineChange",
    "Share",
    "WorkloadChange",
    "WorkloadCost",
    "capacity_changes",
    "content_of",
    "cost",
    "cost_change",
    "machine_lines",
    "renames",
]
