"""The preview as one screen: what it says first and last, and that it says it in words when nothing changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.graph import Graph, Resource
from infra.cost import CapacityChange, Cost, CostGroup, CostKind, CostLine, cost_change
from infra.diff.changes import (
    ChangeKind,
    Op,
    PendingOperation,
    PropertyChange,
    Replaces,
    ResourceChanges,
    Step,
)
from infra.render.report import Difference, Finding, Report
from infra.render.text import render_text
from sizing.diff import diff
from sizing.plan import LeftOut
from tests.examples import CHAT_PLAN, CHAT_POOL
from tests.resources import graph, resource

VPC = resource("aws:ec2/vpc:Vpc", "vpc")
NOTHING = Cost(lines=())
EMPTY = graph()


def report(
    *,
    steps: tuple[Step, ...] = (),
    before: Cost | None = None,
    after: Cost = NOTHING,
    base: Graph = EMPTY,
    base_name: str = "nothing",
    **fields: Any,
) -> Report:
    known: dict[str, Any] = {
        "stack": "chat-aws",
        "plan": CHAT_PLAN,
        "plan_changes": (),
        "resources": ResourceChanges(graph=graph(VPC), base=base, base_name=base_name, steps=steps),
        "capacity": (),
        "cost": cost_change(before, after),
    }
    return Report(**(known | fields))


def create(it: Resource) -> Step:
    return Step(op=Op.CREATE, urn=it.urn, type=it.type, name=it.name, old=None, new=it)


def test_the_first_line_is_the_answer_and_the_last_sums_up() -> None:
    """What runs where at what price (nothing here is priced); then what would be done and what that costs."""
    lines = render_text(report(steps=(create(VPC),))).splitlines()
    assert lines[0] == "chat-aws on aws us-east-1: 2 x p5.48xlarge, 0.00 USD/h       facts of 2026-07-20"
    assert lines[-1] == "1 to add, 0 to change, 0 to destroy; 0.00 USD/h"


def test_less_than_a_cent_an_hour_is_told_by_the_month() -> None:
    """A key of 1 USD a month: 0.00 USD/h would read as nothing."""
    key = CostLine(
        item="KMS key",
        group=CostGroup.PLATFORM,
        urn=VPC.urn,
        resource="key",
        quantity=1,
        unit="month",
        usd_per_unit=1.0,
        usd_per_hour=1 / 730,
        kind=CostKind.FIXED,
        source="",
        as_of="",
    )
    text = render_text(report(steps=(create(VPC),), after=Cost(lines=(key,))))
    assert text.endswith("1 to add, 0 to change, 0 to destroy; +1.00 USD/month\n")


def test_no_changes_are_said_in_words() -> None:
    """Against a base that is the same, nothing is listed."""
    text = render_text(report(base=graph(VPC), base_name="git main (1a2b3c4)", before=NOTHING))
    assert "no changes: all 1 resource are as in git main (1a2b3c4)" in text
    assert text.endswith("0 to add, 0 to change, 0 to destroy; 0.00 USD/h\n")


def test_what_an_offline_preview_cannot_see_is_said() -> None:
    """And what it was compared with."""
    assert "offline, compared with state file prod.json; not seen: changes made outside" in render_text(
        report(base_name="state file prod.json")
    )


def test_the_sizing_change_stands_before_the_resources() -> None:
    """A pool of three machines instead of two."""
    moved = replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=3),))
    text = render_text(report(plan=moved, plan_changes=diff(CHAT_PLAN, moved), steps=(create(VPC),)))
    assert "sizing changes\n  ~ node pool p5-48xlarge-use1-az4: nodes 2 -> 3\n\nresources\n" in text


MACHINES = CapacityChange(what="p5.48xlarge on demand", is_accelerator=False, before=0, after=2)
GPUS = CapacityChange(what="nvidia-h100-80gb", is_accelerator=True, before=0, after=16)


def test_new_capacity_is_one_sentence() -> None:
    """Machines, then the accelerators in them."""
    text = render_text(report(capacity=(MACHINES, GPUS)))
    assert "capacity: 2 x p5.48xlarge on demand; accelerators: 16 nvidia-h100-80gb\n" in text


def test_moved_capacity_is_before_and_after() -> None:
    """What did not move is hidden; what is known only after apply is said so."""
    moved = replace(MACHINES, before=2, after=3)
    unknown = replace(GPUS, before=16, after=None)
    same = replace(MACHINES, what="m6i.xlarge on demand", before=2, after=2)
    text = render_text(report(base=graph(VPC), before=NOTHING, capacity=(moved, unknown, same)))
    assert (
        "capacity                 before      after  change\n"
        "  p5.48xlarge on demand       2          3      +1\n"
        "  nvidia-h100-80gb           16  not known\n"
    ) in text
    assert "m6i.xlarge" not in text


def test_findings_say_rule_subject_and_mend() -> None:
    """Counted by severity, each with the id that a policy pack reports too."""
    finding = Finding(rule="EFA-1", severity="error", subject="p5", text="no rule to itself", mend="add one")
    assert "checks: 1 error\n  ! EFA-1 p5: no rule to itself\n      hint: add one\n" in render_text(
        report(findings=(finding,))
    )


def test_a_mend_that_holds_for_several_is_told_once() -> None:
    """Two subnets break one rule: the hint stands under the last."""
    one = Finding(rule="tags", severity="warning", subject="a", text="has no owner", mend="set owner")
    text = render_text(report(findings=(one, replace(one, subject="b"))))
    assert ("checks: 2 warnings\n  ! tags a: has no owner\n  ! tags b: has no owner\n      hint: set owner\n") in text


def test_waived_findings_are_counted_and_told_in_full_with_their_reasons() -> None:
    """Nothing is left out silently; nor does it fill the screen."""
    waived = Finding(rule="flow-logs", severity="error", subject="vpc", text="writes none", waived="the judge's own")
    findings = (waived, replace(waived, subject="other"), replace(waived, rule="tags"))
    text = render_text(report(findings=findings))
    assert "checks: 3 waived\n  waived: 2 x flow-logs, tags; --full tells why\n" in text
    full = render_text(report(findings=findings), full=True)
    assert "  waived flow-logs vpc: writes none\n      because the judge's own\n" in full


def test_where_the_real_engine_differs_is_shown() -> None:
    """And that it agrees; nothing of it where it was not asked."""
    difference = Difference(urn=VPC.urn, name="vpc", ours="update", engine="replace", detail="cidrBlock")
    text = render_text(report(differences=(difference, replace(difference, ours="", detail=""))))
    assert (
        "Pulumi's engine differs in 2 steps\n"
        "  ! vpc: update here, replace by the engine; cidrBlock\n"
        "  ! vpc: nothing here, replace by the engine\n"
    ) in text
    assert "compared with nothing, and with the preview of Pulumi's engine" in text
    assert "Pulumi's engine agrees: it would take the same steps\n" in render_text(report(differences=()))
    assert "engine" not in render_text(report())


def test_what_is_paid_at_once_is_in_the_last_line() -> None:
    """A running cost of nothing, and 50,000 USD at purchase."""
    fee = CostLine(
        item="Savings Plan",
        group=CostGroup.MACHINE,
        urn=VPC.urn,
        resource="plan",
        quantity=1,
        unit="plan",
        usd_per_unit=50_000,
        usd_per_hour=None,
        kind=CostKind.UPFRONT,
        source="",
        as_of="",
        upfront_usd=50_000,
    )
    text = render_text(report(steps=(create(VPC),), after=Cost(lines=(fee,))))
    assert text.endswith("1 to add, 0 to change, 0 to destroy; 0.00 USD/h; 50,000.00 USD at once\n")


def test_steps_of_the_engine_need_no_resources_behind_them() -> None:
    """Its events may tell a type and a name only."""
    bare = Step(op=Op.UPDATE, urn=VPC.urn, type=VPC.type, name="vpc", old=None, new=None)
    assert "resources\n  ~   VPC vpc\n" in render_text(report(steps=(bare,)))


def test_outputs_and_interrupted_operations_are_shown() -> None:
    """Stack outputs that move, and what a run left behind."""
    output = PropertyChange(path="url", old=None, new="http://chat", kind=ChangeKind.ADDED, replaces=Replaces.NO)
    pending = PendingOperation(urn=VPC.urn, type=VPC.type, operation="creating")
    resources = ResourceChanges(
        graph=graph(VPC), base=EMPTY, base_name="nothing", steps=(), outputs=(output,), pending=(pending,)
    )
    text = render_text(report(resources=resources))
    assert 'outputs\n  + url: "http://chat"\n' in text
    assert "  creating vpc\n" in text
    assert "    sizeup settle chat-aws --yes\n" in text
    assert f"    sizeup settle chat-aws --yes --made {VPC.urn}=ID\n" in text


def test_warnings_of_the_run_are_notes() -> None:
    """Facts that moved since the plan, or what a base could not tell."""
    assert "  note: facts are of 2026-08-01, the plan is of 2026-07-20\n" in render_text(
        report(notes=("facts are of 2026-08-01, the plan is of 2026-07-20",))
    )


def test_the_same_report_gives_the_same_bytes_within_80_columns() -> None:
    """No clock, no colour, no order by chance."""
    long = replace(VPC, name="n" * 300)
    once, again = (
        render_text(report(steps=(create(long),), notes=("word " * 60,), base_name="b" * 120), full=full)
        for full in (True, True)
    )
    assert once == again
    assert max(map(len, once.splitlines())) <= 80


def test_who_is_left_out_is_told_in_the_open() -> None:
    """With the reason, and counted in the first line of the plan."""
    left = LeftOut(workload="draft", priority=2, why="the quota of us-east-1 is used up")
    text = render_text(report(plan=replace(CHAT_PLAN, left_out=(left,))))
    assert "left out, the most important first\n  - draft, priority 2: the quota of us-east-1 is used up\n" in text
