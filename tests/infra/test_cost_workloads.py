"""Which workload bears what: machines go to the pods that select them, split by the accelerators these ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.graph import Resource, Unknown
from infra.cost import Cost, cost, cost_change
from tests.prices import AWS, CATALOG, EKS, TEMPLATE, node_group
from tests.resources import graph, resource

NAT = resource("aws:ec2/natGateway:NatGateway", "nat", provider=AWS)
DISKS = 400 * 0.08 / 730  # USD/h: two gp3 disks of 200 GB
MACHINES = 2 * 55.04


def pool(name: str = "p5", *, kind: str = "p5", **inputs: Any) -> Resource:
    return node_group(name, labels={"sizeup/machines": kind}, **inputs)


def pods(
    workload: str,
    *,
    replicas: Any = 1.0,
    devices: str | None = "8",
    kinds: tuple[str, ...] = ("p5",),
    selector: Mapping[str, str] | None = None,
) -> Resource:
    """A Deployment whose pods ask for accelerators on machines of these kinds."""
    term = {"matchExpressions": [{"key": "sizeup/machines", "operator": "In", "values": list(kinds)}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    asked = {"cpu": "4000m"} | ({"nvidia.com/gpu": devices} if devices else {})
    spec = {
        "nodeSelector": dict(selector or {}),
        "affinity": {"nodeAffinity": required},
        "containers": [{"name": "server", "resources": {"requests": asked, "limits": asked}}],
    }
    template = {"metadata": {"labels": {"sizeup/workload": workload}}, "spec": spec}
    return resource(
        "kubernetes:apps/v1:Deployment", workload, inputs={"spec": {"replicas": replicas, "template": template}}
    )


def bill(*resources: Resource) -> Cost:
    return cost(graph(AWS, EKS, TEMPLATE, *resources), CATALOG)


def sums(*resources: Resource) -> dict[str | None, float]:
    return {x.workload: x.usd_per_hour for x in bill(*resources).workloads}


def test_a_pool_and_its_disks_belong_to_the_workload_that_selects_it() -> None:
    """The cluster (0.10) and the NAT gateway (0.045) are shared."""
    assert sums(pool(), NAT, pods("chat")) == {
        "chat": pytest.approx(MACHINES + DISKS),
        None: pytest.approx(0.1 + 0.045),
    }


def test_a_pool_of_two_workloads_is_split_by_accelerators() -> None:
    """Three replicas of 4 and one of 4: 12 to 4, whatever stands idle."""
    found = sums(pool(), pods("chat", replicas=3.0, devices="4"), pods("code", replicas=1.0, devices="4"))
    assert found["chat"] == pytest.approx(0.75 * (MACHINES + DISKS))
    assert found["code"] == pytest.approx(0.25 * (MACHINES + DISKS))


def test_where_nobody_asks_for_accelerators_processors_split() -> None:
    """Two replicas against one, 4 processors each; a count without a stated number is one."""
    found = sums(pool(), pods("a", replicas=2.0, devices=None), pods("b", replicas=None, devices=None))
    assert found["a"] == pytest.approx(2 / 3 * (MACHINES + DISKS))


def test_pods_that_may_run_on_several_pools_weigh_on_each_by_its_machines() -> None:
    """Chat (16 GPUs) may use both pools of two machines, code (8) the second only: 8 of 8, then 8 against 8."""
    wide, narrow = pods("chat", replicas=2.0, kinds=("a", "b")), pods("code", kinds=("b",))
    found = sums(pool("one", kind="a"), pool("two", kind="b"), wide, narrow)
    assert found["chat"] == pytest.approx(1.5 * (MACHINES + DISKS))
    assert found["code"] == pytest.approx(0.5 * (MACHINES + DISKS))


def test_pools_in_two_zones_belong_to_the_same_workload() -> None:
    """The zone is no label of ours: it rules no pool out."""
    zoned = pods("chat", replicas=2.0, selector={"topology.kubernetes.io/region": "us-east-1"})
    assert sums(pool("one"), pool("two"), zoned)["chat"] == pytest.approx(2 * (MACHINES + DISKS))


def test_pods_that_select_nothing_claim_nothing() -> None:
    """They may run anywhere; so may those that select what no pool states."""
    anywhere = pods("chat", kinds=("elsewhere",))
    assert sums(pool(), anywhere)[None] == pytest.approx(MACHINES + DISKS + 0.1)
    assert "chat" not in sums(pool(), anywhere)


def test_a_count_that_is_not_known_leaves_a_pool_of_several_shared() -> None:
    """Nobody can say how much of it is whose."""
    found = sums(pool(), pods("chat", replicas=Unknown()), pods("code"))
    assert found == {None: pytest.approx(MACHINES + DISKS + 0.1)}


def test_objects_and_tags_name_their_workload() -> None:
    """The load balancer of chat is chat's; a bucket tagged code is code's, though it has no pods."""
    annotations = {"service.beta.kubernetes.io/aws-load-balancer-type": "external"}
    metadata = {"labels": {"app.kubernetes.io/part-of": "chat"}, "annotations": annotations}
    service = resource(
        "kubernetes:core/v1:Service", "chat", inputs={"metadata": metadata, "spec": {"type": "LoadBalancer"}}
    )
    tags = {"sizeup-workload": "code", "sizeup-content-gb": "730"}
    bucket = resource("aws:s3/bucket:Bucket", "m", inputs={"tags": tags}, provider=AWS)
    found = bill(pool(), pods("chat"), service, bucket)
    assert {x.resource for x in found.lines if x.workload == "chat" and x.usd_per_hour} == {"p5", "chat"}
    assert found.of_workload("code").usd_per_hour == pytest.approx(0.023)


def test_a_tool_of_the_cluster_is_no_workload() -> None:
    """Part of ingress-nginx: only what machines are kept for is told apart."""
    service = resource(
        "kubernetes:core/v1:Service",
        "controller",
        inputs={"metadata": {"labels": {"app.kubernetes.io/part-of": "ingress-nginx"}}},
    )
    assert [x.workload for x in bill(service).workloads] == [None]


def test_a_reservation_belongs_to_the_workloads_of_its_pools() -> None:
    """Two p5 reserved, and used by chat alone."""
    reservation = resource(
        "aws:ec2/capacityReservation:CapacityReservation",
        "odcr",
        inputs={"instanceType": "p5.48xlarge", "instanceCount": 2.0},
        provider=AWS,
    )
    template = resource(
        TEMPLATE.type,
        "reserved",
        inputs=TEMPLATE.inputs,
        refers={"capacityReservationSpecification": reservation},
        provider=AWS,
    )
    found = sums(reservation, template, pool(template=template), pods("chat"))
    assert found["chat"] == pytest.approx(MACHINES + DISKS)


def test_workloads_are_compared_too() -> None:
    """Code comes and takes half of the pool: chat pays half of what it did."""
    change = cost_change(bill(pool(), pods("chat")), bill(pool(), pods("chat"), pods("code")))
    chat, code, shared = change.workloads
    assert chat.after.usd_per_hour == pytest.approx(chat.before.usd_per_hour / 2)
    assert (code.workload, code.before.usd_per_hour) == ("code", 0)
    assert shared.before.usd_per_hour == shared.after.usd_per_hour


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]), st.integers(0, 4), st.sampled_from([("p5",), ("g6",), ("p5", "g6")])
        ),
        max_size=5,
    )
)
def test_the_sums_of_all_workloads_are_the_total(claims: list[tuple[str, int, tuple[str, ...]]]) -> None:
    """Nothing is lost, nothing counted twice, whoever selects what."""
    asked = [pods(name, replicas=float(count), kinds=kinds) for name, count, kinds in claims]
    found = bill(pool(), pool("g6", kind="g6", capacityType="SPOT"), NAT, *asked)
    assert sum(x.usd_per_hour for x in found.workloads) == pytest.approx(found.usd_per_hour)
    assert sum(x.unknown for x in found.workloads) >= len(found.unknown)
    for line in found.lines:
        assert not line.shares or sum(x.part for x in line.shares) == pytest.approx(1)
