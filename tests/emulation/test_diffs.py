"""What the emulated providers say of changes: where, of which kind, in place or not, and in which order."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_aws
import pulumi_kubernetes

from components.graph import Secret, Unknown, Value
from infra.diff import paths
from infra.emulation.diffs import Kind, diffed, diffed_config
from infra.emulation.nature import Settings

PACKAGES = (pulumi_aws, pulumi_kubernetes)
AWS, KUBERNETES = Settings(package="aws", region="us-east-1"), Settings(package="kubernetes")
GROUP, CONFIG, DEPLOYMENT = (
    "aws:eks/nodeGroup:NodeGroup",
    "kubernetes:core/v1:ConfigMap",
    "kubernetes:apps/v1:Deployment",
)


def changes(
    type_: str, old: Mapping[str, Value], new: Mapping[str, Value], settings: Settings = AWS
) -> list[tuple[str, Kind, bool]]:
    return [
        (paths.text(change.path), change.kind, change.replaces) for change in diffed(type_, old, new, settings).changes
    ]


def test_the_same_inputs_are_no_change():
    inputs: dict[str, Value] = {"__defaults": ["name"], "name": "x", "tags": {"__defaults": [], "a": "b"}}
    assert changes("aws:ec2/vpc:Vpc", inputs, {**inputs, "__defaults": []}) == []


def test_every_leaf_is_told_with_its_kind():
    old: dict[str, Value] = {"scalingConfig": {"desiredSize": 1, "minSize": 1}, "labels": {"a": "b"}, "taints": [1, 2]}
    new: dict[str, Value] = {"scalingConfig": {"desiredSize": 2, "minSize": 1}, "tags": {"c": "d"}, "taints": [1]}
    assert changes(GROUP, old, new) == [
        ("labels", Kind.DELETE, False),
        ("scalingConfig.desiredSize", Kind.UPDATE, False),
        ("tags", Kind.ADD, False),
        ("taints[1]", Kind.DELETE, False),
    ]


def test_machines_of_another_type_replace_a_node_group():
    """`instance_types` is ForceNew (terraform-provider-aws, internal/service/eks/node_group.go)."""
    assert changes(GROUP, {"instanceTypes": ["p5.48xlarge"]}, {"instanceTypes": ["p5en.48xlarge"]}) == [
        ("instanceTypes[0]", Kind.UPDATE, True)
    ]


def test_a_launch_template_replaces_when_it_is_another_and_not_when_its_version_is():
    old: dict[str, Value] = {"launchTemplate": {"id": "lt-1", "version": "1"}}
    assert changes(GROUP, old, {"launchTemplate": {"id": "lt-1", "version": "2"}})[0][2] is False
    assert changes(GROUP, old, {"launchTemplate": {"id": "lt-2", "version": "1"}})[0][2] is True
    assert changes(GROUP, old, {})[0] == ("launchTemplate", Kind.DELETE, True)
    assert changes(GROUP, old, {"launchTemplate": {"id": Unknown(), "version": "1"}})[0][2] is True


def test_true_is_not_one():
    assert changes("aws:ec2/vpc:Vpc", {"enableDnsSupport": True}, {"enableDnsSupport": 1}) != []


def test_secrets_are_compared_by_what_they_hold_and_told_as_a_whole():
    old: dict[str, Value] = {"data": Secret({"a": "1", "b": "2"})}
    assert changes("kubernetes:core/v1:Secret", old, {"data": Secret({"a": "1", "b": "2"})}, KUBERNETES) == []
    found = changes("kubernetes:core/v1:Secret", old, {"data": Secret({"a": "1", "b": "3"})}, KUBERNETES)
    assert found == [("data", Kind.UPDATE, True)]


def test_a_config_map_is_replaced_unless_the_provider_makes_them_mutable():
    old, new = {"data": {"a": "1"}}, {"data": {"a": "2"}}
    mutable = Settings(package="kubernetes", mutable_config_maps=True)
    assert changes(CONFIG, dict(old), dict(new), KUBERNETES) == [("data.a", Kind.UPDATE, True)]  # type: ignore[arg-type]
    assert changes(CONFIG, dict(old), dict(new), mutable) == [("data.a", Kind.UPDATE, False)]  # type: ignore[arg-type]


def test_what_keeps_its_name_goes_before_its_replacement_comes():
    """Two objects of one name cannot be side by side; a generated name would be another."""
    selector = {"spec": {"selector": {"matchLabels": {"app": "a"}}}}
    other = {"spec": {"selector": {"matchLabels": {"app": "b"}}}}
    named: dict[str, Value] = {"metadata": {"name": "web", "namespace": "chat"}}
    auto: dict[str, Value] = {
        "metadata": {"name": "web-1", "namespace": "chat", "annotations": {"pulumi.com/autonamed": "true"}}
    }
    for metadata, first in ((named, True), (auto, False)):
        found = diffed(DEPLOYMENT, {**metadata, **selector}, {**metadata, **other}, KUBERNETES)  # type: ignore[dict-item]
        assert found.replaces
        assert found.delete_before_replace is first


def test_a_generated_name_lets_the_new_one_come_first():
    old: dict[str, Value] = {"__defaults": ["name"], "name": "role-1", "path": "/"}
    new: dict[str, Value] = {"__defaults": ["name"], "name": "role-1", "path": "/ml/"}
    assert diffed("aws:iam/role:Role", old, new, AWS).delete_before_replace is False
    fixed = {"__defaults": [], "name": "role-1"}
    found = diffed("aws:iam/role:Role", {**fixed, "path": "/"}, {**fixed, "path": "/ml/"}, AWS)  # type: ignore[dict-item]
    assert found.replaces
    assert found.delete_before_replace


def test_a_kubernetes_provider_of_another_cluster_is_another_one_and_another_way_to_the_same_is_not():
    """pulumi-kubernetes, DiffConfig: by clusterIdentifier; a bridged provider is replaced for no input."""
    here, there = {"clusterIdentifier": "a", "kubeconfig": "{}"}, {"clusterIdentifier": "b", "kubeconfig": "{}"}
    assert diffed_config("pulumi:providers:kubernetes", here, there).replaces is True
    unknown = {"clusterIdentifier": Unknown(), "kubeconfig": Unknown()}
    assert diffed_config("pulumi:providers:kubernetes", here, unknown).replaces is True
    assert diffed_config("pulumi:providers:kubernetes", here, {**here, "kubeconfig": Unknown()}).replaces is False
    assert diffed_config("pulumi:providers:aws", {"region": "a"}, {"region": "b"}).replaces is False
