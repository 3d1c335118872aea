"""Plans stay while moving does not pay: a stack with ten workloads on the packaged facts, at other prices."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest

import sizing
from sizing import lockfile
from sizing.allocation.ways.candidates import Weighed, weigh
from sizing.allocation.whatif.sweep import Repricing, repriced
from sizing.catalog import Catalog
from sizing.outcome import Sized
from sizing.plan import PoolRole, SizingPlan
from tests.ten_workloads import MACHINES, ten_workloads

FACTS = sizing.catalog()
SPEC = ten_workloads()
DAY_H, PAYBACK_H = 24, 720


@pytest.fixture(scope="module")
def weighed() -> Sequence[Weighed]:
    """The ways to run the ten workloads: prices play no part in them."""
    machines = [one for one in FACTS.machines if one.name in MACHINES]
    return [weigh(workload, FACTS, machines) for workload in SPEC.workloads]


@pytest.fixture(scope="module")
def today(weighed: Sequence[Weighed]) -> SizingPlan:
    """The plan of the facts as they are, as its file holds it."""
    return locked(sized(FACTS, weighed, current=None).plan)


def sized(facts: Catalog, weighed: Sequence[Weighed], *, current: SizingPlan | None) -> Sized:
    answer = sizing.size(SPEC, facts, current=current, weighed=weighed, alternatives=False)
    assert isinstance(answer, Sized)
    return answer


def locked(plan: SizingPlan) -> SizingPlan:
    return lockfile.loads(lockfile.dumps(plan), source="the plan")


def at(factor: float, *machines: str) -> Catalog:
    """The facts with the price of each of *machines* times *factor*."""
    return repriced(FACTS, [Repricing(name=one, mode=None, factor=factor) for one in machines])


def without_prices(plan: SizingPlan) -> str:
    """The bytes of a plan's file but for what a price is, and the digest of the facts that prices are of."""
    return re.sub(r'"(usd_per_hour|facts_hash)": [^\n]*', r'"\1"', lockfile.dumps(plan))


def machines(plan: SizingPlan) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pool in plan.node_pools:
        if pool.role is PoolRole.ACCELERATOR:
            counts[pool.machine] = counts.get(pool.machine, 0) + pool.nodes
    return counts


def test_sizing_again_what_has_not_changed_writes_the_same_bytes(today: SizingPlan, weighed: Sequence[Weighed]):
    """Ten workloads, three zones, seven machine types: the plan file does not change, and nothing moves."""
    again = sized(FACTS, weighed, current=today)
    assert lockfile.dumps(again.plan) == lockfile.dumps(today)
    assert again.moves == ()


@pytest.mark.parametrize("factor", [0.97, 1.03])
@pytest.mark.parametrize("of", ["what runs", "what does not", "everything"])
def test_a_price_change_of_three_per_cent_moves_nothing(
    today: SizingPlan, weighed: Sequence[Weighed], of: str, factor: float
):
    """A move costs a day of thirty, 3.3 % of the new machine: the plan is the same but for its prices."""
    runs = tuple(machines(today))
    changed = {"what runs": runs, "what does not": tuple(set(MACHINES) - set(runs)), "everything": MACHINES}[of]
    answer = sized(at(factor, *changed), weighed, current=today)
    assert without_prices(answer.plan) == without_prices(today)
    assert answer.moves == ()


def test_a_price_change_of_forty_per_cent_moves_what_pays_and_says_when_it_has(
    today: SizingPlan, weighed: Sequence[Weighed]
):
    """The machines that most is paid for get 40 % dearer; what moves saves more in thirty days than it costs."""
    facts = at(1.4, "p5.48xlarge")
    answer = sized(facts, weighed, current=today)
    before, after = machines(today), machines(answer.plan)
    assert after != before
    prices = {pool.machine: pool.usd_per_hour for pool in answer.plan.node_pools}
    stayed = today.usd_per_hour + 0.4 * 55.04 * before["p5.48xlarge"]
    saving = stayed - answer.plan.usd_per_hour
    once = DAY_H * sum(max(0, after[name] - before.get(name, 0)) * prices[name] for name in after)
    assert saving * PAYBACK_H > once
    (told,) = answer.moves
    assert f"saves {saving:,.2f} USD/h, costs {once:,.2f} USD once" in told
    days = re.search(r"has paid after ([\d.]+) of 30 days", told)
    assert days is not None
    assert float(days[1]) == pytest.approx(once / saving / 24, rel=0.01)


def test_what_does_not_pay_for_its_move_is_left_where_fresh_plans_would_go(
    today: SizingPlan, weighed: Sequence[Weighed]
):
    """At every price a plan from today costs at least what a fresh one does, and no more than staying."""
    facts = at(1.4, "p5.48xlarge")
    fresh, from_today = (sized(facts, weighed, current=one).plan.usd_per_hour for one in (None, today))
    stayed = today.usd_per_hour + 0.4 * 55.04 * machines(today)["p5.48xlarge"]
    assert fresh <= from_today + 1e-6
    assert from_today <= stayed + 1e-6


def test_the_plan_file_of_ten_workloads_is_whole(today: SizingPlan):
    """Every workload has its deployment, and the document its keys in order."""
    document = json.loads(lockfile.dumps(today))
    assert sorted(document) == list(document)
    assert {one.workload for one in today.deployments} == {one.name for one in SPEC.workloads}
