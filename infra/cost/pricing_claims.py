"""What the volumes of Kubernetes claims cost: the disk that the claim's storage class makes of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from components.graph import Resource, Value
from components.surroundings import at, number, read, region_of, text, whole
from infra.cost.bill import CostGroup, CostLine
from infra.cost.line import Pricing, fixed, not_priced
from infra.cost.pools import Disk
from infra.cost.pricing_disks import Copies, Place, disk_lines
from sizing.catalog.machine import Cloud

_CLASS = re.compile(r"kubernetes:storage\.k8s\.io/[^:]+:StorageClass")
_SIZE = re.compile(r"(?P<number>[0-9.]+)(?P<suffix>[KMGTP]i?)?")
_GIB = {"Ki": 2.0**-20, "Mi": 2.0**-10, "Gi": 1.0, "Ti": 2.0**10, "Pi": 2.0**20}
_BYTES = {None: 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}

# Driver of a storage class -> the cloud whose disks it makes, its parameter for the tier, and the tier without one.
_DRIVERS: Mapping[str, tuple[Cloud, str, str]] = {
    "ebs.csi.aws.com": (Cloud.AWS, "type", "gp3"),
    "pd.csi.storage.gke.io": (Cloud.GCP, "type", "pd-standard"),
}


def claim_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """The volume of one claim; a claim bound to a volume that is there already costs nothing more that is known."""
    return _volume_lines(resource, read(resource, "spec"), pricing, copies=Copies(number=1))


def claim_template_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """The volumes of a stateful set: one of each template for each replica."""
    replicas = read(resource, "spec", "replicas")
    copies = Copies(number=1 if replicas is None else whole(replicas))
    templates = read(resource, "spec", "volumeClaimTemplates")
    found = templates if isinstance(templates, list) else []
    return tuple(x for one in found for x in _volume_lines(resource, at(one, "spec"), pricing, copies=copies))


def gibibytes(quantity: Value) -> float | None:
    """A Kubernetes quantity of storage in GiB, the GB of both clouds' disks: 100Gi, 1Ti, 500G; None if it is none."""
    found = _SIZE.fullmatch(text(quantity) or "")
    if found is None:
        size_bytes = number(quantity)
        return None if size_bytes is None else size_bytes / 2**30
    amount, suffix = float(found["number"]), found["suffix"]
    return amount * _GIB[suffix] if suffix in _GIB else amount * _BYTES[suffix] / 2**30


def _volume_lines(resource: Resource, claim: Value, pricing: Pricing, *, copies: Copies) -> tuple[CostLine, ...]:
    made_by = _class_of(claim, pricing)
    driver = _DRIVERS.get(text(read(made_by, "provisioner")) or "") if made_by is not None else None
    size = gibibytes(at(claim, "resources", "requests", "storage"))
    if made_by is None or driver is None or size is None:
        why = "what its storage class makes is not in the program" if size is not None else "its size is not known"
        return (
            fixed(resource, "volume of a claim", CostGroup.DISK, not_priced("GB-month", why), quantity=copies.of(size)),
        )
    cloud, key, usual = driver
    disk = Disk(
        tier=text(read(made_by, "parameters", key)) or usual,
        gb=size,
        iops=number(read(made_by, "parameters", "iops")),
        mb_per_s=number(read(made_by, "parameters", "throughput")),
    )
    place = Place(cloud=cloud, region=region_of(resource, pricing.among))
    return disk_lines(resource, disk, place, pricing, copies=copies)


def _class_of(claim: Value, pricing: Pricing) -> Resource | None:
    """The storage class of this program that the claim names."""
    named = text(at(claim, "storageClassName"))
    classes = (x for x in pricing.among.by_urn.values() if _CLASS.fullmatch(x.type))
    return next((x for x in classes if named is not None and read(x, "metadata", "name") == named), None)
