"""What one cloud sells in all regions of a spec: pools, sites, quotas in the provider's unit, commitments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sizing.allocation.buying.names import pool_name
from sizing.allocation.buying.reserved import TERMS
from sizing.allocation.buying.supply import Supply, supply
from sizing.catalog import AccountQuota, Catalog, Cloud, Offer, PurchaseMode, QuotaScope, QuotaUnit
from sizing.optimiser.problem import Commitment, Pool, Site
from sizing.spec.capacity import CapacityBlock, Commitments, OwnedCommitment, QuotaLimit, Reservation
from sizing.spec.schedule import Window
from sizing.spec.workload import Spec
from tests.examples import CHAT_PLAN
from tests.markets import (
    CHAT_70B,
    H100_NODE,
    H100_SINGLE,
    L40S_NODE,
    REGION,
    SOURCE,
    TPU_NODE,
    catalog_of,
    offer,
    spec_of,
)

WEST, WEST_ZONES = "us-west-2", ("usw2-az1", "usw2-az2")
FIRST_WEEK = Window(start=date(2026, 12, 1), until=date(2026, 12, 8))
RESERVED = Reservation(
    name="cr-base", cloud=Cloud.AWS, machine="p5.48xlarge", region=REGION, zone="use1-az4", machines=3
)
BLOCK = CapacityBlock(
    name="cr-week",
    cloud=Cloud.AWS,
    machine="p5.48xlarge",
    region=REGION,
    zone="use1-az1",
    machines=2,
    window=FIRST_WEEK,
    upfront_usd=16_800,
)


def bought(of: Offer, mode: PurchaseMode) -> Offer:
    """The offer, in another way of buying."""
    return replace(of, mode=mode)


def quota(name: str, *modes: PurchaseMode, families: tuple[str, ...] = ("p5",), **changes: object) -> AccountQuota:
    """A quota over P5 in vCPUs."""
    made = AccountQuota(
        cloud=Cloud.AWS,
        id=name,
        name=f"All of {name}",
        scope=QuotaScope.REGION,
        unit=QuotaUnit.VCPU,
        families=families,
        modes=modes,
        provenance=SOURCE,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


FACTS = replace(
    catalog_of(
        [H100_NODE, H100_SINGLE, L40S_NODE],
        [
            offer(H100_NODE, 55.04),
            offer(H100_NODE, 22.0, spot=True),
            offer(H100_SINGLE, 6.88),
            offer(H100_NODE, 55.04, region=WEST, zones=WEST_ZONES),
            bought(offer(H100_NODE, 33.0), PurchaseMode.COMMITTED_1Y),
            bought(offer(H100_NODE, 24.0), PurchaseMode.COMMITTED_3Y),
            bought(offer(H100_SINGLE, None), PurchaseMode.COMMITTED_3Y),
            bought(offer(H100_NODE, 33.0, region=WEST, zones=WEST_ZONES), PurchaseMode.COMMITTED_1Y),
        ],
    ),
    quotas=(
        quota("P", PurchaseMode.ON_DEMAND, PurchaseMode.RESERVATION),
        quota("SPOT", PurchaseMode.SPOT),
        quota("ALL", PurchaseMode.ON_DEMAND, PurchaseMode.SPOT, scope=QuotaScope.GLOBAL, unit=QuotaUnit.GPU),
    ),
)
MACHINES = (H100_NODE, H100_SINGLE)


def sold(spec: Spec, facts: Catalog = FACTS, **options: object) -> Supply:
    """What AWS sells of the machines."""
    return supply(spec, facts, cloud=Cloud.AWS, machines=MACHINES, **options)  # type: ignore[arg-type]


def one_pool(found: Supply, mode: PurchaseMode) -> Pool:
    """The only pool that is bought so."""
    (pool,) = [pool for pool in found.pools if pool.mode is mode]
    return pool


def test_every_priced_offer_is_a_pool_in_each_of_its_zones_and_regions():
    """Two machine types in three zones of one region, one of them in two zones of another: 6 + 2 pools on demand."""
    found = sold(spec_of(CHAT_70B, regions=(REGION, WEST)))
    assert [(pool.region, pool.zone, pool.machine) for pool in found.pools] == [
        *(
            (REGION, zone, name)
            for zone in ("use1-az1", "use1-az2", "use1-az4")
            for name in ("p5.48xlarge", "p5.4xlarge")
        ),
        *((WEST, zone, "p5.48xlarge") for zone in WEST_ZONES),
    ]
    assert {pool.micro_usd_per_hour for pool in found.pools if pool.machine == "p5.48xlarge"} == {55_040_000}
    assert {pool.running for pool in found.pools} == {None}
    assert all(found.offers[pool][0].name == pool.machine for pool in found.pools)


def test_each_region_has_its_own_system_machines():
    """0.20 USD an hour each; three zones take at least three, two zones two."""
    found = sold(spec_of(CHAT_70B, regions=(REGION, WEST)))
    assert found.sites == (
        Site(region=REGION, system_micro_usd_per_hour=200_000, least_system_machines=3),
        Site(region=WEST, system_micro_usd_per_hour=200_000, least_system_machines=2),
    )


def test_a_region_without_a_system_machine_sells_nothing_and_is_still_told():
    """The market is there, with its offers and reasons; pools and site are not."""
    facts = replace(
        FACTS, offers=tuple(one for one in FACTS.offers if one.machine != "m7i.xlarge" or one.region == WEST)
    )
    found = sold(spec_of(CHAT_70B, regions=(REGION, WEST)), facts)
    assert {pool.region for pool in found.pools} == {WEST}
    assert [site.region for site in found.sites] == [WEST]
    assert [one.region for one in found.markets] == [REGION, WEST]


def test_machines_of_another_cloud_are_left_out():
    found = supply(spec_of(CHAT_70B), FACTS, cloud=Cloud.AWS, machines=[*MACHINES, TPU_NODE])
    assert {pool.machine for pool in found.pools} == {"p5.48xlarge", "p5.4xlarge"}


def test_a_reservation_is_a_pool_of_its_own_with_as_many_machines_as_there_are():
    """Paid anyway, so at no price; beside the pools on demand of the same zone."""
    found = sold(replace(spec_of(CHAT_70B), reservations=(RESERVED,)))
    pool = one_pool(found, PurchaseMode.RESERVATION)
    assert (pool.name, pool.zone, pool.most, pool.micro_usd_per_hour, pool.only_for) == (
        "cr-base",
        "use1-az4",
        3,
        0,
        None,
    )
    assert pool.is_kept
    assert found.offers[pool][1].provenance.source == "reservation cr-base, as the stack tells"
    priced = replace(RESERVED, usd_per_hour=40.5)
    assert (
        one_pool(sold(replace(spec_of(CHAT_70B), reservations=(priced,))), PurchaseMode.RESERVATION).micro_usd_per_hour
        == 40_500_000
    )


def test_a_capacity_block_costs_its_fee_over_its_hours_and_carries_who_is_needed_within():
    """16,800 USD for 2 machines over 7 x 24 hours: 50 USD an hour each; whoever is needed longer cannot stand there."""
    inside = replace(CHAT_70B, name="inside", needed=Window(start=date(2026, 12, 2), until=date(2026, 12, 8)))
    longer = replace(CHAT_70B, name="longer", needed=Window(start=date(2026, 12, 2), until=date(2026, 12, 9)))
    found = sold(replace(spec_of(inside, longer, CHAT_70B), capacity_blocks=(BLOCK,)))
    pool = one_pool(found, PurchaseMode.CAPACITY_BLOCK)
    assert (pool.name, pool.most, pool.micro_usd_per_hour) == ("cr-week", 2, 50_000_000)
    assert pool.only_for == frozenset({"inside"})


def test_flex_start_pools_are_for_those_that_may_use_them():
    flexible = replace(
        CHAT_70B,
        name="flexible",
        needed=FIRST_WEEK,
        allowed=replace(CHAT_70B.allowed, purchase=(PurchaseMode.ON_DEMAND, PurchaseMode.FLEX_START)),
    )
    flex = bought(offer(H100_NODE, 40.0, zones=("use1-az1",)), PurchaseMode.FLEX_START)
    facts = replace(FACTS, offers=(*FACTS.offers, flex))
    found = sold(spec_of(flexible, CHAT_70B), facts)
    assert one_pool(found, PurchaseMode.FLEX_START).only_for == frozenset({"flexible"})
    assert {pool.only_for for pool in found.pools if pool.mode is PurchaseMode.ON_DEMAND} == {None}


def test_commitments_are_those_of_the_terms_that_may_be_bought_at_known_prices():
    """H100_SINGLE has no known price for three years; no term is allowed unless the spec names it."""
    assert sold(spec_of(CHAT_70B)).commitments == ()
    both = Commitments(terms=(PurchaseMode.COMMITTED_1Y, PurchaseMode.COMMITTED_3Y))
    found = sold(replace(spec_of(CHAT_70B, regions=(REGION, WEST)), commitments=both)).commitments
    assert [(one.machine, one.region, one.mode, one.micro_usd_per_hour) for one in found] == [
        ("p5.48xlarge", REGION, PurchaseMode.COMMITTED_1Y, 33_000_000),
        ("p5.48xlarge", REGION, PurchaseMode.COMMITTED_3Y, 24_000_000),
        ("p5.48xlarge", WEST, PurchaseMode.COMMITTED_1Y, 33_000_000),
    ]
    assert {(one.owned, one.most) for one in found} == {(0, None)}


def test_an_owned_commitment_costs_nothing_more_and_cannot_be_bought():
    owned = OwnedCommitment(cloud=Cloud.AWS, machine="p5.48xlarge", region=REGION, machines=4)
    found = sold(replace(spec_of(CHAT_70B), commitments=Commitments(owned=(owned,))))
    assert found.commitments == (
        Commitment(
            machine="p5.48xlarge",
            region=REGION,
            mode=PurchaseMode.COMMITTED_1Y,
            micro_usd_per_hour=0,
            owned=4,
            most=0,
        ),
    )


def test_what_is_owned_of_a_term_stands_beside_what_may_be_bought_of_it():
    """Four machines are paid for three years anyway, and more may be at 24 USD an hour: one commitment, not two."""
    owned = OwnedCommitment(
        cloud=Cloud.AWS, machine="p5.48xlarge", region=REGION, machines=4, term=PurchaseMode.COMMITTED_3Y
    )
    told = Commitments(terms=(PurchaseMode.COMMITTED_3Y,), owned=(owned,))
    (found,) = sold(replace(spec_of(CHAT_70B), commitments=told)).commitments
    assert (found.mode, found.micro_usd_per_hour, found.owned, found.most) == (
        PurchaseMode.COMMITTED_3Y,
        24_000_000,
        4,
        None,
    )


def limited(*quotas: tuple[str, str | None, int], **changes: object) -> Spec:
    """The chat workload, on demand and on spot, under quotas."""
    chat = replace(CHAT_70B, allowed=replace(CHAT_70B.allowed, spot_share=0.5))
    told = tuple(QuotaLimit(cloud=Cloud.AWS, quota=name, region=region, limit=most) for name, region, most in quotas)
    return replace(spec_of(chat, regions=(REGION, WEST)), quotas=told, **changes)  # type: ignore[arg-type]


def test_a_quota_counts_in_its_own_unit_over_the_pools_of_its_region_and_mode():
    """P5 on demand in us-east-1: 192 vCPUs of the node of eight, 16 of the single one, in each of three zones."""
    (found,) = sold(limited(("P", REGION, 384))).quotas
    assert (found.name, found.limit) == ("P in us-east-1", 384)
    assert sorted((pool.zone, pool.machine, units) for pool, units in found.units) == sorted(
        (zone, name, units)
        for zone in ("use1-az1", "use1-az2", "use1-az4")
        for name, units in (("p5.48xlarge", 192), ("p5.4xlarge", 16))
    )
    assert {pool.mode for pool, _ in found.units} == {PurchaseMode.ON_DEMAND}


def test_a_global_quota_counts_all_regions():
    """In GPUs: eight and one of the region's machines, eight of the other region's; on demand and on spot."""
    (found,) = sold(limited(("ALL", None, 64))).quotas
    assert found.name == "ALL"
    assert {pool.region for pool, _ in found.units} == {REGION, WEST}
    assert {units for _, units in found.units} == {8, 1}
    assert {pool.mode for pool, _ in found.units} == {PurchaseMode.ON_DEMAND, PurchaseMode.SPOT}


def test_a_reservation_takes_its_part_of_the_quota_used_or_not():
    """3 x 192 = 576 of 960 vCPUs are held: 384 are left for machines on demand, and the reservation takes no more."""
    (found,) = sold(limited(("P", REGION, 960), reservations=(RESERVED,))).quotas
    assert found.limit == 384
    assert {pool.mode for pool, _ in found.units} == {PurchaseMode.ON_DEMAND}
    (short,) = sold(limited(("P", REGION, 100), reservations=(RESERVED,))).quotas
    assert short.limit == 0


def test_a_quota_that_is_not_told_and_one_that_counts_nothing_here_limit_nothing():
    assert sold(limited()).quotas == ()
    assert sold(limited(("SPOT", WEST, 10))).quotas == ()


@pytest.mark.parametrize("cloud", list(Cloud))
def test_a_pool_tells_how_many_machines_run_today(cloud: Cloud):
    """The plan of today has two p5.48xlarge in use1-az4; a plan on another cloud has none here."""
    name = pool_name("p5.48xlarge", "use1-az4", PurchaseMode.ON_DEMAND)
    today = replace(
        CHAT_PLAN, cloud=cloud, node_pools=(replace(CHAT_PLAN.node_pools[0], name=name, nodes=2, zone="use1-az4"),)
    )
    found = sold(spec_of(CHAT_70B), current=today)
    running = {pool.zone: pool.running for pool in found.pools if pool.machine == "p5.48xlarge"}
    assert running == {"use1-az1": 0, "use1-az2": 0, "use1-az4": 2 if cloud is Cloud.AWS else 0}


def test_how_the_spec_lists_what_the_account_has_decides_nothing():
    """Lists turned round: the same pools, quotas and commitments in the same order."""
    more = [replace(RESERVED, name=f"cr-{letter}") for letter in "bac"]
    owned = tuple(
        OwnedCommitment(cloud=Cloud.AWS, machine=name, region=REGION, machines=1)
        for name in ("p5.48xlarge", "p5.4xlarge")
    )
    week = replace(CHAT_70B, needed=FIRST_WEEK, allowed=replace(CHAT_70B.allowed, spot_share=0.5))
    quotas = tuple(QuotaLimit(cloud=Cloud.AWS, quota=name, region=REGION, limit=1000) for name in ("SPOT", "P"))
    blocks = (BLOCK, replace(BLOCK, name="cr-a-week"))
    found = []
    for step in (1, -1):
        spec = replace(
            spec_of(week),
            quotas=quotas[::step],
            reservations=tuple(more)[::step],
            capacity_blocks=blocks[::step],
            commitments=Commitments(terms=TERMS[::step], owned=owned[::step]),
        )
        sale = sold(spec)
        found.append((sale.pools, sale.quotas, sale.commitments, sale.sites))
    assert found[0] == found[1]
    assert len(found[0][0]) == 6 + 3 + 3 + 2  # on demand, on spot, reserved, in blocks


def test_names_of_pools_tell_apart_what_stands_in_one_zone():
    """On demand, on spot, flexible, and each reservation: five node groups of one machine type."""
    names = [
        pool_name("p5.48xlarge", "use1-az4", PurchaseMode.ON_DEMAND),
        pool_name("p5.48xlarge", "use1-az4", PurchaseMode.SPOT),
        pool_name("p5.48xlarge", "use1-az4", PurchaseMode.FLEX_START),
        pool_name("p5.48xlarge", "use1-az4", PurchaseMode.RESERVATION, "cr-base"),
        pool_name("p5.48xlarge", "use1-az4", PurchaseMode.RESERVATION, "cr-more"),
    ]
    assert names[2:4] == ["p5-48xlarge-use1-az4-flex", "p5-48xlarge-use1-az4-cr-base"]
    assert len(set(names)) == 5
    shared = pool_name("a3-highgpu-8g", "us-a", PurchaseMode.RESERVATION, "projects/p/reservations/r")
    assert shared.rpartition("-")[0] == "a3-highgpu-8g-us-a-projects-p-reservations-r"[:33]  # and six of a digest
