"""Rules on GKE node pools, by example."""

from __future__ import annotations

from tests.components.rules.case import Case
from tests.components.rules.gke import NONE, A, B, affinity, cluster, pool
from tests.resources import graph

FROM_NONE = {"minNodeCount": 0, "maxNodeCount": 4}
COMPACT = {"type": "COMPACT"}
QUEUED = {"enabled": True}
FLEX = {**NONE, "flexStart": True, "machineType": "a3-ultragpu-8g"}
NO_REPAIR = {"autoRepair": False, "autoUpgrade": True}
SPECIFIC = "nodeConfig.reservationAffinity.consumeReservationType"

CASES = [
    Case(
        rule="gke-count-or-autoscaler",
        keeps=graph(pool("fixed", nodeCount=2), pool("scaled", autoscaling=FROM_NONE)),
        breaks=graph(pool(nodeCount=2, autoscaling=FROM_NONE)),
        at="nodeCount",
    ),
    Case(
        rule="gke-initial-count",
        keeps=graph(pool(initialNodeCount=4, autoscaling=FROM_NONE)),
        breaks=graph(pool(initialNodeCount=5, autoscaling=FROM_NONE)),
        at="initialNodeCount",
        note="for each zone",
    ),
    Case(
        rule="gke-initial-count",
        keeps=graph(pool(initialNodeCount=2, nodeLocations=[A, B], autoscaling={"totalMaxNodeCount": 4})),
        breaks=graph(pool(initialNodeCount=3, nodeLocations=[A, B], autoscaling={"totalMaxNodeCount": 4})),
        at="initialNodeCount",
        note="in total: three in each of two zones are six",
    ),
    Case(
        rule="gke-one-use-of-local-ssd",
        keeps=graph(pool(node={"ephemeralStorageLocalSsdConfig": {"localSsdCount": 16}})),
        breaks=graph(
            pool(
                node={
                    "ephemeralStorageLocalSsdConfig": {"localSsdCount": 8},
                    "localNvmeSsdBlockConfig": {"localSsdCount": 8},
                }
            )
        ),
        at="nodeConfig.localNvmeSsdBlockConfig",
    ),
    Case(
        rule="gke-compact-one-zone",
        keeps=graph(pool(nodeLocations=[A], placementPolicy=COMPACT)),
        breaks=graph(pool(nodeLocations=[A, B], placementPolicy=COMPACT)),
        at="nodeLocations",
    ),
    Case(
        rule="gke-compact-one-zone",
        keeps=graph(home := cluster("home", nodeLocations=[A]), pool(of=home, placementPolicy=COMPACT)),
        breaks=graph(wide := cluster("wide", nodeLocations=[A, B]), pool(of=wide, placementPolicy=COMPACT)),
        at="nodeLocations",
        note="zones of the cluster",
    ),
    Case(
        rule="gke-compact-no-blue-green",
        keeps=graph(pool(placementPolicy=COMPACT, upgradeSettings={"strategy": "SURGE"})),
        breaks=graph(pool(placementPolicy=COMPACT, upgradeSettings={"strategy": "BLUE_GREEN"})),
        at="upgradeSettings.strategy",
    ),
    Case(
        rule="gke-queued-provisioning",
        keeps=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        breaks=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling={"minNodeCount": 1, "maxNodeCount": 4})),
        at="autoscaling.minNodeCount",
    ),
    Case(
        rule="gke-queued-provisioning",
        keeps=graph(
            pool(
                node=NONE,
                queuedProvisioning=QUEUED,
                autoscaling=FROM_NONE,
                placementPolicy={"type": "COMPACT", "tpuTopology": "4x4"},
            )
        ),
        breaks=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling=FROM_NONE, placementPolicy=COMPACT)),
        at="placementPolicy.type",
        note="COMPACT, for a TPU slice only",
    ),
    Case(
        rule="gke-queued-provisioning",
        keeps=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        breaks=graph(pool(queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        at=SPECIFIC,
        note="silence is not NO_RESERVATION",
    ),
    Case(
        rule="gke-queued-provisioning",
        keeps=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        breaks=graph(pool(node={**NONE, "spot": True}, queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        at="nodeConfig.spot",
        note="spot",
    ),
    Case(
        rule="gke-queued-provisioning",
        keeps=graph(pool(node=NONE, queuedProvisioning=QUEUED, autoscaling=FROM_NONE)),
        breaks=graph(pool(node=NONE, queuedProvisioning=QUEUED)),
        at="autoscaling",
        note="without an autoscaler",
    ),
    Case(
        rule="gke-queued-label",
        keeps=graph(pool(node={"labels": {"cloud.google.com/gke-queued": "true"}}, queuedProvisioning=QUEUED)),
        breaks=graph(pool(node={"labels": {"team": "ml"}}, queuedProvisioning=QUEUED)),
        at="nodeConfig.labels[cloud.google.com/gke-queued]",
    ),
    Case(
        rule="gke-flex-start",
        keeps=graph(pool(node=FLEX, autoscaling=FROM_NONE, management=NO_REPAIR, placementPolicy=COMPACT)),
        breaks=graph(pool(node=FLEX, autoscaling=FROM_NONE, management={"autoRepair": True})),
        at="management.autoRepair",
    ),
    Case(
        rule="gke-flex-start",
        keeps=graph(pool(node=FLEX, nodeCount=0, management=NO_REPAIR)),
        breaks=graph(pool(node=FLEX, nodeCount=2, management=NO_REPAIR)),
        at="nodeCount",
        note="a fixed count",
    ),
    Case(
        rule="gke-flex-start",
        keeps=graph(pool(node=FLEX, autoscaling=FROM_NONE, management=NO_REPAIR)),
        breaks=graph(pool(node={**FLEX, **affinity("ANY_RESERVATION")}, autoscaling=FROM_NONE, management=NO_REPAIR)),
        at=SPECIFIC,
        note="any reservation",
    ),
    Case(
        rule="gke-flex-start",
        keeps=graph(pool(node=FLEX, autoscaling=FROM_NONE, management=NO_REPAIR)),
        breaks=graph(pool(node={**FLEX, "spot": True}, autoscaling=FROM_NONE, management=NO_REPAIR)),
        at="nodeConfig.spot",
        note="spot",
    ),
    Case(
        rule="gke-flex-start",
        keeps=graph(pool(node=FLEX, autoscaling=FROM_NONE, management=NO_REPAIR, placementPolicy=COMPACT)),
        breaks=graph(
            pool(
                node={**FLEX, "machineType": "a3-highgpu-8g"},
                autoscaling=FROM_NONE,
                management=NO_REPAIR,
                placementPolicy=COMPACT,
            )
        ),
        at="placementPolicy.type",
        note="COMPACT on a family that cannot",
    ),
    Case(
        rule="gke-spot-no-reservation",
        keeps=graph(pool("silent", node={"spot": True}), pool("stated", node={**NONE, "spot": True})),
        breaks=graph(pool(node={**affinity("SPECIFIC_RESERVATION", "june"), "spot": True})),
        at=SPECIFIC,
    ),
    Case(
        rule="gke-surge-not-zero",
        keeps=graph(pool(upgradeSettings={"maxSurge": 0, "maxUnavailable": 1}), pool("silent")),
        breaks=graph(pool(upgradeSettings={"maxSurge": 0, "maxUnavailable": 0})),
        at="upgradeSettings",
    ),
    Case(
        rule="gke-accelerators-surge",
        keeps=graph(pool(node={"machineType": "e2-standard-4"}, upgradeSettings={"strategy": "BLUE_GREEN"})),
        breaks=graph(
            pool(
                node={"guestAccelerators": [{"type": "nvidia-l4", "count": 1}]},
                upgradeSettings={"strategy": "BLUE_GREEN"},
            )
        ),
        at="upgradeSettings.strategy",
    ),
    Case(
        rule="gke-max-pods-vpc-native",
        keeps=graph(native := cluster("native", networkingMode="VPC_NATIVE"), pool(of=native, maxPodsPerNode=32)),
        breaks=graph(routed := cluster("routed", networkingMode="ROUTES"), pool(of=routed, maxPodsPerNode=32)),
        at="maxPodsPerNode",
    ),
]
