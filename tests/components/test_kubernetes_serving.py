"""One workload as Kubernetes objects: what is registered, and what ties the objects together."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from components.kubernetes import (
    Egress,
    FromBucket,
    FromHub,
    Scheduling,
    Served,
    ServingArgs,
    ServingStack,
    namespace_of,
)
from sizing.performance import ColdStart
from sizing.plan import Deployment
from tests.examples import AWS_PLAN
from tests.recording import Registered, input_keys, only, recorded

SLOW = ColdStart(image_s=180, bootstrap_s=100, weights_s=100, compile_s=100)

ARGS = ServingArgs(
    workload="chat",
    served=tuple(
        Served(
            deployment=deployment,
            scheduling=Scheduling(
                machines=(deployment.machines[0].replace(".", "-"),), device="nvidia.com/gpu", devices=4
            ),
            image="vllm/vllm-openai:v0.27.1",
            engine_version="0.27.1",
        )
        for deployment in AWS_PLAN.deployments
    ),
    weights=FromBucket(uri="s3://models"),
    caller_cidrs=("10.0.0.0/16",),
    egress=(Egress(cidr="169.254.170.23/32", port=80),),
    load_balancer_annotations={"networking.gke.io/load-balancer-type": "Internal"},
)


@functools.cache
def stack() -> tuple[Registered, ...]:
    return built(ARGS)


def built(args: ServingArgs) -> tuple[Registered, ...]:
    def program() -> None:
        ServingStack("chat", args)

    return recorded(program)


def deployment_named(name: str) -> Deployment:
    (found,) = [one for one in AWS_PLAN.deployments if one.name == name]
    return found


def test_each_deployment_of_the_plan_has_pods_a_budget_and_an_autoscaler():
    """On-demand and spot are deployments of their own, so that each is placed and bought as planned."""
    for kind in ("apps/v1:Deployment", ":PodDisruptionBudget", ":HorizontalPodAutoscaler"):
        names = [one.inputs["metadata"]["name"] for one in stack() if one.type.endswith(kind)]
        assert names == ["chat", "chat-spot"]


def test_one_service_reaches_all_of_them():
    """It selects by workload, and every pod carries that label beside its deployment's."""
    service = only(stack(), ":Service", "chat-service")
    assert service.inputs["spec"]["selector"] == {"sizeup/workload": "chat"}
    for one in (each for each in stack() if each.type.endswith("apps/v1:Deployment")):
        labels = one.inputs["spec"]["template"]["metadata"]["labels"]
        assert labels["sizeup/workload"] == "chat"
        assert one.inputs["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_replicas_are_the_planned_ones_and_then_the_autoscalers():
    """Four in one zone and one in another make five; later counts are the autoscaler's to set."""
    pods = only(stack(), "apps/v1:Deployment", "chat-chat")
    assert pods.inputs["spec"]["replicas"] == deployment_named("chat").replicas == 5
    assert "spec.replicas" in pods.ignore_changes


def test_services_wait_as_long_as_their_replicas_take():
    """
    A Service is ready once it has a pod to send traffic to, and Pulumi gives up on it after ten minutes by itself.

    A start of 300 s may take 600 s, after twice 410 s for a new node and 180 s for its image; a minute more to notice.
    """
    slow = tuple(replace(one, deployment=replace(one.deployment, cold_start=SLOW)) for one in ARGS.served)
    resources = built(replace(ARGS, served=slow))
    assert only(resources, "apps/v1:Deployment", "chat-chat").create_timeout == "1840s"
    assert {one.create_timeout for one in resources if one.type.endswith(":Service")} == {"1840s"}


def test_the_load_balancer_is_internal_and_open_to_the_network_only():
    """What makes it internal is the cloud's to say; who may call is the network."""
    balancer = only(stack(), ":Service", "chat-load-balancer")
    assert balancer.inputs["spec"]["type"] == "LoadBalancer"
    assert balancer.inputs["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/16"]
    assert balancer.inputs["metadata"]["annotations"] == {"networking.gke.io/load-balancer-type": "Internal"}


def test_everything_is_closed_and_then_serving_is_opened():
    """The namespace denies all; the servers' own policy lets callers in and DNS, HTTPS and the named endpoint out."""
    closed = only(stack(), ":NetworkPolicy", "chat-deny-all").inputs["spec"]
    assert closed["podSelector"] == {}
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in closed
    assert "egress" not in closed
    opened = only(stack(), ":NetworkPolicy", "chat-allow-serving").inputs["spec"]
    assert opened["ingress"][0]["ports"] == [{"port": 8000, "protocol": "TCP"}]
    ways_out = [[port["port"] for port in rule["ports"]] for rule in opened["egress"]]
    assert ways_out == [[53, 53], [443], [80]]
    anywhere = opened["egress"][1]["to"][0]["ipBlock"]
    assert anywhere == {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}


def test_the_namespace_enforces_the_strictest_standard_that_its_pods_meet():
    """Restricted; baseline where a device forces a pod to run as root."""
    namespace = only(stack(), ":Namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    rooted = replace(ARGS, served=(replace(ARGS.served[0], run_as_root=True),))
    namespace = only(built(rooted), ":Namespace")
    assert namespace.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


@pytest.mark.parametrize(
    ("workload", "namespace"),
    [("chat", "chat"), ("default", "default-serving"), ("kube-system", "kube-system-serving")],
)
def test_a_workload_never_moves_into_a_namespace_of_kubernetes(workload, namespace):
    """Those exist already, and hold what is not ours."""
    assert namespace_of(workload) == namespace


def test_without_secrets_there_is_no_secret():
    """Weights from a bucket and no key: nothing to keep."""
    assert not [one for one in stack() if one.type.endswith(":Secret")]


def test_a_key_and_a_token_are_kept_in_one_secret():
    """Both come in as settings of the stack and end in the Secret only."""
    args = replace(ARGS, weights=FromHub(token="hub"), api_key="key")  # noqa: S106  no real ones
    secret = only(built(args), ":Secret")
    assert secret.inputs["stringData"] == {"api-key": "key", "hub-token": "hub"}


def test_no_input_key_is_misspelled():
    """A key with an underscore was never translated, so no class of the SDK knows it."""
    keys = [key for one in stack() for key in input_keys(one.inputs)]
    assert [key for key in keys if "_" in key.rpartition(".")[2]] == []
    assert len(keys) > 100
