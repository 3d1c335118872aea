"""What a deployment would do to a base: every injected change is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Asset, Encrypted, Graph, Resource, Secret, Unknown
from infra.diff.changes import ChangeKind, Op, Replaces
from infra.diff.compare import input_differences
from infra.diff.diff import changes, next_step
from infra.diff.progress import Progress
from infra.diff.recorded import Base, Recorded, earlier_program, nothing
from tests.recordings import PROJECT, STACK, Disk, Rack, deployed_over, only_step, recorded, settled_base

AWS, KUBERNETES = "aws:ec2/vpc:Vpc", "kubernetes:core/v1:ConfigMap"


def paths_of(old, new, *, type_=AWS, ignore=()):
    return [
        (difference.kind.value, difference.path)
        for difference in input_differences(old, new, type_=type_, ignore=ignore)
    ]


def custom(name: str = "r", type_: str = AWS, **more) -> Resource:
    fields = {"parent": None, "provider": None, "inputs": {}, "custom": True} | more
    return Resource(urn=f"urn:pulumi:dev::shop::{type_}::{name}", type=type_, name=name, **fields)


def over(new: Resource, old: Resource | None, *others: Resource, **recorded_as):
    """The step of *new* where the base holds *old*; both sides hold *others*."""
    entries = [Recorded(resource=other) for other in others]
    if old is not None:
        entries.append(Recorded(resource=old, **recorded_as))
    progress = Progress(base=Base(name="state", project=PROJECT, stack=STACK, entries=tuple(entries)))
    for other in others:
        next_step(progress, other)
    return next_step(progress, new)


# Whole programs.


def shop(*, size=10, replicas=2, label="blue"):
    """A disk, a deployment whose namespace comes from another object, a secret and a component."""

    def program():
        disk = Disk("disk", size=size)
        namespace = kubernetes.core.v1.Namespace("ns", metadata={"name": "shop"})
        kubernetes.apps.v1.Deployment(
            "web",
            metadata={"namespace": namespace.metadata.name},
            spec={
                "replicas": replicas,
                "selector": {"match_labels": {"app": label}},
                "template": {"metadata": {"labels": {"app": label}}, "spec": {"containers": [{"name": "c"}]}},
            },
        )
        Rack("rack", label=disk.address, size=pulumi.Output.secret(4))
        pulumi.export("address", disk.address)

    return program


ADDRESS = {"address": "10.0.0.7"}


def test_everything_is_created_where_there_is_nothing():
    """Each resource and component once, in the program's order; default providers are the engine's own business."""
    found = changes(recorded(shop()), nothing(project=PROJECT, stack=STACK))
    assert {step.op for step in found.steps} == {Op.CREATE}
    assert sorted(step.name for step in found.steps) == ["disk", "ns", "rack", "rack-disk", "shop-dev", "web"]
    assert found.base_name == "nothing"


def test_an_unchanged_program_over_its_settled_state_changes_nothing():
    """Outputs come from the state while the program runs, so that what is behind them is known and equal."""
    found = deployed_over(shop(), settled_base(shop(), disk=ADDRESS))
    assert (found.steps, found.outputs) == ((), ())


def test_an_update_in_place_leaves_the_rest_alone():
    """One step with the property's path, old and new value; replicas never replace a deployment."""
    step = only_step(deployed_over(shop(replicas=5), settled_base(shop(), disk=ADDRESS)))
    (change,) = step.changes
    assert (step.op, step.name, step.replaces) == (Op.UPDATE, "web", Replaces.NO)
    assert (change.path, change.old, change.new, change.kind) == ("spec.replicas", 2, 5, ChangeKind.CHANGED)


def test_a_changed_selector_replaces_the_deployment_and_says_so():
    """The Kubernetes provider replaces on `spec.selector`; the labels of the pods alone it would update."""
    step = only_step(deployed_over(shop(label="green"), settled_base(shop(), disk=ADDRESS)))
    assert (step.op, step.replaces) == (Op.REPLACE, Replaces.YES)
    assert step.replace_reason == ("spec.selector.matchLabels.app",)
    assert {change.path: change.replaces for change in step.changes} == {
        "spec.selector.matchLabels.app": Replaces.YES,
        "spec.template.metadata.labels.app": Replaces.NO,
    }


def test_a_type_without_facts_is_not_guessed():
    """Whether a toy disk grows in place is known to nobody here."""
    step = only_step(deployed_over(shop(size=20), settled_base(shop(), disk=ADDRESS)))
    assert (step.op, step.replaces) == (Op.UPDATE, Replaces.UNKNOWN)


def test_a_replacement_makes_what_is_behind_it_unknown():
    """A namespace with another name is another namespace, and everything that takes its name moves along."""

    def program(name):
        def run():
            namespace = kubernetes.core.v1.Namespace("ns", metadata={"name": name})
            kubernetes.core.v1.ConfigMap("inside", metadata={"namespace": namespace.metadata.name})
            Disk("beside", label=namespace.id)

        return run

    found = deployed_over(program("b"), settled_base(program("a")))
    steps = {step.name: step for step in found.steps}
    assert (steps["ns"].op, steps["ns"].replace_reason) == (Op.REPLACE, ("metadata.name",))
    assert (steps["inside"].op, steps["inside"].replace_reason) == (Op.REPLACE, ("metadata.namespace",))
    (change,) = steps["beside"].changes
    assert (change.path, change.old, change.new) == ("label", "id-of-ns", Unknown())


def test_what_the_program_no_longer_wants_is_deleted_children_first():
    """A component and its disk; what is protected is told as the error it would be."""

    def before():
        Disk("kept")
        Rack("rack")
        Disk("guarded", opts=pulumi.ResourceOptions(protect=True))
        Disk("left", opts=pulumi.ResourceOptions(retain_on_delete=True))

    found = deployed_over(lambda: Disk("kept"), settled_base(before))
    assert [(step.op, step.name) for step in found.steps] == [
        (Op.DELETE, "rack-disk"),
        (Op.DELETE, "rack"),
        (Op.DELETE, "left"),
        (Op.DELETE, "guarded"),
    ]
    guarded = next(step for step in found.steps if step.name == "guarded")
    left = next(step for step in found.steps if step.name == "left")
    assert (guarded.protected_error or "").startswith("it is protected")
    assert (left.retained, left.protected_error) == (True, None)


def test_a_renamed_resource_is_found_by_its_alias():
    """Also when it is its component that was renamed; nothing is created or deleted."""

    def renamed():
        Rack("new", size=1, opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))

    base = settled_base(lambda: Rack("old", size=1))
    assert deployed_over(renamed, base).steps == ()


def test_ignored_changes_are_ignored():
    """The autoscaler owns the size; the program's own value does not come back."""

    def program(size):
        return lambda: Disk("d", size=size, label="x", opts=pulumi.ResourceOptions(ignore_changes=["size"]))

    assert deployed_over(program(9), settled_base(program(2))).steps == ()


def test_secrets_are_compared_inside_and_never_shown():
    """An equal secret is no change; another one is, and neither side's text can be read off the step."""

    def program(text):
        return lambda: Disk("d", label=pulumi.Output.secret(text))

    assert deployed_over(program("hush"), settled_base(program("hush"))).steps == ()
    step = only_step(deployed_over(program("whisper"), settled_base(program("hush"))))
    (change,) = step.changes
    assert (change.old, change.new, change.certain) == (Secret("hush"), Secret("whisper"), True)
    assert "hush" not in repr(step)
    assert "whisper" not in repr(step)


def test_an_encrypted_secret_may_change():
    """It cannot be compared: the step is not certain, and nothing behind the resource becomes unknown by it."""

    def program():
        disk = Disk("d", label=pulumi.Output.secret("hush"))
        Disk("behind", label=disk.address)

    step = only_step(deployed_over(program, settled_base(program, encrypted=True, d={"address": "10.0.0.1"})))
    assert (step.name, step.op, step.certain) == ("d", Op.UPDATE, False)


def test_what_an_unfinished_replacement_left_is_deleted():
    """The old half waits for the next run, even where the resource itself is unchanged."""
    base = settled_base(lambda: Disk("d"))
    waiting = replace(base.entries[-1], delete=True, id="disk-0")
    step = only_step(deployed_over(lambda: Disk("d"), replace(base, entries=(*base.entries, waiting))))
    assert (step.op, step.pending_delete) == (Op.DELETE, True)


def test_changed_stack_outputs_are_listed():
    """By name, with both values."""

    def program(value):
        return lambda: pulumi.export("url", value)

    (change,) = deployed_over(program("b"), settled_base(program("a"))).outputs
    assert (change.path, change.old, change.new) == ("url", "a", "b")


def test_two_revisions_that_are_equal_differ_in_nothing():
    """Unknowns stand for the same on both sides."""
    graph = recorded(shop())
    assert changes(graph, earlier_program(graph, name="git main")).steps == ()


def test_between_revisions_a_replacement_may_move_what_is_behind_it():
    """Both programs hand the same unknown on, so that only the dependency tells; that is not certain, and said so."""

    def program(name):
        def run():
            namespace = kubernetes.core.v1.Namespace("ns", metadata={"name": name})
            Disk("behind", label=namespace.id, size=1)
            Disk("apart", size=1)

        return run

    found = changes(recorded(program("b")), earlier_program(recorded(program("a")), name="git main"))
    assert [(step.name, step.op, step.certain) for step in found.steps] == [
        ("ns", Op.REPLACE, True),
        ("behind", Op.UPDATE, False),
    ]


@given(
    sizes=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    others=st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_exactly_the_changed_resources_are_shown(sizes, others):
    """Three resources with any inputs before and after: a step for each that differs, and for no other."""

    def graph(values):
        return Graph(
            project=PROJECT,
            stack=STACK,
            resources=tuple(custom(f"r{place}", inputs={"n": value}) for place, value in enumerate(values)),
        )

    found = changes(graph(others), earlier_program(graph(sizes), name="git main"))
    differing = [f"r{place}" for place in range(3) if sizes[place] != others[place]]
    assert [step.name for step in found.steps] == differing


# One resource.


def test_what_the_provider_chose_is_not_a_removal():
    """Bridged providers list the properties they filled in, in every object."""
    old = {"__defaults": ["name"], "name": "vpc-1f3a", "ebs": {"__defaults": ["iops"], "iops": 3000, "size": 8}}
    assert paths_of(old, {"ebs": {"size": 8}}) == []
    assert paths_of(old, {"name": "mine", "ebs": {"size": 9}}) == [("changed", ("ebs", "size")), ("changed", ("name",))]


def test_properties_come_and_go():
    """Added, removed and changed, in lists too."""
    old = {"gone": 1, "list": [1, 2, 3], "same": "x"}
    new = {"new": [1], "list": [1, 5], "same": "x"}
    assert paths_of(old, new) == [
        ("changed", ("list", 1)),
        ("removed", ("list", 2)),
        ("added", ("new",)),
        ("removed", ("gone",)),
    ]


def test_bridged_providers_convert_scalars_and_kubernetes_does_not():
    """A state may hold "8080" where the program says 8080; two texts are two texts: version 1.30 is not 1.3."""
    for old, new in (("8080", 8080), (8080.0, 8080), ("true", True), ('{"a":1}', '{ "a": 1 }'), ([], None)):
        assert paths_of({"x": old}, {"x": new} if new is not None else {}) == []
    assert paths_of({"x": "1.30"}, {"x": "1.3"}) == [("changed", ("x",))]
    assert paths_of({"x": 1}, {"x": True}) == [("changed", ("x",))]
    assert paths_of({"x": "8080"}, {"x": 8080}, type_=KUBERNETES) == [("changed", ("x",))]
    assert paths_of({"x": {}}, {}, type_=KUBERNETES) == [("removed", ("x",))]


def test_generated_kubernetes_names_are_not_removals():
    """The provider marks them; a name that the program gives is compared as any other."""
    old = {"metadata": {"name": "cm-1a2b", "annotations": {"pulumi.com/autonamed": "true"}}, "data": {"a": "1"}}
    assert paths_of(old, {"data": {"a": "1"}}, type_=KUBERNETES) == []
    assert paths_of(old, {"metadata": {"name": "cm"}, "data": {"a": "1"}}, type_=KUBERNETES) == [
        ("changed", ("metadata", "name"))
    ]


def test_ignored_paths_may_lie_anywhere():
    """In objects, in every item of a list, and where one side has nothing."""
    old = {"spec": {"replicas": 3, "containers": [{"image": "a", "name": "x"}]}, "tags": {"by": "hand"}}
    new = {"spec": {"replicas": 1, "containers": [{"image": "b", "name": "y"}]}}
    assert paths_of(old, new, ignore=["spec.replicas", "spec.containers[*].image", "tags"]) == [
        ("changed", ("spec", "containers", 0, "name"))
    ]
    assert paths_of({}, {"tags": {"x": "1"}}, ignore=['tags["x"]']) == []


def test_files_are_compared_by_content():
    """Two assets with one hash are one file."""
    assert paths_of({"x": Asset("aa")}, {"x": Asset("aa")}) == []
    assert paths_of({"x": Asset("aa")}, {"x": Asset("bb")}) == [("changed", ("x",))]


def test_a_protected_resource_cannot_be_replaced():
    """The engine refuses; the step says so."""
    old = custom(inputs={"a": 1}, protect=True)
    step = over(custom(inputs={"a": 2}, protect=True, replace_on_changes=("a",)), old)
    assert (step.op, step.replace_reason) == (Op.REPLACE, ("a",))
    assert step.protected_error is not None


def test_an_encrypted_part_makes_the_whole_secret_incomparable():
    """Only the secrets provider can tell."""
    (difference,) = input_differences({"x": Secret(Encrypted("v1"))}, {"x": Secret("a")}, type_=AWS)
    assert not difference.certain


def test_an_empty_base_has_no_graph():
    """Nothing is there."""
    assert Base(name="nothing", project=PROJECT, stack=STACK).graph.resources == ()


# What only the cloud can answer.


def test_a_lookup_that_nobody_answers_offline_is_taken_as_unchanged_and_said_so():
    """Its answer is unknown in every offline run; nothing that it comes from changes."""

    def program():
        zones = aws.get_availability_zones_output(state="available")
        Disk("d", label=zones.id)

    found = deployed_over(program, settled_base(program))
    assert found.steps == ()
    why = "read only when it is deployed (looked up, or encrypted), and taken as unchanged here"
    assert found.notes == (f"{why}: inputs of d",)


def test_a_lookup_by_something_that_changes_is_in_the_note_too():
    """The SDK drops what the lookup asked for, so that it cannot be told apart; the note names the resource."""

    def program(name):
        def run():
            namespace = kubernetes.core.v1.Namespace("ns", metadata={"name": name})
            zone = aws.get_availability_zone_output(name=namespace.metadata.name)
            Disk("d", label=zone.id)

        return run

    found = deployed_over(program("b"), settled_base(program("a")))
    assert [step.name for step in found.steps] == ["ns"]
    assert found.notes[0].endswith("inputs of d")


def test_what_is_read_by_id_keeps_the_outputs_that_the_state_records():
    """`.get()` of the same id is the same; of another id it is read anew, and what it tells is unknown."""

    def program(vpc_id):
        def run():
            vpc = aws.ec2.Vpc.get("shared", vpc_id)
            Disk("d", label=vpc.cidr_block)

        return run

    base = settled_base(program("vpc-1"), shared={"cidrBlock": "10.0.0.0/16"})
    assert deployed_over(program("vpc-1"), base).steps == ()
    assert [(step.op, step.name) for step in deployed_over(program("vpc-2"), base).steps] == [
        (Op.READ, "shared"),
        (Op.UPDATE, "d"),
    ]
