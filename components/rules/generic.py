"""Rules on any resource of any cloud: keys, texts, names, secrets, protection."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.graph import Graph, Value
from components.rules.reading import mapping
from components.rules.rule import Rule, Severity, Violation

# Maps whose keys are the user's own words, and free-form objects: no key in them is a property of the provider.
FREE_FORM = frozenset(
    {
        "tags", "tagsAll", "defaultTags", "labels", "resourceLabels", "defaultLabels", "annotations", "data",
        "stringData", "binaryData", "metadata", "matchLabels", "nodeSelector", "selector", "limits", "requests",
        "capacity", "allocatable", "parameters", "variables", "environment", "values", "configurationValues",
    }
)  # fmt: skip
_UNDERSCORED = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+$")


def _underscored(graph: Graph) -> Iterator[Violation]:
    for resource in graph.resources:
        if resource.custom and not resource.external and resource.type != "pulumi:pulumi:Stack":
            for path in _underscored_paths(dict(resource.inputs)):
                key = path.rpartition(".")[2]
                yield Violation(urn=resource.urn, path=path, text=f"{key} is no property: properties are camelCase")


def _underscored_paths(value: Value, path: str = "") -> Iterator[str]:
    for key, item in mapping(value).items():
        here = f"{path}.{key}" if path else key
        if _UNDERSCORED.match(key):
            yield here
        elif key not in FREE_FORM:
            yield from _underscored_paths(item, here)
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from _underscored_paths(item, f"{path}[{place}]")


RULES: tuple[Rule, ...] = (
    Rule(
        id="camel-case-keys",
        severity=Severity.ERROR,
        title="Every key of an input is written as the provider writes it",
        why="A key with an underscore inside a dictionary is sent as it is; the provider drops it or fails at apply",
        mend="use the SDK's argument class instead of a dictionary, or write the key in camelCase",
        origin="pulumi: keys of dictionaries are not translated; measured with pulumi 3.272.0 and its mocks",
        check=_underscored,
    ),
)
