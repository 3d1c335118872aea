"""Plan changes as text and as JSON values."""

from __future__ import annotations

from dataclasses import replace

from sizing.catalog.offer import PurchaseMode
from sizing.diff import Action, FieldChange, PlanChange, Subject, diff
from sizing.plan import Bearer, Commitment, CostShare, LeftOut, Site
from sizing.render_changes import plan_change_document, plan_change_lines, render_plan_changes
from tests.examples import CHAT_DEPLOYMENT, CHAT_PLAN, CHAT_POOL


def test_a_changed_deployment_names_each_field_with_its_unit() -> None:
    """Seconds as minutes, rates per second, replicas by pool."""
    change = PlanChange(
        subject=Subject.DEPLOYMENT,
        action=Action.CHANGED,
        name="chat",
        fields=(
            FieldChange(field="placements.p5-48xlarge-use1-az4", before=4, after=6),
            FieldChange(field="requests_per_s", before=3.2, after=2.9),
            FieldChange(field="cold_start.weights_s", before=240.0, after=300.0),
        ),
        before=CHAT_DEPLOYMENT,
        after=CHAT_DEPLOYMENT,
    )
    assert plan_change_lines([change]) == [
        "  ~ deployment chat: replicas on p5-48xlarge-use1-az4 4 -> 6, sustains each 3.2",
        "      /s -> 2.9 /s, weights read in 4 min -> 5 min",
    ]


def test_a_new_pool_says_what_is_rented_where() -> None:
    """Machines, purchase mode and zone in one line."""
    change = PlanChange(subject=Subject.NODE_POOL, action=Action.ADDED, name=CHAT_POOL.name, after=CHAT_POOL)
    assert plan_change_lines([change]) == ["  + node pool p5-48xlarge-use1-az4: 2 x p5.48xlarge on demand in use1-az4"]


def test_a_promise_is_told_in_the_unit_of_its_metric() -> None:
    """A TTFT limit that was loosened reads in milliseconds."""
    slower = replace(CHAT_PLAN.promises[0], asked=0.8, planned=0.41)
    change = diff(CHAT_PLAN, replace(CHAT_PLAN, promises=(slower, CHAT_PLAN.promises[1])))
    assert plan_change_lines(change) == ["  ~ promise chat TTFT p95: asked 500 ms -> 800 ms, planned 310 ms -> 410 ms"]


def test_assumptions_that_moved_have_lines_of_their_own_after_the_decisions() -> None:
    """They are sentences: in one line with the cost they would hide it."""
    more = replace(CHAT_PLAN, assumptions=(*CHAT_PLAN.assumptions, "prompts share nothing"))
    assert plan_change_lines(diff(CHAT_PLAN, more)) == ["  + assumed: prompts share nothing"]
    assert plan_change_lines(diff(more, CHAT_PLAN)) == ["  - assumed: prompts share nothing"]
    other = replace(CHAT_PLAN, assumptions=("arrivals come in bursts",), node_pools=(replace(CHAT_POOL, nodes=3),))
    assert [line[4:20] for line in plan_change_lines(diff(CHAT_PLAN, other))] == [
        "node pool p5-48x",
        "assumed: arrival",
        "assumed: arrival",
    ]


def test_fingerprints_are_left_to_the_json() -> None:
    """A new hash alone is no change that a person can weigh; the JSON keeps it."""
    changes = diff(CHAT_PLAN, replace(CHAT_PLAN, facts_hash="c" * 64))
    assert render_plan_changes(changes) == "the plan does not change\n"
    assert plan_change_document(changes[0])["fields"] == [
        {"field": "facts_hash", "before": "b" * 64, "after": "c" * 64}
    ]


def test_cost_lines_are_not_told_twice() -> None:
    """A pool with one machine more is told as the pool, with the new total; its cost line follows from it."""
    pool = replace(CHAT_POOL, nodes=3)
    line = replace(CHAT_PLAN.cost_lines[0], quantity=3)
    text = render_plan_changes(diff(CHAT_PLAN, replace(CHAT_PLAN, node_pools=(pool,), cost_lines=(line,))))
    assert text == "  ~ plan: USD/h 110.08 -> 165.12\n  ~ node pool p5-48xlarge-use1-az4: nodes 2 -> 3\n"


def test_another_region_a_commitment_and_who_is_left_out_are_told_in_words() -> None:
    """Prices in USD; where a price is from, and what each team bears, stays in the JSON."""
    new = replace(
        CHAT_PLAN,
        elsewhere=(Site(region="us-west-2", zones=("usw2-az1", "usw2-az2")),),
        commitments=(
            Commitment(
                machine="p5.48xlarge",
                region="us-east-1",
                mode=PurchaseMode.COMMITTED_1Y,
                owned=0,
                to_buy=2,
                usd_per_hour=31.5,
                price_source="AWS price list",
                price_as_of="2026-07-20",
            ),
        ),
        left_out=(LeftOut(workload="draft", priority=2, why="no quota is left"),),
        cost_shares=(CostShare(bearer=Bearer.TEAM, team="search", accelerators=8, usd_per_hour=44.0),),
    )
    assert " ".join(" ".join(plan_change_lines(diff(CHAT_PLAN, new))).split()) == (
        "~ plan: p5.48xlarge us-east-1 committed 1y owned none -> 0, "
        "p5.48xlarge us-east-1 committed 1y to buy none -> 2, "
        "p5.48xlarge us-east-1 committed 1y usd per hour none -> 31.50, "
        "zones in us-west-2 none -> usw2-az1, usw2-az2, "
        "left out draft priority none -> 2, left out draft why none -> no quota is left"
    )


def test_very_many_changes_are_counted() -> None:
    """A hundred pools more are sixty lines, and the number of the others."""
    pools = tuple(replace(CHAT_POOL, name=f"pool-{n:03}") for n in range(100))
    lines = plan_change_lines(diff(CHAT_PLAN, replace(CHAT_PLAN, node_pools=(CHAT_POOL, *pools))))
    assert lines[-1] == "  and 40 changes more: --json lists them"


def test_equal_plans_are_said_to_be_equal() -> None:
    """No change is said in words."""
    assert render_plan_changes(diff(CHAT_PLAN, CHAT_PLAN)) == "the plan does not change\n"
