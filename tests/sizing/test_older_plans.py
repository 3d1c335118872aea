"""Lock files that an older sizeup wrote: the same decisions, in the words of the present format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sizing.errors import DamagedPlan
from sizing.lockfile import dumps, from_dict, loads
from sizing.performance import ColdStart
from tests.examples import CHAT_PLAN


def second_format() -> dict[str, Any]:
    """The chat plan as format 2 would have written it: one region, one machine type, everything runs all hours."""
    document: dict[str, Any] = json.loads(dumps(CHAT_PLAN))
    document["format"] = 2
    for key in ("elsewhere", "commitments", "left_out", "cost_shares", "plain_home"):
        del document[key]
    for part in document["deployments"]:
        part["machine"] = part.pop("machines")[0]
        for key in ("region", "least_replicas", "load_tier", "team", "priority"):
            del part[key]
    for part in document["node_pools"]:
        for key in ("region", "least_nodes", "reservation", "committed", "committed_usd_per_hour"):
            del part[key]
    for part in document["cost_lines"]:
        del part["unit"], part["hours_per_month"]
        part["quantity"] = int(part["quantity"])
    for part in document["buckets"]:
        del part["region"]
    return document


def first_format(**deployment: object) -> dict[str, Any]:
    """The chat plan as format 1 would have written it: started in 390 s, nothing told by part."""
    document = second_format()
    document["format"] = 1
    for part in document["deployments"]:
        for key in ("cold_start", "checkpoint_bytes"):
            del part[key]
        del part["layout"]["cp"], part["layout"]["dcp"], part["engine"]["front_ends"]
        part |= {"startup_s": 390.0, **deployment}
    for promise in document["promises"]:
        del promise["probability"]
    return document


def test_what_was_decided_stays_decided():
    """Machines, replicas, flags, promises: all but what format 1 did not tell."""
    plan = from_dict(first_format())
    assert plan.node_pools == CHAT_PLAN.node_pools
    assert plan.deployments[0].placements == CHAT_PLAN.deployments[0].placements
    assert plan.deployments[0].layout == CHAT_PLAN.deployments[0].layout
    assert plan.usd_per_hour == CHAT_PLAN.usd_per_hour


def test_a_plan_of_one_region_is_the_same_plan():
    """Format 2 knew one region, its object store, and machines that run all hours: the present one says so."""
    assert from_dict(second_format()) == CHAT_PLAN
    on_gcp = second_format() | {"cloud": "gcp"}
    assert from_dict(on_gcp).deployments[0].load_tier == "gcs"


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ({"machine": 5}, r"deployments\[0\].machine is no key of a plan"),
        ({"placements": "all"}, r"deployments\[0\].placements is all, but must be a list"),
        ({"placements": [{"pool": "p5-48xlarge-use1-az4"}]}, r"placements\[0\].replicas is missing"),
    ],
)
def test_damage_in_a_file_of_format_2_is_told(damage: dict[str, object], told: str):
    document = second_format()
    document["deployments"][0] |= damage
    with pytest.raises(DamagedPlan, match=told):
        loads(json.dumps(document), source="p.json")


def test_a_start_is_split_as_it_was_added_up():
    """Format 1 took 95 s of bootstrap and 195 s of compile beside the weights: 390 s are 100 s of weights."""
    plan = from_dict(first_format())
    assert plan.deployments[0].cold_start == ColdStart(image_s=227.3, bootstrap_s=95, weights_s=100, compile_s=195)
    assert plan.deployments[0].startup_s == 390


def test_weights_that_are_lowered_at_load_are_read_in_twice_the_bytes():
    """70.6 GB of fp8 from a bf16 checkpoint; without quantisation what is loaded is what is read."""
    assert from_dict(first_format()).deployments[0].checkpoint_bytes == 141_200_000_000
    plain = first_format()
    plain["deployments"][0]["engine"]["quantization"] = None
    assert from_dict(plain).deployments[0].checkpoint_bytes == 70_600_000_000


def test_one_front_end_for_each_data_parallel_rank():
    """What vLLM starts by itself."""
    ranks = first_format()
    ranks["deployments"][0]["layout"] |= {"tp": 2, "dp": 2}
    assert from_dict(ranks).deployments[0].engine.front_ends == 2


def test_promises_gain_their_probability():
    """TTFT 310 ms of 500, 390 at the 90th percentile: ln(500 / 310) / (ln(390 / 310) / 1.2816) = 2.67 deviations."""
    assert from_dict(first_format()).promises[0].probability == pytest.approx(0.996, abs=0.0005)


def test_it_is_written_back_in_the_present_format():
    document = json.loads(dumps(from_dict(first_format())))
    assert document["format"] == 3
    assert from_dict(document) == from_dict(first_format())


@pytest.mark.parametrize("damage", [{"startup_s": "soon"}, {"engine": None}, {"layout": []}])
def test_damage_in_an_older_file_is_told_and_never_mended(damage: dict[str, object]):
    with pytest.raises(DamagedPlan, match=r"deployments\[0\]"):
        loads(json.dumps(first_format(**damage)), source="p.json")
