"""Property values on the wire (protobuf structs with signatures) to and from graph values.

The engine's protocol marks secrets, assets, references and outputs by a signature key inside a struct, and unknowns by
a reserved string (sdk/go/common/resource/properties.go, plugin/rpc.go in pulumi/pulumi).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2

from components.graph import Asset, Encrypted, Secret, Unknown, Value

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a signature of the protocol
ASSET = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # of a text, and what programs write for every unknown value
UNKNOWNS = (  # the others are of engines and providers, which know what kind of value it will be
    UNKNOWN,
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # true or false
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
    "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
    "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
)


def decoded_struct(struct: struct_pb2.Struct, *, root: Path | None = None) -> dict[str, Value]:
    """The properties in *struct* as graph values; files of assets are found from *root*."""
    return {key: decoded(value, root=root) for key, value in sorted(struct.fields.items())}


def decoded(value: struct_pb2.Value, *, root: Path | None = None) -> Value:
    """One wire value as a graph value. A text that holds an unknown text is unknown as a whole."""
    match value.WhichOneof("kind"):
        case "string_value":
            return Unknown() if any(mark in value.string_value for mark in UNKNOWNS) else value.string_value
        case "number_value":
            number: float = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return bool(value.bool_value)
        case "list_value":
            return [decoded(item, root=root) for item in value.list_value.values]
        case "struct_value":
            return _decoded_object(value.struct_value, root=root)
        case _:
            return None


def _decoded_object(struct: struct_pb2.Struct, *, root: Path | None) -> Value:
    fields = struct.fields
    if SIGNATURE not in fields:
        return decoded_struct(struct, root=root)
    signature = fields[SIGNATURE].string_value
    inner = decoded(fields["value"], root=root) if "value" in fields else Unknown()
    if signature == SECRET:
        return Secret(inner)
    if signature == OUTPUT:
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == RESOURCE:
        return {"urn": fields["urn"].string_value}
    return Asset(asset_hash({key: decoded(item) for key, item in fields.items()}, root=root))


def dependencies_in(values: Iterable[struct_pb2.Value]) -> set[str]:
    """URNs of the resources that outputs among *values* depend on, at any depth."""
    found: set[str] = set()
    for value in values:
        match value.WhichOneof("kind"):
            case "list_value":
                found |= dependencies_in(value.list_value.values)
            case "struct_value":
                fields = value.struct_value.fields
                if SIGNATURE in fields and fields[SIGNATURE].string_value == OUTPUT and "dependencies" in fields:
                    found |= {urn.string_value for urn in fields["dependencies"].list_value.values}
                found |= dependencies_in(fields.values())
    return found


def with_dependencies(struct: struct_pb2.Struct, told: Mapping[str, Any]) -> struct_pb2.Struct:
    """*struct* with each property as an output that carries its dependencies, which are *told* beside it."""
    return struct_pb2.Struct(
        fields={
            key: _output(value, sorted(told[key].urns)) if key in told and told[key].urns else value
            for key, value in struct.fields.items()
        }
    )


def _output(value: struct_pb2.Value, urns: list[str]) -> struct_pb2.Value:
    """*value*, plain, secret or unknown, as an output on the wire: one that is unknown has no value."""
    is_secret = False
    if value.WhichOneof("kind") == "struct_value" and SIGNATURE in value.struct_value.fields:
        fields = value.struct_value.fields
        is_secret = fields[SIGNATURE].string_value == SECRET
        value = fields["value"] if is_secret else value
    known = {} if UNKNOWN in value.string_value else {"value": value}
    return _signed(OUTPUT, secret=encoded(is_secret), dependencies=encoded(list(urns)), **known)


def asset_hash(fields: Mapping[str, Value], *, root: Path | None) -> str:
    """The content hash of an asset, as the engine computes it for texts and single files: SHA-256, in hex.

    Archives and remote assets are told apart by where they come from only: their content is not read here.
    """
    recorded = fields.get("hash")
    if isinstance(recorded, str) and recorded:
        return recorded
    text = fields.get("text")
    if isinstance(text, str):
        return hashlib.sha256(text.encode()).hexdigest()
    path = fields.get("path")
    if isinstance(path, str) and fields.get(SIGNATURE) == ASSET:
        file = Path(path) if root is None else root / path
        if file.is_file():
            return hashlib.sha256(file.read_bytes()).hexdigest()
    return "source:" + hashlib.sha256(repr(sorted(fields.items(), key=lambda field: field[0])).encode()).hexdigest()


def encoded_struct(values: Mapping[str, Value]) -> struct_pb2.Struct:
    """*values* as a wire struct."""
    return struct_pb2.Struct(fields={key: encoded(value) for key, value in values.items()})


def encoded(value: Value) -> struct_pb2.Value:  # noqa: PLR0911  one line for each kind of value
    """One graph value on the wire."""
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Unknown() | Encrypted():
            return struct_pb2.Value(string_value=UNKNOWN)
        case Secret():
            return _signed(SECRET, value=encoded(value.value))
        case Asset():
            return _signed(ASSET, hash=encoded(value.hash), text=encoded(""))
        case list():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[encoded(item) for item in value]))
        case dict():
            return struct_pb2.Value(struct_value=encoded_struct(value))


def _signed(signature: str, **fields: struct_pb2.Value) -> struct_pb2.Value:
    return struct_pb2.Value(
        struct_value=struct_pb2.Struct(fields={SIGNATURE: struct_pb2.Value(string_value=signature), **fields})
    )
