"""Hypothesis strategies for the values of the contract; every value they give is one that the type allows."""

from __future__ import annotations

import dataclasses
import types
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from sizing.plan import NodePool, Placement, SizingPlan

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=8),
    bool: st.booleans(),
    int: st.integers(0, 2**53),
    float: st.floats(0, 1e12, allow_subnormal=False),
}


@cache
def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a contract type: dataclasses field by field, numbers finite and not negative."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if get_origin(kind) is types.UnionType:
        return st.one_of([st.none() if part is types.NoneType else of_type(part) for part in get_args(kind)])
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0]), max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return st.builds(kind, **{name: of_type(hint) for name, hint in get_type_hints(kind).items()})
    raise TypeError(f"no strategy for {kind}")


def _pool(draw: st.DrawFn, pool: NodePool, *, name: str, zone: str) -> NodePool:
    nodes = max(1, pool.nodes)
    committed = draw(st.integers(0, nodes))
    return dataclasses.replace(pool, name=name, zone=zone, nodes=nodes, least_nodes=nodes, committed=committed)


def _by_hours(draw: st.DrawFn, plan: SizingPlan) -> SizingPlan:
    """*plan* with fewer machines in quiet hours, where a deployment on them has fewer replicas then."""
    moving = {
        placement.pool
        for deployment in plan.deployments
        if deployment.least_replicas < deployment.replicas
        for placement in deployment.placements
    }
    pools = [
        dataclasses.replace(pool, least_nodes=draw(st.integers(0, pool.nodes))) if pool.name in moving else pool
        for pool in plan.node_pools
    ]
    return dataclasses.replace(plan, node_pools=tuple(pools))


@st.composite
def plans(draw: st.DrawFn) -> SizingPlan:
    """Plans of up to three regions whose parts have different names, stand where the plan is, and count as they may."""
    plan: SizingPlan = draw(of_type(SizingPlan))
    names = draw(st.lists(NAMES, min_size=12, max_size=12, unique=True))
    zones = st.sampled_from((*plan.zones, "z"))
    pools = tuple(_pool(draw, pool, name=names[i], zone=draw(zones)) for i, pool in enumerate(plan.node_pools))
    pools = tuple(dataclasses.replace(pool, region=plan.region) for pool in pools)
    first = [pool.name for pool in pools[:1]]
    regions = st.sampled_from((plan.region, *(f"{names[8 + i]}-1" for i in range(len(plan.elsewhere)))))
    made = dataclasses.replace(
        plan,
        zones=tuple(dict.fromkeys((*plan.zones, "z"))),
        elsewhere=tuple(dataclasses.replace(site, region=f"{names[8 + i]}-1") for i, site in enumerate(plan.elsewhere)),
        commitments=tuple(
            dataclasses.replace(one, machine=names[10 + i], region=draw(regions))
            for i, one in enumerate(plan.commitments)
        ),
        cost_shares=tuple(dataclasses.replace(one, team=f"{names[10]}-{i}") for i, one in enumerate(plan.cost_shares)),
        left_out=tuple(dataclasses.replace(one, workload=names[10 + i]) for i, one in enumerate(plan.left_out)),
        node_pools=pools,
        deployments=tuple(
            dataclasses.replace(
                deployment,
                name=names[2 + i],
                workload=names[2 + i],
                region=plan.region,
                least_replicas=draw(st.integers(0, len(first))),
                placements=tuple(Placement(pool=pool, replicas=draw(st.integers(1, 99))) for pool in first),
            )
            for i, deployment in enumerate(plan.deployments)
        ),
        buckets=tuple(
            dataclasses.replace(bucket, name=names[4 + i], region=draw(regions))
            for i, bucket in enumerate(plan.buckets)
        ),
        promises=tuple(dataclasses.replace(promise, workload=names[6 + i]) for i, promise in enumerate(plan.promises)),
        cost_lines=tuple(
            dataclasses.replace(line, pool=pool if line.pool is not None else None, item=f"machines {i}")
            for pool in first
            for i, line in enumerate(plan.cost_lines)
        ),
    )
    return _by_hours(draw, made)
