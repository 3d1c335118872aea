"""The bill of the real programs: nothing that they register is outside the price tables, and machines cost the plan."""

from __future__ import annotations

import ast
import functools
import importlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pulumi
import pytest

from components.graph import Graph
from components.platform import Platform
from infra.cost import Cost, CostGroup, cost, machine_lines, pricing_aws, pricing_gcp, pricing_kubernetes
from infra.cost.pricing_kubernetes import kind_of
from infra.recorder.recorder import record
from sizing.catalog import Cloud, catalog
from sizing.plan import PoolRole, SizingPlan
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
    return cost(recorded(name), catalog(), plan=PLANS[name])


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


def registered_types() -> dict[str, str]:
    """Every resource type that the source of the program makes, in whatever branch, with where it is made."""
    root = Path(__file__).parents[2]
    sources = [*root.glob("components/**/*.py"), root / "infra/aws.py", root / "infra/gcp.py", root / "infra/stack.py"]
    found = {}
    for source in sources:
        tree = ast.parse(source.read_text(encoding="utf-8"))
        imported = dict(imports(tree))
        for call in (x for x in ast.walk(tree) if isinstance(x, ast.Call) and isinstance(x.func, ast.Attribute)):
            made = named(call.func, imported)
            if isinstance(made, type) and issubclass(made, pulumi.CustomResource):
                found[str(made.pulumi_type)] = f"{source.relative_to(root)}:{call.lineno}"  # type: ignore[attr-defined]
    return found


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of modules in a source, and the modules of provider packages that they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pulumi_"):
            yield from ((x.asname or x.name, f"{node.module}.{x.name}") for x in node.names)
        if isinstance(node, ast.Import):
            yield from ((x.asname or x.name, x.name) for x in node.names if x.name.startswith("pulumi_"))


def named(function: ast.expr, imported: Mapping[str, str]) -> object:
    """What `ec2.Vpc` is in a source with these imports; None where it is nothing of a provider package."""
    if not isinstance(function, ast.Attribute) or not isinstance(function.value, ast.Name):
        return None
    if function.value.id not in imported:
        return None
    return getattr(importlib.import_module(imported[function.value.id]), function.attr, None)


def test_every_type_that_the_components_can_make_is_in_the_tables() -> None:
    """Read from the source, so that a branch which no example takes counts as well; providers cost nothing."""
    found = registered_types()
    assert {"aws:ec2/placementGroup:PlacementGroup", "kubernetes:apps/v1:DaemonSet"} <= found.keys()
    unlisted = {
        kind: place
        for kind, place in found.items()
        if not kind.startswith("pulumi:providers:")
        and kind not in {*pricing_aws.PRICED, *pricing_aws.FREE, *pricing_gcp.PRICED, *pricing_gcp.FREE}
        and kind_of(kind) not in {*pricing_kubernetes.PRICED, *pricing_kubernetes.FREE}
    }
    assert unlisted == {}


@pytest.mark.parametrize("name", PLANS)
def test_the_machines_and_their_disks_belong_to_the_workload(name: str) -> None:
    """Accelerators are its own; the machines of the system, the network and the cluster are shared."""
    (workload,) = {x.workload for x in PLANS[name].deployments}
    own = {x.resource: x.workload for x in bill(name).lines if x.group in {CostGroup.MACHINE, CostGroup.DISK}}
    accelerated = {x.name for x in PLANS[name].node_pools if x.role is PoolRole.ACCELERATOR}
    for pool in PLANS[name].node_pools:
        (bearer,) = {whose for resource, whose in own.items() if resource.startswith(pool.name)}
        assert bearer == (workload if pool.name in accelerated else None)
