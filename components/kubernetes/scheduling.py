"""Where pods may run, as plain Kubernetes values; the clouds fill them in, nothing here knows a cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pulumi_kubernetes.core import v1
from pulumi_kubernetes.meta import v1 as meta

from components.arguments import checked
from components.labels import MACHINES


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    """A taint that pods put up with; without a value, whatever its value is."""

    key: str
    effect: str  # NoSchedule, NoExecute
    value: str | None = None


@checked
@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduling:
    """The nodes that the pods of one deployment may use, and what they take of them."""

    machines: tuple[str, ...]  # kinds of machines; nodes carry theirs in the label sizeup/machines
    device: str  # extended resource: nvidia.com/gpu, google.com/tpu, aws.amazon.com/neuron
    devices: int  # of one replica
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)  # beside the machine: TPU type and topology on GKE


def toleration_args(tolerations: tuple[Toleration, ...]) -> list[v1.TolerationArgs]:
    """The tolerations of a pod specification."""
    return [
        v1.TolerationArgs(key=one.key, operator="Exists", effect=one.effect)
        if one.value is None
        else v1.TolerationArgs(key=one.key, operator="Equal", value=one.value, effect=one.effect)
        for one in tolerations
    ]


def machine_affinity(machines: tuple[str, ...]) -> v1.AffinityArgs:
    """Only nodes that are machines of these kinds."""
    term = v1.NodeSelectorTermArgs(
        match_expressions=[v1.NodeSelectorRequirementArgs(key=MACHINES, operator="In", values=list(machines))]
    )
    return v1.AffinityArgs(
        node_affinity=v1.NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=v1.NodeSelectorArgs(node_selector_terms=[term])
        )
    )


def zone_spread(labels: Mapping[str, str]) -> v1.TopologySpreadConstraintArgs:
    """
    Evenly over zones where the machines allow it.

    Soft on purpose: the planned machines already stand in the planned zones, and when a zone has lost machines a
    replica in another zone beats one that stays pending.
    """
    return v1.TopologySpreadConstraintArgs(
        max_skew=1,
        topology_key="topology.kubernetes.io/zone",
        when_unsatisfiable="ScheduleAnyway",
        label_selector=meta.LabelSelectorArgs(match_labels=dict(labels)),
    )
