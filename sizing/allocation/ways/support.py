"""What the serving engine can run where: devices, weight formats, cache formats; what it cannot is told as a miss."""

from __future__ import annotations

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.model import Model
from sizing.outcome import Miss
from sizing.performance import legal_precisions

# vLLM's CUDA build starts at compute capability 7.5; bf16 checkpoints need 8.0 (7.5 would serve them as fp16, a flag
# that the plan does not set); the fp8 cache needs 8.9. Source: vLLM installation and quantisation documentation, 0.33.
LEAST_CAPABILITY = 7.5
LEAST_CAPABILITY_BF16 = 8.0
LEAST_CAPABILITY_FP8_CACHE = 8.9

# "Recommended" and "experimental" generations of tpu-inference 0.31, its README and package page, 2026-10.
RECOMMENDED_TPUS = ("tpu-v5e", "tpu-v6e", "tpu-v7x")
EXPERIMENTAL_TPUS: tuple[str, ...] = ("tpu-v3", "tpu-v4", "tpu-v5p")

# vllm-neuron 0.24.0.1.1.0 of the Neuron SDK 2.32.0 (2026-08-17); no published measurement that the performance model
# could be checked on, so these are weighed only where the spec names them.
NEURON_BY_NAME: tuple[str, ...] = ("aws-inferentia2", "aws-trainium1", "aws-trainium2", "aws-trainium3")


def device_miss(accelerator: Accelerator, *, named: bool) -> Miss | None:
    """Why the engine does not run on the device at all, or not unless the spec names it; None: it does."""
    if accelerator.memory_bytes_per_s is None or accelerator.bf16_flop_per_s is None:
        unknown = "memory bandwidth" if accelerator.memory_bytes_per_s is None else "bf16 peak"
        text = f"the {unknown} of {accelerator.name} is unknown: nothing can be predicted for it"
        return Miss(metric="speed", asked=None, reached=None, text=text)
    match accelerator.kind:
        case AcceleratorKind.GPU:
            capability = float(accelerator.compute_capability or 0)
            if capability < LEAST_CAPABILITY:
                text = f"compute capability {capability:g} of {accelerator.name} < {LEAST_CAPABILITY:g}, vLLM's least"
                return Miss(metric="compute_capability", asked=LEAST_CAPABILITY, reached=capability, text=text)
            return None
        case AcceleratorKind.TPU:
            engine, by_name = "tpu-inference", EXPERIMENTAL_TPUS
        case AcceleratorKind.NEURON:
            engine, by_name = "vllm-neuron", NEURON_BY_NAME
    if accelerator.name in RECOMMENDED_TPUS or (named and accelerator.name in by_name):
        return None
    if accelerator.name in by_name:
        text = (
            f"{accelerator.name} is weighed only where allow.accelerators names it: little is known of {engine} on it"
        )
    else:
        text = f"{engine} does not run on {accelerator.name}"
    return Miss(metric="engine", asked=None, reached=None, text=text)


def weights_miss(model: Model, accelerator: Accelerator, weights: Precision) -> Miss | None:
    """
    Why the checkpoint cannot be served with *weights* on this device; None: it can.

    A server quantises bf16 weights to fp8 while it loads them (vLLM on NVIDIA); every other format needs a checkpoint
    that is published in it, and then that checkpoint is the model to name.
    """
    stored = Precision.BF16 if model.native_precision is Precision.FP32 else model.native_precision
    at_load = (stored, weights) == (Precision.BF16, Precision.FP8) and accelerator.kind is AcceleratorKind.GPU
    if weights is not stored and not at_load:
        text = f"{weights} weights need a checkpoint published in {weights}; {model.name} is in {stored}"
        if weights is Precision.FP8 and stored is Precision.BF16:
            text = f"bf16 weights are not quantised to fp8 at load on {accelerator.name}"
        return Miss(metric="weights", asked=None, reached=None, text=text)
    capability = float(accelerator.compute_capability or 0)
    if weights is Precision.BF16 and accelerator.kind is AcceleratorKind.GPU and capability < LEAST_CAPABILITY_BF16:
        text = (
            f"compute capability {capability:g} of {accelerator.name} < {LEAST_CAPABILITY_BF16:g}, the least for bf16"
        )
        return Miss(metric="compute_capability", asked=LEAST_CAPABILITY_BF16, reached=capability, text=text)
    if weights not in legal_precisions(model, accelerator):
        return Miss(
            metric="weights", asked=None, reached=None, text=f"{accelerator.name} does not run {weights} weights"
        )
    return None


def cache_miss(accelerator: Accelerator, kv: Precision) -> Miss | None:
    """Why the device cannot hold its cache in *kv*; None: it can."""
    if kv is Precision.BF16:
        return None
    capability = float(accelerator.compute_capability or 0)
    if kv is Precision.FP8 and accelerator.kind is AcceleratorKind.GPU and capability >= LEAST_CAPABILITY_FP8_CACHE:
        return None
    return Miss(metric="kv", asked=None, reached=None, text=f"{accelerator.name} does not hold its cache in {kv}")


def quantization(model: Model, weights: Precision) -> str | None:
    """What the server is told to quantise to while it loads; None: the checkpoint is served as it is."""
    stored = Precision.BF16 if model.native_precision is Precision.FP32 else model.native_precision
    return None if weights is stored else weights.value
