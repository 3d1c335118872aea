"""Which layouts a model can be split into on the accelerators of one machine, or of several."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from sizing.catalog.accelerator import Accelerator, AcceleratorKind, Precision
from sizing.catalog.model import Model
from sizing.performance.configuration.layout import Layout
from sizing.performance.links.interconnect import interconnect_of

# Cards on the host bus lose more than they gain beyond two: an all-reduce over four L40S reaches 12 % of the bus,
# over eight 6 % (performance model section 2, NCCL tables), and TP8 serves no faster than TP4 (measured.md section 3).
WIDEST_HOST_BUS_TP = 2

# DeepSeek-style fp8 checkpoints scale 128 x 128 blocks: a shard must hold whole blocks.
FP8_BLOCK = 128


def legal_layouts(
    model: Model,
    accelerator: Accelerator,
    *,
    accelerators_in_machine: int,
    weights: Precision,
    machines: int = 1,
    widest_cp: int = 1,
    share_copies: bool = False,
) -> tuple[Layout, ...]:
    """
    Every layout of one replica that the engines accept on up to *machines* equal machines, smallest first.

    Tensor-parallel degrees are powers of two (and the whole machine) that divide the heads and the feed-forward and
    match the KV heads (each rank holds whole heads, or a copy of one). Cards beyond their scale-up link widen by
    pipeline stages beyond two; a TPU host is taken whole. Mixture-of-experts models may also spread experts over all
    ranks, and then split attention by data instead of by heads. Over several machines tensor ranks stay on one scale-up
    link where it reaches so far (72 GPUs, a TPU slice), or stages or experts are spread. Context ranks, up to
    *widest_cp* of them, multiply what stays on one link. With *share_copies*, tensor ranks that would hold the same
    keys and values may also keep a part of each context instead.
    """
    link = interconnect_of(accelerator, accelerators_in_machine=accelerators_in_machine).links[0]
    linked = accelerator.link_bytes_per_s is not None
    joined = min(link.domain, accelerators_in_machine * machines) if linked else accelerators_in_machine
    widest = max(joined if linked else 1, min(accelerators_in_machine, WIDEST_HOST_BUS_TP))
    degrees = _degrees(accelerator, accelerators_in_machine, joined)
    tensor = [tp for tp in degrees if tp <= widest and _splits(model, tp, weights)]
    layouts = [Layout(tp=tp) for tp in tensor]
    if joined < accelerators_in_machine or not linked:
        layouts += _staged(model, accelerator, tensor, accelerators_in_machine)
    if model.moe is not None and linked:
        spread = [n for n in degrees if 1 < n <= widest and model.moe.experts % n == 0]
        layouts += [Layout(tp=n, ep=n) for n in spread if n in tensor]
        layouts += [Layout(dp=n, ep=n) for n in spread]
    layouts += _over_machines(model, tensor, accelerators_in_machine, machines, joined)
    layouts += [
        replace(one, cp=cp)
        for one in layouts
        for cp in (2, 4, 8, 16)
        if linked and one.pp == one.dp == one.ep == 1 and cp <= widest_cp and one.tp * cp <= joined
    ]
    if share_copies:
        layouts += [replace(one, dcp=copies) for one in layouts if (copies := cache_copies(model, one.tp)) > 1]
    return tuple(sorted(set(layouts), key=_by_size))


def _by_size(layout: Layout) -> tuple[int, ...]:
    """Order of layouts: the smallest first, and the plainest of a size."""
    return layout.accelerators, layout.pp, layout.dp, layout.ep, layout.cp, layout.dcp, layout.tp


def cache_copies(model: Model, tp: int) -> int:
    """Tensor ranks that hold the same keys and values: all with latent attention, else those beyond the heads."""
    return tp if model.mla is not None else max(1, tp // model.kv_heads)


def _degrees(accelerator: Accelerator, accelerators_in_machine: int, joined: int) -> list[int]:
    """Numbers of accelerators that a group may have: powers of two and whole machines; of TPUs, whole slices."""
    if accelerator.kind is AcceleratorKind.TPU:  # one process owns all chips of a host
        slices = {prod(int(side) for side in shape.split("x")) for shape in accelerator.topologies}
        return sorted({accelerators_in_machine} | {n for n in slices if accelerators_in_machine <= n <= joined})
    machine = {min(accelerators_in_machine, joined)}
    return sorted({2**n for n in range(8) if 2**n <= joined} | machine)


def _staged(model: Model, accelerator: Accelerator, tensor: list[int], accelerators: int) -> list[Layout]:
    """Pipeline stages inside a machine, for cards that tensor parallelism gains nothing on."""
    if accelerator.kind is not AcceleratorKind.GPU:
        return []
    return [Layout(tp=tp, pp=pp) for tp in tensor for pp in (2, 4, 8) if tp * pp <= accelerators and pp <= model.layers]


def _over_machines(
    model: Model, tensor: list[int], accelerators_in_machine: int, machines: int, joined: int
) -> list[Layout]:
    """Layouts that no scale-up link joins: whole machines as pipeline stages, or experts spread over all of them."""
    inside = [tp for tp in tensor if tp <= accelerators_in_machine]
    found: list[Layout] = []
    for number in range(2, machines + 1):
        ranks = accelerators_in_machine * number
        if inside and max(inside) * number > joined and number <= model.layers:
            found.append(Layout(tp=max(inside), pp=number))
        if model.moe is not None and ranks > joined and model.moe.experts % ranks == 0:
            found += [Layout(tp=tp, dp=ranks // tp, ep=ranks) for tp in inside if ranks % tp == 0]
    return found


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
