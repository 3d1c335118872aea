"""Runs a program under Pulumi's mocks and returns its resources as plain values, sorted by type and name.

Every computed output is known here (ids, ARNs, names), so that policies and other documents made from them can be
read; what the engine would know before an update is the preview's recorder's to show.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import rpc, set_mocks
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.stack import run_pulumi_func

ROOT_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One resource as it was registered; inputs have wire (camelCase) keys, secrets are opened."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool
    retain_on_delete: bool
    dependencies: tuple[str, ...]  # names
    ignore_changes: tuple[str, ...]
    custom: bool
    create_timeout: str  # 600s; empty: the provider's own
    parent: str  # name; empty below the stack


class _Cloud(Mocks):
    """Answers each registration with its inputs and an id, an ARN and a name; refuses every invoke."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """No program of ours may ask a cloud while it runs."""
        message = f"the program invoked {args.token}"
        raise AssertionError(message)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """The inputs, and what a cloud would add."""
        computed: dict[str, Any] = {}
        match args.typ:
            case "aws:s3/bucket:Bucket":
                computed = {"bucket": f"{args.name}-1a2b"}
            case "aws:kms/key:Key":
                computed = {"arn": f"arn:aws:kms:us-east-1:123456789012:key/{args.name}"}
            case "aws:eks/cluster:Cluster":
                group = dict(args.inputs["vpcConfig"]) | {"clusterSecurityGroupId": "sg-cluster"}
                computed = {
                    "endpoint": "https://cluster.example",
                    "certificateAuthority": {"data": "Q0E="},
                    "vpcConfig": group,
                }
            case "aws:ec2/launchTemplate:LaunchTemplate":
                computed = {"latestVersion": 1}
            case "aws:ec2/eip:Eip":
                computed = {"allocationId": f"eipalloc-{args.name}"}
        return f"{args.name}-id", {"arn": f"arn:{args.name}", "name": args.name} | args.inputs | computed


class _Monitor(MockMonitor):
    """Keeps what mocks are not told: options of resources."""

    def __init__(self) -> None:
        super().__init__(_Cloud())
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the protocol's name
        """Register, and remember."""
        if request.type != ROOT_TYPE:
            self.registered.append(
                Registered(
                    type=request.type,
                    name=request.name,
                    inputs=_opened(rpc.deserialize_properties(request.object)),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    dependencies=tuple(sorted({urn.split("::")[-1] for urn in request.dependencies})),
                    ignore_changes=tuple(request.ignoreChanges),
                    custom=request.custom,
                    create_timeout=request.customTimeouts.create,
                    parent="" if f"::{ROOT_TYPE}::" in request.parent else request.parent.rpartition("::")[2],
                )
            )
        return super().RegisterResource(request)


def recorded(program: Callable[[], None], *, project: str = "sizeup", stack: str = "test") -> tuple[Registered, ...]:
    """The resources of *program*; whatever it raises comes through."""
    monitor = _Monitor()
    loops: list[asyncio.AbstractEventLoop] = []

    def begin_thread() -> None:
        """The mocks' worker threads look for a loop, and would leave one of their own open."""
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    async def run() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(initializer=begin_thread))
        set_mocks(monitor.mocks, project=project, stack=stack, preview=False, monitor=monitor)
        await run_pulumi_func(program)

    try:
        contextvars.copy_context().run(lambda: asyncio.run(run()))
    finally:
        for loop in loops:
            loop.close()
    return tuple(sorted(monitor.registered, key=lambda one: (one.type, one.name)))


def only(resources: tuple[Registered, ...], kind: str, name: str | None = None) -> Registered:
    """The one resource of a type (its end suffices: `:NodeGroup`), and of a name where there are more."""
    found = [one for one in resources if one.type.endswith(kind) and (name is None or one.name == name)]
    assert len(found) == 1, f"{kind} {name}: {[one.name for one in found]}"
    return found[0]


def input_keys(value: Any, path: str = "") -> list[str]:
    """Every key of nested inputs, with where it is; free-form maps (tags, labels, matches) are left out."""
    if isinstance(value, Mapping):
        found = []
        for key, inner in value.items():
            found.append(f"{path}.{key}")
            if key not in _FREE_FORM:
                found += input_keys(inner, f"{path}.{key}")
        return found
    if isinstance(value, list):
        return [key for inner in value for key in input_keys(inner, path)]
    return []


_FREE_FORM = frozenset(
    {"tags", "labels", "annotations", "matchLabels", "selector", "nodeSelector", "requests", "limits", "stringData"}
)


def _opened(value: Any) -> Any:
    """A value without its wrappers for secrets."""
    if rpc.is_rpc_secret(value):
        return _opened(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _opened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_opened(inner) for inner in value]
    return value
