"""Rules on GKE nodes, by example."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.components.rules.case import Case
from tests.components.rules.gke import cluster, pool
from tests.resources import graph


def node(rule: str, good: dict[str, Any], bad: dict[str, Any], at: str, note: str = "") -> Case:
    """A rule on what a pool says of its nodes."""
    return Case(rule=rule, keeps=graph(pool(node=good)), breaks=graph(pool(node=bad)), at=f"nodeConfig.{at}", note=note)


OWN = {"serviceAccount": "nodes@acme.iam.gserviceaccount.com"}
GPU = {"machineType": "a3-highgpu-8g"}
CHANNEL = {"releaseChannel": {"channel": "REGULAR"}}

CASES = [
    node("gke-node-account", OWN, {}, "serviceAccount"),
    node(
        "gke-node-account",
        OWN,
        {"serviceAccount": "123456-compute@developer.gserviceaccount.com"},
        "serviceAccount",
        "the default one, by its address",
    ),
    Case(
        rule="gke-node-account",
        keeps=graph(cluster("silent"), cluster(nodeConfig=OWN)),
        breaks=graph(cluster(nodeConfig={"diskSizeGb": 20})),
        at="nodeConfig.serviceAccount",
        note="nodes that a cluster is made with",
    ),
    node(
        "gke-node-metadata",
        {"workloadMetadataConfig": {"mode": "GKE_METADATA"}},
        {"workloadMetadataConfig": {"mode": "GCE_METADATA"}},
        "workloadMetadataConfig.mode",
    ),
    node(
        "gke-legacy-metadata",
        {"metadata": {"disable-legacy-endpoints": "true"}},
        {"metadata": {"disable-legacy-endpoints": "false"}},
        "metadata[disable-legacy-endpoints]",
    ),
    node(
        "gke-secure-boot",
        {"shieldedInstanceConfig": {"enableSecureBoot": True}},
        {"shieldedInstanceConfig": {"enableIntegrityMonitoring": True}},
        "shieldedInstanceConfig.enableSecureBoot",
    ),
    node(
        "gke-integrity-monitoring",
        {"shieldedInstanceConfig": {"enableSecureBoot": True}},
        {"shieldedInstanceConfig": {"enableIntegrityMonitoring": False}},
        "shieldedInstanceConfig.enableIntegrityMonitoring",
    ),
    Case(
        rule="gke-auto-repair",
        keeps=graph(pool("kept", management={"autoRepair": True}), pool("flex", node={"flexStart": True})),
        breaks=graph(pool(management={"autoRepair": False})),
        at="management.autoRepair",
    ),
    Case(
        rule="gke-auto-upgrade",
        keeps=graph(channel := cluster("channel", **CHANNEL), pool(of=channel, management={"autoUpgrade": True})),
        breaks=graph(channel, pool(of=channel, management={"autoUpgrade": False})),
        at="management.autoUpgrade",
    ),
    node("gke-node-image", {"imageType": "cos_containerd"}, {"imageType": "UBUNTU_CONTAINERD"}, "imageType"),
    Case(
        rule="gke-pool-private",
        keeps=graph(pool("inherits"), pool(networkConfig={"enablePrivateNodes": True})),
        breaks=graph(pool(networkConfig={"enablePrivateNodes": False})),
        at="networkConfig.enablePrivateNodes",
    ),
    Case(
        rule="gke-pool-timeout",
        keeps=graph(replace(pool(node=GPU), timeouts_s={"create": 3600.0}), pool("system", node={})),
        breaks=graph(replace(pool(node=GPU), timeouts_s={"create": 3599.0})),
        at="",
    ),
    Case(
        rule="gke-pool-timeout",
        keeps=graph(replace(pool(node=GPU), timeouts_s={"create": 5400.0})),
        breaks=graph(replace(pool(node=GPU), timeouts_s={"delete": 5400.0})),
        at="",
        note="the provider's own is half an hour",
    ),
    node("gke-node-labels", {"resourceLabels": {"team": "ml"}}, {"labels": {"team": "ml"}}, "resourceLabels"),
]
