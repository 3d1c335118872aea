"""Each Kubernetes component under Pulumi's mocks: what matters about it, asserted on what it registered."""

from __future__ import annotations

from typing import Any

import pytest

from components.kubernetes import ServingStack
from components.kubernetes.devices import Devices
from tests.examples import AWS_PLAN
from tests.mocks.programs import INTERNAL, registered
from tests.recording import Registered, only


def of_kind(kind: Any, resource: str) -> list[Registered]:
    return [one for one in registered(kind) if one.type.endswith(resource)]


@pytest.fixture(params=AWS_PLAN.deployments, ids=lambda one: one.name)
def planned(request: pytest.FixtureRequest) -> Any:
    """Each deployment of the plan."""
    return request.param


def test_each_deployment_has_the_planned_replicas_a_budget_and_an_autoscaler(planned: Any):
    """A budget of one and never of none: a node group could not be updated (pulumi-eks issue 875)."""
    made = registered(ServingStack)
    deployment = only(made, ":Deployment", f"chat-{planned.name}")
    assert deployment.inputs["spec"]["replicas"] == planned.replicas
    assert deployment.ignore_changes == ("spec.replicas",)
    budget = only(made, ":PodDisruptionBudget", f"chat-{planned.name}-budget").inputs["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment.inputs["spec"]["selector"]
    scaler = only(made, ":HorizontalPodAutoscaler", f"chat-{planned.name}-autoscaler").inputs["spec"]
    assert scaler["scaleTargetRef"]["name"] == planned.name
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (
        planned.replicas,
        max(planned.replicas, planned.max_replicas),
    )


def test_a_replica_is_asked_whether_it_started_is_ready_and_lives(planned: Any):
    """A model takes minutes to load, so the startup probe waits; readiness does not ask for what the key guards."""
    spec = only(registered(ServingStack), ":Deployment", f"chat-{planned.name}").inputs["spec"]["template"]["spec"]
    (server,) = spec["containers"]
    probes = {name: server[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    assert {one["httpGet"]["path"] for one in probes.values()} == {"/health"}
    assert probes["startup"]["failureThreshold"] > probes["liveness"]["failureThreshold"] > 0
    assert server["lifecycle"]["preStop"]["sleep"]["seconds"] > 0
    assert spec["terminationGracePeriodSeconds"] > server["lifecycle"]["preStop"]["sleep"]["seconds"]


def test_a_replica_runs_without_root_and_without_the_clusters_credentials(planned: Any):
    """Nothing to escalate with, nothing to write on, no token of the Kubernetes API."""
    spec = only(registered(ServingStack), ":Deployment", f"chat-{planned.name}").inputs["spec"]["template"]["spec"]
    security = spec["containers"][0]["securityContext"]
    assert (spec["securityContext"]["runAsNonRoot"], spec["automountServiceAccountToken"]) == (True, False)
    assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True)
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_a_workload_is_closed_to_all_but_its_callers():
    """Everything is denied, then one policy opens serving; the load balancer is internal, for the same callers."""
    policies = {one.name: one.inputs["spec"] for one in of_kind(ServingStack, ":NetworkPolicy")}
    assert policies["chat-deny-all"]["policyTypes"] == ["Ingress", "Egress"]
    assert not policies["chat-deny-all"].get("ingress")
    callers = policies["chat-allow-serving"]["ingress"][0]["from"]
    assert {"ipBlock": {"cidr": "10.0.0.0/16"}} in callers
    balancer = only(registered(ServingStack), ":Service", "chat-load-balancer").inputs
    assert balancer["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/16"]
    assert balancer["metadata"]["annotations"] == INTERNAL


def test_the_namespace_holds_pods_to_the_strictest_standard():
    """And what is inside waits for it."""
    namespace = only(registered(ServingStack), ":Namespace").inputs["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"
    assert all("chat-namespace" in one.dependencies for one in of_kind(ServingStack, ":Deployment"))


def test_the_api_key_is_in_a_secret_and_in_no_other_object():
    """Pods refer to it by name."""
    holders = [one.name for one in registered(ServingStack) if "hush" in repr(one.inputs)]
    assert holders == ["chat-secret"]


def test_a_device_plugin_runs_where_its_device_is_past_the_taint_that_guards_it():
    """One daemon for each plugin, without privileges beyond the kubelet's socket."""
    daemons = {one.name: one.inputs["spec"]["template"]["spec"] for one in of_kind(Devices, ":DaemonSet")}
    assert set(daemons) == {"devices-nvidia-device-plugin", "devices-efa-device-plugin"}
    for pod in daemons.values():
        (term,) = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"][0]["values"] == ["p5"]
        assert [one["key"] for one in pod["tolerations"]] == ["nvidia.com/gpu"]
        assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False
