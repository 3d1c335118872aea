"""The policy pack under the real engine: as a user runs it, with `pulumi preview --policy-pack infra/policy`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.cost.estimate import cost
from infra.recorder.stack_program import record_stack
from infra.stack import load_plan
from sizing.catalog import catalog
from sizing.figures import money
from tests.engine.world import World, world
from tests.policy.engine import PACK, PYTHON
from tests.project import ROOT, Ended

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="the policy pack's environment is made by `make policy`")

STACK = "tpu-gcp"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with one empty stack."""
    made = world(tmp_path_factory.mktemp("policy"))
    assert made.pulumi("stack", "init", STACK).status == 0
    return made


def preview(project: World, *arguments: str) -> Ended:
    """A preview of the stack under the pack."""
    return project.pulumi("preview", "--stack", STACK, "--policy-pack", str(PACK), *arguments)


def test_an_example_stack_is_let_through(project: World):
    """The pack runs, and what it tells is advice."""
    ended = preview(project)
    assert ended.status == 0, ended.out + ended.err
    assert "sizeup@v0.1.0" in ended.out
    assert "[mandatory]" not in ended.out


def test_a_cap_below_what_it_costs_stops_it(project: World, tmp_path: Path):
    """With the sum of the preview, to the cent, on the engine's screen and in its exit status."""
    config = tmp_path / "cap.json"
    config.write_text(json.dumps({"monthly-cost-cap": {"usd_per_month": 100}}))
    bill = cost(record_stack(ROOT, STACK).graph, catalog(), plan=load_plan(ROOT, STACK))
    ended = preview(project, "--policy-pack-config", str(config))
    assert ended.status != 0
    assert "[mandatory]" in ended.out
    assert f"costs {money(bill.usd_per_month)} USD/month, more than the 100.00 of the policy pack's" in ended.out
