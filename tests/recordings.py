"""Small Pulumi programs' parts for tests of the preview, and the state that Pulumi would record of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pulumi

from components.graph import Graph, Resource, Secret, Unknown, Value
from infra.diff.changes import ResourceChanges, Step
from infra.diff.diff import changes
from infra.diff.recorded import Base
from infra.diff.settled import settled
from infra.diff.state import read_state
from infra.recorder.answers import Answer
from infra.recorder.config import Config
from infra.recorder.recorder import Transport, record
from infra.recorder.sdk import Program
from infra.recorder.wire import SECRET, SIGNATURE

ROOT = Path(__file__).parent
PROJECT, STACK = "shop", "dev"


class Disk(pulumi.CustomResource):
    """A made-up resource with two inputs and an output that only the cloud knows."""

    size: pulumi.Output[Any]
    label: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: object) -> None:
        """Register it with any *inputs*."""
        super().__init__("toy:storage/disk:Disk", name, {"size": None, "label": None, "address": None, **inputs}, opts)


class Rack(pulumi.ComponentResource):
    """A component with one disk in it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, **inputs: object) -> None:
        """Register it with one disk of *inputs*."""
        super().__init__("toys:index:Rack", name, None, opts)
        self.disk = Disk(f"{name}-disk", opts=pulumi.ResourceOptions(parent=self), **inputs)
        self.register_outputs({})


def recorded(
    program: Callable[[], object], *, config: Config | None = None, transport: Transport = Transport.DIRECT
) -> Graph:
    """The graph of *program* as a stack that does not exist yet."""
    return record(_program(program), project=PROJECT, stack=STACK, root=ROOT, config=config, transport=transport)


def _program(program: Callable[[], object]) -> Program:
    """*program* as the recorder takes it; a lambda may return its resource, which nobody looks at."""
    return cast("Program", program)


def named(graph: Graph, name: str) -> Resource:
    """The only resource called *name*."""
    (found,) = (resource for resource in graph.resources if resource.name == name)
    return found


def settled_base(program: Callable[[], object], *, encrypted: bool = False, **outputs: Mapping[str, Value]) -> Base:
    """The base that reading the state gives, after *program* was deployed and the cloud filled in *outputs*."""
    return read_state(
        exported_state(program, encrypted=encrypted, **outputs), source="state.json", project=PROJECT, stack=STACK
    )


def exported_state(program: Callable[[], object], *, encrypted: bool = False, **outputs: Mapping[str, Value]) -> str:
    """
    What `pulumi stack export` prints after *program* was deployed: each resource's id is `id-of-<name>`.

    Args:
        program: The deployed program.
        encrypted: Write secrets as ciphertext, as without `--show-secrets`.
        outputs: What the cloud filled in, by resource name.
    """

    def deployed(resource: Resource) -> Answer:
        filled_in = outputs.get(resource.name, {})
        own = resource.import_id if resource.external else f"id-of-{resource.name}"
        return Answer(id=own if resource.custom else "", outputs={**resource.inputs, **filled_in})

    graph = record(_program(program), project=PROJECT, stack=STACK, root=ROOT, answer=deployed)
    return exported(graph, outputs, encrypted=encrypted)


def exported(graph: Graph, outputs: Mapping[str, Mapping[str, Value]], *, encrypted: bool = False) -> str:
    """The state of a deployed *graph*, with what the cloud filled in, by resource name or URN."""
    resources = [_exported(item, outputs, encrypted=encrypted) for item in graph.resources]
    resources[0]["outputs"] = {key: _raw(value, encrypted=encrypted) for key, value in graph.outputs.items()}
    return json.dumps({"version": 3, "deployment": {"resources": resources}})


def _exported(resource: Resource, outputs: Mapping[str, Mapping[str, Value]], *, encrypted: bool) -> dict[str, object]:
    inputs = {key: _raw(value, encrypted=encrypted) for key, value in resource.inputs.items()}
    known = {"urn": resource.urn, "type": resource.type, "custom": resource.custom, "inputs": inputs}
    if resource.custom:
        known |= {
            "id": resource.import_id if resource.external else f"id-of-{resource.name}",
            "external": resource.external,
            "outputs": inputs | dict(outputs.get(resource.urn, outputs.get(resource.name, {}))),
            "protect": resource.protect,
            "retainOnDelete": resource.retain_on_delete,
        }
    if resource.provider:
        known["provider"] = f"{resource.provider}::id-of-provider"
    return known | {"parent": resource.parent, "dependencies": list(resource.dependencies)}


def _raw(value: Value, *, encrypted: bool) -> object:
    match value:
        case Unknown():  # answered by the cloud while it was deployed
            return "looked up"
        case Secret() if encrypted:
            return {SIGNATURE: SECRET, "ciphertext": "v1:AAAA"}
        case Secret():
            return {SIGNATURE: SECRET, "plaintext": json.dumps(value.value)}
        case list():
            return [_raw(item, encrypted=encrypted) for item in value]
        case dict():
            return {key: _raw(item, encrypted=encrypted) for key, item in value.items()}
        case _:
            return value


def deployed_over(program: Callable[[], object], base: Base) -> ResourceChanges:
    """What deploying *program* on top of *base* would do."""
    graph = record(_program(program), project=base.project, stack=base.stack, root=ROOT, answer=settled(base))
    return changes(graph, base)


def only_step(found: ResourceChanges) -> Step:
    """The only step of *found*."""
    (step,) = found.steps
    return step
