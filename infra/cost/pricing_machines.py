"""
What machine pools cost on either cloud: machines, their network disks, and local disks that are paid apart.

Machines out of a reservation are paid with it: once, as a capacity block is, or by the hour from its creation on,
whether they run or not. A reservation of this program bears the cost itself, so its machines are not counted again.
"""

from __future__ import annotations

from components.graph import Resource
from components.labels import POOL
from components.surroundings import number, read, region_of, text
from infra.cost.bill import CostGroup, CostLine
from infra.cost.line import Pricing, fixed, free, not_priced, upfront
from infra.cost.planned import PlannedPool
from infra.cost.pools import MachinePool
from infra.cost.price_list import Price, dearest, machine_price, stated_price, storage_price
from infra.cost.pricing_disks import SERVICES, Copies, Place, disk_lines
from sizing.catalog.catalog import Catalog
from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.errors import UnknownFact
from sizing.units import HOURS_PER_MONTH

LOCAL_SSD_GB = 375  # size of one local SSD of Google Cloud
_RESERVED = "billed from the reservation on, whether machines run in it or not"
_KEPT = "at what the plan says that they cost, whether they run or not: the reservation is not part of this stack"
_COMMITTED = "paid under a commitment for all hours, whether they run or not: people buy it, no program does"
_BLOCK_HOURS = "for each machine and hour of the block, whose length the program does not tell"


def pool_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """Machines, disks of each machine, and local disks that the machine's price does not include."""
    pool = next((x for x in pricing.pools if x.urn == resource.urn), None)
    if pool is None:
        return ()
    planned = _planned(pool, pricing)
    place, copies = Place(cloud=pool.cloud, region=pool.region), _copies(pool, planned)
    return (
        *_machines(resource, pool, planned, pricing),
        *(line for disk in pool.disks for line in disk_lines(resource, disk, place, pricing, copies=copies)),
        *_local_disks(resource, pool, pricing.catalog, copies),
    )


def _planned(pool: MachinePool, pricing: Pricing) -> PlannedPool | None:
    """What the plan says of *pool*, where it is one of the plan and as large as planned."""
    found = pricing.planned.get(pool.labels.get(POOL, ""))
    most = pool.scaling[1] if pool.scaling is not None else pool.nodes
    return found if found is not None and found.nodes == most else None


def _copies(pool: MachinePool, planned: PlannedPool | None) -> Copies:
    """One disk for each machine that is up; those of a schedule on average."""
    if planned is None:
        return Copies(number=pool.nodes, limits=pool.scaling)
    return Copies(number=planned.committed + _up(planned), limits=pool.scaling)


def _up(planned: PlannedPool) -> float:
    """Machines without a commitment that are up, on average over the month; a whole number where they always are."""
    others = planned.nodes - planned.committed
    is_always = planned.hours_per_month == HOURS_PER_MONTH
    return others if is_always else others * planned.hours_per_month / HOURS_PER_MONTH


def _machines(
    resource: Resource, pool: MachinePool, planned: PlannedPool | None, pricing: Pricing
) -> tuple[CostLine, ...]:
    """Machines at the price of how they are bought; where a plan tells, with its hours and its commitments."""
    if planned is None or pool.reservation is not None:
        return (_by_resource(resource, pool, pricing),)
    lines = []
    if planned.committed:
        price = Price(
            usd=planned.committed_usd_per_hour, unit="hour", source=planned.source, as_of=planned.as_of, note=_COMMITTED
        )
        lines.append(
            fixed(resource, f"{pool.purchase}, committed", CostGroup.MACHINE, price, quantity=planned.committed)
        )
    if planned.kept_usd_per_hour is not None:
        kept = Price(usd=planned.kept_usd_per_hour, unit="hour", source=planned.source, as_of=planned.as_of)
        lines.append(fixed(resource, pool.purchase, CostGroup.MACHINE, kept, quantity=planned.nodes, note=_KEPT))
    elif planned.committed < planned.nodes:
        lines.append(_while_up(resource, pool, planned, pricing))
    return tuple(lines)


def _while_up(resource: Resource, pool: MachinePool, planned: PlannedPool, pricing: Pricing) -> CostLine:
    """Machines that are paid while they are up."""
    price, notes = _machine_price(pool, pool.mode, pricing.catalog), _count_notes(pool)
    if planned.hours_per_month < HOURS_PER_MONTH:
        others = planned.nodes - planned.committed
        notes.append(f"planned: {others:,} up for {planned.hours_per_month:.0f} of {HOURS_PER_MONTH} h a month each")
    limits = None
    if pool.scaling is not None:
        least, most = pool.scaling
        limits = (max(0, least - planned.committed), most - planned.committed)
    return fixed(
        resource, pool.purchase, CostGroup.MACHINE, price, quantity=_up(planned), limits=limits, note="; ".join(notes)
    )


def _by_resource(resource: Resource, pool: MachinePool, pricing: Pricing) -> CostLine:
    """Machines as the resources alone tell them."""
    item, group, notes = pool.purchase, CostGroup.MACHINE, _count_notes(pool)
    if pool.reservation is not None:
        owner = pricing.among.by_urn[pool.reservation]
        return free(resource, f"paid with the reservation {owner.name}", item=item, group=group)
    if pool.mode is PurchaseMode.CAPACITY_BLOCK:
        price = _machine_price(pool, pool.mode, pricing.catalog)
        return upfront(resource, item, group, price, quantity=None, note=_BLOCK_HOURS if price.usd else "")
    price = _machine_price(pool, pool.mode, pricing.catalog)
    if pool.mode is PurchaseMode.RESERVATION:  # both clouds bill what is reserved at the on-demand rate
        price = _machine_price(pool, PurchaseMode.ON_DEMAND, pricing.catalog)
        notes = [_RESERVED, *notes]
    return fixed(resource, item, group, price, quantity=pool.nodes, limits=pool.scaling, note="; ".join(notes))


def _count_notes(pool: MachinePool) -> list[str]:
    notes = []
    if pool.scaling is not None:
        notes.append(f"the autoscaler may take it from {pool.scaling[0]} to {pool.scaling[1]}")
    if pool.nodes is None:
        notes.append("count not known before apply")
    return notes


def _machine_price(pool: MachinePool, mode: PurchaseMode | None, catalog: Catalog) -> Price:
    if not pool.machines or mode is None:
        return not_priced("hour", "machine type or purchase mode not known before apply")
    return dearest(tuple(machine_price(catalog, pool.cloud, pool.region, x, mode) for x in pool.machines))


def _local_disks(resource: Resource, pool: MachinePool, catalog: Catalog, copies: Copies) -> tuple[CostLine, ...]:
    """Local SSDs that a pool adds; those that the machine type brings are in its price."""
    if not pool.local_ssds or not pool.machines:
        return ()
    try:
        brought = catalog.machine(pool.cloud, pool.machines[0]).local_disk_bytes
    except UnknownFact:
        brought = 0
    if brought:
        return ()
    price = storage_price(catalog, pool.cloud, pool.region, SERVICES[pool.cloud], "local-ssd")
    gb = float(pool.local_ssds * LOCAL_SSD_GB)
    quantity, limits = copies.of(gb), copies.limits_of(gb)
    return (fixed(resource, "local-ssd", CostGroup.DISK, price, quantity=quantity, limits=limits),)


def capacity_reservation_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """An on-demand capacity reservation of EC2: its machines at the on-demand rate, used or not."""
    machine, count = text(read(resource, "instanceType")), number(read(resource, "instanceCount"))
    return (_reserved(resource, Cloud.AWS, machine, count, pricing),)


def reservation_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """A reservation of Compute Engine: its machines at the on-demand rate, used or not."""
    specific = ("specificReservation", "instanceProperties", "machineType")
    machine, count = text(read(resource, *specific)), number(read(resource, "specificReservation", "count"))
    return (_reserved(resource, Cloud.GCP, machine, count, pricing),)


def _reserved(resource: Resource, cloud: Cloud, machine: str | None, count: float | None, pricing: Pricing) -> CostLine:
    region = region_of(resource, pricing.among)
    price = (
        machine_price(pricing.catalog, cloud, region, machine, PurchaseMode.ON_DEMAND)
        if machine is not None
        else not_priced("hour", "machine type not known before apply")
    )
    item = f"{machine or 'machine of a type not known'} reservation"
    return fixed(resource, item, CostGroup.MACHINE, price, quantity=count, note=_RESERVED)


def capacity_block_lines(resource: Resource, pricing: Pricing) -> tuple[CostLine, ...]:
    """
    A Capacity Block of EC2: its fee is paid once, at purchase, and is told by the offering alone.

    Where pools take their machines from it, the hourly rate of that machine in the facts says what to expect.
    """
    users = [pool for pool in pricing.pools if pool.reservation == resource.urn]
    machines = {x for pool in users for x in pool.machines}
    note = "the fee is told by the offering: aws ec2 describe-capacity-block-offerings"
    if len(machines) != 1:
        return (upfront(resource, "capacity block", CostGroup.MACHINE, not_priced("block"), note=note),)
    price = _machine_price(users[0], PurchaseMode.CAPACITY_BLOCK, pricing.catalog)
    item = f"{machines.pop()} capacity block"
    return (upfront(resource, item, CostGroup.MACHINE, price, quantity=None, note=f"{_BLOCK_HOURS}; {note}"),)


def savings_plan_lines(resource: Resource, _: Pricing) -> tuple[CostLine, ...]:
    """
    A Savings Plan of AWS: what the program says is paid at once, and what is committed to by the hour.

    How much of the commitment the payment covers is a matter of the offering, so an hourly part is told only where
    the program states that nothing is paid at once.
    """
    at_once = number(read(resource, "upfrontPaymentAmount"))
    committed = stated_price(number(read(resource, "commitment")), "hour")
    note = "the machines that it covers are billed less than shown"
    if at_once == 0:
        return (fixed(resource, "Savings Plan commitment", CostGroup.MACHINE, committed, note=note),)
    hourly = not_priced("hour", "how much of the commitment is paid at once is told by the offering")
    fee = stated_price(at_once, "plan")
    return (
        upfront(resource, "Savings Plan", CostGroup.MACHINE, fee, note=note),
        fixed(resource, "Savings Plan commitment", CostGroup.MACHINE, hourly),
    )
