"""Rules on TPU slices, by example."""

from __future__ import annotations

from typing import Any

from components.graph import Graph, Resource
from tests.components.rules.case import Case
from tests.components.rules.gke import pool
from tests.resources import graph, resource

V6E, V5P, TPU7X = ({"machineType": one} for one in ("ct6e-standard-4t", "ct5p-hightpu-4t", "tpu7x-standard-4t"))
SELECTS = {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice", "cloud.google.com/gke-tpu-topology": "2x2"}
ANY_ZONE = {"minNodeCount": 0, "maxNodeCount": 4, "locationPolicy": "ANY"}


def compact(topology: str) -> dict[str, Any]:
    """The placement of a slice of this shape."""
    return {"type": "COMPACT", "tpuTopology": topology}


def tpu7x(placement: dict[str, Any], *, topology: str = "2x2x2", kind: str = "HIGH_THROUGHPUT") -> Graph:
    """A slice of two TPU7x machines, placed by a policy for *topology*."""
    policy = resource(
        "gcp:compute/resourcePolicy:ResourcePolicy",
        "together",
        inputs={"workloadPolicy": {"type": kind, "acceleratorTopology": topology}},
    )
    machines = resource(
        "gcp:container/nodePool:NodePool",
        inputs={"nodeConfig": TPU7X, "nodeCount": 2, "placementPolicy": {"tpuTopology": "2x2x2", **placement}},
        refers={"placementPolicy": policy},
    )
    return graph(policy, machines)


def server(chips: str, selector: dict[str, str] | None = None) -> Resource:
    """A Deployment whose one container asks for *chips* on the nodes that *selector* names."""
    container = {"name": "vllm", "resources": {"limits": {"google.com/tpu": chips}}}
    spec = {"containers": [container], "nodeSelector": SELECTS if selector is None else selector}
    return resource("kubernetes:apps/v1:Deployment", inputs={"spec": {"template": {"spec": spec}}})


CASES = [
    Case(
        rule="gke-tpu-topology",
        keeps=graph(pool(node=V5P, placementPolicy=compact("4x4x8"))),
        breaks=graph(pool(node=V5P, placementPolicy=compact("4x4x6"))),
        at="placementPolicy.tpuTopology",
        note="not whole cubes",
    ),
    Case(
        rule="gke-tpu-topology",
        keeps=graph(pool(node=V5P, placementPolicy=compact("16x20x28"))),
        breaks=graph(pool(node=V5P, placementPolicy=compact("16x24x24"))),
        at="placementPolicy.tpuTopology",
        note="140 cubes of 4x4x4 are sold, 144 are not",
    ),
    Case(
        rule="gke-tpu-topology",
        keeps=graph(pool(node=V6E, placementPolicy=compact("16x16"))),
        breaks=graph(pool(node=V6E, placementPolicy=compact("16x32"))),
        at="placementPolicy.tpuTopology",
        note="beyond the largest v6e",
    ),
    Case(
        rule="gke-tpu-single-host",
        keeps=graph(pool(node={"machineType": "ct6e-standard-8t"}, nodeCount=3)),
        breaks=graph(pool(node={"machineType": "ct6e-standard-8t"}, placementPolicy=compact("2x4"))),
        at="placementPolicy.tpuTopology",
    ),
    Case(
        rule="gke-tpu-single-host",
        keeps=graph(pool(node=V6E, nodeCount=2, placementPolicy=compact("2x4"))),
        breaks=graph(pool(node=V6E, nodeCount=2, placementPolicy={"type": "COMPACT"})),
        at="placementPolicy.type",
        note="COMPACT without a shape",
    ),
    Case(
        rule="gke-tpu-node-count",
        keeps=graph(pool(node=V6E, nodeCount=4, placementPolicy=compact("4x4"))),
        breaks=graph(pool(node=V6E, nodeCount=16, placementPolicy=compact("4x4"))),
        at="nodeCount",
        note="16 chips are four machines",
    ),
    Case(
        rule="gke-tpu-node-count",
        keeps=graph(pool(node=V5P, autoscaling={"maxNodeCount": 16}, placementPolicy=compact("4x4x4"))),
        breaks=graph(pool(node=V5P, autoscaling={"maxNodeCount": 8}, placementPolicy=compact("4x4x4"))),
        at="autoscaling.maxNodeCount",
        note="64 chips are 16 machines",
    ),
    Case(
        rule="gke-tpu-autoscaling",
        keeps=graph(pool(node=V6E, autoscaling=ANY_ZONE, placementPolicy=compact("4x4"))),
        breaks=graph(
            pool(
                node=V6E,
                autoscaling={"totalMaxNodeCount": 4, "locationPolicy": "ANY"},
                placementPolicy=compact("4x4"),
            )
        ),
        at="autoscaling.totalMaxNodeCount",
    ),
    Case(
        rule="gke-tpu-autoscaling",
        keeps=graph(pool(node=V6E, autoscaling=ANY_ZONE, placementPolicy=compact("4x4"))),
        breaks=graph(
            pool(node=V6E, autoscaling={"minNodeCount": 0, "maxNodeCount": 4}, placementPolicy=compact("4x4"))
        ),
        at="autoscaling.locationPolicy",
        note="balanced over zones",
    ),
    Case(
        rule="gke-tpu-placement",
        keeps=graph(pool(node=V6E, placementPolicy=compact("4x4"))),
        breaks=graph(pool(node=V6E, placementPolicy={"tpuTopology": "4x4"})),
        at="placementPolicy.type",
    ),
    Case(
        rule="gke-tpu-placement",
        keeps=tpu7x({"type": "", "policyName": "together"}),
        breaks=tpu7x({"type": "COMPACT", "policyName": "together"}),
        at="placementPolicy.type",
        note="a type beside a policy",
    ),
    Case(
        rule="gke-tpu-placement",
        keeps=tpu7x({"policyName": "together"}),
        breaks=tpu7x({}),
        at="placementPolicy.policyName",
        note="TPU7x without a policy",
    ),
    Case(
        rule="gke-tpu-placement",
        keeps=tpu7x({"policyName": "together"}),
        breaks=tpu7x({"policyName": "together"}, topology="2x2x4"),
        at="placementPolicy.policyName",
        note="a policy for another shape",
    ),
    Case(
        rule="gke-tpu-pod",
        keeps=graph(pool("slice", node=V6E), server("4")),
        breaks=graph(pool("slice", node=V6E), server("1")),
        at="spec.template.spec.containers",
    ),
    Case(
        rule="gke-tpu-pod",
        keeps=graph(server("4")),
        breaks=graph(server("4", {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"})),
        at="spec.template.spec.nodeSelector[cloud.google.com/gke-tpu-topology]",
        note="without the shape",
    ),
]
