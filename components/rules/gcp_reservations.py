"""Rules on reservations of Google Cloud and the node pools that take them."""

from __future__ import annotations

from collections.abc import Iterator

from components.graph import Resource
from components.rules.gcp_pools import NODE_POOL, TOOLKIT, machine_of
from components.rules.reading import Mistake, behind, each, inside, is_absent, items, of_type, shown, stated
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, text, texts, truth, whole

RESERVATION = "gcp:compute/reservation:Reservation"
BLOCKS = "/reservationBlocks/"
_AFFINITY = "nodeConfig.reservationAffinity"
_VALUES = f"{_AFFINITY}.values"
_NAME_KEY = "compute.googleapis.com/reservation-name"


def taken_by(pool: Resource, among: Surroundings) -> list[Resource]:
    """The reservations of the program that *pool* takes: those that its values refer to or name."""
    named = {name.rpartition("/")[2] for name in texts(stated(pool, *_VALUES.split(".")))}
    found = behind(pool, "nodeConfig", among, RESERVATION)
    return found or [one for one in of_type(among, RESERVATION) if text(stated(one, "name")) in named - {""}]


def _affinity(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    affinity = stated(pool, "nodeConfig", "reservationAffinity")
    way, key, values = (inside(affinity, name) for name in ("consumeReservationType", "key", "values"))
    if text(way) != "SPECIFIC_RESERVATION":
        if not is_unknown(way) and items(values):
            yield (
                _VALUES,
                f"names reservations, but the pool takes {shown(way)}: SPECIFIC_RESERVATION takes those named",
            )
        return
    if is_absent(values) or (isinstance(values, list) and len(values) != 1):
        yield _VALUES, f"is {shown(values)}, but a specific reservation is exactly one"
    if not is_unknown(key) and text(key) != _NAME_KEY:
        yield f"{_AFFINITY}.key", f"is {shown(key)}, not {_NAME_KEY}"


def _matches(pool: Resource, among: Surroundings) -> Iterator[Mistake]:
    for reservation in taken_by(pool, among):
        yield from _fits(pool, reservation)


def _fits(pool: Resource, reservation: Resource) -> Iterator[Mistake]:
    name = reservation.name
    required = stated(reservation, "specificReservationRequired")
    if not is_unknown(required) and not truth(required):
        yield _VALUES, f"{name} is not a specific reservation: specificReservationRequired is {shown(required)}"
    zone = text(stated(reservation, "zone"))
    elsewhere = [one for one in texts(stated(pool, "nodeLocations")) if zone is not None and one != zone]
    if elsewhere:
        yield "nodeLocations", f"{name} is in {zone}; the machines in {', '.join(elsewhere)} are not reserved"
    reserved = stated(reservation, "specificReservation", "instanceProperties")
    machine, wanted = text(inside(reserved, "machineType")), machine_of(pool)
    if machine is not None and wanted is not None and machine != wanted:
        yield "nodeConfig.machineType", f"is {wanted}, but {name} reserves {machine}"
    yield from _devices_fit(pool, name, reserved)
    count, nodes = whole(stated(reservation, "specificReservation", "count")), whole(stated(pool, "nodeCount"))
    if count is not None and nodes is not None and nodes > count:
        yield "nodeCount", f"is {nodes} in each zone, but {name} reserves {count}"


def _devices_fit(pool: Resource, name: str, reserved: object) -> Iterator[Mistake]:
    properties = reserved if isinstance(reserved, dict) else {}
    gpus = whole(inside(properties, "guestAccelerators", 0, "acceleratorCount"))
    wanted = whole(stated(pool, "nodeConfig", "guestAccelerators", 0, "count"))
    if gpus is not None and wanted is not None and gpus != wanted:
        yield "nodeConfig.guestAccelerators[0].count", f"is {wanted}, but {name} reserves machines with {gpus}"
    disks = properties.get("localSsds")
    asked = whole(stated(pool, "nodeConfig", "ephemeralStorageLocalSsdConfig", "localSsdCount"))
    if isinstance(disks, list) and asked is not None and len(disks) != asked:
        path = "nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount"
        yield path, f"is {asked}, but {name} reserves machines with {len(disks)} local SSDs"


def _block_zones(pool: Resource, _: Surroundings) -> Iterator[Mistake]:
    blocks = [one for one in texts(stated(pool, *_VALUES.split("."))) if BLOCKS in one]
    if blocks and is_absent(stated(pool, "nodeLocations")):
        yield "nodeLocations", f"is not stated, but {shown(blocks[0])} is a block of machines in one zone"


def _idle(reservation: Resource, among: Surroundings) -> Iterator[Mistake]:
    pools = list(of_type(among, NODE_POOL))
    unreadable = is_unknown(stated(reservation, "name")) or any(map(_is_hidden, pools))
    if not unreadable and not any(reservation in taken_by(pool, among) for pool in pools):
        yield "", "is taken by no node pool of this program, and is paid in full whether machines run in it or not"


def _is_hidden(pool: Resource) -> bool:
    """True where it is not known yet what reservation *pool* takes."""
    values = stated(pool, *_VALUES.split("."))
    return is_unknown(values) or any(map(is_unknown, items(values)))


RULES: tuple[Rule, ...] = (
    Rule(
        id="gke-reservation-affinity",
        severity=Severity.ERROR,
        title="A node pool names exactly one reservation where it takes a specific one, and none otherwise",
        why="GKE refuses the pool, or buys on demand beside a reservation that is paid already",
        mend=f"state SPECIFIC_RESERVATION with the key {_NAME_KEY} and one value; otherwise leave key and values out",
        origin=TOOLKIT,
        check=each(NODE_POOL, _affinity),
    ),
    Rule(
        id="gke-reservation-matches",
        severity=Severity.ERROR,
        title="A reservation is specific, and equals the pool that takes it: zone, machine, GPUs, local SSDs, count",
        why="Machines unlike the reserved ones are never given from it: the pool does not come, the bill does",
        mend="make the pool and the reservation equal, one pair for each zone",
        origin=TOOLKIT,
        check=each(NODE_POOL, _matches),
    ),
    Rule(
        id="gke-reservation-block-zones",
        severity=Severity.ERROR,
        title="A node pool in a reservation's block names its zone",
        why="A block is in one zone; without it GKE spreads the pool over all zones of the cluster, and refuses it",
        mend="state nodeLocations with the zone of the block",
        origin=TOOLKIT,
        check=each(NODE_POOL, _block_zones),
    ),
    Rule(
        id="gcp-reservation-taken",
        severity=Severity.WARNING,
        title="A reservation is taken by a node pool",
        why="An idle reservation bills at the full rate of its machines",
        mend="name it in the reservationAffinity of a pool, or leave it out",
        origin="Google Cloud pricing of reservations; cluster-toolkit 1.95.0 examples",
        check=each(RESERVATION, _idle),
    ),
)
