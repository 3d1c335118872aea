"""Rules on Google Cloud: clusters, node pools, TPU slices, networks, storage, identities."""

from __future__ import annotations

from components.rules import (
    gcp_accelerators,
    gcp_cluster,
    gcp_network,
    gcp_nodes,
    gcp_pools,
    gcp_reservations,
    gcp_storage,
    gcp_tpu,
)
from components.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *gcp_cluster.RULES,
    *gcp_pools.RULES,
    *gcp_reservations.RULES,
    *gcp_accelerators.RULES,
    *gcp_tpu.RULES,
    *gcp_nodes.RULES,
    *gcp_network.RULES,
    *gcp_storage.RULES,
)
