"""Pulumi's SDK from the inside: one module knows it, and says with which releases it was tried."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from components.graph import Resource
from infra.recorder import sdk
from infra.recorder.answers import Answer
from infra.recorder.recorder import Transport, record
from tests.recordings import PROJECT, ROOT, STACK, recorded

HERE = Path(__file__).parents[2]
ADAPTER = "infra/recorder/sdk.py"
# The protocol's messages are a public promise between the Pulumi CLI and its plugins; each side of it has one door.
DOORS = {ADAPTER, "infra/emulation/protocol.py", "infra/policy/sdk.py"}


def private_names(source: str) -> Iterator[str]:
    """What *source* takes from Pulumi that has an underscore before it, or is of its protocol."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str() as module, names=names) if module.partition(".")[0] == "pulumi":
                yield from (full for one in names if _is_private(full := f"{module}.{one.name}"))
            case ast.Import(names=names):
                yield from (
                    one.name for one in names if one.name.partition(".")[0] == "pulumi" and _is_private(one.name)
                )
            case ast.Attribute() if _dotted(node).startswith("pulumi.") and _is_private(_dotted(node)):
                yield _dotted(node)


def _is_private(name: str) -> bool:
    return ".proto." in f"{name}." or _is_hidden(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def _dotted(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=value, attr=attr):
            return f"{_dotted(value)}.{attr}"
        case ast.Name(id=name):
            return name
        case _:
            return ""


def test_private_names_of_the_sdk_are_found_in_each_way_to_write_them():
    """The check below would pass whatever stood there, if this did not hold."""
    source = (
        "import pulumi\nimport pulumi._types\nfrom pulumi.runtime import _grpc_settings\n"
        "from pulumi.runtime.proto import alias_pb2\nx = pulumi.runtime._callbacks.y\npulumi.Output.all()\n"
    )
    assert list(private_names(source)) == [
        "pulumi._types",
        "pulumi.runtime._grpc_settings",
        "pulumi.runtime.proto.alias_pb2",
        "pulumi.runtime._callbacks.y",
        "pulumi.runtime._callbacks",
    ]


def test_private_names_of_the_sdk_are_used_in_one_module():
    """When a release moves one of them, one file changes."""
    users = {
        path.relative_to(HERE).as_posix(): set(private_names(path.read_text("utf-8")))
        for room in ("infra", "components", "sizing")
        for path in (HERE / room).rglob("*.py")
    }
    assert {path for path, names in users.items() if any(map(_is_hidden, names))} == {ADAPTER}
    assert {path for path, names in users.items() if names} <= DOORS


def test_the_installed_sdk_is_one_that_the_adapter_was_tried_with():
    """A new release is added to TESTED after this folder's tests passed with it: `make sdk`."""
    assert sdk.installed_version().rpartition(".")[0] in sdk.TESTED


def test_the_oldest_release_that_may_be_installed_was_tried():
    """The floor of the requirement, as pyproject.toml states it."""
    document = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))
    (wanted,) = (one for one in document["project"]["optional-dependencies"]["pulumi"] if one.startswith("pulumi>="))
    assert wanted.removeprefix("pulumi>=").partition(",")[0] in sdk.TESTED


@pytest.mark.parametrize("transport", Transport)
def test_a_fault_of_ours_is_raised_as_it_is(transport: Transport):
    """Over the wire the program sees a message only; whoever runs it sees what went wrong where."""

    def broken(resource: Resource) -> Answer:
        raise KeyError(resource.name)

    with pytest.raises(KeyError, match="shop-dev"):
        record(lambda: None, project=PROJECT, stack=STACK, root=ROOT, answer=broken, transport=transport)


def test_the_wire_is_what_a_run_takes_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch):
    """As under the Pulumi CLI; plain calls are for tests."""
    servers: list[object] = []
    made = grpc.server

    def counted(*args: object, **named: object) -> object:
        servers.append(args)
        return made(*args, **named)

    monkeypatch.setattr(sdk.grpc, "server", counted)
    record(lambda: None, project=PROJECT, stack=STACK, root=ROOT)
    assert len(servers) == 1
    recorded(lambda: None, transport=Transport.DIRECT)
    assert len(servers) == 1
