"""The bill as text, from hand-made lines."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.cost import Cost, CostGroup, CostKind, CostLine, Share, cost_change
from infra.render.amounts import merged, printed_bill
from infra.render.cost import cost_lines
from sizing.figures import cents, money, whole_cents
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
    has_base = before is not None
    return cost_lines(change, printed_bill(change, has_base=has_base), has_base=has_base)


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
        "  total                        110.08   0.05  -110.03  -80,325.55",
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


def test_what_is_paid_once_stands_apart() -> None:
    """A plan of 50,000 USD is in no total; of a block that is paid by hours nobody knows, the rate is told."""
    plan = replace(
        NAT[0],
        item="Savings Plan",
        kind=CostKind.UPFRONT,
        unit="plan",
        usd_per_unit=50_000,
        usd_per_hour=None,
        upfront_usd=50_000,
        source="",
    )
    block = replace(
        MACHINES,
        item="p5en.48xlarge capacity block",
        kind=CostKind.UPFRONT,
        quantity=None,
        usd_per_unit=41.6,
        usd_per_hour=None,
        note="for each machine and hour of the block",
    )
    lines = shown(None, (NAT[0], plan, block))
    assert lines[1:9] == [
        "  + 1 x NAT gateway  0.045   0.05      32.85 [1]",
        "  total                      0.05      32.85",
        "",
        "  paid once, at purchase, not in the total",
        "    1 x Savings Plan                           50,000.00 USD",
        "    p5en.48xlarge capacity block              41.60 USD/hour [2]",
        "      for each machine and hour of the block",
        "",
    ]


def test_workloads_have_their_part_of_the_total() -> None:
    """Two p5 of chat, three quarters of their disks too; what has no share is shared."""
    chat, code = Share(workload="chat", part=0.75), Share(workload="code", part=0.25)
    lines = shown(
        None, (replace(MACHINES, shares=(replace(chat, part=1.0),)), replace(DISKS, shares=(chat, code)), *NAT)
    )
    at = next(at for at, line in enumerate(lines) if line.startswith("  total"))
    assert lines[at : at + 4] == [
        "  total                                    110.26  80,488.95",
        "    for chat                               110.11  80,382.40",
        "    for code                                 0.01       8.00",
        "    shared                                   0.14      98.55",
    ]


def test_a_missing_price_leaves_the_change_open() -> None:
    """2 x p5 for a machine that nobody prices: neither row has a change, and the total says what it leaves out."""
    unheard = replace(MACHINES, item="p9.48xlarge on demand", usd_per_unit=None, usd_per_hour=None, source="")
    lines = shown((MACHINES, NAT[0]), (unheard, NAT[0]))
    assert lines[1:6] == [
        "  + 2 x p9.48xlarge on demand    0.00  not known  not known  not known",
        "  - 2 x p5.48xlarge on demand  110.08       0.00  not known  not known [1]",
        "    1 line unchanged             0.05       0.05",
        "  total                        110.13       0.05  not known  not known",
        "    the change leaves out 2 lines whose price is not known before or after",
    ]


def test_autoscalers_move_the_total_within_limits() -> None:
    """From one machine at 55.04 to four."""
    scaled = replace(MACHINES, usd_per_hour_limits=(55.04, 220.16))
    assert "    autoscalers may take the total from 55.04 to 220.16 USD/h" in shown(None, (scaled,))


def test_a_change_of_lines_by_use_alone_moves_no_row() -> None:
    """The unit price is told where it is new, the total stays."""
    assert shown((NAT[0],), (NAT[0], NAT_DATA))[1:3] == [
        "    1 line unchanged    0.05   0.05",
        "  total                 0.05   0.05    0.00       0.00",
    ]


CENTS = st.lists(st.integers(0, 10**9).map(lambda micro: micro / 10**6), max_size=40)


@given(CENTS)
def test_whole_cents_add_up(parts: list[float]) -> None:
    """To the total as it is printed, with no part off by a cent or more."""
    found = whole_cents(parts, cents(math.fsum(parts)))
    assert f"{sum(found) / 100:,.2f}" == money(math.fsum(parts))
    assert all(abs(cent - part * 100) < 1 for cent, part in zip(found, parts, strict=True))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 10**7)), max_size=8))
def test_every_printed_column_adds_up(pools: list[tuple[int, int, int]]) -> None:
    """Before, after, change, and the month: what is read in the rows is what is read in the total."""

    def lines(side: int) -> Cost:
        return Cost(
            lines=tuple(
                replace(MACHINES, urn=f"urn:{at}", quantity=pool[side], usd_per_hour=pool[side] * pool[2] / 10**6)
                for at, pool in enumerate(pools)
                if pool[side]
            )
        )

    bill = printed_bill(cost_change(lines(0), lines(1)), has_base=True)
    for side in (lambda row: row.before, lambda row: row.after, lambda row: row.change):
        total = side(bill.total)
        assert sum(side(row).hour_cents or 0 for row in bill.rows) == total.hour_cents
        assert sum(side(row).month_cents or 0 for row in bill.rows) == total.month_cents
    assert money(lines(1).usd_per_hour) == f"{(bill.total.after.hour_cents or 0) / 100:,.2f}"


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
