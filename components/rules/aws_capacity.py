"""Rules on how machines of AWS are bought: reservations, capacity blocks, spot, placement groups, zones."""

from __future__ import annotations

from collections.abc import Iterator

from components.aws.purchase import Shape, shape_mistakes
from components.graph import Resource, Value
from components.rules.eks_nodes import SUBNET, Nodes, every_nodes, every_template, has_efa, machines_of, subnets_of
from components.rules.reading import Mistake, behind, each, is_absent, items, must_be, shown, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, length, text, whole

RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"
BLOCK = "aws:ec2/capacityBlockReservation:CapacityBlockReservation"
PLACEMENT_GROUP = "aws:ec2/placementGroup:PlacementGroup"
_SPECIFICATION = "capacityReservationSpecification"
_PATHS = {  # of the fields of `Shape`, in the inputs of the node group
    "types_on_group": "instanceTypes",
    "type_on_template": "launchTemplate",
    "market": "launchTemplate",
    "targets_reservation": "launchTemplate",
    "subnets": "subnetIds",
}


def _shape(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    capacity_type = stated(nodes.group, "capacityType")
    if is_unknown(capacity_type):
        return
    template = nodes.template
    shape = Shape(
        capacity_type=text(capacity_type) or "ON_DEMAND",
        types_on_group=_is_there(stated(nodes.group, "instanceTypes")),
        type_on_template=_is_there(stated(template, "instanceType")) if template is not None else None,
        market=_market(template) if template is not None else None,
        targets_reservation=_is_there(_target(template)) if template is not None else None,
        subnets=length(stated(nodes.group, "subnetIds")),
    )
    yield from ((_PATHS[field], what) for field, what in shape_mistakes(shape))


def _is_there(value: Value) -> bool | None:
    return None if is_unknown(value) else not is_absent(value)


def _market(template: Resource) -> str | None:
    value = stated(template, "instanceMarketOptions", "marketType")
    return None if is_unknown(value) else text(value) or ""


def _target(template: Resource) -> Value:
    """The reservation that a template targets, or the group of reservations."""
    target = stated(template, _SPECIFICATION, "capacityReservationTarget")
    if not isinstance(target, dict):
        return target
    found = [target.get(key) for key in ("capacityReservationId", "capacityReservationResourceGroupArn")]
    return next((one for one in found if not is_absent(one)), None)


def _placement(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    placed = any(not is_absent(stated(template, "placement", key)) for key in ("groupName", "groupId"))
    if not placed or is_unknown(stated(template, "placement")):
        return
    preference = stated(template, _SPECIFICATION, "capacityReservationPreference")
    is_block = any(stated(nodes.group, "capacityType") == "CAPACITY_BLOCK" for nodes in users)
    is_reserved = not is_absent(_target(template)) and not is_unknown(stated(template, _SPECIFICATION))
    wants_open = preference in ("open", "capacity-reservations-only")
    if (is_block or is_reserved or wants_open) and not _is_reservations_own(template, among):
        yield "placement", "a placement group that the reservation was not made in: no capacity is ever found"


def _is_reservations_own(template: Resource, among: Surroundings) -> bool:
    """Whether the reservation was made in the very placement group."""
    groups = {one.urn for one in behind(template, "placement", among, PLACEMENT_GROUP)}
    reservations = behind(template, _SPECIFICATION, among, RESERVATION)
    return any(groups & set(one.property_dependencies.get("placementGroupArn", ())) for one in reservations)


def _strategy(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    del users
    for group in behind(template, "placement", among, PLACEMENT_GROUP) if has_efa(template) else ():
        strategy = stated(group, "strategy")
        if not is_unknown(strategy) and strategy != "cluster":
            yield "placement", f"{group.name} is of strategy {shown(strategy)}, which puts machines apart"


def _one_zone(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    subnets = length(stated(nodes.group, "subnetIds"))
    why = _bound_to_a_zone(nodes)
    if why and subnets is not None and subnets > 1:
        yield "subnetIds", f"{subnets} subnets, but {why} lies in one zone"


def _bound_to_a_zone(nodes: Nodes) -> str:
    template = nodes.template
    if template is None:
        return ""
    if not is_absent(_target(template)) and not is_unknown(_target(template)):
        return "a reservation"
    if not is_absent(stated(template, "placement", "groupName")) and not is_unknown(stated(template, "placement")):
        return "a placement group"
    return "EFA traffic" if has_efa(template) else ""


def _reserved_zone(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    for reservation in behind(template, _SPECIFICATION, among, RESERVATION):
        zone = text(stated(reservation, "availabilityZone"))  # by name only: it takes no id
        for subnet in (subnet for nodes in users for subnet in subnets_of(nodes, among)):
            other = text(stated(subnet, "availabilityZone"))
            if zone and other and zone != other:
                yield _SPECIFICATION, f"{reservation.name} is in {zone}, but the nodes' subnet is in {other}"


def _reserved_machines(template: Resource, users: tuple[Nodes, ...], among: Surroundings) -> Iterator[Mistake]:
    for reservation in behind(template, _SPECIFICATION, among, RESERVATION):
        kind, count = text(stated(reservation, "instanceType")), whole(stated(reservation, "instanceCount"))
        for machine in machines_of(template, users):
            if kind and kind != machine:
                yield _SPECIFICATION, f"{reservation.name} is of {kind}, but the nodes are {machine}"
        sizes = [whole(stated(nodes.group, "scalingConfig", "maxSize")) for nodes in users]
        wanted = sum(size or 0 for size in sizes)
        if count is not None and wanted > count:
            yield _SPECIFICATION, f"{reservation.name} holds {count} machines, but {wanted} may be started"


def _spot_types(nodes: Nodes, among: Surroundings) -> Iterator[Mistake]:
    del among
    kinds = items(stated(nodes.group, "instanceTypes"))
    if stated(nodes.group, "capacityType") == "SPOT" and len(kinds) == 1:
        yield "instanceTypes", f"only {shown(kinds[0])}: when spot has none of it, nothing is started"


def _zone_name(subnet: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    name = text(stated(subnet, "availabilityZone"))
    if name:
        yield "availabilityZone", f"{name} is another zone in another account"


def _protected(purchase: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    if not purchase.protect:
        yield "", f"{purchase.name} is not protected: a change that replaces it pays a second time"


def _open_ended(reservation: Resource, among: Surroundings) -> Iterator[Mistake]:
    del among
    matching = stated(reservation, "instanceMatchCriteria")
    if not is_unknown(matching) and matching != "targeted":
        yield "instanceMatchCriteria", f"is {shown(matching)}: any machine of the account may take the capacity"


RULES: tuple[Rule, ...] = (
    Rule(
        id="purchase-shape",
        severity=Severity.ERROR,
        title="A node group and its template are written as the way of buying its machines demands",
        why="EKS or EC2 refuses them, or the machines are started outside the capacity that was paid for",
        mend="follow the table of components/aws/purchase.py for the group's capacity type",
        origin="awsome-distributed-ai#1263; eksctl#8320, #8542, #7906; AWS::EKS::Nodegroup reference",
        check=every_nodes(_shape),
    ),
    Rule(
        id="placement-against-reservation",
        severity=Severity.ERROR,
        title="Machines of a reservation or capacity block have no placement group but the reservation's own",
        why="the reservation was not made in the group, so EC2 answers InsufficientInstanceCapacity for ever",
        mend="leave placement out, or make the reservation in the group (placementGroupArn)",
        origin="terraform-aws-eks#3661, PR #3730, PR #3699",
        check=every_template(_placement),
    ),
    Rule(
        id="placement-strategy",
        severity=Severity.WARNING,
        title="The placement group of machines with EFA is of strategy cluster",
        why="spread and partition put machines apart, on a slower network",
        mend='set strategy="cluster"',
        origin="AWS EC2 placement strategies",
        check=every_template(_strategy),
    ),
    Rule(
        id="one-zone-pool",
        severity=Severity.ERROR,
        title="A node group with EFA, a reservation or a placement group has one subnet",
        why="machines that land in another zone find no reserved capacity, or cannot reach the others over EFA",
        mend="make one node group for each zone",
        origin="AWS EFA limits: one subnet; awsome-distributed-ai eks-add-gpu-nodegroup.yaml",
        check=every_nodes(_one_zone),
    ),
    Rule(
        id="reservation-zone",
        severity=Severity.ERROR,
        title="A node group lies in the zone of its reservation",
        why="the reserved capacity is never used, and paid for",
        mend="use the subnet of the reservation's zone",
        origin="AWS EC2 capacity reservations: a reservation is for one zone",
        check=every_template(_reserved_zone),
    ),
    Rule(
        id="reservation-machines",
        severity=Severity.ERROR,
        title="A reservation is of the machine that the nodes are, and holds as many as may be started",
        why="machines beyond it are refused, as the template demands the reservation",
        mend="reserve the machine and count of the node group",
        origin="AWS EC2 capacity reservations: instance attributes must match",
        check=every_template(_reserved_machines),
    ),
    Rule(
        id="reservation-targeted",
        severity=Severity.WARNING,
        title="A capacity reservation is used by those who name it only",
        why="any machine of the same type in the account takes the capacity that a node group counts on",
        mend='set instance_match_criteria="targeted"',
        origin="AWS EC2 capacity reservations; default is open",
        check=each(RESERVATION, _open_ended),
    ),
    Rule(
        id="purchase-protected",
        severity=Severity.ERROR,
        title="What buys capacity is protected",
        why="a block's upfront fee is charged inside `pulumi up`: a replacement would pay it again",
        mend="pass opts=ResourceOptions(protect=True)",
        origin="no public rule; AWS capacity blocks: no cancellation",
        check=each((RESERVATION, BLOCK), _protected),
    ),
    Rule(
        id="spot-fallback",
        severity=Severity.WARNING,
        title="A spot node group names several machine types",
        why="spot capacity of one type in one zone runs out, and the group stays empty",
        mend="name more types of the same accelerators, or keep replicas on demand beside it",
        origin="AWS EKS managed node groups, spot best practice",
        check=every_nodes(_spot_types),
    ),
    Rule(
        id="zone-by-id",
        severity=Severity.WARNING,
        title="Subnets name their zone by its id",
        why="us-east-1a is another zone in each account; capacity and prices are those of an id like use1-az4",
        mend="give availability_zone_id",
        origin="AWS RAM: availability zone ids",
        check=each(SUBNET, _zone_name),
    ),
    Rule(
        id="end-of-reservation",
        severity=Severity.WARNING,
        title="A capacity reservation says when it ends, or that it does not",
        why="an idle reservation bills at the full rate until somebody ends it",
        mend="state end_date_type, and end_date where it is limited",
        origin="AWS EC2 capacity reservations, billing",
        check=must_be(RESERVATION, "endDateType"),
    ),
)
