"""Which layouts a model can be split into on the accelerators of one machine."""

from __future__ import annotations

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.model import Model
from sizing.performance.layout import Layout

# Cards on the host bus lose more than they gain beyond two: an all-reduce over four L40S reaches 12 % of the bus,
# over eight 6 % (performance model section 2, NCCL tables), and TP8 serves no faster than TP4 (measured.md section 3).
WIDEST_HOST_BUS_TP = 2

# DeepSeek-style fp8 checkpoints scale 128 x 128 blocks: a shard must hold whole blocks.
FP8_BLOCK = 128


def legal_layouts(
    model: Model, accelerator: Accelerator, *, accelerators_in_machine: int, weights: Precision
) -> tuple[Layout, ...]:
    """
    Every layout of one replica that the engines accept inside one machine, smallest first.

    Tensor-parallel degrees are powers of two (and the whole machine) that divide the heads and the feed-forward and
    match the KV heads (each rank holds whole heads, or a copy of one). Cards without a scale-up link widen by pipeline
    stages beyond two; a TPU host is taken whole. Mixture-of-experts models may also spread experts over all ranks, and
    then split attention by data instead of by heads.
    """
    degrees = sorted({2**n for n in range(8) if 2**n <= accelerators_in_machine} | {accelerators_in_machine})
    if accelerator.kind is AcceleratorKind.TPU:
        degrees = [accelerators_in_machine]  # one process owns all chips of a host
    linked = accelerator.link_bytes_per_s is not None
    widest = accelerators_in_machine if linked else WIDEST_HOST_BUS_TP
    tensor = [tp for tp in degrees if tp <= widest and _splits(model, tp, weights)]
    layouts = [Layout(tp=tp) for tp in tensor]
    if accelerator.kind is AcceleratorKind.GPU and not linked:
        layouts += [
            Layout(tp=tp, pp=pp)
            for tp in tensor
            for pp in (2, 4, 8)
            if tp * pp <= accelerators_in_machine and pp <= model.layers
        ]
    if model.moe is not None and linked:
        spread = [n for n in degrees if 1 < n <= widest and model.moe.experts % n == 0]
        layouts += [Layout(tp=n, ep=n) for n in spread if n in tensor]
        layouts += [Layout(dp=n, ep=n) for n in spread]
    return tuple(sorted(layouts, key=lambda layout: (layout.accelerators, layout.pp, layout.dp, layout.ep)))


def _splits(model: Model, tp: int, weights: Precision) -> bool:
    """Whether *tp* ranks can each take whole heads and whole blocks of the feed-forward."""
    kv_heads = tp if model.mla is not None else model.kv_heads
    widths = [model.intermediate] if model.moe is None else [model.intermediate, model.moe.intermediate]
    block = FP8_BLOCK if weights is Precision.FP8 and model.native_precision is Precision.FP8 else 1
    return (
        model.heads % tp == 0
        and (kv_heads % tp == 0 or tp % kv_heads == 0)
        and all(width % (tp * block) == 0 for width in widths if width)
    )
