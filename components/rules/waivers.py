"""
Where a rule may be broken: which rule, by which resources, why, and since when. The preview shows every waiver that
was used, with its reason; nothing is left out silently.

A waiver is a decision about what our own components build: each names the component, so that the same thing written by
anybody else still breaks the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from components.graph import Resource
from components.rules.pods import containers, pod_of
from components.rules.rule import Rule

_SERVING = "sizeup:index:ServingStack$kubernetes:apps/v1:Deployment"
_DEVICES = "sizeup:index:Devices$kubernetes:apps/v1:DaemonSet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One written exception."""

    rules: tuple[str, ...]  # ids
    type: str  # of the resources with the components they are in, a shell pattern: sizeup:index:Devices$kubernetes:*
    name: str  # of the resources, a shell pattern: devices-*
    reason: str  # why it is right here, and what stands in for the rule
    since: date
    when: Callable[[Resource], bool] | None = None  # only those of the resources

    def covers(self, rule: Rule, resource: Resource) -> bool:
        """Whether *resource* may break *rule*."""
        kind = resource.urn.split("::")[2] if resource.urn.count("::") >= 3 else resource.type
        return (
            rule.id in self.rules
            and fnmatchcase(kind, self.type)
            and fnmatchcase(resource.name, self.name)
            and (self.when is None or self.when(resource))
        )


def takes_tpu(resource: Resource) -> bool:
    """Whether the pods that *resource* makes hold TPU chips."""
    pod = pod_of(resource)
    return pod is not None and any("google.com/tpu" in one.accelerators for one in containers(pod))


def _waiver(rules: str, type_: str, name: str, reason: str, when: Callable[[Resource], bool] | None = None) -> Waiver:
    return Waiver(rules=tuple(rules.split()), type=type_, name=name, reason=reason, since=date(2026, 11, 21), when=when)


WAIVERS: tuple[Waiver, ...] = (
    _waiver(
        "spot-fallback",
        "sizeup:index:AwsNodePool$aws:eks/nodeGroup:NodeGroup",
        "*-spot-nodes",
        "the plan sized and priced its replicas for this one machine; others would be slower or dearer than promised, "
        "and replicas on demand stand beside it",
    ),
    _waiver(
        "pod-non-root",
        _DEVICES,
        "devices-*",
        "the kubelet's socket folder belongs to root, and a plugin makes its socket there; it has no capabilities, no "
        "escalation, and no token but where it needs one",
    ),
    _waiver(
        "pod-read-only-root",
        _DEVICES,
        "devices-*",
        "the vendors run their plugins with a writable root and say nothing of what they write; a plugin that does not "
        "start takes every accelerator of the cluster away",
    ),
    _waiver(
        "pod-host-namespaces",
        _DEVICES,
        "devices*-efa-device-plugin",  # of every region of a stack
        "EFA devices are found through the network of the node, as in the vendor's chart (aws/eks-charts)",
    ),
    _waiver(
        "image-digest",
        _DEVICES,
        "*",
        "no source read tells the digests of the pinned versions, and none is invented; sizeup:platform.images takes "
        "image@sha256:...",
    ),
    _waiver(
        "image-digest",
        _SERVING,
        "*",
        "no source read tells the digests of the pinned versions, and none is invented; sizeup:platform.images takes "
        "image@sha256:...",
    ),
    _waiver(
        "image-digest",
        "sizeup:index:AwsClusterAutoscaler$kubernetes:apps/v1:Deployment",
        "*",
        "no source read tells the digests of the pinned versions, and none is invented; sizeup:platform.images takes "
        "image@sha256:...",
    ),
    _waiver(
        "pod-non-root",
        _SERVING,
        "*",
        "the device files of TPU chips belong to root, and nobody else may open them; it has no capabilities, no "
        "escalation and a read-only root",
        takes_tpu,
    ),
    _waiver(
        "pod-secret-files",
        _SERVING,
        "*",
        "vLLM reads its API key from the command line or from VLLM_API_KEY, and from no file; of the two only the "
        "environment is hidden from whoever lists pods",
    ),
)


def waiver_of(rule: Rule, resource: Resource, waivers: Iterable[Waiver] = WAIVERS) -> Waiver | None:
    """The first waiver that covers *resource* breaking *rule*; None: it must not."""
    return next((one for one in waivers if one.covers(rule, resource)), None)
