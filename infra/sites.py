"""Whether the parts of a plan are in its own regions: what is in none of them would be built nowhere."""

from __future__ import annotations

from sizing.errors import UnusablePlan
from sizing.plan import SizingPlan


def check_sites(plan: SizingPlan) -> None:
    """
    Nothing, if every part of *plan* is in one of its regions.

    Raises:
        UnusablePlan: Naming the parts that are not, and where they are.
    """
    regions = {site.region for site in plan.sites}
    placed = [
        *((pool.name, pool.region) for pool in plan.node_pools),
        *((deployment.name, deployment.region) for deployment in plan.deployments),
        *((bucket.name, bucket.region) for bucket in plan.buckets),
    ]
    strays = [f"{name} in {region}" for name, region in placed if region not in regions]
    if strays:
        what = f"it has {', '.join(strays)}, but no network there: its regions are {', '.join(sorted(regions))}"
        raise UnusablePlan(source="the plan", what=what, mend="size the stack again")
