"""A stack's recorded state, from the JSON of `pulumi stack export`, as a base to compare with.

Formats: deployment versions 3 and 4 (sdk/go/common/apitype/core.go in pulumi/pulumi). A feature that this reader does
not know is refused, as the engine does: what it does not understand it must not compare.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from components.graph import Asset, Encrypted, Resource, Secret, Unknown, Value
from infra.diff.changes import PendingOperation
from infra.diff.compare import holds_encrypted
from infra.diff.errors import InvalidState
from infra.diff.recorded import Base, Recorded
from infra.recorder import urns, wire
from infra.recorder.wire import SIGNATURE, UNKNOWN, asset_hash

VERSIONS = (3, 4)
# Of version 4, and none changes what is read here (supportedFeatures in pkg/resource/stack/deployment.go of
# pulumi/pulumi v3.259; "snippets-prototype" of that list is left out on purpose: an experiment).
FEATURES = (
    "refreshBeforeUpdate",
    "views",
    "hooks",
    "taint",
    "replaceWith",
    "extensionParameterization",
    "byteString",
)
FLOAT = "8ad145fe-0d11-4827-bfd7-1abcbf086f5c"  # signatures that only a state has
BYTES = "803fd3297a5875dc03ca845dda5d2a98"
EXPORT = "write it anew with: pulumi stack export --file FILE"


def read_state(text: str, *, source: str, project: str, stack: str) -> Base:
    """
    The state in *text*, as the base of *stack* in *project*.

    Args:
        text: What `pulumi stack export` printed (or a checkpoint file of a file backend).
        source: What to call it in messages: the file's name.
        project: The project whose program will be compared.
        stack: The stack that will be compared.

    Raises:
        InvalidState: If it is damaged, of a format that is not known, or of another stack.
    """
    deployment = _deployment(_document(text, source), source)
    entries = tuple(
        _recorded(item, place, source)
        for place, item in enumerate(_items(deployment, "resources", source))
        if not (isinstance(item, dict) and item.get("viewOf"))  # a provider's view of another resource
    )
    _check_stack(entries, source=source, project=project, stack=stack)
    root = next((entry for entry in entries if entry.resource.type == urns.ROOT_TYPE and not entry.delete), None)
    return Base(
        name=f"state {source}",
        project=project,
        stack=stack,
        entries=entries,
        outputs=root.outputs if root else {},
        pending=tuple(_pending(item, source) for item in _items(deployment, "pending_operations", source)),
        notes=tuple(_notes(entries)),
    )


def _document(text: str, source: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidState(source=source, what=f"is not JSON ({error})", mend=EXPORT) from None
    if not isinstance(document, dict) or not ("deployment" in document or "checkpoint" in document):
        raise InvalidState(source=source, what="is not a stack export: it holds no `deployment`", mend=EXPORT)
    return document


def _deployment(document: Mapping[str, Any], source: str) -> Mapping[str, Any]:
    version = document.get("version")
    if version not in VERSIONS:
        raise InvalidState(
            source=source,
            what=f"has format version {version!r}; known are {' and '.join(map(str, VERSIONS))}",
            mend="export with a Pulumi release that writes a known version, or upgrade sizeup",
        )
    unknown = sorted(set(document.get("features") or ()) - set(FEATURES))
    if unknown:
        raise InvalidState(
            source=source,
            what=f"uses features that are not known here: {', '.join(unknown)}",
            mend="upgrade sizeup, or preview with `pulumi preview`",
        )
    deployment = document.get("deployment")
    if deployment is None and isinstance(document.get("checkpoint"), dict):
        deployment = document["checkpoint"].get("latest")
    if deployment is None:  # a stack that was made and never deployed
        return {}
    if not isinstance(deployment, dict):
        raise InvalidState(source=source, what="its `deployment` is not an object", mend=EXPORT)
    return deployment


def _items(deployment: Mapping[str, Any], key: str, source: str) -> list[Any]:
    items = deployment.get(key)
    if items is None:
        return []
    if not isinstance(items, list):
        raise InvalidState(source=source, what=f"its `{key}` is not a list", mend=EXPORT)
    return items


def _recorded(item: Any, place: int, source: str) -> Recorded:
    try:
        urn, type_ = item["urn"], item["type"]
        name = urns.parse(urn).name
        inputs = _properties(item.get("inputs"))
        return Recorded(
            resource=Resource(
                urn=urn,
                type=type_,
                name=name,
                custom=bool(item.get("custom")),
                parent=item.get("parent") or None,
                provider=str(item["provider"]).rpartition("::")[0] if item.get("provider") else None,
                inputs=inputs,
                dependencies=tuple(sorted(item.get("dependencies") or ())),
                property_dependencies={
                    key: tuple(found) for key, found in (item.get("propertyDependencies") or {}).items() if found
                },
                external=bool(item.get("external")),
                protect=bool(item.get("protect")),
                retain_on_delete=bool(item.get("retainOnDelete")),
                ignore_changes=tuple(item.get("ignoreChanges") or ()),
                replace_on_changes=tuple(item.get("replaceOnChanges") or ()),
                hide_diff=tuple(item.get("hideDiff") or ()),
                deleted_with=item.get("deletedWith") or "",
                replace_with=tuple(item.get("replaceWith") or ()),
                replacement_trigger=_value(item.get("replacementTrigger")),
                aliases=tuple(item.get("aliases") or ()),
                import_id=item.get("importID") or "",
                source_position=item.get("sourcePosition"),
            ),
            id=item.get("id") or "",
            outputs=_properties(item.get("outputs")),
            delete=bool(item.get("delete")),
            tainted=bool(item.get("taint")),
            pending_replacement=bool(item.get("pendingReplacement")),
            init_errors=tuple(item.get("initErrors") or ()),
            refreshed_first=bool(item.get("refreshBeforeUpdate")),
        )
    except KeyError as error:
        raise InvalidState(
            source=source, what=f"resource {place} cannot be read (it lacks {error})", mend=EXPORT
        ) from None
    except (TypeError, AttributeError, ValueError) as error:
        raise InvalidState(source=source, what=f"resource {place} cannot be read ({error})", mend=EXPORT) from None


def _pending(item: Any, source: str) -> PendingOperation:
    try:
        return PendingOperation(urn=item["resource"]["urn"], type=item["resource"]["type"], operation=item["type"])
    except (KeyError, TypeError) as error:
        raise InvalidState(source=source, what=f"a pending operation cannot be read ({error})", mend=EXPORT) from None


def _properties(properties: Mapping[str, Any] | None) -> dict[str, Value]:
    return {key: _value(value) for key, value in sorted((properties or {}).items())}


def _value(raw: Any) -> Value:
    """A property as the state writes it: like the wire, but for secrets."""
    match raw:
        case dict() if SIGNATURE in raw:
            return _signed(raw)
        case dict():
            return _properties(raw)
        case list():
            return [_value(item) for item in raw]
        case str() if raw == UNKNOWN:
            return Unknown()
        case float() if raw.is_integer():
            return int(raw)
        case None | bool() | int() | float() | str():
            return raw
        case _:
            raise TypeError(f"{type(raw).__name__} is no property value")


def _signed(raw: Mapping[str, Any]) -> Value:  # noqa: PLR0911  one line for each kind of value
    """A value that JSON has not, by its signature (DeserializePropertyValue in pkg/resource/stack/deployment.go)."""
    match raw[SIGNATURE]:
        case wire.SECRET if "plaintext" in raw:
            return Secret(_value(json.loads(raw["plaintext"])))
        case wire.SECRET:
            return Secret(Encrypted(raw["ciphertext"]))
        case wire.RESOURCE:
            return {"urn": raw["urn"]}
        case wire.OUTPUT:
            inner = _value(raw["value"]) if "value" in raw else Unknown()
            return Secret(inner) if raw.get("secret") else inner
        case wire.ASSET | wire.ARCHIVE:
            return Asset(asset_hash({key: _value(item) for key, item in raw.items() if key != SIGNATURE}, root=None))
        case signature if signature == FLOAT:  # not a number, or infinite
            found: float = struct.unpack(">d", int(raw["value"], 16).to_bytes(8, "big"))[0]
            return found
        case signature if signature == BYTES:  # a text that is no UTF-8
            return Asset(f"bytes:{raw['value']}")
        case signature:
            raise ValueError(f"a value with the signature {signature!r}, which is not known")


def _check_stack(entries: tuple[Recorded, ...], *, source: str, project: str, stack: str) -> None:
    for entry in entries:
        found = urns.parse(entry.resource.urn)
        if (found.project, found.stack) != (project, stack):
            raise InvalidState(
                source=source,
                what=f"is of stack {found.stack!r} in project {found.project!r}, not of {stack!r} in {project!r}",
                mend=f"export the right one: pulumi stack export --stack {stack} --file FILE",
            )


def _notes(entries: tuple[Recorded, ...]) -> Iterator[str]:
    encrypted = sum(holds_encrypted(dict(entry.resource.inputs)) for entry in entries)
    if encrypted:
        whose = "1 resource holds" if encrypted == 1 else f"{encrypted} resources hold"
        yield (
            f"{whose} secrets that are encrypted in the state and cannot be compared; "
            "`pulumi stack export --show-secrets` would tell"
        )
    refreshed = [entry.resource.name for entry in entries if entry.refreshed_first and not entry.delete]
    if refreshed:
        yield f"read anew from the cloud before they are compared, which is not done here: {', '.join(refreshed)}"
