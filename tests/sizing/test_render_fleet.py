"""Plans of several regions, teams and a hundred workloads as text: hand-made values in, whole blocks out."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.offer import PurchaseMode
from sizing.outcome import Sized, SolverOutcome, SolverStatus
from sizing.plan import Bearer, Commitment, CostLine, CostShare, LeftOut, Promise, SizingPlan
from sizing.render import answer, render_explain, render_plan, requirement_lines
from sizing.render_fleet import left_out_lines, move_lines, team_lines
from sizing.render_machines import commitment_lines, machine_lines
from sizing.table import WIDTH
from tests.examples import AWS_DAY_POOL, AWS_TWO_REGIONS, CHAT_DEPLOYMENT, CHAT_PLAN, CHAT_POOL, paid

# Three machines by day and one of them by night, which is committed; weights stand beside it.
BY_DAY = replace(AWS_DAY_POOL, committed=1, committed_usd_per_hour=31.5)
WEIGHTS = CostLine(
    item="draft: weights",
    pool=None,
    quantity=20_000,
    unit="GB",
    usd_per_hour=0.023 / 730,
    source="AWS price list",
    as_of="2026",
)
PLAN = replace(
    AWS_TWO_REGIONS,
    node_pools=tuple(BY_DAY if pool.name == BY_DAY.name else pool for pool in AWS_TWO_REGIONS.node_pools),
    cost_lines=(
        *(paid(pool, pool.nodes, pool.usd_per_hour) for pool in AWS_TWO_REGIONS.node_pools if pool.name != BY_DAY.name),
        paid(BY_DAY, 1, 31.5),
        paid(BY_DAY, 2, 55.04, 365),
        WEIGHTS,
    ),
)
SHARES = (
    CostShare(bearer=Bearer.TEAM, team="search", accelerators=20, usd_per_hour=165.12),
    CostShare(bearer=Bearer.TEAM, team="ads", accelerators=12.5, usd_per_hour=81.6),
    CostShare(bearer=Bearer.NO_TEAM, team=None, accelerators=4, usd_per_hour=5),
    CostShare(bearer=Bearer.IDLE, team=None, accelerators=0, usd_per_hour=5.5),
    CostShare(bearer=Bearer.SHARED, team=None, accelerators=0, usd_per_hour=0.4),
)


def test_machines_are_told_by_region_with_hours_terms_and_what_stands_beside_them() -> None:
    """
    At home 3 x 55.04 + 5.00 + 2 x 0.1008 = 170.32; away 31.50 + 2 x 55.04 / 2 + 2 x 0.1008 = 86.74.

    20 TB at 0.023 USD a GB and month are 460 / 730 = 0.63 USD an hour; all together 257.69.
    """
    assert "\n".join(machine_lines(PLAN)) == (
        "  machines                                             USD/h each   USD/h\n"
        "  in us-east-1                                                     170.32\n"
        "    3 x p5.48xlarge on demand    8 x nvidia-h100-80gb       55.04  165.12\n"
        "        2 in use1-az4, 1 in use1-az5\n"
        "    1 x g6e.12xlarge spot        4 x nvidia-l40s             5.00    5.00\n"
        "        in use1-az5\n"
        "    2 x m7i.large on demand      system                     0.101    0.20\n"
        "        in use1-az4\n"
        "  in us-west-2                                                      86.74\n"
        "    1 x p5.48xlarge reservation  8 x nvidia-h100-80gb        0.00    0.00\n"
        "        in usw2-az1\n"
        "        from cr-0a1b2c3d4e5f60718, which is paid whether they run or not\n"
        "    3 x p5.48xlarge on demand    8 x nvidia-h100-80gb       55.04   86.54\n"
        "        in usw2-az2\n"
        "        1 to 3 of them up, by the hours of the day\n"
        "        1 of them committed, at 31.50 USD/h each for all hours\n"
        "    2 x m7i.large on demand      system                     0.101    0.20\n"
        "        in usw2-az1\n"
        "  draft: weights                 20,000 GB              0.0000315    0.63\n"
        "  total                                                            257.69"
    )


def test_the_first_line_names_both_regions_the_ways_of_buying_and_who_is_left_out() -> None:
    left = LeftOut(workload="ideas", priority=2, why="no quota is left")
    assert answer(replace(PLAN, left_out=(left,)), name="two") == (
        "two on aws us-east-1 and us-west-2: 6 x p5.48xlarge + 1 x g6e.12xlarge spot + 1 x p5.48xlarge reserved, "
        "257.69 USD/h; 1 workload left out"
    )


def test_of_many_regions_and_kinds_the_first_line_names_the_first_and_the_dearest() -> None:
    """Five kinds of 1 to 5 machines at 10 USD/h: the three dearest are named, the other 1 + 2 machines counted."""
    pools = tuple(
        replace(CHAT_POOL, name=f"x{n}", machine=f"x{n}.large", nodes=n, least_nodes=n, usd_per_hour=10.0)
        for n in range(1, 6)
    )
    sites = tuple(replace(AWS_TWO_REGIONS.elsewhere[0], region=f"r-{n}") for n in range(3))
    plan = replace(CHAT_PLAN, node_pools=pools, elsewhere=sites)
    assert answer(plan, name="fleet", usd_per_hour=150) == (
        "fleet on aws us-east-1 and 3 more regions: 5 x x5.large + 4 x x4.large + 3 x x3.large + 3 of 2 more kinds, "
        "150.00 USD/h"
    )


def test_what_is_worth_committing_to_is_told_and_that_nobody_but_people_buys_it() -> None:
    one = Commitment(
        machine="p5.48xlarge",
        region="us-west-2",
        mode=PurchaseMode.COMMITTED_1Y,
        owned=0,
        to_buy=1,
        usd_per_hour=31.5,
        price_source="AWS price list",
        price_as_of="2026-07-20",
    )
    owned = replace(one, region="us-east-1", mode=PurchaseMode.COMMITTED_3Y, owned=2, to_buy=0, usd_per_hour=0)
    assert "\n".join(commitment_lines((one, owned))) == (
        "  commitments                              owned  to buy  USD/h each\n"
        "  one year of p5.48xlarge in us-west-2         0       1       31.50\n"
        "  three years of p5.48xlarge in us-east-1      2       0\n"
        "      to be bought by hand, in the cloud's own console: no program commits an\n"
        "      account for years"
    )
    assert len(commitment_lines((owned,))) == 2


def test_teams_are_told_what_they_bear_and_what_nobody_does() -> None:
    """165.12 USD/h for 730 hours are 120,537.60 USD a month."""
    assert "\n".join(team_lines(SHARES)) == (
        "  teams                        accelerators   USD/h   USD/month\n"
        "  search                                 20  165.12  120,537.60\n"
        "  ads                                  12.5   81.60   59,568.00\n"
        "  of no team                              4    5.00    3,650.00\n"
        "  idle: paid, carries nothing                  5.50    4,015.00\n"
        "  shared: the clusters' own                    0.40      292.00"
    )


def test_who_is_left_out_is_told_by_importance_with_the_reason() -> None:
    told = left_out_lines(
        (LeftOut(workload="ideas", priority=2, why="budget"), LeftOut(workload="drafts", priority=5, why="no quota"))
    )
    assert told == [
        "left out, the most important first",
        "  - drafts, priority 5: no quota",
        "  - ideas, priority 2: budget",
    ]


def test_moves_are_told_and_many_are_counted() -> None:
    assert move_lines(["chat goes to us-west-2: saves 3 USD/h"]) == [
        "moved from the current plan",
        "  - chat goes to us-west-2: saves 3 USD/h",
    ]
    assert move_lines([f"move {n}" for n in range(15)])[-1] == "  and 3 more: --json lists them"


def test_a_plan_tells_all_of_it_in_order_and_explain_what_moved() -> None:
    plan = replace(PLAN, cost_shares=SHARES, left_out=(LeftOut(workload="ideas", priority=2, why="budget"),))
    text = render_plan(plan, name="two", moves=("draft goes to us-west-2",))
    places = [text.index(what) for what in ("left out,", "requirement", "machines", "teams", "moved from", "assumed")]
    assert places == sorted(places)
    assert "bucket models in us-west-2: STANDARD, 70.6 GB" in text
    proved = SolverOutcome(status=SolverStatus.OPTIMAL, usd_per_hour=257.69, bound_usd_per_hour=257.69)
    sized = Sized(plan=plan, outcome=proved, runners_up=(), moves=("draft goes to us-west-2",))
    assert "moved from the current plan\n  - draft goes to us-west-2\n" in render_explain(sized, name="two")


def test_the_cents_of_machines_add_up_to_the_total() -> None:
    """Three kinds at 1.004 USD/h are 3.012 together, printed 3.01: one of them is printed 1.01."""
    pools = tuple(replace(CHAT_POOL, name=f"x{n}", machine=f"x{n}", nodes=1, usd_per_hour=1.004) for n in range(3))
    pools = tuple(replace(pool, least_nodes=1) for pool in pools)
    plan = replace(CHAT_PLAN, node_pools=pools, cost_lines=tuple(paid(pool, 1, 1.004) for pool in pools))
    costs = [line.split()[-1] for line in machine_lines(plan)[1:] if " x x" in line or "total" in line]
    assert costs == ["1.01", "1.00", "1.00", "3.01"]


def fleet(workloads: int, kinds: int) -> SizingPlan:
    """Many workloads, the n-th with n per mille of its TTFT to spare, on many kinds of machines."""
    ttft = CHAT_PLAN.promises[0]
    promises = [
        replace(ttft, workload=f"model-{n:03}", planned=ttft.asked * (1 - n / 1000), low=0.1, high=0.6, binding="x")
        for n in range(workloads)
    ]
    hbm = Promise(
        workload="model-000",
        metric="hbm_bytes_per_accelerator",
        asked=76e9,
        planned=76e9,
        at_most=True,
        low=76e9,
        high=76e9,
        probability=1.0,
        binding=None,
    )
    return replace(
        CHAT_PLAN,
        promises=(hbm, *reversed(promises)),
        deployments=tuple(replace(CHAT_DEPLOYMENT, name=p.workload, workload=p.workload) for p in promises),
        node_pools=tuple(
            replace(CHAT_POOL, name=f"x{n}", machine=f"x{n}.48xlarge", nodes=n + 1, least_nodes=n + 1)
            for n in range(kinds)
        ),
        cost_lines=(),
        assumptions=tuple(f"model-{n:03}: the KV cache is kept in bf16" for n in range(workloads)),
    )


def test_of_a_hundred_workloads_the_tightest_are_rows_and_the_rest_is_counted() -> None:
    """The n-th has n per mille to spare; twenty are shown, and the first that is not has 2 %."""
    lines = requirement_lines(fleet(100, 3))
    assert lines[0].split() == ["workload", "replicas", "on", "tightest", "planned", "margin", "chance"]
    assert [line.split()[0] for line in lines[1:21]] == [f"model-{n:03}" for n in range(20)]
    assert "<= 500 ms" in lines[1]
    assert lines[21] == "  and 80 more, each with a margin of 2 % or more: --json lists them"
    assert len(lines) == 22


def test_a_fleet_fits_two_screens_and_eighty_columns() -> None:
    """A hundred workloads on forty kinds of machines: 100 lines, not a thousand; the total is that of all."""
    plan = fleet(100, 40)
    text = render_plan(plan, name="fleet")
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 110
    assert "engine, host and cold start of all 100 deployments: --json tells them" in text
    # the 16 dearest of 1 to 40 machines are 25 to 40; the 24 others are 1 + ... + 24 = 300 machines at 55.04 USD/h
    assert "and 24 kinds more" in text
    assert "16,512.00" in text
    assert "and 60 more: --json lists them" in text


def test_eight_workloads_are_still_told_one_by_one() -> None:
    lines = requirement_lines(fleet(8, 1))
    assert sum("TTFT p95" in line for line in lines) == 8
    assert not any("replicas" in line for line in lines)


def test_what_binds_in_a_fleet_is_counted() -> None:
    plan = fleet(100, 1)
    proved = SolverOutcome(status=SolverStatus.OPTIMAL, usd_per_hour=1, bound_usd_per_hour=1)
    text = render_explain(Sized(plan=plan, outcome=proved, runners_up=()), name="fleet")
    assert "binds first as load grows: x of 100 promises" in text
    assert "and 92 deployments more: --json lists them" in text
