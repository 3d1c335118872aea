"""Runs an unmodified Pulumi program against a monitor of our own, and returns its resource graph as values.

No CLI, no plugin, no credentials, no network: the program runs in this process, in dry-run mode, as `pulumi preview`
would run it.
"""

from __future__ import annotations

import contextlib
import graphlib
import heapq
import re
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import pulumi

from components.graph import Graph, Resource, Value
from infra.recorder import sdk
from infra.recorder.answers import Answer, created
from infra.recorder.config import Config
from infra.recorder.errors import ProgramError
from infra.recorder.monitor import EngineLog, Message, Monitor, Run
from infra.recorder.positions import sdk_call
from infra.recorder.urns import ROOT_TYPE, parse
from sizing.errors import SizingError

ORGANIZATION = "organization"  # what the engine says where the backend knows no organizations


class Transport(StrEnum):
    """How the program's SDK reaches the monitor; the graph is the same."""

    GRPC = "grpc"  # over loopback, exactly as under the Pulumi CLI
    DIRECT = "direct"  # plain calls, without a socket: for tests, of which there are many


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The graph of one run, and what the program logged meanwhile."""

    graph: Graph
    messages: tuple[Message, ...]


def record(
    program: sdk.Program,
    *,
    project: str,
    stack: str,
    root: Path,
    config: Config | None = None,
    answer: Callable[[Resource], Answer] = created,
    stack_outputs: Mapping[str, Mapping[str, Value]] | None = None,
    organization: str = ORGANIZATION,
    transport: Transport = Transport.GRPC,
) -> Graph:
    """
    The resources that *program* registers, parents and dependencies first; equal runs give equal graphs.

    Args:
        program: What the engine would run: a callable, or `program_file(path)`.
        project: Name of the project.
        stack: Name of the stack.
        root: Folder of Pulumi.yaml (`pulumi.get_root_directory()`); source positions are relative to it.
        config: The stack's configuration, from `engine_config`.
        answer: What each registration comes back with; by default, as for a stack that does not exist yet.
        stack_outputs: Outputs of other stacks that `StackReference` may be answered with, by full name.
        organization: What `pulumi.get_organization()` says.
        transport: How the program reaches the monitor.

    Raises:
        ProgramError: If the program ended itself by `pulumi.RunError`.
        SizingError: If it did so because of one (that very error), or cannot be run offline.
        Exception: Whatever else the program raised; that is a bug of the program.
    """
    return record_all(
        program,
        project=project,
        stack=stack,
        root=root,
        config=config,
        answer=answer,
        stack_outputs=stack_outputs,
        organization=organization,
        transport=transport,
    ).graph


def record_all(
    program: sdk.Program,
    *,
    project: str,
    stack: str,
    root: Path,
    config: Config | None = None,
    answer: Callable[[Resource], Answer] = created,
    stack_outputs: Mapping[str, Mapping[str, Value]] | None = None,
    organization: str = ORGANIZATION,
    transport: Transport = Transport.GRPC,
) -> Recording:
    """The graph, as `record` gives it, with what the program logged."""
    config = config or Config()
    root = root.resolve()
    monitor = Monitor(
        Run(
            project=project,
            stack=stack,
            organization=organization,
            root=root,
            config=config,
            answer=answer,
            stack_outputs=stack_outputs or {},
        )
    )
    engine = EngineLog()
    try:
        with _served(monitor, engine, transport) as (monitor_end, engine_end), contextlib.redirect_stdout(sys.stderr):
            sdk.run(
                program,
                sdk.Session(
                    project=project,
                    stack=stack,
                    organization=organization,
                    root=root,
                    config=config.values,
                    secret_keys=config.secret_keys,
                    monitor=monitor_end,
                    engine=engine_end,
                ),
            )
    except Exception as error:
        raise _cause(error, monitor, config, root) from error
    finally:
        monitor.close()
    if monitor.failure is not None:  # refused, and the program went on regardless
        raise monitor.failure
    graph = Graph(
        project=project,
        stack=stack,
        resources=in_dependency_order(monitor.resources.values()),
        outputs=monitor.outputs,
    )
    messages = tuple(replace(message, text=config.masked(message.text)) for message in engine.messages)
    return Recording(graph=graph, messages=messages)


def program_file(path: Path) -> sdk.Program:
    """
    The program in *path* (a file, or a folder with `__main__.py`), as the engine's language host runs it.

    The folder is importable while it runs, behind everything else: the engine puts it first, where `infra/` would
    shadow other packages' modules.
    """

    def run() -> None:
        folder = str(path if path.is_dir() else path.parent)
        sys.path.append(folder)
        try:
            runpy.run_path(str(path), run_name="__main__")
        finally:
            sys.path.remove(folder)

    return run


def in_dependency_order(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """
    *resources* so that parents, providers and dependencies come before what needs them, and else by type and name.

    Registrations arrive in the order in which threads got to run; this order is the same in every run.
    """
    by_urn = {resource.urn: resource for resource in resources}
    sorter = graphlib.TopologicalSorter(
        {
            urn: [
                needed
                for needed in (resource.parent, resource.provider, *resource.dependencies)
                if needed in by_urn and needed != urn
            ]
            for urn, resource in by_urn.items()
        }
    )
    sorter.prepare()
    ready = [_place(urn) for urn in sorter.get_ready()]
    heapq.heapify(ready)
    ordered = []
    while ready:
        _, _, urn = heapq.heappop(ready)
        ordered.append(by_urn[urn])
        sorter.done(urn)
        for freed in sorter.get_ready():
            heapq.heappush(ready, _place(freed))
    return tuple(ordered)


def _place(urn: str) -> tuple[bool, tuple[tuple[int, str], ...], str]:
    """Order among the resources that may come next: the stack, then by URN, with 9 before 10."""
    words = tuple((int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", urn))
    return parse(urn).type != ROOT_TYPE, words, urn


@contextlib.contextmanager
def _served(monitor: Monitor, engine: EngineLog, transport: Transport) -> Iterator[tuple[object, object]]:
    """What to hand to the SDK so that it reaches *monitor* and *engine*."""
    if transport is Transport.DIRECT:
        yield monitor, engine
        return
    server = sdk.grpc.server(ThreadPoolExecutor(max_workers=16), options=sdk.CHANNEL_OPTIONS)
    sdk.resource_pb2_grpc.add_ResourceMonitorServicer_to_server(cast("Monitor", _OverTheWire(monitor)), server)
    sdk.engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield address, address
    finally:
        server.stop(grace=1).wait()  # with no grace, grpc logs the end of the connection as an error


class _OverTheWire:
    """A monitor whose errors cross the wire as their messages; the monitor keeps the first of them as it is."""

    def __init__(self, monitor: Monitor) -> None:
        """Serve *monitor*."""
        self._monitor = monitor

    def __getattr__(self, name: str) -> Callable[[object, Any], object]:
        """The method *name* of the protocol."""
        method = getattr(self._monitor, name)

        def answered(request: object, context: Any) -> object:
            try:
                return method(request, context)
            except Exception as error:  # noqa: BLE001  the program gets the message, whoever runs it the error
                self._monitor.failure = self._monitor.failure or error
                return context.abort(sdk.grpc.StatusCode.UNKNOWN, str(error))

        return answered


def _cause(error: Exception, monitor: Monitor, config: Config, root: Path) -> Exception:
    """What ended the run, in the user's terms where it was the user's mistake; without the configuration's secrets."""
    if monitor.failure is not None:
        return monitor.failure
    if isinstance(error, SizingError):
        return error
    if isinstance(error, pulumi.RunError):
        behind = error.__cause__ or error.__context__
        return behind if isinstance(behind, SizingError) else ProgramError(config.masked(str(error)))
    called_at = sdk_call(error, root=root) if isinstance(error, TypeError) else None
    if called_at is not None:  # a resource without a required input, or with one that it does not have
        return ProgramError(f"{called_at}: {config.masked(str(error))}")
    return error
