"""The bill as text, from hand-made lines."""

from __future__ import annotations

from dataclasses import replace

from infra.cost import cost_change
from infra.cost.bill import Cost, CostGroup, CostKind, CostLine
from infra.render.cost import cost_lines, merged
from tests.resources import urn_of

MACHINES = CostLine(
    item="p5.48xlarge on demand",
    group=CostGroup.MACHINE,
    urn=urn_of("aws:eks/nodeGroup:NodeGroup", "p5"),
    resource="p5",
    quantity=2,
    unit="hour",
    usd_per_unit=55.04,
    usd_per_hour=110.08,
    kind=CostKind.FIXED,
    source="AWS price list",
    as_of="2026-07-20",
)
NAT = tuple(
    replace(
        MACHINES,
        item="NAT gateway",
        group=CostGroup.NETWORK,
        urn=urn_of("aws:ec2/natGateway:NatGateway", f"nat-{zone}"),
        quantity=1,
        usd_per_unit=0.045,
        usd_per_hour=0.045,
        source="VPC prices",
        as_of="2026-10",
    )
    for zone in "abc"
)
DISKS = replace(
    MACHINES,
    item="gp3 disk",
    group=CostGroup.DISK,
    quantity=400.0,
    unit="GB-month",
    usd_per_unit=0.08,
    usd_per_hour=400 * 0.08 / 730,
)
NAT_DATA = replace(NAT[0], item="NAT data", kind=CostKind.USAGE, quantity=None, unit="GB", usd_per_hour=None)
KEY = replace(
    NAT[0],
    item="KMS key",
    urn=urn_of("aws:kms/key:Key", "key"),
    unit="key-month",
    usd_per_unit=None,
    usd_per_hour=None,
    source="",
    as_of="",
)


def shown(before: tuple[CostLine, ...] | None, after: tuple[CostLine, ...]) -> list[str]:
    change = cost_change(None if before is None else Cost(lines=before), Cost(lines=after))
    return cost_lines(change, has_base=before is not None)


def test_a_new_bill_line_by_line() -> None:
    """3 x 0.045 = 0.135 USD/h; 400 GB x 0.08 = 32 USD a month; 110.08 + 0.135 + 0.0438 = 110.26 USD/h."""
    assert shown(None, (*NAT, MACHINES, DISKS, NAT_DATA, KEY)) == [
        "cost                                 each   USD/h  USD/month",
        "  + 2 x p5.48xlarge on demand       55.04  110.08  80,358.40 [1]",
        "  + 3 x NAT gateway                 0.045    0.14      98.55 [2]",
        "  + 400 GB gp3 disk            0.08/month    0.04      32.00 [1]",
        "  total                                    110.26  80,488.95",
        "",
        "  by use, not in the total",
        "    NAT data  0.045 USD/GB [2]",
        "",
        "  price not known, not in the total",
        "    no source tells the price: KMS key",
        "",
        "  prices as of, from",
        "    [1] 2026-07-20: AWS price list",
        "    [2] 2026-10: VPC prices",
    ]


def test_a_change_shows_what_moved_and_counts_the_rest() -> None:
    """One machine more is 55.04 USD/h and 40,179.20 a month; three gateways at 0.045 and a key stay as they are."""
    more = replace(MACHINES, quantity=3, usd_per_hour=165.12)
    assert shown((MACHINES, *NAT, NAT_DATA, KEY), (more, *NAT, NAT_DATA, KEY)) == [
        "cost, USD/h                         before   after  change   per month",
        "  ~ 2 -> 3 x p5.48xlarge on demand  110.08  165.12  +55.04  +40,179.20 [1]",
        "    3 lines unchanged                 0.14    0.14",
        "  total                             110.22  165.26  +55.04  +40,179.20",
        "",
        "  price not known, not in the total",
        "    1 as before",
        "",
        "  prices as of, from",
        "    [1] 2026-07-20: AWS price list",
    ]


def test_a_long_source_is_told_whole() -> None:
    """Where a price is from is of use only where it can be found again."""
    source = "cloud.google.com/kubernetes-engine/pricing: a flat fee, whatever the mode, size or topology of a cluster"
    lines = shown(None, (replace(MACHINES, source=source, as_of="2026 (page copy, undated)"),))
    assert source in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80


def test_unknown_prices_of_one_thing_are_counted() -> None:
    """Two keys whose price nobody tells are two prices that are not known."""
    unknown = replace(KEY, quantity=None)
    assert "    no source tells the price: 2 x KMS key" in shown(None, (unknown, unknown))


def test_what_comes_and_what_goes() -> None:
    """A pool that leaves has nothing after, a gateway that comes nothing before."""
    assert shown((MACHINES,), (NAT[0],))[:4] == [
        "cost, USD/h                    before  after   change   per month",
        "  + 1 x NAT gateway              0.00   0.05    +0.05      +32.85 [1]",
        "  - 2 x p5.48xlarge on demand  110.08   0.00  -110.08  -80,358.40 [2]",
        "  total                        110.08   0.05  -110.04  -80,325.55",
    ]


def test_a_price_that_is_not_known_is_never_zero() -> None:
    """Neither in the row, nor in the difference."""
    unknown = replace(MACHINES, item="p5.48xlarge capacity block", usd_per_unit=None, usd_per_hour=None)
    assert "  + 2 x p5.48xlarge capacity block    0.00  not known  not known" in "\n".join(
        shown((NAT[0],), (NAT[0], unknown))
    )


def test_a_new_unknown_says_why_and_how_many() -> None:
    """Two new keys without a price, one with a reason of its own."""
    other = replace(KEY, item="load balancer", urn=urn_of("x", "lb"), note="no price in eu-west-1")
    second = replace(KEY, urn=urn_of("aws:kms/key:Key", "second"))
    assert shown((KEY,), (KEY, second, other))[-4:] == [
        "  price not known, not in the total",
        "    no source tells the price: KMS key",
        "    no price in eu-west-1: load balancer",
        "    1 as before",
    ]


def test_lines_that_say_the_same_are_one() -> None:
    """Three gateways in three zones: one row of three; another price is another row."""
    dearer = replace(NAT[2], usd_per_unit=0.05, usd_per_hour=0.05)
    assert [(x.quantity, x.usd_per_hour) for x in merged((*NAT[:2], dearer))] == [(2, 0.09), (1, 0.05)]


def test_the_note_of_a_machine_stands_under_it() -> None:
    """That a spot price is an expectation is read beside the figure."""
    spot = replace(MACHINES, note="expected spot price")
    assert shown(None, (spot,))[2].strip() == "expected spot price"


def test_no_line_is_wider_than_the_screen() -> None:
    """Long items and long sources lose their middle."""
    long = replace(MACHINES, item="m" * 120, source="s" * 200)
    assert max(map(len, shown(None, (long, NAT_DATA)))) <= 80
    assert max(map(len, shown((long,), (replace(long, quantity=3, usd_per_hour=165.12),)))) <= 80
