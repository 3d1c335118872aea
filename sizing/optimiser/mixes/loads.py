"""
A mix in arrays, without what cannot matter: types that another is never dearer than, and buckets that are alike.

- A type is left out where a whole number of another, for no more money, carries whatever it carries: serving its load
  with those is as good for every routing, whole slices or not.
- Buckets whose loads are in proportion are one bucket where shares may be any fraction, and buckets of equal slices are
  one where slices are whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from sizing.optimiser.mixes.mix import TOLERANCE, Mix

ALIKE_DIGITS = 12  # loads that agree so far differ by less than the rounding of their own computation
SHARES = 2**40  # shares are told in multiples of one in so many, so that sums of them are exact and short
STRICTLY = 1 - 2 * float(TOLERANCE)  # several in place of one may each use the tolerance that the one had

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """What one slice of each group of buckets takes of each type, and what each type costs."""

    kinds: tuple[str, ...]
    units: tuple[int, ...]  # price of each type, in whole numbers of the unit
    unit_usd: Fraction  # the largest that makes all prices whole
    slice_load: Floats  # [groups, types] accelerators; infinite where a type cannot serve
    slices: Integers  # [groups]; 1 where they may be split
    members: tuple[tuple[int, ...], ...]  # buckets of each group
    whole: bool  # a slice goes to one type

    @property
    def price(self) -> Floats:
        """Units of money, as numbers for solvers."""
        return np.array(self.units, dtype=np.float64)

    @property
    def can_serve(self) -> NDArray[np.bool_]:
        """[groups, types]."""
        return np.isfinite(self.slice_load)

    @property
    def group_load(self) -> Floats:
        """[groups, types] accelerators that the whole load of a group takes; infinite where a type cannot serve."""
        return self.slice_load * self.slices[:, None]

    @property
    def relaxed_cost(self) -> float:
        """Units of money if accelerators could be bought in fractions: each group goes where it is cheapest."""
        return float((self.group_load * self.price).min(axis=1).sum())

    def cost(self, counts: Integers) -> int:
        """Units of money, exactly."""
        return sum(unit * int(number) for unit, number in zip(self.units, counts, strict=True))

    def used(self, routed: NDArray[np.generic]) -> Floats:
        """Accelerators of each type that serve *routed* [groups, types], in slices."""
        loads = np.where(self.can_serve, self.slice_load, 0.0)
        return np.asarray((loads * routed).sum(axis=0), dtype=np.float64)

    def shares(self, routed: NDArray[np.generic], mix: Mix) -> tuple[dict[str, Fraction], ...]:
        """Shares of each bucket of *mix* by type, which add up exactly, from *routed* [groups, types] in slices."""
        shares: list[dict[str, Fraction]] = [{} for _ in mix.accelerators_for_bucket]
        for row, members in zip(routed, self.members, strict=True):
            pieces = mix.slice_factor if self.whole else SHARES
            parts = row if self.whole else _parts(np.asarray(row, dtype=np.float64))
            dealt = _dealt(parts.tolist(), pieces, len(members) if self.whole else 1)
            for place, bucket in enumerate(members):
                numbers = dealt[place if self.whole else 0]
                shares[bucket] = {self.kinds[kind]: Fraction(number, pieces) for kind, number in numbers.items()}
        return tuple(shares)


def _parts(row: Floats) -> Integers:
    """Shares of one group as whole numbers that add up to SHARES; rounding goes to the largest."""
    parts: Integers = np.rint(np.maximum(row, 0) / np.maximum(row, 0).sum() * SHARES).astype(np.int64)
    parts[parts.argmax()] += SHARES - parts.sum()
    return parts


def _dealt(numbers: Sequence[int], pieces: int, buckets: int) -> list[dict[int, int]]:
    """*numbers* of each type dealt to so many buckets, *pieces* for each, in order."""
    dealt: list[dict[int, int]] = [{} for _ in range(buckets)]
    bucket, room = 0, pieces
    for kind, number in enumerate(numbers):
        left = int(number)
        while left:
            taken = min(left, room)
            dealt[bucket][kind] = taken
            left, room = left - taken, room - taken
            if not room:
                bucket, room = bucket + 1, pieces
    return dealt


def reduced(mix: Mix, *, whole_slices: bool) -> Loads:
    """*mix* in arrays under one rule; every bucket must have a type that serves it."""
    kinds = tuple(mix.usd_per_hour)
    prices = mix.prices()
    whole = lcm(*(price.denominator for price in prices.values()))
    numbers = [int(prices[kind] * whole) for kind in kinds]
    common = gcd(*numbers)
    units = [number // common for number in numbers]
    table = [[loads.get(kind, np.inf) for kind in kinds] for loads in mix.accelerators_for_bucket]
    bucket_load = np.array(table, dtype=np.float64).reshape(-1, len(kinds))
    kept = _kept(bucket_load, units)
    slice_load, members = _grouped(bucket_load[:, kept] / (mix.slice_factor if whole_slices else 1), whole_slices)
    each = mix.slice_factor if whole_slices else 0  # a group that may be split is one slice, whatever it is made of
    return Loads(
        kinds=tuple(kinds[kind] for kind in kept),
        units=tuple(units[kind] for kind in kept),
        unit_usd=Fraction(common, whole),
        slice_load=slice_load,
        slices=np.array([max(1, each * len(of)) for of in members], dtype=np.int64),
        members=members,
        whole=whole_slices,
    )


def _kept(load: Floats, units: Sequence[int]) -> list[int]:
    """Types that no other makes needless; of two that are the same, the first."""
    kept = list(range(len(units)))
    for kind in reversed(range(len(units))):
        if any(_replaces(load[:, other], units[other], load[:, kind], units[kind]) for other in kept if other != kind):
            kept.remove(kind)
    return kept


def _replaces(small: Floats, small_units: int, large: Floats, large_units: int) -> bool:
    """Whether as many small ones as the price of a large one buys carry, of each bucket, as much as it does."""
    several = large_units // small_units
    if several == 0:
        return False
    served = np.isfinite(large)
    worst = float((small[served] / large[served]).max(initial=0.0)) / several
    return worst <= (1.0 if several == 1 else STRICTLY)


def _grouped(load: Floats, whole_slices: bool) -> tuple[Floats, tuple[tuple[int, ...], ...]]:  # noqa: FBT001
    """Rows that are alike put together: equal ones stand for each other, those in proportion are added up."""
    groups: dict[bytes, list[int]] = {}
    for place, row in enumerate(load):
        scaled = row if whole_slices else row / row.min()
        with np.errstate(invalid="ignore"):
            exponents = np.floor(np.log10(scaled))
            key = np.where(np.isfinite(row), np.rint(scaled * 10.0 ** (ALIKE_DIGITS - 1 - exponents)), np.inf)
        groups.setdefault(key.tobytes() + np.nan_to_num(exponents, posinf=0.0).tobytes(), []).append(place)
    members = tuple(tuple(of) for of in groups.values())
    rows = [load[of[0]] if whole_slices else load[list(of)].sum(axis=0) for of in members]
    return np.array(rows, dtype=np.float64).reshape(len(members), load.shape[1]), members
