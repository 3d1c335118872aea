"""The example stacks as they are once deployed: the state that the real engine and providers would have left."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from components.graph import Graph, Resource, Unknown, Value
from infra.emulation.answers import settings_of
from infra.emulation.checks import Request, checked
from infra.recorder import sdk
from infra.recorder.answers import Answer, created
from infra.recorder.providers import is_provider, package_of
from infra.recorder.stack_program import record_stack
from tests.recordings import exported


def deployed_state(root: Path, stack: str) -> str:
    """
    What `pulumi stack export` prints after *stack* of the project *root* was deployed.

    Inputs are as the providers' checks leave them: with defaults and their marks, generated names, regions and tags.
    """
    graph = record_stack(root, stack, answer=in_the_cloud).graph
    outputs = {resource.urn: in_the_cloud(resource).outputs for resource in graph.resources}
    return exported(_checked(graph), outputs)


def _checked(graph: Graph) -> Graph:
    providers = {resource.urn: resource for resource in graph.resources if is_provider(resource.type)}
    return replace(graph, resources=tuple(_as_recorded(resource, providers) for resource in graph.resources))


def _as_recorded(resource: Resource, providers: Mapping[str, Resource]) -> Resource:
    provider = providers.get(resource.provider or "")
    if not resource.custom or provider is None:
        return resource
    request = Request(
        urn=resource.urn, type=resource.type, name=resource.name, inputs=resource.inputs, old={}, seed=b"deployed"
    )
    found = checked(request, settings_of(package_of(resource.type), provider.inputs))
    assert found.failures == ()
    return replace(resource, inputs=found.inputs)


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
