"""Every way that is weighed keeps what is asked, and every way that is rejected truly misses what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.allocation.ways.candidates import Candidate, Rejected, weigh
from sizing.allocation.ways.host import allocatable_bytes, allocatable_disk_bytes, allocatable_vcpus, host_need
from sizing.catalog import Machine, Precision, catalog
from sizing.outcome import Miss
from sizing.performance import (
    Excuse,
    Replica,
    highest_rate,
    max_sequences,
    memory_budget,
    open_loop,
)
from sizing.performance.serving.tails import RELATIVE
from sizing.spec.lengths import within_context
from sizing.spec.workload import Objectives, Serving
from tests.markets import (
    ANYTHING,
    ASSIST_8B,
    CHAT_70B,
    H100_NODE,
    H100_SINGLE,
    L40S_NODE,
    SMALL_MARKET,
    machine,
)

NO_LIMITS = Objectives(ttft_p95_s=None, tpot_p95_s=None, e2e_p95_s=None)
STRICT = replace(CHAT_70B, objectives=Objectives(ttft_p95_s=0.4, tpot_p95_s=0.025, e2e_p95_s=10.0))
LONG = replace(CHAT_70B, max_context_tokens=131072)


def all_ways(workload: Serving) -> tuple[tuple[Candidate, ...], tuple[Rejected, ...]]:
    weighed = weigh(workload, catalog(), catalog().machines)
    return weighed.candidates, weighed.rejected


@pytest.mark.parametrize("workload", [CHAT_70B, ASSIST_8B, STRICT, LONG], ids=["chat", "assist", "strict", "long"])
def test_every_rejected_candidate_truly_misses_what_it_says(workload: Serving):
    """Each miss is worked out anew from the model, the machine, or the facts."""
    _, rejected = all_ways(workload)
    assert rejected
    for one in rejected:
        assert one.misses
        for miss in one.misses:
            truth = of_the_replica if one.replica is not None else of_the_device
            assert truth(one, miss, workload), (one, miss)


def of_the_replica(one: Rejected, miss: Miss, workload: Serving) -> bool:
    """Whether a replica with a layout misses what is said."""
    assert one.replica is not None
    machine = next(fact for fact in catalog().machines if fact.name == one.machines[0])
    point = rate(one.replica, workload, workload.objectives)
    match miss.metric:
        case "ttft_p95_s" | "tpot_p95_s" | "e2e_p95_s":
            assert miss.asked is not None
            assert miss.asked == getattr(workload.objectives, miss.metric)
            return isinstance(rate(one.replica, workload, replace(NO_LIMITS, **{miss.metric: miss.asked})), Excuse)
        case "hbm_bytes":
            return not memory_budget(one.replica).fits
        case "kv_tokens":
            return max_sequences(memory_budget(one.replica), workload.max_context_tokens) < 1
    return not isinstance(point, Excuse) and of_the_host(one.replica, machine, miss, workload, point.requests_per_s)


def of_the_host(replica: Replica, machine: Machine, miss: Miss, workload: Serving, requests_per_s: float) -> bool:
    """Whether the machine leaves too little of what is said for the replica at that rate."""
    need = host_need(replica, replace(workload.traffic, requests_per_s=requests_per_s))
    lacking = {
        "host_memory_bytes": need.memory_bytes > allocatable_bytes(machine),
        "vcpus": need.vcpus > allocatable_vcpus(machine),
        "local_disk_bytes": need.disk_bytes > (allocatable_disk_bytes(machine) or float("inf")),
    }
    return lacking.get(miss.metric, False)


def of_the_device(one: Rejected, miss: Miss, workload: Serving) -> bool:
    """Whether a device that was not tried is as said."""
    device = catalog().accelerator(one.what.split()[0])
    match miss.metric:
        case "compute_capability" | "accelerator_fraction":
            return (miss.reached or 0) < (miss.asked or 0)
        case "weights":
            return workload.model.native_precision.value not in one.what.split()
        case "engine":
            return device.kind.value in {"tpu", "neuron"}
        case "speed":
            return None in {device.memory_bytes_per_s, device.bf16_flop_per_s}
    return False


def rate(replica, workload: Serving, objectives: Objectives):
    return highest_rate(
        replica,
        traffic=within_context(workload.traffic, workload.max_context_tokens),
        objectives=objectives,
        max_context_tokens=workload.max_context_tokens,
    )


@pytest.mark.parametrize("workload", [CHAT_70B, ASSIST_8B, STRICT], ids=["chat", "assist", "strict"])
def test_every_candidate_keeps_every_objective_at_the_rate_that_it_is_counted_for(workload: Serving):
    """
    The open-loop model at 99.9 % of that rate: fitting, on a share of the host that suffices, within the limits.

    A percentile is found from above, to a part in 10,000, which may be more than 0.1 % of the rate does to it.
    """
    candidates, _ = all_ways(workload)
    assert candidates
    for one in candidates:
        traffic = within_context(workload.traffic, workload.max_context_tokens)
        point = open_loop(one.replica, traffic=replace(traffic, requests_per_s=0.999 * one.point.requests_per_s))
        for metric in ("ttft_p95_s", "tpot_p95_s", "e2e_p95_s"):
            limit = getattr(workload.objectives, metric)
            assert limit is None or getattr(point, metric).value <= limit * (1 + RELATIVE)
        share = one.slots / one.machine.accelerators
        assert one.machine.accelerators % one.slots == 0
        assert one.slots >= one.replica.layout.accelerators
        assert one.need.vcpus <= share * allocatable_vcpus(one.machine)
        assert one.need.memory_bytes <= share * allocatable_bytes(one.machine)


def test_only_allowed_weights_accelerators_and_machines_are_weighed():
    """bf16 only, on the single H100 machine: 141 GB of weights do not fit 80 GB, and nothing else is tried."""
    allowed = replace(ANYTHING, weights=(Precision.BF16,), machines=(H100_SINGLE.name,))
    weighed = weigh(replace(CHAT_70B, allowed=allowed), SMALL_MARKET, SMALL_MARKET.machines)
    assert not weighed.candidates
    assert [(one.what, one.machines) for one in weighed.rejected] == [("nvidia-h100-80gb TP1 bf16", ("p5.4xlarge",))]
    assert weighed.rejected[0].misses[0].metric == "hbm_bytes"
    only_h100 = replace(CHAT_70B, allowed=replace(ANYTHING, accelerators=("nvidia-h100-80gb",)))
    weighed = weigh(only_h100, SMALL_MARKET, SMALL_MARKET.machines)
    assert {one.machine.name for one in weighed.candidates} <= {H100_NODE.name, H100_SINGLE.name}


def test_a_share_of_an_accelerator_is_not_sized():
    """g6f.large has an eighth of an L4: how fast that is, is not modelled, and it says so."""
    fractions = [one for one in catalog().machines if one.accelerator_fraction != 1]
    assert fractions
    weighed = weigh(ASSIST_8B, catalog(), fractions)
    assert not weighed.candidates
    assert all("share of an nvidia-" in one.misses[0].text for one in weighed.rejected)


def test_a_host_too_small_for_one_replica_is_rejected():
    """Eight accelerators beside 4 vCPUs: one replica on one accelerator asks for six."""
    small = replace(L40S_NODE, vcpus=4)
    weighed = weigh(ASSIST_8B, SMALL_MARKET, [small])
    assert not weighed.candidates
    assert {miss.metric for one in weighed.rejected for miss in one.misses} <= {"vcpus", "hbm_bytes", "tpot_p95_s"}
    assert any(one.misses[0].metric == "vcpus" for one in weighed.rejected)


def test_machines_without_accelerators_are_no_candidates():
    """A general-purpose machine serves no model."""
    weighed = weigh(ASSIST_8B, SMALL_MARKET, [machine("m7i.xlarge")])
    assert not weighed.candidates
    assert not weighed.rejected
