"""Names of pools and deployments: stable, and legal in both clouds."""

from __future__ import annotations

import re
from dataclasses import replace

from sizing.allocation.buying.names import MOST_CHARACTERS, deployment_name, keeps_plain_names, pool_name
from sizing.catalog import PurchaseMode, catalog
from tests.examples import AWS_TWO_REGIONS

LEGAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # RFC 1035, what GKE asks of a node pool


def test_a_pool_is_called_after_machine_zone_and_spot():
    """Dots are dashes; on demand is not said."""
    assert pool_name("p5.48xlarge", "use1-az4", PurchaseMode.ON_DEMAND) == "p5-48xlarge-use1-az4"
    assert pool_name("g6e.2xlarge", "use1-az1", PurchaseMode.SPOT) == "g6e-2xlarge-use1-az1-spot"


def test_a_deployment_on_spot_says_so():
    """The part on demand has the workload's own name."""
    assert deployment_name("chat", PurchaseMode.ON_DEMAND) == "chat"
    assert deployment_name("chat", PurchaseMode.SPOT) == "chat-spot"


def test_every_pool_that_the_catalog_could_need_has_a_legal_name_of_its_own():
    """All machines, zones and both modes: at most 40 characters, and no two pools of one region share a name."""
    for cloud_region, zones in catalog().zones_by_region.items():
        places = [
            (machine.name, zone, mode)
            for machine in catalog().machines
            if machine.cloud is cloud_region[0]
            for zone in zones
            for mode in (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
        ]
        names = {pool_name(*place) for place in places}
        assert len(names) == len(places)
        assert all(LEGAL.fullmatch(name) and len(name) <= MOST_CHARACTERS for name in names)


def test_names_that_were_given_stay() -> None:
    """Plain at home, by region elsewhere, and by region still when that site becomes home; a new region is plain."""
    west = AWS_TWO_REGIONS.elsewhere[0].region
    assert keeps_plain_names("us-east-1", None)
    assert keeps_plain_names("us-east-1", AWS_TWO_REGIONS)
    assert not keeps_plain_names(west, AWS_TWO_REGIONS)
    moved = replace(AWS_TWO_REGIONS.at(AWS_TWO_REGIONS.elsewhere[0]), plain_home=False)
    assert not keeps_plain_names(west, moved)
    assert keeps_plain_names("eu-west-1", moved)
