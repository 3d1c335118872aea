"""What forces a replacement: facts with evidence, and nothing where there are none."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi_aws  # noqa: F401  packages register their types when they are imported
import pulumi_gcp  # noqa: F401
import pulumi_kubernetes  # noqa: F401
import pytest

from components.graph import Resource, Unknown, Value
from infra.diff import paths
from infra.diff.changes import Replaces
from infra.diff.compare import input_differences
from infra.diff.replacement import forced_by, recomputed_by_updates, replaces, rule_for, rules
from infra.preview import validation
from infra.recorder import sdk
from infra.recorder.stack_program import record_stack

ROOT = Path(__file__).parents[2]
DEEPEST = 12  # some objects hold themselves

NODE_GROUP, NODE_POOL = "aws:eks/nodeGroup:NodeGroup", "gcp:container/nodePool:NodePool"


def verdicts(
    type_: str,
    old: dict[str, Any],
    new: dict[str, Any],
    *,
    provider_inputs: Mapping[str, Value] | None = None,
    **options: Any,
) -> dict[str, Replaces]:
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
        paths.text(difference.path): replaces(difference, resource=resource, provider_inputs=provider_inputs or {})
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


def test_the_selector_of_a_daemon_set_or_deployment_forces():
    """pulumi-kubernetes provider/pkg/provider/diff.go, forceNewProperties: apps/v1 `.spec.selector`."""
    old, new = ({"spec": {"selector": {"matchLabels": {"app": app}}, "template": {"a": app}}} for app in ("x", "y"))
    for kind in ("DaemonSet", "Deployment", "StatefulSet"):
        assert verdicts(f"kubernetes:apps/v1:{kind}", old, new) == {
            "spec.selector.matchLabels.app": Replaces.YES,
            "spec.template.a": Replaces.NO,
        }


def test_a_claim_of_a_volume_may_grow_but_not_move():
    """diff.go: accessModes, selector, storageClassName and volumeName force, spec.resources.requests does not."""
    old, new = (
        {"spec": {"storageClassName": name, "resources": {"requests": {"storage": f"{size}Gi"}}}}
        for name, size in (("gp3", 10), ("io2", 20))
    )
    assert verdicts("kubernetes:core/v1:PersistentVolumeClaim", old, new) == {
        "spec.resources.requests.storage": Replaces.NO,
        "spec.storageClassName": Replaces.YES,
    }


@pytest.mark.parametrize(
    ("kind", "option", "content"),
    [
        ("ConfigMap", "enableConfigMapMutable", ("data", "binaryData")),
        ("Secret", "enableSecretMutable", ("data", "stringData")),
    ],
)
def test_config_maps_and_secrets_are_replaced_unless_their_provider_may_change_them(kind, option, content):
    """diff.go: the content forces, but not where the provider may change it and the object is not `immutable`."""
    type_ = f"kubernetes:core/v1:{kind}"
    old, new = ({"metadata": {"name": f"n{text}"}, **{key: {"k": text} for key in content}} for text in ("1", "2"))
    all_of_it = {f"{key}.k" for key in content} | {"metadata.name"}
    assert verdicts(type_, old, new) == dict.fromkeys(all_of_it, Replaces.YES)
    for allowed in (True, "true"):
        mutable = verdicts(type_, old, new, provider_inputs={option: allowed})
        assert mutable == {**dict.fromkeys(all_of_it, Replaces.NO), "metadata.name": Replaces.YES}
    fixed = verdicts(type_, {**old, "immutable": True}, {**new, "immutable": True}, provider_inputs={option: True})
    assert fixed == dict.fromkeys(all_of_it, Replaces.YES)


def test_an_unknown_object_of_a_kubernetes_resource_holds_nothing_that_forces():
    """provider.go, convertPatchToDiff: it is a null in the merge patch; but metadata is of every object."""
    job = "kubernetes:batch/v1:Job"
    assert verdicts(job, {"spec": {"template": {}}}, {"spec": Unknown()}) == {"spec": Replaces.NO}
    assert verdicts(job, {"spec": {"template": {}}}, {"spec": {"template": Unknown()}}) == {
        "spec.template": Replaces.YES
    }
    assert verdicts(job, {"metadata": {"name": "a"}}, {"metadata": Unknown()}) == {"metadata": Replaces.YES}


def test_what_holds_for_a_whole_package_holds_for_each_of_its_types_with_and_without_facts_of_its_own():
    """pulumi-aws: every regional type has `region`, which forces, and tags of all kinds, which do not."""
    old, new = {"region": "a", "tagsAll": {"t": "1"}}, {"region": "b", "tagsAll": {"t": "2"}}
    for type_ in ("aws:ec2/vpc:Vpc", "aws:rds/instance:Instance"):
        assert verdicts(type_, old, new) == {"region": Replaces.YES, "tagsAll.t": Replaces.NO}


def test_what_emulated_providers_ask_is_answered_with_the_worst_of_the_changed_paths():
    assert forced_by(NODE_GROUP, ["labels.a", "scalingConfig.minSize"]) is Replaces.NO
    assert forced_by(NODE_GROUP, ["labels.a", "warmPoolConfig.minSize"]) is Replaces.UNKNOWN
    assert forced_by(NODE_GROUP, ["warmPoolConfig.minSize", "instanceTypes[0]"]) is Replaces.YES
    assert forced_by(NODE_GROUP, []) is Replaces.NO


def test_names_that_a_provider_makes_up_and_types_that_go_before_they_come_again_are_facts():
    """Bridge, DeleteBeforeReplace of two types; autonaming of `name`, and of names that are called otherwise."""
    deleted_first = {type_ for type_, rule in rules().items() if rule.deletes_first}
    assert deleted_first == {"aws:iam/rolePolicyAttachment:RolePolicyAttachment", "gcp:projects/iAMMember:IAMMember"}
    named = {type_: rule.named for type_, rule in rules().items() if rule.named}
    assert named == {
        "aws:*": ("name",),
        "aws:eks/nodeGroup:NodeGroup": ("nodeGroupName",),
        "aws:s3/bucket:Bucket": ("bucket",),
        "gcp:*": ("name",),
        "gcp:serviceaccount/account:Account": ("accountId",),
    }


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


def leaves(kind: object, prefix: paths.Path = ()) -> Iterator[paths.Path]:
    """The paths of everything in a value of the type *kind* that is no object."""
    alternatives = tuple(validation._alternatives(kind))
    inner = [typing.get_args(one)[0] for one in alternatives if typing.get_origin(one) is Sequence]
    objects = [one for one in alternatives if sdk.is_input_type(one)]
    if (not inner and not objects) or len(prefix) > DEEPEST:
        yield prefix
    for item in inner:
        yield from ([prefix] if not _is_object(item) else leaves(item, (*prefix, paths.WILDCARD)))
    for one in objects:
        for key, field in validation._fields(one).items():
            yield from leaves(field.kind, (*prefix, key))


def _is_object(kind: object) -> bool:
    return any(sdk.is_input_type(one) for one in validation._alternatives(kind))


@pytest.mark.parametrize(
    "type_", sorted(type_ for type_ in rules() if type_.startswith(("aws:", "gcp:")) and "*" not in type_)
)
def test_every_input_of_a_type_with_facts_is_in_one_of_its_lists(type_):
    """So that "not known offline" is said on purpose, and a newer package's inputs come to light here."""
    rule = rule_for(type_)
    assert rule is not None
    lists = (rule.forces, rule.in_place, rule.unknown)
    known = [path for each in lists for path in each]
    assert len(known) == len(set(known))
    missing = [
        paths.text(leaf)
        for leaf in leaves(validation._arguments_of(type_))
        if not any(paths.covers(path, leaf) for path in known)
    ]
    assert missing == []


OF_OTHER_PLANS = {  # what components create for plans that no example stack has
    "aws:ec2/placementGroup:PlacementGroup",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "gcp:compute/resourcePolicy:ResourcePolicy",
}


@pytest.mark.parametrize("stack", ["chat-aws", "chat-gcp", "small-aws", "tpu-gcp"])
def test_there_are_facts_on_every_type_of_the_example_stacks(stack):
    """On each its own; all of Kubernetes has one rule, with more for kinds that have more."""
    created = {resource.type for resource in record_stack(ROOT, stack).graph.resources if resource.custom}
    bridged = {type_ for type_ in created if type_.startswith(("aws:", "gcp:"))}
    assert (bridged | OF_OTHER_PLANS) - {*rules()} == set()
    assert {type_ for type_ in created if rule_for(type_) is None} == set()
