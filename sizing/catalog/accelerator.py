"""Accelerators: one device as its vendor specifies it. Knows nothing of machines, prices or speed achieved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.provenance import Provenance


class AcceleratorKind(StrEnum):
    """What programs it: the serving engines differ by this."""

    GPU = "gpu"
    TPU = "tpu"
    NEURON = "neuron"


class Precision(StrEnum):
    """Number formats that weights or the KV cache are stored in."""

    FP32 = "fp32"
    BF16 = "bf16"  # fp16 counts as this: the same bytes and the same peak
    FP8 = "fp8"
    INT8 = "int8"
    INT4 = "int4"
    MXFP4 = "mxfp4"
    NVFP4 = "nvfp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """
    One device (one chip of a TPU or Neuron host), as its vendor specifies it, not as measured.

    Peaks are dense (without structured sparsity); None means that the device has no such unit or that no source tells.
    """

    name: str  # nvidia-h100-80gb
    vendor: str
    kind: AcceleratorKind
    architecture: str
    memory_bytes: int  # what programs can allocate, the figure to size with; a little under what nvidia-smi shows
    nominal_memory_bytes: int  # what the data sheet says
    memory_bytes_per_s: float | None  # HBM bandwidth
    bf16_flop_per_s: float | None  # fp16 where there is no bf16
    fp8_flop_per_s: float | None
    int8_op_per_s: float | None
    fp4_flop_per_s: float | None
    link: str  # NVLink4, ICI 2D torus, none
    link_bytes_per_s: float | None  # scale-up link, one direction, per device
    link_domain: int  # most devices that one scale-up domain joins; 1 without a link
    host_link_bytes_per_s: float | None  # PCIe or C2C, one direction
    tdp_watts: float | None
    compute_capability: str | None  # NVIDIA only: 9.0
    native_precisions: tuple[str, ...]
    topologies: tuple[str, ...]  # TPU only: legal slice shapes, 2x2, 2x4, ...
    rented_on: tuple[str, ...]  # clouds that rent it; empty: known as a fact only
    provenance: Provenance
