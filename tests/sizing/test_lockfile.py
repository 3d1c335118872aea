"""The lock file of a plan: the same bytes for the same decisions, and a clear word for a file that is not one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from sizing.errors import DamagedPlan
from sizing.lockfile import dumps, from_dict, loads, rounded, to_dict
from sizing.plan import Site, SizingPlan
from tests.examples import CHAT_DEPLOYMENT, CHAT_PLAN, CHAT_POOL
from tests.strategies import plans

FEW = settings(max_examples=30, deadline=None)  # a plan is a large value to draw


@FEW
@given(plans())
def test_a_plan_comes_back_as_it_was_written(plan: SizingPlan) -> None:
    assert loads(dumps(plan), source="p.json") == rounded(plan)
    assert from_dict(to_dict(plan)) == rounded(plan)


@FEW
@given(plans())
def test_writing_what_was_read_gives_the_same_bytes(plan: SizingPlan) -> None:
    text = dumps(plan)
    assert dumps(loads(text, source="p.json")) == text


@FEW
@given(plans())
def test_rounding_breaks_no_promise(plan: SizingPlan) -> None:
    """A planned value that kept its limit keeps it in the file, and stays inside its interval."""
    for before, after in zip(plan.promises, rounded(plan).promises, strict=True):
        if before.low <= before.planned <= before.high:
            assert after.low <= after.planned <= after.high
        if before.at_most and before.planned <= before.asked:
            assert after.planned <= after.asked
        if not before.at_most and before.planned >= before.asked:
            assert after.planned >= after.asked


def test_estimates_keep_four_digits_prices_six_decimals_and_what_was_asked_is_as_written() -> None:
    """0.3123456 s is told as 0.3123, a chance of 0.8649731 as 0.865, 10.12345678 USD/h as 10.123457; a limit stays."""
    promise = replace(
        CHAT_PLAN.promises[0], asked=0.123456, planned=0.3123456, low=0.25, high=0.4, probability=0.8649731
    )
    line = replace(CHAT_PLAN.cost_lines[0], usd_per_hour=10.12345678)
    kept = rounded(replace(CHAT_PLAN, promises=(promise,), cost_lines=(line,)))
    assert (kept.promises[0].asked, kept.promises[0].planned) == (0.123456, 0.3123)
    assert kept.promises[0].probability == 0.865
    assert kept.cost_lines[0].usd_per_hour == 10.123457


def test_a_plan_that_just_keeps_its_limit_is_not_rounded_over_it() -> None:
    """0.79996 s keeps a limit of 0.79998 s; four digits would make it 0.8."""
    promise = replace(CHAT_PLAN.promises[0], asked=0.79998, planned=0.79996, low=0.7, high=0.9)
    kept = rounded(replace(CHAT_PLAN, promises=(promise,)))
    assert kept.promises[0].planned == 0.79998


def test_the_file_is_sorted_indented_and_ends_in_a_newline() -> None:
    text = dumps(CHAT_PLAN)
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert json.loads(text)["format"] == 3


def test_whole_and_fractional_numbers_give_the_same_bytes() -> None:
    """A rate of 3 and of 3.0 requests per second is the same decision."""
    whole = replace(CHAT_PLAN, deployments=(replace(CHAT_DEPLOYMENT, requests_per_s=3, vcpus=16),))
    fractional = replace(CHAT_PLAN, deployments=(replace(CHAT_DEPLOYMENT, requests_per_s=3.0, vcpus=16.0),))
    assert dumps(whole) == dumps(fractional)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        (dumps(CHAT_PLAN)[:-200], "was cut short"),
        ("[]", "is no JSON object"),
        ("{}", "states no format"),
        ('{"format": true}', "states the format true"),
        ('{"format": 0}', "states the format 0, but must state 3"),
        ('{"cloud": "aws", "format": 1, "format": 1}', "key 'format' stands twice"),
        ('{"format": 1, "cloud": NaN}', "NaN is no number"),
        ("<<<<<<< HEAD\n" + dumps(CHAT_PLAN), "marks of a merge"),
        (dumps(CHAT_PLAN).replace('"cloud": "aws"', '"cloud": "azure"'), "cloud is azure, but must be one of aws, gcp"),
        (dumps(CHAT_PLAN).replace('"nodes": 2', '"nodes": 2.5'), "node_pools[0].nodes is 2.5, but must be a whole"),
        (dumps(CHAT_PLAN).replace('"nodes": 2', '"nodes": true'), "node_pools[0].nodes is true, but must be a whole"),
        (dumps(CHAT_PLAN).replace('"nodes": 2', '"knots": 2'), "node_pools[0].knots is no key of a plan"),
        (
            dumps(CHAT_PLAN).replace('"vcpus": 16.0', '"vcpus": "16"'),
            "vcpus is 16, but must be a number",
        ),
        (dumps(CHAT_PLAN).replace('"tp": 4', '"tp": null'), "deployments[0].layout.tp is empty, but must be"),
    ],
)
def test_a_file_that_is_no_plan_is_told_with_the_reason(text: str, what: str) -> None:
    with pytest.raises(DamagedPlan) as error:
        loads(text, source="stacks/chat.plan.json")
    assert what in str(error.value)
    assert str(error.value).startswith("stacks/chat.plan.json: ")
    assert "version control" in error.value.mend


def test_a_newer_format_says_that_sizeup_is_too_old() -> None:
    with pytest.raises(DamagedPlan, match="format 4, and this sizeup reads formats 1 to 3") as error:
        loads('{"format": 4, "anything": "else"}', source="p.json")
    assert "upgrade sizeup" in error.value.mend


def test_a_pool_that_is_named_but_not_there_is_told() -> None:
    """What a careless merge leaves behind."""
    with pytest.raises(DamagedPlan, match=r"placements\[0\].pool is p5-48xlarge-use1-az4, which is not among"):
        from_dict(to_dict(replace(CHAT_PLAN, node_pools=())))


def test_a_name_that_stands_twice_is_told() -> None:
    with pytest.raises(DamagedPlan, match=r"node_pools\[1\].name is p5-48xlarge-use1-az4, which stands twice"):
        from_dict(to_dict(replace(CHAT_PLAN, node_pools=(CHAT_POOL, CHAT_POOL))))


def test_counts_below_one_are_told() -> None:
    """Minus two machines are no pool, and no replica is no placement."""
    with pytest.raises(DamagedPlan, match=r"node_pools\[0\].nodes is -2, but must be above 0"):
        from_dict(to_dict(replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=-2),))))
    none = replace(CHAT_DEPLOYMENT, placements=(replace(CHAT_DEPLOYMENT.placements[0], replicas=0),))
    with pytest.raises(DamagedPlan, match=r"placements\[0\].replicas is 0, but must be above 0"):
        from_dict(to_dict(replace(CHAT_PLAN, deployments=(none,))))


WEST = Site(region="us-west-2", zones=("usw2-az1",))
TWO_REGIONS = replace(
    CHAT_PLAN, elsewhere=(WEST,), buckets=(*CHAT_PLAN.buckets, replace(CHAT_PLAN.buckets[0], region="us-west-2"))
)


def test_a_plan_of_two_regions_comes_back_with_a_bucket_of_one_name_in_each() -> None:
    assert loads(dumps(TWO_REGIONS), source="p.json") == TWO_REGIONS


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (replace(TWO_REGIONS, elsewhere=(WEST, WEST)), r"elsewhere\[1\].region is us-west-2, which stands twice"),
        (replace(TWO_REGIONS, region="us-west-2", zones=()), r"elsewhere\[0\].region is us-west-2, which stands twice"),
        (
            replace(TWO_REGIONS, elsewhere=()),
            r"buckets\[1\].region is us-west-2, which is none of the plan's: us-east-1",
        ),
        (
            replace(TWO_REGIONS, node_pools=(replace(CHAT_POOL, region="us-west-2", zone="usw2-az1"),)),
            r"placements\[0\].pool is p5-48xlarge-use1-az4 in us-west-2, not in us-east-1",
        ),
        (
            replace(TWO_REGIONS, node_pools=(replace(CHAT_POOL, zone="usw2-az1"),)),
            r"node_pools\[0\].zone is usw2-az1, where the plan has no network in us-east-1",
        ),
        (replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, least_nodes=3),)), r"least_nodes is 3, which is above 2"),
        (
            replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, least_nodes=-1),)),
            r"least_nodes is -1, but must be at least 0",
        ),
        (
            replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, nodes=3),)),
            r"node_pools\[0\].least_nodes is 2, but must be 3 like nodes, as nothing on it comes and goes by hours",
        ),
        (replace(CHAT_PLAN, node_pools=(replace(CHAT_POOL, committed=3),)), r"committed is 3, which is above 2"),
        (
            replace(CHAT_PLAN, deployments=(replace(CHAT_DEPLOYMENT, least_replicas=5),)),
            r"least_replicas is 5, which is above 4",
        ),
    ],
)
def test_what_does_not_agree_with_the_rest_is_told(plan: SizingPlan, what: str) -> None:
    with pytest.raises(DamagedPlan, match=what):
        from_dict(to_dict(plan))


def test_machines_may_come_and_go_where_replicas_do() -> None:
    """Three machines by day and two by night, for five replicas and three."""
    pool = replace(CHAT_POOL, nodes=3)
    placements = (replace(CHAT_DEPLOYMENT.placements[0], replicas=5),)
    by_hours = replace(CHAT_DEPLOYMENT, placements=placements, least_replicas=3, max_replicas=6)
    plan = replace(CHAT_PLAN, node_pools=(pool,), deployments=(by_hours,))
    assert loads(dumps(plan), source="p.json") == plan


def test_prices_of_small_units_keep_six_digits_and_counts_all() -> None:
    """0.023 USD a GB and month is 0.0000315068 USD an hour: six decimals would lose a sixtieth of it."""
    line = replace(CHAT_PLAN.cost_lines[0], pool=None, unit="GB", quantity=141_123.4, usd_per_hour=0.023 / 730)
    kept = rounded(replace(CHAT_PLAN, cost_lines=(line,))).cost_lines[0]
    assert (kept.usd_per_hour, kept.quantity) == (0.0000315068, 141_123.4)


def test_the_mend_of_a_damaged_plan_leaves_that_plan_out() -> None:
    """Sizing starts from the locked plan: only --fresh works where that cannot be read."""
    with pytest.raises(DamagedPlan) as error:
        loads("{", source="p.json")
    assert "sizeup size --fresh" in error.value.mend
