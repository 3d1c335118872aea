"""The policy pack as the engine starts and asks it: a process that prints its port, and a gRPC client."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from components.graph import Graph, Resource, Unknown, Value
from infra.recorder.wire import encoded_struct

ROOT = Path(__file__).parents[2]
PACK = ROOT / "infra" / "policy"
PYTHON = ROOT / ".venv-policy" / "bin" / "python"
OURS = ("PYTHONPATH", "PYTHONUNBUFFERED")  # of the environment of these tests, which the engine's has not
NOBODY = "127.0.0.1:1"  # the engine's own address, which a pack has no use for

# Both ways of pulumi v3.259.0 (pkg/resource/plugin/analyzer_plugin.go): through RunPlugin of the language host, which
# runs the folder (sdk/python/cmd/pulumi-language-python/main.go); or, without such a host, through the script
# pulumi-analyzer-policy-python, which runs pulumi.policy from inside the folder, unbuffered.
AS_A_PLUGIN = (str(PACK), NOBODY)
BY_THE_SCRIPT = ("-u", "-m", "pulumi.policy", NOBODY, ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One violation as the engine is told of it."""

    policy: str
    mandatory: bool
    urn: str
    message: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that runs."""

    stub: Any

    def info(self) -> Any:
        """What the pack says of itself."""
        return self.stub.GetAnalyzerInfo(empty_pb2.Empty())

    def ask(
        self,
        graph: Graph,
        *,
        config: Mapping[str, str] | None = None,
        pack_config: Mapping[str, Mapping[str, object]] | None = None,
        switched_off: Sequence[str] = (),
        filled_in: Mapping[str, Mapping[str, Value]] | None = None,
        registered: Sequence[str] | None = None,
    ) -> list[Finding]:
        """
        What is found when the engine deploys *graph*.

        Args:
            graph: The stack's resources with their inputs.
            config: The stack's configuration.
            pack_config: That of the pack, by policy.
            switched_off: Policies that the pack's configuration disables.
            filled_in: Outputs beside the inputs, by name of the resource.
            registered: Names of the resources that the program registers; the others it looks up. None: all.
        """
        self.stub.ConfigureStack(
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=graph.stack, project=graph.project, dry_run=True, config=dict(config or {})
            )
        )
        self.stub.Configure(_configuration(pack_config or {}, switched_off))
        by_urn = {one.urn: one for one in graph.resources}
        found = []
        for one in graph.resources:
            if registered is None or one.name in registered:
                request = analyzer_pb2.AnalyzeRequest(**_described(one, dict(one.inputs), by_urn))
                found += self.stub.Analyze(request).diagnostics
        stack = analyzer_pb2.AnalyzeStackRequest(resources=sent(graph, filled_in))
        found += self.stub.AnalyzeStack(stack).diagnostics
        return [
            Finding(
                policy=one.policyName,
                mandatory=one.enforcementLevel == analyzer_pb2.MANDATORY,
                urn=one.urn,
                message=one.message,
            )
            for one in found
        ]


@contextlib.contextmanager
def running(words: Sequence[str] = AS_A_PLUGIN, environment: Mapping[str, str] | None = None) -> Iterator[Pack]:
    """The pack in a process of its own, as *words* start it; ended when the block ends."""
    process = subprocess.Popen(  # noqa: S603  our own pack
        [str(PYTHON), *words],
        cwd=PACK,
        env={key: value for key, value in os.environ.items() if key not in OURS} | dict(environment or {}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"the pack printed {port!r} instead of its port"
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Pack(analyzer_pb2_grpc.AnalyzerStub(channel))
    finally:
        process.kill()
        process.communicate()


def sent(graph: Graph, filled_in: Mapping[str, Mapping[str, Value]] | None = None) -> list[Any]:
    """The resources of *graph* as the engine sends them after a preview: inputs, an unknown id, what it filled in."""
    by_urn = {one.urn: one for one in graph.resources}
    outputs = filled_in or {}
    return [
        _in_stack(one, {**one.inputs, "id": Unknown(), **outputs.get(one.name, {})}, by_urn) for one in graph.resources
    ]


def _configuration(pack_config: Mapping[str, Mapping[str, object]], switched_off: Sequence[str]) -> Any:
    request = analyzer_pb2.ConfigureAnalyzerRequest()
    for name, properties in pack_config.items():
        request.policyConfig[name].enforcementLevel = analyzer_pb2.MANDATORY
        request.policyConfig[name].properties.update(dict(properties))
    for name in switched_off:
        request.policyConfig[name].enforcementLevel = analyzer_pb2.DISABLED
    return request


def _described(one: Resource, properties: dict[str, Value], by_urn: Mapping[str, Resource]) -> dict[str, Any]:
    """The fields that both questions have."""
    fields: dict[str, Any] = {
        "urn": one.urn,
        "type": one.type,
        "name": one.name,
        "properties": encoded_struct(properties),
        "options": analyzer_pb2.AnalyzerResourceOptions(
            protect=one.protect,
            ignoreChanges=one.ignore_changes,
            additionalSecretOutputs=one.additional_secret_outputs,
            parent=one.parent or "",
            customTimeouts=analyzer_pb2.AnalyzerResourceOptions.CustomTimeouts(**one.timeouts_s),
        ),
    }
    provider = by_urn.get(one.provider or "")
    if provider is not None:
        fields["provider"] = analyzer_pb2.AnalyzerProviderResource(
            urn=provider.urn, type=provider.type, name=provider.name, properties=encoded_struct(provider.inputs)
        )
    return fields


def _in_stack(one: Resource, properties: dict[str, Value], by_urn: Mapping[str, Resource]) -> Any:
    return analyzer_pb2.AnalyzerResource(
        **_described(one, properties, by_urn),
        parent=one.parent or "",
        dependencies=one.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns) for key, urns in one.property_dependencies.items()
        },
    )
