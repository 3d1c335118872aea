"""What a registration says beside its inputs: how the resource is kept, compared and replaced, and its old names.

Rules: inheritFromParent, resolveProvider and RegisterResource in pkg/resource/deploy/source_eval.go of pulumi/pulumi
(v3.259). Hooks are kept by name and never run: a hook acts, and a preview does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from components.graph import Resource, Value
from infra.recorder import sdk
from infra.recorder.providers import package_of
from infra.recorder.timeouts import timeouts_s
from infra.recorder.urns import AliasSpec, all_aliases
from infra.recorder.wire import decoded, dependencies_in

HOOKS = ("before_create", "after_create", "before_update", "after_update", "before_delete", "after_delete", "on_error")


def inherited(request: Any, parent: Any) -> Any:
    """
    *request* with what it leaves open and its *parent* says: protect, retain on delete, deleted with, providers.

    The SDK passes these on as well; the engine does it again, since a transform may have changed the parent.
    """
    child = sdk.resource_pb2.RegisterResourceRequest()
    child.CopyFrom(request)
    child.deletedWith = request.deletedWith or parent.deletedWith
    if not request.HasField("protect") and parent.HasField("protect"):
        child.protect = parent.protect
    if not request.HasField("retainOnDelete") and parent.HasField("retainOnDelete"):
        child.retainOnDelete = parent.retainOnDelete
    if not request.provider and (not request.custom or _serves(parent.provider, request)):
        child.provider = parent.provider
    for package in parent.providers.keys() - request.providers.keys():
        child.providers[package] = parent.providers[package]
    return child


def _serves(provider: str, request: Any) -> bool:
    """Whether *provider* is of the resource's own package."""
    return f"pulumi:providers:{package_of(request.type)}::" in provider


def with_provider_of(request: Any) -> Any:
    """*request* with the provider that is there for its package, where it names none itself."""
    found = request.providers.get(package_of(request.type)) if request.custom else None
    if found and not request.provider:
        request.provider = found
    return request


def with_options(resource: Resource, request: Any, *, parent: Resource | None) -> Resource:
    """
    *resource* with all that its *request* says of it beside its inputs.

    Raises:
        UnreadableTimeout: If a custom timeout is no duration.
    """
    says = request.deleteBeforeReplaceDefined or request.deleteBeforeReplace
    return replace(
        resource,
        property_dependencies=_property_dependencies(request),
        dependencies=tuple(sorted({*request.dependencies, *dependencies_in(request.object.fields.values())})),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        hide_diff=tuple(request.hideDiffs),
        delete_before_replace=request.deleteBeforeReplace if says else None,
        deleted_with=request.deletedWith,
        replace_with=tuple(sorted(request.replace_with)),
        replacement_trigger=_trigger(request),
        timeouts_s=timeouts_s(request.customTimeouts, urn=resource.urn),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        hooks=tuple(_hooks(request.hooks)),
        aliases=all_aliases(
            [*request.aliasURNs, *map(_alias, request.aliases)],
            own=resource.urn,
            parent=resource.parent,
            parent_aliases=parent.aliases if parent else (),
        ),
    )


def _property_dependencies(request: Any) -> Mapping[str, tuple[str, ...]]:
    """What stands behind each input: as told beside the inputs, and in outputs among them."""
    told = {key: set(found.urns) for key, found in request.propertyDependencies.items()}
    for key, value in request.object.fields.items():
        told[key] = told.get(key, set()) | dependencies_in([value])
    return {key: tuple(sorted(urns)) for key, urns in sorted(told.items()) if urns}


def _trigger(request: Any) -> Value:
    return decoded(request.replacement_trigger) if request.HasField("replacement_trigger") else None


def _hooks(binding: Any) -> Iterable[str]:
    for when in HOOKS:
        yield from (f"{when}:{name}" for name in getattr(binding, when))


def _alias(alias: Any) -> AliasSpec | str:
    if alias.WhichOneof("alias") == "urn":
        return str(alias.urn)
    spec = alias.spec
    return AliasSpec(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )
