"""Where weights are read from: ready in time on the cheapest storage that the stack can build, others told with why."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import pytest

from sizing.allocation import size
from sizing.allocation.planning.verify import violations
from sizing.allocation.ways.candidates import weigh
from sizing.allocation.ways.storage import Store, cheapest, object_start, start_miss, store_runners_up, stores
from sizing.catalog import Catalog, Cloud, Precision, StorageTier, catalog
from sizing.outcome import NoPlan, Sized
from sizing.performance import Layout, replica_on
from sizing.performance.host.loading import load_tiers
from sizing.render import render_explain
from sizing.spec.workload import Objectives
from sizing.units import GIB
from tests.examples import H100, LLAMA_70B
from tests.markets import CHAT_70B, H100_NODE, REGION, SMALL_MARKET, spec_of

REPLICA = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.BF16)
NO_LIMITS = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)


def within(ready_s: float, *, confidence: float = 0.5) -> Objectives:
    return replace(NO_LIMITS, ready_s=ready_s, confidence=confidence)


def by_name(ready_s: float | None, facts: Catalog | None = None, region: str = REGION) -> dict[str, Store]:
    found = stores(REPLICA, H100_NODE, replace(NO_LIMITS, ready_s=ready_s), facts or catalog(), region=region)
    return {store.name: store for store in found}


def test_object_storage_is_taken_where_nothing_else_is_asked():
    """95 s of bootstrap, 141.1 GB at 3.77 GB/s = 37.4 s, 80 x 3 s and 12 pairs of 60 / 56 s: 385.3 s, for nothing."""
    assert object_start(REPLICA, H100_NODE).ready_s == pytest.approx(385.3, abs=0.1)
    found = stores(REPLICA, H100_NODE, NO_LIMITS, catalog(), region=REGION)
    taken = cheapest(found)
    assert taken is not None
    assert (taken.name, taken.usd_per_month) == ("s3", 0.0)


def test_a_start_that_is_late_tells_how_long_the_weights_take():
    assert start_miss(REPLICA, H100_NODE, within(386)) is None
    late = start_miss(REPLICA, H100_NODE, within(375))
    assert late is not None
    assert (late.metric, late.asked) == ("ready_s", 375)
    assert late.text == "ready in 385 s > 375 s: 37 s of it to read weights from s3 at 3.77 GB/s"


def test_confidence_asks_for_more_room():
    """The interval ends at twice the prediction, its 90th percentile: 770.5 s."""
    assert start_miss(REPLICA, H100_NODE, within(771, confidence=0.9)) is None
    assert start_miss(REPLICA, H100_NODE, within(770, confidence=0.9)) is not None


def test_a_file_system_is_made_large_enough_to_be_fast_enough():
    """
    375 - 95 - 252.9 = 27.1 s for 141.1 GB are 5.2 GB/s: 41.6 TiB at 125 MB/s each, so 43,200 GiB, 18 x 2,400.

    They are 43,200 x 0.145 = 6,264 USD a month in us-east-1; and are not taken, as nothing here builds them.
    """
    lustre = by_name(375)["fsx-lustre 125"]
    assert lustre.bytes == 43_200 * GIB
    assert lustre.usd_per_month == pytest.approx(6_264)
    assert lustre.start is not None
    assert lustre.start.ready_s <= 375
    assert [miss.text for miss in lustre.lacks] == ["fsx-lustre 125: the stack's components do not build it"]


def test_a_file_system_is_no_larger_than_it_must_be():
    """Without a limit it holds 141.1 GB, for which the smallest of 1,200 GiB does."""
    assert by_name(None)["fsx-lustre 125"].bytes == 1_200 * GIB


def test_an_unknown_price_is_not_nothing():
    """No source tells what FSx costs in us-west-2, nor how fast S3 Express is read anywhere."""
    west = by_name(375, region="us-west-2")["fsx-lustre 125"]
    assert west.usd_per_month is None
    assert "fsx-lustre 125: price unknown in us-west-2" in [miss.text for miss in west.lacks]
    express = by_name(375)["s3 EXPRESS_ONEZONE"]
    assert express.start is None
    assert "s3 EXPRESS_ONEZONE: no source tells how fast it is read" in [miss.text for miss in express.lacks]


def test_a_volume_is_paid_for_its_throughput_too():
    """1,000 - 125 MB/s at 0.04 USD, and 132 GiB (141.1 GB) at 0.08: 35 + 10.56 USD a month for each machine."""
    volume = by_name(None)["gp3"]
    assert volume.usd_per_month == pytest.approx(45.56)
    assert volume.per_machine


def test_a_limit_that_no_storage_meets_leaves_nothing():
    """Compilation alone takes 252.9 s."""
    found = stores(REPLICA, H100_NODE, within(300), catalog(), region=REGION)
    assert cheapest(found) is None
    assert all(store.lacks for store in found)


def test_what_was_weighed_is_told_with_its_price_and_the_reason():
    """Beside machines at 100 USD/h: 6,264 USD a month are 8.58 an hour; a volume each for two machines 91.12, 0.12."""
    found = stores(REPLICA, H100_NODE, within(375), catalog(), region=REGION)
    told = store_runners_up("chat", found, REGION, beside_usd_per_hour=100.0, machines=2)
    assert [one.workload for one in told] == ["chat"] * 6
    by_what = {one.what: one for one in told}
    lustre = by_what["weights on fsx-lustre 125 of 42.2 TiB in us-east-1, 6,264 USD a month: ready in 375 s"]
    assert [miss.text for miss in lustre.misses] == ["fsx-lustre 125: the stack's components do not build it"]
    assert lustre.usd_per_hour == pytest.approx(108.58, abs=0.01)
    volume = by_what["weights on gp3 in us-east-1, 46 USD a month for each machine: ready in 476 s"]
    assert volume.usd_per_hour == pytest.approx(100.125, abs=0.001)


def test_a_machine_that_starts_too_late_is_rejected_and_others_are_not():
    """The same limit on all machines: only those whose start keeps it are left, and the rest say by how much."""
    patient = weigh(CHAT_70B, catalog(), catalog().machines)
    workload = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ready_s=390.0))
    hurried = weigh(workload, catalog(), catalog().machines)
    late = [one for one in hurried.rejected if any(miss.metric == "ready_s" for miss in one.misses)]
    assert late
    assert 0 < len(hurried.candidates) < len(patient.candidates)
    for one in hurried.candidates:
        assert object_start(one.replica, one.machine).ready_s <= 390
    assert len(hurried.candidates) + sum("ready_s" in {m.metric for m in one.misses} for one in late) == len(
        patient.candidates
    )


@pytest.mark.parametrize("cloud", list(Cloud))
def test_every_other_storage_is_one_that_the_facts_know(cloud: Cloud):
    """A name that no rate goes by would be weighed in vain."""
    from sizing.allocation.ways.storage import OTHERS

    known = {tier.name for tier in load_tiers() if tier.cloud in {None, cloud}}
    assert {kind.load for kind in OTHERS[cloud]} - {None} <= known


def test_the_cheapest_of_those_that_are_in_time_is_taken():
    """Were Lustre built, it would be taken at 375 s, and left at 386 s, where object storage does."""
    (lustre,) = [
        store for store in stores(REPLICA, H100_NODE, within(375), catalog(), region=REGION) if "125" in store.name
    ]
    plain = stores(REPLICA, H100_NODE, within(375), catalog(), region=REGION)[0]
    assert cheapest((plain, replace(lustre, lacks=()))) == replace(lustre, lacks=())
    assert cheapest((replace(plain, lacks=()), replace(lustre, lacks=()))) == replace(plain, lacks=())


def test_storage_of_a_made_up_region_is_priced_as_its_fact_says():
    fact = StorageTier(
        cloud=Cloud.AWS,
        region="eu-west-9",
        service="fsx-lustre",
        tier="PERSISTENT_2 SSD 125",
        usd_per_gb_month=0.5,
        included_iops=None,
        usd_per_iops_month=None,
        included_bytes_per_s=None,
        max_bytes_per_s=None,
        usd_per_mb_per_s_month=None,
        provenance=catalog().storage[0].provenance,
    )
    assert by_name(None, replace(catalog(), storage=(fact,)), "eu-west-9")["fsx-lustre 125"].usd_per_month == 600


def test_a_plan_promises_its_start_and_is_held_to_it():
    """
    The slowest machine of the plan is ready in time, with the chance that the interval of it gives.

    A checkpoint of twice the size and a limit that it does not keep: the verifier, which works the start out anew from
    the plan, says so.
    """
    limit = 400.0
    asked = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ready_s=limit))
    sized = size(spec_of(asked), SMALL_MARKET, alternatives=False)
    assert isinstance(sized, Sized)
    (promise,) = [one for one in sized.plan.promises if one.metric == "ready_s"]
    slowest = max(one.startup_s for one in sized.plan.deployments)
    assert promise.asked == limit
    assert promise.planned == pytest.approx(slowest)
    assert promise.planned <= limit
    assert promise.probability == pytest.approx(
        NormalDist().cdf(math.log(limit / slowest) / (math.log(2) / 1.2816)), abs=1e-3
    )
    tighter = replace(asked, objectives=replace(asked.objectives, ready_s=slowest - 5))
    assert any("ready in" in text for text in violations(sized.plan, spec_of(tighter), SMALL_MARKET))


def test_a_start_that_nothing_can_make_is_named_as_what_stands_in_the_way():
    """On two accelerators 95 + 37.4 + 240 + 2 x 60 / 56 = 374.6 s; what is proposed instead leads to a plan."""
    asked = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ready_s=100.0))
    refused = size(spec_of(asked), SMALL_MARKET)
    assert isinstance(refused, NoPlan)
    assert [one.text for one in refused.conflict] == ["chat: objectives.ready_s 100"]
    assert "ready in 375 s > 100 s" in refused.reason
    (mend,) = [text for text in refused.mends if "ready_s" in text]
    proposed = float(mend.partition("ready_s to ")[2].partition(":")[0])
    eased = replace(asked, objectives=replace(asked.objectives, ready_s=proposed))
    assert isinstance(size(spec_of(eased), SMALL_MARKET, alternatives=False), Sized)


def test_a_plan_tells_the_storage_that_it_did_not_take():
    """Only where a start is asked: otherwise object storage is taken for nothing, and there is nothing to tell."""
    asked = replace(CHAT_70B, objectives=replace(CHAT_70B.objectives, ready_s=400.0))
    sized = size(spec_of(asked), SMALL_MARKET)
    assert isinstance(sized, Sized)
    told = sized.storage
    assert [one.what.split()[2] for one in told] == ["s3", "gp3", "fsx-lustre", "fsx-lustre", "local-nvme"]
    assert all(one.misses for one in told)
    plain = size(spec_of(CHAT_70B), SMALL_MARKET)
    assert isinstance(plain, Sized)
    assert plain.storage == ()
    assert "storage of weights, and why it was not taken" in render_explain(sized, name="chat")
    assert "storage of weights" not in render_explain(plain, name="chat")
