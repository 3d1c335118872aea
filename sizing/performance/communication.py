"""What the accelerators of one replica say to each other in one pass: starts of collectives, and bytes on the wire."""

from __future__ import annotations

from sizing.performance.collectives import all_reduce_s, all_to_all_s, by_ranks, distinct_ranks, point_to_point_s
from sizing.performance.efficiency import Efficiency
from sizing.performance.replica import Replica
from sizing.performance.shard import Shard

ACTIVATION_BYTES = 2  # hidden states travel in bf16
DISPATCH_BYTES = 1  # tokens go to their experts in fp8


def communication(replica: Replica, shard: Shard, share: Efficiency) -> tuple[float, float]:
    """
    Starts and wire seconds per token of one pass over one stage.

    Tensor parallelism sums hidden states twice a layer. Experts of data-parallel attention are reached by a dispatch
    and a combine per layer, to the distinct ranks that a token's experts sit on. Stages hand hidden states on.
    """
    layout, hidden = replica.layout, replica.model.hidden
    starts = wire = 0.0
    if layout.tp > 1:
        start, rate = _link(replica, share, layout.tp)
        each = 2 * shard.layers
        starts += each * all_reduce_s(0, ranks=layout.tp, start_s=start, bytes_per_s=rate)
        wire += each * all_reduce_s(hidden * ACTIVATION_BYTES, ranks=layout.tp, start_s=0.0, bytes_per_s=rate)
    if layout.dp > 1 and replica.model.moe is not None:
        ranks = layout.tp * layout.dp
        start, rate = _link(replica, share, ranks)
        copies = distinct_ranks(replica.model.moe.experts_per_token, ranks)
        moved = copies * hidden * (DISPATCH_BYTES + ACTIVATION_BYTES)
        starts += 2 * shard.moe_layers * start
        wire += shard.moe_layers * all_to_all_s(moved, ranks=ranks, start_s=0.0, bytes_per_s=rate)
    if layout.pp > 1:
        start, rate = _link(replica, share, 2)
        starts += point_to_point_s(0, start_s=start, bytes_per_s=rate)
        wire += point_to_point_s(hidden * ACTIVATION_BYTES, start_s=0.0, bytes_per_s=rate)
    return starts, wire


def _link(replica: Replica, share: Efficiency, ranks: int) -> tuple[float, float]:
    """Start cost and reached bandwidth of a collective over *ranks*."""
    start = by_ranks(share.collective_s, ranks) + replica.link.latency_s
    return start, replica.link.bytes_per_s * by_ranks(share.link_share, ranks)
