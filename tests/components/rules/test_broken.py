"""A component refuses arguments that would break a rule, with the rule's id and its mend, before it makes anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from components.arguments import InvalidArguments
from components.aws.cluster import ClusterArgs
from components.aws.node_pool import NodePoolArgs
from components.kubernetes.devices import nvidia_plugin
from tests.components.test_kubernetes_serving import ARGS
from tests.examples import CHAT_POOL

CLUSTER = ClusterArgs(
    cluster_name="sizeup-test",
    region="us-east-1",
    kubernetes="1.35",
    addons={"eks-pod-identity-agent": "v1.3.8", "vpc-cni": "v1.21.1", "kube-proxy": "v1.35.3"},
    admin_principals=(),
    api_access_cidrs=("203.0.113.0/24",),
    subnet_ids=["subnet-1", "subnet-2"],
    log_key_arn="arn:key",
)
NODES = NodePoolArgs(
    pool=CHAT_POOL,
    kubernetes="1.35",
    ami_release="1.35.6-20260714",
    tags={},
    cluster_name="sizeup-test",
    cluster_security_group_id="sg-cluster",
    node_role_arn="arn:node",
    vpc_id="vpc-1",
    subnet_id="subnet-4",
    after=[],
)
PLUGIN = nvidia_plugin(image="nvcr.io/nvidia/k8s-device-plugin:v0.20.0", machines=(), tolerations=())


@pytest.mark.parametrize(
    ("rule", "argument", "build"),
    [
        (
            "eks-api-open",
            r"api_access_cidrs\[1\]",
            lambda: replace(CLUSTER, api_access_cidrs=("10.0.0.0/8", "0.0.0.0/0")),
        ),
        ("eks-zones", "subnet_ids", lambda: replace(CLUSTER, subnet_ids=["subnet-1"])),
        ("addon-pinned", "addons", lambda: replace(CLUSTER, addons={"vpc-cni": "v1", "kube-proxy": "v1"})),
        ("ami-release-pinned", "ami_release", lambda: replace(NODES, ami_release="latest")),
        ("ami-release-pinned", "ami_release", lambda: replace(NODES, ami_release="1.34.9-20260714")),
        ("image-tag", "image", lambda: replace(ARGS.served[0], image="vllm/vllm-openai:latest")),
        (
            "image-tag",
            "image",
            lambda: replace(PLUGIN, image="nvcr.io/nvidia/k8s-device-plugin"),
        ),
        ("service-internal", "load_balancer_annotations", lambda: replace(ARGS, load_balancer_annotations={})),
        ("service-callers", "caller_cidrs", lambda: replace(ARGS, caller_cidrs=())),
    ],
)
def test_arguments_that_would_break_a_rule_are_refused(rule: str, argument: str, build: Callable[[], object]):
    """With the argument, the rule and the line that has to change."""
    with pytest.raises(InvalidArguments, match=rf"test_broken\.py:\d+: 1 mistake[^\0]*{argument}: .*\(rule {rule}\)"):
        build()


def test_what_a_pool_buys_and_how_its_interfaces_sit_are_held_to_the_same_tables(monkeypatch: pytest.MonkeyPatch):
    """A mistake in the component itself is told by the rule, not by EC2 twenty minutes into an update."""
    from components.aws import node_pool
    from components.aws.efa import Interface
    from components.aws.purchase import Shape

    wrong = Shape(
        capacity_type="CAPACITY_BLOCK",
        types_on_group=True,
        type_on_template=True,
        market="capacity-block",
        targets_reservation=True,
        subnets=1,
    )
    monkeypatch.setattr(node_pool, "interfaces", lambda _: (Interface(card=40, device=1, type="efa"),))
    with pytest.raises(
        InvalidArguments, match=r"network card 40, but p5.48xlarge has 32 \(rule efa-interface-layout\)"
    ):
        replace(NODES, kubernetes="1.35")
    monkeypatch.undo()
    monkeypatch.setattr(node_pool, "shape", lambda _: wrong)
    with pytest.raises(InvalidArguments, match=r"instance type from the template.*\(rule purchase-shape\)"):
        replace(NODES, kubernetes="1.35")
