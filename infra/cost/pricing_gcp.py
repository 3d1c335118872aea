"""What Google Cloud resources cost: one pricer for each type that is paid for, and a table of the types that are not.

A type in neither table is told as "price not known" by `cost.py`, so a new resource type is never silently free.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from components.graph import Resource
from components.surroundings import length, read, region_of, text, truth
from infra.cost.bill import CostGroup, CostKind, CostLine
from infra.cost.content import bucket_content_bytes
from infra.cost.line import Pricer, Pricing, fixed, free, not_priced, unpriced, usage
from infra.cost.price_list import Price, charge_price, storage_price
from infra.cost.pricing_disks import compute_disk_lines
from infra.cost.pricing_filesystems import filestore_lines, managed_lustre_lines
from infra.cost.pricing_machines import pool_lines, reservation_lines
from sizing.catalog.machine import Cloud
from sizing.units import GB

# Where a bucket lies -> the region that its price is listed under.
MULTI_REGIONS = {
    "us": "us-multi",
    "eu": "europe-multi",
    "asia": "asia-multi",
}


def _charge(resource: Resource, pricing: Pricing, item: str, *, unit: str = "hour") -> Price:
    region = region_of(resource, pricing.among)
    return charge_price(pricing.catalog, Cloud.GCP, region, item, unit=unit)


def _gke_cluster(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = _charge(resource, pricing, "gke_cluster_management", unit="cluster-hour")
    lines = [fixed(resource, "GKE cluster management", CostGroup.PLATFORM, price)]
    if truth(read(resource, "enableAutopilot")):
        pods = not_priced("pod-hour", "Autopilot bills what pods request")
        lines.append(fixed(resource, "Autopilot pods", CostGroup.MACHINE, pods, quantity=None))
    elif not truth(read(resource, "removeDefaultNodePool")):
        machines = not_priced("hour", "the default node pool is kept, its machines are not known here")
        lines.append(fixed(resource, "default node pool", CostGroup.MACHINE, machines, quantity=None))
    logs = not_priced("GB")
    lines.append(usage(resource, "Cloud Logging and Monitoring ingestion", CostGroup.PLATFORM, logs))
    return tuple(lines)


def _nat(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    most = "as for 32 machines, from where on it is flat; fewer are charged one by one"
    gateway = _charge(resource, pricing, "cloud_nat_gateway")
    lines = [
        fixed(resource, "Cloud NAT gateway", CostGroup.NETWORK, gateway, note=most),
        usage(resource, "Cloud NAT data", CostGroup.NETWORK, _charge(resource, pricing, "cloud_nat_data", unit="GB")),
    ]
    if not length(read(resource, "natIps")):
        address = _charge(resource, pricing, "external_ip_vm")
        note = "each; as many as the ports in use need"
        lines.append(usage(resource, "Cloud NAT addresses", CostGroup.NETWORK, address, note=note))
    return tuple(lines)


def _address(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    if read(resource, "addressType") == "INTERNAL":
        return (free(resource, "internal addresses cost nothing"),)
    return (fixed(resource, "external IPv4 address", CostGroup.NETWORK, _charge(resource, pricing, "external_ip_vm")),)


def _forwarding_rule(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    price = _charge(resource, pricing, "forwarding_rule_first_5")
    return (fixed(resource, "forwarding rule", CostGroup.NETWORK, price),)


def _network(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    region = pricing.among.cluster_region or region_of(resource, pricing.among)
    price = charge_price(pricing.catalog, Cloud.GCP, region, "egress_internet_to_worldwide", unit="GB")
    between = charge_price(pricing.catalog, Cloud.GCP, region, "inter_zone_egress", unit="GB")
    return (
        usage(resource, "egress to the internet, first TiB a month", CostGroup.NETWORK, price),
        usage(resource, "traffic between zones", CostGroup.NETWORK, between),
    )


def _subnetwork(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
    if read(resource, "logConfig") is None:
        return (free(resource, _NETWORK),)
    logs = not_priced("GB")
    return (usage(resource, "VPC flow logs", CostGroup.NETWORK, logs),)


def _bucket(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    tier = (text(read(resource, "storageClass")) or "STANDARD").lower()
    region = region_of(resource, pricing.among)
    multi = MULTI_REGIONS.get(region or "")
    price = storage_price(pricing.catalog, Cloud.GCP, multi or region, "gcs", f"{tier}-multi" if multi else tier)
    item = f"Cloud Storage {tier}"
    content = bucket_content_bytes(resource, pricing)
    if content is None:
        return (usage(resource, item, CostGroup.STORAGE, price),)
    note = "expected content; operations and deleted objects come on top"
    return (fixed(resource, item, CostGroup.STORAGE, price, quantity=content / GB, note=note),)


def _firewall(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
    if read(resource, "logConfig") is None:
        return (free(resource, _NETWORK),)
    return (usage(resource, "firewall logs", CostGroup.NETWORK, not_priced("GB")),)


PRICED: Mapping[str, Pricer] = MappingProxyType(
    {
        "gcp:container/cluster:Cluster": _gke_cluster,
        "gcp:container/nodePool:NodePool": pool_lines,
        "gcp:compute/routerNat:RouterNat": _nat,
        "gcp:compute/address:Address": _address,
        "gcp:compute/globalAddress:GlobalAddress": _address,
        "gcp:compute/forwardingRule:ForwardingRule": _forwarding_rule,
        "gcp:compute/globalForwardingRule:GlobalForwardingRule": _forwarding_rule,
        "gcp:compute/network:Network": _network,
        "gcp:compute/subnetwork:Subnetwork": _subnetwork,
        "gcp:compute/firewall:Firewall": _firewall,
        "gcp:storage/bucket:Bucket": _bucket,
        "gcp:compute/disk:Disk": compute_disk_lines,
        "gcp:compute/regionDisk:RegionDisk": compute_disk_lines,
        "gcp:filestore/instance:Instance": filestore_lines,
        "gcp:lustre/instance:Instance": managed_lustre_lines,
        "gcp:compute/reservation:Reservation": reservation_lines,
        "gcp:compute/futureReservation:FutureReservation": unpriced("future reservation", CostGroup.MACHINE, "hour"),
        "gcp:compute/regionCommitment:RegionCommitment": unpriced("commitment", CostGroup.MACHINE, "month"),
        "gcp:kms/cryptoKey:CryptoKey": unpriced("KMS key version", CostGroup.PLATFORM, "key-month"),
        "gcp:artifactregistry/repository:Repository": unpriced(
            "Artifact Registry storage", CostGroup.STORAGE, "GB-month", CostKind.USAGE
        ),
        "gcp:secretmanager/secret:Secret": unpriced("Secret Manager secret", CostGroup.PLATFORM, "secret-month"),
    }
)

_IDENTITY = "identity and access cost nothing"
_NETWORK = "part of the network that costs nothing by itself"
_SETTING = "a setting of the project or of another resource"

FREE: Mapping[str, str] = MappingProxyType(
    {
        "gcp:projects/service:Service": "switching an API on costs nothing",
        "gcp:projects/serviceIdentity:ServiceIdentity": _IDENTITY,
        "gcp:projects/iAMMember:IAMMember": _IDENTITY,
        "gcp:projects/iAMBinding:IAMBinding": _IDENTITY,
        "gcp:projects/iAMCustomRole:IAMCustomRole": _IDENTITY,
        "gcp:serviceaccount/account:Account": _IDENTITY,
        "gcp:serviceaccount/iAMMember:IAMMember": _IDENTITY,
        "gcp:serviceaccount/iAMBinding:IAMBinding": _IDENTITY,
        "gcp:storage/bucketIAMMember:BucketIAMMember": _IDENTITY,
        "gcp:storage/bucketIAMBinding:BucketIAMBinding": _IDENTITY,
        "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember": _IDENTITY,
        "gcp:kms/cryptoKeyIAMBinding:CryptoKeyIAMBinding": _IDENTITY,
        "gcp:kms/keyRing:KeyRing": "paid with its keys",
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember": _IDENTITY,
        "gcp:secretmanager/secretIamMember:SecretIamMember": _IDENTITY,
        "gcp:compute/router:Router": _NETWORK,
        "gcp:compute/route:Route": _NETWORK,
        "gcp:compute/resourcePolicy:ResourcePolicy": "placement costs nothing",
        "gcp:servicenetworking/connection:Connection": _NETWORK,
    }
)
