"""The real engine's events go through the same renderers: they tell less than a recording, and that is enough."""

from __future__ import annotations

import json
from typing import Any

from pulumi.automation.events import EngineEvent

from infra.apply.events import steps
from infra.cost import Cost, cost_change
from infra.diff.changes import ResourceChanges
from infra.recorder.urns import parse
from infra.render.json_document import render_json
from infra.render.markdown import render_markdown
from infra.render.report import Report
from infra.render.text import render_text
from tests.examples import CHAT_PLAN
from tests.resources import graph

STACK = "urn:pulumi:dev::sizeup::pulumi:pulumi:Stack::sizeup-dev"
POOL = "urn:pulumi:dev::sizeup::sizeup:index:AwsNodePool::p5"
NODES = "urn:pulumi:dev::sizeup::sizeup:index:AwsNodePool$aws:eks/nodeGroup:NodeGroup::p5-nodes"
ROLE = "urn:pulumi:dev::sizeup::aws:iam/role:Role::old"


def state(urn: str, parent: str, inputs: dict[str, Any]) -> dict[str, Any]:
    kind = parse(urn).type
    return {"urn": urn, "type": kind, "custom": True, "parent": parent, "provider": "", "inputs": inputs}


def event(op: str, urn: str, **told: Any) -> EngineEvent:
    """What the engine says before it takes a step."""
    metadata = {"op": op, "urn": urn, "type": parse(urn).type, "provider": "", **told}
    return EngineEvent.from_json({"resourcePreEvent": {"metadata": metadata, "planning": True}})


EVENTS = (
    event(
        "replace",
        NODES,
        old=state(NODES, POOL, {"instanceTypes": ["p5.48xlarge"]}),
        new=state(NODES, POOL, {"instanceTypes": ["p5en.48xlarge"]}),
        keys=["instanceTypes"],
        detailedDiff={"instanceTypes[0]": {"diffKind": "update-replace", "inputDiff": True}},
    ),
    event("delete", ROLE, old=state(ROLE, STACK, {"name": "old"})),
)


def report() -> Report:
    """A preview that knows nothing but what the engine told: no graph, no base, no cost."""
    told = ResourceChanges(graph=graph(), base=graph(), base_name="Pulumi's engine", steps=steps(EVENTS))
    return Report(
        stack="dev",
        plan=CHAT_PLAN,
        plan_changes=(),
        resources=told,
        capacity=(),
        cost=cost_change(None, Cost(lines=())),
    )


def test_the_engine_s_steps_read_like_ours() -> None:
    """The component is known from the parent's URN, though no event is about it."""
    text = render_text(report())
    assert (
        "resources\n"
        "  -/+ node group p5-nodes\n"
        "        must be replaced: instanceTypes[0]\n"
        '        ~ instanceTypes[0]: "p5.48xlarge" -> "p5en.48xlarge"\n'
        "            # forces replacement\n"
        "  -   IAM role old\n"
    ) in text
    assert text.rstrip().rpartition("\n")[2].startswith("0 to add, 0 to change, 1 to replace, 1 to destroy")


def test_markdown_and_json_hold_them_too() -> None:
    """Grouped by component; with both sides of what differs."""
    assert "<summary><b>node pool</b>: 1 to replace</summary>" in render_markdown(report())
    replaced, deleted = json.loads(render_json(report()))["steps"]
    assert (replaced["op"], replaced["name"], replaced["replace_reason"]) == (
        "replace",
        "p5-nodes",
        ["instanceTypes[0]"],
    )
    assert replaced["properties"][0]["new"] == "p5en.48xlarge"
    assert (deleted["op"], deleted["urn"]) == ("delete", ROLE)
