"""EKS node groups as rules read them: a group, its launch template, its machines. Knows no rule."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.aws.efa import Interface
from components.graph import Graph, Resource, Value
from components.rules.reading import Mistake, behind, inside, is_absent, items, of_type, stated
from components.rules.rule import Violation
from components.surroundings import Surroundings, is_unknown, surroundings, text, texts, whole
from sizing.catalog import Cloud, catalog
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Machine
from sizing.errors import UnknownFact

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
SUBNET = "aws:ec2/subnet:Subnet"
CLUSTER = "aws:eks/cluster:Cluster"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """One node group and what it starts its machines from."""

    group: Resource
    template: Resource | None  # None: without one, or not of this graph
    machines: tuple[str, ...]  # EC2 names, of the group or of its template; empty where not known

    @property
    def facts(self) -> tuple[Machine, ...]:
        """What the catalog knows of the machines."""
        return tuple(found for name in self.machines if (found := aws_machine(name)) is not None)

    @property
    def kind(self) -> AcceleratorKind | None:
        """The kind of accelerator that the machines have; None without, or where not known."""
        return next((kind for one in self.facts if (kind := accelerator_kind(one)) is not None), None)


def aws_machine(name: str) -> Machine | None:
    """The facts of an EC2 machine; None where the catalog has none."""
    try:
        return catalog().machine(Cloud.AWS, name)
    except UnknownFact:
        return None


def accelerator_kind(machine: Machine) -> AcceleratorKind | None:
    """GPU, TPU or Neuron; None for a machine without accelerators."""
    if machine.accelerator is None:
        return None
    try:
        return catalog().accelerator(machine.accelerator).kind
    except UnknownFact:
        return None


def nodes_of(group: Resource, among: Surroundings) -> Nodes:
    """A node group as rules read it."""
    templates = behind(group, "launchTemplate", among, TEMPLATE)
    template = templates[0] if len(templates) == 1 else None
    machines = texts(stated(group, "instanceTypes"))
    if not machines and template is not None:
        own = text(stated(template, "instanceType"))
        machines = (own,) if own else ()
    return Nodes(group=group, template=template, machines=machines)


def every_nodes(test: Callable[[Nodes, Surroundings], Iterator[Mistake]]) -> Callable[[Graph], Iterator[Violation]]:
    """A check of every node group with its template; mistakes are of the group."""

    def check(graph: Graph) -> Iterator[Violation]:
        among = surroundings(graph)
        for group in of_type(graph, NODE_GROUP):
            for path, what in test(nodes_of(group, among), among):
                yield Violation(urn=group.urn, path=path, text=what)

    return check


def every_template(
    test: Callable[[Resource, tuple[Nodes, ...], Surroundings], Iterator[Mistake]],
) -> Callable[[Graph], Iterator[Violation]]:
    """A check of every launch template with the node groups that use it; mistakes are of the template."""

    def check(graph: Graph) -> Iterator[Violation]:
        among = surroundings(graph)
        all_nodes = [nodes_of(group, among) for group in of_type(graph, NODE_GROUP)]
        for template in of_type(graph, TEMPLATE):
            users = tuple(one for one in all_nodes if one.template is template)
            for path, what in test(template, users, among):
                yield Violation(urn=template.urn, path=path, text=what)

    return check


def machines_of(template: Resource, users: tuple[Nodes, ...]) -> tuple[str, ...]:
    """The machines that start from a template: its own type, or those of the groups that use it."""
    own = text(stated(template, "instanceType"))
    return (own,) if own else tuple(dict.fromkeys(name for nodes in users for name in nodes.machines))


def interfaces_of(template: Resource) -> tuple[Interface, ...] | None:
    """The network interfaces that a template names; None where one of them is not known."""
    stated_ones = stated(template, "networkInterfaces")
    found = [_interface(one) for one in items(stated_ones)]
    known = tuple(one for one in found if one is not None)
    return None if is_unknown(stated_ones) or len(known) < len(found) else known


def _interface(value: Value) -> Interface | None:
    parts = [inside(value, key) for key in ("networkCardIndex", "deviceIndex", "interfaceType")]
    if is_unknown(value) or any(map(is_unknown, parts)):
        return None
    card, device = (0 if is_absent(part) else whole(part) for part in parts[:2])
    if card is None or device is None:
        return None
    return Interface(card=card, device=device, type=text(parts[2]) or "interface")


def has_efa(template: Resource) -> bool:
    """Whether any interface of a template is known to carry EFA."""
    kinds = [inside(one, "interfaceType") for one in items(stated(template, "networkInterfaces"))]
    return any(kind in ("efa", "efa-only") for kind in kinds)


def names_groups_of_others(template: Resource, key: str, among: Surroundings) -> bool:
    """Whether a template names security groups by ids of which nothing can be read: they are not of this program."""
    written = stated(template, key)
    nested = [group for one in items(written) for group in items(inside(one, "securityGroups"))]
    ids = {one for one in nested or items(written) if isinstance(one, str)}
    return len(ids) > len(behind(template, key, among, SECURITY_GROUP, CLUSTER))


def subnets_of(nodes: Nodes, among: Surroundings) -> list[Resource]:
    """The subnets of a node group that are in the graph."""
    return behind(nodes.group, "subnetIds", among, SUBNET)


def decoded(user_data: Value) -> str | None:
    """What a template's user data says; None where it is not known, or is no base64."""
    try:
        return base64.b64decode(user_data, validate=True).decode() if isinstance(user_data, str) else None
    except (binascii.Error, UnicodeDecodeError):
        return None
