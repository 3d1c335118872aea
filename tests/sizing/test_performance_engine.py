"""What engines reserve and start with, and what a replica asks of its machine."""

from dataclasses import replace

import pytest

from sizing.catalog.accelerator import Precision
from sizing.errors import UnknownFact
from sizing.performance import (
    Layout,
    engine_named,
    engines,
    replica_on,
)
from sizing.performance.certainty.estimate import Grade
from sizing.performance.passes.efficiency import ANY, Situation, device_class, efficiency, spread
from tests.examples import A100, H100, L40S, LLAMA_8B, TPU_V6E


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


def test_a_class_without_interval_takes_that_of_all():
    found, of_all = (spread("throughput", name, Situation.LOOP) for name in ("no-such-class", ANY))
    assert found == of_all
