"""Answers to a program that runs on top of a base: what each registration would come back with in a real preview.

A resource that stays as it is keeps its id and outputs; an update keeps its id, and its new inputs stand over the old
outputs; what is created or replaced has no id yet, and only its inputs are known.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from components.graph import Resource, Unknown, Value
from infra.diff import paths
from infra.diff.changes import Op, Step
from infra.diff.compare import holds_encrypted
from infra.diff.diff import next_step
from infra.diff.progress import Progress
from infra.diff.recorded import Base
from infra.diff.replacement import recomputed_by_updates
from infra.recorder.answers import Answer, created


def settled(base: Base) -> Callable[[Resource], Answer]:
    """
    Answers on top of *base*: decided while the program runs, so that an unchanged resource's outputs stay known.

    Without that, every output would be unknown, and every resource behind one would seem to change.
    """
    progress = Progress(base=base)
    one_at_a_time = threading.Lock()  # a program registers from many threads

    def answer(resource: Resource) -> Answer:
        with one_at_a_time:
            step = next_step(progress, resource)
        old = base.find(resource)
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
