"""Rules on EFA, the fabric between accelerator machines on AWS: interfaces, security groups, plugins, addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from components.aws.efa import efa_layout, layout_mistakes
from components.graph import Graph, Resource, Value
from components.rules.eks_nodes import (
    CLUSTER,
    NODE_GROUP,
    SECURITY_GROUP,
    TEMPLATE,
    Nodes,
    every_nodes,
    every_template,
    has_efa,
    interfaces_of,
    machines_of,
    names_groups_of_others,
    nodes_of,
    subnets_of,
)
from components.rules.pods import containers, every_container, pods
from components.rules.reading import Mistake, behind, inside, items, of_type, pointing_at, stated
from components.rules.rule import Rule, Severity, Violation
from components.surroundings import Surroundings, is_unknown, surroundings, text, truth, whole
from sizing.errors import UnknownFact

INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ADDON = "aws:eks/addon:Addon"
EFA_PLUGIN = "aws-efa-k8s-device-plugin"
_TABLE = "awslabs/awsome-distributed-ai eks-add-gpu-nodegroup.yaml, mapping NicLayout (2026-02)"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
RESERVED_ADDRESSES = 5  # of each subnet, AWS keeps them


def _layout(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del among
    found = interfaces_of(template)
    if found is None or not has_efa(template):
        return
    for machine in machines_of(template, users):
        try:
            yield from ((f"networkInterfaces[{place}]", what) for place, what in layout_mistakes(machine, found))
        except UnknownFact:
            continue  # nothing tells where its interfaces sit


def _every_card(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del among
    found = interfaces_of(template)
    if found is None or not has_efa(template):
        return
    for machine in machines_of(template, users):
        wanted = _efa_interfaces(machine)
        there = sum(one.type != "interface" for one in found)
        if wanted is not None and there < wanted:
            yield "networkInterfaces", f"{there} EFA interfaces, of {wanted} that {machine} has"


def _efa_interfaces(machine: str) -> int | None:
    try:
        return efa_layout(machine).efa_interfaces
    except UnknownFact:
        return None


def _addresses_on_later_cards(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del users, among
    for place, one in enumerate(interfaces_of(template) or ()):
        if one.card > 0 and one.type == "efa":
            yield f"networkInterfaces[{place}].interfaceType", f"efa on card {one.card} takes an address of the subnet"


def _speaks_to_itself(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del users
    groups = behind(template, "networkInterfaces", among, SECURITY_GROUP)
    lacking = {group.name: list(_missing_directions(group, among)) for group in groups}
    unread = names_groups_of_others(template, "networkInterfaces", among)
    if not has_efa(template) or unread or not all(lacking.values()):
        return
    if lacking:
        said = "; ".join(f"{name} lacks {' and '.join(missing)}" for name, missing in lacking.items())
        yield "networkInterfaces", f"no group lets all traffic from and to itself: {said}"
    elif behind(template, "networkInterfaces", among, CLUSTER):
        yield "networkInterfaces", "only the cluster's own group, which lets nothing out to itself but by address"


def _missing_directions(group: Resource, among: Surroundings) -> Iterator[str]:
    """Of ingress and egress, what lets through all traffic from the group to itself and is not there."""
    for direction, kind in (("ingress", INGRESS), ("egress", EGRESS)):
        inline = stated(group, direction)
        own = any(_is_all(inside(one, "protocol")) and _is_on(inside(one, "self")) for one in items(inline))
        apart = any(
            _is_all(stated(rule, "ipProtocol")) and group.urn in rule.property_dependencies.get(_REFERENCE, ())
            for rule in pointing_at(group, "securityGroupId", among, kind)
        )
        if not is_unknown(inline) and not own and not apart:
            yield direction


_REFERENCE = "referencedSecurityGroupId"


def _is_all(protocol: Value) -> bool:
    return is_unknown(protocol) or protocol in ("-1", -1, "all")


def _is_on(switch: Value) -> bool:
    return is_unknown(switch) or truth(switch)


def _version(value: Value) -> tuple[int, ...] | None:
    found = _VERSION.search(value) if isinstance(value, str) else None
    return tuple(map(int, found.groups())) if found else None


def _cni(graph: Graph) -> Iterator[Violation]:
    """`efa-only` needs a network plugin that knows it."""
    used = any(one.type == "efa-only" for nodes in _templates(graph) for one in interfaces_of(nodes) or ())
    for addon in of_type(graph, ADDON) if used else ():
        version = _version(stated(addon, "addonVersion"))
        if stated(addon, "addonName") == "vpc-cni" and version is not None and version < (1, 18, 4):
            yield Violation(
                urn=addon.urn, path="addonVersion", text=f"is {stated(addon, 'addonVersion')}, older than v1.18.4"
            )


def _templates(graph: Graph) -> Iterable[Resource]:
    return of_type(graph, TEMPLATE)


def _plugin_count(graph: Graph) -> Iterator[Violation]:
    """On p6-b200 an older plugin takes the controllers of NVLink for EFA."""
    among = surroundings(graph)
    all_nodes = [nodes_of(group, among) for group in of_type(graph, NODE_GROUP)]
    machines = {name for nodes in all_nodes for name in nodes.machines}
    if not any(name.startswith("p6-b200.") for name in machines):
        return
    for pod in pods(graph):
        for container in containers(pod):
            image = text(inside(container.value, "image")) or ""
            version = _version(image.rpartition(":")[2])
            if EFA_PLUGIN in image and version is not None and version < (0, 5, 10):
                what = f"{image} counts 10 EFA on p6-b200, not 8"
                yield Violation(urn=pod.resource.urn, path=f"{container.path}.image", text=what)


def _subnet_addresses(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    found = interfaces_of(nodes.template) if nodes.template is not None else None
    most = whole(stated(nodes.group, "scalingConfig", "maxSize"))
    with_address = sum(one.type != "efa-only" for one in found or ())
    blocks = [text(stated(subnet, "cidrBlock")) for subnet in subnets_of(nodes, among)]
    if not found or most is None or not blocks or not all(blocks):
        return
    there = sum(_addresses(block) for block in blocks if block)
    if most * with_address > there:
        yield "subnetIds", f"{most} machines take {most * with_address} addresses, of {there} that the subnets have"


def _addresses(block: str) -> int:
    try:
        return ipaddress.ip_network(block, strict=False).num_addresses - RESERVED_ADDRESSES
    except ValueError:
        return 0


def _plain_efa_environment(container: Value) -> Iterator[Mistake]:
    for place, variable in enumerate(items(inside(container, "env"))):
        name = text(inside(variable, "name")) or ""
        if name.startswith("RDMAV_"):
            yield f"env[{place}].name", f"{name} is for InfiniBand; libfabric does without it"


RULES: tuple[Rule, ...] = (
    Rule(
        id="efa-interface-layout",
        severity=Severity.ERROR,
        title="Each EFA interface sits on a card and at a device index that its machine has",
        why="the machine starts without its fabric, or its node never joins the cluster",
        mend="take the layout of components/aws/efa.py for the machine",
        origin=f"{_TABLE}; aws-parallelcluster#7143; eksctl PR #8692; terraform-aws-eks#3653",
        check=every_template(_layout),
    ),
    Rule(
        id="efa-on-every-card",
        severity=Severity.WARNING,
        title="A machine with EFA has it on every card that carries it",
        why="collectives between machines run at a part of the bandwidth that is paid for",
        mend="name all the interfaces that components/aws/efa.py gives for the machine",
        origin=_TABLE,
        check=every_template(_every_card),
    ),
    Rule(
        id="efa-only-on-later-cards",
        severity=Severity.WARNING,
        title="Interfaces on the cards after the first are efa-only",
        why="the node's bootstrap waits for an address on each and can time out; each takes an address of the subnet",
        mend="use efa-only on cards after the first",
        origin="modelplane compose-eks-cluster function (2026); pulumi-eks instances.ts",
        check=every_template(_addresses_on_later_cards),
    ),
    Rule(
        id="efa-security-group",
        severity=Severity.ERROR,
        title="EFA interfaces have a security group that lets all traffic through from and to itself, both ways",
        why="EFA traffic is dropped and collectives hang, or fall back to TCP",
        mend="add an ingress and an egress rule of protocol -1 that reference the group itself, not an address range",
        origin="AWS EFA guide, security group; no public rule",
        check=every_template(_speaks_to_itself),
    ),
    Rule(
        id="efa-only-cni",
        severity=Severity.ERROR,
        title="efa-only interfaces go with vpc-cni 1.18.4 or later",
        why="an older network plugin fails on an interface without an address, and nodes never get ready",
        mend="pin vpc-cni to v1.18.4 or later",
        origin="terraform-aws-eks variables.tf 21.19.0",
        check=_cni,
    ),
    Rule(
        id="efa-plugin-counts",
        severity=Severity.ERROR,
        title="On p6-b200 the EFA device plugin is 0.5.10 or later",
        why="an older one counts NVLink controllers as EFA (10 instead of 8), which breaks NCCL",
        mend="pin the EFA device plugin to v0.5.10 or later",
        origin="sagemaker-hyperpod-cli PR #282",
        check=_plugin_count,
    ),
    Rule(
        id="efa-subnet-addresses",
        severity=Severity.WARNING,
        title="The subnets of a node group have an address for each interface that takes one",
        why="machines cannot start once the addresses are gone: 32 interfaces of a p5 take 32",
        mend="use efa-only on later cards, or larger subnets",
        origin="pulumi-eks instances.ts, comment",
        check=every_nodes(_subnet_addresses),
    ),
    Rule(
        id="efa-environment",
        severity=Severity.WARNING,
        title="No container sets RDMAV_ variables",
        why="they are of older libraries; with libfabric 1.18 and later they do harm or nothing",
        mend="remove the variable; set FI_EFA_USE_HUGE_PAGE=0 where fork() fails",
        origin="awsome-distributed-training efa-cheatsheet.md (2026-02)",
        check=every_container(lambda container: _plain_efa_environment(container.value)),
    ),
)
