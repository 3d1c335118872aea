"""A whole plan on AWS: complete, consistent, spelled right, and recorded offline."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.aws.node_pool import UnsupportedPurchase
from components.graph import Graph, Secret, Unknown
from components.platform import MissingSetting, Platform
from infra.aws import provision
from infra.preview.validation import findings, unchecked_types
from infra.recorder.recorder import record
from sizing.catalog.accelerator import AcceleratorKind
from sizing.catalog.offer import PurchaseMode
from sizing.errors import UnusablePlan
from sizing.plan import PoolRole, SizingPlan
from tests.examples import AWS_PLAN, CHAT_POOL
from tests.recording import Registered, input_keys, only, recorded

PLATFORM = Platform(
    versions={"eks.addon.pod-identity-agent": "1.3.8-eksbuild.2"}, owner="ml-platform", labels={"cost-centre": "42"}
)


def built(plan: SizingPlan, platform: Platform = PLATFORM) -> tuple[Registered, ...]:
    def program() -> None:
        provision(plan, platform, stack="test")

    return recorded(program)


@functools.cache
def stack() -> tuple[Registered, ...]:
    return built(AWS_PLAN)


def of(kind: str) -> list[Registered]:
    return [one for one in stack() if one.type.endswith(kind)]


def test_every_pool_of_the_plan_is_a_node_group_of_as_many_machines():
    """The machines that the plan counts are the machines that are bought."""
    found = {
        one.name.removesuffix("-nodes"): (one.inputs["instanceTypes"][0], one.inputs["scalingConfig"]["desiredSize"])
        for one in of(":NodeGroup")
    }
    assert found == {pool.name: (pool.machine, pool.nodes) for pool in AWS_PLAN.node_pools}


def test_a_pool_lies_in_the_subnet_of_its_zone():
    """A second subnet would put machines where the plan has none."""
    for pool in AWS_PLAN.node_pools:
        group = only(stack(), ":NodeGroup", f"{pool.name}-nodes")
        assert group.inputs["subnetIds"] == [f"network-private-{pool.zone}-id"]


def test_everything_runs_in_the_plans_region_and_carries_the_cost_tags():
    """One explicit provider for all; its region and tags come from plan and platform."""
    provider = only(stack(), "pulumi:providers:aws")
    assert provider.inputs["region"] == "us-east-1"
    assert json.loads(provider.inputs["defaultTags"])["tags"] == {
        "managed-by": "sizeup",
        "sizeup-stack": "test",
        "owner": "ml-platform",
        "cost-centre": "42",
    }


def test_device_plugins_run_on_the_machines_that_have_the_device():
    """GPUs and EFA on the machines of the three accelerator pools, two of them alike; nothing on the system pool."""
    for name in ("devices-nvidia-device-plugin", "devices-efa-device-plugin"):
        pod = only(stack(), ":DaemonSet", name).inputs["spec"]["template"]["spec"]
        required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert required["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] == ["p5-48xlarge", "g6e-12xlarge-spot"]


def test_pods_ask_for_their_layouts_accelerators_and_pass_the_taint_of_their_nodes():
    """TP4: four GPUs."""
    pod = only(stack(), "apps/v1:Deployment", "chat-chat").inputs["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    taint = only(stack(), ":NodeGroup", "p5-48xlarge-use1-az4-nodes").inputs["taints"][0]
    assert pod["tolerations"][0]["key"] == taint["key"]


def test_weights_come_from_the_stacks_own_bucket():
    """The pods' role reads exactly the bucket that the server is pointed at."""
    pod = only(stack(), "apps/v1:Deployment", "chat-chat").inputs["spec"]["template"]["spec"]
    (model,) = [one["value"] for one in pod["containers"][0]["env"] if one["name"] == "MODEL"]
    assert model == "s3://models-bucket-1a2b/meta-llama/Llama-3.3-70B-Instruct"
    policy = json.loads(only(stack(), ":RolePolicy", "chat-identity-read").inputs["policy"])
    assert [one["Resource"] for one in policy["Statement"]][1] == "arn:models-bucket/*"


def test_pods_start_after_their_identity():
    """EKS gives credentials only to pods that start later than the association."""
    assert "chat-identity-association" in only(stack(), ":Namespace").dependencies


def test_no_accelerator_is_bought_before_the_api_is_reached():
    """The API is private: an update from outside fails at the first object in the cluster, which needs no node."""
    for pool in AWS_PLAN.node_pools:
        group = only(stack(), ":NodeGroup", f"{pool.name}-nodes")
        assert ("api-reached" in group.dependencies) == (pool.role is PoolRole.ACCELERATOR)
    assert not [name for name in only(stack(), ":ConfigMap", "api-reached").dependencies if name.endswith("-nodes")]


def test_nodes_wait_for_their_way_out():
    """A node that cannot reach the control plane or its images never joins, and its group fails after half an hour."""
    for pool in AWS_PLAN.node_pools:
        waited_for = only(stack(), ":NodeGroup", f"{pool.name}-nodes").dependencies
        assert f"network-private-{pool.zone}-out" in waited_for
        assert "network-s3" in waited_for
        assert "cluster-vpc-cni" in waited_for


def test_name_resolution_waits_for_system_nodes_only():
    """Accelerators may take long to get, or never come."""
    groups = {one for one in only(stack(), ":Addon", "dns-coredns").dependencies if one.endswith("-nodes")}
    assert groups == {"m7i-large-use1-az4-nodes"}


def test_the_kubernetes_provider_gets_a_kubeconfig_and_tells_clusters_apart():
    """By the endpoint, which is new with every cluster; a fresh kubeconfig alone replaces nothing."""
    provider = only(stack(), "pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == "https://cluster.example"
    assert json.loads(provider.inputs["kubeconfig"])["kind"] == "Config"


def test_no_policy_allows_everything():
    """Neither any action nor any resource, in any document of ours but those of keys, where `*` is the key itself."""
    documents = [
        json.loads(one.inputs[key])
        for one in stack()
        for key in ("policy", "assumeRolePolicy")
        if isinstance(one.inputs.get(key), str) and not one.type.endswith(":KeyPolicy")
    ]
    allowing = [each for document in documents for each in document["Statement"] if each["Effect"] == "Allow"]
    assert len(allowing) >= 6
    for statement in allowing:
        assert "*" not in (statement.get("Resource"), statement["Action"], statement.get("Principal"))


def test_keys_are_used_by_this_account_and_by_named_services_only():
    """Every key has a policy of its own; the account's root hands permissions on, and no service may do everything."""
    keys = [one for one in stack() if one.type.endswith("kms/key:Key")]
    policies = [json.loads(one.inputs["policy"]) for one in stack() if one.type.endswith(":KeyPolicy")]
    assert len(keys) == len(policies) == 3
    for policy in policies:
        account, *services = policy["Statement"]
        assert account["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
        assert [set(one["Principal"]) for one in services] == [{"Service"}] * len(services)
        assert not any("kms:*" in one["Action"] for one in services)


def test_no_input_key_is_misspelled():
    """A key with an underscore was never translated, so no class of the SDK knows it."""
    keys = [key for one in stack() for key in input_keys(one.inputs)]
    assert [key for key in keys if "_" in key.rpartition(".")[2]] == []
    assert len(keys) > 500


def test_all_missing_versions_are_told_at_once():
    """The identity agent has no pin, and no image of vLLM for Neuron is known."""
    neuron = replace(
        CHAT_POOL,
        name="inf2",
        machine="inf2.48xlarge",
        accelerator="aws-inferentia2",
        accelerator_kind=AcceleratorKind.NEURON,
        fabric=None,
    )
    plan = replace(AWS_PLAN, node_pools=(*AWS_PLAN.node_pools, neuron))
    with pytest.raises(MissingSetting) as refused:
        built(plan, Platform())
    assert set(refused.value.missing) == {
        "sizeup:platform.versions.eks.addon.pod-identity-agent",
        "sizeup:platform.versions.vllm-neuron",
        "sizeup:platform.images.vllm-neuron",
    }


def test_a_pool_outside_the_network_is_refused():
    """Its zone has no subnet."""
    with pytest.raises(UnusablePlan, match="use1-az4"):
        built(replace(AWS_PLAN, zones=("use1-az5", "use1-az6")))


def test_one_zone_is_too_few_for_eks():
    """The control plane needs two."""
    near = tuple(replace(pool, zone="use1-az4") for pool in AWS_PLAN.node_pools)
    with pytest.raises(UnusablePlan, match="needs two at least"):
        built(replace(AWS_PLAN, zones=("use1-az4",), node_pools=near))


def test_a_plan_without_system_nodes_is_refused():
    """Accelerator nodes are tainted, so nothing else could run."""
    pools = tuple(pool for pool in AWS_PLAN.node_pools if pool.role is not PoolRole.SYSTEM)
    with pytest.raises(UnusablePlan, match="no system node pool"):
        built(replace(AWS_PLAN, node_pools=pools))


@functools.cache
def graph() -> Graph:
    """The graph as the preview records it, before anything exists."""

    def program() -> None:
        provision(AWS_PLAN, PLATFORM, stack="test")

    return record(program, project="sizeup", stack="test", root=Path.cwd())


def test_every_input_is_what_its_resource_type_takes():
    """Names, shapes and types against the argument classes of the SDKs, nested ones included; all types are known."""
    assert findings(graph()) == ()
    assert unchecked_types(graph()) == ()


def test_the_plans_figures_are_known_before_anything_exists():
    """Counts, machines and flags are plain values; only identifiers that a cloud gives are unknown."""
    inputs = {f"{one.type}/{one.name}": one.inputs for one in graph().resources}
    group = inputs["aws:eks/nodeGroup:NodeGroup/p5-48xlarge-use1-az4-nodes"]
    assert group["scalingConfig"] == {"desiredSize": 2, "maxSize": 2, "minSize": 2}
    assert group["subnetIds"] == [Unknown()]
    args = arguments(inputs["kubernetes:apps/v1:Deployment/chat-chat"])
    assert args[args.index("--max-num-seqs") + 1] == "256"
    assert Unknown() not in args


def arguments(deployment: Mapping[str, Any]) -> list[Any]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return list(container["args"])


def test_no_secret_is_registered_in_the_open():
    """The kubeconfig and the callers' key are marked secret, so that neither state nor preview shows them."""

    def program() -> None:
        provision(AWS_PLAN, PLATFORM, stack="test", api_key=pulumi.Output.secret("open-sesame"))

    resources = record(program, project="sizeup", stack="test", root=Path.cwd()).resources
    assert "open-sesame" not in repr(resources)
    (provider,) = [one for one in resources if one.type == "pulumi:providers:kubernetes"]
    assert isinstance(provider.inputs["kubeconfig"], Secret)


def test_a_plan_that_cannot_be_bought_registers_nothing():
    """All checks come first: half a network would be left behind otherwise."""
    blocked = replace(AWS_PLAN, node_pools=(replace(CHAT_POOL, mode=PurchaseMode.FLEX_START),))
    built_anyway: list[str] = []

    def program() -> None:
        pulumi.runtime.register_resource_transform(lambda args: built_anyway.append(args.name))
        provision(blocked, PLATFORM, stack="test")

    with pytest.raises(UnsupportedPurchase):
        record(program, project="sizeup", stack="test", root=Path.cwd())
    assert built_anyway == []
