"""Names that tie things together: cost tags of cloud resources, labels of nodes and pods. Knows no cloud."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.platform import Platform
from sizing.catalog.offer import PurchaseMode
from sizing.plan import Deployment, NodePool

POOL = "sizeup/pool"  # node label: which node pool of the plan a machine belongs to
MACHINES = "sizeup/machines"  # node label: what kind of machine, bought how; in every zone the same
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
    return {POOL: pool.name, MACHINES: machine_kind(pool), ROLE: pool.role.value} | accelerator


# Machines that go by themselves stand apart from those that stay, which are alike to pods however they are paid.
_LEAVING: Mapping[PurchaseMode, str] = {
    PurchaseMode.SPOT: "-spot",
    PurchaseMode.CAPACITY_BLOCK: "-block",
    PurchaseMode.FLEX_START: "-flex",
}


def machine_kind(pool: NodePool) -> str:
    """The kind of machine that pods ask for, without its zone: more zones or pools of it touch no pod."""
    return pool.machine.replace(".", "-").lower() + _LEAVING.get(pool.mode, "")


def machine_kinds(pools: Iterable[NodePool]) -> tuple[str, ...]:
    """The kinds of machines of these pools, each once."""
    return tuple(dict.fromkeys(map(machine_kind, pools)))


def workload_labels(workload: str) -> Mapping[str, str]:
    """Labels of every pod and object of one workload, on-demand and spot alike."""
    return {"app.kubernetes.io/part-of": workload, "app.kubernetes.io/managed-by": "sizeup", WORKLOAD: workload}


def pod_labels(deployment: Deployment) -> Mapping[str, str]:
    """Labels of the pods of one deployment: those of its workload, and its own."""
    own = {"app.kubernetes.io/name": deployment.engine.name, "app.kubernetes.io/instance": deployment.name}
    return dict(workload_labels(deployment.workload)) | own | {DEPLOYMENT: deployment.name}
