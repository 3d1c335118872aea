"""Rules on reservations of Google Cloud, by example."""

from __future__ import annotations

from typing import Any

from components.graph import Graph, Resource
from tests.components.rules.case import Case
from tests.components.rules.gke import A, B, affinity, pool
from tests.resources import graph, resource

RESERVATION = "gcp:compute/reservation:Reservation"
TAKES_JUNE = affinity("SPECIFIC_RESERVATION", "june")
EIGHT_H100 = {
    "machineType": "a3-highgpu-8g",
    "guestAccelerators": [{"type": "nvidia-h100-80gb", "count": 8}],
    "ephemeralStorageLocalSsdConfig": {"localSsdCount": 2},
}
VALUES = "nodeConfig.reservationAffinity.values"


def june(**changes: Any) -> Resource:
    """Two machines with eight H100 and two local SSDs each in one zone, reserved under the name june."""
    properties = {
        "machineType": "a3-highgpu-8g",
        "guestAccelerators": [{"acceleratorType": "nvidia-h100-80gb", "acceleratorCount": 8}],
        "localSsds": [{"interface": "NVME"}, {"interface": "NVME"}],
    }
    inputs = {
        "name": "june",
        "zone": A,
        "specificReservationRequired": True,
        "specificReservation": {"count": 2, "instanceProperties": properties},
    }
    return resource(RESERVATION, "june", inputs={**inputs, **changes})


def taken(
    *, node: dict[str, Any] | None = None, zones: tuple[str, ...] = (A,), count: int = 2, **changes: Any
) -> Graph:
    """A pool that takes the reservation, which is as *changes* say."""
    reserved = june(**changes)
    machines = pool(
        node={**TAKES_JUNE, **EIGHT_H100, **(node or {})}, takes=reserved, nodeLocations=list(zones), nodeCount=count
    )
    return graph(reserved, machines)


CASES = [
    Case(
        rule="gke-reservation-affinity",
        keeps=graph(pool("one", node=TAKES_JUNE), pool("none", node=affinity("NO_RESERVATION"))),
        breaks=graph(pool(node=affinity("SPECIFIC_RESERVATION", "june", "july"))),
        at=VALUES,
    ),
    Case(
        rule="gke-reservation-affinity",
        keeps=graph(pool(node=affinity("ANY_RESERVATION"))),
        breaks=graph(pool(node=affinity("ANY_RESERVATION", "june"))),
        at=VALUES,
        note="named, but any is taken",
    ),
    Case(
        rule="gke-reservation-affinity",
        keeps=graph(pool(node=TAKES_JUNE)),
        breaks=graph(
            pool(node={"reservationAffinity": {"consumeReservationType": "SPECIFIC_RESERVATION", "values": ["june"]}})
        ),
        at="nodeConfig.reservationAffinity.key",
        note="without the key",
    ),
    Case(rule="gke-reservation-matches", keeps=taken(), breaks=taken(zones=(A, B)), at="nodeLocations"),
    Case(
        rule="gke-reservation-matches",
        keeps=taken(),
        breaks=taken(specificReservationRequired=False),
        at=VALUES,
        note="not specific",
    ),
    Case(
        rule="gke-reservation-matches",
        keeps=taken(),
        breaks=taken(node={"machineType": "a3-megagpu-8g"}),
        at="nodeConfig.machineType",
        note="another machine",
    ),
    Case(
        rule="gke-reservation-matches",
        keeps=taken(),
        breaks=taken(node={"guestAccelerators": [{"type": "nvidia-h100-80gb", "count": 4}]}),
        at="nodeConfig.guestAccelerators[0].count",
        note="fewer GPUs",
    ),
    Case(
        rule="gke-reservation-matches",
        keeps=taken(),
        breaks=taken(node={"ephemeralStorageLocalSsdConfig": {"localSsdCount": 16}}),
        at="nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount",
        note="more local SSDs",
    ),
    Case(
        rule="gke-reservation-matches",
        keeps=taken(),
        breaks=taken(count=3),
        at="nodeCount",
        note="more machines than reserved",
    ),
    Case(
        rule="gke-reservation-block-zones",
        keeps=graph(pool(node=affinity("SPECIFIC_RESERVATION", "june/reservationBlocks/june-1"), nodeLocations=[A])),
        breaks=graph(pool(node=affinity("SPECIFIC_RESERVATION", "june/reservationBlocks/june-1"))),
        at="nodeLocations",
    ),
    Case(
        rule="gcp-reservation-taken",
        keeps=graph(june(), pool(node=TAKES_JUNE)),
        breaks=graph(june(), pool(node=affinity("NO_RESERVATION"))),
        at="",
        on="june",
    ),
]
