"""What the engine runs where, each case from the documentation that the module names."""

from __future__ import annotations

import pytest

from sizing.allocation.ways.support import cache_miss, device_miss, quantization, weights_miss
from sizing.catalog import Precision, catalog
from tests.examples import A100, DEEPSEEK_R1, H100, LLAMA_8B, LLAMA_70B, TPU_V6E


def text(miss) -> str:
    return miss.text if miss is not None else ""


@pytest.mark.parametrize("name", ["nvidia-l4", "nvidia-h100-80gb", "tpu-v5e", "tpu-v6e", "tpu-v7x"])
def test_devices_that_are_weighed_without_being_named(name: str):
    """NVIDIA from compute capability 7.5, and the TPU generations that tpu-inference recommends."""
    assert device_miss(catalog().accelerator(name), named=False) is None


@pytest.mark.parametrize("name", ["tpu-v5p", "aws-inferentia2", "aws-trainium1", "aws-trainium2"])
def test_devices_that_are_weighed_only_by_name(name: str):
    """Experimental TPU generations, and Neuron: little is known of them."""
    assert "only where allow.accelerators names it" in text(device_miss(catalog().accelerator(name), named=False))
    assert device_miss(catalog().accelerator(name), named=True) is None


def test_devices_that_never_run_the_engine():
    """V100 is of compute capability 7.0, Inferentia1 is not a device of vllm-neuron; naming them does not help."""
    v100 = device_miss(catalog().accelerator("nvidia-v100-16gb"), named=True)
    assert v100 is not None
    assert (v100.asked, v100.reached) == (7.5, 7.0)
    assert "does not run on" in text(device_miss(catalog().accelerator("aws-inferentia1"), named=True))


def test_bf16_needs_compute_capability_8():
    """T4 (7.5) would serve a bf16 checkpoint as fp16, by a flag that plans do not set."""
    miss = weights_miss(LLAMA_8B, catalog().accelerator("nvidia-t4"), Precision.BF16)
    assert miss is not None
    assert (miss.asked, miss.reached) == (8.0, 7.5)


def test_a_bf16_checkpoint_is_quantised_to_fp8_at_load_and_to_nothing_else():
    """int4 needs a checkpoint in AWQ or GPTQ; fp8 is made while loading, on GPUs."""
    assert weights_miss(LLAMA_70B, H100, Precision.FP8) is None
    assert quantization(LLAMA_70B, Precision.FP8) == "fp8"
    assert "need a checkpoint published in int4" in text(weights_miss(LLAMA_70B, H100, Precision.INT4))
    assert "not quantised to fp8 at load" in text(weights_miss(LLAMA_70B, TPU_V6E, Precision.FP8))


def test_an_fp8_checkpoint_is_served_as_it_is():
    """DeepSeek-R1 is published in fp8: nothing to quantise, and no bf16 of it to load."""
    assert weights_miss(DEEPSEEK_R1, H100, Precision.FP8) is None
    assert quantization(DEEPSEEK_R1, Precision.FP8) is None
    assert weights_miss(DEEPSEEK_R1, H100, Precision.BF16) is not None


def test_an_fp8_cache_needs_compute_capability_8_9():
    """H100 (9.0) has it, A100 (8.0) and TPUs do not; bf16 runs everywhere."""
    assert cache_miss(H100, Precision.FP8) is None
    assert cache_miss(A100, Precision.FP8) is not None
    assert cache_miss(TPU_V6E, Precision.FP8) is not None
    assert cache_miss(A100, Precision.BF16) is None
