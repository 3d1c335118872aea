"""Labels and tags: what tells costs apart, and what ties pods to services and machines."""

from __future__ import annotations

import re

import pytest

from components.labels import cost_tags, node_labels, pod_labels, workload_labels
from components.platform import Platform
from tests.examples import AWS_PLAN, AWS_SYSTEM_POOL, CHAT_DEPLOYMENT, CHAT_POOL

LABEL_VALUE = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$")  # of Kubernetes


def test_cost_tags_name_stack_and_owner_and_what_the_user_adds():
    """The user's labels come last, so they win."""
    platform = Platform(owner="ml-platform", labels={"cost-centre": "42", "managed-by": "platform-team"})
    assert cost_tags(platform, stack="chat-aws") == {
        "managed-by": "platform-team",
        "sizeup-stack": "chat-aws",
        "owner": "ml-platform",
        "cost-centre": "42",
    }


def test_a_stack_without_an_owner_has_no_owner_tag():
    """An empty tag would look like an answer."""
    assert "owner" not in cost_tags(Platform(), stack="chat-aws")


def test_a_service_over_the_workload_finds_the_pods_of_all_its_deployments():
    """On-demand and spot pods carry the workload's labels and differ in their own."""
    on_demand, spot = (pod_labels(one) for one in AWS_PLAN.deployments)
    shared = workload_labels("chat").items()
    assert shared <= on_demand.items()
    assert shared <= spot.items()
    assert on_demand["sizeup/deployment"] != spot["sizeup/deployment"]


def test_nodes_name_their_accelerator_where_they_have_one():
    """System nodes have none to name."""
    assert node_labels(CHAT_POOL)["sizeup/accelerator"] == "nvidia-h100-80gb"
    assert "sizeup/accelerator" not in node_labels(AWS_SYSTEM_POOL)


@pytest.mark.parametrize("pool", AWS_PLAN.node_pools, ids=lambda pool: pool.name)
def test_every_label_is_one_that_kubernetes_takes(pool):
    """At most 63 characters of the allowed ones."""
    for value in (*node_labels(pool).values(), *pod_labels(CHAT_DEPLOYMENT).values()):
        assert LABEL_VALUE.match(value)
