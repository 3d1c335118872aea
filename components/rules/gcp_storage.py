"""Rules on what keeps data on Google Cloud: buckets, caches, Lustre, keys; and that none of it is lost by accident."""

from __future__ import annotations

import re
from collections.abc import Iterator

from components.graph import Resource, Value
from components.rules.gcp_network import FIREWALL, NETWORK
from components.rules.reading import (
    Mistake,
    behind,
    each,
    inside,
    is_absent,
    is_off,
    items,
    must_be,
    pointing_at,
    shown,
    stated,
    waits_for,
)
from components.rules.rule import Rule, Severity
from components.surroundings import Surroundings, is_unknown, text, truth, whole

BUCKET = "gcp:storage/bucket:Bucket"
CACHE = "gcp:storage/anywhereCache:AnywhereCache"
LUSTRE = "gcp:lustre/instance:Instance"
CONNECTION = "gcp:servicenetworking/connection:Connection"
KEY = "gcp:kms/cryptoKey:CryptoKey"
REPOSITORY = "gcp:artifactregistry/repository:Repository"
KEEPS_DATA = (
    BUCKET,
    LUSTRE,
    KEY,
    "gcp:kms/keyRing:KeyRing",
    "gcp:filestore/instance:Instance",
    "gcp:parallelstore/instance:Instance",
    "gcp:secretmanager/secret:Secret",
)
PAID_AHEAD = ("gcp:compute/reservation:Reservation", "gcp:compute/futureReservation:FutureReservation")
LONGEST_ROTATION_S = 90 * 24 * 3600
LUSTRE_PORT = 988
LUSTRE_SPEEDS = (125, 250, 500, 1000)  # MB/s for each TiB

_TOOLKIT = "GoogleCloudPlatform/cluster-toolkit 1.95.0 modules/file-system"
_SECONDS = re.compile(r"^(\d+)(?:\.\d+)?s$")
_MULTI_REGIONS = {"us": ("us-", "northamerica-"), "eu": ("europe-",), "asia": ("asia-",)}


def _hns(bucket: Resource) -> bool:
    return truth(stated(bucket, "hierarchicalNamespace", "enabled"))


def _hns_autoclass(bucket: Resource, _: Surroundings) -> Iterator[Mistake]:
    if _hns(bucket) and truth(stated(bucket, "autoclass", "enabled")):
        yield "autoclass.enabled", "is on beside a hierarchical namespace"


def _hns_versioning(bucket: Resource, _: Surroundings) -> Iterator[Mistake]:
    if _hns(bucket) and truth(stated(bucket, "versioning", "enabled")):
        yield "versioning.enabled", "is on beside a hierarchical namespace"


def _hns_uniform(bucket: Resource, _: Surroundings) -> Iterator[Mistake]:
    if _hns(bucket) and is_off(stated(bucket, "uniformBucketLevelAccess")):
        yield "uniformBucketLevelAccess", "is not on, but a hierarchical namespace has no rights of single objects"


def _cache_zone(cache: Resource, among: Surroundings) -> Iterator[Mistake]:
    zone = text(stated(cache, "zone"))
    for bucket in behind(cache, "bucket", among, BUCKET):
        places = _places(bucket)
        if zone is not None and places and not any(_is_in(zone, place) for place in places):
            yield "zone", f"is {zone}, but {bucket.name} lies in {', '.join(places)}: nobody there reads through it"


def _places(bucket: Resource) -> list[str]:
    """Where *bucket* lies, in lower case; empty where that is not known."""
    regions = stated(bucket, "customPlacementConfig", "dataLocations")
    stated_places = [stated(bucket, "location")] if is_absent(regions) else items(regions) or [regions]
    known = [place.lower() for one in stated_places if (place := text(one)) is not None]
    return known if len(known) == len(stated_places) else []


def _is_in(zone: str, location: str) -> bool:
    prefixes = _MULTI_REGIONS.get(location)
    return zone.startswith(prefixes) if prefixes else zone.startswith(f"{location}-")


def _peering(instance: Resource, among: Surroundings) -> Iterator[Mistake]:
    networks = behind(instance, "network", among, NETWORK)
    awaited = {among.by_urn[urn].type for urn in waits_for(instance, among) if urn in among.by_urn}
    if networks and CONNECTION not in awaited:
        yield "", f"does not wait for a private connection of {networks[0].name}, over which it is reached"


def _lustre_ports(instance: Resource, among: Surroundings) -> Iterator[Mistake]:
    for network in behind(instance, "network", among, NETWORK):
        rules = pointing_at(network, "network", among, FIREWALL)
        unreadable = any(is_unknown(stated(one, "allows")) or is_unknown(stated(one, "direction")) for one in rules)
        if not unreadable and not any(_lets_lustre_in(one) for one in rules):
            yield (
                "network",
                f"{network.name} lets no TCP in at port {LUSTRE_PORT}, at which Lustre calls its clients back",
            )


def _lets_lustre_in(firewall: Resource) -> bool:
    if (text(stated(firewall, "direction")) or "INGRESS") != "INGRESS":
        return False
    for allowed in items(stated(firewall, "allows")):
        protocol, ports = text(inside(allowed, "protocol")), inside(allowed, "ports")
        if protocol in ("all", "tcp", None) and (is_unknown(ports) or is_absent(ports) or _covers(items(ports))):
            return True
    return False


def _covers(ports: list[Value]) -> bool:
    for port in ports:
        first, _, last = str(port).partition("-")
        if not first.isdigit() or (first.isdigit() and int(first) <= LUSTRE_PORT <= int(last or first)):
            return True
    return False


def _lustre_speed(instance: Resource, _: Surroundings) -> Iterator[Mistake]:
    speed = whole(stated(instance, "perUnitStorageThroughput"))
    if speed is not None and speed not in LUSTRE_SPEEDS:
        yield "perUnitStorageThroughput", f"is {speed}, not one of {', '.join(map(str, LUSTRE_SPEEDS))}"


def _rotation(key: Resource, _: Surroundings) -> Iterator[Mistake]:
    purpose, period = stated(key, "purpose"), stated(key, "rotationPeriod")
    if is_unknown(purpose) or is_unknown(period) or (text(purpose) or "ENCRYPT_DECRYPT") != "ENCRYPT_DECRYPT":
        return
    found = _SECONDS.match(text(period) or "")
    if found is None or int(found[1]) > LONGEST_ROTATION_S:
        yield "rotationPeriod", f"is {shown(period)}; 90 days are {LONGEST_ROTATION_S}s"


def _protected(resource: Resource, _: Surroundings) -> Iterator[Mistake]:
    if not resource.protect:  # retain_on_delete is not told to policies by the engine
        yield "", "is not protected"


RULES: tuple[Rule, ...] = (
    Rule(
        id="gcs-hns-autoclass",
        severity=Severity.ERROR,
        title="A bucket with a hierarchical namespace has no Autoclass",
        why="Cloud Storage refuses the bucket",
        mend="leave one of the two out",
        origin=f"{_TOOLKIT}/cloud-storage-bucket",
        check=each(BUCKET, _hns_autoclass),
    ),
    Rule(
        id="gcs-hns-versioning",
        severity=Severity.ERROR,
        title="A bucket with a hierarchical namespace keeps no versions",
        why="Cloud Storage refuses the bucket",
        mend="leave one of the two out; soft delete still brings objects back",
        origin=f"{_TOOLKIT}/cloud-storage-bucket",
        check=each(BUCKET, _hns_versioning),
    ),
    Rule(
        id="gcs-hns-uniform-access",
        severity=Severity.ERROR,
        title="A bucket with a hierarchical namespace has uniform access",
        why="Cloud Storage refuses the bucket",
        mend="set uniformBucketLevelAccess to true",
        origin=f"{_TOOLKIT}/cloud-storage-bucket",
        check=each(BUCKET, _hns_uniform),
    ),
    Rule(
        id="gcs-cache-zone",
        severity=Severity.ERROR,
        title="A cache lies in a zone of its bucket's region",
        why="Cloud Storage refuses the cache",
        mend="name a zone in which the machines that read run",
        origin="vllm-project/ci-infra PR 584; cluster-toolkit 1.95.0",
        check=each(CACHE, _cache_zone),
    ),
    Rule(
        id="gcs-uniform-access",
        severity=Severity.ERROR,
        title="Rights on a bucket are those of IAM alone",
        why="Single objects may be shared in a way that no policy shows",
        mend="set uniformBucketLevelAccess to true",
        origin="checkov 3.3.30 CKV_GCP_29",
        check=must_be(BUCKET, "uniformBucketLevelAccess", True),
    ),
    Rule(
        id="gcs-public-access",
        severity=Severity.ERROR,
        title="A bucket can never be made public",
        why="One grant to everyone gives the weights away, and the bill for downloading them",
        mend="set publicAccessPrevention to enforced",
        origin="checkov 3.3.30 CKV_GCP_114; pulumi/compliance-policies Bucket.enforcePublicAccessPrevention",
        check=must_be(BUCKET, "publicAccessPrevention", "enforced"),
    ),
    Rule(
        id="gcs-force-destroy",
        severity=Severity.ERROR,
        title="A bucket with objects in it is not deleted",
        why="A replacement or a destroyed stack takes weights and checkpoints with it",
        mend="leave forceDestroy out",
        origin="aws counterpart: awslabs/ai-on-eks deletes its training bucket so",
        check=must_be(BUCKET, "forceDestroy", False),
    ),
    Rule(
        id="gcp-lustre-connection",
        severity=Severity.ERROR,
        title="Lustre waits for the private connection of its network",
        why="Lustre is reached over a peering that has to be active first; without it the instance is refused",
        mend="make a GlobalAddress for VPC_PEERING and a Connection, and let the instance depend on it",
        origin=f"{_TOOLKIT}/managed-lustre",
        check=each(LUSTRE, _peering),
    ),
    Rule(
        id="gcp-lustre-port",
        severity=Severity.ERROR,
        title="Lustre is let in at the port at which it calls its clients",
        why="Mounts hang, and end in a timeout that names no cause",
        mend=f"allow TCP {LUSTRE_PORT} from the range of the private connection",
        origin="cluster-toolkit 1.95.0 modules/network/vpc and modules/file-system/managed-lustre",
        check=each(LUSTRE, _lustre_ports),
    ),
    Rule(
        id="gcp-lustre-throughput",
        severity=Severity.ERROR,
        title="Lustre has a throughput that is sold",
        why="The instance is refused",
        mend="use 125, 250, 500 or 1000 MB/s for each TiB",
        origin="pulumi-gcp 10.2.0 lustre.Instance; cluster-toolkit 1.95.0",
        check=each(LUSTRE, _lustre_speed),
    ),
    Rule(
        id="gcp-key-rotation",
        severity=Severity.ERROR,
        title="Keys are rotated every 90 days or sooner",
        why="One key version encrypts everything ever written, so its loss is the loss of all",
        mend=f"set rotationPeriod to {LONGEST_ROTATION_S}s or less",
        origin="checkov 3.3.30 CKV_GCP_43",
        check=each(KEY, _rotation),
    ),
    Rule(
        id="gcp-registry-key",
        severity=Severity.WARNING,
        title="Images are encrypted with a key of the stack's own",
        why="Access to images cannot be withdrawn by withdrawing a key",
        mend="set kmsKeyName",
        origin="checkov 3.3.30 CKV_GCP_84",
        check=must_be(REPOSITORY, "kmsKeyName"),
    ),
    Rule(
        id="gcp-data-protected",
        severity=Severity.ERROR,
        title="What keeps data cannot be deleted by accident",
        why="A renamed resource or a wrong stack deletes it, and what a lost key encrypted is lost with it",
        mend="set protect on the resource",
        origin="Pulumi: protect; the keys of a destroyed stack cannot be brought back after their grace period",
        check=each(KEEPS_DATA, _protected),
    ),
    Rule(
        id="gcp-reservation-protected",
        severity=Severity.ERROR,
        title="Reserved capacity cannot be given back by accident",
        why="What was waited for for weeks is gone with one wrong update; some of it is paid to its end all the same",
        mend="set protect on the reservation",
        origin="no public rule covers it",
        check=each(PAID_AHEAD, _protected),
    ),
)
