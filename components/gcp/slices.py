"""
TPU slices on GKE: which node pool, how many machines, and which placement make up one slice. Pure.

A slice within one machine (single-host) is an ordinary machine: a placement policy on it is refused by GKE
(xpk PR 825). A slice over several machines (multi-host) is one node pool, whole or not at all, with a placement.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from components.gcp.machines import TPU_MACHINES, Unprovisionable
from sizing.plan import NodePool

_FLAT = ("1x1", "2x2", "2x4", "4x4", "4x8", "8x8", "8x16", "16x16")  # v5e, v6e: two-dimensional torus
_SMALL_CUBES = ("1x1x1", "2x2x1", "2x2x2", "2x2x4", "2x4x4")  # below one 4x4x4 cube
_CUBES: Mapping[str, int] = MappingProxyType({"ct5p": 140, "tpu7x": 144})  # most 4x4x4 cubes of a slice
_THREE_SIDES = re.compile(r"[1-9]\d*x[1-9]\d*x[1-9]\d*")

# What one machine holds (GKE writes it in the label cloud.google.com/gke-tpu-topology, on single hosts too).
_WITHIN_ONE_MACHINE: Mapping[bool, Mapping[int, str]] = MappingProxyType(
    {
        True: MappingProxyType({1: "1x1", 4: "2x2", 8: "2x4"}),
        False: MappingProxyType({1: "1x1x1", 4: "2x2x1"}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One TPU slice: its shape, and the machines that make it up."""

    accelerator_type: str
    topology: str
    hosts: int  # machines of one slice
    needs_workload_policy: bool  # placed by a resource policy of its own, instead of by type COMPACT


def tpu_slice(machine: str, topology: str | None) -> Slice:
    """
    The slice of shape *topology* (None: that of one machine) on machines of type *machine*.

    Raises:
        Unprovisionable: If the machine type is not known, or has no slices of that shape.
    """
    known = TPU_MACHINES.get(machine)
    if known is None or known.accelerator_type is None:
        raise Unprovisionable(
            what=f"{machine} is not a TPU machine that can be built on GKE",
            mend=f"use one of {', '.join(sorted(TPU_MACHINES))}",
        )
    chips = known.accelerators
    family = machine.partition("-")[0]
    own = _WITHIN_ONE_MACHINE[family not in _CUBES][chips]
    shape = _in_the_dimensions_of(own, topology) if topology is not None else own
    if shape == own:
        return Slice(accelerator_type=known.accelerator_type, topology=shape, hosts=1, needs_workload_policy=False)
    if chips != 4 or not _is_legal(family, shape) or chips_of(shape) % chips or chips_of(shape) <= chips:
        raise Unprovisionable(
            what=f"{machine} has no TPU slices of shape {topology}",
            mend=f"one machine is {own}; slices over several machines are made of machines with 4 chips",
        )
    return Slice(
        accelerator_type=known.accelerator_type,
        topology=shape,
        hosts=chips_of(shape) // chips,
        needs_workload_policy=family == "tpu7x",
    )


def shape_mistakes(machine: str, topology: str | None) -> Iterator[str]:
    """What is wrong with slices of shape *topology* on TPU machines of type *machine*."""
    if machine in TPU_MACHINES:
        try:
            tpu_slice(machine, topology)
        except Unprovisionable as error:
            yield error.what


def count_mistakes(machine: str, topology: str | None, *, machines: int) -> Iterator[str]:
    """What is wrong with *machines* machines for one slice of shape *topology*."""
    if machine in TPU_MACHINES and not any(shape_mistakes(machine, topology)):
        found = tpu_slice(machine, topology)
        if found.hosts not in (1, machines):
            yield f"is {machines} machines, but one slice {found.topology} is {found.hosts} x {machine}"


def slice_of(pool: NodePool) -> Slice:
    """
    The slice that the nodes of a TPU pool are, or are one each of.

    Raises:
        Unprovisionable: If a slice over several machines is planned with another number of machines than it has.
    """
    found = tpu_slice(pool.machine, pool.topology)
    if found.hosts > 1 and pool.nodes != found.hosts:
        raise Unprovisionable(
            what=f"pool {pool.name} is planned with {pool.nodes} machines, but one slice {found.topology} has "
            f"{found.hosts}, and a node pool is one slice",
            mend="size the stack again: sizeup size <stack>",
        )
    return found


def chips_of(topology: str) -> int:
    """Chips of a slice: the product of its dimensions."""
    return math.prod(int(side) for side in topology.split("x"))


def _in_the_dimensions_of(own: str, topology: str) -> str:
    """*topology* in as many dimensions as *own* has: 2x2 on a three-dimensional TPU is 2x2x1."""
    missing = own.count("x") - topology.count("x")
    return topology + "x1" * missing if missing > 0 else topology


def _is_legal(family: str, topology: str) -> bool:
    if family not in _CUBES:
        return topology in _FLAT
    if not _THREE_SIDES.fullmatch(topology):
        return False
    sides = [int(side) for side in topology.split("x")]
    cubes = math.prod(sides) // 4**3
    whole_cubes = all(side % 4 == 0 for side in sides) and sides == sorted(sides)
    return topology in _SMALL_CUBES or (whole_cubes and cubes <= _CUBES[family])
