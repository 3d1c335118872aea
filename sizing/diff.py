"""Two plans to typed changes, without a word of text: rendering is apart and decides nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sizing.plan import Bucket, CostLine, Deployment, NodePool, Promise, SizingPlan


class Subject(StrEnum):
    """What a change is about."""

    PLAN = "plan"  # the fields of the plan itself: cloud, region, zones, total cost, dates
    WORKLOAD = "workload"
    DEPLOYMENT = "deployment"
    NODE_POOL = "node_pool"
    BUCKET = "bucket"
    PROMISE = "promise"
    COST_LINE = "cost_line"


class Action(StrEnum):
    """What happened to it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


Part: TypeAlias = Deployment | NodePool | Bucket | Promise | CostLine
Scalar: TypeAlias = str | int | float | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field with another value; nested fields with dots: layout.tp, engine.max_num_seqs, placements.pool-a."""

    field: str
    before: Scalar
    after: Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """One thing that was added, removed, or changed in *fields*."""

    subject: Subject
    action: Action
    name: str  # of the deployment, pool, ...; empty for the plan itself
    fields: tuple[FieldChange, ...] = ()  # of a changed one
    before: Part | None = None  # None where it was added, and for a plan or workload
    after: Part | None = None  # None where it was removed, and for a plan or workload


def diff(old: SizingPlan, new: SizingPlan) -> tuple[PlanChange, ...]:
    """Every change from *old* to *new*: the plan itself, then workloads, and its parts by name; empty where equal."""
    return (
        *_plan_changes(old, new),
        *_workload_changes(old, new),
        *_part_changes(Subject.DEPLOYMENT, _by_name(old.deployments), _by_name(new.deployments)),
        *_part_changes(Subject.NODE_POOL, _by_name(old.node_pools), _by_name(new.node_pools)),
        *_part_changes(Subject.BUCKET, _by_name(old.buckets), _by_name(new.buckets)),
        *_part_changes(Subject.PROMISE, _promises(old), _promises(new)),
        *_part_changes(Subject.COST_LINE, _cost_lines(old), _cost_lines(new)),
    )


def _plan_changes(old: SizingPlan, new: SizingPlan) -> Iterator[PlanChange]:
    if fields := _field_changes(_own_fields(old), _own_fields(new)):
        yield PlanChange(subject=Subject.PLAN, action=Action.CHANGED, name="", fields=fields)


def _own_fields(plan: SizingPlan) -> dict[str, Scalar]:
    """What the plan says beside its parts: zones of other regions by region, machines to commit by their type."""
    parts = {"deployments", "node_pools", "buckets", "promises", "cost_lines", "elsewhere"}
    parts |= {"commitments", "left_out", "cost_shares"}
    names = [field.name for field in dataclasses.fields(SizingPlan) if field.name not in parts]
    committed = {
        f"commitments.{one.machine} {one.region} {one.mode}.{field}": getattr(one, field)
        for one in plan.commitments
        for field in ("owned", "to_buy", "usd_per_hour", "price_source", "price_as_of")
    }
    return {
        **{name: getattr(plan, name) for name in names},
        "usd_per_hour": plan.usd_per_hour,
        **{f"elsewhere.{site.region}": site.zones for site in plan.elsewhere},
        **committed,
        **{
            f"cost_shares.{one.team or one.bearer}.{field}": getattr(one, field)
            for one in plan.cost_shares
            for field in ("accelerators", "usd_per_hour")
        },
        **{
            f"left_out.{one.workload}.{field}": getattr(one, field)
            for one in plan.left_out
            for field in ("priority", "why")
        },
    }


def _workload_changes(old: SizingPlan, new: SizingPlan) -> Iterator[PlanChange]:
    before = {deployment.workload for deployment in old.deployments}
    after = {deployment.workload for deployment in new.deployments}
    for name in sorted(before ^ after):
        action = Action.ADDED if name in after else Action.REMOVED
        yield PlanChange(subject=Subject.WORKLOAD, action=action, name=name)


def _part_changes(subject: Subject, old: Mapping[str, Part], new: Mapping[str, Part]) -> Iterator[PlanChange]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None:
            yield PlanChange(subject=subject, action=Action.ADDED, name=name, after=after)
        elif after is None:
            yield PlanChange(subject=subject, action=Action.REMOVED, name=name, before=before)
        elif fields := _field_changes(_fields(before), _fields(after)):
            yield PlanChange(
                subject=subject, action=Action.CHANGED, name=name, fields=fields, before=before, after=after
            )


def _field_changes(before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(field=name, before=before.get(name), after=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def _fields(part: Part) -> dict[str, Scalar]:
    """All fields of a part, flat: nested values by dotted names, replicas by pool."""
    flat: dict[str, Scalar] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name == "placements":
            flat |= {f"placements.{placement.pool}": placement.replicas for placement in value}
        elif dataclasses.is_dataclass(value):
            flat |= {f"{field.name}.{inner.name}": getattr(value, inner.name) for inner in dataclasses.fields(value)}
        else:
            flat[field.name] = value
    return flat


def _by_name(parts: tuple[Deployment | NodePool | Bucket, ...]) -> dict[str, Part]:
    return {part.name: part for part in parts}


def _promises(plan: SizingPlan) -> dict[str, Part]:
    return {f"{promise.workload} {promise.metric}": promise for promise in plan.promises}


def _cost_lines(plan: SizingPlan) -> dict[str, Part]:
    return {f"{line.pool} {line.item}": line for line in plan.cost_lines}
