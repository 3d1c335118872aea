"""What a workload costs in a region beside its machines: worked by hand from the facts; what is not known is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation import size
from sizing.allocation.buying.standing import answers_text, internet_steps, internet_usd_per_month, upkeep
from sizing.catalog import Cloud, catalog
from sizing.outcome import Sized
from sizing.spec.schedule import DayPart
from sizing.spec.workload import TokenLengths
from tests.examples import CHAT_PLAN, GCP_GPU_PLAN, LLAMA_70B
from tests.markets import ASSIST_8B, CHAT_70B, spec_of

CHAT = replace(
    CHAT_70B,
    model=LLAMA_70B,
    traffic=replace(
        CHAT_70B.traffic,
        requests_per_s=10.0,
        input_tokens=TokenLengths(mean=1000, p95=1000),
        output_tokens=TokenLengths(mean=200, p95=200),
    ),
)
US = ("us-east-1", "us-east-2", "us-west-2")
HOME = replace(CHAT_PLAN, deployments=())  # in us-east-1, where nothing of chat stands elsewhere
WEIGHTS_GB = 141.107  # 70.55 billion parameters in bf16


def test_a_workload_that_stands_in_one_region_has_no_choice_to_weigh():
    asked = replace(spec_of(CHAT), regions=("us-east-1",))
    assert upkeep(asked, catalog(), cloud=Cloud.AWS, regions=("us-east-1",)).parts == ()
    bound = replace(CHAT, regions=("us-east-2",))
    assert upkeep(spec_of(bound), catalog(), cloud=Cloud.AWS, regions=US, current=HOME).parts == ()


def test_a_copy_to_another_region_is_spread_over_the_days_of_payback():
    """141.1 GB at 0.01 USD from us-east-1 to us-east-2, 0.02 to us-west-2, over 30 days; none at home."""
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=HOME)
    copies = {part.region: part for part in found.parts if part.what.startswith("copy")}
    assert set(copies) == {"us-east-2", "us-west-2"}
    assert copies["us-east-2"].usd_per_hour == pytest.approx(WEIGHTS_GB * 0.01 / 720, rel=1e-4)
    assert copies["us-west-2"].usd_per_hour == pytest.approx(WEIGHTS_GB * 0.02 / 720, rel=1e-4)


def test_answers_of_another_region_come_home():
    """10/s x 200 tokens x 350 bytes x 2,628,000 s = 1,839.6 GB at 0.02; 10/s x 1,000 x 5 bytes = 131.4 GB at 0.02."""
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=HOME)
    travelled = {part.what: part for part in found.at("chat", "us-west-2")}
    answers = travelled["answers from us-west-2 to us-east-1, a month"]
    requests = travelled["requests from us-east-1 to us-west-2, a month"]
    assert answers.gb == pytest.approx(1839.6)
    assert requests.gb == pytest.approx(131.4)
    assert answers.usd_per_hour * 730 == pytest.approx(36.792)
    assert requests.usd_per_hour * 730 == pytest.approx(2.628)


def test_a_night_without_traffic_halves_what_travels():
    half = (DayPart(from_h=0, until_h=12, share=1.0), DayPart(from_h=12, until_h=24, share=0.0))
    day = replace(CHAT, traffic=replace(CHAT.traffic, day=half))
    all_day = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=HOME).at("chat", "us-west-2")
    by_day = upkeep(spec_of(day), catalog(), cloud=Cloud.AWS, regions=US, current=HOME).at("chat", "us-west-2")
    answers = [next(x.gb for x in parts if x.what.startswith("answers")) for parts in (by_day, all_day)]
    assert answers[0] == pytest.approx(answers[1] / 2)


def test_a_price_that_is_not_known_in_one_region_is_left_out_of_all_and_told():
    """S3 is priced in us-east-1 only: counted there alone, it would make the region that has a price the dearer one."""
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=HOME)
    assert not [part for part in found.parts if part.what.startswith("weights")]
    assert found.unknown == (
        "storage of weights in s3 is in no region's cost: its price in us-east-2, us-west-2 is not known",
    )


def test_storage_is_counted_where_every_region_has_a_price_and_copies_are_told_where_none_has():
    """Standard storage of Google is 0.020 USD a GB-month in us-central1; no source tells inter-region traffic."""
    regions = ("europe-west4", "us-central1")
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.GCP, regions=regions, current=GCP_GPU_PLAN)
    assert [part.what for part in found.parts] == [f"weights in gcs in {region}" for region in regions]
    assert found.parts[1].usd_per_hour * 730 == pytest.approx(WEIGHTS_GB * 0.02, rel=1e-4)
    assert not found.unknown
    assert found.unknown_of_moves == (
        "copies of weights from us-central1 to europe-west4 are not counted: the price of a GB is not known",
        "answers from europe-west4 to us-central1 are not counted: the price of a GB is not known",
        "requests from us-central1 to europe-west4 are not counted: the price of a GB is not known",
    )


def test_the_optimiser_counts_what_the_lines_of_a_plan_say():
    """Each standing is its lines together, rounded up to the micro-dollar; home, where nothing is paid, has none."""
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=HOME)
    assert [one.region for one in found.standings] == ["us-east-2", "us-west-2"]
    for standing in found.standings:
        lines = found.lines(standing.workload, standing.region)
        usd = sum(line.usd_per_hour_on_average for line in lines)
        assert standing.micro_usd_per_hour == pytest.approx(usd * 1e6, abs=1)
        assert all((line.pool, line.unit) == (None, "GB") for line in lines)


@pytest.mark.parametrize(
    ("cloud", "region", "gb", "usd"),
    [
        (Cloud.AWS, "us-east-1", 100, 9.0),
        (Cloud.AWS, "us-east-1", 10_240 + 1_000, 10_240 * 0.09 + 1_000 * 0.085),
        (Cloud.AWS, "us-east-1", 60_000, 10_240 * 0.09 + 40_960 * 0.085 + 8_800 * 0.07),
        (Cloud.GCP, "us-central1", 100, 12.0),
        (Cloud.GCP, "us-central1", 1_100, 1_099.511627776 * 0.12 + 0.488372224 * 0.11),
        (Cloud.AWS, "nowhere", 1, None),
    ],
)
def test_traffic_to_the_internet_is_priced_by_steps(cloud: Cloud, region: str, gb: float, usd: float | None):
    found = internet_usd_per_month(internet_steps(catalog(), cloud, region), gb=gb)
    assert found == (None if usd is None else pytest.approx(usd))


def test_what_leaves_for_the_internet_is_told_and_not_counted():
    """1,839.6 GB at 0.09 USD."""
    text = answers_text(CHAT, "us-east-1", internet_steps(catalog(), Cloud.AWS, "us-east-1"))
    assert "1,840 GB a month" in text
    assert "for 165.56 USD, which is not counted" in text


def test_before_a_first_plan_no_region_is_home():
    """Regions are compared by their storage alone, however the spec lists them; what is not known is told."""
    regions = ("us-central1", "europe-west4")
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.GCP, regions=regions)
    assert found == upkeep(spec_of(CHAT), catalog(), cloud=Cloud.GCP, regions=regions[::-1])
    assert {part.what for part in found.parts} == {f"weights in gcs in {region}" for region in regions}
    assert [text for text in found.unknown_of_moves if "before a first plan" in text]


def test_a_model_that_a_region_has_already_needs_no_copy():
    """Another workload of the current plan reads the same model there."""
    deployed = replace(CHAT_PLAN.deployments[0], workload="other", region="us-west-2", hub_id=LLAMA_70B.hub_id)
    current = replace(CHAT_PLAN, deployments=(deployed,))
    found = upkeep(spec_of(CHAT), catalog(), cloud=Cloud.AWS, regions=US, current=current)
    assert [part.region for part in found.parts if part.what.startswith("copy")] == ["us-east-2"]


def test_a_workload_that_may_not_stay_at_home_goes_where_traffic_is_cheapest():
    """
    Machines cost the same in us-east-2 and us-west-2; copies and requests from us-east-1 half as much to the first.

    At 1/s x 200 tokens x 350 bytes answers are 183.96 GB a month at 0.02, requests 11.826 at 0.01.
    """
    small = replace(ASSIST_8B, allowed=replace(ASSIST_8B.allowed, accelerators=("nvidia-l4",)))
    slow = replace(small.traffic, requests_per_s=1.0)
    slow = replace(slow, input_tokens=TokenLengths(mean=900, p95=3000), output_tokens=TokenLengths(mean=200, p95=600))
    today = size(spec_of(small, regions=("us-east-1",)), catalog(), alternatives=False)
    assert isinstance(today, Sized)
    code = replace(small, name="code", traffic=slow, regions=("us-west-2", "us-east-2"))
    both = spec_of(small, code, regions=("us-east-1", "us-west-2", "us-east-2"))
    answer = size(both, catalog(), current=today.plan, alternatives=False)
    assert isinstance(answer, Sized)
    assert {one.workload: one.region for one in answer.plan.deployments} == {"assist": "us-east-1", "code": "us-east-2"}
    beside = {line.item: line.usd_per_hour_on_average * 730 for line in answer.plan.cost_lines if line.pool is None}
    assert beside["code: answers from us-east-2 to us-east-1, a month"] == pytest.approx(183.96 * 0.02)
    assert beside["code: requests from us-east-1 to us-east-2, a month"] == pytest.approx(11.826 * 0.01)
    assert answer.outcome.usd_per_hour == pytest.approx(answer.plan.usd_per_hour)
