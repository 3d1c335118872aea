"""
What the engine does with one resource, rule by rule, and that the offline preview says the same.

Each test names the rule's place in pulumi/pulumi v3.259 (pkg/resource/deploy: step_generator.go, and step.go for
deletions) or in a provider. Expected operations are read off that source by hand.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.graph import Graph, Resource, Secret, Unknown
from infra.diff.changes import Op, Replaces, ResourceChanges, Step
from infra.diff.diff import changes, next_step
from infra.diff.progress import Progress
from infra.diff.recorded import Base, Recorded
from infra.diff.step import (
    DELETED_ALREADY,
    INIT_ERRORS,
    ONLY_READ_NOW,
    OTHER_IMPORT,
    PROTECTED,
    PROVIDER,
    READ_SO_FAR,
    REPLACED_WITH,
    STILL_IMPORTED,
    TAINTED,
    TRIGGERED,
)

PROJECT, STACK = "shop", "dev"
VPC, SUBNET, ROLE = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:iam/role:Role"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
TOY = "toy:storage/disk:Disk"


def urn_of(name: str, type_: str = VPC) -> str:
    return f"urn:pulumi:{STACK}::{PROJECT}::{type_}::{name}"


def made(name: str = "r", type_: str = VPC, **more) -> Resource:
    fields = {"parent": None, "provider": None, "inputs": {}, "custom": True} | more
    return Resource(urn=urn_of(name, type_), type=type_, name=name, **fields)


def base_of(*entries: Recorded | Resource) -> Base:
    there = tuple(entry if isinstance(entry, Recorded) else Recorded(resource=entry) for entry in entries)
    return Base(name="state", project=PROJECT, stack=STACK, entries=there)


def deployed(base: Base, *resources: Resource) -> ResourceChanges:
    return changes(Graph(project=PROJECT, stack=STACK, resources=resources), base)


def step(old: Recorded | Resource | None, new: Resource) -> Step:
    return next_step(Progress(base=base_of(old) if old is not None else base_of()), new)


def ops(found: ResourceChanges) -> dict[str, Op]:
    return {one.name: one.op for one in found.steps}


PLAIN = made(inputs={"tags": {"a": "1"}})


# What is new, and what is looked up.


def test_what_is_not_there_is_created_imported_or_read():
    """Engine: continueStepsFromImport case 4; an id in the goal imports (isImport); GenerateReadSteps."""
    assert step(None, PLAIN).op is Op.CREATE
    assert step(None, replace(PLAIN, import_id="vpc-2")).op is Op.IMPORT
    assert step(None, replace(PLAIN, external=True, import_id="vpc-2")).op is Op.READ


def test_an_import_of_the_object_that_is_managed_already_is_no_import():
    """Engine, isImport: the id it was imported by counts before the provider's own, which may look different."""
    entry = Recorded(resource=replace(PLAIN, import_id="us-east-1/vpc-1"), id="vpc-1")
    assert step(entry, replace(PLAIN, import_id="us-east-1/vpc-1")).op is Op.SAME
    assert step(Recorded(resource=PLAIN, id="vpc-1"), replace(PLAIN, import_id="vpc-1")).op is Op.SAME


def test_an_import_of_another_object_replaces_the_one_that_was_managed():
    """Engine: ImportReplacementStep; protection is not asked, as the object that goes is marked and deleted later."""
    found = step(Recorded(resource=replace(PLAIN, protect=True), id="vpc-1"), replace(PLAIN, import_id="vpc-2"))
    assert (found.op, found.replace_reason, found.protected_error) == (Op.REPLACE, (OTHER_IMPORT,), None)


def test_a_resource_that_still_carries_import_is_not_replaced():
    """Engine, continueStepsFromDiff: "previously-imported resources that still specify an ID may not be replaced"."""
    old = Recorded(resource=made(inputs={"cidrBlock": "10.0.0.0/16"}), id="vpc-1")
    found = step(old, made(inputs={"cidrBlock": "10.1.0.0/16"}, import_id="vpc-1"))
    assert (found.op, found.replace_reason, found.protected_error) == (Op.REPLACE, ("cidrBlock",), STILL_IMPORTED)


def test_reading_what_was_managed_gives_it_up_by_the_same_id_and_deletes_it_by_another():
    """Engine, GenerateReadSteps: relinquished where the ids agree, else read anew and deleted at the end."""
    entry = Recorded(resource=PLAIN, id="vpc-1")
    assert step(entry, replace(PLAIN, external=True, import_id="vpc-1")).op is Op.READ
    found = step(entry, replace(PLAIN, external=True, import_id="vpc-2"))
    assert (found.op, found.replace_reason) == (Op.REPLACE, (ONLY_READ_NOW,))


def test_what_was_only_read_is_made_anew_and_left_where_it_is():
    """Engine, case 2 (wasExternal): CreateReplacementStep; deleting an external resource is a no-op."""
    found = step(Recorded(resource=replace(PLAIN, external=True), id="vpc-1"), PLAIN)
    assert (found.op, found.replace_reason, found.retained) == (Op.REPLACE, (READ_SO_FAR,), True)


# What replaces without a changed property.


def test_a_tainted_resource_is_replaced():
    """Engine, isTargetedReplace: "if the resource was marked tainted in the old state, we will replace it"."""
    found = step(Recorded(resource=PLAIN, tainted=True), PLAIN)
    assert (found.op, found.replaces, found.replace_reason) == (Op.REPLACE, Replaces.YES, (TAINTED,))


def test_a_replacement_that_was_interrupted_is_finished():
    """Engine, continueStepsFromDiff: old.PendingReplacement replaces also where nothing differs."""
    found = step(Recorded(resource=PLAIN, pending_replacement=True), PLAIN)
    assert (found.op, found.replace_reason) == (Op.REPLACE, (DELETED_ALREADY,))


def test_a_replacement_that_was_interrupted_and_is_not_wanted_any_more_is_forgotten():
    """Engine, GenerateDeletes: NewRemovePendingReplaceStep; there is nothing to delete, so no step, but a note."""
    found = deployed(base_of(Recorded(resource=PLAIN, pending_replacement=True)))
    assert found.steps == ()
    assert found.notes == ("deleted by an earlier run already, and only forgotten now: r",)


def test_another_replacement_trigger_replaces_and_a_first_one_does_not():
    """Engine, shouldTriggerReplace: unknown counts as changed, nothing on a side as no trigger, secrets are opened."""
    triggered = made(replacement_trigger="a")
    assert step(triggered, made(replacement_trigger="a")).op is Op.SAME
    assert step(made(), triggered).op is Op.SAME
    assert step(triggered, made()).op is Op.SAME
    assert step(triggered, made(replacement_trigger=Secret("a"))).op is Op.SAME
    for other in ("b", Unknown(), Secret("b")):
        assert step(triggered, made(replacement_trigger=other)).replace_reason == (TRIGGERED,)


def test_what_is_replaced_with_another_resource_is_replaced_with_it():
    """Engine, diff: a URN of ReplaceWith that this run replaces; the reason is the engine's word."""
    host = made("host", inputs={"cidrBlock": "10.0.0.0/16"})
    guest = made("guest", replace_with=(host.urn,))
    moved = replace(host, inputs={"cidrBlock": "10.1.0.0/16"})
    assert ops(deployed(base_of(host, guest), host, guest)) == {}
    found = deployed(base_of(host, guest), moved, guest)
    assert [(one.name, one.op, one.replace_reason) for one in found.steps] == [
        ("host", Op.REPLACE, ("cidrBlock",)),
        ("guest", Op.REPLACE, (REPLACED_WITH,)),
    ]


def test_a_resource_that_never_became_ready_is_updated_and_replaced_where_the_program_says_so():
    """Engine: an empty update for initialization errors; applyReplaceOnChanges: `*` and `#initerror` hold them."""
    unready = Recorded(resource=PLAIN, init_errors=("timed out",))
    found = step(unready, PLAIN)
    assert (found.op, found.changes, found.replaces) == (Op.UPDATE, (), Replaces.NO)
    for pattern in ("*", INIT_ERRORS):
        assert step(unready, replace(PLAIN, replace_on_changes=(pattern,))).replace_reason == (INIT_ERRORS,)
    assert step(unready, replace(PLAIN, replace_on_changes=("tags",))).op is Op.UPDATE


# What the program says about changes.


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        ("tags", Replaces.YES),  # the changed path lies in it
        ("tags.a", Replaces.YES),
        ("tags[*]", Replaces.YES),
        ("*", Replaces.YES),
        ("tags.b", Replaces.NO),
        ("tags.a.deeper", Replaces.UNKNOWN),  # the new value might hold it: not here, see below
    ],
)
def test_paths_of_replace_on_changes_hold_the_changed_path(pattern, verdict):
    """Engine, applyReplaceOnChanges: replaceOnChangePath.Contains(diffPath), wildcards included."""
    new = made(inputs={"tags": {"a": {"deeper": 2}}}, replace_on_changes=(pattern,))
    old = made(inputs={"tags": {"a": 1}})
    found = step(old, new)
    assert (found.op is Op.REPLACE) == (verdict is Replaces.YES)
    assert found.replaces is verdict


def test_ignored_changes_are_the_old_values_again():
    """Engine, processIgnoreChanges: nested paths, whole keys, and wildcards over lists."""
    old = made(inputs={"tags": {"a": "1", "b": "1"}, "list": [{"x": 1, "y": 1}], "gone": 1})
    new = made(
        inputs={"tags": {"a": "2", "b": "1", "c": "3"}, "list": [{"x": 2, "y": 1}]},
        ignore_changes=("tags.a", "tags.c", "list[*].x", "gone"),
    )
    assert step(old, new).op is Op.SAME


def test_a_path_below_something_that_is_gone_cannot_be_ignored():
    """PropertyPath.Reset (sdk/go/common/resource/properties_path.go) makes no places and no list longer or shorter."""
    goes = step(made(inputs={"config": {"size": 1}}), made(inputs={}, ignore_changes=("config.size",)))
    assert [change.path for change in goes.changes] == ["config"]
    longer = step(made(inputs={"list": [1]}), made(inputs={"list": [1, 2]}, ignore_changes=("list[1]",)))
    assert [change.path for change in longer.changes] == ["list[1]"]


def test_what_an_ignored_change_would_have_forced_is_not_forced():
    """Engine: the provider is asked with the inputs after processIgnoreChanges."""
    old, new = made(inputs={"cidrBlock": "a"}), made(inputs={"cidrBlock": "b"}, ignore_changes=("cidrBlock",))
    assert step(old, new).op is Op.SAME


def test_hidden_changes_are_marked_and_made_all_the_same():
    """State carries hideDiff for the display; the update happens."""
    found = step(made(inputs={"tags": {"a": "1", "b": "1"}}), made(inputs={"tags": {"a": "2"}}, hide_diff=("tags.a",)))
    assert {change.path: change.hidden for change in found.changes} == {"tags.a": True, "tags.b": False}
    assert found.op is Op.UPDATE


# Protection, retention, deletion.


def test_protection_stops_a_replacement_only_where_both_sides_have_it():
    """Engine: "unprotecting and replacing to happen in a single update cycle" - new.Protect && old.Protect."""
    old = made(inputs={"cidrBlock": "a"}, protect=True)
    assert step(old, made(inputs={"cidrBlock": "b"}, protect=True)).protected_error == PROTECTED
    freed = step(old, made(inputs={"cidrBlock": "b"}))
    assert (freed.op, freed.protected_error) == (Op.REPLACE, None)


def test_protection_stops_a_deletion_but_not_of_the_old_half_of_a_replacement():
    """Engine, DeleteStep.Apply: !s.replacing && s.old.Protect."""
    guarded = made("guarded", protect=True)
    half = Recorded(resource=replace(guarded, urn=urn_of("half"), name="half"), delete=True)
    found = {one.name: one for one in deployed(base_of(guarded, half)).steps}
    assert found["guarded"].protected_error == PROTECTED
    assert (found["half"].protected_error, found["half"].pending_delete) == (None, True)


def test_two_unfinished_halves_of_one_resource_are_both_deleted():
    """Engine, GenerateDeletes: several pending deletes of one URN are legal, and each is a step."""
    halves = [Recorded(resource=PLAIN, id=f"vpc-{number}", delete=True) for number in (1, 2)]
    found = deployed(base_of(*halves, PLAIN), PLAIN)
    assert [(one.op, one.pending_delete) for one in found.steps] == [(Op.DELETE, True)] * 2


def test_what_goes_with_its_container_is_said_to_go_with_it():
    """Engine, isDeletedWith: no call for what another deletion takes along; only where that deletion happens."""
    host, guest = made("host"), made("guest", deleted_with=urn_of("host"))
    both = {one.name: one.deleted_with for one in deployed(base_of(host, guest)).steps}
    assert both == {"guest": urn_of("host"), "host": None}
    assert [one.deleted_with for one in deployed(base_of(host, guest), host).steps] == [None]


def test_what_is_only_read_is_let_go_and_what_is_retained_stays():
    """Engine, DeleteStep.Apply: external and retainOnDelete are no-ops in the cloud."""
    found = deployed(base_of(made("read", external=True), made("kept", retain_on_delete=True)))
    assert [(one.name, one.retained) for one in found.steps] == [("kept", True), ("read", True)]


# Components and providers.


def test_a_component_with_other_inputs_is_updated():
    """Engine, diff: without a provider, inputs that differ are an update, and nothing more."""
    old = made("rack", "toys:index:Rack", custom=False, inputs={"size": 1})
    found = step(old, replace(old, inputs={"size": 2}))
    assert (found.op, found.replaces, found.changes[0].path) == (Op.UPDATE, Replaces.NO, "size")
    assert step(old, old).op is Op.SAME


def test_a_resource_that_becomes_a_component_is_replaced():
    """Engine, providerChanged: "if we're changing from a custom resource to a component, always trigger a replace"."""
    found = step(made("rack", TOY), made("rack", TOY, custom=False))
    assert (found.op, found.replace_reason) == (Op.REPLACE, (PROVIDER,))


def provider(name: str, package: str = "aws", **inputs) -> Resource:
    return made(name, f"pulumi:providers:{package}", inputs=inputs)


def test_another_version_of_a_default_provider_is_nobodys_change():
    """Engine, providerChanged: DiffConfig of the new provider decides, and bridged ones replace for nothing."""
    before, after = provider("default_7_50_0", version="7.50.0"), provider("default_7_51_1", version="7.51.1")
    old, new = made(provider=before.urn), made(provider=after.urn)
    assert ops(deployed(base_of(before, old), after, new)) == {}


def test_another_provider_of_a_package_without_facts_may_replace():
    """Engine, providerChanged: its DiffConfig would tell; offline it is not known."""
    before, after = provider("a", "toy", host="x"), provider("b", "toy", host="y")
    old, new = made("d", TOY, provider=before.urn), made("d", TOY, provider=after.urn)
    (found,) = (one for one in deployed(base_of(before, old), after, new).steps if one.name == "d")
    assert (found.op, found.replaces, found.changes[0].path) == (Op.UPDATE, Replaces.UNKNOWN, PROVIDER)


def test_a_provider_renamed_under_an_alias_is_the_same_one():
    """Engine, providerChanged: sg.aliased[oldRef.URN()] == newRef.URN()."""
    before = provider("a", "toy", host="x")
    after = replace(provider("b", "toy", host="y"), aliases=(before.urn,))
    old, new = made("d", TOY, provider=before.urn), made("d", TOY, provider=after.urn)
    assert ops(deployed(base_of(before, old), after, new)) == {"b": Op.UPDATE}


def cluster(name: str = "k", **inputs) -> Resource:
    return provider(name, "kubernetes", **inputs)


def kubeconfig(server: str) -> str:
    return (
        "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
        f"clusters: [{{name: k, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{token: t-{server}}}}}]\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "op"),
    [
        ({"kubeconfig": kubeconfig("a")}, {"kubeconfig": kubeconfig("b")}, Op.REPLACE),
        ({"kubeconfig": kubeconfig("a")}, {"kubeconfig": kubeconfig("a").replace("t-a", "fresh")}, Op.UPDATE),
        ({"kubeconfig": kubeconfig("a")}, {"kubeconfig": Secret(kubeconfig("b"))}, Op.REPLACE),
        ({"kubeconfig": "~/.kube/a"}, {"kubeconfig": "~/.kube/b"}, Op.UPDATE),  # files are not read: not known
        ({"clusterIdentifier": "x", "kubeconfig": "1"}, {"clusterIdentifier": "x", "kubeconfig": "2"}, Op.UPDATE),
        ({"clusterIdentifier": "x"}, {"clusterIdentifier": "y"}, Op.REPLACE),
        ({"kubeconfig": kubeconfig("a")}, {"kubeconfig": kubeconfig("a"), "clusterIdentifier": "x"}, Op.UPDATE),
        ({"renderYamlToDirectory": "a"}, {"renderYamlToDirectory": "b"}, Op.REPLACE),
        ({"enableServerSideApply": True}, {"enableServerSideApply": False}, Op.UPDATE),
    ],
)
def test_a_kubernetes_provider_is_its_cluster(old, new, op):
    """DiffConfig of pulumi-kubernetes: the active cluster of the kubeconfig, or the identifier where there is one."""
    assert step(cluster(**old), cluster(**new)).op is op


def test_what_a_replaced_provider_manages_is_replaced_with_it():
    """Engine: its id is not known yet, so the reference differs, and DiffConfig says the same once more."""
    before, after = cluster(clusterIdentifier="x"), cluster(clusterIdentifier="y")
    inside = made("m", CONFIG_MAP, provider=before.urn)
    found = {one.name: one for one in deployed(base_of(before, inside), after, inside).steps}
    assert (found["m"].op, found["m"].replace_reason) == (Op.REPLACE, (PROVIDER,))


# Deletion before replacement, and who goes along.


@pytest.mark.parametrize(
    ("new", "first"),
    [
        (made(type_=ROLE, inputs={"path": "/b/"}), False),  # its name is made up, so that both can live
        (made(type_=ROLE, inputs={"path": "/b/", "name": "mine"}), True),
        (made(type_=ROLE, inputs={"path": "/b/", "name": "mine"}, delete_before_replace=False), False),
        (made(type_=ROLE, inputs={"path": "/b/"}, delete_before_replace=True), True),
    ],
)
def test_an_own_name_makes_the_old_go_before_the_new_comes(new, first):
    """Bridge, nameRequiresDeleteBeforeReplace; engine: goal.DeleteBeforeReplace overrides the provider both ways."""
    found = step(made(type_=ROLE, inputs={"path": "/a/"}), new)
    assert (found.op, found.deletes_first) == (Op.REPLACE, first)


def test_an_attachment_of_a_policy_always_goes_first():
    """pulumi-aws resource_overrides.go: making the same attachment again, then deleting it, leaves none."""
    type_ = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    found = step(made(type_=type_, inputs={"role": "a"}), made(type_=type_, inputs={"role": "b"}))
    assert (found.op, found.deletes_first) == (Op.REPLACE, True)


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        ({"name": "m"}, {"name": "m"}, True),
        ({"name": "m"}, {"name": "n"}, False),
        ({"name": "m", "namespace": "x"}, {"name": "m", "namespace": "y"}, False),
        ({"name": "m"}, {"name": "m", "namespace": "default"}, True),
        ({"name": "m-1a2b", "annotations": {"pulumi.com/autonamed": "true"}}, {}, False),
    ],
)
def test_a_kubernetes_object_goes_first_where_it_keeps_its_name(old, new, first):
    """pulumi-kubernetes provider.go Diff: named by the user, same name, same namespace."""
    before = made(type_=CONFIG_MAP, inputs={"metadata": old, "data": {"a": "1"}})
    found = step(before, made(type_=CONFIG_MAP, inputs={"metadata": new, "data": {"a": "2"}}))
    assert (found.op, found.deletes_first) == (Op.REPLACE, first)


def test_what_could_not_outlive_it_is_replaced_along_and_says_why():
    """
    Engine, calculateDependentReplacements: dependents of the last run whose forcing inputs come from what goes first.

    The new program gives all of them the ids of before, so that they would not change by themselves. The gateway takes
    another VPC in place, and the last subnet only waits for the VPC: neither goes along.
    """
    vpc = made("vpc", inputs={"cidrBlock": "a"})
    subnet = made("subnet", SUBNET, inputs={"vpcId": "vpc-1"}, property_dependencies={"vpcId": (vpc.urn,)})
    nested = made("nested", SUBNET, inputs={"outpostArn": "s"}, property_dependencies={"outpostArn": (subnet.urn,)})
    gateway_type = "aws:ec2/internetGateway:InternetGateway"
    gateway = made("gateway", gateway_type, inputs={"vpcId": "vpc-1"}, property_dependencies={"vpcId": (vpc.urn,)})
    apart = made("apart", SUBNET, dependencies=(vpc.urn,))
    moved = replace(vpc, inputs={"cidrBlock": "b"}, delete_before_replace=True)
    unrelated = [replace(one, property_dependencies={}) for one in (subnet, nested, gateway)]
    found = {
        one.name: one for one in deployed(base_of(vpc, subnet, nested, gateway, apart), moved, *unrelated, apart).steps
    }
    assert {name: one.op for name, one in found.items()} == {
        "vpc": Op.REPLACE,
        "subnet": Op.REPLACE,
        "nested": Op.REPLACE,
    }
    assert found["subnet"].replace_reason == ("vpcId", "vpc is deleted before it is made again")
    assert found["nested"].replace_reason == ("outpostArn", "vpc is deleted before it is made again")


def test_what_is_made_before_the_old_goes_takes_nobody_along():
    """Engine: the cascade belongs to delete-before-replace only; others follow by their own changed inputs."""
    vpc = made("vpc", inputs={"cidrBlock": "a"})
    subnet = made("subnet", SUBNET, inputs={"vpcId": "vpc-1"}, property_dependencies={"vpcId": (vpc.urn,)})
    found = deployed(
        base_of(vpc, subnet), replace(vpc, inputs={"cidrBlock": "b"}), replace(subnet, property_dependencies={})
    )
    assert ops(found) == {"vpc": Op.REPLACE}


def test_what_a_provider_manages_goes_before_the_provider():
    """Engine, requiresReplacement: "if the resource's provider is in the replace set, we must replace"."""
    before = cluster(clusterIdentifier="x")
    inside = made("m", CONFIG_MAP, provider=before.urn)
    moved = cluster(clusterIdentifier="y")
    found = {
        one.name: one
        for one in deployed(base_of(before, inside), replace(moved, delete_before_replace=True), inside).steps
    }
    assert found["m"].replace_reason == (PROVIDER, "k is deleted before it is made again")


def test_protection_stops_what_would_only_go_along():
    """Engine: dependentResource.Protect alone refuses, whatever the program says now."""
    vpc = made("vpc", inputs={"cidrBlock": "a"})
    subnet = made(
        "subnet", SUBNET, inputs={"vpcId": "vpc-1"}, property_dependencies={"vpcId": (vpc.urn,)}, protect=True
    )
    moved = replace(vpc, inputs={"cidrBlock": "b"}, delete_before_replace=True)
    found = {one.name: one for one in deployed(base_of(vpc, subnet), moved, replace(subnet, protect=False)).steps}
    assert found["subnet"].protected_error == PROTECTED


# Aliases.


def test_an_alias_is_used_where_the_own_name_is_not_there():
    """Engine, getOldResource: "check the URN first, then aliases"; the resource moves, and nothing happens to it."""
    old, new = made("old"), made("new", aliases=(urn_of("other"), urn_of("old")))
    found = deployed(base_of(old), new)
    assert found.steps == ()
    assert found.notes == ("known by another name from now on, and otherwise unchanged: new",)
    assert ops(deployed(base_of(old, made("new")), new)) == {"old": Op.DELETE}


def test_two_resources_cannot_be_one_of_the_past():
    """Engine, getOldResource: GetDuplicateResourceAliasError."""
    old = made("old")
    claims = [made(name, aliases=(old.urn,)) for name in ("one", "two")]
    (found,) = deployed(base_of(old), *claims).steps
    assert (found.name, found.protected_error) == ("two", "one is what it claims to have been, by an alias")
