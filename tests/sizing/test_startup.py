"""What a replica asks of its machine beside accelerators, and how long it takes to start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.catalog import Cloud, Precision
from sizing.errors import UnknownFact
from sizing.performance import (
    Layout,
    checkpoint_bytes,
    cold_start,
    disk_bytes,
    front_ends,
    host_memory_bytes,
    replica_on,
    vcpus,
    weight_bytes,
)
from sizing.performance.host.loading import load_bytes_per_s, load_tier, load_tiers
from sizing.performance.host.processors import front_end_cores
from sizing.spec.workload import TokenLengths
from sizing.units import GB, GIB, TIB
from tests.examples import CHAT, H100, LLAMA_8B, LLAMA_70B, TPU_V6E

REPLICA = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.BF16)
BUSY = replace(
    CHAT,
    requests_per_s=50.0,
    input_tokens=TokenLengths(mean=1000, p95=1000),
    output_tokens=TokenLengths(mean=200, p95=200),
)


def test_a_start_is_told_by_part():
    """
    An image of 12.6 GB at 5.6 GB in 101 s; 74 + 21 s of bootstrap; 141.1 GB at 2 GB/s; 80 layers x 3 s and 12 pairs.

    A pair takes 60 / 56 s: 12.9 s for four accelerators.
    """
    start = cold_start(REPLICA, 2e9)
    assert start.image_s == pytest.approx(227.25, abs=0.01)
    assert start.bootstrap_s == 95
    assert start.weights_s == pytest.approx(70.55, rel=0.001)
    assert start.compile_s == pytest.approx(240 + 12.86, abs=0.01)
    assert start.ready_s == pytest.approx(418.4, abs=0.1)
    assert start.total_s == pytest.approx(645.7, abs=0.2)


def test_the_measured_start_of_a_27b_model_comes_out():
    """KAITO issue 2325: 62 layers on one A100, 51.75 GiB at 0.896 GB/s: 95 + 62 + 195 s; here 343 s with 62 layers."""
    model = replace(LLAMA_70B, layers=62, parameters=round(51.75 * GIB / 2))
    one = replica_on(model, H100, layout=Layout(), weights=Precision.FP8)
    assert cold_start(one, 51.75 * GIB / 62).ready_s == pytest.approx(95 + 62 + 195, rel=0.03)


def test_stages_compile_their_own_layers_side_by_side():
    """Two stages of 40 layers: 120 s, and the same 12 pairs."""
    staged = replica_on(LLAMA_70B, H100, layout=Layout(tp=2, pp=2), weights=Precision.BF16)
    assert cold_start(staged, 1e9).compile_s == pytest.approx(120 + 12.86, abs=0.01)


def test_a_tpu_compiles_for_25_minutes():
    """Twenty to thirty in the first run, says vLLM's page on its installation on TPU."""
    on_tpu = replica_on(LLAMA_70B, TPU_V6E, layout=Layout(tp=8), weights=Precision.BF16)
    assert cold_start(on_tpu, 1e9).compile_s == 1500


def test_weights_that_the_engine_lowers_are_read_as_they_were_published():
    """141.1 GB of bf16 are read for an fp8 replica: as long as for a bf16 one."""
    lowered = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.FP8)
    assert weight_bytes(lowered) < 0.6 * weight_bytes(REPLICA)
    assert checkpoint_bytes(lowered) == pytest.approx(141.1e9, rel=0.001)
    assert cold_start(lowered, 2e9) == cold_start(REPLICA, 2e9)


def test_host_memory_holds_processes_and_staged_weights():
    """Four processes of 8 GiB, 8 GiB for the server, 2 more for a second front end, a quarter of 141.1 GB."""
    assert host_memory_bytes(REPLICA) == pytest.approx(40 * GIB + 141.1e9 / 4, rel=0.001)
    assert host_memory_bytes(REPLICA, front_ends=2) - host_memory_bytes(REPLICA) == 2 * GIB


def test_on_a_tpu_host_memory_holds_the_whole_model():
    """131 GiB were resident for this model (marin issue 3768); beside it eight processes' 8 GiB and the server's 8."""
    replica = replica_on(LLAMA_70B, TPU_V6E, layout=Layout(tp=8), weights=Precision.BF16)
    assert host_memory_bytes(replica) == pytest.approx((64 + 8 + 131.4) * GIB, rel=0.001)


def test_the_disk_holds_caches_and_the_checkpoint():
    """10 GiB, and 100 GB and a fifth more."""
    assert disk_bytes(100 * GB) == 10 * GIB + 120 * GB


def test_cores_of_the_front_end_are_those_of_its_requests_and_tokens():
    """50 x (0.7 ms + 1,000 x 3 us + 200 x 60 us) = 50 x 15.7 ms = 0.785 cores."""
    assert front_end_cores(BUSY) == pytest.approx(0.785)


def test_the_front_end_of_a_published_run_was_at_its_limit():
    """Pull request 17546 of vLLM: one front end took 76.5 of 120 requests/s, of 221 and about 200 tokens."""
    run = replace(
        BUSY,
        requests_per_s=76.5,
        input_tokens=TokenLengths(mean=221, p95=221),
        output_tokens=TokenLengths(mean=200, p95=200),
    )
    assert front_end_cores(run) == pytest.approx(1.0, abs=0.05)


def test_each_process_of_the_server_has_a_core():
    """One front end, one scheduler, four workers: 12 vCPU; 0.785 cores of front end, at most 60 % busy: two."""
    assert vcpus(REPLICA, replace(CHAT, requests_per_s=1.0)) == 12
    assert front_ends(REPLICA, BUSY) == 2
    assert vcpus(REPLICA, BUSY) == 14


def test_data_parallel_ranks_bring_schedulers_front_ends_and_a_coordinator():
    """The example of vLLM's docs: DP 4, TP 2 on 8 GPUs are 4 + 4 + 8 + 1 = 17 processes."""
    ranks = replica_on(LLAMA_8B, H100, layout=Layout(tp=2, dp=4), weights=Precision.BF16)
    assert vcpus(ranks, replace(CHAT, requests_per_s=1.0)) == 34


@given(rates=st.tuples(st.floats(0.01, 1000), st.floats(0.01, 1000)), tokens=st.floats(1, 5000))
def test_more_traffic_never_needs_fewer_processors(rates, tokens):
    lengths = TokenLengths(mean=tokens, p95=tokens)
    fewer, more = (replace(CHAT, requests_per_s=rate, output_tokens=lengths) for rate in sorted(rates))
    assert vcpus(REPLICA, fewer) <= vcpus(REPLICA, more)


def test_object_storage_is_read_at_half_of_the_network_up_to_what_was_measured():
    """S3: 3.77 GB/s on to one accelerator; a machine of 20 Gb/s reads 1.25 GB/s; of an unknown network, as measured."""
    s3 = load_tier("s3")
    assert load_bytes_per_s(s3, network_bytes_per_s=400e9) == 3.77e9
    assert load_bytes_per_s(s3, network_bytes_per_s=2.5e9) == 1.25e9
    assert load_bytes_per_s(s3, network_bytes_per_s=None) == 3.77e9


def test_a_local_disk_is_not_behind_the_network():
    assert load_bytes_per_s(load_tier("local-nvme"), network_bytes_per_s=1e9) == 2.25e9


def test_a_file_system_reads_as_fast_as_it_is_large():
    """1,000 MB/s for each TiB: 1.2 TiB read 1.2 GB/s, of a machine with the network for it."""
    lustre = load_tier("fsx-lustre 1000")
    assert load_bytes_per_s(lustre, network_bytes_per_s=50e9, provisioned_bytes=1.2 * TIB) == pytest.approx(1.2e9)


def test_every_tier_has_a_source_a_date_and_a_rate():
    """Those of neither cloud are everywhere; what is not verified says so."""
    for tier in load_tiers():
        assert tier.provenance.source
        assert tier.provenance.as_of
        assert tier.cloud in {None, *Cloud}
        assert load_bytes_per_s(tier, network_bytes_per_s=None) > 0
    assert {tier.name for tier in load_tiers() if not tier.is_verified} == {
        "gcs",
        "anywhere-cache",
        "hyperdisk-ml",
        "hub",
    }


def test_a_tier_of_no_facts_is_told_with_those_known():
    with pytest.raises(UnknownFact, match="hyperdisk-ml"):
        load_tier("tape")
