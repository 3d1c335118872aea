"""What a plan's machines cost, line by line: on demand while they are up, kept or committed for all hours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.allocation.finding.formulation import Formulation
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.problem import Commitment as Offered
from sizing.optimiser.problem import Pool, Problem
from sizing.optimiser.purchase import Bought, Purchase
from sizing.plan import Commitment, CostLine, NodePool
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from sizing.catalog import Catalog

TOLD = ("as the stack tells", "undated")  # source and date of what is owned


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """Machines of one pool that commitments pay for."""

    machines: int
    usd_per_hour: float  # of one of them, on average


def covered_pools(problem: Problem, bought: Purchase) -> dict[Pool, Covered]:
    """
    The machines of each pool that commitments cover: of all machines of a type in a region those that are up longest.

    Those that are owned come first, at no price.
    """
    to_buy = dict(bought.committed)
    found: dict[Pool, Covered] = {}
    for machine, region in dict.fromkeys((one.machine, one.region) for one in problem.commitments):
        prices = [
            price
            for one in problem.commitments
            if (one.machine, one.region) == (machine, region)
            for price in [0] * one.owned + [one.micro_usd_per_hour] * to_buy.get(one, 0)
        ]
        pools = [
            one
            for one in bought.bought
            if (one.pool.machine, one.pool.region, one.pool.mode) == (machine, region, PurchaseMode.ON_DEMAND)
        ]
        longest = sorted(
            ((-hours, place) for place, one in enumerate(pools) for hours in hours_up(problem, one)),
        )
        own: dict[int, list[int]] = {}
        for price, (_, place) in zip(sorted(prices), longest, strict=False):
            own.setdefault(place, []).append(price)
        for place, paid in own.items():
            usd = sum(paid) / len(paid) / MICRO_USD_PER_USD
            found[pools[place].pool] = Covered(machines=len(paid), usd_per_hour=usd)
    return found


def hours_up(problem: Problem, bought: Bought) -> list[int]:
    """Hours of the day in which the first, the second ... machine of a pool is up: never more than the one before."""
    return [
        sum(period.hours for period, number in zip(problem.periods, bought.machines, strict=True) if number > place)
        for place in range(bought.most)
    ]


def accelerator_lines(problem: Problem, bought: Bought, pool: NodePool) -> Iterator[CostLine]:
    """The machines of one pool: those that commitments cover, and the rest for the hours that it is up."""
    what = f"{pool.machine} {pool.mode} {pool.zone}"
    if pool.committed and pool.committed_usd_per_hour is not None:
        yield machine_line(pool, f"{what}, committed", pool.committed, pool.committed_usd_per_hour)
    rest = hours_up(problem, bought)[pool.committed :]
    if rest:
        up = HOURS_PER_MONTH if bought.pool.is_kept else HOURS_PER_MONTH * sum(rest) / (problem.hours * len(rest))
        yield machine_line(pool, what, len(rest), pool.usd_per_hour, hours_per_month=up)


def machine_line(
    pool: NodePool, item: str, machines: int, usd_per_hour: float, *, hours_per_month: float = HOURS_PER_MONTH
) -> CostLine:
    """Some machines of one pool at one price."""
    return CostLine(
        item=item,
        pool=pool.name,
        quantity=machines,
        usd_per_hour=usd_per_hour,
        source=pool.price_source,
        as_of=pool.price_as_of,
        hours_per_month=hours_per_month,
    )


def commitments_of(catalog: Catalog, formulation: Formulation, bought: Purchase) -> tuple[Commitment, ...]:
    """The commitments of a plan to machine types that it uses: those that are owned, and those to be bought."""
    to_buy: Mapping[Offered, int] = dict(bought.committed)
    used = {(one.pool.machine, one.pool.region) for one in bought.bought}
    return tuple(
        _commitment(catalog, formulation.supply.cloud, one, to_buy.get(one, 0))
        for one in formulation.problem.commitments
        if (one.machine, one.region) in used and (one.owned or one in to_buy)
    )


def _commitment(catalog: Catalog, cloud: Cloud, one: Offered, to_buy: int) -> Commitment:
    offers = [offer for offer in catalog.offers_for(cloud, one.region, one.machine) if offer.mode is one.mode]
    source, as_of = (offers[0].provenance.source, offers[0].provenance.as_of) if to_buy and offers else TOLD
    return Commitment(
        machine=one.machine,
        region=one.region,
        mode=one.mode,
        owned=one.owned,
        to_buy=to_buy,
        usd_per_hour=one.micro_usd_per_hour / MICRO_USD_PER_USD,
        price_source=source,
        price_as_of=as_of,
    )
