"""A small price list, and machine pools made by hand, for tests of what graphs cost."""

from __future__ import annotations

from typing import Any

from components.graph import Resource
from sizing.catalog.catalog import Catalog
from sizing.catalog.charge import Charge, StorageTier
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.provenance import Provenance
from sizing.units import MB
from tests.resources import resource

PRICE_LIST = Provenance(source="price list", as_of="2026-07-20")
UNVERIFIED = Provenance(source="memory", as_of="2026", unverified=("usd",))


def offer(cloud: Cloud, machine: str, region: str, mode: PurchaseMode, usd: float) -> Offer:
    return Offer(
        cloud=cloud,
        machine=machine,
        region=region,
        mode=mode,
        usd_per_hour=usd,
        orderable=True,
        zones=(),
        price_basis="listed",
        provenance=PRICE_LIST,
    )


def charge(
    cloud: Cloud,
    region: str,
    item: str,
    usd: float,
    unit: str = "hour",
    *,
    tier: str = "",
    provenance: Provenance = PRICE_LIST,
) -> Charge:
    return Charge(cloud=cloud, region=region, item=item, tier=tier, usd=usd, unit=unit, provenance=provenance)


def tier(cloud: Cloud, region: str, service: str, name: str, usd: float, **fields: Any) -> StorageTier:
    known: dict[str, Any] = {
        "included_iops": None,
        "usd_per_iops_month": None,
        "included_bytes_per_s": None,
        "max_bytes_per_s": None,
        "usd_per_mb_per_s_month": None,
        "provenance": PRICE_LIST,
    }
    return StorageTier(cloud=cloud, region=region, service=service, tier=name, usd_per_gb_month=usd, **(known | fields))


def machine(
    cloud: Cloud, name: str, *, accelerator: str | None = None, accelerators: int = 0, local_disk_bytes: int = 0
) -> Machine:
    return Machine(
        cloud=cloud,
        name=name,
        family=name.partition(".")[0],
        arch="x86_64",
        vcpus=8,
        memory_bytes=32 * 2**30,
        accelerator=accelerator,
        accelerators=accelerators,
        accelerator_fraction=1.0,
        network_bytes_per_s=None,
        fabric=None,
        fabric_interfaces=0,
        network_cards=1,
        local_disks=1 if local_disk_bytes else 0,
        local_disk_bytes=local_disk_bytes,
        usage_classes=("on-demand", "spot"),
        provenance=PRICE_LIST,
    )


CATALOG = Catalog(
    accelerators=(),
    machines=(
        machine(Cloud.AWS, "p5.48xlarge", accelerator="nvidia-h100-80gb", accelerators=8, local_disk_bytes=30 * 10**12),
        machine(Cloud.GCP, "g2-standard-4", accelerator="nvidia-l4", accelerators=1),
        machine(
            Cloud.GCP, "a3-highgpu-8g", accelerator="nvidia-h100-80gb", accelerators=8, local_disk_bytes=6 * 10**12
        ),
    ),
    offers=(
        offer(Cloud.AWS, "p5.48xlarge", "us-east-1", PurchaseMode.ON_DEMAND, 55.04),
        offer(Cloud.AWS, "p5.48xlarge", "us-east-1", PurchaseMode.SPOT, 20.5),
        offer(Cloud.AWS, "p5en.48xlarge", "us-east-1", PurchaseMode.CAPACITY_BLOCK, 41.6),
        offer(Cloud.AWS, "g6.xlarge", "us-east-1", PurchaseMode.SPOT, 0.3),
        offer(Cloud.AWS, "g6e.xlarge", "us-east-1", PurchaseMode.SPOT, 0.7),
        offer(Cloud.GCP, "g2-standard-4", "us-central1", PurchaseMode.ON_DEMAND, 0.70683226),
        offer(Cloud.GCP, "a3-highgpu-8g", "us-central1", PurchaseMode.SPOT, 50.61),
    ),
    storage=(
        tier(
            Cloud.AWS,
            "us-east-1",
            "ebs",
            "gp3",
            0.08,
            included_iops=3000,
            usd_per_iops_month=0.005,
            included_bytes_per_s=125 * MB,
            usd_per_mb_per_s_month=0.04,
        ),
        tier(Cloud.AWS, "us-east-1", "s3", "STANDARD", 0.023),
        tier(Cloud.AWS, "us-east-1", "fsx-lustre", "PERSISTENT_2 SSD 125", 0.145),
        tier(Cloud.AWS, "us-east-1", "efs", "Standard", 0.3),
        tier(Cloud.GCP, "us-central1", "gce-disk", "pd-balanced", 0.1),
        tier(Cloud.GCP, "us-central1", "gce-disk", "local-ssd", 0.08),
        tier(Cloud.GCP, "us-central1", "gce-disk", "pd-balanced regional", 0.2),
        tier(Cloud.GCP, "us-central1", "filestore", "BASIC_HDD", 0.2),
        tier(Cloud.GCP, "us-central1", "gcs", "standard", 0.02),
        tier(Cloud.GCP, "us-multi", "gcs", "standard-multi", 0.026),
    ),
    charges=(
        charge(Cloud.AWS, "all", "eks_control_plane_standard", 0.1, "cluster-hour"),
        charge(Cloud.AWS, "us-east-1", "nat_gateway_hour", 0.045),
        charge(Cloud.AWS, "us-east-1", "nat_gateway_data", 0.045, "GB"),
        charge(Cloud.AWS, "us-east-1", "inter_az", 0.01, "GB"),
        charge(Cloud.AWS, "us-east-1", "public_ipv4", 0.005),
        charge(Cloud.AWS, "us-east-1", "privatelink_interface_endpoint", 0.01, "AZ-hour"),
        charge(Cloud.AWS, "us-east-1", "privatelink_data", 0.01, "GB"),
        charge(Cloud.AWS, "us-east-1", "nlb_hour", 0.0225),
        charge(Cloud.AWS, "us-east-1", "alb_hour", 0.0225),
        charge(Cloud.AWS, "us-east-1", "alb_lcu", 0.008, "LCU-hour"),
        charge(Cloud.GCP, "us-central1", "gke_cluster_management", 0.1, "cluster-hour"),
        charge(Cloud.GCP, "us-central1", "cloud_nat_gateway", 0.0448),
        charge(Cloud.GCP, "us-central1", "cloud_nat_data", 0.045, "GB"),
        charge(Cloud.GCP, "us-central1", "external_ip_vm", 0.005),
        charge(Cloud.GCP, "us-central1", "forwarding_rule_first_5", 0.025, provenance=UNVERIFIED),
        charge(Cloud.GCP, "us-central1", "egress_internet_to_worldwide", 0.12, "GB", tier="0-1 TiB"),
    ),
    models=(),
    zones_by_region={},
    as_of="2026-07-20",
    hash="c" * 64,
)
AWS = resource("pulumi:providers:aws", "aws", inputs={"region": "us-east-1"})
GCP = resource("pulumi:providers:gcp", "gcp", inputs={"region": "us-central1"})
EKS = resource("aws:eks/cluster:Cluster", "eks", provider=AWS)
GKE = resource(
    "gcp:container/cluster:Cluster", "gke", inputs={"location": "us-central1", "removeDefaultNodePool": True}
)
TEMPLATE = resource(
    "aws:ec2/launchTemplate:LaunchTemplate",
    "template",
    inputs={"blockDeviceMappings": [{"ebs": {"volumeSize": 200.0, "volumeType": "gp3"}}]},
    provider=AWS,
)


def node_group(name: str = "p5", *, template: Resource = TEMPLATE, **inputs: Any) -> Resource:
    return resource(
        "aws:eks/nodeGroup:NodeGroup",
        name,
        inputs={
            "capacityType": "ON_DEMAND",
            "instanceTypes": ["p5.48xlarge"],
            "scalingConfig": {"desiredSize": 2.0, "minSize": 2.0, "maxSize": 2.0},
        }
        | inputs,
        refers={"launchTemplate": template},
        provider=AWS,
    )


def node_pool(**inputs: Any) -> Resource:
    return resource(
        "gcp:container/nodePool:NodePool",
        "pool",
        inputs={
            "location": "us-central1",
            "nodeLocations": ["us-central1-a"],
            "nodeCount": 3.0,
            "nodeConfig": {"machineType": "g2-standard-4", "diskType": "pd-balanced", "diskSizeGb": 100.0},
        }
        | inputs,
    )
