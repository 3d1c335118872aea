"""
Covers of quotas: workloads that cannot all stand where they take of one quota, as together they take too much of it.

The relaxation would let a part of each stand there. Of any set of workloads whose least takings pass the limit, one at
the least must stand elsewhere; the same holds with any option that takes as much in place of one of them. Source:
cover inequalities of the 0/1 knapsack (Balas, Facets of the knapsack polytope, Mathematical Programming 8, 1975).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sizing.optimiser.engine.tables import LEAST_ZONES, Tables

LeastUnits = tuple[Mapping[int, int], ...]  # by quota: of each option that takes any
LEAST_BREACH = 0.02  # of the options in a cover: what it must be broken by


@dataclass(frozen=True, slots=True)
class Cover:
    """Options of which no more than *most* are taken together."""

    options: tuple[int, ...]
    most: int


def least_units(tables: Tables) -> LeastUnits:
    """By quota: what an option takes of it at the least, for options that take any; rounded down."""
    found: list[dict[int, int]] = [{} for _ in tables.problem.quotas]
    for j in range(len(tables.options)):
        places = range(tables.places_of[j].start, tables.places_of[j].stop)
        quotas = {quota for at in places for quota, _ in tables.quotas_of.get(int(tables.pool[at]), ())}
        for quota in quotas:
            units = _least(tables, j, quota)
            if units:
                found[quota][j] = units
    return tuple(found)


def _least(tables: Tables, option: int, quota: int) -> int:
    of = tables.options[option]
    everywhere = range(tables.places_of[option].start, tables.places_of[option].stop)
    firm = [at for at in everywhere if not tables.is_spot[at]]
    spot = [at for at in everywhere if tables.is_spot[at]]
    return max(
        _filled(tables, firm, _standing(max(of.firm), len(of.zones), zone_loss=of.zone_loss), quota),
        _filled(tables, everywhere, _standing(max(of.total), len(of.zones), zone_loss=of.zone_loss), quota),
        _filled(tables, spot, max(of.spot), quota),
    )


def _standing(need: int, zones: int, *, zone_loss: bool) -> int:
    """The fewest replicas that leave *need*, whichever zone is gone."""
    return need + -(-need // max(1, zones - 1)) if zone_loss and zones >= LEAST_ZONES else need


def _filled(tables: Tables, places: range | list[int], replicas: int, quota: int) -> int:
    """What *replicas* take of a quota where they stand first on what takes least of it."""
    lots: list[tuple[float, int]] = []
    for at in places:
        pool = int(tables.pool[at])
        of = tables.problem.pools[pool]
        units = dict(tables.quotas_of.get(pool, ())).get(quota, 0)
        lots.append((units * int(tables.slots[at]) / of.slots, tables.most[pool] * of.slots // int(tables.slots[at])))
    total = 0.0
    for each, room in sorted(lots):
        here = min(replicas, room)
        total += each * here
        replicas -= here
    return int(total + 1e-9)


def broken(tables: Tables, least: LeastUnits, taken: Mapping[int, float]) -> list[Cover]:
    """
    The cover of each quota that a solution of the relaxation breaks the most, where it breaks any.

    Args:
        tables: Of the problem.
        least: As `least_units` tells.
        taken: By option, its share in the solution.
    """
    found = []
    for quota, units in zip(tables.problem.quotas, least, strict=True):
        cover = _cover(tables, units, taken, quota.limit)
        if cover is not None:
            found.append(cover)
    return found


def _cover(tables: Tables, units: Mapping[int, int], taken: Mapping[int, float], limit: int) -> Cover | None:
    """The workloads that lack least of standing there whole, by what they take, until they take more than *limit*."""
    offers = [min(own, key=lambda offer: offer.lack / offer.units) for own in _offers(tables, units, taken).values()]
    inside: list[_Offer] = []
    for offer in sorted(offers, key=lambda offer: (offer.lack / offer.units, offer.workload)):
        inside.append(offer)
        if sum(one.units for one in inside) > limit:
            break
    else:
        return None
    for offer in sorted(inside, key=lambda offer: (-offer.lack, offer.workload)):
        if sum(one.units for one in inside) - offer.units > limit:
            inside.remove(offer)
    if sum(offer.lack for offer in inside) > 1 - LEAST_BREACH:
        return None
    largest = max(offer.units for offer in inside)
    least = {offer.workload: offer.units for offer in inside}
    options = [j for j, amount in units.items() if amount >= least.get(tables.options[j].workload, largest)]
    return Cover(tuple(options), len(inside) - 1)


@dataclass(frozen=True, slots=True)
class _Offer:
    """The options of one workload that take at least so many units, and what their share in a solution lacks of 1."""

    workload: int
    units: int
    lack: float


def _offers(tables: Tables, units: Mapping[int, int], taken: Mapping[int, float]) -> dict[int, list[_Offer]]:
    """By workload, for each amount that an option in use takes of a quota."""
    shares: dict[int, list[tuple[int, float]]] = {}
    for j, share in sorted(taken.items()):
        if j in units:
            shares.setdefault(tables.options[j].workload, []).append((units[j], share))
    return {
        m: [
            _Offer(m, amount, max(0.0, 1 - sum(share for other, share in own if other >= amount)))
            for amount in sorted({amount for amount, _ in own})
        ]
        for m, own in shares.items()
    }
