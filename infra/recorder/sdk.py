"""The one place that knows Pulumi's SDK from the inside: private names, and the messages of its protocol.

Tested with the versions in TESTED (a test says whether the installed one is among them). When an SDK release moves one
of these names, this file changes and no other.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import importlib.metadata
import sys
import threading
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi import _types
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime import rpc as _rpc
from pulumi.runtime import settings as _settings
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS as CHANNEL_OPTIONS
from pulumi.runtime.proto import (
    alias_pb2,
    callback_pb2,
    callback_pb2_grpc,
    engine_pb2,
    engine_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

__all__ = [
    "CHANNEL_OPTIONS",
    "TESTED",
    "Session",
    "alias_pb2",
    "argument_names",
    "callback_pb2",
    "callback_pb2_grpc",
    "empty_pb2",
    "engine_pb2",
    "engine_pb2_grpc",
    "grpc",
    "installed_version",
    "is_input_type",
    "is_output_type",
    "output_types",
    "read_response",
    "resource_class",
    "resource_pb2",
    "resource_pb2_grpc",
    "run",
    "struct_pb2",
    "sync_invoke_position",
]

# Releases of the `pulumi` package that every test of the recorder passes with (`make sdk` runs them on the newest): the
# oldest that may be installed, and the pinned one. 3.260 drops the secret mark of values that are unknown.
TESTED = ("3.260", "3.272")

Program = Callable[[], Awaitable[None] | None]


def installed_version() -> str:
    """Release of the `pulumi` package that is installed."""
    return importlib.metadata.version("pulumi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the language runtime tells a program before it starts."""

    project: str
    stack: str
    organization: str
    root: Path  # the folder of Pulumi.yaml
    config: Mapping[str, str]
    secret_keys: tuple[str, ...]
    monitor: object  # an address, or an object with the monitor's methods
    engine: object


def run(program: Program, session: Session) -> None:
    """
    Run *program* as `pulumi preview` would, and wait until everything it started is done.

    The SDK keeps its state in context variables and one event loop, so each run gets a thread of its own: fresh
    context, fresh loop, nothing left behind. Whatever the program raises is raised here.
    """
    failure: list[BaseException] = []

    def in_thread() -> None:
        try:
            _run_in_loop(program, session)
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread, which raises it
            failure.append(error)

    thread = threading.Thread(target=in_thread, name="pulumi program", daemon=True)
    with _without_garbage_collection():
        thread.start()
        thread.join()
    if failure:
        raise failure[0]


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """
    No search for reference cycles meanwhile: the SDK keeps nearly all that it makes until the program ends.

    Searching it again and again took more than half of the time of 1,000 resources, and freed 2 % of the memory.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _run_in_loop(program: Program, session: Session) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_exception_handler(lambda _loop, _context: None)  # the first failure is raised; its echoes are noise
    try:
        configure(
            Settings(
                project=session.project,
                stack=session.stack,
                organization=session.organization,
                root_directory=str(session.root),
                monitor=session.monitor,
                engine=session.engine,
                dry_run=True,
            )
        )
        _settings.ROOT.set(None)
        set_all_config(dict(session.config), list(session.secret_keys))
        loop.run_until_complete(run_in_stack(program))
    finally:
        _settings.ROOT.set(None)
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """End the tasks that a failed program left waiting, then the loop."""
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def read_response(*, urn: str, id: str, properties: struct_pb2.Struct) -> object:  # noqa: A002  the protocol's name
    """The answer to a read: later releases take an id with it, where earlier ones kept the one that was asked for."""
    if "id" in resource_pb2.ReadResourceResponse.DESCRIPTOR.fields_by_name:
        return resource_pb2.ReadResourceResponse(urn=urn, id=id, properties=properties)
    return resource_pb2.ReadResourceResponse(urn=urn, properties=properties)


def sync_invoke_position(token: str) -> tuple[str, int] | None:
    """
    File and line of the program's call, where *token* is being invoked in the form that waits for its answer.

    The wire does not tell the waiting form (`get_ami()`) from the output form (`get_ami_output()`); the stack of the
    program's thread does. None for the output form.
    """
    for frame in sys._current_frames().values():  # noqa: SLF001  the documented way to another thread's stack
        frames = list(_stack_of(frame))
        for place, one in enumerate(frames):
            code = one.f_code
            if code.co_name == "invoke" and code.co_filename.endswith(("runtime/invoke.py", "runtime\\invoke.py")):
                with contextlib.suppress(KeyError):
                    if one.f_locals["tok"] == token:
                        return _first_own_frame(frames[place + 1 :])
    return None


def _stack_of(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _first_own_frame(frames: list[FrameType]) -> tuple[str, int]:
    """The first frame that is not of an SDK: its package's names start with `pulumi`."""
    for frame in frames:
        if not str(frame.f_globals.get("__name__", "")).startswith("pulumi"):
            return frame.f_code.co_filename, frame.f_lineno
    return frames[0].f_code.co_filename, frames[0].f_lineno


@functools.cache
def resource_class(token: str) -> type | None:
    """The SDK class of the resource type *token*, or None where no imported package has one.

    A package registers the table of its types when it is imported, and a type that was registered in a run is imported.
    """
    package, _, rest = token.partition(":")
    module_path, _, _ = rest.rpartition(":")
    if package == "pulumi" and module_path == "providers":
        with contextlib.suppress(ImportError, AttributeError):
            return typing.cast(
                "type", importlib.import_module(f"pulumi_{rest.rpartition(':')[2].replace('-', '_')}").Provider
            )
        return None
    for module in _rpc._RESOURCE_MODULES.get(f"{package}:{module_path}", []):  # noqa: SLF001  the SDK's registry
        information = getattr(module, "mod_info", {})
        name = information.get("classes", {}).get(token)
        if name:
            return typing.cast("type", getattr(importlib.import_module(information["fqn"]), name))
    return None


def is_input_type(kind: object) -> bool:
    """Whether *kind* is an argument class (`NodeGroupScalingConfigArgs`)."""
    return isinstance(kind, type) and bool(_types.is_input_type(kind))


def is_output_type(kind: object) -> bool:
    """Whether *kind* is an output class (`outputs.NodeGroupScalingConfig`)."""
    return isinstance(kind, type) and bool(_types.is_output_type(kind))


@functools.cache
def argument_names(arguments: type) -> Mapping[str, str]:
    """Python names of the fields of an argument class, to their names on the wire."""
    return dict(_types.input_type_py_to_pulumi_names(arguments))


@functools.cache
def output_types(kind: type) -> Mapping[str, object]:
    """Wire names of the outputs of a resource class, or of the fields of an output class, to their types."""
    if is_output_type(kind):
        return dict(_types.output_type_types(kind))
    return dict(_types.resource_types(kind))
