"""Versions and images that a plan needs on AWS: found for all of it at once, or told at once what lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.aws.node_pool import has_efa
from components.platform import MissingSetting, Platform
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.machine import Cloud
from sizing.plan import SizingPlan

AMI = "eks.ami-release.al2023"
COREDNS = "eks.addon.coredns"
EARLY_ADDONS: Mapping[str, str] = {
    "eks-pod-identity-agent": "eks.addon.pod-identity-agent",
    "vpc-cni": "eks.addon.vpc-cni",
    "kube-proxy": "eks.addon.kube-proxy",
}
ENGINES: Mapping[AcceleratorKind, str] = {AcceleratorKind.GPU: "vllm", AcceleratorKind.NEURON: "vllm-neuron"}
PLUGINS: Mapping[AcceleratorKind, str] = {
    AcceleratorKind.GPU: "nvidia.device-plugin",
    AcceleratorKind.NEURON: "neuron.device-plugin",
}
EFA_PLUGIN = "eks.efa-device-plugin"
AUTOSCALER = "eks.cluster-autoscaler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Every version and image that the stack needs, found."""

    kubernetes: str
    versions: Mapping[str, str]
    images: Mapping[str, str]


def pins_of(plan: SizingPlan, platform: Platform) -> Pins:
    """All versions and images of the stack; every one that is missing is told at once."""
    kubernetes_minor = platform.kubernetes_minor(Cloud.AWS)
    engines = [ENGINES[kind] for kind in kinds_of(plan)]
    missing: dict[str, str] = {}
    versions: Mapping[str, str] = {}
    try:
        versions = platform.required(AMI, COREDNS, *EARLY_ADDONS.values(), *engines, kubernetes=kubernetes_minor)
    except MissingSetting as error:
        missing |= error.missing
    plugins = [PLUGINS[kind] for kind in kinds_of(plan)]
    if any(has_efa(pool) for pool in plan.node_pools):
        plugins.append(EFA_PLUGIN)
    if is_scaled(plan):
        plugins.append(AUTOSCALER)
    images: dict[str, str] = {}
    for component in (*engines, *plugins):
        try:
            images[component] = platform.image(component, kubernetes=kubernetes_minor)
        except MissingSetting as error:
            missing |= error.missing
    if missing:
        raise MissingSetting(missing)
    return Pins(kubernetes=kubernetes_minor, versions=versions, images=images)


def kinds_of(plan: SizingPlan) -> list[AcceleratorKind]:
    """The kinds of accelerators that the plan's pools have, each once, in the order of the pools."""
    return list(dict.fromkeys(pool.accelerator_kind for pool in plan.node_pools if pool.accelerator_kind is not None))


def is_scaled(plan: SizingPlan) -> bool:
    """Whether machines come and go with the hours, so that something has to bring them and take them away."""
    return any(pool.least_nodes < pool.nodes for pool in plan.node_pools)
