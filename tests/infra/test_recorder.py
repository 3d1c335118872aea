"""The recorder: what a program registers, as the engine would see it."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes
import pytest

from components.graph import Secret, Unknown
from infra.recorder import sdk
from infra.recorder.answers import created
from infra.recorder.config import engine_config
from infra.recorder.errors import DuplicateResource, NotAnswerableOffline, ProgramError
from infra.recorder.monitor import Monitor, Run
from infra.recorder.recorder import Transport, program_file, record, record_all
from sizing.errors import SizingError, StalePlan
from tests.recordings import PROJECT, ROOT, STACK, Disk, Rack, named, recorded

LEGACY = ("secrets", "aliasSpecs", "outputValues", "somethingNew")


def test_urns_are_those_of_the_engine():
    """The root stack is left out of the type chain; every other parent stays in it (urn.go of pulumi/pulumi)."""

    def program():
        Disk("alone")
        Rack("left")

    assert [resource.urn for resource in recorded(program).resources] == [
        "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev",
        "urn:pulumi:dev::shop::pulumi:providers:toy::default",
        "urn:pulumi:dev::shop::toy:storage/disk:Disk::alone",
        "urn:pulumi:dev::shop::toys:index:Rack::left",
        "urn:pulumi:dev::shop::toys:index:Rack$toy:storage/disk:Disk::left-disk",
    ]


def test_what_the_cloud_fills_in_is_unknown_and_stays_unknown_downstream():
    """An id or output of a resource that does not exist yet is unknown, also inside a text made of it."""

    def program():
        first = Disk("first", size=10)
        Disk("second", size=first.size, label=first.id, address=pulumi.Output.concat("nfs://", first.address))

    second = named(recorded(program), "second")
    assert second.inputs == {"size": 10, "label": Unknown(), "address": Unknown()}


def test_an_unset_field_of_a_typed_output_is_unknown_and_its_neighbours_are_known():
    """EKS adds the cluster's security group to `vpc_config`; what the program wrote there is known all the same."""

    def program():
        cluster = aws.eks.Cluster(
            "c", role_arn="arn:aws:iam::1:role/r", vpc_config=aws.eks.ClusterVpcConfigArgs(subnet_ids=["subnet-1"])
        )
        Disk("d", label=cluster.vpc_config.cluster_security_group_id, address=cluster.vpc_config.subnet_ids[0])

    assert named(recorded(program), "d").inputs == {"label": Unknown(), "address": "subnet-1"}


def test_secrets_are_typed_and_never_printed():
    """A secret input is wrapped; its text is in no representation."""

    def program():
        Disk("d", label=pulumi.Output.secret("hush"))

    graph = recorded(program)
    assert named(graph, "d").inputs["label"] == Secret("hush")
    assert "hush" not in repr(graph)


def test_options_are_recorded():
    """Protect, retain, ignored paths in wire names, dependencies and what each input depends on."""

    def program():
        first = Disk("first")
        Disk(
            "second",
            label=first.id,
            opts=pulumi.ResourceOptions(
                protect=True,
                retain_on_delete=True,
                ignore_changes=["size"],
                replace_on_changes=["label"],
                hide_diffs=["label"],
                deleted_with=first,
                replace_with=[first],
                replacement_trigger="2026-08",
                delete_before_replace=True,
                depends_on=[first],
            ),
        )

    graph = recorded(program)
    first, second = named(graph, "first"), named(graph, "second")
    assert (second.protect, second.retain_on_delete, second.delete_before_replace) == (True, True, True)
    assert (second.ignore_changes, second.replace_on_changes, second.hide_diff) == (("size",), ("label",), ("label",))
    assert (second.deleted_with, second.replace_with) == (first.urn, (first.urn,))
    assert (second.replacement_trigger, first.replacement_trigger) == ("2026-08", None)
    assert first.delete_before_replace is None
    assert second.dependencies == (first.urn,)
    assert second.property_dependencies == {"label": (first.urn,)}
    assert second.import_id == ""


def test_source_positions_are_the_users_calls():
    """File relative to the project, and the line of the call that made the resource."""

    def program():
        Disk("here")

    line = program.__code__.co_firstlineno + 1
    assert named(recorded(program), "here").source_position == f"infra/test_recorder.py:{line}"


def test_default_providers_are_made_as_the_engine_makes_them():
    """Named after the plugin's version, configured from the `aws:` keys of the stack; explicit ones are kept apart."""

    def program():
        aws.s3.Bucket("implicit")
        there = aws.Provider("there", region="eu-west-1")
        aws.s3.Bucket("explicit", opts=pulumi.ResourceOptions(provider=there))

    version = aws._utilities.get_version()  # type: ignore[attr-defined]  # the SDK's own, and not exported
    config = engine_config(project=PROJECT, stack_config={"aws:region": "us-east-1", "other": 3})
    graph = recorded(program, config=config)
    name = "default_" + version.replace(".", "_")
    assert named(graph, name).inputs == {"region": "us-east-1", "version": version}
    assert named(graph, "implicit").provider == f"urn:pulumi:dev::shop::pulumi:providers:aws::{name}"
    assert named(graph, "explicit").provider == "urn:pulumi:dev::shop::pulumi:providers:aws::there"


def test_a_kubernetes_object_without_a_name_gets_an_unknown_one():
    """The provider generates it, so that objects that refer to it cannot know it; what is named is known."""

    def program():
        generated = kubernetes.core.v1.Namespace("generated")
        given = kubernetes.core.v1.Namespace("given", metadata={"name": "prod"})
        Disk("d", label=generated.metadata.name, address=given.metadata.name)

    assert named(recorded(program), "d").inputs == {"label": Unknown(), "address": "prod"}


def test_reads_and_imports_are_told_apart_from_creations():
    """`.get()` is external and keeps the id it asks for; `import_` is an ordinary resource with an import id."""

    def program():
        aws.ec2.Vpc.get("shared", "vpc-1")
        Disk("taken", opts=pulumi.ResourceOptions(import_="disk-7"))

    graph = recorded(program)
    assert (named(graph, "shared").external, named(graph, "shared").import_id) == (True, "vpc-1")
    assert (named(graph, "taken").external, named(graph, "taken").import_id) == (False, "disk-7")


def test_stack_references_are_unknown_unless_their_outputs_are_given():
    """Offline nobody knows another stack's outputs; an answer that is given is used."""

    def program():
        network = pulumi.StackReference("network", stack_name="org/network/prod")
        Disk("d", label=network.get_output("vpc"))

    assert named(recorded(program), "d").inputs == {"label": Unknown()}
    answered = record(
        program, project=PROJECT, stack=STACK, root=ROOT, stack_outputs={"org/network/prod": {"vpc": "vpc-1"}}
    )
    assert named(answered, "d").inputs == {"label": "vpc-1"}


def test_an_output_form_call_is_unknown():
    """What the cloud would answer is not known offline; the program goes on."""

    def program():
        pulumi.export("zones", aws.get_availability_zones_output(state="available").names)

    assert recorded(program).outputs == {"zones": Unknown()}


@pytest.mark.parametrize("transport", Transport)
def test_a_call_that_waits_for_the_cloud_is_refused_with_its_place_and_the_mend(transport):
    """The program cannot go on without the answer; the message names the call, where it stands, and the way out."""

    def program():
        aws.get_availability_zones(state="available")

    line = program.__code__.co_firstlineno + 1
    with pytest.raises(NotAnswerableOffline) as caught:
        recorded(program, transport=transport)
    assert str(caught.value) == (
        f"infra/test_recorder.py:{line}: the call aws:index/getAvailabilityZones:getAvailabilityZones cannot be "
        "answered offline\n    hint: use the output form (get_availability_zones_output), or take the value from the "
        "plan or the stack's settings"
    )


@pytest.mark.parametrize("transport", Transport)
def test_two_resources_of_one_name_are_an_error(transport):
    """As in the engine, with both places."""

    def program():
        Disk("twin")
        Disk("twin")

    with pytest.raises(
        DuplicateResource, match="Duplicate resource URN 'urn:pulumi:dev::shop::toy:storage/disk:Disk::twin'"
    ):
        recorded(program, transport=transport)


def test_transforms_of_resource_parent_and_stack_are_run():
    """The program's own functions see and change every registration, the nearest first."""

    def larger(args):
        return pulumi.ResourceTransformResult({**args.props, "size": (args.props.get("size") or 0) * 2}, args.opts)

    def protected(args):
        if not args.custom:
            return None
        return pulumi.ResourceTransformResult(
            args.props, pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(protect=True))
        )

    def program():
        pulumi.runtime.register_resource_transform(protected)
        Rack("rack", size=3, opts=pulumi.ResourceOptions(transforms=[larger]))

    disk = named(recorded(program), "rack-disk")
    assert (disk.inputs["size"], disk.protect) == (6, True)


def test_aliases_are_spelt_out_with_those_of_the_parent():
    """`left` was `old`, so that `left-disk` may have been `old-disk` below it, or `left-disk`'s own former name."""

    def program():
        Rack("left", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))

    assert named(recorded(program), "left-disk").aliases == (
        "urn:pulumi:dev::shop::toys:index:Rack$toy:storage/disk:Disk::old-disk",
    )


def test_both_transports_record_the_same_graph():
    """Plain calls and the wire of the Pulumi CLI differ in nothing."""

    def program():
        rack = Rack("rack", size=1)
        secret = pulumi.Output.secret({"a": [1, 2.5, True, None]})
        Disk("d", label=rack.disk.address, size=secret, opts=pulumi.ResourceOptions(depends_on=[rack]))
        pulumi.export("address", rack.disk.address)

    assert recorded(program, transport=Transport.DIRECT) == recorded(program, transport=Transport.GRPC)


def test_equal_runs_give_equal_graphs_in_an_order_that_does_not_depend_on_threads():
    """Parents and dependencies first, then by name with 9 before 10; runs in one process do not disturb each other."""

    def program():
        disks = [Disk(f"disk-{number}") for number in range(12)]
        Disk("a-last", opts=pulumi.ResourceOptions(depends_on=disks))

    first = recorded(program)
    names = [resource.name for resource in first.resources if resource.type == "toy:storage/disk:Disk"]
    assert names == [*(f"disk-{number}" for number in range(12)), "a-last"]
    assert all(recorded(program) == first for _ in range(5))


def test_the_program_runs_as_in_a_preview_and_knows_its_project():
    """Dry run; project, stack, organization, root folder and configuration are those that were asked for."""
    seen: dict[str, object] = {}

    def program():
        config = pulumi.Config()
        seen["dry"] = pulumi.runtime.is_dry_run()
        seen["names"] = (pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization())
        seen["root"] = pulumi.get_root_directory()
        seen["replicas"] = config.require_int("replicas")
        seen["zones"] = config.require_object("zones")

    recorded(program, config=engine_config(project="shop", stack_config={"replicas": 3, "shop:zones": ["a", "b"]}))
    assert seen == {
        "dry": True,
        "names": ("shop", "dev", "organization"),
        "root": str(ROOT),
        "replicas": 3,
        "zones": ["a", "b"],
    }


def test_an_encrypted_setting_is_a_secret_unknown():
    """Without the stack's secrets provider nobody can read it; it flows on as a secret that is not known."""

    def program():
        Disk("d", label=pulumi.Config().require_secret("token"))

    config = engine_config(project="shop", stack_config={"token": {"secure": "v1:abc"}})
    assert named(recorded(program, config=config), "d").inputs == {"label": Secret(Unknown())}


def test_a_run_error_is_its_message_and_nothing_else():
    """`pulumi.RunError` is how a program ends itself on purpose."""

    def program():
        raise pulumi.RunError("no plan for this stack")

    with pytest.raises(ProgramError, match=r"^no plan for this stack$"):
        recorded(program)


def test_a_sizing_error_behind_a_run_error_comes_back_as_itself():
    """The program turns it into a RunError for the engine; the preview wants to know which one it was."""

    def program():
        try:
            raise StalePlan(source="dev.plan.json", what="is of another spec", mend="sizeup size dev")
        except SizingError as error:
            raise pulumi.RunError(str(error)) from None

    with pytest.raises(StalePlan, match="is of another spec"):
        recorded(program)


def test_any_other_exception_is_a_bug_and_stays_what_it_is():
    """Also where it comes from an apply, after the program's last line."""

    def at_once():
        raise KeyError("oops")

    def later():
        empty: dict[str, int] = {}
        pulumi.export("x", pulumi.Output.from_input(1).apply(lambda _: empty["gone"]))

    for program in (at_once, later):
        with pytest.raises(KeyError):
            recorded(program)


def test_a_failed_run_leaves_nothing_behind():
    """The next run in the same process starts clean."""

    def broken():
        Disk("d")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        recorded(broken)
    assert [resource.name for resource in recorded(lambda: None).resources] == ["shop-dev"]


def test_what_a_program_prints_does_not_reach_stdout_and_what_it_logs_is_kept():
    """Results own stdout: JSON that is piped must stay JSON."""

    def program():
        print("chatter")  # noqa: T201  the subject of this test
        pulumi.log.warn("prices are old")

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        recording = record_all(program, project=PROJECT, stack=STACK, root=ROOT)
    assert (out.getvalue(), err.getvalue()) == ("", "chatter\n")
    assert [(message.severity, message.text) for message in recording.messages] == [("warning", "prices are old")]


def test_a_program_is_run_from_its_file_or_folder(tmp_path: Path):
    """As the language host does: `main` may be a folder with `__main__.py`, and may import what lies beside it."""
    (tmp_path / "neighbour_of_main.py").write_text("VALUE = 7\n")
    (tmp_path / "__main__.py").write_text(
        "import pulumi\nfrom neighbour_of_main import VALUE\npulumi.export('value', VALUE)\n"
    )
    try:
        for path in (tmp_path, tmp_path / "__main__.py"):
            graph = record(program_file(path), project=PROJECT, stack=STACK, root=tmp_path)
            assert graph.outputs == {"value": 7}
    finally:
        sys.modules.pop("neighbour_of_main")
    assert str(tmp_path) not in sys.path


def test_configuration_is_what_the_engine_hands_over():
    """Texts for scalars, JSON for structures, defaults of the project file below the stack's own values."""
    config = engine_config(
        project="shop",
        project_config={"size": {"type": "integer", "default": 1}, "region": "eu", "note": {"type": "string"}},
        stack_config={"size": 2, "on": True, "aws:region": "us", "list": [1, {"secure": "x"}], "rate": 0.5},
    )
    assert {key: text for key, text in config.values.items() if key != "shop:list"} == {
        "shop:size": "2",
        "shop:region": "eu",
        "shop:on": "true",
        "aws:region": "us",
        "shop:rate": "0.5",
    }
    assert json.loads(config.values["shop:list"])[0] == 1
    assert config.secret_keys == ("shop:list",)


def test_features_are_offered_by_allow_list():
    """What is not implemented is not offered, by the new names and by those that older SDKs ask with."""
    config = engine_config(project=PROJECT, stack_config={})
    run = Run(project=PROJECT, stack=STACK, organization="o", root=ROOT, config=config, answer=created)
    monitor: Any = Monitor(run)  # its answers are messages of the protocol, which have no types
    offered = {
        sdk.resource_pb2.ResourceMonitorFeature.Name(feature).removeprefix("RESOURCE_MONITOR_FEATURE_")
        for feature in monitor.GetDeploymentInfo(None).supportedFeatures
    }
    assert {"SECRETS", "ALIAS_SPECS", "TRANSFORMS"} <= offered
    assert not offered & {"OUTPUT_VALUES", "BYTE_STRING", "INVOKE_DEPENDS_ON", "INVOKE_PARENT", "STATE_MIGRATIONS"}
    asked = {
        name: monitor.SupportsFeature(sdk.resource_pb2.SupportsFeatureRequest(id=name)).hasSupport for name in LEGACY
    }
    assert asked == {"secrets": True, "aliasSpecs": True, "outputValues": False, "somethingNew": False}
