"""What the parts of a checkpoint are stored in, and the bytes that an element of each format really takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sizing.catalog.accelerator import Precision

# Stored bytes per element, scales included; performance model section 1.3:
#   fp8     one byte; an fp32 scale per 128 x 128 block adds 4 / 16,384
#   int8    one byte; an fp16 scale per channel is under 0.1 %
#   int4    half a byte, an fp16 scale and a 4-bit zero point per 128 (AWQ, GPTQ)
#   mxfp4   half a byte and an 8-bit scale per 32
#   nvfp4   half a byte and an 8-bit scale per 16
BYTES_PER_ELEMENT: Mapping[Precision, float] = MappingProxyType(
    {
        Precision.FP32: 4.0,
        Precision.BF16: 2.0,
        Precision.FP8: 1 + 4 / 128**2,
        Precision.INT8: 1.0,
        Precision.INT4: 0.5 + 2 / 128 + 0.5 / 128,
        Precision.MXFP4: 0.5 + 1 / 32,
        Precision.NVFP4: 0.5 + 1 / 16,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPart:
    """One part of a checkpoint: the format of most of it, and the mean bytes of an element with scales."""

    precision: Precision
    bytes_per_element: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFormats:
    """The parts of a checkpoint that are quantised apart from one another."""

    attention: StoredPart  # projections of attention
    dense: StoredPart  # dense feed-forward, shared experts, linear and state-space mixers
    routed: StoredPart  # routed experts
    embedding: StoredPart
    head: StoredPart


def whole(precision: Precision) -> StoredPart:
    """A part that is stored in *precision* throughout, with the usual scales."""
    return StoredPart(precision=precision, bytes_per_element=BYTES_PER_ELEMENT[precision])


def grouped(precision: Precision, *, group: int, symmetric: bool) -> StoredPart:
    """
    A part of integers with an fp16 scale per *group* elements, and a zero point of as many bits unless *symmetric*.

    Per-channel scales (group 0) are under 0.1 % and left out.
    """
    bits = {Precision.INT4: 4, Precision.INT8: 8}.get(precision)
    if bits is None or group <= 0:
        return (
            whole(precision)
            if bits is None or precision is Precision.INT8
            else StoredPart(precision=precision, bytes_per_element=bits / 8)
        )
    scales = 2 / group + (0.0 if symmetric else bits / 8 / group)
    return StoredPart(precision=precision, bytes_per_element=bits / 8 + scales)


def mixed(parts: Iterable[tuple[float, StoredPart]]) -> StoredPart:
    """A part of several: elements with their formats; the format is that of the most elements, the bytes their mean."""
    elements: dict[Precision, float] = {}
    total = weight = 0.0
    for count, part in parts:
        elements[part.precision] = elements.get(part.precision, 0.0) + count
        total, weight = total + count * part.bytes_per_element, weight + count
    precision = max(elements, key=lambda held: elements[held])
    return StoredPart(precision=precision, bytes_per_element=total / weight)


def native_precision(formats: WeightFormats, *, experts: bool) -> Precision:
    """The one precision that names the checkpoint: that of its routed experts, or else of its feed-forward."""
    return formats.routed.precision if experts else formats.dense.precision
