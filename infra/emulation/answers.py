"""How a provider's findings are put into the protocol's messages, and its configuration taken from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from components.graph import Secret, Value
from infra.diff import paths
from infra.emulation import diffs
from infra.emulation.cloud import NOT_KEPT
from infra.emulation.nature import PROJECT, Settings, cluster_of
from infra.emulation.protocol import any_pb2, grpc, provider_pb2, status_pb2
from infra.recorder.wire import encoded_struct

Kinds = provider_pb2.PropertyDiff.Kind
_KINDS: Mapping[tuple[diffs.Kind, bool], Kinds.ValueType] = {
    (diffs.Kind.ADD, False): Kinds.ADD,
    (diffs.Kind.ADD, True): Kinds.ADD_REPLACE,
    (diffs.Kind.DELETE, False): Kinds.DELETE,
    (diffs.Kind.DELETE, True): Kinds.DELETE_REPLACE,
    (diffs.Kind.UPDATE, False): Kinds.UPDATE,
    (diffs.Kind.UPDATE, True): Kinds.UPDATE_REPLACE,
}


def settings_of(package: str, arguments: Mapping[str, Value]) -> Settings:
    """From a provider's inputs, where structured values are JSON in a text."""
    tags = _parsed(arguments.get("defaultTags"))
    own = tags.get("tags") if isinstance(tags, dict) else None
    return Settings(
        package=package,
        region=_plain(arguments.get("region")),
        project=_plain(arguments.get("project")) or PROJECT,
        default_tags=own if isinstance(own, dict) else {},
        mutable_config_maps=_parsed(arguments.get("enableConfigMapMutable")) is True,
        cluster=cluster_of(arguments),
    )


def _parsed(value: Value) -> Value:
    if isinstance(value, Secret):
        return _parsed(value.value)
    if not isinstance(value, str):
        return value
    try:
        found: Value = json.loads(value)
    except ValueError:
        return value
    return found


def _plain(value: Value) -> str:
    return value if isinstance(value, str) else ""


def diff_response(found: diffs.Diffed) -> provider_pb2.DiffResponse:
    """What changed, as the engine is told: every path with its kind, and those that force a replacement."""
    replacing = [paths.text(change.path) for change in found.changes if change.replaces]
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replacing,
        diffs=sorted({str(change.path[0]) for change in found.changes}),
        detailedDiff={
            paths.text(change.path): provider_pb2.PropertyDiff(
                kind=_KINDS[change.kind, change.replaces], inputDiff=True
            )
            for change in found.changes
        },
        hasDetailedDiff=True,
        deleteBeforeReplace=found.delete_before_replace,
    )


def init_failed(
    context: grpc.ServicerContext, id_: str, found: Mapping[str, Value], inputs: Mapping[str, Value], reason: str
) -> NoReturn:
    """End the call with the error that says: it is there, but not in working order."""
    detail = any_pb2.Any()
    detail.Pack(
        provider_pb2.ErrorResourceInitFailed(
            id=id_, properties=encoded_struct(found), inputs=encoded_struct(inputs), reasons=[reason]
        )
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, reason)
    raise AssertionError  # abort raises


def with_secrets_of(kept: Mapping[str, Value], known: Mapping[str, Value]) -> dict[str, Value]:
    """*kept*, with the secrets that the cloud's file does not hold taken from what the engine knows."""
    return {key: _restored(value, known.get(key)) for key, value in kept.items()}


def _restored(kept: Value, known: Value) -> Value:
    if kept == NOT_KEPT:
        return known
    if isinstance(kept, dict):
        return with_secrets_of(kept, known if isinstance(known, dict) else {})
    if isinstance(kept, list):
        was = known if isinstance(known, list) else []
        return [_restored(item, was[place] if place < len(was) else None) for place, item in enumerate(kept)]
    return kept
