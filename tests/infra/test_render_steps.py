"""Steps as text: folded by component where all is new, property by property where something changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.graph import Resource, Secret, Unknown, Value
from infra.diff.changes import ChangeKind, Op, PropertyChange, Replaces, ResourceChanges, Step
from infra.render.steps import step_lines, summary
from tests.resources import component, graph, resource

NETWORK = component("sizeup:index:AwsNetwork", "chat-network")
CLUSTER = component("sizeup:index:AwsCluster", "chat-cluster")
VPC = resource("aws:ec2/vpc:Vpc", "chat-network-vpc", parent=NETWORK)
SUBNETS = tuple(resource("aws:ec2/subnet:Subnet", f"chat-network-{at}", parent=NETWORK) for at in range(3))
EKS = resource("aws:eks/cluster:Cluster", "chat-cluster", parent=CLUSTER)
PROVIDER = resource("pulumi:providers:aws", "default")


def step(op: Op, it: Resource, **fields: Any) -> Step:
    old = None if op is Op.CREATE else it
    new = None if op is Op.DELETE else it
    return Step(op=op, urn=it.urn, type=it.type, name=it.name, old=old, new=new, **fields)


def changes(*steps: Step, base: tuple[Resource, ...] = ()) -> ResourceChanges:
    wanted = graph(NETWORK, CLUSTER, PROVIDER, *(x.new for x in steps if x.new is not None))
    return ResourceChanges(graph=wanted, base=graph(*base), base_name="nothing", steps=steps)


def changed(path: str, old: Value, new: Value, *, replaces: Replaces = Replaces.NO) -> PropertyChange:
    return PropertyChange(path=path, old=old, new=new, kind=ChangeKind.CHANGED, replaces=replaces)


def test_a_new_component_is_one_line() -> None:
    """Providers and the component itself are not what a person counts."""
    made = changes(*(step(Op.CREATE, x) for x in (NETWORK, VPC, *SUBNETS, CLUSTER, EKS, PROVIDER)))
    assert step_lines(made, full=False) == [
        "resources",
        "  +   network (4): VPC, 3 subnets",
        "  +   cluster (1): EKS cluster",
    ]


def test_full_lists_every_resource() -> None:
    """Also components and providers, as the engine does."""
    made = changes(*(step(Op.CREATE, x) for x in (NETWORK, VPC, *SUBNETS)))
    lines = step_lines(made, full=True)
    assert [line.split()[-1] for line in lines if line.startswith("  +")] == [
        "chat-network",
        "chat-network-vpc",
        "chat-network-0",
        "chat-network-1",
        "chat-network-2",
    ]


def test_components_of_one_kind_are_told_by_name() -> None:
    """Two node pools are two lines, each with its name."""
    pools = [component("sizeup:index:AwsNodePool", f"chat-{zone}") for zone in "ab"]
    groups = [resource("aws:eks/nodeGroup:NodeGroup", f"{x.name}-group", parent=x) for x in pools]
    made = ResourceChanges(
        graph=graph(*pools, *groups),
        base=graph(),
        base_name="nothing",
        steps=tuple(step(Op.CREATE, x) for x in (*pools, *groups)),
    )
    assert step_lines(made, full=False)[1:] == [
        "  +   node pool chat-a (1): node group",
        "  +   node pool chat-b (1): node group",
    ]


def test_an_update_shows_old_and_new() -> None:
    """Property by property, unknown and secret values as such."""
    update = step(
        Op.UPDATE,
        EKS,
        changes=(
            changed("version", "1.34", "1.35"),
            changed("roleArn", "arn:old", Unknown()),
            changed("token", Secret("a"), Secret("b")),
        ),
    )
    assert step_lines(changes(update), full=False) == [
        "resources",
        "  ~   EKS cluster chat-cluster",
        '        ~ version: "1.34" -> "1.35"',
        '        ~ roleArn: "arn:old" -> (known after apply)',
        "        ~ token: [secret] changed",
    ]


def test_added_and_removed_properties_have_their_own_sign() -> None:
    """A mark that finds no room stands below its property."""
    added = PropertyChange(path="tags.owner", old=None, new="ml", kind=ChangeKind.ADDED, replaces=Replaces.NO)
    removed = PropertyChange(path="logs", old="x" * 90, new=None, kind=ChangeKind.REMOVED, replaces=Replaces.UNKNOWN)
    lines = step_lines(changes(step(Op.UPDATE, VPC, changes=(added, removed))), full=False)
    assert lines[2] == '        + tags.owner: "ml"'
    assert lines[3].startswith('        - logs: "xxx')
    assert lines[4] == "            # in place or replacement: not known offline"


def test_a_replacement_says_what_forces_it() -> None:
    """The reason stands under the resource, and the mark on the property."""
    replacement = step(
        Op.REPLACE,
        SUBNETS[0],
        replaces=Replaces.YES,
        replace_reason=("cidrBlock",),
        changes=(changed("cidrBlock", "10.0.0.0/24", "10.0.0.0/20", replaces=Replaces.YES),),
    )
    assert step_lines(changes(replacement), full=False)[1:] == [
        "  -/+ subnet chat-network-0",
        "        must be replaced: cidrBlock",
        '        ~ cidrBlock: "10.0.0.0/24" -> "10.0.0.0/20"  # forces replacement',
    ]


@pytest.mark.parametrize(
    ("op", "fields", "said"),
    [
        (Op.UPDATE, {"replaces": Replaces.UNKNOWN}, "may have to be replaced: not known offline"),
        (Op.UPDATE, {"renamed_from": "urn:pulumi:dev::sizeup::aws:ec2/vpc:Vpc::old-vpc"}, "was old-vpc"),
        (Op.DELETE, {"protected_error": "it is protected"}, "refused by the engine: it is protected"),
        (Op.DELETE, {"retained": True}, "the old object stays in the cloud (retainOnDelete)"),
        (Op.DELETE, {"pending_delete": True}, "left over from an unfinished replacement"),
        (Op.DELETE, {"already_gone": True}, "deleted already by the interrupted run: it is only forgotten"),
        (Op.REPLACE, {"replace_reason": ("it is tainted",)}, "replaced because it is tainted"),
        (Op.REPLACE, {"deletes_first": True}, "the old one is deleted before the new one is made"),
    ],
)
def test_what_a_person_has_to_know_of_a_step_is_said(op: Op, fields: dict[str, Any], said: str) -> None:
    """None of it is folded away."""
    lines = step_lines(changes(step(op, VPC, **fields), *(step(op, x) for x in SUBNETS)), full=False)
    assert f"        {said}" in lines


def test_what_is_replaced_along_says_with_what() -> None:
    """The input that forces it, and what is deleted first."""
    along = step(Op.REPLACE, EKS, replace_reason=("vpcId", "the VPC is deleted before it is made again"))
    assert step_lines(changes(along), full=False)[1:] == [
        "  -/+ EKS cluster chat-cluster",
        "        must be replaced: vpcId",
        "        also replaced because the VPC is deleted before it is made again",
    ]


def test_what_goes_along_with_another_is_told_where_it_stands_alone() -> None:
    """Nobody deletes it by itself."""
    gone = step(Op.DELETE, VPC, deleted_with=EKS.urn)
    assert step_lines(changes(gone), full=False)[2:] == ["        goes along with chat-cluster"]


def test_what_the_program_hides_is_not_shown() -> None:
    """It differs; more is not told."""
    hidden = replace(changed("userData", "#!/bin/sh 1", "#!/bin/sh 2"), hidden=True)
    assert step_lines(changes(step(Op.UPDATE, VPC, changes=(hidden,))), full=False)[2:] == [
        "        ~ userData: (not shown: hideDiff)"
    ]


def test_deletions_fold_like_creations() -> None:
    """What goes together is one line."""
    gone = changes(*(step(Op.DELETE, x) for x in (VPC, *SUBNETS)), base=(NETWORK, VPC, *SUBNETS))
    assert step_lines(gone, full=False)[1:] == ["  -   network (4): VPC, 3 subnets"]


def test_long_lists_of_properties_are_counted() -> None:
    """Twelve fit a screen; --full has them all."""
    many = tuple(changed(f"tags.t{at}", "a", "b") for at in range(15))
    update = changes(step(Op.UPDATE, VPC, changes=many))
    assert step_lines(update, full=False)[-1] == "        and 3 more properties: --full lists them"
    assert sum("tags.t" in line for line in step_lines(update, full=True)) == 15


def test_the_summary_counts_what_the_steps_do() -> None:
    """Additions, changes and deletions are always told, the rest where there is any."""
    some = changes(
        step(Op.CREATE, VPC), step(Op.CREATE, SUBNETS[0]), step(Op.UPDATE, EKS), step(Op.REPLACE, SUBNETS[1])
    )
    assert summary(some) == "2 to add, 1 to change, 1 to replace, 0 to destroy"
    assert summary(changes()) == "0 to add, 0 to change, 0 to destroy"


def test_nothing_to_do_has_no_lines() -> None:
    """The caller says it in words."""
    assert step_lines(changes(), full=False) == []


def test_no_line_is_wider_than_the_screen() -> None:
    """Long names and long values are cut in the middle."""
    long = replace(VPC, name="n" * 200, urn=VPC.urn + "n" * 200)
    lines = step_lines(changes(step(Op.UPDATE, long, changes=(changed("p" * 90, "a" * 90, "b" * 90),))), full=True)
    assert max(map(len, lines)) <= 80
