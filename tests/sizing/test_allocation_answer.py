"""From a spec to a plan: cost by hand, promises kept, monotony, the same bytes, and moving from a current plan."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import sizing
from sizing.allocation.planning.verify import violations
from sizing.allocation.ways.candidates import weigh
from sizing.catalog import Cloud, Machine, PurchaseMode
from sizing.outcome import NoPlan, Sized, SolverStatus
from sizing.plan import PoolRole, SizingPlan
from sizing.spec.workload import Serving, Spec, Survive
from tests.examples import H100
from tests.markets import (
    ANYTHING,
    ASSIST_8B,
    CHAT_70B,
    H100_NODE,
    L40S_SINGLE,
    REGION,
    SMALL_MARKET,
    ZONES,
    catalog_of,
    machine,
    offer,
    spec_of,
)

SPOT_ALLOWED = replace(ANYTHING, spot_share=0.5)


def sized(spec: Spec, catalog: sizing.Catalog = SMALL_MARKET, **rest) -> Sized:
    answer = sizing.size(spec, catalog, **rest)
    assert isinstance(answer, Sized), answer
    assert not violations(answer.plan, spec, catalog)
    return answer


def nodes(plan: SizingPlan) -> dict[str, int]:
    return {pool.name: pool.nodes for pool in plan.node_pools if pool.role is PoolRole.ACCELERATOR}


def capacity(workload: Serving, on: Machine, kind: str) -> float:
    """Requests per second of one replica, from the weighing alone."""
    found = weigh(workload, SMALL_MARKET, [on]).candidates
    return next(one.point.requests_per_s for one in found if one.kind == kind)


def test_replicas_within_a_machine_need_not_stand_close():
    """A p5.48xlarge keeps its 32 EFA interfaces; but four H100 of one machine talk over NVLink, to no other machine."""
    with_efa = replace(H100_NODE, fabric="efa", fabric_interfaces=32)
    catalog = replace(
        SMALL_MARKET,
        machines=tuple(with_efa if one.name == with_efa.name else one for one in SMALL_MARKET.machines),
    )
    pools = [pool for pool in sized(spec_of(CHAT_70B), catalog).plan.node_pools if pool.machine == with_efa.name]
    assert [(pool.fabric, pool.fabric_interfaces, pool.placed_together) for pool in pools] == [("efa", 32, False)]


def test_cost_is_whole_machines_and_the_system_machines():
    """
    One p5.48xlarge carries the chat (see the rate below), and three system machines: 55.04 + 3 x 0.20 USD/h.

    20 % headroom over 12/s is 14.4/s.
    """
    answer = sized(spec_of(CHAT_70B))
    assert nodes(answer.plan) == {"p5-48xlarge-use1-az1": 1}
    assert answer.plan.usd_per_hour == pytest.approx(55.04 + 0.6)
    assert sum(one.replicas * one.requests_per_s for one in answer.plan.deployments) >= 14.4
    assert answer.outcome.status is SolverStatus.OPTIMAL
    assert answer.outcome.gap == 0


def test_replicas_are_what_the_peak_with_its_headroom_takes():
    """Held to one machine type and TP1 fp8: the demand over what one replica carries, rounded up."""
    only = replace(ASSIST_8B, allowed=replace(ANYTHING, machines=(L40S_SINGLE.name,)))
    answer = sized(spec_of(only))
    each = capacity(only, L40S_SINGLE, "nvidia-l40s TP1 fp8")
    assert answer.plan.deployments[0].replicas == -(-24.0 // each)
    assert answer.plan.deployments[0].requests_per_s == pytest.approx(each)


def test_surviving_a_zone_leaves_enough_in_the_others():
    """Three zones: whichever is lost, the rest carries 24/s."""
    answer = sized(spec_of(replace(ASSIST_8B, survive=Survive.ZONE)))
    (deployment,) = answer.plan.deployments
    zones = {pool.name: pool.zone for pool in answer.plan.node_pools}
    for lost in ZONES:
        left = sum(one.replicas for one in deployment.placements if zones[one.pool] != lost)
        assert left * deployment.requests_per_s >= 24


def test_spot_takes_no_more_than_its_share_of_the_traffic():
    """Half may rest on spot: on demand alone carries 12/s of 24/s; it is cheaper than all on demand."""
    mixed = sized(spec_of(replace(ASSIST_8B, allowed=SPOT_ALLOWED)))
    by_mode = {one.mode: one for one in mixed.plan.deployments}
    firm = by_mode[PurchaseMode.ON_DEMAND]
    assert firm.replicas * firm.requests_per_s >= 12
    assert by_mode[PurchaseMode.SPOT].name == "assist-spot"
    assert mixed.plan.usd_per_hour < sized(spec_of(ASSIST_8B)).plan.usd_per_hour


def test_two_workloads_share_what_is_bought():
    """Together they cost no more than apart, less one set of system machines."""
    together = sized(spec_of(CHAT_70B, ASSIST_8B)).plan.usd_per_hour
    apart = sized(spec_of(CHAT_70B)).plan.usd_per_hour + sized(spec_of(ASSIST_8B)).plan.usd_per_hour
    assert together <= apart - 0.6 + 1e-9


def test_the_cheapest_region_and_cloud_wins_and_the_others_are_told():
    """The same machine at half the price in another region."""
    wide = catalog_of(
        [H100_NODE],
        [offer(H100_NODE, 55.04), offer(H100_NODE, 27.52, region="us-west-2", zones=("usw2-az1", "usw2-az2"))],
    )
    answer = sized(spec_of(CHAT_70B, regions=(REGION, "us-west-2")), wide)
    assert answer.plan.region == "us-west-2"
    assert answer.plan.usd_per_hour == pytest.approx(27.52 + 2 * 0.2)  # two zones, two system machines
    lost = next(one for one in answer.runners_up if one.what.startswith("aws us-east-1"))
    assert lost.usd_per_hour == pytest.approx(55.04 + 0.6)


def test_clouds_are_compared():
    """AWS at 55.04, Google Cloud at 40.00 for the same accelerators: Google Cloud."""
    elsewhere = machine("a3-highgpu-8g", H100, 8, cloud=Cloud.GCP)
    zones = ("us-central1-a", "us-central1-b", "us-central1-c")
    both = catalog_of(
        [H100_NODE, elsewhere],
        [offer(H100_NODE, 55.04), offer(elsewhere, 40.0, region="us-central1", zones=zones)],
    )
    answer = sized(spec_of(CHAT_70B, regions=(REGION, "us-central1"), clouds=(Cloud.AWS, Cloud.GCP)), both)
    assert (answer.plan.cloud, answer.plan.region) == (Cloud.GCP, "us-central1")


def test_a_plan_names_its_facts_and_versions():
    """What it was made from, for the lock file."""
    plan = sized(spec_of(CHAT_70B)).plan
    assert (plan.facts_as_of, plan.facts_hash, plan.spec_hash) == ("2026-07-20", "c" * 64, "a" * 64)
    assert plan.solver.startswith("ortools 9.")
    assert plan.sizeup_version == sizing.VERSION


def test_weights_are_kept_in_the_bucket_as_they_are_published():
    """70,553,706,496 parameters in bf16: two bytes each, at the region's price."""
    (bucket,) = sized(spec_of(CHAT_70B)).plan.buckets
    assert bucket.bytes == 2 * 70_553_706_496
    assert bucket.usd_per_gb_month == pytest.approx(0.023)


def test_machines_without_local_disks_get_a_disk_for_images_and_checkpoints():
    """
    8.03 billion parameters in bf16, as published: 16.06 GB, and a fifth more; 10 GiB of caches: 30.0 GB.

    A ninth more, since pods are evicted from a disk that is nine tenths full: 33.3 GB; with 100 GB of images 140 GB.
    """
    plan = sized(spec_of(ASSIST_8B)).plan
    disks = {pool.machine: pool.boot_disk_gb for pool in plan.node_pools}
    assert disks == {"g6e.2xlarge": 140, "m7i.xlarge": 100}


def test_the_server_takes_what_is_in_flight_and_a_margin_but_no_more_than_the_engine():
    """Sequences in steps of eight, at least those in flight at the highest rate; the engine's own limits hold."""
    (deployment,) = sized(spec_of(CHAT_70B)).plan.deployments
    engine = deployment.engine
    assert engine.max_num_seqs % 8 == 0
    assert deployment.concurrency <= engine.max_num_seqs
    assert engine.max_model_len == CHAT_70B.max_context_tokens
    assert engine.quantization == "fp8"
    assert engine.kv_cache_dtype == "auto"


def test_max_replicas_is_what_the_machines_hold():
    """TP4 on one machine of eight: two."""
    (deployment,) = sized(spec_of(CHAT_70B)).plan.deployments
    assert deployment.max_replicas == 8 // deployment.layout.accelerators


@settings(max_examples=15, deadline=None)
@given(st.floats(1, 60), st.floats(1.05, 3), st.sampled_from([CHAT_70B, ASSIST_8B]), st.sampled_from(list(Survive)))
def test_more_traffic_never_costs_less(requests_per_s: float, factor: float, workload: Serving, survive: Survive):
    """With the real performance model under it."""
    workload = replace(workload, survive=survive, traffic=replace(workload.traffic, requests_per_s=requests_per_s))
    more = replace(workload, traffic=replace(workload.traffic, requests_per_s=requests_per_s * factor))
    assert sized(spec_of(workload)).plan.usd_per_hour <= sized(spec_of(more)).plan.usd_per_hour + 1e-6


@settings(max_examples=15, deadline=None)
@given(st.floats(0.3, 3), st.floats(1, 3), st.sampled_from(["ttft_p95_s", "tpot_p95_s"]), st.booleans())
def test_a_looser_objective_never_costs_more(limit: float, factor: float, metric: str, spot: bool):  # noqa: FBT001
    """Every replica that keeps the tighter limit keeps the looser one, at no lower a rate."""
    limit = limit if metric == "ttft_p95_s" else limit / 20
    workload = replace(ASSIST_8B, allowed=SPOT_ALLOWED if spot else ANYTHING)
    tight = replace(workload, objectives=replace(workload.objectives, **{metric: limit}))
    loose = replace(workload, objectives=replace(workload.objectives, **{metric: limit * factor}))
    answer = sizing.size(spec_of(tight), SMALL_MARKET)
    assume(isinstance(answer, Sized))
    assert isinstance(answer, Sized)
    assert sized(spec_of(loose)).plan.usd_per_hour <= answer.plan.usd_per_hour + 1e-6


@settings(max_examples=15, deadline=None)
@given(st.tuples(st.floats(0.5, 0.99), st.floats(0.5, 0.99)), st.sampled_from([CHAT_70B, ASSIST_8B]), st.booleans())
def test_more_confidence_never_costs_less(shares: tuple[float, float], workload: Serving, spot: bool):  # noqa: FBT001
    """Every replica that keeps its limits more surely keeps them less surely, at no lower a rate."""
    workload = replace(workload, allowed=SPOT_ALLOWED if spot else ANYTHING)
    less, more = (
        replace(workload, objectives=replace(workload.objectives, confidence=share)) for share in sorted(shares)
    )
    answer = sizing.size(spec_of(more), SMALL_MARKET)
    assume(isinstance(answer, Sized))
    assert isinstance(answer, Sized)
    assert sized(spec_of(less)).plan.usd_per_hour <= answer.plan.usd_per_hour + 1e-6


@pytest.mark.parametrize("confidence", [0.5, 0.7, 0.9])
def test_the_peak_is_served_at_least_as_surely_as_was_asked(confidence: float):
    """What is asked holds with the headroom used; at the peak itself the chance is no worse."""
    sure = replace(ASSIST_8B, objectives=replace(ASSIST_8B.objectives, confidence=confidence))
    promises = {one.metric: one for one in sized(spec_of(sure)).plan.promises}
    assert all(one.probability >= confidence for one in promises.values())
    rate = promises["requests_per_s"]
    assert all(rate.probability <= one.probability for one in promises.values())  # it is that all hold together
    assert rate.low <= rate.planned <= rate.high


@settings(max_examples=10, deadline=None)
@given(st.floats(0.5, 60), st.sampled_from([CHAT_70B, ASSIST_8B]))
def test_another_machine_in_the_catalog_never_costs_more(usd: float, workload: Serving):
    """The new machine is taken or left."""
    new = replace(H100_NODE, name="new.48xlarge")
    wider = replace(
        SMALL_MARKET,
        machines=(*SMALL_MARKET.machines, new),
        offers=(*SMALL_MARKET.offers, offer(new, usd)),
    )
    narrow = sized(spec_of(workload)).plan.usd_per_hour
    assert sized(spec_of(workload), wider).plan.usd_per_hour <= narrow + 1e-6


@pytest.mark.parametrize(("usd", "stays"), [(54.0, True), (50.0, False)])
def test_an_existing_plan_is_left_only_where_that_pays_within_thirty_days(*, usd: float, stays: bool):
    """
    p5.48xlarge runs at 55.04 USD/h; an equal machine is offered for less.

    Thirty days of 55.04 are 39,629 USD; of 54.00 with a day beside 40,176, of 50.00 with a day beside 37,200.
    """
    today = sized(spec_of(CHAT_70B)).plan
    new = replace(H100_NODE, name="new.48xlarge")
    wider = replace(
        SMALL_MARKET, machines=(*SMALL_MARKET.machines, new), offers=(*SMALL_MARKET.offers, offer(new, usd))
    )
    answer = sized(spec_of(CHAT_70B), wider, current=today)
    moved = answer.plan
    assert {pool.machine for pool in moved.node_pools} == {"p5.48xlarge" if stays else "new.48xlarge", "m7i.xlarge"}
    cheaper = [one for one in answer.runners_up if one.what.startswith("1 x new.48xlarge on demand, ")]
    said = [miss.text for one in cheaper for miss in one.misses]
    assert any(text == "1.04 USD/h less, but moving does not pay within 30 days" for text in said) == stays
    fresh = sized(spec_of(CHAT_70B), wider).plan
    assert "new.48xlarge" in {pool.machine for pool in fresh.node_pools}


def test_sizing_again_from_its_own_plan_changes_nothing():
    """The current plan is the best one: the same pools, deployments and cost."""
    spec = spec_of(CHAT_70B, replace(ASSIST_8B, survive=Survive.ZONE))
    today = sized(spec).plan
    again = sized(spec, current=today).plan
    assert replace(again, assumptions=()) == replace(today, assumptions=())


def test_more_traffic_on_an_existing_plan_adds_to_it():
    """Twice the traffic: the pools that run stay, and grow."""
    today = sized(spec_of(ASSIST_8B)).plan
    double = replace(ASSIST_8B, traffic=replace(ASSIST_8B.traffic, requests_per_s=40))
    grown = nodes(sized(spec_of(double), current=today).plan)
    assert all(grown.get(name, 0) >= count for name, count in nodes(today).items())


def test_nothing_fits_is_an_answer():
    """A first token within a millisecond: no plan, and the nearest are told with what they miss."""
    never = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ttft_p95_s=0.001))
    answer = sizing.size(spec_of(never), SMALL_MARKET)
    assert isinstance(answer, NoPlan)
    assert answer.outcome.status is SolverStatus.INFEASIBLE
    assert "TTFT" in answer.reason
    assert answer.nearest[0].misses[0].metric == "ttft_p95_s"


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_the_same_spec_gives_the_same_bytes(cloud: str, tmp_path):
    """In two processes with different hash seeds: sets and dictionaries leave no trace in the plan."""
    regions = {"aws": ["us-east-1", "us-west-2"], "gcp": ["us-central1", "us-east5"]}[cloud]
    spec = {
        "cloud": cloud,
        "regions": regions,
        "workloads": [
            {
                "name": "chat",
                "kind": "serving",
                "model": "meta-llama/Llama-3.3-70B-Instruct",
                "traffic": {"requests_per_s": 12, "input_tokens": 1800, "output_tokens": 320},
                "objectives": {"ttft_p95_s": 1.5, "tpot_p95_s": 0.05},
                "allow": {"weights": ["bf16", "fp8"], "spot_share": 0.4},
                "survive": "zone",
            }
        ],
    }
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    outputs = [
        subprocess.run(  # noqa: S603  our own interpreter
            [sys.executable, "-m", "sizing", str(path)], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0])["cloud"] == cloud


def test_the_cluster_stays_in_the_zones_that_are_allowed():
    """Two zones are enough for a control plane, so nothing of the stack stands in a third."""
    spec = replace(spec_of(CHAT_70B), zones=("use1-az2", "use1-az4"))
    plan = sized(spec, SMALL_MARKET).plan
    assert {pool.zone for pool in plan.node_pools} <= {"use1-az2", "use1-az4"}
    assert plan.zones == ("use1-az2", "use1-az4")
