"""
The engine's resources, as it sends them to policies, as a graph: so that rules and prices read what they read in a
preview.

The engine asks twice: about each resource with its inputs, then about the whole stack with the outputs of each. Rules
speak of inputs, and a cloud fills outputs in (a node pool reports a count beside its autoscaler), so inputs are used
where the first question told them. What was only looked up (`.get()`) is in the second alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.graph import Graph, Resource, Value
from infra.recorder.urns import ROOT_TYPE, parse
from infra.recorder.wire import decoded_struct

PROVIDERS = "pulumi:providers:"
_OPERATIONS = ("create", "update", "delete", "read")


def graph_of(resources: Sequence[Any], inputs: Mapping[str, Mapping[str, Value]]) -> Graph:
    """
    The graph of a stack.

    Args:
        resources: `AnalyzerResource` messages of the engine's protocol (pulumi/pulumi proto/pulumi/analyzer.proto).
        inputs: Of every resource that the program registered in this run, by URN; empty: none was asked about (as in a
            refresh), and outputs have to do.
    """
    origin = parse(resources[0].urn) if resources else None
    return Graph(
        project=origin.project if origin else "",
        stack=origin.stack if origin else "",
        resources=tuple(_resource(one, inputs) for one in resources),
    )


def _resource(one: Any, inputs: Mapping[str, Mapping[str, Value]]) -> Resource:
    is_provider = one.type.startswith(PROVIDERS)
    custom = (one.HasField("provider") or is_provider) and one.type != ROOT_TYPE
    options = one.options
    return Resource(
        urn=one.urn,
        type=one.type,
        name=one.name,
        custom=custom,
        parent=one.parent or None,
        provider=one.provider.urn if one.HasField("provider") else None,
        inputs=inputs[one.urn] if one.urn in inputs else decoded_struct(one.properties),
        dependencies=tuple(sorted(one.dependencies)),
        property_dependencies={
            key: tuple(sorted(found.urns)) for key, found in sorted(one.propertyDependencies.items())
        },
        external=bool(inputs) and custom and not is_provider and one.urn not in inputs,
        protect=options.protect,
        ignore_changes=tuple(options.ignoreChanges),
        delete_before_replace=options.deleteBeforeReplace if options.deleteBeforeReplaceDefined else None,
        timeouts_s={name: seconds for name in _OPERATIONS if (seconds := getattr(options.customTimeouts, name))},
        additional_secret_outputs=tuple(options.additionalSecretOutputs),
        aliases=tuple(options.aliases),
    )
