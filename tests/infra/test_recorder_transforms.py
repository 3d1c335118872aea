"""Transforms: the program's own functions change what it registers and asks, over either transport."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from components.graph import Secret, Unknown
from infra.recorder.errors import ProgramError
from infra.recorder.recorder import Transport
from tests.recordings import Disk, Rack, named, recorded

Options = pulumi.ResourceOptions
Args = pulumi.ResourceTransformArgs
Result = pulumi.ResourceTransformResult


@pytest.mark.parametrize("transport", Transport)
def test_every_option_that_a_transform_sets_is_recorded(transport: Transport):
    """All that the SDK hands back from a transform; it drops hide_diffs there, and refuses replacement_trigger."""

    def program():
        first = Disk("first")

        def changed(args: Args) -> Result:
            more = Options(
                protect=True,
                retain_on_delete=True,
                delete_before_replace=True,
                ignore_changes=["size"],
                replace_on_changes=["label"],
                additional_secret_outputs=["address"],
                aliases=[pulumi.Alias(name="was")],
                depends_on=[first],
                deleted_with=first,
                replace_with=[first],
                custom_timeouts=pulumi.CustomTimeouts(create="90m"),
                import_="disk-7",
                version="1.2.3",
            )
            return Result(args.props, Options.merge(args.opts, more))

        Disk("d", opts=Options(transforms=[changed]))

    graph = recorded(program, transport=transport)
    first, disk = named(graph, "first"), named(graph, "d")
    assert (disk.protect, disk.retain_on_delete, disk.delete_before_replace) == (True, True, True)
    assert (disk.ignore_changes, disk.replace_on_changes) == (("size",), ("label",))
    assert (disk.additional_secret_outputs, disk.import_id) == (("address",), "disk-7")
    assert disk.aliases == ("urn:pulumi:dev::shop::toy:storage/disk:Disk::was",)
    assert (disk.dependencies, disk.deleted_with, disk.replace_with) == ((first.urn,), first.urn, (first.urn,))
    assert disk.timeouts_s == {"create": 5400.0}
    assert (disk.provider or "").endswith("::default_1_2_3")


def test_a_transform_that_changes_nothing_leaves_all_as_it_was():
    """Options, secrets, unknowns and what each input depends on, compared with the same program without it."""

    def build(transforms: list[Any] | None) -> None:
        first = Disk("first")
        Disk(
            "d",
            label=pulumi.Output.secret("hush"),
            size={"a": [1, first.address]},
            opts=Options(
                transforms=transforms,
                protect=True,
                aliases=["urn:pulumi:dev::shop::toy:a:B::c", pulumi.Alias(name="was")],
                custom_timeouts=pulumi.CustomTimeouts(delete="5m"),
                depends_on=[first],
            ),
        )

    with_one = named(recorded(lambda: build([lambda _: None]), transport=Transport.GRPC), "d")
    without = named(recorded(lambda: build(None), transport=Transport.GRPC), "d")
    assert with_one.inputs == without.inputs == {"label": Secret("hush"), "size": {"a": [1, Unknown()]}}
    assert with_one == without


def test_inputs_that_a_transform_replaces_have_its_values():
    """A transform sees plain values, and unknowns and secrets as outputs of them."""
    seen: dict[str, Any] = {}

    def larger(args: Args) -> Result:
        seen.update(args.props)
        return Result({**args.props, "size": 2 * seen["size"], "label": "new"}, args.opts)

    disk = named(recorded(lambda: Disk("d", size=3, opts=Options(transforms=[larger])), transport=Transport.GRPC), "d")
    assert (seen["size"], disk.inputs) == (3, {"size": 6, "label": "new"})


def test_transforms_run_from_the_resource_outwards():
    """Its own, its component's, the stack's: each sees what the one before made of it."""

    def adds(word: str) -> Any:
        def transform(args: Args) -> Result | None:
            if not args.custom:
                return None
            return Result({**args.props, "label": f"{args.props.get('label') or ''}{word}"}, args.opts)

        return transform

    def program():
        pulumi.runtime.register_resource_transform(adds("stack"))
        rack = Rack("rack", opts=Options(transforms=[adds("rack ")]))
        Disk("d", opts=Options(parent=rack, transforms=[adds("own ")]))

    graph = recorded(program, transport=Transport.GRPC)
    assert named(graph, "d").inputs == {"label": "own rack stack"}
    assert named(graph, "rack-disk").inputs == {"label": "rack stack"}


def test_transforms_of_calls_are_run_though_the_answer_is_unknown():
    """What they do to the provider shows: it is the one that the call would go to."""
    asked: list[tuple[str, Any]] = []

    def program():
        there = aws.Provider("there", region="eu-west-1")

        def elsewhere(args: pulumi.InvokeTransformArgs) -> pulumi.InvokeTransformResult:
            asked.append((args.token, dict(args.args)))
            return pulumi.InvokeTransformResult(args.args, pulumi.InvokeOptions(provider=there))

        pulumi.runtime.register_invoke_transform(elsewhere)
        pulumi.export("zones", aws.get_availability_zones_output(state="available").names)

    graph = recorded(program, transport=Transport.GRPC)
    assert asked == [("aws:index/getAvailabilityZones:getAvailabilityZones", {"state": "available"})]
    assert graph.outputs == {"zones": Unknown()}
    assert [one.name for one in graph.resources] == ["shop-dev", "there"]


@pytest.mark.parametrize("transport", Transport)
def test_a_transform_that_fails_is_told_with_its_message_and_line(transport: Transport):
    """And no trace of the wire between."""

    def failing(_args: Args) -> Result:
        raise ValueError("no owner tag")

    line = failing.__code__.co_firstlineno + 1
    with pytest.raises(ProgramError, match=rf"^a transform of the program failed: no owner tag \(.*:{line}\)$"):
        recorded(lambda: Disk("d", opts=Options(transforms=[failing])), transport=transport)
