"""Kubernetes objects as manifests."""

from __future__ import annotations

import yaml

from components.graph import Secret, Unknown
from tests.resources import component, graph, resource
from tools.judge.manifests import manifests

POLICY = resource(
    "kubernetes:core/v1:Secret",
    inputs={
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "model-server", "annotations": {"uri": Unknown()}},
        "stringData": {"api-key": Secret("hunter2")},
        "replicas": 2.0,
    },
)


def test_each_object_is_one_document():
    """Nothing of the clouds, no components."""
    found = manifests(graph(component("toy:index:Box", "a"), POLICY, resource("aws:ec2/vpc:Vpc"), POLICY))
    assert [one["kind"] for one in yaml.safe_load_all(found)] == ["Secret", "Secret"]


def test_a_secret_is_never_written_and_what_is_unknown_is_said():
    """Whole numbers stay whole: Kubernetes takes no 2.0 replicas."""
    (found,) = yaml.safe_load_all(manifests(graph(POLICY)))
    assert found["stringData"] == {"api-key": "[secret]"}
    assert found["metadata"]["annotations"] == {"uri": "known-after-apply"}
    assert repr(found["replicas"]) == "2"
