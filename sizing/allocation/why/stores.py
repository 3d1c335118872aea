"""The storage that was weighed for the weights of each workload of a plan, where it must be ready in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sizing.allocation.finding.formulation import Formulation
from sizing.allocation.ways.storage import store_runners_up, stores
from sizing.optimiser.purchase import Purchase
from sizing.outcome import RunnerUp
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog


def storage_weighed(
    spec: Spec, catalog: Catalog, formulation: Formulation, bought: Purchase, *, usd_per_hour: float
) -> Iterator[RunnerUp]:
    """
    Each storage that was not taken, for the replica of each workload that starts last.

    Args:
        spec: What is asked.
        catalog: The prices.
        formulation: What the purchase stands for.
        bought: Where replicas stand.
        usd_per_hour: What the plan costs.
    """
    for workload in spec.workloads:
        stands = [stand for stand in bought.stands if stand.choice.workload == workload.name]
        if workload.objectives.ready_s is None or not stands:
            continue
        pools = {stand.pool for stand in stands}
        candidate = min(
            (formulation.candidates[stand.choice] for stand in stands),
            key=lambda one: one.machine.network_bytes_per_s or float("inf"),
        )
        region = stands[0].pool.region
        weighed = stores(candidate.replica, candidate.machine, workload.objectives, catalog, region=region)
        yield from store_runners_up(
            workload.name,
            weighed,
            region,
            beside_usd_per_hour=usd_per_hour,
            machines=sum(one.most for one in bought.bought if one.pool in pools),
        )
