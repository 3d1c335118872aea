"""What one cloud sells to a stack in all its regions, in the optimiser's words: pools, sites, quotas, commitments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sizing.allocation.buying.market import LEAST_SYSTEM_MACHINES, NETWORK_ZONES, Market, market
from sizing.allocation.buying.names import pool_name
from sizing.allocation.buying.quotas import quotas_of
from sizing.allocation.buying.reserved import commitments_of
from sizing.allocation.buying.standing import Upkeep, upkeep
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer
from sizing.optimiser.problem import Commitment, Pool, Quota, Site
from sizing.plan import SizingPlan
from sizing.spec.workload import Spec
from sizing.units import micro_usd

if TYPE_CHECKING:
    from sizing.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """One cloud, in the regions of a spec; where no machine can carry a cluster's own services, there are no pools."""

    cloud: Cloud
    markets: tuple[Market, ...]  # in the order of the spec's regions
    offers: Mapping[Pool, tuple[Machine, Offer]]  # what each pool is; in the order of region, zone, machine and mode
    sites: tuple[Site, ...]
    quotas: tuple[Quota, ...]
    commitments: tuple[Commitment, ...]
    upkeep: Upkeep  # what each workload costs in each region beside machines

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Everything that machines can come from."""
        return tuple(self.offers)

    def market(self, region: str) -> Market:
        """The market of one of the regions."""
        return next(one for one in self.markets if one.region == region)


def supply(
    spec: Spec, catalog: Catalog, *, cloud: Cloud, machines: Iterable[Machine], current: SizingPlan | None = None
) -> Supply:
    """
    What *cloud* sells of *machines* in every region of the spec that it has.

    Args:
        spec: What was asked: regions, zones, ways to buy, what the account holds, its quotas.
        catalog: The facts.
        cloud: One of the spec's clouds.
        machines: Types that could carry a workload; of other clouds are left out.
        current: The plan that runs today, if any: pools then tell how many machines it has of them.
    """
    useful = [machine for machine in machines if machine.cloud is cloud]
    regions = [region for region in spec.regions if region in set(catalog.regions(cloud))]
    markets = tuple(market(spec, catalog, cloud=cloud, region=region, machines=useful) for region in regions)
    open_for_business = [one for one in markets if one.system is not None]
    offers = {pool: sold for one in open_for_business for pool, sold in _pools(one, current)}
    return Supply(
        cloud=cloud,
        markets=markets,
        offers=offers,
        sites=tuple(site_of(one) for one in open_for_business),
        quotas=quotas_of(spec, catalog, cloud=cloud, offers=offers),
        commitments=commitments_of(
            spec, catalog, cloud=cloud, regions=[one.region for one in open_for_business], machines=useful
        ),
        upkeep=upkeep(spec, catalog, cloud=cloud, regions=[one.region for one in open_for_business], current=current),
    )


def site_of(sold: Market) -> Site:
    """
    What a region costs as soon as anything stands there.

    Raises:
        ValueError: Where no machine can carry a cluster's own services.
    """
    if sold.system is None or sold.system[1].usd_per_hour is None:
        raise ValueError(f"{sold.region}: no system machine, or one without a price")
    return Site(
        region=sold.region,
        system_micro_usd_per_hour=micro_usd(sold.system[1].usd_per_hour),
        least_system_machines=max(LEAST_SYSTEM_MACHINES, min(NETWORK_ZONES, len(sold.zones))),
    )


def _pools(sold: Market, current: SizingPlan | None) -> Iterator[tuple[Pool, tuple[Machine, Offer]]]:
    """A pool for each zone of each offer and of what is held, in the order of zone, machine and mode."""
    places = [
        *((zone, machine, offer, None, None, None) for machine, offer in sold.offers for zone in offer.zones),
        *((one.offer.zones[0], one.machine, one.offer, one.most, one.name, one.only_for) for one in sold.held),
    ]
    of_today = current is not None and current.cloud is sold.cloud
    nodes = {pool.name: pool.nodes for pool in current.node_pools} if current is not None and of_today else {}
    for zone, machine, offer, most, name, only_for in sorted(places, key=lambda place: (place[0], place[1].name)):
        if offer.usd_per_hour is None:
            continue
        today = nodes.get(pool_name(machine.name, zone, offer.mode, name), 0)
        yield (
            Pool(
                machine=machine.name,
                region=sold.region,
                zone=zone,
                mode=offer.mode,
                slots=machine.accelerators,
                micro_usd_per_hour=micro_usd(offer.usd_per_hour),
                running=None if current is None else today,
                most=most,
                name=name,
                only_for=only_for if name else sold.only_for.get(offer.mode),
            ),
            (machine, offer),
        )
