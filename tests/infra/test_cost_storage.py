"""File systems, disks and volumes of claims: provisioned by the hour, stored by use; each figure worked by hand."""

from __future__ import annotations

from typing import Any

import pytest

from components.graph import Resource, Unknown
from infra.cost import Cost, CostKind, cost
from infra.cost.pricing_claims import gibibytes
from tests.prices import AWS, CATALOG, EKS, GCP, GKE
from tests.resources import graph, resource


def bill(*resources: Resource) -> Cost:
    return cost(graph(AWS, GCP, *resources), CATALOG)


def told(*resources: Resource) -> list[tuple[Any, ...]]:
    """Lines as (item, quantity, USD per hour, kind)."""
    return [(x.item, x.quantity, x.usd_per_hour, x.kind) for x in bill(*resources).lines]


def test_lustre_is_paid_as_provisioned() -> None:
    """4,800 GiB x 0.145 USD a month / 730 h; metadata operations cost something that no source tells."""
    inputs = {"deploymentType": "PERSISTENT_2", "perUnitStorageThroughput": 125.0, "storageCapacity": 4800.0}
    lustre = resource("aws:fsx/lustreFileSystem:LustreFileSystem", "cache", inputs=inputs, provider=AWS)
    assert told(lustre) == [("Lustre PERSISTENT_2 SSD 125", 4800.0, pytest.approx(4800 * 0.145 / 730), CostKind.FIXED)]
    fast = resource(
        lustre.type, "fast", inputs=inputs | {"metadataConfiguration": {"mode": "USER_PROVISIONED", "iops": 6000.0}}
    )
    assert [x.item for x in bill(fast).unknown] == ["Lustre PERSISTENT_2 SSD 125", "Lustre metadata IOPS"]


def test_a_lustre_tier_without_a_price_is_unknown() -> None:
    """The facts price 125 MB/s per TiB here, not 1,000."""
    inputs = {"deploymentType": "PERSISTENT_2", "perUnitStorageThroughput": 1000.0, "storageCapacity": 1200.0}
    (line,) = bill(resource("aws:fsx/lustreFileSystem:LustreFileSystem", inputs=inputs, provider=AWS)).lines
    assert (line.is_unknown, line.note) == (True, "no price of PERSISTENT_2 SSD 1000 in us-east-1")


def test_efs_is_paid_by_what_is_stored_and_moved() -> None:
    """0.30 USD per GB and month; elastic throughput by the GB, provisioned throughput by the month."""
    elastic = resource("aws:efs/fileSystem:FileSystem", inputs={"throughputMode": "elastic"}, provider=AWS)
    stored, moved = bill(elastic).lines
    assert (stored.kind, stored.usd_per_unit, stored.unit) == (CostKind.USAGE, 0.3, "GB-month")
    assert (moved.kind, moved.is_unknown) == (CostKind.USAGE, True)
    inputs = {"throughputMode": "provisioned", "provisionedThroughputInMibps": 256.0}
    _, speed = bill(resource("aws:efs/fileSystem:FileSystem", inputs=inputs, provider=AWS)).lines
    assert (speed.kind, speed.quantity, speed.is_unknown) == (CostKind.FIXED, 256.0, True)


def test_filestore_is_paid_by_tier() -> None:
    """1,024 GB of BASIC_HDD at 0.20 USD a month / 730 h, billed in the region of its zone."""
    inputs = {"tier": "BASIC_HDD", "location": "us-central1-b", "fileShares": {"capacityGb": 1024.0, "name": "models"}}
    assert told(resource("gcp:filestore/instance:Instance", inputs=inputs)) == [
        ("Filestore BASIC_HDD", 1024.0, pytest.approx(1024 * 0.2 / 730), CostKind.FIXED)
    ]


def test_managed_lustre_has_a_line_even_where_no_source_prices_it() -> None:
    """18,000 GiB are provisioned, at a price that the facts do not have."""
    inputs = {"capacityGib": "18000", "perUnitStorageThroughput": "500", "location": "us-central1-a"}
    (line,) = bill(resource("gcp:lustre/instance:Instance", inputs=inputs)).lines
    assert (line.quantity, line.is_unknown, line.note) == (18000.0, True, "no price of 500 in us-central1")


def test_disks_of_their_own() -> None:
    """100 GB gp3 with 250 MB/s, 125 above the included; 50 GB in two zones at the regional price."""
    volume = resource("aws:ebs/volume:Volume", inputs={"type": "gp3", "size": 100.0, "throughput": 250.0}, provider=AWS)
    disk = resource(
        "gcp:compute/regionDisk:RegionDisk", inputs={"type": "pd-balanced", "size": 50.0, "region": "us-central1"}
    )
    assert told(volume, disk) == [
        ("gp3 disk", 100.0, pytest.approx(100 * 0.08 / 730), CostKind.FIXED),
        ("gp3 MB/s above the included", 125.0, pytest.approx(125 * 0.04 / 730), CostKind.FIXED),
        ("pd-balanced regional disk", 50.0, pytest.approx(50 * 0.2 / 730), CostKind.FIXED),
    ]


def test_hyperdisk_without_a_price_is_unknown() -> None:
    """Size and provisioned speed both cost something."""
    inputs = {"type": "hyperdisk-ml", "size": 500.0, "provisionedThroughput": 1200.0, "zone": "us-central1-a"}
    found = bill(resource("gcp:compute/disk:Disk", inputs=inputs))
    assert [(x.item, x.is_unknown) for x in found.lines] == [
        ("hyperdisk-ml disk", True),
        ("hyperdisk-ml MB/s above the included", True),
    ]


STORAGE_CLASS = resource(
    "kubernetes:storage.k8s.io/v1:StorageClass",
    "fast",
    inputs={"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3"}},
)


def claim(storage: Any, *, storage_class: str = "fast") -> Resource:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": storage}}}
    return resource("kubernetes:core/v1:PersistentVolumeClaim", "cache", inputs={"spec": spec})


def test_a_claim_costs_the_disk_that_its_class_makes() -> None:
    """200 GiB of gp3 x 0.08 / 730 h."""
    size = bill(EKS, STORAGE_CLASS, claim("200Gi")).lines[-1]
    assert (size.item, size.quantity) == ("gp3 disk", 200.0)
    assert size.usd_per_hour == pytest.approx(200 * 0.08 / 730)


def test_a_claim_on_a_class_of_others_is_unknown() -> None:
    """What makes its volume is not in the program; nor is its size where that is known only after apply."""
    (line,) = [x for x in bill(EKS, claim("200Gi", storage_class="gp2")).lines if x.item == "volume of a claim"]
    assert (line.is_unknown, line.quantity) == (True, 200.0)
    (line,) = [x for x in bill(EKS, STORAGE_CLASS, claim(Unknown())).lines if x.item == "volume of a claim"]
    assert (line.is_unknown, line.quantity, line.note) == (True, None, "its size is not known")


def test_each_replica_of_a_stateful_set_has_its_volumes() -> None:
    """Three replicas x 50 GiB x 0.08 / 730 h."""
    template = {"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "50Gi"}}}}
    spec = {"replicas": 3.0, "volumeClaimTemplates": [template]}
    line = bill(EKS, STORAGE_CLASS, resource("kubernetes:apps/v1:StatefulSet", inputs={"spec": spec})).lines[-1]
    assert line.quantity == 150.0
    assert line.usd_per_hour == pytest.approx(150 * 0.08 / 730)


@pytest.mark.parametrize(
    ("quantity", "gib"),
    [("100Gi", 100.0), ("1Ti", 1024.0), ("512Mi", 0.5), ("1G", 10**9 / 2**30), (2.0**30, 1.0), ("much", None)],
)
def test_kubernetes_quantities_of_storage(quantity: Any, gib: float | None) -> None:
    """Binary and decimal suffixes, and plain bytes."""
    assert gibibytes(quantity) == gib


def test_load_balancers() -> None:
    """An ALB at 0.0225 USD/h with LCUs at 0.008; an ingress of the class alb is one; another kind is unknown."""
    owned = resource("aws:lb/loadBalancer:LoadBalancer", inputs={"loadBalancerType": "application"}, provider=AWS)
    ingress = resource("kubernetes:networking.k8s.io/v1:Ingress", inputs={"spec": {"ingressClassName": "alb"}})
    for found in (bill(owned).lines, bill(EKS, ingress).lines[-2:]):
        assert [(x.item, x.usd_per_unit) for x in found] == [
            ("application load balancer", 0.0225),
            ("load balancer capacity units", 0.008),
        ]
    gateway = resource("aws:lb/loadBalancer:LoadBalancer", inputs={"loadBalancerType": "gateway"}, provider=AWS)
    assert len(bill(gateway).unknown) == 2
    other = resource("kubernetes:networking.k8s.io/v1:Ingress", inputs={"spec": {"ingressClassName": "gce"}})
    assert [x.item for x in bill(GKE, other).unknown][-1] == "load balancer of an ingress"
