"""Which links join the accelerators of a replica: the device's own, the host bus, the network of its machines.

Facts in `facts/links.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from math import prod
from typing import Any

from sizing.catalog.accelerator import Accelerator
from sizing.catalog.machine import Machine
from sizing.performance.links.link import HostBus, Interconnect, Link, Mesh, Shape, Switched, Torus, boxes
from sizing.performance.packaged_facts import as_list, as_names, as_number, as_rows, packaged_facts

ANY_NUMBER = 1_000_000  # domain of a network: as many machines as one likes


def interconnect_of(
    accelerator: Accelerator,
    *,
    accelerators: int = 1,
    accelerators_in_machine: int,
    network_bytes_per_s: float | None = None,
    fabric: str | None = None,
) -> Interconnect:
    """
    The links between the *accelerators* of a replica on machines of *accelerators_in_machine*.

    Cards have the host bus; others their scale-up link and, where that does not join the machine (bridged pairs), the
    host bus after it. What is beyond goes over the network: *network_bytes_per_s* for each accelerator, one direction,
    or what the vendor's reference machine has where nobody tells.
    """
    bus = _host_bus(accelerator, accelerators_in_machine)
    near = _scale_up(accelerator, accelerators, accelerators_in_machine)
    links = [bus] if near is None else [near]
    if near is not None and near.domain < accelerators_in_machine:
        links.append(_beyond(bus))
    if network_bytes_per_s is None:
        network_bytes_per_s, fabric = _unknown_network(accelerator)
    links.append(network_link(network_bytes_per_s, fabric))
    return Interconnect(links=tuple(links))


def network_link(bytes_per_s: float, fabric: str | None) -> Link:
    """The network of machines with *bytes_per_s* for each accelerator, as fast as software makes it."""
    facts = _network(fabric)
    return Link(
        name=fabric or "network",
        bytes_per_s=bytes_per_s * as_number(facts["share"]),
        latency_s=as_number(facts["latency_us"]) * 1e-6,
        domain=ANY_NUMBER,
    )


def network_of(machine: Machine) -> dict[str, object]:
    """The network of *machine* as the two keywords of `replica_on`; empty where it has none worth telling."""
    if machine.network_bytes_per_s is None or machine.accelerators == 0:
        return {}
    return {"network_bytes_per_s": machine.network_bytes_per_s / machine.accelerators, "fabric": machine.fabric}


def _unknown_network(accelerator: Accelerator) -> tuple[float, str | None]:
    """Rate and fabric of the vendor's reference machine; of the slowest machine for cards."""
    linked = accelerator.link_bytes_per_s is not None
    rows = as_rows(link_facts()["unknown_networks"])
    row = next((row for row in rows if row["links"] == linked and _is_of(row, accelerator)), rows[-1])
    return as_number(row["bytes_per_s"]), None if row["fabric"] is None else str(row["fabric"])


def _is_of(row: Mapping[str, object], accelerator: Accelerator) -> bool:
    """Whether a row of the facts is of this accelerator's architecture; a row that names none is of all."""
    return "architectures" not in row or accelerator.architecture.startswith(as_names(row["architectures"]))


def _host_bus(accelerator: Accelerator, accelerators_in_machine: int) -> Link:
    rate = accelerator.host_link_bytes_per_s or link_facts()["unknown_host_link"]["bytes_per_s"]
    return Link(
        name="host bus",
        bytes_per_s=rate,
        latency_s=0.0,
        domain=max(1, accelerators_in_machine),
        shape=HostBus(bridge_bytes_per_s=link_facts()["host_bus"]["bridge_ports"] * rate),
    )


def _beyond(bus: Link) -> Link:
    """The host bus beyond a nearer link: what software reaches of it, and how long a message takes to start."""
    row = link_facts()["host_bus"]
    return replace(bus, bytes_per_s=bus.bytes_per_s * row["share"], latency_s=row["latency_us"] * 1e-6)


def _scale_up(accelerator: Accelerator, accelerators: int, accelerators_in_machine: int) -> Link | None:
    """The accelerator's own link; None for a card without."""
    if accelerator.link_bytes_per_s is None:
        return None
    row = next(row for row in as_rows(link_facts()["scale_up"]) if accelerator.link.startswith(str(row["link"])))
    domain = accelerator.link_domain if row["spans_machines"] else min(accelerator.link_domain, accelerators_in_machine)
    return Link(
        name=accelerator.link,
        bytes_per_s=accelerator.link_bytes_per_s,
        latency_s=as_number(row.get("latency_us", 0)) * 1e-6,
        domain=max(1, domain),
        shape=_shape(row, accelerator, max(accelerators, accelerators_in_machine)),
    )


def _shape(row: Mapping[str, object], accelerator: Accelerator, chips: int) -> Shape:
    """The shape that a row of the facts tells; of a torus, of the slice that *chips* come in."""
    match row["shape"]:
        case "torus":
            full = tuple(int(as_number(axis)) for axis in as_list(row["full_axes"]))
            axes = slice_axes(accelerator.topologies, chips, full)
            cubes = bool(row.get("cubes"))  # wraparound by optical switches, which join whole cubes only
            whole = all(axis % unit == 0 for axis, unit in zip(axes, full, strict=True))
            wrapped = tuple(whole if cubes else axis == unit for axis, unit in zip(axes, full, strict=True))
            return Torus(axes=axes, wrapped=wrapped, ports=2 * len(full))
        case "mesh":
            return Mesh(peers=accelerator.link_domain - 1)
        case _:
            return Switched()


@lru_cache(maxsize=1024)
def slice_axes(topologies: tuple[str, ...], chips: int, full: tuple[int, ...]) -> tuple[int, ...]:
    """The sides of a slice of *chips*: the legal shape of that many, or else the most compact box; ones fill it up."""
    legal = [tuple(int(side) for side in shape.split("x")) for shape in topologies]
    for shape in legal:
        if prod(shape) == chips:
            return (*shape, *(1 for _ in range(len(full) - len(shape))))
    grid = Torus(axes=tuple(chips for _ in full), wrapped=tuple(False for _ in full), ports=1)
    return min(boxes(grid, chips), key=lambda box: (sum(box), box))


def link_facts() -> dict[str, Any]:
    """The packaged facts of links: shapes, buses and networks, each with its source."""
    return packaged_facts("links")


@cache
def _network(fabric: str | None) -> Mapping[str, object]:
    """Facts of the network of that name; of a plain one where it has none of its own."""
    rows = as_rows(link_facts()["networks"])
    return next((row for row in rows if row["fabric"] == fabric), rows[-1])
