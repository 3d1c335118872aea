"""
The covering knapsack by dynamic programming: the cheapest machines of different sizes for at least so many replicas.

`cost[n]` is the least that carries n or more. Machines are added a lot at a time (one, two, four ... of them), each lot
taken or not, so limits on their number are kept and each lot is one pass over the array. Two covers are joined by
trying every split of the replicas between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NEVER = 2**60  # more than anything costs, and two of them still a 64-bit number

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Equal machines of which some number may be taken."""

    place: int  # where their replicas stand
    replicas: int  # that one of them carries
    price: int
    most: int  # machines
    units: tuple[int, ...] = ()  # that one of them takes of each limit that its group counts against

    def makes_needless(self, other: Offer, enough: int) -> bool:
        """Whether this one is as good whatever the number, and there is enough of it."""
        return (
            self.most * self.replicas >= enough
            and (self.price, -self.replicas) <= (other.price, -other.replicas)
            and self.replicas >= other.replicas
            and all(mine <= theirs for mine, theirs in zip(self.units, other.units, strict=True))
        )


@dataclass(frozen=True, eq=False, slots=True)
class Cover:
    """The least that each number of replicas costs, and how it came about: one lot more, or two covers joined."""

    cost: Ints  # [replicas + 1]
    units: Ints  # [limits, replicas + 1] that the least takes of each limit
    before: Cover | None = None
    offer: Offer | None = None
    machines: int = 0  # in the last lot
    other: Cover | None = None
    split: Ints | None = None  # [replicas + 1] of them on *before*, the rest on *other*

    def numbers(self, replicas: int) -> dict[int, int]:
        """Machines by place that carry at least so many replicas for the least."""
        found: dict[int, int] = {}
        at, left = self, replicas
        while at.before is not None:
            if at.other is not None and at.split is not None:
                own = int(at.split[left])
                for place, number in at.other.numbers(left - own).items():
                    found[place] = found.get(place, 0) + number
                left = own
            elif at.offer is not None and at.cost[left] != at.before.cost[left]:
                found[at.offer.place] = found.get(at.offer.place, 0) + at.machines
                left = max(0, left - at.machines * at.offer.replicas)
            at = at.before
        return found


def covered(offers: Sequence[Offer], replicas: int, limits: Sequence[int]) -> tuple[Cover, bool]:
    """
    The least that *offers* carry each number for, and whether limits cut anything off.

    A number whose cheapest machines pass a limit counts as out of reach, though dearer ones might keep it.
    """
    cost = np.full(replicas + 1, NEVER, dtype=np.int64)
    cost[0] = 0
    cover = Cover(cost, np.zeros((len(limits), replicas + 1), dtype=np.int64))
    kept: list[Offer] = []
    for offer in sorted(offers, key=lambda one: (one.price, -one.replicas, one.place)):
        if not any(better.makes_needless(offer, replicas) for better in kept):
            kept.append(offer)
    for offer in kept:
        for machines in _lots(min(offer.most, -(-replicas // offer.replicas))):
            cover = _with_lot(cover, offer, machines)
    passed = (cover.units > np.array(limits, dtype=np.int64)[:, None]).any(axis=0) & (cover.cost < NEVER)
    if not passed.any():
        return cover, False
    # the same lot again, of no machines: numbers() walks through it
    return Cover(np.where(passed, NEVER, cover.cost), cover.units, cover, None), True


def joined(one: Cover, other: Cover) -> Cover:
    """The least over both, replicas split between them as is cheapest."""
    replicas = len(one.cost) - 1
    total = np.arange(replicas + 1)
    cost = np.full(replicas + 1, NEVER, dtype=np.int64)
    split = np.zeros(replicas + 1, dtype=np.int64)
    for own in np.nonzero(one.cost < NEVER)[0].tolist():
        with_own = one.cost[own] + other.cost[np.maximum(0, total - own)]
        better = with_own < cost
        cost[better], split[better] = with_own[better], np.minimum(own, total)[better]
    cost = np.minimum(cost, NEVER)
    return Cover(cost, np.zeros((0, replicas + 1), dtype=np.int64), one, other=other, split=split)


def _with_lot(cover: Cover, offer: Offer, machines: int) -> Cover:
    """What the least is where a lot may be taken or not."""
    replicas = len(cover.cost) - 1
    from_ = np.maximum(0, np.arange(replicas + 1) - machines * offer.replicas)
    taken = cover.cost[from_] + machines * offer.price
    better = taken < cover.cost
    units = cover.units
    if len(units):
        more = machines * np.array(offer.units, dtype=np.int64)[:, None]
        units = np.where(better, units[:, from_] + more, units)
    return Cover(np.where(better, taken, cover.cost), units, cover, offer, machines)


def _lots(most: int) -> Iterator[int]:
    """Lots of which some make up any number up to *most*."""
    lot = 1
    while most > 0:
        yield min(lot, most)
        most -= lot
        lot *= 2
