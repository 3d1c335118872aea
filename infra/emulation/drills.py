"""The faults that a rehearsal plays, each aimed at the part of the stack that it hits in real life."""

from __future__ import annotations

from dataclasses import dataclass

from infra.emulation.faults import Fault, Injection
from sizing.catalog.machine import Cloud
from sizing.plan import NodePool, PoolRole, SizingPlan

USUAL = (Fault.NO_CAPACITY, Fault.QUOTA_ZERO, Fault.THROTTLED, Fault.CRASH, Fault.PARTIAL)
_POOLS = {Cloud.AWS: "aws:eks/nodeGroup:NodeGroup", Cloud.GCP: "gcp:container/nodePool:NodePool"}
_CALLS = {Cloud.AWS: "aws:ec2/*", Cloud.GCP: "gcp:projects/*"}  # of which a first deployment makes many at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One fault, where it strikes, and whether the engine should stop at it."""

    fault: Fault
    what: str  # in a clause
    injection: Injection
    stops: bool


def drill(fault: Fault, plan: SizingPlan) -> Drill:
    """*fault*, aimed at the stack of *plan*."""
    pool = _accelerators(plan)
    match fault:
        case Fault.THROTTLED:
            what, at, stops = (
                "the cloud takes no more calls",
                Injection(fault=fault, type=_CALLS[plan.cloud], nth=5),
                True,
            )
        case Fault.THROTTLED_BRIEFLY:
            at = Injection(fault=fault, type=_CALLS[plan.cloud], nth=5, times=3)
            what, stops = "the cloud takes no more calls for a moment", False
        case _:
            at = Injection(fault=fault, type=_POOLS[plan.cloud], name=f"{pool.name}*")
            what, stops = _WHATS[fault].format(machine=pool.machine, zone=pool.zone, pool=pool.name), True
    return Drill(fault=fault, what=what, injection=at, stops=stops)


_WHATS = {
    Fault.NO_CAPACITY: "no {machine} is free in {zone}",
    Fault.QUOTA_EXCEEDED: "the quota for {machine} is too small",
    Fault.QUOTA_ZERO: "the quota for {machine} is nought",
    Fault.CRASH: "the provider dies while it makes {pool}",
    Fault.PARTIAL: "the machines of {pool} do not come up",
}


def _accelerators(plan: SizingPlan) -> NodePool:
    """The first pool with accelerators."""
    return next((pool for pool in plan.node_pools if pool.role is PoolRole.ACCELERATOR), plan.node_pools[0])
