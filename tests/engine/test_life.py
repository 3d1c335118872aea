"""The life of every example stack on the real engine: up, up again, a change, up, release, destroy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.edits import OWNER, another_model, by_hours, second_region
from tests.engine.world import World, world
from tests.project import STACKS, Ended, edited

pytestmark = pytest.mark.xdist_group("life")


def applied(here: World, stack: str) -> dict[str, Any]:
    """What `sizeup up --json` tells, which went well."""
    ended = here.sizeup("up", stack, "--yes", "--json")
    assert ended.status == 0, ended.err
    document: dict[str, Any] = json.loads(ended.out)
    return document


def refused(ended: Ended) -> str:
    """What a refused command said."""
    assert ended.status == 1, (ended.status, ended.err)
    return ended.err


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_lives_from_the_first_up_to_its_destruction(stack: str, tmp_path: Path):
    """The state always holds what the clouds have; a settled stack has no change, neither offline nor on the engine."""
    here = world(tmp_path)
    first = applied(here, stack)
    assert first["outcome"]["counts"]["create"] == first["preview"]["counts"]["create"]
    assert first["preview"]["engine_differences"] == []
    assert here.recorded(stack) == here.existing() != set()

    again = applied(here, stack)
    assert again["outcome"] is None
    assert again["preview"]["steps"] == again["preview"]["engine_differences"] == []

    another_model(here.root, stack)
    changed = applied(here, stack)
    planned = {(step["op"], step["urn"]) for step in changed["preview"]["steps"]}
    done = {(step["op"], step["urn"]) for step in changed["outcome"]["done"]}
    assert done == planned != set()
    assert applied(here, stack)["outcome"] is None

    held = refused(here.sizeup("destroy", stack, "--yes"))
    assert "protect: false" in held
    edited(here.root, stack, OWNER, f"{OWNER}\n    protect: false")
    assert applied(here, stack)["outcome"]["succeeded"] is True
    kept = {
        item["id"]
        for item in here.state(stack)["resources"]
        if item.get("retainOnDelete") and not item["type"].startswith("pulumi:")
    }
    gone = here.sizeup("destroy", stack, "--yes")
    assert gone.status == 0, gone.err
    assert here.recorded(stack) == set()
    assert {id_ for _, id_ in here.existing()} == kept  # what outlives the stack, as its program says


@pytest.mark.parametrize("stack", ["small-aws", "tpu-gcp"])
def test_two_regions_whose_machines_come_and_go_are_deployed_at_once_and_settle(stack: str, tmp_path: Path):
    """Networks, clusters, buckets and what scales machines, twice: nothing is left over for a second run."""
    here = world(tmp_path)
    for change in (by_hours, second_region):
        change(here.root, stack)
    first = applied(here, stack)
    assert first["outcome"]["counts"] == first["preview"]["counts"]
    assert sum(first["preview"]["counts"].values()) == first["preview"]["counts"]["create"]
    assert first["preview"]["engine_differences"] == []
    assert here.recorded(stack) == here.existing() != set()

    again = applied(here, stack)
    assert again["outcome"] is None
    assert again["preview"]["steps"] == again["preview"]["engine_differences"] == []
