"""Two plans to typed changes: nothing that is equal, everything that is not."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings

from sizing.catalog.offer import PurchaseMode
from sizing.diff import Action, FieldChange, PlanChange, Subject, diff
from sizing.plan import Bearer, Commitment, CostShare, LeftOut, Placement, Site, SizingPlan
from tests.examples import CHAT_DEPLOYMENT, CHAT_PLAN, CHAT_POOL
from tests.strategies import plans

FEW = settings(max_examples=30, deadline=None)  # a plan is a large value to draw


@FEW
@given(plans())
def test_a_plan_does_not_differ_from_itself(plan: SizingPlan) -> None:
    assert diff(plan, plan) == ()


@FEW
@given(plans(), plans())
def test_different_plans_differ_and_the_way_back_is_the_way_turned_round(old: SizingPlan, new: SizingPlan) -> None:
    there, back = diff(old, new), diff(new, old)
    assert bool(there) == (old != new)
    turned = {Action.ADDED: Action.REMOVED, Action.REMOVED: Action.ADDED, Action.CHANGED: Action.CHANGED}
    assert {(c.subject, turned[c.action], c.name) for c in there} == {(c.subject, c.action, c.name) for c in back}


def other_value(value: Any) -> Any:  # noqa: PLR0911  one return for each type
    """A value of the same type that is not *value*."""
    match value:
        case StrEnum():
            return next(member for member in type(value) if member is not value)
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}!"
        case tuple():
            return (*value, "more")
        case None:
            return "something"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        first = dataclasses.fields(value)[0].name
        return replace(value, **{first: other_value(getattr(value, first))})
    raise TypeError(value)


PARTS = [
    (Subject.DEPLOYMENT, "deployments", ("name", "workload", "placements")),
    (Subject.NODE_POOL, "node_pools", ("name",)),
    (Subject.BUCKET, "buckets", ("name",)),
    (Subject.PROMISE, "promises", ("workload", "metric")),
    (Subject.COST_LINE, "cost_lines", ("pool", "item")),
]


@pytest.mark.parametrize(
    ("subject", "key", "field"),
    [
        (subject, key, field.name)
        for subject, key, identity in PARTS
        for field in dataclasses.fields(getattr(CHAT_PLAN, key)[0])
        if field.name not in identity
    ],
)
def test_every_changed_field_of_every_part_is_found_and_no_other(subject: Subject, key: str, field: str) -> None:
    """What tells a part from its neighbours is not a field that changes: that part goes, and another comes."""
    first, *rest = getattr(CHAT_PLAN, key)
    changed = replace(first, **{field: other_value(getattr(first, field))})
    parts: dict[str, Any] = {key: (changed, *rest)}
    changes = diff(CHAT_PLAN, replace(CHAT_PLAN, **parts))
    (change,) = [change for change in changes if change.subject is subject]
    assert change.action is Action.CHANGED
    assert {found.field.split(".")[0] for found in change.fields} == {field}
    assert (change.before, change.after) == (first, changed)
    assert {other.subject for other in changes} <= {subject, Subject.PLAN}


@pytest.mark.parametrize(
    "field",
    [
        field.name
        for field in dataclasses.fields(SizingPlan)
        if field.name not in ("elsewhere", "commitments", "left_out", "cost_shares", *(key for _, key, _ in PARTS))
    ],
)
def test_every_changed_field_of_the_plan_itself_is_found(field: str) -> None:
    after = other_value(getattr(CHAT_PLAN, field))
    (change,) = diff(CHAT_PLAN, replace(CHAT_PLAN, **{field: after}))
    assert change.fields == (FieldChange(field=field, before=getattr(CHAT_PLAN, field), after=after),)


def test_regions_commitments_shares_and_who_is_left_out_are_told_by_name() -> None:
    """Each field under the name of what it belongs to; before, there was none of it."""
    west = Site(region="us-west-2", zones=("usw2-az1", "usw2-az2"))
    bought = Commitment(
        machine="p5.48xlarge",
        region="us-east-1",
        mode=PurchaseMode.COMMITTED_1Y,
        owned=1,
        to_buy=2,
        usd_per_hour=31.5,
        price_source="AWS price list",
        price_as_of="2026-07-20",
    )
    left = LeftOut(workload="draft", priority=2, why="the quota of us-east-1 is used up")
    share = CostShare(bearer=Bearer.TEAM, team="search", accelerators=8, usd_per_hour=44.0)
    new = replace(CHAT_PLAN, elsewhere=(west,), commitments=(bought,), left_out=(left,), cost_shares=(share,))
    (change,) = diff(CHAT_PLAN, new)
    owner = "commitments.p5.48xlarge us-east-1 committed_1y"
    assert {found.field: (found.before, found.after) for found in change.fields} == {
        "elsewhere.us-west-2": (None, ("usw2-az1", "usw2-az2")),
        f"{owner}.owned": (None, 1),
        f"{owner}.to_buy": (None, 2),
        f"{owner}.usd_per_hour": (None, 31.5),
        f"{owner}.price_source": (None, "AWS price list"),
        f"{owner}.price_as_of": (None, "2026-07-20"),
        "cost_shares.search.accelerators": (None, 8),
        "cost_shares.search.usd_per_hour": (None, 44.0),
        "left_out.draft.priority": (None, 2),
        "left_out.draft.why": (None, "the quota of us-east-1 is used up"),
    }


def test_more_machines_tell_the_pool_its_cost_line_and_the_total() -> None:
    """Two machines of 55.04 USD/h become three: 110.08 to 165.12 USD/h."""
    line = replace(CHAT_PLAN.cost_lines[0], quantity=3)
    new = replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=3),), cost_lines=(line,))
    total, pool, cost = diff(CHAT_PLAN, new)
    assert total.subject is Subject.PLAN
    assert total.fields == (FieldChange(field="usd_per_hour", before=110.08, after=3 * 55.04),)
    assert pool.fields == (FieldChange(field="nodes", before=2, after=3),)
    assert cost.fields == (FieldChange(field="quantity", before=2, after=3),)


def test_nested_fields_have_dotted_names_and_placements_the_name_of_their_pool() -> None:
    moved = replace(
        CHAT_DEPLOYMENT,
        layout=replace(CHAT_DEPLOYMENT.layout, tp=8),
        engine=replace(CHAT_DEPLOYMENT.engine, max_num_seqs=128),
        placements=(Placement(pool="other", replicas=2),),
    )
    (change,) = diff(CHAT_PLAN, replace(CHAT_PLAN, deployments=(moved,)))
    assert change.fields == (
        FieldChange(field="engine.max_num_seqs", before=256, after=128),
        FieldChange(field="layout.tp", before=4, after=8),
        FieldChange(field="placements.other", before=None, after=2),
        FieldChange(field="placements.p5-48xlarge-use1-az4", before=4, after=None),
    )


def test_a_workload_that_goes_is_told_before_its_deployment() -> None:
    workload, deployment = diff(CHAT_PLAN, replace(CHAT_PLAN, deployments=()))
    assert workload == PlanChange(subject=Subject.WORKLOAD, action=Action.REMOVED, name="chat")
    assert (deployment.action, deployment.before, deployment.after) == (Action.REMOVED, CHAT_DEPLOYMENT, None)
