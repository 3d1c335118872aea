"""The example stacks, deployed and unchanged: a preview over their state shows nothing; a small change shows little."""

from __future__ import annotations

import json
import shutil
import typing
from collections.abc import Sequence
from pathlib import Path

import pytest

from components.graph import Resource, Unknown, Value
from infra.diff.changes import Op, Replaces
from infra.preview.base import StateFile, resource_changes
from infra.preview.validation import findings
from infra.recorder import sdk
from infra.recorder.answers import Answer, created
from infra.recorder.stack_program import record_stack
from tests.recordings import exported

ROOT = Path(__file__).parents[2]
STACKS = ("chat-aws", "chat-gcp", "small-aws", "tpu-gcp")


def in_the_cloud(resource: Resource) -> Answer:
    """What a registration comes back with after a deployment: an id, and a value for every output of its class."""
    outputs: dict[str, Value] = dict(created(resource).outputs)
    kind = sdk.resource_class(resource.type)
    if resource.custom and kind is not None:
        fields = sdk.output_types(kind)
        outputs = {key: filled(outputs.get(key, Unknown()), fields[key], f"{resource.name}.{key}") for key in fields}
    return Answer(id=f"id-of-{resource.name}" if resource.custom else "", outputs=outputs)


def filled(value: Value, kind: object, name: str) -> Value:
    """*value*, or where it is unknown one of the type *kind* that says what it is."""
    if isinstance(value, Unknown):
        if isinstance(kind, type) and sdk.is_output_type(kind):
            fields = sdk.output_types(kind)
            return (
                {key: filled(Unknown(), fields[key], f"{name}.{key}") for key in fields} if name.count(".") < 3 else {}
            )
        origin = typing.get_origin(kind)
        if origin is not None:
            inner = [filled(Unknown(), argument, name) for argument in typing.get_args(kind)]
            return inner[-1:] if origin in (list, Sequence) else {}
        text = f"arn:aws:service:us-east-1:123456789012:{name}" if name.endswith(".arn") else name
        examples: dict[object, Value] = {bool: True, int: 1, float: 1.5, str: text}
        return examples.get(kind, name)
    if isinstance(value, dict) and isinstance(kind, type) and sdk.is_output_type(kind):
        fields = sdk.output_types(kind)
        return {key: filled(item, fields.get(key, str), f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, (*typing.get_args(kind), str)[0], name) for item in value]
    return value


@pytest.fixture(scope="module", params=STACKS)
def settled(request, tmp_path_factory) -> tuple[str, Path]:
    """A stack's name, and the file with the state that its deployment left."""
    graph = record_stack(ROOT, request.param, answer=in_the_cloud).graph
    outputs = {resource.urn: in_the_cloud(resource).outputs for resource in graph.resources}
    path = tmp_path_factory.mktemp("states") / f"{request.param}.json"
    path.write_text(exported(graph, outputs))
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
    graph = record_stack(project, "chat-aws", answer=in_the_cloud).graph
    outputs = {resource.urn: in_the_cloud(resource).outputs for resource in graph.resources}
    state = tmp_path / "state.json"
    state.write_text(exported(graph, outputs))
    path = project / "stacks" / "chat-aws.plan.json"
    plan = json.loads(path.read_text())
    pool = plan["node_pools"][0]
    pool["nodes"] += 1
    path.write_text(json.dumps(plan))
    found = resource_changes(project, "chat-aws", StateFile(path=state))
    assert 1 <= len(found.steps) <= 5
    assert {step.op for step in found.steps} == {Op.UPDATE}
    assert Replaces.YES not in {step.replaces for step in found.steps}
