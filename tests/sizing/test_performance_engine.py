"""What engines reserve and start with, and what a replica asks of its machine."""

from dataclasses import replace

import pytest

from sizing.catalog.accelerator import Precision
from sizing.errors import UnknownFact
from sizing.performance import (
    Layout,
    engine_named,
    engines,
    host_memory_bytes,
    replica_on,
    startup_s,
    vcpus,
    weight_bytes,
)
from sizing.performance.efficiency import device_class, efficiency, spread
from sizing.performance.estimate import Grade
from tests.examples import A100, H100, L40S, LLAMA_8B, LLAMA_70B, TPU_V6E


@pytest.mark.parametrize(
    ("device", "tokens", "sequences"),
    [(H100, 8192, 1024), (A100, 2048, 256), (L40S, 2048, 256), (TPU_V6E, 1024, 256)],
)
def test_vllm_starts_with_its_defaults_for_the_device(device, tokens, sequences):
    """VLLM 0.33, OpenAI server: 8,192 and 1,024 from 70 GB on, but 2,048 and 256 on A100 and smaller cards."""
    replica = replica_on(LLAMA_8B, device, layout=Layout(), weights=Precision.BF16)
    assert (replica.max_num_batched_tokens, replica.max_num_seqs) == (tokens, sequences)


def test_the_default_version_comes_first():
    """VLLM takes 92 % of the device since 0.22."""
    assert engine_named("vllm").memory_utilisation == 0.92
    assert engine_named("vllm", "0.19").memory_utilisation == 0.9


def test_an_unknown_engine_is_told_with_those_known():
    with pytest.raises(UnknownFact, match="tensorrt-llm"):
        engine_named("tgi")


def test_every_engine_has_a_source_and_a_date():
    assert all(engine.provenance.source and engine.provenance.as_of for engine in engines())


def test_a_device_without_known_bandwidth_is_refused():
    with pytest.raises(UnknownFact, match="memory bandwidth"):
        replica_on(LLAMA_8B, replace(H100, memory_bytes_per_s=None), layout=Layout(), weights=Precision.BF16)


def test_a_device_of_no_class_is_refused():
    with pytest.raises(UnknownFact, match="device class"):
        device_class(replace(H100, vendor="intel", architecture="Ponte Vecchio"))


def test_cards_use_the_host_bus_and_linked_devices_their_link():
    card, linked = (replica_on(LLAMA_8B, d, layout=Layout(tp=2), weights=Precision.BF16) for d in (L40S, H100))
    assert card.link.bytes_per_s == 32e9
    assert linked.link.bytes_per_s == 450e9


def test_little_measured_classes_say_so():
    """TPUs rest on two published runs: specification only."""
    assert efficiency(TPU_V6E, engine_named("vllm")).grade is Grade.SPECIFICATION
    assert efficiency(H100, engine_named("vllm")).grade is Grade.CALIBRATED


def test_a_class_without_interval_takes_the_widest_known():
    assert spread("throughput", "no-such-class") == spread("throughput", "default")


def test_startup_is_bootstrap_load_and_compile():
    """74 + 21 s of bootstrap, 141.1 GB at 2 GB/s, 195 s of compile and warm-up (KAITO issue 2325)."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.BF16)
    assert weight_bytes(replica) == pytest.approx(141.1e9, rel=0.001)
    assert startup_s(replica, 2e9) == pytest.approx(95 + 70.55 + 195, rel=0.001)


def test_weights_that_the_engine_lowers_are_loaded_as_they_were_published():
    """141.1 GB of bf16 are read for an fp8 replica: at 2 GB/s as long as for a bf16 one."""
    lowered, as_published = (
        replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=weights) for weights in (Precision.FP8, Precision.BF16)
    )
    assert weight_bytes(lowered) < 0.6 * weight_bytes(as_published)
    assert startup_s(lowered, 2e9) == pytest.approx(95 + 70.55 + 195, rel=0.001)


def test_host_memory_holds_processes_and_staged_weights():
    """Four processes of 8 GiB, 8 GiB for the server, a quarter of 141.1 GB of weights; twelve vCPUs."""
    replica = replica_on(LLAMA_70B, H100, layout=Layout(tp=4), weights=Precision.BF16)
    assert host_memory_bytes(replica) == pytest.approx(40 * 2**30 + 141.1e9 / 4, rel=0.001)
    assert vcpus(replica) == 12


def test_on_a_tpu_host_memory_holds_the_whole_model():
    """131 GiB were resident for this model (marin issue 3768); beside it eight processes' 8 GiB and the server's 8."""
    replica = replica_on(LLAMA_70B, TPU_V6E, layout=Layout(tp=8), weights=Precision.BF16)
    assert host_memory_bytes(replica) == pytest.approx((64 + 8 + 131.4) * 2**30, rel=0.001)
