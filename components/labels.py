"""Names that tie things together: cost tags of cloud resources, labels of nodes and pods. Knows no cloud."""

from __future__ import annotations

from collections.abc import Mapping

from components.platform import Platform
from sizing.plan import Deployment, NodePool

POOL = "sizeup/pool"  # node label: which node pool of the plan a machine belongs to
ROLE = "sizeup/role"  # node label: accelerator or system
ACCELERATOR = "sizeup/accelerator"  # node label: name of the accelerator in the catalog
WORKLOAD = "sizeup/workload"  # pod label: what the Service selects
DEPLOYMENT = "sizeup/deployment"  # pod label: what the Deployment selects


def cost_tags(platform: Platform, *, stack: str) -> Mapping[str, str]:
    """Tags that every cloud resource of a stack carries, so that its cost can be told apart; the user's come last."""
    owner = {"owner": platform.owner} if platform.owner else {}
    return {"managed-by": "sizeup", "sizeup-stack": stack} | owner | dict(platform.labels)


def node_labels(pool: NodePool) -> Mapping[str, str]:
    """Labels of the nodes of a pool; what pods select their machines by."""
    accelerator = {ACCELERATOR: pool.accelerator} if pool.accelerator else {}
    return {POOL: pool.name, ROLE: pool.role.value} | accelerator


def workload_labels(workload: str) -> Mapping[str, str]:
    """Labels of every pod and object of one workload, on-demand and spot alike."""
    return {"app.kubernetes.io/part-of": workload, "app.kubernetes.io/managed-by": "sizeup", WORKLOAD: workload}


def pod_labels(deployment: Deployment) -> Mapping[str, str]:
    """Labels of the pods of one deployment: those of its workload, and its own."""
    own = {"app.kubernetes.io/name": deployment.engine.name, "app.kubernetes.io/instance": deployment.name}
    return dict(workload_labels(deployment.workload)) | own | {DEPLOYMENT: deployment.name}
