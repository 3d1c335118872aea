"""
The cheapest way to place each workload where slots have prices: the pricing problem of column generation.

With prices of slots, the places of an option are independent but for the loss of a zone, and that has a closed form.
If no zone carries more than t replicas, need + t replicas do after any loss, and the cheapest zones take t each. The
cost is convex and piecewise linear in t, with kinks at need / (zones - 1): so the best whole t is next to a kink.

Where spot and zone loss meet, the cost here is a lower bound: replicas on any machines and replicas on firm ones are
spread apart from each other, each at the least. What columns really cost is summed from their replicas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sizing.optimiser.engine.placed import Placed
from sizing.optimiser.engine.tables import NONE, Floats, Ints, Tables

INFINITY = float("inf")


@dataclass(frozen=True, kw_only=True)
class Pricer:
    """The tables of a problem, arranged by groups of places: those of one option, zone, and firm or spot."""

    tables: Tables
    starts: Ints  # of each group among the places
    firm: Ints  # [options, zones]: group of the firm places of each zone, or NONE
    spot: Ints  # [options, zones]: group of the spot places of each zone, or NONE
    total: Ints  # [options, periods]
    least_firm: Ints  # [options, periods]
    least_spot: Ints  # [options, periods]
    zone_loss: Ints  # options that must survive the loss of a zone
    first: Ints  # of each workload that has options, its first option
    with_options: Ints  # workloads that have any


def pricer(tables: Tables) -> Pricer:
    """The pricing problem of *tables*."""
    keys = np.stack([tables.option, tables.zone, tables.is_spot.astype(np.int64)])
    new = np.ones(keys.shape[1], dtype=np.bool_)
    new[1:] = np.any(keys[:, 1:] != keys[:, :-1], axis=0)
    starts = np.flatnonzero(new)
    zones = max((len(option.zones) for option in tables.options), default=1)
    firm = np.full((len(tables.options), zones), NONE)
    spot = np.full((len(tables.options), zones), NONE)
    for is_spot, groups in ((False, firm), (True, spot)):
        own = np.flatnonzero(tables.is_spot[starts] == is_spot)
        groups[tables.option[starts[own]], tables.zone[starts[own]]] = own
    with_options = [m for m, own in enumerate(tables.of_workload) if own]
    return Pricer(
        tables=tables,
        starts=starts,
        firm=firm,
        spot=spot,
        total=np.array([option.total for option in tables.options]),
        least_firm=np.array([option.firm for option in tables.options]),
        least_spot=np.array([option.spot for option in tables.options]),
        zone_loss=np.flatnonzero([option.zone_loss for option in tables.options]),
        first=np.array([tables.of_workload[m].start for m in with_options], dtype=np.int64),
        with_options=np.array(with_options, dtype=np.int64),
    )


def costs(priced: Pricer, place: Floats) -> Floats:
    """
    The least cost of each option, or a bound below it where spot and zone loss meet.

    Args:
        priced: The pricing problem.
        place: [places, periods]: price of one replica at each place.
    """
    found = np.array(priced.tables.standing)
    for period in priced.tables.periods:
        best = np.minimum.reduceat(place[:, period], priced.starts)
        firm = np.where(priced.firm == NONE, INFINITY, best[priced.firm])
        spot = np.where(priced.spot == NONE, INFINITY, best[priced.spot])
        total, least = priced.total[:, period], priced.least_firm[:, period]
        own = _together(firm.min(axis=1), spot.min(axis=1), total, least, priced.least_spot[:, period])
        if len(priced.zone_loss):
            at = priced.zone_loss
            either = np.minimum(firm[at], spot[at])
            with np.errstate(invalid="ignore"):
                more = np.where(np.isinf(firm[at]), INFINITY, firm[at] - either)
            own[at] = spread_cost(np.sort(either, axis=1), np.maximum(total[at], least[at]))
            own[at] += spread_cost(np.sort(more, axis=1), least[at])
        found += own
    return found


def _together(firm: Floats, spot: Floats, total: Ints, least_firm: Ints, least_spot: Ints) -> Floats:
    """The least cost where no loss must be survived, with the cheapest firm and the cheapest spot place of each."""
    spot_is_cheaper = spot < firm
    on_firm = np.where(spot_is_cheaper, least_firm, np.maximum(least_firm, total - least_spot))
    on_spot = np.where(spot_is_cheaper, np.maximum(total - least_firm, least_spot), least_spot)
    with np.errstate(invalid="ignore"):
        return np.where(on_firm > 0, on_firm * firm, 0.0) + np.where(on_spot > 0, on_spot * spot, 0.0)


def spread_cost(prices: Floats, need: Ints) -> Floats:
    """
    The least cost of *need* replicas that are left whichever zone is gone.

    Args:
        prices: [options, zones]: of a replica in each zone, sorted; infinite where there is none.
        need: [options].
    """
    best = np.full(len(need), INFINITY)
    for zones in range(2, prices.shape[1] + 1):
        for most in (-(-need // (zones - 1)), np.maximum(need // (zones - 1), 1)):
            best = np.minimum(best, _filled(prices, need + most, most))
    return np.where(need > 0, best, 0.0)


def _filled(prices: Floats, number: Ints, most: Ints) -> Floats:
    """The cost of *number* replicas where the cheapest zones take *most* each."""
    left = number.copy()
    cost = np.zeros(len(number))
    for zone in range(prices.shape[1]):
        here = np.minimum(most, left)
        with np.errstate(invalid="ignore"):
            cost += np.where(here > 0, here * prices[:, zone], 0.0)
        left = left - here
    return np.where(left > 0, INFINITY, cost)


def placed_at(priced: Pricer, option: int, place: Floats) -> Placed | None:
    """The replicas of *option* at the least cost for which a way is known; None where it cannot carry its demand."""
    tables = priced.tables
    counts: dict[int, list[int]] = {}
    for period in tables.periods:
        found = _period(priced, option, place, period)
        if found is None:
            return None
        for at, number in found.items():
            counts.setdefault(at, [0] * len(tables.periods))[period] = number
    return Placed(
        option=option, replicas=tuple((at, tuple(numbers)) for at, numbers in sorted(counts.items()) if any(numbers))
    )


def _period(priced: Pricer, option: int, place: Floats, period: int) -> Mapping[int, int] | None:
    of = priced.tables.options[option]
    firm, spot = (_cheapest(priced, groups[option], place[:, period]) for groups in (priced.firm, priced.spot))
    total, least_firm, least_spot = of.total[period], of.firm[period], of.spot[period]
    if not of.zone_loss:
        return _unspread(firm, spot, total, least_firm, least_spot)
    ways = [_spread_ways(firm, spot, total, least_firm, least_spot)]
    if least_firm < total:  # all of it firm is a way as well, and the cheaper one where spot is dear
        ways.append(_spread_ways(firm, spot, total, total, least_spot))
    priced_ways = [
        (sum(place[at, period] * number for at, number in way.items()), position)
        for position, way in enumerate(ways)
        if way is not None
    ]
    return ways[min(priced_ways)[1]] if priced_ways else None


ZonePlaces = dict[int, tuple[float, int]]  # by zone: the price of a replica at its cheapest place, and that place


def _cheapest(priced: Pricer, groups: Ints, place: Floats) -> ZonePlaces:
    found = {}
    for zone, group in enumerate(groups):
        if group != NONE:
            start = priced.starts[group]
            stop = priced.starts[group + 1] if group + 1 < len(priced.starts) else len(place)
            at = int(start + np.argmin(place[start:stop]))
            found[zone] = (float(place[at]), at)
    return found


def _unspread(
    firm: ZonePlaces, spot: ZonePlaces, total: int, least_firm: int, least_spot: int
) -> Mapping[int, int] | None:
    on_firm = min(firm.values(), default=(INFINITY, NONE))
    on_spot = min(spot.values(), default=(INFINITY, NONE))
    if on_spot[0] < on_firm[0]:
        numbers = {on_firm[1]: least_firm, on_spot[1]: max(total - least_firm, least_spot)}
    else:
        numbers = {on_firm[1]: max(least_firm, total - least_spot), on_spot[1]: least_spot}
    found = {at: number for at, number in numbers.items() if number}
    return None if NONE in found else found


def _spread_ways(
    firm: ZonePlaces, spot: ZonePlaces, total: int, least_firm: int, least_spot: int
) -> Mapping[int, int] | None:
    """Firm replicas spread at the least cost, then what is lacking of all and of spot, in the cheapest zones."""
    on_firm = spread({zone: price for zone, (price, _) in firm.items()}, least_firm)
    if on_firm is None:
        return None
    either = {
        zone: min(firm.get(zone, (INFINITY, NONE)), spot.get(zone, (INFINITY, NONE))) for zone in {**firm, **spot}
    }
    on_either = spread({zone: price for zone, (price, _) in either.items()}, max(total, least_firm), onto=on_firm)
    if on_either is None:
        return None
    counts: dict[int, int] = {}
    for zone, number in on_firm.items():
        counts[firm[zone][1]] = counts.get(firm[zone][1], 0) + number
    for zone, number in on_either.items():
        counts[either[zone][1]] = counts.get(either[zone][1], 0) + number
    lacking = least_spot - sum(counts.get(at, 0) for _, at in spot.values())
    if lacking > 0:
        if not spot:
            return None
        at = min(spot.values())[1]
        counts[at] = counts.get(at, 0) + lacking
    return {at: number for at, number in counts.items() if number}


def spread(prices: Mapping[int, float], need: int, *, onto: Mapping[int, int] | None = None) -> dict[int, int] | None:
    """
    Replicas to add by zone, so that *need* are left whichever zone is gone, at the least cost; None: there is no way.

    Args:
        prices: Of a replica, by zone.
        need: Replicas that must be left.
        onto: Replicas that stand already, by zone.
    """
    standing = onto or {}
    held = sum(standing.values())
    zones = sorted({**prices, **standing}, key=lambda zone: (prices.get(zone, INFINITY), zone))
    best: tuple[float, dict[int, int]] | None = None
    tallest = max(standing.values(), default=0)
    heights = {max(tallest, -(-need // k)) for k in range(1, len(zones))}
    heights |= {max(tallest, need // k) for k in range(1, len(zones))}
    for most in sorted(heights):
        left = need + most - held
        added: dict[int, int] = {}
        for zone in zones:
            if left <= 0 or zone not in prices:
                break
            added[zone] = min(left, most - standing.get(zone, 0))
            left -= added[zone]
        cost = sum(prices[zone] * number for zone, number in added.items())
        if left <= 0 and (best is None or cost < best[0]):
            best = cost, {zone: number for zone, number in added.items() if number}
    return best[1] if best is not None else ({} if need <= 0 else None)
