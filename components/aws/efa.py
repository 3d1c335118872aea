"""
How many EFA interfaces a machine takes and where they sit: what EC2's API does not tell, as a table.

Two facts are missing from describe-instance-types: that card 0 of p6-b300 carries no EFA, and the device index of the
interfaces on the cards after the first. Getting either wrong leaves nodes that never join the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sizing.errors import UnknownFact

# Layouts of the first group are in awslabs/awsome-distributed-ai, eks-add-gpu-nodegroup.yaml (mapping NicLayout), as of
# 2026-02. The others have as many EFA interfaces as network cards (EC2 describe-instance-types, 2026), which leaves one
# layout: EFA on every card.
_CARDS_WITH_EFA_ON_EACH: Mapping[str, int] = {
    "p4d.24xlarge": 4,
    "p4de.24xlarge": 4,
    "p5.48xlarge": 32,
    "p5en.48xlarge": 16,
    "p6-b200.48xlarge": 8,
    "g6e.12xlarge": 1,
    "g6e.48xlarge": 4,
    "g7e.12xlarge": 1,
    "g7e.24xlarge": 2,
    "g7e.48xlarge": 4,
    "g7.12xlarge": 1,
    "g7.24xlarge": 1,
    "g7.48xlarge": 2,
    "g5.12xlarge": 1,
    "g4dn.8xlarge": 1,
    # From here on: cards and interfaces agree, and the device index is that of every such machine above.
    "g4dn.12xlarge": 1,
    "g4dn.16xlarge": 1,
    "g4dn.metal": 1,
    "g5.8xlarge": 1,
    "g5.16xlarge": 1,
    "g5.24xlarge": 1,
    "g5.48xlarge": 1,
    "g6.8xlarge": 1,
    "g6.12xlarge": 1,
    "g6.16xlarge": 1,
    "g6.24xlarge": 1,
    "g6.48xlarge": 1,
    "g6e.8xlarge": 1,
    "g6e.16xlarge": 1,
    "g6e.24xlarge": 2,
    "g7.8xlarge": 1,
    "g7e.8xlarge": 1,
    "gr6.8xlarge": 1,
    "inf1.24xlarge": 1,
    "p3dn.24xlarge": 1,
    "p5.4xlarge": 1,
    "p5e.48xlarge": 32,
    "trn1.32xlarge": 8,
    "trn1n.32xlarge": 16,
    "trn2.3xlarge": 1,
    "trn2.48xlarge": 16,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One network interface of a launch template."""

    card: int
    device: int
    type: str  # interface: plain; efa: IP and EFA; efa-only: EFA without an IP address


@dataclass(frozen=True, slots=True, kw_only=True)
class EfaLayout:
    """Network cards of a machine and the EFA on them."""

    cards: int
    first_card_has_efa: bool
    device_of_later_cards: int

    @property
    def efa_interfaces(self) -> int:
        """Interfaces that carry EFA."""
        return self.cards if self.first_card_has_efa else self.cards - 1


_P6_B300 = EfaLayout(cards=17, first_card_has_efa=False, device_of_later_cards=0)


def efa_layout(machine: str) -> EfaLayout:
    """
    Where the EFA interfaces of *machine* sit.

    Raises:
        UnknownFact: If the machine is not in the table; a guess would make nodes that never join.
    """
    if machine == "p6-b300.48xlarge":
        return _P6_B300
    cards = _CARDS_WITH_EFA_ON_EACH.get(machine)
    if cards is None:
        raise UnknownFact(kind="EFA layout", name=machine)
    return EfaLayout(cards=cards, first_card_has_efa=True, device_of_later_cards=1)


def interfaces(machine: str) -> tuple[Interface, ...]:
    """
    The interfaces of a node, card by card.

    Only the first has an IP address: with plain `efa` on the others the node's bootstrap would configure each as an
    IP interface, and each would take an address of the subnet.
    """
    layout = efa_layout(machine)
    first = Interface(card=0, device=0, type="efa" if layout.first_card_has_efa else "interface")
    later = [
        Interface(card=card, device=layout.device_of_later_cards, type="efa-only") for card in range(1, layout.cards)
    ]
    return (first, *later)


def layout_mistakes(machine: str, found: Sequence[Interface]) -> Iterator[tuple[int, str]]:
    """
    What is wrong with the interfaces of a launch template: the place of each wrong one, and what would be right.

    Two layouts work: EFA with an address on card 0 (plain on p6-b300) and EFA on each later card, which is ours; and a
    plain interface at device 0 of card 0, `efa-only` at its device 1, and `efa-only` at device 0 of each later card
    (terraform-aws-eks#3653).

    Raises:
        UnknownFact: If the machine is not in the table.
    """
    layout = efa_layout(machine)
    split = layout.first_card_has_efa and Interface(card=0, device=1, type="efa-only") in found
    later = 0 if split else layout.device_of_later_cards
    first = {(0, "interface"), (1, "efa-only")} if split else {(0, "efa" if layout.first_card_has_efa else "interface")}
    seen: set[tuple[int, int]] = set()
    for place, one in enumerate(found):
        if one.card >= layout.cards:
            yield place, f"network card {one.card}, but {machine} has {layout.cards}"
        elif one.card == 0 and (one.device, one.type) not in first:
            yield place, f"{one.type} at device {one.device} of card 0; {machine} takes {_spelled(first)}"
        elif one.card > 0 and (one.device != later or one.type not in {"efa", "efa-only"}):
            yield place, f"{one.type} at device {one.device} of card {one.card}; {machine} takes efa-only at {later}"
        elif (one.card, one.device) in seen:
            yield place, f"device {one.device} of card {one.card} a second time"
        seen.add((one.card, one.device))


def _spelled(places: set[tuple[int, str]]) -> str:
    return " and ".join(f"{kind} at {device}" for device, kind in sorted(places))
