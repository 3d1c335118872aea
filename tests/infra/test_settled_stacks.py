"""The example stacks, deployed and unchanged: a preview over their state shows nothing; a small change shows little."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from infra.diff.changes import Op, Replaces
from infra.preview.base import StateFile, resource_changes
from infra.preview.validation import findings
from infra.recorder.stack_program import record_stack
from tests.deployed import deployed_state, in_the_cloud
from tests.edits import at_all_hours, served_at_all_hours

ROOT = Path(__file__).parents[2]
STACKS = ("chat-aws", "chat-gcp", "small-aws", "tpu-gcp")


@pytest.fixture(scope="module", params=STACKS)
def settled(request, tmp_path_factory) -> tuple[str, Path]:
    """A stack's name, and the file with the state that its deployment left."""
    path = tmp_path_factory.mktemp("states") / f"{request.param}.json"
    path.write_text(deployed_state(ROOT, request.param))
    return request.param, path


def test_nothing_is_shown_for_what_did_not_change(settled):
    """No resource and no output: everything that the cloud filled in is known to the program, and equal."""
    stack, state = settled
    found = resource_changes(ROOT, stack, StateFile(path=state))
    assert [(step.op, step.name, step.changes) for step in found.steps] == []
    assert found.outputs == ()


def test_every_input_of_every_resource_is_one_that_its_type_has(settled):
    """Also when everything is known."""
    stack, _ = settled
    assert findings(record_stack(ROOT, stack, answer=in_the_cloud).graph) == ()


def test_one_replica_more_changes_one_deployment_or_its_scaler(tmp_path):
    """The state of before, the plan of after: a few updates in place, and nothing is replaced."""
    project = tmp_path / "project"
    for part in ("infra", "stacks"):
        shutil.copytree(ROOT / part, project / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Pulumi.yaml", project)
    state = tmp_path / "state.json"
    state.write_text(deployed_state(project, "chat-aws"))
    path = project / "stacks" / "chat-aws.plan.json"
    plan = json.loads(path.read_text())
    pool, deployment = plan["node_pools"][0], plan["deployments"][0]
    at_all_hours(pool, pool["nodes"] + 1)
    served_at_all_hours(deployment, 3, 2)
    path.write_text(json.dumps(plan))
    found = resource_changes(project, "chat-aws", StateFile(path=state))
    assert [step.name for step in found.steps] == ["p5-48xlarge-use1-az1-nodes", "chat-chat-autoscaler"]
    assert {step.op for step in found.steps} == {Op.UPDATE}
    assert Replaces.YES not in {step.replaces for step in found.steps}
