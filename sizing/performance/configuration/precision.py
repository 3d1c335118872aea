"""Number formats: the bytes an element really takes, scales included, and the arithmetic that a device runs it in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.formats import WeightFormats, native_precision, whole
from sizing.catalog.model import Model

# Cached keys and values carry at most one scale per tensor.
CACHE_BYTES_PER_ELEMENT: Mapping[Precision, int] = MappingProxyType(
    {Precision.FP32: 4, Precision.BF16: 2, Precision.FP8: 1, Precision.INT8: 1}
)


# The indexers' keys are kept at a byte each and an fp32 scale per 128, whatever the cache's format.
INDEX_BYTES_PER_ELEMENT = 1 + 4 / 128


def served_formats(model: Model, weights: Precision) -> WeightFormats:
    """
    What the parts of *model* are stored in when it is served in *weights*.

    The checkpoint's own format is as its quantisation config tells it. Otherwise published mxfp4 checkpoints quantise
    the routed experts alone (gpt-oss); nvfp4 checkpoints of models with latent attention leave attention in bf16
    (DeepSeek-R1-FP4), and everything else quantises all linear layers. Embedding and output tables stay in bf16.
    """
    if model.formats is not None and weights is native_precision(model.formats, experts=model.moe is not None):
        return model.formats
    table = whole(weights if weights is Precision.FP32 else Precision.BF16)
    attention = dense = whole(weights)
    if weights is Precision.MXFP4 and model.moe is not None:
        attention = dense = whole(Precision.BF16)
    if weights is Precision.NVFP4 and model.mla is not None:
        attention = whole(Precision.BF16)
    return WeightFormats(attention=attention, dense=dense, routed=whole(weights), embedding=table, head=table)


def native_peak_flop_per_s(accelerator: Accelerator, precision: Precision) -> float | None:
    """Dense peak of the unit that multiplies *precision* itself; None where the device has none or no source tells."""
    match precision:
        case Precision.BF16:
            return accelerator.bf16_flop_per_s
        case Precision.FP8:
            return accelerator.fp8_flop_per_s
        case Precision.INT8:
            return accelerator.int8_op_per_s
        case Precision.NVFP4 | Precision.MXFP4:
            return accelerator.fp4_flop_per_s
        case Precision.FP32 | Precision.INT4:
            return None


def arithmetic(accelerator: Accelerator, precision: Precision) -> Precision:
    """
    The format that matrices stored in *precision* are multiplied in on this device.

    Without a unit of its own, or with one slower than bf16 (INT8 on Blackwell Ultra), weights are unpacked to bf16
    and only memory gains ("weight-only").
    """
    peak = native_peak_flop_per_s(accelerator, precision)
    bf16 = accelerator.bf16_flop_per_s or 0.0
    return precision if peak is not None and peak >= bf16 and precision is not Precision.FP32 else Precision.BF16


def legal_precisions(model: Model, accelerator: Accelerator) -> tuple[Precision, ...]:
    """
    Weight formats that this device can serve this model in, the checkpoint's own format first.

    A bf16 checkpoint can be served as it is, or quantised (fp8 at load time, the others from a published quantised
    checkpoint); a checkpoint published in fp8 or below is served as it is, fp8 also as nvfp4. Empty: the device lacks
    a known bandwidth or bf16 peak.

    Source: vLLM documentation, quantization, 0.11.2 (table of supported hardware) and 0.32 (FP8 W8A8): FP8 from compute
    capability 8.9, weight-only from 7.5; INT8 from 7.5 to Hopper; INT4 (AWQ, GPTQ) from 7.5; int8 on TPU. Taken without
    a document: MXFP4 from 8.0, NVFP4 from 10.0 only, fp8 on TPUs that have the unit. Neuron: bf16 only, until a source
    tells.
    """
    if accelerator.bf16_flop_per_s is None or accelerator.memory_bytes_per_s is None:
        return ()
    native = model.native_precision
    stored = Precision.BF16 if native is Precision.FP32 else native
    conversions = {
        Precision.BF16: (Precision.FP8, Precision.INT8, Precision.INT4, Precision.NVFP4),
        Precision.FP8: (Precision.NVFP4,),
    }
    wanted = (stored, *conversions.get(stored, ()))
    return tuple(precision for precision in wanted if _runs(accelerator, precision))


def _runs(accelerator: Accelerator, precision: Precision) -> bool:
    if precision is Precision.BF16:
        return True
    match accelerator.kind:
        case AcceleratorKind.GPU if accelerator.vendor == "nvidia":
            return _runs_on_nvidia(float(accelerator.compute_capability or 0), precision)
        case AcceleratorKind.GPU:
            return precision is Precision.FP8 and accelerator.fp8_flop_per_s is not None
        case AcceleratorKind.TPU:
            return precision in {Precision.FP8, Precision.INT8} and precision.value in accelerator.native_precisions
        case AcceleratorKind.NEURON:
            return False


def _runs_on_nvidia(capability: float, precision: Precision) -> bool:
    least = {
        Precision.FP8: 7.5,
        Precision.INT8: 7.5,
        Precision.INT4: 7.5,
        Precision.MXFP4: 8.0,
        Precision.NVFP4: 10.0,
    }
    if precision is Precision.INT8 and capability >= 10:
        return False
    return precision in least and capability >= least[precision]
