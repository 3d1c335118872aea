"""What one region sells: priced, orderable, in known zones that may be used; the rest is told with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation.market import market
from sizing.catalog import Cloud, PurchaseMode, catalog
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
