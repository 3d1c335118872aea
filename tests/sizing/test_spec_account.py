"""What a stack tells of its account and of times: values, every mistake, and the hash of specs that tell nothing."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sizing.catalog import Cloud, PurchaseMode, catalog
from sizing.errors import InvalidSpec, Problem
from sizing.spec.capacity import (
    CapacityBlock,
    Commitments,
    OwnedCommitment,
    QuotaLimit,
    Reservation,
    TeamQuota,
)
from sizing.spec.read import read_spec
from sizing.spec.schedule import DayPart, Window
from sizing.spec.workload import Spec

CHAT: dict[str, Any] = {
    "name": "chat",
    "kind": "serving",
    "model": "meta-llama/Llama-3.3-70B-Instruct",
    "traffic": {"requests_per_s": 12, "input_tokens": 1800, "output_tokens": 320},
    "objectives": {"ttft_p95_s": 0.8},
    "allow": {"spot_share": 0.3},
}
PLAIN: dict[str, Any] = {"cloud": "aws", "regions": ["us-east-1", "us-west-2"], "workloads": [CHAT]}
RESERVED = {"name": "cr-0123456789abcdef0", "machine": "p5.48xlarge", "zone": "use1-az4", "machines": 4}
BLOCK = {
    **RESERVED,
    "name": "cr-0123456789abcdef1",
    "from": "2026-12-01",
    "until": "2026-12-08",
    "upfront_usd": 67_200,
}
OWNED = {"machine": "p5.48xlarge", "region": "us-east-1", "machines": 2}
P_QUOTA = {"region": "us-east-1", "quota": "L-417A185B", "limit": 384}
DAY = [{"from_h": 8, "until_h": 24, "share": 1}, {"from_h": 0, "until_h": 8, "share": 0.25}]
GCP: dict[str, Any] = {**PLAIN, "cloud": "gcp", "regions": ["us-central1"]}


def told(**keys: object) -> dict[str, Any]:
    """The plain spec with more keys of its own."""
    return {**copy.deepcopy(PLAIN), **keys}


def asked(*, of: Mapping[str, Any] = PLAIN, **keys: object) -> dict[str, Any]:
    """The plain spec with more keys of its workload; mappings are joined."""
    document = copy.deepcopy(dict(of))
    (work,) = document["workloads"]
    for key, value in keys.items():
        work[key] = {**work.get(key, {}), **value} if isinstance(value, Mapping) and key in work else value
    return document


def read(mapping: Mapping[str, Any]) -> Spec:
    return read_spec(mapping, catalog=catalog())


def mistakes(mapping: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The problems of a spec that must have some."""
    with pytest.raises(InvalidSpec) as error:
        read(mapping)
    return error.value.problems


def test_a_spec_that_tells_nothing_of_its_account_has_nothing_and_no_limits() -> None:
    spec = read(PLAIN)
    (chat,) = spec.workloads
    assert (spec.quotas, spec.reservations, spec.capacity_blocks, spec.teams) == ((), (), (), ())
    assert (spec.commitments, spec.payback_days) == (Commitments(), 30)
    assert (chat.regions, chat.team, chat.priority, chat.needed) == ((), None, None, None)
    assert (chat.traffic.day, chat.allowed.purchase, chat.objectives.ready_s) == ((), (), None)
    assert "no quota of the account is told, so none limits" in spec.assumptions
    assert "chat: the peak arrives at all hours of the day" in spec.assumptions


def test_what_an_account_has_becomes_values_with_their_cloud_and_region() -> None:
    spec = read(
        told(
            quotas=[P_QUOTA],
            reservations=[RESERVED],
            capacity_blocks=[BLOCK],
            commitments={"terms": ["3y", "1y"], "owned": [{**OWNED, "term": "3y"}]},
            teams=[{"name": "search", "accelerators": 16, "budget_usd_per_month": 30000}],
            payback_days=10,
        )
    )
    where = {"cloud": Cloud.AWS, "region": "us-east-1"}
    assert spec.quotas == (QuotaLimit(quota="L-417A185B", limit=384, **where),)  # type: ignore[arg-type]
    assert spec.reservations == (Reservation(usd_per_hour=0.0, **RESERVED, **where),)  # type: ignore[arg-type]
    (block,) = spec.capacity_blocks
    assert block == CapacityBlock(
        name="cr-0123456789abcdef1",
        machine="p5.48xlarge",
        zone="use1-az4",
        machines=4,
        window=Window(start=dt.date(2026, 12, 1), until=dt.date(2026, 12, 8)),
        upfront_usd=67_200,
        cloud=Cloud.AWS,
        region="us-east-1",
    )
    assert block.usd_per_hour == 100.0  # 67,200 / (4 machines x 7 days x 24 h)
    assert spec.commitments.terms == (PurchaseMode.COMMITTED_3Y, PurchaseMode.COMMITTED_1Y)
    assert spec.commitments.owned == (
        OwnedCommitment(machine="p5.48xlarge", machines=2, term=PurchaseMode.COMMITTED_3Y, **where),  # type: ignore[arg-type]
    )
    assert spec.teams == (TeamQuota(name="search", accelerators=16, budget_usd_per_month=30000),)
    assert spec.payback_days == 10


def test_what_a_workload_asks_of_place_time_and_rank_becomes_values() -> None:
    mapping = asked(
        regions=["us-west-2"],
        team="search",
        priority=5,
        needed={"from": "2026-12-01", "until": "2026-12-08"},
        traffic={"day": DAY},
        allow={"purchase": ["on_demand", "spot"]},
        objectives={"ready_s": 300},
    )
    (chat,) = read({**mapping, "teams": [{"name": "search"}]}).workloads
    assert (chat.regions, chat.team, chat.priority) == (("us-west-2",), "search", 5)
    assert chat.needed is not None
    assert (chat.needed.days, chat.needed.hours) == (7, 168)
    assert chat.traffic.day == (
        DayPart(from_h=0, until_h=8, share=0.25),
        DayPart(from_h=8, until_h=24, share=1.0),
    )
    assert chat.allowed.purchase == (PurchaseMode.ON_DEMAND, PurchaseMode.SPOT)
    assert chat.objectives.ready_s == 300


def test_a_quota_is_known_by_its_id_and_by_its_name_in_the_console() -> None:
    """However it is called, the same is asked, down to the hash."""
    by_name = told(quotas=[{**P_QUOTA, "quota": "Running On-Demand P instances"}])
    assert read(by_name) == read(told(quotas=[P_QUOTA]))


def test_a_quota_over_all_regions_has_none() -> None:
    (quota,) = read({**GCP, "quotas": [{"quota": "GPUS_ALL_REGIONS", "limit": 16}]}).quotas
    assert (quota.cloud, quota.region, quota.limit) == (Cloud.GCP, None, 16)


@pytest.mark.parametrize("day", ["2026-12-01", dt.date(2026, 12, 1), dt.datetime(2026, 12, 1), "2026-12-01T00:00:00Z"])  # noqa: DTZ001
def test_a_day_is_the_same_however_a_reader_of_yaml_hands_it_over(day: object) -> None:
    """As text by ours, as a date by others, as midnight of that day by the engine's."""
    mapping = told(capacity_blocks=[{**BLOCK, "from": day}])
    assert read(mapping) == read(told(capacity_blocks=[BLOCK]))


MISTAKES: list[tuple[dict[str, Any], str, str, str]] = [
    # what is written, path of the problem, what, mend
    (told(quotas=[{**P_QUOTA, "quota": "L-417A185C"}]), "quotas[0].quota", "is no quota of aws", "L-417A185B"),
    (told(quotas=[{**P_QUOTA, "quota": "GPUs"}]), "quotas[0].quota", "is no quota", "sizeup facts list quotas"),
    (told(quotas=[{**P_QUOTA, "region": "us-esat-1"}]), "quotas[0].region", "no region of aws", "us-east-1"),
    (told(quotas=[{**P_QUOTA, "region": "eu-west-1"}]), "quotas[0].region", "not among the regions", "us-east-1"),
    (told(quotas=[{**P_QUOTA, "limit": -1}]), "quotas[0].limit", "must be at least 0", "example 384"),
    (told(quotas=[{**P_QUOTA, "limit": 1.5}]), "quotas[0].limit", "must be a whole number", "example 384"),
    (told(quotas=[{"quota": "L-417A185B", "limit": 1}]), "quotas[0]", "has a limit in each region", "give region"),
    (told(quotas=[P_QUOTA, {**P_QUOTA, "limit": 1}]), "quotas[1]", "in us-east-1, as quotas[0] does", "console"),
    (
        {**GCP, "quotas": [{"quota": "GPUS_ALL_REGIONS", "region": "us-central1", "limit": 1}]},
        "quotas[0]",
        "one quota over all regions",
        "leave region out",
    ),
    (
        {
            **GCP,
            "cloud": ["aws", "gcp"],
            "regions": ["us-east-1", "us-central1"],
            "quotas": [P_QUOTA | {"region": "us-central1"}],
        },
        "quotas[0]",
        "us-central1 is of gcp, and the quota of aws",
        "a quota of gcp",
    ),
    (
        told(reservations=[{**RESERVED, "machine": "p5.48xlage"}]),
        "reservations[0].machine",
        "is no machine of aws",
        "p5.48xlarge",
    ),
    (told(reservations=[{**RESERVED, "machine": "m7i.xlarge"}]), "reservations[0].machine", "no accelerator", "facts"),
    (
        told(reservations=[{**RESERVED, "zone": "use2-az1"}]),
        "reservations[0].zone",
        "lies in us-east-2, which is not among regions",
        "add us-east-2",
    ),
    (
        told(zones=["use1-az1", "use1-az2"], reservations=[RESERVED]),
        "reservations[0].zone",
        "is not among the zones of the stack",
        "add use1-az4 to zones",
    ),
    (told(reservations=[{**RESERVED, "name": "base"}]), "reservations[0]", "is no name that aws gives", "cr-0123"),
    (
        {**GCP, "reservations": [{"name": "Base", "machine": "a3-highgpu-8g", "zone": "us-central1-a", "machines": 1}]},
        "reservations[0]",
        "is no name that gcp gives",
        "gcloud compute reservations list",
    ),
    (
        {
            **GCP,
            "cloud": ["aws", "gcp"],
            "regions": ["us-east-1", "us-central1"],
            "reservations": [{**RESERVED, "zone": "us-central1-a"}],
        },
        "reservations[0]",
        "us-central1-a is of gcp, and the machine of aws",
        "a machine of gcp",
    ),
    (told(reservations=[{**RESERVED, "machines": 0}]), "reservations[0].machines", "greater than 0", "example 4"),
    (told(reservations=[{**RESERVED, "usd_per_hour": -1}]), "reservations[0].usd_per_hour", "at least 0", "USD per"),
    (
        told(reservations=[RESERVED], capacity_blocks=[{**BLOCK, "name": RESERVED["name"]}]),
        "capacity_blocks[0].name",
        "as reservations[0] is called",
        "once",
    ),
    (
        told(capacity_blocks=[{**BLOCK, "until": "2026-11-30"}]),
        "capacity_blocks[0]",
        "ends on 2026-11-30, before it starts on 2026-12-01",
        "swap from and until",
    ),
    (
        told(capacity_blocks=[{**BLOCK, "until": "2026-12-01"}]),
        "capacity_blocks[0]",
        "ends on 2026-12-01, the day on which it starts",
        "the first day that is not part of it",
    ),
    (told(capacity_blocks=[{**BLOCK, "from": "soon"}]), "capacity_blocks[0].from", "is soon, which is no day", "2026-"),
    (told(capacity_blocks=[{**BLOCK, "from": 20261201}]), "capacity_blocks[0].from", "which is no day", "2026-"),
    (told(capacity_blocks=[{**BLOCK, "from": "2026-13-01"}]), "capacity_blocks[0].from", "which is no day", "2026-"),
    (told(capacity_blocks=[{**BLOCK, "fro": 1}]), "capacity_blocks[0].fro", "is no key", "did you mean from?"),
    (
        told(quotas=5),
        "quotas",
        "is 5, but must be a list",
        "for example [{region: us-east-1, quota: L-417A185B, limit: 384}]",
    ),
    (
        told(reservations=[{**RESERVED, "machine": "p5.48xlargee"}]),
        "reservations[0].machine",
        "is no machine",
        "p5e.48xlarge or p5.48xlarge?",
    ),
    (told(commitments={"terms": ["2y"]}), "commitments.terms[0]", "is 2y", "1y"),
    (told(commitments={"terms": ["1y", "1y"]}), "commitments.terms", "names 1y twice", "once"),
    (
        told(commitments={"owned": [{**OWNED, "region": "eu-west-1"}]}),
        "commitments.owned[0].region",
        "not among the regions",
        "add eu-west-1 to regions",
    ),
    (told(commitments={"owned": [OWNED, OWNED]}), "commitments.owned", "p5.48xlarge in us-east-1 for 1y twice", "add"),
    (told(teams=[{"name": "search"}, {"name": "search"}]), "teams[1].name", "as teams[0] is called", "once"),
    (told(teams=[{"name": "Search"}]), "teams[0].name", "is Search", "lower-case letters"),
    (told(payback_days=0), "payback_days", "greater than 0", "example 30"),
    (asked(regions=["eu-west-1"]), "workloads[0].regions[0]", "not among the regions of the stack", "us-east-1"),
    (asked(regions=[]), "workloads[0].regions", "is empty", "for residency"),
    (asked(regions=["us-est-1"]), "workloads[0].regions[0]", "no region of aws", "us-east-1"),
    (
        asked(of={**PLAIN, "cloud": ["aws", "gcp"], "regions": ["us-east-1", "us-central1"]}, regions=["us-east-1"]),
        "workloads[0].regions",
        "names no region of gcp, which cloud allows",
        "take gcp out of cloud",
    ),
    (asked(team="search"), "workloads[0].team", "search is no team of the stack", "write teams: [{name: search}]"),
    (
        {**asked(team="serach"), "teams": [{"name": "search"}]},
        "workloads[0].team",
        "serach is no team",
        "did you mean search?",
    ),
    (asked(priority=0), "workloads[0].priority", "must be at least 1", "9 the most"),
    (asked(priority=10), "workloads[0].priority", "must be at most 9", "9 the most"),
    (
        asked(needed={"from": "2026-12-08", "until": "2026-12-01"}),
        "workloads[0].needed",
        "ends on 2026-12-01, before it starts on 2026-12-08",
        "swap",
    ),
    (asked(needed={"until": "2026-12-01"}), "workloads[0].needed.from", "is missing", "the first day"),
    (
        asked(traffic={"day": [{"from_h": 0, "until_h": 8, "share": 1}, {"from_h": 8, "until_h": 20, "share": 0.5}]}),
        "workloads[0].traffic.day",
        "tells no share from 20 to 24 h",
        "each of the 24 hours",
    ),
    (
        asked(traffic={"day": [{"from_h": 0, "until_h": 18, "share": 1}, {"from_h": 16, "until_h": 22, "share": 0.5}]}),
        "workloads[0].traffic.day",
        "tells no share from 22 to 24 h and tells two shares from 16 to 18 h",
        "exactly one part",
    ),
    (
        asked(traffic={"day": [{"from_h": 0, "until_h": 24, "share": 0.8}]}),
        "workloads[0].traffic.day",
        "reaches 0.8 of the peak at most",
        "a share of 1",
    ),
    (
        asked(traffic={"day": [{"from_h": 22, "until_h": 6, "share": 1}]}),
        "workloads[0].traffic.day[0]",
        "ends at 6 h, before it starts at 22 h",
        "22 to 24 h and 0 to 6 h",
    ),
    (
        asked(traffic={"day": [{"from_h": 0, "until_h": 25, "share": 1}]}),
        "workloads[0].traffic.day[0].until_h",
        "must be at most 24",
        "1 to 24",
    ),
    (asked(traffic={"day": []}), "workloads[0].traffic.day", "is empty", "the share of the peak"),
    (asked(objectives={"ready_s": 0}), "workloads[0].objectives.ready_s", "greater than 0", "example 300"),
    (asked(allow={"purchase": ["spto"]}), "workloads[0].allow.purchase[0]", "is spto", "did you mean spot?"),
    (asked(allow={"purchase": []}), "workloads[0].allow.purchase", "is empty", "ways"),
    (
        asked(allow={"purchase": ["on_demand"]}),
        "workloads[0].allow",
        "has a spot_share of 0.3, and purchase does not name spot",
        "add spot",
    ),
    (
        asked(allow={"purchase": ["on_demand", "spot"], "spot_share": 0}),
        "workloads[0].allow",
        "names spot in purchase, and spot_share is 0",
        "give spot_share",
    ),
    (
        asked(allow={"purchase": ["spot"]}),
        "workloads[0].allow",
        "allows spot machines alone, and 0.7 of the capacity must not be on spot",
        "add on_demand",
    ),
    (
        asked(allow={"purchase": ["reservation"], "spot_share": 0}),
        "workloads[0].allow.purchase",
        "allows reservation alone, and the stack tells of none",
        "write reservations beside workloads",
    ),
    (
        asked(allow={"purchase": ["on_demand", "flex_start"], "spot_share": 0}),
        "workloads[0].allow.purchase",
        "names flex_start, which only gcp sells",
        "add gcp",
    ),
    (
        asked(of=GCP, allow={"purchase": ["on_demand", "flex_start"], "spot_share": 0}),
        "workloads[0].needed",
        "is missing, and flex_start machines run for 7 days at most",
        "take flex_start out",
    ),
    (
        asked(
            of=GCP,
            allow={"purchase": ["on_demand", "flex_start"], "spot_share": 0},
            needed={"from": "2026-12-01", "until": "2026-12-09"},
        ),
        "workloads[0].needed",
        "has 8 days, and flex_start machines run for 7 days at most",
        "7 days or fewer",
    ),
    (
        {
            **asked(regions=["us-west-2"], survive="zone"),
            "zones": ["use1-az1", "use1-az2", "usw2-az1"],
        },
        "zones",
        "names no two zones of one region",
        "add a zone",
    ),
]


@pytest.mark.parametrize(("mapping", "path", "what", "mend"), MISTAKES)
def test_a_mistake_is_told_with_place_reason_and_mend(mapping: dict[str, Any], path: str, what: str, mend: str) -> None:
    (problem,) = mistakes(mapping)
    assert problem.path == path
    assert what in problem.what
    assert mend in problem.mend


def test_mistakes_of_account_and_workload_are_told_at_once() -> None:
    wrong = asked(team="nobody", priority=12, traffic={"day": [{"from_h": 0, "until_h": 8, "share": 1}]})
    wrong |= {
        "quotas": [{**P_QUOTA, "quota": "none"}],
        "reservations": [RESERVED, {**RESERVED, "zone": "mars-a"}],
        "capacity_blocks": [{**BLOCK, "until": "2026-01-01"}],
        "teams": [{"name": "a"}, {"name": "a"}],
    }
    assert [problem.path for problem in mistakes(wrong)] == [
        "quotas[0].quota",
        "reservations[1].zone",
        "capacity_blocks[0]",
        "workloads[0].traffic.day",
        "workloads[0].team",
        "workloads[0].priority",
        "teams[1].name",
        "reservations[1].name",
    ]


DEFAULTS: dict[str, Any] = {
    "quotas": [],
    "reservations": [],
    "capacity_blocks": [],
    "commitments": {"terms": [], "owned": []},
    "teams": [],
    "payback_days": 30,
    "objective": "cost",
}


def test_what_is_at_its_default_asks_nothing_new() -> None:
    """So that a plan that was locked before there were the keys does not become stale."""
    assert read(told(**DEFAULTS)).hash == read(PLAIN).hash
    nothing = {"allow": {"purchase": None, "weights": None}, "objectives": {"ready_s": None}}
    untold = asked(regions=None, team=None, priority=None, needed=None, traffic={"day": None}, **nothing)
    assert read(untold).hash == read(PLAIN).hash


@pytest.mark.parametrize(
    "mapping",
    [
        told(quotas=[P_QUOTA]),
        told(quotas=[{**P_QUOTA, "limit": 385}]),
        told(reservations=[RESERVED]),
        told(reservations=[{**RESERVED, "usd_per_hour": 1}]),
        told(capacity_blocks=[BLOCK]),
        told(capacity_blocks=[{**BLOCK, "until": "2026-12-09"}]),
        told(commitments={"terms": ["1y"]}),
        told(commitments={"owned": [OWNED]}),
        told(teams=[{"name": "search"}]),
        told(payback_days=31),
        told(objective="most_work"),
        asked(regions=["us-east-1"]),
        asked(priority=1),
        asked(needed={"from": "2026-12-01", "until": "2026-12-08"}),
        asked(traffic={"day": DAY}),
        asked(objectives={"ready_s": 60}),
        asked(allow={"purchase": ["on_demand", "spot"]}),
    ],
)
def test_each_new_key_asks_for_something_else(mapping: dict[str, Any]) -> None:
    others = [told(), told(quotas=[P_QUOTA]), told(reservations=[RESERVED]), told(capacity_blocks=[BLOCK])]
    hashes = {read(one).hash for one in others if one != mapping}
    assert read(mapping).hash not in hashes


def test_a_reservation_without_a_price_is_told_to_be_paid_anyway() -> None:
    text = "reservation cr-0123456789abcdef0 is paid anyway: using it costs nothing more"
    assert text in read(told(reservations=[RESERVED])).assumptions
    assert text not in read(told(reservations=[{**RESERVED, "usd_per_hour": 0}])).assumptions


def test_a_block_is_told_to_be_paid_whole() -> None:
    """A plan that uses two of its four machines costs half of it, and the account pays all."""
    text = "capacity block cr-0123456789abcdef1 is paid whole, and each machine of it that is used costs its part"
    assert text in read(told(capacity_blocks=[BLOCK])).assumptions


def test_order_of_the_parts_of_a_day_does_not_matter() -> None:
    turned = asked(traffic={"day": list(reversed(DAY))})
    assert read(turned) == read(asked(traffic={"day": DAY}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.sampled_from(sorted(DEFAULTS)), st.sampled_from(["", *RESERVED, "from", "until", "quota", "limit"]), JSON)
def test_whatever_is_written_is_read_or_told(key: str, inner: str, value: object) -> None:
    """No value of any kind in any place ends in anything but a spec or a list of mistakes."""
    written = [{**BLOCK, **P_QUOTA, inner: value}] if inner else value
    problems: tuple[Problem, ...] = ()
    try:
        read(told(**{key: written}))
    except InvalidSpec as error:
        problems = error.problems
    assert all(problem.path and problem.what and problem.mend for problem in problems)


@settings(deadline=None)
@given(st.sampled_from(["regions", "team", "priority", "needed", "day", "purchase", "ready_s"]), JSON)
def test_whatever_is_written_in_a_workload_is_read_or_told(key: str, value: object) -> None:
    parts = {"day": "traffic", "purchase": "allow", "ready_s": "objectives"}
    mapping = asked(**({parts[key]: {key: value}} if key in parts else {key: value}))
    problems: tuple[Problem, ...] = ()
    try:
        read(mapping)
    except InvalidSpec as error:
        problems = error.problems
    assert all(problem.path and problem.what and problem.mend for problem in problems)
