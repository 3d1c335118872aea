"""What the recorder answers the program when it registers a resource: an id and outputs, or that they are unknown.

As in a real preview: a resource that stays as it is keeps its id and outputs; an update keeps its id, and its new
inputs stand over the old outputs; what is created or replaced has no id yet, and only its inputs are known.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.graph import Resource, Unknown, Value
from infra.preview import paths, sdk
from infra.preview.changes import Op, Step
from infra.preview.compare import holds_encrypted
from infra.preview.diff import changes_outputs, step_of
from infra.preview.providers import is_provider
from infra.preview.recorded import Base
from infra.preview.replacement import recomputed_by_updates


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


def settled(base: Base) -> Callable[[Resource], Answer]:
    """
    Answers on top of *base*: decided while the program runs, so that an unchanged resource's outputs stay known.

    Without that, every output would be unknown, and every resource behind one would seem to change.
    """
    inputs_of_providers: dict[str, Mapping[str, Value]] = {}
    moved: set[str] = set()

    def answer(resource: Resource) -> Answer:
        if is_provider(resource.type):
            inputs_of_providers[resource.urn] = resource.inputs
        old = base.find(resource)
        step = step_of(old, resource, provider_inputs=inputs_of_providers.get(resource.provider or "", {}), moved=moved)
        if changes_outputs(step, base):
            moved.add(resource.urn)
        if old is None or step.op not in (Op.SAME, Op.UPDATE) or not base.is_state or not resource.custom:
            return created(resource)
        if step.op is Op.SAME or not step.certain:
            return Answer(id=old.id, outputs=_readable(old.outputs, resource.inputs))
        return Answer(id=old.id, outputs=_updated(old.outputs, resource, step))

    return answer


def _readable(outputs: Mapping[str, Value], inputs: Mapping[str, Value]) -> dict[str, Value]:
    """*outputs*, with the program's own secrets where the state holds only their ciphertext."""
    return {key: inputs.get(key, value) if holds_encrypted(value) else value for key, value in outputs.items()}


def _updated(outputs: Mapping[str, Value], resource: Resource, step: Step) -> dict[str, Value]:
    """*outputs* after an update in place: changed inputs over them; what each update recomputes is unknown."""
    changed = {paths.parsed(change.path)[0] for change in step.changes} & resource.inputs.keys()
    overlaid = {key: _over(outputs.get(key), resource.inputs[key]) for key in map(str, changed)}
    recomputed: dict[str, Value] = {key: Unknown() for key in recomputed_by_updates(resource.type)}
    return {**_readable(outputs, resource.inputs), **overlaid, **recomputed}


def _over(old: Value, new: Value) -> Value:
    """*new* with what *old* has besides, in objects: what the cloud filled in stays."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _over(old.get(key), item) for key, item in new.items()}}
    return new
