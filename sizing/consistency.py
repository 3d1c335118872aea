"""What a merge or an edit by hand leaves in a plan: parts that do not agree with each other. Knows nothing of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sizing.plan import SizingPlan


def inconsistencies(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """Path and words of everything in *plan* that does not agree with the rest of it."""
    yield from _unknown_pools(plan)
    yield from _unknown_places(plan)
    yield from _twins(plan)
    yield from _counts(plan)
    yield from _floors(plan)


def _unknown_pools(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """Pools that are named but not there, or that stand in another region than what is placed on them."""
    pools = {pool.name: pool for pool in plan.node_pools}
    for i, deployment in enumerate(plan.deployments):
        for j, placement in enumerate(deployment.placements):
            path = f"deployments[{i}].placements[{j}].pool"
            if placement.pool not in pools:
                yield path, f"is {placement.pool}, which is not among node_pools"
            elif pools[placement.pool].region != deployment.region:
                yield path, f"is {placement.pool} in {pools[placement.pool].region}, not in {deployment.region}"
    for i, line in enumerate(plan.cost_lines):
        if line.pool is not None and line.pool not in pools:
            yield f"cost_lines[{i}].pool", f"is {line.pool}, which is not among node_pools"


def _unknown_places(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """Parts in regions and zones that the plan does not have."""
    zones = {site.region: site.zones for site in plan.sites}
    placed = {
        "deployments": [one.region for one in plan.deployments],
        "node_pools": [pool.region for pool in plan.node_pools],
        "buckets": [bucket.region for bucket in plan.buckets],
    }
    for key, regions in placed.items():
        for i, region in enumerate(regions):
            if region not in zones:
                yield f"{key}[{i}].region", f"is {region}, which is none of the plan's: {', '.join(zones)}"
    for i, pool in enumerate(plan.node_pools):
        if pool.region in zones and pool.zone not in zones[pool.region]:
            yield f"node_pools[{i}].zone", f"is {pool.zone}, where the plan has no network in {pool.region}"


def _twins(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """Names that stand twice; a bucket has the same name in every region, a commitment one line a term."""
    named: tuple[tuple[str, Sequence[str]], ...] = (
        ("deployments[{}].name", [one.name for one in plan.deployments]),
        ("node_pools[{}].name", [pool.name for pool in plan.node_pools]),
        ("buckets[{}].name", [f"{bucket.name} in {bucket.region}" for bucket in plan.buckets]),
        ("elsewhere[{}].region", [site.region for site in plan.sites]),
        ("commitments[{}].machine", [f"{one.machine} {one.mode} in {one.region}" for one in plan.commitments]),
        ("left_out[{}].workload", [one.workload for one in plan.left_out]),
    )
    for path, names in named:
        home = int(path.startswith("elsewhere"))
        for i, name in enumerate(names):
            if name in names[:i]:
                yield path.format(i - home), f"is {name.removesuffix(' in ' + plan.region)}, which stands twice"


def _counts(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """Counts that no machine or replica has, and floors above their ceilings."""
    ranges = [
        *((f"node_pools[{i}].nodes", pool.nodes, 1, None) for i, pool in enumerate(plan.node_pools)),
        *((f"node_pools[{i}].least_nodes", pool.least_nodes, 0, pool.nodes) for i, pool in enumerate(plan.node_pools)),
        *((f"node_pools[{i}].committed", pool.committed, 0, pool.nodes) for i, pool in enumerate(plan.node_pools)),
        *(
            (f"deployments[{i}].placements[{j}].replicas", placement.replicas, 1, None)
            for i, deployment in enumerate(plan.deployments)
            for j, placement in enumerate(deployment.placements)
        ),
        *(
            (f"deployments[{i}].least_replicas", deployment.least_replicas, 0, deployment.replicas)
            for i, deployment in enumerate(plan.deployments)
        ),
    ]
    for path, number, least, most in ranges:
        if number < least:
            yield path, f"is {number}, but must be {'above 0' if least else 'at least 0'}"
        elif most is not None and number > most:
            yield path, f"is {number}, which is above {most}"


def _floors(plan: SizingPlan) -> Iterator[tuple[str, str]]:
    """
    Pools that keep fewer machines than they have, though nothing that runs on them is ever less.

    Machines come and go with replicas. A deployment counts its most on each pool, and its least over all at one hour:
    where it is as many at both, it is the same on every pool at every hour.
    """
    moving = {
        placement.pool
        for deployment in plan.deployments
        if deployment.least_replicas < deployment.replicas
        for placement in deployment.placements
    }
    for i, pool in enumerate(plan.node_pools):
        if 0 <= pool.least_nodes < pool.nodes and pool.name not in moving:
            yield (
                f"node_pools[{i}].least_nodes",
                f"is {pool.least_nodes}, but must be {pool.nodes} like nodes, as nothing on it comes and goes by hours",
            )
