"""Links between accelerators as values, and how fast a group of few or of many is on each kind.

A link is fast between few and slower between many in four ways: a switch is not, a torus lends each rank the ports that
its part of the torus has, a mesh the ports to the ranks that take part, and a host bus shares one bridge among all.
Knows nothing of models, nor of which device has which link.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log2


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """Every rank reaches any other at the full rate of its ports: NVSwitch, a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Torus:
    """Neighbours on a grid; an axis that is *wrapped* closes to a ring, which has two ports a rank instead of one."""

    axes: tuple[int, ...]  # of the slice that the replica is on
    wrapped: tuple[bool, ...]
    ports: int  # of one accelerator, which bytes_per_s is the sum of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A port of its own to every peer, so that a group of few uses few of them: xGMI."""

    peers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBus:
    """Cards that speak through the host: what goes from one to another crosses a bridge that all of them share."""

    bridge_bytes_per_s: float  # of all cards together


Shape = Switched | Torus | Mesh | HostBus


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One kind of link."""

    name: str
    bytes_per_s: float  # one direction, per accelerator, all its ports together
    latency_s: float  # of one message: from rank to rank in a switch or network, from neighbour to neighbour in a torus
    domain: int  # most accelerators that it joins
    shape: Shape = Switched()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interconnect:
    """The links of one replica, nearest first; each joins more accelerators than the one before."""

    links: tuple[Link, ...]

    @property
    def bytes_per_s(self) -> float:
        """Rate of the nearest link: one direction, per accelerator."""
        return self.links[0].bytes_per_s

    @property
    def domain(self) -> int:
        """Most accelerators that the nearest link joins."""
        return self.links[0].domain

    @property
    def scale_out(self) -> Link:
        """The link that reaches farthest."""
        return self.links[-1]


def reached_bytes_per_s(link: Link, ranks: int, share: float) -> float:
    """
    What a group of *ranks* neighbours reaches of *link*, one direction each, where software reaches *share* of a port.

    The bridge of a host bus is as measured, so *share* is of the cards' own ports only.
    """
    match link.shape:
        case Switched():
            return link.bytes_per_s * share
        case Torus() as torus:
            return link.bytes_per_s * share * min(1.0, ports_of_box(torus, ranks) / torus.ports)
        case Mesh(peers=peers):
            return link.bytes_per_s * share * min(1.0, (ranks - 1) / peers)
        case HostBus(bridge_bytes_per_s=bridge):
            return min(link.bytes_per_s * share, bridge / ranks)


def start_s(link: Link, ranks: int) -> float:
    """Latency of a message that reaches all *ranks*: halvings of a tree, or steps to the far corner of a torus."""
    match link.shape:
        case Torus() as torus:
            return link.latency_s * _steps(torus, ranks)
        case Switched() | Mesh() | HostBus():
            return link.latency_s * ceil(log2(ranks)) if ranks > 1 else 0.0


@lru_cache(maxsize=1024)
def ports_of_box(torus: Torus, ranks: int) -> int:
    """
    Ports that each of *ranks* chips can use at once, when they form the best box of that many inside the slice.

    A closed axis gives two, an open one (or part of an axis) one: its end has no neighbour beyond, and a ring over it
    goes there and back. Without wraparound most communication takes twice as long (jax-ml/scaling-book, tpus.md).
    """
    return max((_ports(torus, box) for box in boxes(torus, ranks)), default=1)


def _ports(torus: Torus, box: tuple[int, ...]) -> int:
    """Ports in use in a box: two along a closed axis that it spans whole (and is longer than two), else one."""
    sides = zip(box, torus.axes, torus.wrapped, strict=True)
    return sum(2 if side == axis and closed and side > 2 else 1 for side, axis, closed in sides if side > 1)


@lru_cache(maxsize=1024)
def _steps(torus: Torus, ranks: int) -> int:
    """Neighbour-to-neighbour steps between the farthest two of *ranks* chips in their best box."""
    best = max(boxes(torus, ranks), key=lambda box: (_ports(torus, box), -max(box)), default=None)
    if best is None:
        return ranks - 1
    sides = zip(best, torus.axes, torus.wrapped, strict=True)
    return sum(side // 2 if side == axis and closed else side - 1 for side, axis, closed in sides)


def boxes(torus: Torus, ranks: int, before: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """Every box of *ranks* chips that fits into the slice."""
    left = torus.axes[len(before) :]
    if not left:
        if ranks == 1:
            yield before
        return
    for side in range(1, min(left[0], ranks) + 1):
        if ranks % side == 0:
            yield from boxes(torus, ranks // side, (*before, side))
