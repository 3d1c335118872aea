"""Rules on what keeps data on Google Cloud, by example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.graph import Graph, Resource
from tests.components.rules.case import Case
from tests.resources import graph, resource

BUCKET = "gcp:storage/bucket:Bucket"
KEY = "gcp:kms/cryptoKey:CryptoKey"
LUSTRE = "gcp:lustre/instance:Instance"
RESERVATION = "gcp:compute/reservation:Reservation"
HNS = {"hierarchicalNamespace": {"enabled": True}}
VPC = resource("gcp:compute/network:Network", "vpc")
PEERING = resource("gcp:servicenetworking/connection:Connection", "peering", refers={"network": VPC})


def bucket(rule: str, good: dict[str, Any], bad: dict[str, Any], at: str, note: str = "") -> Case:
    """A rule on one bucket by itself."""
    return Case(
        rule=rule,
        keeps=graph(resource(BUCKET, inputs=good)),
        breaks=graph(resource(BUCKET, inputs=bad)),
        at=at,
        note=note,
    )


def cached(zone: str, **weights: Any) -> Graph:
    """A cache in *zone* of a bucket."""
    store = resource(BUCKET, "weights", inputs=weights)
    return graph(
        store, resource("gcp:storage/anywhereCache:AnywhereCache", inputs={"zone": zone}, refers={"bucket": store})
    )


def lustre(*after: Resource, **inputs: Any) -> Resource:
    """A Lustre instance in the network, created after these."""
    return resource(LUSTRE, inputs=inputs, refers={"network": VPC}, after=after)


def firewall(*ports: str) -> Resource:
    """A rule that lets TCP into the network at these ports."""
    allowed = [{"protocol": "tcp", "ports": list(ports)}]
    inputs = {"direction": "INGRESS", "allows": allowed, "sourceRanges": ["10.8.0.0/16"]}
    return resource("gcp:compute/firewall:Firewall", "storage", inputs=inputs, refers={"network": VPC})


def protected(kind: str) -> Resource:
    """A resource that Pulumi refuses to delete."""
    return replace(resource(kind), protect=True)


CASES = [
    bucket("gcs-hns-autoclass", HNS, {**HNS, "autoclass": {"enabled": True}}, "autoclass.enabled"),
    bucket("gcs-hns-versioning", HNS, {**HNS, "versioning": {"enabled": True}}, "versioning.enabled"),
    bucket("gcs-hns-uniform-access", {**HNS, "uniformBucketLevelAccess": True}, HNS, "uniformBucketLevelAccess"),
    Case(
        rule="gcs-cache-zone",
        keeps=cached("us-central1-b", location="US-CENTRAL1"),
        breaks=cached("us-east4-a", location="US-CENTRAL1"),
        at="zone",
    ),
    Case(
        rule="gcs-cache-zone",
        keeps=cached("europe-west4-a", location="EU"),
        breaks=cached("us-east4-a", location="EU"),
        at="zone",
        note="a bucket in many regions",
    ),
    Case(
        rule="gcs-cache-zone",
        keeps=cached("us-east4-a", location="US", customPlacementConfig={"dataLocations": ["US-EAST1", "US-EAST4"]}),
        breaks=cached("us-west1-a", location="US", customPlacementConfig={"dataLocations": ["US-EAST1", "US-EAST4"]}),
        at="zone",
        note="a bucket in two regions",
    ),
    bucket("gcs-uniform-access", {"uniformBucketLevelAccess": True}, {}, "uniformBucketLevelAccess"),
    bucket(
        "gcs-public-access",
        {"publicAccessPrevention": "enforced"},
        {"publicAccessPrevention": "inherited"},
        "publicAccessPrevention",
    ),
    bucket("gcs-force-destroy", {"forceDestroy": False}, {"forceDestroy": True}, "forceDestroy"),
    Case(
        rule="gcp-lustre-connection",
        keeps=graph(VPC, PEERING, lustre(PEERING)),
        breaks=graph(VPC, PEERING, lustre()),
        at="",
    ),
    Case(
        rule="gcp-lustre-port",
        keeps=graph(VPC, firewall("900-1023"), lustre()),
        breaks=graph(VPC, firewall("2049"), lustre()),
        at="network",
    ),
    Case(
        rule="gcp-lustre-throughput",
        keeps=graph(lustre(perUnitStorageThroughput="500")),
        breaks=graph(lustre(perUnitStorageThroughput="400")),
        at="perUnitStorageThroughput",
    ),
    Case(
        rule="gcp-key-rotation",
        keeps=graph(resource(KEY, inputs={"rotationPeriod": "7776000s"})),
        breaks=graph(resource(KEY, inputs={"rotationPeriod": "7776001s"})),
        at="rotationPeriod",
        note="90 days are 7,776,000 s",
    ),
    Case(
        rule="gcp-key-rotation",
        keeps=graph(resource(KEY, inputs={"purpose": "ASYMMETRIC_SIGN"})),
        breaks=graph(resource(KEY, inputs={"purpose": "ENCRYPT_DECRYPT"})),
        at="rotationPeriod",
        note="keys that sign cannot be rotated",
    ),
    Case(
        rule="gcp-registry-key",
        keeps=graph(resource("gcp:artifactregistry/repository:Repository", inputs={"kmsKeyName": "k"})),
        breaks=graph(resource("gcp:artifactregistry/repository:Repository")),
        at="kmsKeyName",
    ),
    Case(rule="gcp-data-protected", keeps=graph(protected(BUCKET)), breaks=graph(resource(BUCKET)), at=""),
    Case(
        rule="gcp-reservation-protected",
        keeps=graph(protected(RESERVATION)),
        breaks=graph(resource(RESERVATION)),
        at="",
    ),
]
