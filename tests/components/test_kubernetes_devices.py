"""Device plugins: where they run, and with how little."""

from __future__ import annotations

from typing import Any

import pytest

from components.kubernetes.devices import (
    DevicePlugin,
    Devices,
    DevicesArgs,
    efa_plugin,
    neuron_plugin,
    nvidia_plugin,
    plugin_pod,
)
from components.kubernetes.scheduling import Toleration
from tests.recording import only, recorded

GPU_TAINT = (Toleration(key="nvidia.com/gpu", effect="NoSchedule"),)
NVIDIA = nvidia_plugin(image="nvcr.io/nvidia/k8s-device-plugin:v0.20.0", machines=("gpu",), tolerations=GPU_TAINT)
EFA = efa_plugin(image="registry.example/efa:v0.5.20", machines=("gpu",), tolerations=GPU_TAINT)
NEURON = neuron_plugin(
    image="public.ecr.aws/neuron/neuron-device-plugin:2.22.4.0",
    machines=("neuron",),
    tolerations=(Toleration(key="aws.amazon.com/neuron", effect="NoSchedule"),),
)


@pytest.mark.parametrize("plugin", [NVIDIA, EFA, NEURON], ids=lambda plugin: plugin.name)
def test_a_plugin_runs_only_where_its_device_is(plugin: DevicePlugin):
    """On the machines that have it, past the taint that guards them."""
    pod: Any = plugin_pod(plugin)  # by their types its properties might be outputs
    required = pod.affinity.node_affinity.required_during_scheduling_ignored_during_execution
    (expression,) = required.node_selector_terms[0].match_expressions
    assert expression.values == list(plugin.machines)
    assert [one.key for one in pod.tolerations] == [one.key for one in plugin.tolerations]


@pytest.mark.parametrize("plugin", [NVIDIA, EFA, NEURON], ids=lambda plugin: plugin.name)
def test_a_plugin_has_no_privilege(plugin: DevicePlugin):
    """No capability, no escalation; the kubelet's plugin socket is what it needs of the host."""
    pod: Any = plugin_pod(plugin)
    (container,) = pod.containers
    assert container.security_context.allow_privilege_escalation is False
    assert container.security_context.capabilities.drop == ["ALL"]
    assert container.security_context.privileged is None
    assert "/var/lib/kubelet/device-plugins" in [mount.mount_path for mount in container.volume_mounts]


@pytest.mark.parametrize("plugin", [NVIDIA, EFA])
def test_a_plugin_that_never_calls_kubernetes_has_no_token(plugin: DevicePlugin):
    """Only Neuron's asks the API, about the node it runs on."""
    assert plugin_pod(plugin).automount_service_account_token is False
    assert plugin_pod(NEURON).automount_service_account_token is True


def test_permissions_make_a_role_and_their_absence_none():
    """Neuron's plugin gets a role without wildcards; NVIDIA's gets none."""

    def program() -> None:
        Devices("devices", DevicesArgs(plugins=(NVIDIA, NEURON)))

    resources = recorded(program)
    role = only(resources, ":ClusterRole")
    assert role.name == "devices-neuron-device-plugin-role"
    granted = [word for rule in role.inputs["rules"] for word in (*rule["resources"], *rule["verbs"])]
    assert "*" not in granted
    assert "secrets" not in granted
