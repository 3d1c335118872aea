"""What a registration says beside its inputs, as the graph keeps it: over the wire and by plain calls alike."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.graph import Graph, Secret, Unknown, Value
from infra.recorder.recorder import Transport, record
from tests.recordings import PROJECT, ROOT, STACK, Disk, Rack, named, recorded

Options = pulumi.ResourceOptions
VERSION = aws._utilities.get_version()  # type: ignore[attr-defined]  # the SDK's own, and not exported
DEFAULT = "default_" + VERSION.replace(".", "_")


def both_ways(program) -> Graph:
    """The graph of *program*, the same over either transport."""
    direct, wire = (recorded(program, transport=one) for one in Transport)
    assert direct == wire
    return wire


def test_additional_secret_outputs_are_kept_by_their_names_on_the_wire():
    """And what is read from them downstream is secret."""

    def program():
        first = Disk("first", size=10, opts=Options(additional_secret_outputs=["size"]))
        Disk("second", size=first.size)

    graph = both_ways(program)
    assert named(graph, "first").additional_secret_outputs == ("size",)
    assert named(graph, "second").inputs == {"size": Secret(10)}


def test_hooks_are_kept_by_when_and_name_and_not_run():
    """A hook acts on the world; a preview must not, even where the hook asks to be run in dry runs."""
    ran: list[str] = []

    def program():
        def drain(_args: object) -> None:
            ran.append("drain")

        def failed(_args: object) -> bool:
            ran.append("failed")
            return False

        before = pulumi.ResourceHook("drain", drain, opts=pulumi.ResourceHookOptions(on_dry_run=True))
        binding = pulumi.ResourceHookBinding(
            before_delete=[before], after_create=[before], on_error=[pulumi.ErrorHook("capacity", failed)]
        )
        Disk("d", opts=Options(hooks=binding))

    assert named(both_ways(program), "d").hooks == ("after_create:drain", "before_delete:drain", "on_error:capacity")
    assert ran == []


def test_a_child_keeps_what_its_parent_says_and_it_leaves_open():
    """Protection, retention and what deletes it along come down from the component; a child may say otherwise."""

    def program():
        cluster = Disk("cluster")
        rack = Rack("rack", opts=Options(protect=True, retain_on_delete=True, deleted_with=cluster))
        Disk("spare", opts=Options(parent=rack, protect=False))

    graph = both_ways(program)
    child, spare = named(graph, "rack-disk"), named(graph, "spare")
    assert (child.protect, child.retain_on_delete, child.deleted_with) == (True, True, named(graph, "cluster").urn)
    assert (spare.protect, spare.retain_on_delete) == (False, True)


def test_a_transform_of_a_parent_reaches_its_children_through_the_engine():
    """The SDK passes options on before transforms run, and the engine after: inheritFromParent in source_eval.go."""

    def guarded(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if args.type_ != "toys:index:Rack":
            return None
        return pulumi.ResourceTransformResult(args.props, Options.merge(args.opts, Options(protect=True)))

    def program():
        pulumi.runtime.register_resource_transform(guarded)
        Rack("rack")

    assert named(both_ways(program), "rack-disk").protect


def test_providers_come_from_the_resource_its_component_or_the_stack():
    """In this order; a provider of another package is not taken over."""

    def program():
        there = aws.Provider("there", region="eu-west-1")
        here = aws.Provider("here", region="us-east-1")
        rack = Rack("rack", opts=Options(providers=[there]))
        aws.s3.Bucket("inherited", opts=Options(parent=rack))
        aws.s3.Bucket("own", opts=Options(parent=rack, provider=here))
        aws.s3.Bucket("plain")

    graph = both_ways(program)
    providers = {
        name: (named(graph, name).provider or "").rpartition("::")[2] for name in ("inherited", "own", "plain")
    }
    assert providers == {"inherited": "there", "own": "here", "plain": DEFAULT}
    assert (named(graph, "rack-disk").provider or "").endswith("pulumi:providers:toy::default")


def test_a_call_makes_a_default_provider_as_in_the_engine():
    """A function is answered by a provider, so the engine starts one for it, and the state has it."""

    def program():
        pulumi.export("zones", aws.get_availability_zones_output().names)

    graph = both_ways(program)
    assert [one.name for one in graph.resources] == ["shop-dev", DEFAULT]


def test_a_provider_from_elsewhere_is_named_after_where_it_is_from():
    """ProviderRequest.DefaultName: version and download address are in the name."""

    def program():
        Disk("d", opts=Options(version="1.2.3", plugin_download_url="https://plugins.example/toy"))

    graph = both_ways(program)
    assert named(graph, "d").provider == (
        "urn:pulumi:dev::shop::pulumi:providers:toy::default_1_2_3_plugins.example/toy"
    )


@pytest.mark.parametrize(
    ("alias", "former"),
    [
        (pulumi.Alias(name="was"), "toys:index:Rack$toy:storage/disk:Disk::was"),
        (pulumi.Alias(type_="toy:old:Disk"), "toys:index:Rack$toy:old:Disk::d"),
        (pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE), "toy:storage/disk:Disk::d"),
        ("urn:pulumi:dev::shop::toy:a:B::c", "toy:a:B::c"),
    ],
)
def test_an_alias_is_spelt_out_from_its_differences(alias: Any, former: str):
    """What it does not say is as in the resource itself."""

    def program():
        rack = Rack("rack")
        Disk("d", opts=Options(parent=rack, aliases=[alias]))

    assert named(both_ways(program), "d").aliases == (f"urn:pulumi:dev::shop::{former}",)


def test_an_alias_to_another_stack_or_project_is_spelt_out():
    """A resource that moved between stacks brings its old URN."""

    def program():
        Disk("d", opts=Options(aliases=[pulumi.Alias(stack="old", project="store")]))

    assert named(both_ways(program), "d").aliases == ("urn:pulumi:old::store::toy:storage/disk:Disk::d",)


def test_old_names_of_a_parent_are_multiplied_out_with_those_of_the_child():
    """Each old name of the parent, with the child's own name, and with each of its old ones, at any depth."""

    def program():
        outer = Rack("new", opts=Options(aliases=[pulumi.Alias(name="old"), pulumi.Alias(name="older")]))
        inner = Disk("new-inner", opts=Options(parent=outer, aliases=[pulumi.Alias(name="was")]))
        Disk("leaf", opts=Options(parent=inner))

    graph = both_ways(program)
    below = "urn:pulumi:dev::shop::toys:index:Rack$toy:storage/disk:Disk"
    assert named(graph, "new-inner").aliases == tuple(
        f"{below}::{name}" for name in ("was", "old-inner", "older-inner")
    )
    assert named(graph, "leaf").aliases == ()  # the type chain tells of parents' types, not of their names


def test_a_type_alias_of_a_parent_reaches_every_depth():
    """The chain of types is in the URN, so all below the renamed component had other URNs."""

    def program():
        outer = Rack("rack", opts=Options(aliases=[pulumi.Alias(type_="toys:old:Rack")]))
        Disk("leaf", opts=Options(parent=outer.disk))

    graph = both_ways(program)
    disk = "toy:storage/disk:Disk"
    assert named(graph, "rack-disk").aliases == (f"urn:pulumi:dev::shop::toys:old:Rack${disk}::rack-disk",)
    assert named(graph, "leaf").aliases == (f"urn:pulumi:dev::shop::toys:old:Rack${disk}${disk}::leaf",)


def test_a_stack_reference_is_read_and_its_secrets_stay_secret():
    """External, with the other stack's name as its id; an output that is secret there is secret here."""

    def program():
        network = pulumi.StackReference("network", stack_name="org/network/prod")
        Disk("d", label=network.get_output("token"), address=network.get_output("vpc"))

    given: dict[str, dict[str, Value]] = {"org/network/prod": {"token": Secret("hush"), "vpc": "vpc-1"}}
    graph = record(program, project=PROJECT, stack=STACK, root=ROOT, stack_outputs=given)
    reference = named(graph, "network")
    assert (reference.type, reference.external) == ("pulumi:pulumi:StackReference", True)
    assert reference.import_id == "org/network/prod"
    assert named(graph, "d").inputs == {"label": Secret("hush"), "address": "vpc-1"}
    assert "hush" not in repr(graph)


def test_a_read_keeps_its_provider_and_its_id_and_knows_nothing_else():
    """`.get()` looks a resource up that is managed elsewhere; what the cloud tells of it is unknown."""

    def program():
        there = aws.Provider("there", region="eu-west-1")
        found = aws.ec2.Vpc.get("shared", "vpc-1", opts=Options(provider=there))
        Disk("d", label=found.id, address=found.cidr_block)

    graph = both_ways(program)
    assert (named(graph, "shared").provider or "").endswith("::there")
    assert named(graph, "d").inputs == {"label": "vpc-1", "address": Unknown()}


def test_every_resource_of_the_program_has_a_source_position():
    """The stack and default providers are the engine's; all else stands at a line of the program."""

    def program():
        Rack("rack")
        Disk("d")
        aws.ec2.Vpc.get("shared", "vpc-1")

    line = program.__code__.co_firstlineno + 1
    places = {one.name: one.source_position for one in both_ways(program).resources}
    assert {name for name, place in places.items() if place is None} == {"shop-dev", "default", DEFAULT}
    assert places["rack"] == f"infra/test_recorder_options.py:{line}"
    assert places["d"] == f"infra/test_recorder_options.py:{line + 1}"
    assert places["shared"] == f"infra/test_recorder_options.py:{line + 2}"
    assert (places["rack-disk"] or "").startswith("recordings.py:")  # inside the component, as the engine has it
