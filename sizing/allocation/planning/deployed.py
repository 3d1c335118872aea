"""A replica as a plan deploys it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sizing.performance import Replica, replica_on
from sizing.plan import Deployment
from sizing.spec.workload import Serving

if TYPE_CHECKING:
    from sizing.catalog import Catalog
    from sizing.catalog.machine import Cloud


def deployed_replica(workload: Serving, deployment: Deployment, catalog: Catalog, *, cloud: Cloud) -> Replica:
    """One replica of *deployment*, which serves *workload* on machines of *cloud*, with the engine's default limits."""
    return replica_on(
        workload.model,
        catalog.accelerator(deployment.accelerator),
        layout=deployment.layout,
        weights=deployment.weights,
        kv=deployment.kv,
        engine=workload.engine,
        accelerators_in_machine=catalog.machine(cloud, deployment.machines[0]).accelerators,
    )
