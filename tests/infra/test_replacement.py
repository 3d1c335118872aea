"""What forces a replacement: facts with evidence, and nothing where there are none."""

from __future__ import annotations

import typing
from collections.abc import Sequence
from typing import Any

import pulumi_aws  # noqa: F401  packages register their types when they are imported
import pulumi_gcp  # noqa: F401
import pulumi_kubernetes  # noqa: F401
import pytest

from components.graph import Resource
from infra.diff import paths
from infra.diff.changes import Replaces
from infra.diff.compare import input_differences
from infra.diff.replacement import recomputed_by_updates, replaces, rule_for, rules
from infra.preview import validation
from infra.recorder import sdk

NODE_GROUP, NODE_POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"


def verdicts(type_: str, old: dict[str, Any], new: dict[str, Any], **options) -> dict[str, Replaces]:
    resource = Resource(
        urn="urn:pulumi:s::p::t::n",
        type=type_,
        name="n",
        custom=True,
        parent=None,
        provider=None,
        inputs=new,
        **options,
    )
    return {
        paths.text(difference.path): replaces(difference, resource=resource, provider_inputs={})
        for difference in input_differences(old, new, type_=type_)
    }


def test_another_machine_type_replaces_a_node_group_and_another_size_does_not():
    """Terraform: instance_types is ForceNew, scaling_config is not; warm_pool_config is not in evidence."""
    old = {"instanceTypes": ["p5.48xlarge"], "scalingConfig": {"minSize": 1}}
    new = {"instanceTypes": ["p5e.48xlarge"], "scalingConfig": {"minSize": 2}, "warmPoolConfig": {"minSize": 1}}
    assert verdicts(NODE_GROUP, old, new) == {
        "instanceTypes[0]": Replaces.YES,
        "scalingConfig.minSize": Replaces.NO,
        "warmPoolConfig": Replaces.UNKNOWN,
    }


def test_spot_replaces_a_node_pool_and_its_node_count_does_not():
    """terraform-provider-google: node_config.spot is ForceNew, node_count and machine_type are updated in place."""
    old = {"nodeCount": 1, "nodeConfig": {"spot": False, "machineType": "g2-standard-8"}}
    new = {"nodeCount": 2, "nodeConfig": {"spot": True, "machineType": "g2-standard-12"}}
    assert verdicts(NODE_POOL, old, new) == {
        "nodeConfig.machineType": Replaces.NO,
        "nodeConfig.spot": Replaces.YES,
        "nodeCount": Replaces.NO,
    }


def test_adding_an_object_that_holds_a_forcing_property_forces():
    """`launchTemplate` with an id is a new id; without one, its version alone is not."""
    assert verdicts(NODE_GROUP, {}, {"launchTemplate": {"id": "lt-1"}}) == {"launchTemplate": Replaces.YES}
    only_version = {"launchTemplate": {"version": "2"}}
    assert verdicts(NODE_GROUP, {}, only_version) == {"launchTemplate": Replaces.UNKNOWN}


def test_every_kubernetes_object_is_known():
    """Names and namespaces replace, labels do not, also of kinds without rules of their own; lists are no objects."""
    old = {"metadata": {"name": "a", "namespace": "x", "labels": {"l": "1"}}}
    new = {"metadata": {"name": "b", "namespace": "y", "labels": {"l": "2"}}}
    for type_ in ("kubernetes:policy/v1:PodDisruptionBudget", "kubernetes:karpenter.sh/v1:NodePool"):
        assert verdicts(type_, old, new) == {
            "metadata.labels.l": Replaces.NO,
            "metadata.name": Replaces.YES,
            "metadata.namespace": Replaces.YES,
        }
    assert rule_for("kubernetes:core/v1:ConfigMapList") is None
    assert rule_for("kubernetes:helm.sh/v4:Chart") is None


def test_containers_of_a_pod_are_matched_at_any_place():
    """The wildcard of a rule stands for every item of a list."""
    old = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}}
    new = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}
    assert verdicts("kubernetes:core/v1:Pod", old, new) == {"spec.containers[1].image": Replaces.YES}
    deployment = {"spec": {"template": old}}, {"spec": {"template": new}}
    assert set(verdicts("kubernetes:apps/v1:Deployment", *deployment).values()) == {Replaces.NO}


def test_without_facts_nothing_is_known_but_what_the_program_itself_demands():
    """`replace_on_changes` is the program's own rule."""
    assert verdicts("toy:a/b:C", {"x": 1, "y": 1}, {"x": 2, "y": 2}) == {"x": Replaces.UNKNOWN, "y": Replaces.UNKNOWN}
    assert verdicts("toy:a/b:C", {"x": 1}, {"x": 2}, replace_on_changes=("*",)) == {"x": Replaces.YES}


def test_another_version_or_region_of_a_bridged_provider_replaces_none_of_its_resources_by_itself():
    """Bridge, DiffConfig: replaces only for ForcesProviderReplace, set by no aws input; resources go by `region`."""
    old, new = {"version": "7.51.0", "region": "a"}, {"version": "7.51.1", "region": "b"}
    assert verdicts("pulumi:providers:aws", old, new) == {"region": Replaces.NO, "version": Replaces.NO}
    assert verdicts("aws:ec2/subnet:Subnet", {"region": "a"}, {"region": "b"}) == {"region": Replaces.YES}


def test_updates_of_a_launch_template_give_it_another_version():
    """Whatever uses its latest version changes along: a node group rolls its nodes."""
    assert recomputed_by_updates("aws:ec2/launchTemplate:LaunchTemplate") == ("latestVersion",)
    assert recomputed_by_updates("aws:ec2/subnet:Subnet") == ()


def exists(path: paths.Path, kind: object) -> bool:
    """Whether *path* leads somewhere in a value of the type *kind*."""
    if not path:
        return True
    for alternative in validation._alternatives(kind):
        if path[0] == paths.WILDCARD and typing.get_origin(alternative) is Sequence:
            return exists(path[1:], typing.get_args(alternative)[0])
        fields = validation._fields(alternative) if sdk.is_input_type(alternative) else {}
        if isinstance(path[0], str) and path[0] in fields:
            return exists(path[1:], fields[path[0]].kind)
    return False


@pytest.mark.parametrize("type_", sorted(type_ for type_ in rules() if "*" not in type_))
def test_every_path_in_the_facts_exists_in_the_sdk(type_):
    """A misspelt path would never match; each is looked up in the types of the installed packages."""
    rule = rules()[type_]
    assert rule.evidence
    arguments = validation._arguments_of(type_)
    assert arguments is not None
    paths_of_facts = (*rule.forces, *rule.in_place, *rule.unknown)
    assert [paths.text(path) for path in paths_of_facts if not exists(path, arguments)] == []
