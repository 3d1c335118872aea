"""The engine's resources as a graph: what a preview reads, read from what policies are sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2

from components.graph import Resource, Secret, Unknown
from infra.policy.resources import graph_of
from infra.recorder.stack_program import record_stack
from infra.recorder.wire import UNKNOWNS
from tests.policy.engine import ROOT, sent
from tests.project import STACKS

TOLD = (
    *("urn", "type", "name", "custom", "external", "parent", "provider", "inputs", "dependencies"),
    *("property_dependencies", "protect", "ignore_changes", "timeouts_s", "additional_secret_outputs"),
)
URN = "urn:pulumi:dev::shop::aws:ec2/vpc:Vpc::it"


def told(resource: Resource) -> dict[str, object]:
    """What the engine tells policies of a resource; of retainOnDelete, hooks and source positions it tells nothing."""
    return {name: getattr(resource, name) for name in TOLD}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_sent_by_the_engine_is_the_stack_that_was_recorded(name: str):
    """In all that rules and prices read."""
    recorded = record_stack(ROOT, name).graph
    inputs = {one.urn: one.inputs for one in recorded.resources}
    found = graph_of(sent(recorded), inputs)
    assert (found.project, found.stack) == (recorded.project, recorded.stack)
    assert [told(one) for one in found.resources] == [told(one) for one in recorded.resources]


@pytest.mark.parametrize("mark", UNKNOWNS)
def test_every_mark_of_an_unknown_value_is_read(mark: str):
    """The engine has one for each kind of value."""
    properties = struct_pb2.Struct()
    properties.update({"count": mark})
    resource = analyzer_pb2.AnalyzerResource(urn=URN, type="aws:ec2/vpc:Vpc", name="it", properties=properties)
    (found,) = graph_of([resource], {}).resources
    assert found.inputs == {"count": Unknown()}


def test_a_secret_stays_a_secret():
    """With its value inside, for rules to compare."""
    recorded = record_stack(ROOT, "chat-aws").graph
    first = recorded.resources[-1]
    graph = replace(recorded, resources=(replace(first, inputs={"token": Secret("hunter2")}),))
    (found,) = graph_of(sent(graph), {}).resources
    assert found.inputs["token"] == Secret("hunter2")


def test_a_resource_that_was_not_registered_is_looked_up():
    """The engine asks about registered ones first; where it asked about none, nothing can be told apart."""
    recorded = record_stack(ROOT, "tpu-gcp").graph
    inputs = {one.urn: one.inputs for one in recorded.resources if not one.type.endswith(":Bucket")}
    external = {one.type for one in graph_of(sent(recorded), inputs).resources if one.external}
    assert external == {"gcp:storage/bucket:Bucket"}
    assert not any(one.external for one in graph_of(sent(recorded), {}).resources)
