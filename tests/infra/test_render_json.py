"""The preview as JSON: the keys that other tools rely on, and the same content as the text."""

from __future__ import annotations

import json

from components.graph import Secret, Unknown
from infra.cost import cost_change
from infra.cost.bill import Cost, CostGroup, CostKind, CostLine
from infra.cost.capacity import CapacityChange
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, ResourceChanges, Step
from infra.render.json_document import render_json
from infra.render.report import Finding, Report
from tests.examples import CHAT_PLAN
from tests.resources import graph, resource

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


def test_what_the_text_tells_is_in_the_json() -> None:
    """Counts, capacity, rules and promises."""
    document = json.loads(render_json(REPORT))
    assert (document["counts"]["create"], document["counts"]["update"], document["counts"]["delete"]) == (1, 1, 0)
    assert document["capacity"] == [{"what": "p5.48xlarge on demand", "kind": "machine", "before": 0, "after": 2}]
    assert document["rules"][0]["rule"] == "EFA-1"
    assert document["promises"][0]["metric"] == "ttft_p95_s"
