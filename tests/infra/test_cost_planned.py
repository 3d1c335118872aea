"""What only a plan tells of the bill: hours, commitments, reserved machines, buckets of several regions."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import pytest

from components.gcp.naming import NODE_POOL_NAME, gcp_name
from components.graph import Graph
from components.platform import Platform
from infra.cost import Cost, CostKind, CostLine, capacity_changes, cost, cost_change, machine_lines
from infra.cost.planned import content_of, planned_pools
from infra.diff.diff import changes
from infra.diff.recorded import nothing
from infra.recorder.recorder import record
from infra.render.report import Report
from infra.render.text import render_text
from sizing.catalog import Cloud, catalog
from sizing.catalog.offer import PurchaseMode
from sizing.plan import NodePool, SizingPlan
from tests.examples import (
    AWS_DAY_POOL,
    AWS_RESERVED_POOL,
    AWS_TWO_REGIONS,
    CHAT_PLAN,
    GCP_DAY_POOL,
    GCP_RESERVED_POOL,
    GCP_TWO_REGIONS,
    paid,
)

WEST = "us-west-2"


# Three machines by day, of which one is committed, and the others are up for twelve hours a day.
COMMITTED = replace(AWS_DAY_POOL, committed=1, committed_usd_per_hour=31.5)
AWS = replace(
    AWS_TWO_REGIONS,
    node_pools=tuple(COMMITTED if pool.name == COMMITTED.name else pool for pool in AWS_TWO_REGIONS.node_pools),
    cost_lines=(paid(COMMITTED, 1, 31.5), paid(COMMITTED, 2, 55.04, 365)),
    buckets=(AWS_TWO_REGIONS.buckets[0], replace(AWS_TWO_REGIONS.buckets[1], bytes=16_100_000_000)),
)
GCP = replace(GCP_TWO_REGIONS, cost_lines=(paid(GCP_DAY_POOL, 2, 21.6, 547.5),))


@functools.cache
def graph(cloud: Cloud) -> Graph:
    """The program of one of the plans, recorded."""

    def program() -> None:
        from infra import aws, gcp

        if cloud is Cloud.AWS:
            platform = Platform(versions={"eks.addon.pod-identity-agent": "1.3.8-eksbuild.2"})
            aws.provision(AWS, platform, stack="chat")
        else:
            gcp.provision(GCP, Platform(gcp_project="acme-ml"), stack="chat")

    return record(program, project="sizeup", stack="chat", root=Path(__file__).parents[2])


@functools.cache
def bill(plan: SizingPlan) -> Cost:
    return cost(graph(plan.cloud), catalog(), plan=plan)


def machines(plan: SizingPlan, pool: NodePool) -> list[CostLine]:
    """The lines that pay the machines of one pool."""
    return [line for line in machine_lines(bill(plan)) if line.resource.startswith(resource_of(plan, pool))]


def resource_of(plan: SizingPlan, pool: NodePool) -> str:
    """How the name of the pool's resource begins."""
    return pool.name if plan.cloud is Cloud.AWS else gcp_name(pool.name, limit=NODE_POOL_NAME)


def listed(pool: NodePool, cloud: Cloud) -> float:
    """What the catalog asks for one machine on demand."""
    offers = catalog().offers_for(cloud, pool.region, pool.machine)
    (price,) = [offer.usd_per_hour for offer in offers if offer.mode is PurchaseMode.ON_DEMAND]
    assert price is not None
    return price


def test_machines_that_are_up_by_day_are_paid_by_day_and_committed_ones_all_hours():
    """Two for 365 of 730 hours are one machine on average; the third costs its commitment's 31.50 USD/h."""
    committed, rest = machines(AWS, COMMITTED)
    assert (committed.quantity, committed.usd_per_hour, committed.source) == (1, 31.5, "AWS price list")
    assert committed.item == "p5.48xlarge on demand, committed"
    assert rest.quantity == 1
    assert rest.usd_per_hour == pytest.approx(listed(COMMITTED, Cloud.AWS))
    assert "planned: 2 up for 365 of 730 h a month each" in rest.note
    least, most = rest.usd_per_hour_limits or (-1.0, -1.0)
    assert least == 0
    assert most == pytest.approx(2 * listed(COMMITTED, Cloud.AWS))


def test_an_autoscaled_pool_of_gke_is_paid_as_planned_too():
    """Two for 547.5 of 730 hours: 1.5 machines on average, between one and two."""
    (line,) = machines(GCP, GCP_DAY_POOL)
    price = listed(GCP_DAY_POOL, Cloud.GCP)
    assert line.quantity == 1.5
    assert line.usd_per_hour == pytest.approx(1.5 * price)
    least, most = line.usd_per_hour_limits or (-1.0, -1.0)
    assert (least, most) == pytest.approx((price, 2 * price))


def test_reserved_machines_cost_what_the_plan_says_that_they_cost():
    """They are paid anyway, so nothing here; the resources alone would tell the on-demand price."""
    for plan, pool in ((AWS, AWS_RESERVED_POOL), (GCP, GCP_RESERVED_POOL)):
        (line,) = machines(plan, pool)
        assert (line.kind, line.usd_per_hour, line.source) == (CostKind.FIXED, 0, "the stack file")
        assert "the reservation is not part of this stack" in line.note
        alone = cost(graph(plan.cloud), catalog())
        (told,) = [x for x in machine_lines(alone) if x.resource.startswith(resource_of(plan, pool))]
        assert told.usd_per_hour == pytest.approx(pool.nodes * listed(pool, plan.cloud))


def test_disks_stand_as_long_as_their_machines():
    """A root volume of 100 GB on one committed machine and on one of two by day: 200 GB on average, not 300."""
    (disk,) = [x for x in bill(AWS).lines if x.resource.startswith(COMMITTED.name) and "disk" in x.item]
    assert disk.quantity == 200


def test_every_region_pays_its_own_prices_and_its_own_buckets():
    """70.6 GB at home, 16.1 GB in the other region, under one name in the plan."""
    stored = [line.quantity for line in bill(AWS).lines if line.item == "S3 STANDARD storage" and line.quantity]
    assert stored == [70.6, 16.1]
    assert content_of(AWS) == {"models": 70_600_000_000, f"models@{WEST}": 16_100_000_000}
    planes = [line for line in bill(AWS).fixed if line.item == "EKS control plane"]
    assert len(planes) == 2


def test_what_runs_in_a_cluster_is_paid_in_that_clusters_region():
    """Of two clusters, the one whose address the Kubernetes provider was given: 0.0225 USD/h in us-east-1."""
    balancers = [line for line in bill(AWS).lines if line.item == "network load balancer"]
    assert [line.usd_per_hour for line in balancers] == [0.0225, None]
    assert balancers[1].note == f"no price in {WEST}"
    traffic = [line for line in bill(GCP).lines if line.item == "traffic between zones"]
    assert len(traffic) == 2
    assert not any("region not known" in line.note for line in (*bill(AWS).lines, *bill(GCP).lines))


def test_a_preview_of_two_regions_is_one_that_a_person_can_read():
    """The answer first, both regions named, notes whole, eighty columns; every output by region."""
    plan = AWS
    change = changes(graph(plan.cloud), nothing(project="sizeup", stack="chat"))
    report = Report(
        stack="two",
        plan=plan,
        plan_changes=(),
        resources=change,
        capacity=capacity_changes(change.base, change.graph, catalog()),
        cost=cost_change(None, bill(plan)),
    )
    text = render_text(report)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("two on aws us-east-1 and us-west-2: 6 x p5.48xlarge + 1 x g6e.12xlarge spot")
    said = " ".join(text.split())
    assert "cluster cluster-us-west-2 (14): 3 IAM roles" in said
    assert "the autoscaler may take it from 1 to 3; planned: 2 up for 365 of 730 h a month each" in said
    assert "paid under a commitment for all hours, whether they run or not: people buy it, no program does" in said
    assert '+ sites: {"us-east-1"' in said
    assert "for draft" in said


def test_machines_of_two_regions_cost_what_the_plan_says_to_the_cent():
    """Two ways to one figure: the lines of a plan at the catalog's prices, and the node pools of its program."""
    lines = []
    for pool in GCP.node_pools:
        offers = catalog().offers_for(Cloud.GCP, pool.region, pool.machine)
        prices = [offer.usd_per_hour or 0.0 for offer in offers if offer.mode is pool.mode]
        price = pool.usd_per_hour if pool.mode is PurchaseMode.RESERVATION else prices[0]
        lines.append(paid(pool, pool.nodes, price, 547.5 if pool.name == GCP_DAY_POOL.name else 730))
    plan = replace(GCP, cost_lines=tuple(lines))
    billed = sum(line.usd_per_hour or 0.0 for line in machine_lines(cost(graph(Cloud.GCP), catalog(), plan=plan)))
    assert len({pool.region for pool in GCP.node_pools}) == 2
    assert round(billed, 2) == round(plan.usd_per_hour, 2) > 100


def test_a_pool_of_another_size_than_planned_is_paid_as_its_resource_says():
    """The plan is of another revision: what it says of hours does not hold."""
    smaller = replace(COMMITTED, nodes=2, least_nodes=1)
    other = replace(AWS, node_pools=tuple(smaller if p.name == smaller.name else p for p in AWS.node_pools))
    (line,) = [
        x for x in machine_lines(cost(graph(Cloud.AWS), catalog(), plan=other)) if x.resource.startswith(COMMITTED.name)
    ]
    assert line.quantity == 3


def test_a_plan_without_schedules_says_nothing_new():
    """All machines up for 730 hours, none committed."""
    (planned,) = planned_pools(CHAT_PLAN).values()
    assert (planned.nodes, planned.committed, planned.hours_per_month, planned.kept_usd_per_hour) == (2, 0, 730, None)
