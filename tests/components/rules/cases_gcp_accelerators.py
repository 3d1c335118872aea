"""Rules on GPU node pools of GKE, by example; counts are those of the reference's machine table (2.2)."""

from __future__ import annotations

from typing import Any

from tests.components.rules.case import Case
from tests.components.rules.gke import cluster, pool
from tests.resources import graph

LABEL = "cloud.google.com/gke-networking-dra-driver"
MEGA = {"machineType": "a3-megagpu-8g"}
PROFILED = {"machineType": "a3-highgpu-8g", "labels": {LABEL: "true"}}
BY_PROFILE = {"acceleratorNetworkProfile": "auto"}
AFTER_DRANET = "1.34.1-gke.1829001"
MODERN = {"datapathProvider": "ADVANCED_DATAPATH", "minMasterVersion": AFTER_DRANET}


def gpus(kind: str, count: int, **more: Any) -> list[dict[str, Any]]:
    """The accelerators of a node."""
    return [{"type": kind, "count": count, **more}]


def networks(count: int) -> dict[str, Any]:
    """Networks beside the first, as many as *count*."""
    return {"additionalNodeNetworkConfigs": [{"network": f"gpu-{n}", "subnetwork": f"gpu-{n}"} for n in range(count)]}


CASES = [
    Case(
        rule="gke-devices-of-machine",
        keeps=graph(pool(node={"machineType": "g2-standard-48", "guestAccelerators": gpus("nvidia-l4", 4)})),
        breaks=graph(pool(node={"machineType": "g2-standard-48", "guestAccelerators": gpus("nvidia-l4", 8)})),
        at="nodeConfig.guestAccelerators[0].count",
    ),
    Case(
        rule="gke-devices-of-machine",
        keeps=graph(pool(node={**MEGA, "guestAccelerators": gpus("nvidia-h100-mega-80gb", 8)})),
        breaks=graph(pool(node={**MEGA, "guestAccelerators": gpus("nvidia-h100-80gb", 8)})),
        at="nodeConfig.guestAccelerators[0].type",
        note="the H100 of another machine",
    ),
    Case(
        rule="gke-devices-of-machine",
        keeps=graph(pool(node={"machineType": "n2-standard-8"})),
        breaks=graph(pool(node={"machineType": "a4-highgpu-8g"})),
        at="nodeConfig.guestAccelerators",
        note="left out",
    ),
    Case(
        rule="gke-devices-of-machine",
        keeps=graph(pool(node={"machineType": "ct6e-standard-4t"})),
        breaks=graph(pool(node={"machineType": "ct6e-standard-4t", "guestAccelerators": gpus("tpu-v6e-slice", 4)})),
        at="nodeConfig.guestAccelerators",
        note="stated for a TPU",
    ),
    Case(
        rule="gke-local-ssd-count",
        keeps=graph(pool(node={**MEGA, "ephemeralStorageLocalSsdConfig": {"localSsdCount": 16}})),
        breaks=graph(pool(node={**MEGA, "ephemeralStorageLocalSsdConfig": {"localSsdCount": 8}})),
        at="nodeConfig.ephemeralStorageLocalSsdConfig.localSsdCount",
    ),
    Case(
        rule="gke-local-ssd-used",
        keeps=graph(pool(node={**MEGA, "localNvmeSsdBlockConfig": {"localSsdCount": 16}})),
        breaks=graph(pool(node=MEGA)),
        at="nodeConfig.ephemeralStorageLocalSsdConfig",
    ),
    Case(
        rule="gke-gpudirect-networks",
        keeps=graph(
            multi := cluster("multi", enableMultiNetworking=True), pool(node=MEGA, of=multi, networkConfig=networks(8))
        ),
        breaks=graph(multi, pool(node=MEGA, of=multi, networkConfig=networks(4))),
        at="networkConfig.additionalNodeNetworkConfigs",
        note="half of them",
    ),
    Case(
        rule="gke-gpudirect-networks",
        keeps=graph(pool(node=MEGA)),
        breaks=graph(pool(node={**MEGA, "gpudirectStrategy": "TCPXO"})),
        at="networkConfig.additionalNodeNetworkConfigs",
        note="asked for, and none there",
    ),
    Case(
        rule="gke-gpudirect-networks",
        keeps=graph(multi, pool(node=MEGA, of=multi, networkConfig=networks(8))),
        breaks=graph(single := cluster("single"), pool(node=MEGA, of=single, networkConfig=networks(8))),
        at="cluster",
        note="a cluster with one network",
    ),
    Case(
        rule="gke-accelerator-network-profile",
        keeps=graph(new := cluster("new", **MODERN), pool(node=PROFILED, of=new, networkConfig=BY_PROFILE)),
        breaks=graph(
            pool(
                node={"machineType": "g2-standard-48", "labels": {LABEL: "true"}},
                networkConfig=BY_PROFILE,
            )
        ),
        at="networkConfig.acceleratorNetworkProfile",
    ),
    Case(
        rule="gke-accelerator-network-profile",
        keeps=graph(pool(node=PROFILED, networkConfig=BY_PROFILE)),
        breaks=graph(pool(node={"machineType": "a3-highgpu-8g", "labels": {}}, networkConfig=BY_PROFILE)),
        at=f"nodeConfig.labels[{LABEL}]",
        note="without the label",
    ),
    Case(
        rule="gke-accelerator-network-profile",
        keeps=graph(pool(node=PROFILED, networkConfig=BY_PROFILE)),
        breaks=graph(pool(node=PROFILED, networkConfig={**BY_PROFILE, **networks(1)})),
        at="networkConfig.additionalNodeNetworkConfigs",
        note="beside networks of its own",
    ),
    Case(
        rule="gke-accelerator-network-profile",
        keeps=graph(new, pool(node=PROFILED, of=new, networkConfig=BY_PROFILE)),
        breaks=graph(
            old := cluster("old", **{**MODERN, "minMasterVersion": "1.34.1-gke.1829000"}),
            pool(node=PROFILED, of=old, networkConfig=BY_PROFILE),
        ),
        at="cluster",
        note="one build too old",
    ),
    Case(
        rule="gke-accelerator-gvnic",
        keeps=graph(pool(node={**MEGA, "gvnic": {"enabled": True}}, networkConfig=networks(8))),
        breaks=graph(pool(node=MEGA, networkConfig=networks(8))),
        at="nodeConfig.gvnic.enabled",
    ),
    Case(
        rule="gke-gpu-driver-stated",
        keeps=graph(
            pool(
                node={
                    "guestAccelerators": gpus(
                        "nvidia-l4", 1, gpuDriverInstallationConfig={"gpuDriverVersion": "LATEST"}
                    )
                }
            )
        ),
        breaks=graph(pool(node={"guestAccelerators": gpus("nvidia-l4", 1)})),
        at="nodeConfig.guestAccelerators[0].gpuDriverInstallationConfig.gpuDriverVersion",
    ),
    Case(
        rule="gke-accelerator-max-pods",
        keeps=graph(pool("gpu", node=MEGA, maxPodsPerNode=32), pool("system", node={"machineType": "e2-standard-4"})),
        breaks=graph(pool(node={"machineType": "ct5p-hightpu-4t"}, maxPodsPerNode=32)),
        at="maxPodsPerNode",
    ),
    Case(
        rule="gke-accelerator-taint",
        keeps=graph(
            pool(node={**MEGA, "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]})
        ),
        breaks=graph(pool(node=MEGA)),
        at="nodeConfig.taints",
    ),
]
