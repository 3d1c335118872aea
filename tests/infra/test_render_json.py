"""The preview as JSON: the keys that other tools rely on, and the same content as the text."""

from __future__ import annotations

import importlib.resources
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from components.graph import Secret, Unknown
from infra.cost import CapacityChange, Cost, CostGroup, CostKind, CostLine, Share, cost_change
from infra.diff.changes import ChangeKind, Op, PendingOperation, PropertyChange, Replaces, ResourceChanges, Step
from infra.preview.base import Nothing
from infra.preview.compose import preview
from infra.render.json_document import render_json
from infra.render.report import Difference, Finding, Report
from sizing.diff import diff
from tests.examples import CHAT_PLAN, CHAT_POOL
from tests.resources import graph, resource

ROOT = Path(__file__).parents[2]
VPC = resource("aws:ec2/vpc:Vpc", "vpc", inputs={"cidrBlock": "10.0.0.0/16", "token": Secret("hunter2")})
ROLE = resource("aws:iam/role:Role", "role")
LINE = CostLine(
    item="NAT gateway",
    group=CostGroup.NETWORK,
    urn=VPC.urn,
    resource="nat",
    quantity=1,
    unit="hour",
    usd_per_unit=0.045,
    usd_per_hour=0.045,
    kind=CostKind.FIXED,
    source="VPC prices",
    as_of="2026-10",
)
REPORT = Report(
    stack="chat-aws",
    plan=CHAT_PLAN,
    plan_changes=(),
    resources=ResourceChanges(
        graph=graph(VPC, ROLE),
        base=graph(ROLE),
        base_name="state file prod.json",
        steps=(
            Step(op=Op.CREATE, urn=VPC.urn, type=VPC.type, name="vpc", old=None, new=VPC),
            Step(
                op=Op.UPDATE,
                urn=ROLE.urn,
                type=ROLE.type,
                name="role",
                old=ROLE,
                new=ROLE,
                changes=(
                    PropertyChange(
                        path="arn", old="a", new=Unknown(), kind=ChangeKind.CHANGED, replaces=Replaces.UNKNOWN
                    ),
                ),
            ),
        ),
    ),
    capacity=(CapacityChange(what="p5.48xlarge on demand", is_accelerator=False, before=0, after=2),),
    cost=cost_change(Cost(lines=()), Cost(lines=(LINE,))),
    findings=(Finding(rule="EFA-1", severity="error", subject="p5", text="no rule", mend="add one"),),
)


def test_the_contract_of_the_keys() -> None:
    """`{plan_changes, steps: [{op, urn, type, name, properties}], cost: {before, after, lines}, rules}`."""
    document = json.loads(render_json(REPORT))
    assert {"stack", "plan_changes", "steps", "cost", "rules"} <= document.keys()
    assert all({"op", "urn", "type", "name", "properties"} <= step.keys() for step in document["steps"])
    assert {"before_usd_per_month", "after_usd_per_month", "lines"} <= document["cost"].keys()


def test_money_is_in_numbers_over_730_hours() -> None:
    """0.045 x 730 = 32.85 USD a month."""
    cost = json.loads(render_json(REPORT))["cost"]
    assert (cost["before_usd_per_month"], cost["after_usd_per_month"]) == (0.0, 32.85)
    assert cost["lines"][0]["change"] == "added"
    assert cost["lines"][0]["after"]["source"] == "VPC prices"


def test_a_new_resource_has_all_its_inputs_and_no_secret() -> None:
    """Every input of it is added; a secret stays one."""
    text = render_json(REPORT)
    assert "hunter2" not in text
    assert json.loads(text)["steps"][0]["properties"] == [
        {"path": "cidrBlock", "kind": "added", "new": "10.0.0.0/16"},
        {"path": "token", "kind": "added", "new": "[secret]"},
    ]


def test_a_changed_property_has_both_sides() -> None:
    """Unknown values as the text writes them; whether it replaces as one of three."""
    (change,) = json.loads(render_json(REPORT))["steps"][1]["properties"]
    assert change == {
        "path": "arn",
        "kind": "changed",
        "old": "a",
        "new": "(known after apply)",
        "replaces": "unknown",
        "certain": True,
    }


def test_what_the_program_hides_is_not_shown() -> None:
    """That it differs is told."""
    (change,) = REPORT.resources.steps[1].changes
    hidden = replace(REPORT.resources.steps[1], changes=(replace(change, hidden=True),))
    text = render_json(replace(REPORT, resources=replace(REPORT.resources, steps=(hidden,))))
    (told,) = json.loads(text)["steps"][0]["properties"]
    assert (told["old"], told["new"]) == ("(not shown: hideDiff)", "(not shown: hideDiff)")


def test_what_the_text_tells_is_in_the_json() -> None:
    """Counts, capacity, rules and promises."""
    document = json.loads(render_json(REPORT))
    assert (document["counts"]["create"], document["counts"]["update"], document["counts"]["delete"]) == (1, 1, 0)
    assert document["capacity"] == [{"what": "p5.48xlarge on demand", "kind": "machine", "before": 0, "after": 2}]
    assert document["rules"][0]["rule"] == "EFA-1"
    assert document["promises"][0]["metric"] == "ttft_p95_s"


SCHEMA = json.loads(importlib.resources.files("infra.render").joinpath("preview.schema.json").read_text("utf-8"))


def mistakes(text: str) -> list[str]:
    """Where *text* is not what the schema says."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{x.json_path}: {x.message}" for x in validator.iter_errors(json.loads(text))]


def test_the_schema_is_one() -> None:
    """A mistake in it would let everything pass."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert mistakes("{}") != []


def test_the_document_is_what_its_schema_says() -> None:
    """With a base and without; with what an interrupted run left, what the engine says, and a waived finding."""
    pending = PendingOperation(urn=VPC.urn, type=VPC.type, operation="creating")
    waived = replace(REPORT.findings[0], waived="the network of the judge")
    difference = Difference(urn=VPC.urn, name="vpc", ours="update", engine="replace", detail="cidrBlock")
    full = replace(
        REPORT,
        resources=replace(REPORT.resources, pending=(pending,), outputs=REPORT.resources.steps[1].changes),
        findings=(*REPORT.findings, waived),
        differences=(difference,),
        plan_changes=diff(CHAT_PLAN, replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=3),))),
    )
    for report in (REPORT, full, replace(full, cost=cost_change(None, REPORT.cost.after))):
        assert mistakes(render_json(report)) == []


@pytest.mark.parametrize("stack", ["chat-aws", "tpu-gcp"])
def test_previews_of_example_stacks_are_what_the_schema_says(stack: str) -> None:
    """A hundred resources of every kind."""
    assert mistakes(render_json(preview(ROOT, stack, Nothing()))) == []


def test_workloads_and_what_is_paid_once_have_keys_of_their_own() -> None:
    """The NAT gateway is three quarters of chat; a fee of 100 USD is in no total."""
    borne = replace(LINE, shares=(Share(workload="chat", part=0.75), Share(workload="code", part=0.25)))
    fee = replace(LINE, item="Savings Plan", kind=CostKind.UPFRONT, usd_per_hour=None, upfront_usd=100.0)
    cost = json.loads(render_json(replace(REPORT, cost=cost_change(None, Cost(lines=(borne, fee))))))["cost"]
    assert [(x["workload"], x["after_usd_per_month"]) for x in cost["workloads"]] == [
        ("chat", pytest.approx(24.6375)),
        ("code", pytest.approx(8.2125)),
        (None, 0.0),
    ]
    assert (cost["after_upfront_usd"], cost["after_usd_per_month"]) == (100.0, 32.85)
    assert cost["lines"][0]["after"]["workload_parts"] == {"chat": 0.75, "code": 0.25}


def test_an_engine_that_was_not_asked_is_not_one_that_agrees() -> None:
    """Null, or an empty list."""
    assert json.loads(render_json(REPORT))["engine_differences"] is None
    assert json.loads(render_json(replace(REPORT, differences=())))["engine_differences"] == []
