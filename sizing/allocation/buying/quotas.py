"""How much an account may run at a time: the quotas that a stack tells, over the pools that count against them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.catalog.quota import AccountQuota
from sizing.optimiser.problem import Pool, Quota
from sizing.spec.capacity import QuotaLimit
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog


def quotas_of(
    spec: Spec, catalog: Catalog, *, cloud: Cloud, offers: Mapping[Pool, tuple[Machine, Offer]]
) -> tuple[Quota, ...]:
    """
    The told quotas of one cloud that any of the pools counts against, by name, with what one machine of each takes.

    A reservation counts while it is held, used or not: what it takes is taken off the limit, and its own pools take no
    more. Source: EC2 user guide, "Capacity Reservations", limitations. A quota that is not told limits nothing.
    """
    found = []
    for told in sorted(spec.quotas, key=quota_name):
        if told.cloud is not cloud:
            continue
        fact = catalog.quota(cloud, told.quota)
        units = tuple(
            (pool, fact.units_of(machine))
            for pool, (machine, _) in offers.items()
            if told.region in {None, pool.region}
            and pool.mode is not PurchaseMode.RESERVATION
            and fact.counts(machine, pool.mode)
        )
        if units:
            limit = max(0, told.limit - _held_units(spec, catalog, fact, told))
            found.append(Quota(name=quota_name(told), limit=limit, units=units))
    return tuple(found)


def quota_name(told: QuotaLimit) -> str:
    """What a quota is called in answers: L-417A185B in us-east-1."""
    return told.quota if told.region is None else f"{told.quota} in {told.region}"


def _held_units(spec: Spec, catalog: Catalog, fact: AccountQuota, told: QuotaLimit) -> int:
    """What the stack's reservations take of one quota."""
    taken = 0
    for one in spec.reservations:
        machine = catalog.machine(one.cloud, one.machine)
        if told.region in {None, one.region} and fact.counts(machine, PurchaseMode.RESERVATION):
            taken += one.machines * fact.units_of(machine)
    return taken
