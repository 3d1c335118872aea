"""EFA interfaces sit where each machine has them: checked for every machine of the catalog that has EFA."""

from __future__ import annotations

import pytest

from components.aws.efa import Interface, efa_layout, interfaces
from sizing.catalog import catalog
from sizing.catalog.machine import Cloud
from sizing.errors import UnknownFact

EFA_MACHINES = tuple(
    machine
    for machine in catalog().machines
    if machine.cloud is Cloud.AWS and machine.fabric == "efa" and machine.accelerators
)

# awslabs/awsome-distributed-ai, eks-add-gpu-nodegroup.yaml, NicLayout: cards, EFA interfaces, EFA on card 0, device
# index of the later cards.
PUBLISHED = {
    "p4d.24xlarge": (4, 4, True, 1),
    "p4de.24xlarge": (4, 4, True, 1),
    "p5.48xlarge": (32, 32, True, 1),
    "p5en.48xlarge": (16, 16, True, 1),
    "p6-b200.48xlarge": (8, 8, True, 1),
    "p6-b300.48xlarge": (17, 16, False, 0),
    "g6e.12xlarge": (1, 1, True, 1),
    "g6e.48xlarge": (4, 4, True, 1),
    "g7e.12xlarge": (1, 1, True, 1),
    "g7e.24xlarge": (2, 2, True, 1),
    "g7e.48xlarge": (4, 4, True, 1),
    "g7.12xlarge": (1, 1, True, 1),
    "g7.24xlarge": (1, 1, True, 1),
    "g7.48xlarge": (2, 2, True, 1),
    "g5.12xlarge": (1, 1, True, 1),
    "g4dn.8xlarge": (1, 1, True, 1),
}


@pytest.mark.parametrize("machine", PUBLISHED)
def test_the_layout_is_the_published_one(machine):
    """AWS's own template is the source for what the API does not tell."""
    layout = efa_layout(machine)
    found = (layout.cards, layout.efa_interfaces, layout.first_card_has_efa, layout.device_of_later_cards)
    assert found == PUBLISHED[machine]


@pytest.mark.parametrize("machine", EFA_MACHINES, ids=lambda machine: machine.name)
def test_every_machine_of_the_catalog_with_efa_has_a_layout(machine):
    """Cards and EFA interfaces agree with EC2's own figures."""
    layout = efa_layout(machine.name)
    assert layout.cards == machine.network_cards
    assert layout.efa_interfaces == machine.fabric_interfaces


@pytest.mark.parametrize("machine", EFA_MACHINES, ids=lambda machine: machine.name)
def test_only_the_first_interface_has_an_address(machine):
    """Later ones are efa-only: plain efa would take an address each, and keeps nodes from joining."""
    first, *later = interfaces(machine.name)
    assert (first.card, first.device) == (0, 0)
    assert {one.type for one in later} <= {"efa-only"}
    assert [one.card for one in later] == list(range(1, machine.network_cards))


def test_card_0_of_p6_b300_carries_no_efa():
    """17 cards: a plain interface first, then 16 with EFA, each the first device of its card."""
    first, *later = interfaces("p6-b300.48xlarge")
    assert first == Interface(card=0, device=0, type="interface")
    assert later == [Interface(card=card, device=0, type="efa-only") for card in range(1, 17)]


def test_a_machine_without_a_layout_is_refused():
    """Guessed interfaces make nodes that never join."""
    with pytest.raises(UnknownFact, match=r"p9\.48xlarge"):
        interfaces("p9.48xlarge")
