"""
Stacks that are infeasible on purpose, one way after the other, on the packaged facts.

Each conflict is tried: every member let go in the stack as it is written, and sized. Each way out is written into the
stack, and sized: it costs what was said.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

import sizing
from sizing.outcome import NoPlan, Sized, SolverStatus
from tests.relaxing import Written, costs, with_way_out, without

ASSIST: Written = {
    "name": "assist",
    "kind": "serving",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "traffic": {
        "requests_per_s": 20,
        "input_tokens": {"mean": 900, "p95": 2700},
        "output_tokens": {"mean": 200, "p95": 600},
        "prefix_hit": 0,
    },
    "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.08},
}
ON_DEMAND_G = "L-DB2E81BA"  # vCPUs of machines with L4 and L40S, among others
BLOCK = "cr-0123456789abcdef0"


def stack(*, regions: tuple[str, ...] = ("us-east-1",), works: tuple[Written, ...] = (), **keys: Any) -> Written:
    """A stack with one workload that has the given keys, or with those workloads."""
    own = ("zones", "quotas", "teams", "budget_usd_per_month", "capacity_blocks", "reservations", "headroom")
    work = copy.deepcopy(ASSIST) | {key: value for key, value in keys.items() if key not in own}
    whole = {"cloud": "aws", "regions": list(regions), "workloads": list(works) or [work]}
    if "residence" in work:
        work["regions"] = work.pop("residence")
    return whole | {key: value for key, value in keys.items() if key in own}


L40S: Written = {"accelerators": ["nvidia-l40s"]}
INFEASIBLE: dict[str, tuple[Written, set[str]]] = {
    "a quota of four vCPUs, where every machine has eight or more": (
        stack(allow=L40S, quotas=[{"region": "us-east-1", "quota": ON_DEMAND_G, "limit": 4}]),
        {f"quotas: {ON_DEMAND_G} in us-east-1 at most 4 vCPU", "regions [us-east-1]"},
    ),
    "a region that sells no accelerator at a known price": (
        stack(regions=("eu-central-2",)),
        {"regions [eu-central-2]"},
    ),
    "zones of which none sells what is allowed": (
        stack(zones=["use1-az3"], allow=L40S),
        {"zones [use1-az3]"},
    ),
    "a model of 141 GB on machines with one accelerator of 48 GB": (
        stack(
            model="meta-llama/Llama-3.3-70B-Instruct",
            traffic=ASSIST["traffic"] | {"requests_per_s": 0.5},
            objectives={"ttft_p95_s": 20, "tpot_p95_s": 2},
            allow={"machines": ["g6e.2xlarge"], "weights": ["bf16"]},
        ),
        {"assist: allow.machines [g6e.2xlarge]"},
    ),
    "a first token sooner than any device gives it": (
        stack(objectives={"ttft_p95_s": 0.02, "tpot_p95_s": 0.08}),
        {"assist: objectives.ttft_p95_s 0.02"},
    ),
    "a confidence that no prediction has": (
        stack(objectives={"ttft_p95_s": 0.035, "confidence": 0.99}),
        {"assist: objectives.confidence 0.99", "assist: objectives.ttft_p95_s 0.035"},
    ),
    "a budget that pays for no machine": (
        stack(budget_usd_per_month=1000),
        {"budget_usd_per_month 1000"},
    ),
    "a residency where what is allowed is not sold": (
        stack(regions=("us-east-1", "eu-central-2"), residence=["eu-central-2"], allow=L40S),
        {"assist: regions [eu-central-2]"},
    ),
    "a block that ends before what needs it": (
        stack(
            allow={"purchase": ["capacity_block"]},
            needed={"from": "2026-12-01", "until": "2026-12-20"},
            capacity_blocks=[
                {
                    "name": BLOCK,
                    "machine": "p5.48xlarge",
                    "zone": "use1-az4",
                    "machines": 1,
                    "from": "2026-12-01",
                    "until": "2026-12-08",
                    "upfront_usd": 5000,
                }
            ],
        ),
        {f"capacity_blocks: {BLOCK} from 2026-12-01 until 2026-12-08", "assist: allow.purchase [capacity_block]"},
    ),
    "the loss of a zone, where only one of two sells what is allowed": (
        stack(survive="zone", zones=["use1-az2", "use1-az4"], allow={"machines": ["p5en.48xlarge"]}),
        {
            "assist: survive zone",
            "zones [use1-az2, use1-az4]",
            "regions [us-east-1]",
            "assist: allow.machines [p5en.48xlarge]",
        },
    ),
    "half of it on spot, where the machines have no spot price": (
        stack(allow={"machines": ["g7e.2xlarge"], "spot_share": 0.5, "min_spot_share": 0.5}),
        {"assist: allow.min_spot_share 0.5", "assist: allow.machines [g7e.2xlarge]"},
    ),
    "a team with one accelerator, where a zone may be lost": (
        stack(team="search", teams=[{"name": "search", "accelerators": 1}], survive="zone", allow=L40S),
        {"teams: search at most 1 accelerators"},
    ),
    "a team with too little money": (
        stack(team="search", teams=[{"name": "search", "budget_usd_per_month": 1000}]),
        {"teams: search budget_usd_per_month 1000"},
    ),
    "a reservation alone, of one machine where four are needed": (
        stack(
            allow={"purchase": ["reservation"]},
            reservations=[{"name": BLOCK, "machine": "g6e.2xlarge", "zone": "use1-az4", "machines": 1}],
        ),
        {"assist: allow.purchase [reservation]"},
    ),
    "devices that are too old for the format": (
        stack(allow={"accelerators": ["nvidia-t4"]}),
        {"assist: allow.accelerators [nvidia-t4]"},
    ),
    "a quota in one region and a residency in it, together": (
        stack(
            regions=("us-east-1", "us-west-2"),
            residence=["us-east-1"],
            allow=L40S,
            quotas=[{"region": "us-east-1", "quota": ON_DEMAND_G, "limit": 4}],
        ),
        {f"quotas: {ON_DEMAND_G} in us-east-1 at most 4 vCPU", "assist: regions [us-east-1]"},
    ),
}
WAYS = pytest.mark.parametrize("way", INFEASIBLE)


@cache
def packaged() -> sizing.Catalog:
    return sizing.catalog()


def answer(written: Written) -> Sized | NoPlan:
    """What sizing says to a stack as it is written."""
    return sizing.size(sizing.read_spec(written, catalog=packaged()), packaged(), alternatives=False)


@cache
def refused(way: str) -> NoPlan:
    """The answer to one of the stacks, asked once."""
    found = answer(INFEASIBLE[way][0])
    assert isinstance(found, NoPlan), found
    assert found.outcome.status is SolverStatus.INFEASIBLE
    return found


@WAYS
def test_the_conflict_names_what_was_asked_too_much_of(way: str):
    """In the words of the stack; it is one conflict, with nothing beside it."""
    found = refused(way)
    assert INFEASIBLE[way][1] <= {one.text for one in found.conflict}
    assert found.conflicts_beside == ()


@WAYS
def test_without_any_member_of_the_conflict_there_is_a_plan(way: str):
    """Each is let go in the stack as it is written, with all the rest as it is, and sized."""
    for one in refused(way).conflict:
        assert isinstance(answer(without(INFEASIBLE[way][0], one.text, packaged())), Sized), one.text


@WAYS
def test_every_way_out_leads_to_a_plan_of_the_cost_that_is_told(way: str):
    """It is written into the stack as the answer tells, and sized."""
    found = refused(way)
    assert found.mends
    for mend in found.mends:
        sized = answer(with_way_out(INFEASIBLE[way][0], mend))
        assert isinstance(sized, Sized), mend
        hour, month = costs(mend)
        assert sized.plan.usd_per_hour == pytest.approx(hour, abs=0.005), mend
        assert month - 1 <= sized.plan.usd_per_hour * 730 <= month + 0.01, mend


@WAYS
def test_ways_out_come_cheapest_first(way: str):
    """By what the plan then costs."""
    hours = [costs(mend)[0] for mend in refused(way).mends]
    assert hours == sorted(hours)


APART = stack(objectives={"ttft_p95_s": 0.02, "tpot_p95_s": 0.08}, budget_usd_per_month=10)


def test_two_conflicts_apart_are_both_named_and_resolved_together():
    """No device answers within 20 ms, and 10 USD pay for nothing: one of each has to give, and neither alone does."""
    found = answer(APART)
    assert isinstance(found, NoPlan)
    named = [[one.text for one in conflict] for conflict in (found.conflict, *found.conflicts_beside)]
    assert sorted(named) == [["assist: objectives.ttft_p95_s 0.02"], ["budget_usd_per_month 10"]]
    faster, dearer = sorted(conflict[0] for conflict in named)
    assert isinstance(answer(without(APART, faster, packaged())), NoPlan)
    assert isinstance(answer(without(APART, dearer, packaged())), NoPlan)
    assert isinstance(answer(without(without(APART, faster, packaged()), dearer, packaged())), Sized)
    assert found.mends
    for mend in found.mends:
        sized = answer(with_way_out(APART, mend))
        assert isinstance(sized, Sized), mend
        assert sized.plan.usd_per_hour == pytest.approx(costs(mend)[0], abs=0.005)


def test_the_least_limit_and_the_least_that_is_cheap_are_both_told():
    """A first token just later than the best device gives it takes dozens of these; a little later still, few do."""
    mends = refused("a first token sooner than any device gives it").mends
    assert len(mends) == 2
    cheap, least = ((float(mend.split(" to ")[1].split(":")[0]), costs(mend)[0]) for mend in mends)
    assert least[0] < cheap[0]
    assert cheap[1] < 0.7 * least[1]


def test_clouds_of_which_none_has_a_plan_are_one_conflict():
    """The budget pays for neither cloud's machines; without it, or with what each of the two needs, there is a plan."""
    two = stack(budget_usd_per_month=1000) | {"cloud": ["aws", "gcp"], "regions": ["us-east-1", "us-central1"]}
    found = answer(two)
    assert isinstance(found, NoPlan)
    assert [one.text for one in found.conflict] == ["budget_usd_per_month 1000"]
    for mend in found.mends:
        sized = answer(with_way_out(two, mend))
        assert isinstance(sized, Sized), mend
        assert sized.plan.usd_per_hour == pytest.approx(costs(mend)[0], abs=0.005)
