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
    parts = (*plan.node_pools, *plan.deployments, *plan.buckets)
    strays = [f"{part.name} in {part.region}" for part in parts if part.region not in regions]
    if strays:
        what = f"it has {', '.join(strays)}, but no network there: its regions are {', '.join(sorted(regions))}"
        raise UnusablePlan(source="the plan", what=what, mend="size the stack again")
