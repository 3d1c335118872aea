"""Machines and accelerators before and after."""

from __future__ import annotations

from components.graph import Resource, Unknown, Value
from infra.cost.capacity import CapacityChange, capacity_changes
from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.provenance import Provenance
from tests.resources import graph, resource

P5 = Machine(
    cloud=Cloud.AWS,
    name="p5.48xlarge",
    family="p5",
    arch="x86_64",
    vcpus=192,
    memory_bytes=2 * 2**40,
    accelerator="nvidia-h100-80gb",
    accelerators=8,
    accelerator_fraction=1.0,
    network_bytes_per_s=None,
    fabric="efa",
    fabric_interfaces=32,
    network_cards=32,
    local_disks=8,
    local_disk_bytes=30 * 10**12,
    usage_classes=("on-demand",),
    provenance=Provenance(source="EC2", as_of="2026"),
)
CATALOG = Catalog(
    accelerators=(),
    machines=(P5,),
    offers=(),
    storage=(),
    charges=(),
    models=(),
    zones_by_region={},
    as_of="2026",
    hash="c" * 64,
)


def pool(name: str, machine: str, nodes: Value) -> Resource:
    size: dict[str, Value] = {"desiredSize": nodes}
    inputs: dict[str, Value] = {"instanceTypes": [machine], "scalingConfig": size, "capacityType": "ON_DEMAND"}
    return resource("aws:eks/nodeGroup:NodeGroup", name, inputs=inputs)


def test_pools_of_one_machine_add_up_and_accelerators_follow() -> None:
    """One p5 in each of two zones are 2 machines and 16 GPUs; then three in each, 6 and 48."""
    before = graph(pool("a", "p5.48xlarge", 1.0), pool("b", "p5.48xlarge", 1.0))
    after = graph(pool("a", "p5.48xlarge", 3.0), pool("b", "p5.48xlarge", 3.0))
    assert capacity_changes(before, after, CATALOG) == (
        CapacityChange(what="p5.48xlarge on demand", is_accelerator=False, before=2, after=6),
        CapacityChange(what="nvidia-h100-80gb", is_accelerator=True, before=16, after=48),
    )


def test_what_comes_and_goes() -> None:
    """A new machine type has none before, one that leaves none after; what no fact tells has no GPU."""
    changes = capacity_changes(graph(pool("a", "m6i.xlarge", 2.0)), graph(pool("b", "p5.48xlarge", 1.0)), CATALOG)
    assert [(x.what, x.before, x.after) for x in changes] == [
        ("p5.48xlarge on demand", 0, 1),
        ("m6i.xlarge on demand", 2, 0),
        ("nvidia-h100-80gb", 0, 8),
    ]


def test_an_unknown_count_makes_the_sum_unknown() -> None:
    """One pool that is not known before apply leaves the total not known."""
    changes = capacity_changes(
        graph(), graph(pool("a", "p5.48xlarge", 1.0), pool("b", "p5.48xlarge", Unknown())), CATALOG
    )
    assert [(x.what, x.after) for x in changes] == [("p5.48xlarge on demand", None), ("nvidia-h100-80gb", None)]
