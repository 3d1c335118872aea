"""The bill of the real programs: nothing that they register is outside the price tables, and machines cost the plan."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path

import pytest

from components.graph import Graph
from components.platform import Platform
from infra.cost.estimate import Cost, content_of, cost, machine_lines
from infra.recorder.recorder import record
from sizing.catalog import Cloud, catalog
from sizing.plan import SizingPlan
from tests.examples import AWS_PLAN, GCP_GPU_PLAN, GCP_TPU_PLAN

PLANS = {"aws": AWS_PLAN, "gcp": GCP_GPU_PLAN, "tpu": GCP_TPU_PLAN}
AWS_PLATFORM = Platform(versions={"eks.addon.pod-identity-agent": "1.3.8-eksbuild.2"})
GCP_PLATFORM = Platform(gcp_project="acme-ml")


@functools.cache
def recorded(name: str) -> Graph:
    """The graph of the whole program for one of the example plans."""

    def program() -> None:
        from infra import aws, gcp

        plan = PLANS[name]
        if plan.cloud is Cloud.AWS:
            aws.provision(plan, AWS_PLATFORM, stack="chat")
        else:
            gcp.provision(plan, GCP_PLATFORM, stack="chat")

    return record(program, project="sizeup", stack="chat", root=Path(__file__).parents[2])


@functools.cache
def bill(name: str) -> Cost:
    return cost(recorded(name), catalog(), content_bytes=content_of(PLANS[name]))


def listed_usd_per_hour(plan: SizingPlan) -> float:
    """What the catalog asks for the plan's machines, those without a price left out."""
    return sum(
        pool.nodes * (offer.usd_per_hour or 0.0)
        for pool in plan.node_pools
        for offer in catalog().offers_for(plan.cloud, plan.region, pool.machine)
        if offer.mode is pool.mode
    )


@pytest.mark.parametrize("name", PLANS)
def test_no_type_of_the_program_is_outside_the_tables(name: str) -> None:
    """Each is paid for, or free for a stated reason, or unknown for a stated reason."""
    assert [line.item for line in bill(name).lines if line.note == "not in the price tables"] == []


@pytest.mark.parametrize("name", PLANS)
def test_every_resource_in_the_cloud_is_in_the_bill(name: str) -> None:
    """By the hour, by use, free or unknown: nothing is left out."""
    kept = {x.urn for x in recorded(name).resources if x.custom and not x.type.startswith("pulumi:")}
    assert {line.urn for line in bill(name).lines} == kept


@pytest.mark.parametrize("name", PLANS)
def test_the_machines_of_the_graph_are_the_machines_of_the_plan(name: str) -> None:
    """As many of each type, bought the same way."""
    planned = Counter[str]()
    for pool in PLANS[name].node_pools:
        planned[f"{pool.machine} {pool.mode.replace('_', ' ')}"] += pool.nodes
    billed = Counter[str]()
    for line in machine_lines(bill(name)):
        billed[line.item] += int(line.quantity or 0)
    assert billed == planned


@pytest.mark.parametrize("name", PLANS)
def test_the_machines_cost_what_the_catalog_asks(name: str) -> None:
    """To the cent, through launch templates, node counts by zone, purchase modes and regions."""
    total = sum(line.usd_per_hour or 0.0 for line in machine_lines(bill(name)))
    assert round(total, 2) == round(listed_usd_per_hour(PLANS[name]), 2)


@pytest.mark.parametrize("name", PLANS)
def test_the_bucket_costs_what_the_plan_expects_in_it(name: str) -> None:
    """The plan's 70.6 GB by the hour, not by use."""
    stored = [line for line in bill(name).fixed if "standard" in line.item.lower() and line.unit == "GB-month"]
    assert [line.quantity for line in stored] == [70.6]
