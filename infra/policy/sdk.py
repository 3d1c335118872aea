"""
The one place that knows `pulumi_policy` from the inside, and why.

Of what the engine sends, that package throws two things away before a policy is asked: which properties are secret, and
the stack's configuration. It gives each policy the stack's outputs without the inputs, and reads the whole stack anew
for each of them, of which there are hundreds here. So what the engine sends is read here, once, in front of it. Held to
version 1.21.0 by the lock file, and by tests that run the pack as the engine does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import policy as _policy

from components.graph import Graph, Value
from infra.policy.resources import graph_of
from infra.recorder.wire import decoded_struct

NOTHING = Graph(project="", stack="", resources=())


@dataclass(slots=True)
class Heard:
    """What the engine has told so far; the one thing here that changes."""

    config: Mapping[str, str] = field(default_factory=dict)  # of the stack, without what is secret
    inputs: dict[str, Mapping[str, Value]] = field(default_factory=dict)  # of each registered resource, by URN
    graph: Graph = NOTHING  # of the stack that policies are being asked about


def listen() -> Heard:
    """
    What the engine tells from here on, kept as it comes in, before any policy is asked.

    Raises:
        AttributeError: If this version of `pulumi_policy` is built in another way.
    """
    heard = Heard()
    servicer = _policy._PolicyAnalyzerServicer  # noqa: SLF001
    configure, analyze, analyze_stack = servicer.ConfigureStack, servicer.Analyze, servicer.AnalyzeStack

    def configured(self: Any, request: Any, context: Any) -> Any:
        secret = set(request.config_secret_keys)
        heard.config = {key: value for key, value in request.config.items() if key not in secret}
        return configure(self, request, context)

    def analyzed(self: Any, request: Any, context: Any) -> Any:
        heard.inputs[request.urn] = decoded_struct(request.properties)
        return analyze(self, request, context)

    def analyzed_stack(self: Any, request: Any, context: Any) -> Any:
        heard.graph = graph_of(request.resources, heard.inputs)
        return analyze_stack(self, analyzer_pb2.AnalyzeStackRequest(), context)  # policies have the graph

    servicer.ConfigureStack, servicer.Analyze, servicer.AnalyzeStack = configured, analyzed, analyzed_stack
    return heard
