"""What runs on the nodes of a plan on AWS: device plugins and model servers, each where its device is."""

from __future__ import annotations

from collections.abc import Mapping

from components.aws.node_pool import TAINT_KEYS, has_efa
from components.kubernetes import Scheduling, Served, Toleration
from components.kubernetes.devices import DevicePlugin, efa_plugin, neuron_plugin, nvidia_plugin
from components.labels import machine_kinds
from infra.aws_pins import EFA_PLUGIN, ENGINES, PLUGINS, Pins, kinds_of
from sizing.catalog.accelerator import AcceleratorKind
from sizing.errors import UnusablePlan
from sizing.plan import Deployment, SizingPlan
from sizing.plan import NodePool as PlannedPool


def _tolerations(kind: AcceleratorKind) -> tuple[Toleration, ...]:
    """What pods on accelerator nodes of *kind* put up with."""
    return (Toleration(key=TAINT_KEYS[kind], effect="NoSchedule"),)


def plugins_of(plan: SizingPlan, pins: Pins) -> tuple[DevicePlugin, ...]:
    """The device plugins that the plan's machines need, each on the machines that have its device."""
    make = {AcceleratorKind.GPU: nvidia_plugin, AcceleratorKind.NEURON: neuron_plugin}
    plugins: list[DevicePlugin] = []
    for kind in kinds_of(plan):
        on = machine_kinds(pool for pool in plan.node_pools if pool.accelerator_kind is kind)
        plugins.append(make[kind](image=pins.images[PLUGINS[kind]], machines=on, tolerations=_tolerations(kind)))
    fabric = [pool for pool in plan.node_pools if has_efa(pool)]
    if fabric:
        plugins.append(
            efa_plugin(
                image=pins.images[EFA_PLUGIN],
                machines=machine_kinds(fabric),
                tolerations=tuple(one for kind in kinds_of(plan) for one in _tolerations(kind)),
            )
        )
    return tuple(plugins)


def served_of(plan: SizingPlan, workload: str, pins: Pins) -> tuple[Served, ...]:
    """The deployments of one workload, each with its pools and its image."""
    pools = {pool.name: pool for pool in plan.node_pools}
    return tuple(
        _one_served(deployment, pools, pins) for deployment in plan.deployments if deployment.workload == workload
    )


def _one_served(deployment: Deployment, pools: Mapping[str, PlannedPool], pins: Pins) -> Served:
    """A deployment on EKS: its device's resource and taint go by what its machines carry."""
    kind = pools[deployment.placements[0].pool].accelerator_kind
    if kind is None:
        raise UnusablePlan(
            source="the plan",
            what=f"deployment {deployment.name} is placed on machines without accelerators",
            mend="size the stack again",
        )
    engine = ENGINES[kind]
    return Served(
        deployment=deployment,
        scheduling=Scheduling(
            machines=machine_kinds(pools[placement.pool] for placement in deployment.placements),
            device=TAINT_KEYS[kind],  # taints are named after the resource they guard
            devices=deployment.layout.accelerators,
            tolerations=_tolerations(kind),
        ),
        image=pins.images[engine],
        engine_version=pins.versions[engine],
    )
