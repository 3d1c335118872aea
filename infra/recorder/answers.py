"""What the recorder answers the program when it registers a resource: an id and outputs, or that they are unknown."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass

from components.graph import Resource, Unknown, Value
from infra.recorder import sdk


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a registration comes back with."""

    id: str  # empty: known after apply
    outputs: Mapping[str, Value]  # a missing key is an output known after apply


def created(resource: Resource) -> Answer:
    """
    The answer for a resource that does not exist yet: its inputs, and unknowns wherever the cloud may fill in.

    Inside an object of typed fields, a field that the program left out is unknown too (the security group that EKS adds
    to `vpc_config`): a provider may compute it, and which ones it does is not known offline.
    """
    if not resource.custom:
        return Answer(id="", outputs=resource.inputs)
    if resource.type.startswith("kubernetes:"):
        return Answer(id="", outputs=_with_object_name(resource.inputs))
    kind = sdk.resource_class(resource.type)
    if kind is None:
        return Answer(id="", outputs=resource.inputs)
    types = sdk.output_types(kind)
    return Answer(id="", outputs={key: _completed(value, types.get(key)) for key, value in resource.inputs.items()})


def _with_object_name(inputs: Mapping[str, Value]) -> dict[str, Value]:
    """A Kubernetes object always has a name: a generated one where the program gives none."""
    metadata = inputs.get("metadata")
    if metadata is None:
        return {**inputs, "metadata": {"name": Unknown()}}
    if isinstance(metadata, dict) and "name" not in metadata:
        return {**inputs, "metadata": {**metadata, "name": Unknown()}}
    return dict(inputs)


def _completed(value: Value, kind: object) -> Value:
    """*value* with unknowns for the fields that its output class has and it has not."""
    if isinstance(value, dict) and isinstance(kind, type) and sdk.is_output_type(kind):
        fields = sdk.output_types(kind)
        known: dict[str, Value] = {key: _completed(item, fields.get(key)) for key, item in value.items()}
        return known | {key: Unknown() for key in fields if key not in known}
    if isinstance(value, list):
        of_items, *more = typing.get_args(kind) or (None,)
        return value if more else [_completed(item, of_items) for item in value]
    return value
