"""Whether a provider with another configuration is another provider, so that all it manages must be replaced.

The engine asks the provider itself (DiffConfig). Bridged providers say so for no input (facts/replacement.json); the
Kubernetes provider goes by its cluster (provider/pkg/provider/provider.go of pulumi/pulumi-kubernetes 9497796,
2026-07-01).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import yaml

from components.graph import Secret, Unknown, Value
from infra.diff.changes import Replaces
from infra.diff.compare import Difference, differences, leniency_of
from infra.diff.replacement import forced

KUBERNETES = "pulumi:providers:kubernetes"
IDENTIFIER = "clusterIdentifier"
OF_THE_CLUSTER = ("kubeconfig", "context", "cluster")
OF_THE_PLUGIN = ("version", "pluginDownloadURL")


def config_replaces(type_: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Replaces:
    """Whether providers of *type_* with the inputs *old* and *new* manage different things."""
    verdicts = {
        config_difference_replaces(difference, type_=type_, old=old, new=new)
        for difference in differences(dict(old), dict(new), leniency=leniency_of(type_))
    }
    return next((worst for worst in (Replaces.YES, Replaces.UNKNOWN) if worst in verdicts), Replaces.NO)


def config_difference_replaces(
    difference: Difference, *, type_: str, old: Mapping[str, Value], new: Mapping[str, Value]
) -> Replaces:
    """Whether *difference* between the inputs *old* and *new* of a provider replaces it."""
    if type_ != KUBERNETES:
        return forced(difference, type_=type_)
    key = str(difference.path[0])
    identifiers = (_opened(old.get(IDENTIFIER)), _opened(new.get(IDENTIFIER)))
    if None not in identifiers and not isinstance(identifiers[1], Unknown) and identifiers[0] == identifiers[1]:
        return Replaces.NO  # one cluster, however it is reached
    if key == IDENTIFIER:
        return Replaces.NO if None in identifiers else Replaces.YES
    if key == "renderYamlToDirectory":
        return Replaces.YES
    return _another_cluster(key, old, new) if key in OF_THE_CLUSTER else Replaces.NO


def _another_cluster(key: str, old: Mapping[str, Value], new: Mapping[str, Value]) -> Replaces:
    """A cluster that is not known yet is taken for another one; else what the kubeconfig says of it decides."""
    if isinstance(_opened(new.get(key)), Unknown):
        return Replaces.YES
    before, after = _active_cluster(old), _active_cluster(new)
    if before is None or after is None:
        return Replaces.UNKNOWN
    return Replaces.YES if before and after and before != after else Replaces.NO


def _active_cluster(inputs: Mapping[str, Value]) -> Mapping[str, object] | None:
    """What the kubeconfig in *inputs* says of its active cluster; empty without one, None where it cannot be read."""
    config = _opened(inputs.get("kubeconfig"))
    if config is None:
        return {}
    document = _document(config) if isinstance(config, str) else config
    if not isinstance(document, dict):
        return None
    contexts, clusters = _named(document.get("contexts"), "context"), _named(document.get("clusters"), "cluster")
    context = contexts.get(inputs.get("context") or document.get("current-context"), {})
    return clusters.get(inputs.get("cluster") or context.get("cluster"), {})


def _document(text: str) -> object:
    """A kubeconfig's content; None for a path of a file, which is not read here."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def _named(entries: object, kind: str) -> dict[object, dict[str, object]]:
    """The parts of a kubeconfig's list by their names."""
    found = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get(kind), dict):
            found[entry.get("name")] = entry[kind]
    return found


def _opened(value: Value) -> Value:
    return value.value if isinstance(value, Secret) else value
