"""What one region sells: priced, orderable, in known zones that may be used; the rest is told with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from sizing.allocation.buying.market import market
from sizing.catalog import Cloud, PurchaseMode, catalog
from sizing.spec.capacity import CapacityBlock, Commitments, Reservation
from sizing.spec.schedule import Window
from tests.markets import (
    CHAT_70B,
    H100_NODE,
    REGION,
    SMALL_MARKET,
    ZONES,
    catalog_of,
    machine,
    offer,
    spec_of,
)


def reason(*offers, spec=None) -> str:
    """Why p5.48xlarge cannot be bought on demand where these are its offers."""
    facts = catalog_of([H100_NODE], [*offers, offer(machine("other"), 1.0)])
    sold = market(spec or spec_of(CHAT_70B), facts, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert not sold.offers
    return sold.unsold[0].miss.text


def test_an_unknown_price_is_not_zero():
    """The offer exists, but nothing tells what it costs: it cannot be chosen."""
    assert reason(offer(H100_NODE, None)) == "price unknown in us-east-1"


def test_a_list_price_that_nobody_can_order_at_is_no_offer():
    """As with a3-ultragpu-8g: a price is listed, on-demand sale is not."""
    assert reason(offer(H100_NODE, 74.49, orderable=False)) == "not sold on demand in us-east-1"


def test_other_ways_of_sale_are_named():
    """P5e is sold as capacity blocks and spot only."""
    block = replace(offer(H100_NODE, 30.0), mode=PurchaseMode.CAPACITY_BLOCK)
    assert reason(block) == "not sold on demand in us-east-1, only as capacity block"


def test_unknown_zones_cannot_be_placed_in():
    """Where the machine stands is not known, so no pool can be made."""
    assert reason(offer(H100_NODE, 55.04, zones=())) == "zones unknown in us-east-1"


def test_a_machine_that_is_sold_elsewhere_is_not_offered_here():
    """Its only offer is in another region."""
    assert reason(offer(H100_NODE, 55.04, region="us-west-2")) == "not offered in us-east-1"


def test_zones_of_the_spec_bound_the_pools():
    """Offered in az1 and az2, allowed in az2 only."""
    spec = spec_of(CHAT_70B, zones=("use1-az2",))
    facts = catalog_of([H100_NODE], [offer(H100_NODE, 55.04, zones=("use1-az1", "use1-az2"))])
    sold = market(spec, facts, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert [one.zones for _, one in sold.offers] == [("use1-az2",)]
    assert "of which none may be used" in reason(offer(H100_NODE, 55.04, zones=("use1-az1",)), spec=spec)


def test_spot_is_for_sale_only_where_a_workload_may_use_it():
    """SMALL_MARKET sells p5.48xlarge both ways."""
    modes = []
    for share in (0.0, 0.3):
        spec = spec_of(replace(CHAT_70B, allowed=replace(CHAT_70B.allowed, spot_share=share)))
        sold = market(spec, SMALL_MARKET, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
        modes.append([one.mode for _, one in sold.offers])
    assert modes == [[PurchaseMode.ON_DEMAND], [PurchaseMode.ON_DEMAND, PurchaseMode.SPOT]]


def test_the_system_machine_is_the_cheapest_that_carries_cluster_services():
    """In us-east-1: m7i.xlarge, 4 vCPU and 16 GiB at 0.2016 USD/h; t3.large has 2 vCPU, m7g.xlarge is Arm."""
    sold = market(spec_of(CHAT_70B), catalog(), cloud=Cloud.AWS, region="us-east-1", machines=[])
    assert sold.system is not None
    assert sold.system[0].name == "m7i.xlarge"
    assert sold.system[1].usd_per_hour == pytest.approx(0.2016)


def test_no_network_in_a_zone_without_control_plane():
    """EKS takes no cluster subnets in use1-az3."""
    sold = market(spec_of(CHAT_70B), catalog(), cloud=Cloud.AWS, region="us-east-1", machines=[])
    assert "use1-az3" not in sold.zones
    assert set(ZONES) <= set(sold.zones)


def test_flex_start_is_for_sale_to_workloads_that_end_within_seven_days():
    """Google takes the machines back after seven days; eight are too many, and who does not name the way gets none."""
    flex = replace(offer(H100_NODE, 40.0), mode=PurchaseMode.FLEX_START)
    facts = catalog_of([H100_NODE], [offer(H100_NODE, 55.04), flex])
    found = []
    for days, purchase in ((7, (PurchaseMode.FLEX_START,)), (8, (PurchaseMode.FLEX_START,)), (7, ())):
        needed = Window(start=date(2026, 12, 1), until=date(2026, 12, 1 + days))
        chat = replace(CHAT_70B, needed=needed, allowed=replace(CHAT_70B.allowed, purchase=purchase))
        sold = market(spec_of(chat), facts, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
        found.append([one.mode for _, one in sold.offers])
    plain = [PurchaseMode.ON_DEMAND]
    assert found == [[*plain, PurchaseMode.FLEX_START], plain, plain]


def test_what_is_held_where_the_network_may_not_go_is_told_and_not_used():
    """The spec allows az2 only, and the reservation lies in az1."""
    held = Reservation(name="cr-1", cloud=Cloud.AWS, machine="p5.48xlarge", region=REGION, zone="use1-az1", machines=4)
    spec = replace(spec_of(CHAT_70B, zones=("use1-az2",)), reservations=(held,))
    sold = market(spec, SMALL_MARKET, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert sold.held == ()
    assert sold.unused == ("reservation cr-1 is not used: it lies in use1-az1, which the network may not span",)


def test_what_is_held_of_machines_that_carry_no_workload_is_told_and_not_used():
    """Only the machine types that could carry one are given, and p4de.24xlarge is none of them."""
    held = Reservation(
        name="cr-1", cloud=Cloud.AWS, machine="p4de.24xlarge", region=REGION, zone="use1-az1", machines=4
    )
    spec = replace(spec_of(CHAT_70B), reservations=(held,))
    sold = market(spec, SMALL_MARKET, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert sold.held == ()
    assert sold.unused == ("reservation cr-1 is not used: no workload can run on p4de.24xlarge",)


def test_a_block_for_days_on_which_no_workload_is_needed_alone_is_told_and_not_used():
    """A workload that is needed always cannot stand on machines that are there for a week."""
    week = Window(start=date(2026, 12, 1), until=date(2026, 12, 8))
    block = CapacityBlock(
        name="cr-2",
        cloud=Cloud.AWS,
        machine="p5.48xlarge",
        region=REGION,
        zone="use1-az1",
        machines=2,
        window=week,
        upfront_usd=10_000,
    )
    spec = replace(spec_of(CHAT_70B), capacity_blocks=(block,))
    sold = market(spec, SMALL_MARKET, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert sold.held == ()
    (unused,) = sold.unused
    assert unused == (
        "capacity block cr-2 is not used: it is there from 2026-12-01 until 2026-12-08, "
        "and no workload is needed within these days only"
    )


def test_ways_to_buy_that_no_price_is_known_of_are_told_and_not_used():
    """Flex-start and a term of three years are allowed, and the facts tell of neither; one year has its price."""
    chat = replace(
        CHAT_70B,
        needed=Window(start=date(2026, 12, 1), until=date(2026, 12, 8)),
        allowed=replace(CHAT_70B.allowed, purchase=(PurchaseMode.ON_DEMAND, PurchaseMode.FLEX_START)),
    )
    terms = Commitments(terms=(PurchaseMode.COMMITTED_1Y, PurchaseMode.COMMITTED_3Y))
    year = replace(offer(H100_NODE, 33.0), mode=PurchaseMode.COMMITTED_1Y)
    facts = catalog_of([H100_NODE], [offer(H100_NODE, 55.04), year])
    spec = replace(spec_of(chat), commitments=terms)
    sold = market(spec, facts, cloud=Cloud.AWS, region=REGION, machines=[H100_NODE])
    assert sold.unused == (
        "flex_start is not used in us-east-1: no price of it is known there",
        "nothing is committed to for 3y in us-east-1: no price of it is known there",
    )
