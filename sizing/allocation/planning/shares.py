"""Who bears the cost of a plan, as the plan tells it."""

from __future__ import annotations

from sizing.allocation.planning.teams import team_costs
from sizing.optimiser.problem import Problem
from sizing.optimiser.purchase import Purchase
from sizing.plan import Bearer, CostShare
from sizing.units import MICRO_USD_PER_USD


def cost_shares(problem: Problem, purchase: Purchase) -> tuple[CostShare, ...]:
    """Teams in the order of the problem, workloads of none, then idle and shared machines; empty without teams."""
    borne = team_costs(problem, purchase) if problem.teams else None
    if borne is None:
        return ()
    idle, shared = (
        micro / MICRO_USD_PER_USD for micro in (borne.idle_micro_usd_per_hour, borne.shared_micro_usd_per_hour)
    )
    return (
        *(
            CostShare(
                bearer=Bearer.NO_TEAM if one.team is None else Bearer.TEAM,
                team=one.team,
                accelerators=one.slots,
                usd_per_hour=one.usd_per_hour,
            )
            for one in borne.teams
        ),
        CostShare(bearer=Bearer.IDLE, team=None, accelerators=0.0, usd_per_hour=idle),
        CostShare(bearer=Bearer.SHARED, team=None, accelerators=0.0, usd_per_hour=shared),
    )
