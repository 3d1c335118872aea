"""What the accelerators of one replica say to each other in one pass: starts of collectives, and bytes on the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sizing.performance.configuration.precision import CACHE_BYTES_PER_ELEMENT
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import Shard
from sizing.performance.links.collectives import (
    Level,
    all_exchanged_s,
    all_gathered_s,
    all_reduced_s,
    by_ranks,
    distinct_ranks,
    point_to_point_s,
)
from sizing.performance.links.link import reached_bytes_per_s, start_s
from sizing.performance.passes.efficiency import Efficiency

ACTIVATION_BYTES = 2  # hidden states travel in bf16
DISPATCH_BYTES = 1  # tokens go to their experts in fp8

Collective = Callable[[float, Sequence[Level]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Collectives of one stage and pass: seconds of their starts, and on the wire for each token of a data rank."""

    starts_s: float = 0.0
    token_s: float = 0.0

    def __add__(self, other: Exchange) -> Exchange:
        """Both, one after the other."""
        return Exchange(starts_s=self.starts_s + other.starts_s, token_s=self.token_s + other.token_s)


NOTHING = Exchange()


def communication(replica: Replica, shard: Shard, share: Efficiency) -> Exchange:
    """
    What every pass needs, whatever its tokens are: tensor and expert parallelism, and hand-over between stages.

    Context ranks share the tokens of a pass, so each sends a c-th of them.
    """
    return tensor(replica, shard, share) + experts(replica, shard, share) + stages(replica, share)


def tensor(replica: Replica, shard: Shard, share: Efficiency) -> Exchange:
    """Two sums of hidden states a layer, over the tensor-parallel ranks."""
    layout = replica.layout
    levels = levels_of(replica, share, ranks=layout.tp)
    return _each(all_reduced_s, replica.model.hidden * ACTIVATION_BYTES / layout.cp, levels, times=2 * shard.layers)


def experts(replica: Replica, shard: Shard, share: Efficiency) -> Exchange:
    """
    How tokens of data-parallel attention reach the experts, which all ranks of the stage share.

    With expert parallelism each token goes to the distinct ranks of its experts (dispatch) and comes back (combine).
    Without, every rank holds a part of every expert: the ranks gather all tokens, and scatter the sums.
    """
    layout, moe, hidden = replica.layout, replica.model.moe, replica.model.hidden
    if moe is None or layout.dp == 1:
        return NOTHING
    levels = levels_of(replica, share, ranks=layout.stage)
    if layout.ep > 1:
        copies = distinct_ranks(moe.experts_per_token, layout.stage)
        moved = copies * hidden * (DISPATCH_BYTES + ACTIVATION_BYTES) / layout.cp
        exchange = _each(all_exchanged_s, moved, levels, times=shard.moe_layers)
        return Exchange(starts_s=2 * exchange.starts_s, token_s=exchange.token_s)
    everyone = hidden * ACTIVATION_BYTES * layout.dp
    return _each(all_gathered_s, everyone, levels, times=2 * shard.moe_layers)


def stages(replica: Replica, share: Efficiency) -> Exchange:
    """Hidden states handed to the next pipeline stage, over the farthest link between two stages."""
    layout = replica.layout
    if layout.pp == 1:
        return NOTHING
    level = levels_of(replica, share, ranks=2, stride=layout.accelerators // 2)[0]
    sent = replica.model.hidden * ACTIVATION_BYTES / layout.cp
    return Exchange(
        starts_s=point_to_point_s(0, start_s=level.start_s, bytes_per_s=level.bytes_per_s),
        token_s=point_to_point_s(sent, start_s=0.0, bytes_per_s=level.bytes_per_s),
    )


def context_prefill(replica: Replica, shard: Shard, share: Efficiency) -> Exchange:
    """
    Context parallelism while a prompt is read: every rank passes its keys and values round the ring, c - 1 times.

    Each of the c ranks computes its c-th of the tokens and receives the keys and values of all others, in bf16. Layers
    that keep a window need those of one neighbour at most, which is left out.
    """
    layout = replica.layout
    if layout.cp == 1:
        return NOTHING
    step = levels_of(replica, share, ranks=layout.cp, stride=layout.tp)[-1]  # a ring is as fast as its slowest link
    cached = shard.cache_bytes_per_token_full * layout.cp * layout.dcp / CACHE_BYTES_PER_ELEMENT[replica.kv]
    return Exchange(
        starts_s=_attending(replica, shard) * (layout.cp - 1) * step.start_s,
        token_s=(layout.cp - 1) / layout.cp * cached * ACTIVATION_BYTES / step.bytes_per_s,
    )


def context_decode(replica: Replica, shard: Shard, share: Efficiency) -> Exchange:
    """
    Context parallelism while decoding: queries are gathered, each rank attends to its part of every context, and the
    partial sums go back to where the query came from, to be combined there.

    Context ranks gather the queries of each other's sequences; tensor ranks that share a copy of the cache (dcp), those
    of each other's heads.
    """
    layout, layers = replica.layout, _attending(replica, shard)
    exchange = NOTHING
    for ranks, stride, shares in ((layout.cp, layout.tp, 1), (layout.dcp, 1, layout.dcp)):
        if ranks > 1:
            levels = levels_of(replica, share, ranks=ranks, stride=stride)
            for elements in _query_and_output(replica):
                gathered = shares * elements * ACTIVATION_BYTES
                exchange += _each(all_gathered_s, gathered, levels, times=layers)
    return exchange


def levels_of(replica: Replica, share: Efficiency, *, ranks: int, stride: int = 1) -> tuple[Level, ...]:
    """
    The links that *ranks* accelerators use which lie *stride* apart, nearest first; none for one rank.

    On the nearest link a collective starts and reaches its bandwidth as the device's class does, plus the link's own
    latency where it goes farther than the class was measured; on links beyond, as the facts of the link tell.
    """
    levels: list[Level] = []
    apart, left = stride, ranks
    for link in replica.link.links:
        inside = min(left, max(1, link.domain // apart))
        if inside > 1:
            start, reached = start_s(link, inside), 1.0
            if link is replica.link.links[0]:
                measured = min(inside, max(share.collective_s))
                start += by_ranks(share.collective_s, inside) - start_s(link, measured)
                reached = by_ranks(share.link_share, inside)
            rate = reached_bytes_per_s(link, inside, reached)
            levels.append(Level(ranks=inside, start_s=start, bytes_per_s=rate))
        left = -(-left // inside)
        apart *= inside
    return tuple(levels)


def _each(collective: Collective, message_bytes: float, levels: Sequence[Level], *, times: float) -> Exchange:
    """A collective that is called so many *times* in a pass, with *message_bytes* a token."""
    start = collective(0.0, levels)
    return Exchange(starts_s=times * start, token_s=times * (collective(message_bytes, levels) - start))


def _attending(replica: Replica, shard: Shard) -> float:
    """Layers of the stage that attend to the whole context."""
    return shard.layers * replica.model.full_attention_layers / replica.model.layers


def _query_and_output(replica: Replica) -> tuple[float, float]:
    """Elements of one token's query and of its attention sum in one layer, on one rank; MLA decodes absorbed."""
    model, tp = replica.model, replica.layout.tp
    if model.mla is None:
        width = model.heads * model.head_dim / tp
        return width, width
    heads = model.heads / tp
    return heads * (model.mla.kv_rank + model.mla.rope_dim), heads * model.mla.kv_rank
