"""The efficiencies and fixed costs behind one replica's predictions, named as a reader finds them in the breakdown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sizing.performance.configuration.precision import arithmetic
from sizing.performance.configuration.replica import Replica
from sizing.performance.configuration.shard import shard_of
from sizing.performance.links.collectives import by_ranks
from sizing.performance.passes.efficiency import Efficiency, prior_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One efficiency or fixed cost that the prediction rests on."""

    name: str
    value: float
    unit: str  # of peak, s, or nothing
    prior: float | None = None  # before the fit; None where that is not told


def constants_beside_priors(replica: Replica, share: Efficiency) -> tuple[Constant, ...]:
    """The constants that this replica's predictions use, each beside what it was before it was fitted."""
    before, found = prior_of(replica.accelerator, replica.engine), tuple(constants_of(replica, share))
    if before is None:
        return found
    priors = constants_of(replica, before)
    return tuple(replace(one, prior=prior.value) for one, prior in zip(found, priors, strict=True))


def constants_of(replica: Replica, share: Efficiency) -> Iterator[Constant]:
    """The efficiencies and fixed costs that this replica's predictions use."""
    shard, layout = shard_of(replica), replica.layout
    stored = {shard.attention_format, shard.dense_format, shard.formats.head.precision}
    if replica.model.moe is not None:
        stored.add(shard.routed_format)
    for precision in sorted(stored):
        yield Constant(name=f"memory bandwidth, {precision} weights", value=share.bandwidth[precision], unit="of peak")
    yield Constant(name="memory bandwidth, cache", value=share.cache_bandwidth, unit="of peak")
    for precision in sorted({arithmetic(replica.accelerator, one) for one in stored}):
        yield Constant(name=f"arithmetic, {precision}", value=share.flops[precision], unit="of peak")
    if any(arithmetic(replica.accelerator, one) is not one for one in stored):
        yield Constant(name="arithmetic on unpacked weights", value=share.unpacked_flops, unit="of it")
    yield Constant(name="arithmetic, attention", value=share.attention_flops, unit="of peak")
    if replica.model.moe is not None:
        yield Constant(name="grouped products, of dense ones", value=share.grouped_flops, unit="of it")
        yield Constant(name="popularity of experts, variation", value=share.routing_variation, unit="of the mean")
    ranks = layout.tp * layout.dp
    if ranks > 1:
        yield Constant(name=f"link, {ranks} ranks", value=by_ranks(share.link_share, ranks), unit="of peak")
        yield Constant(
            name=f"start of a collective, {ranks} ranks", value=by_ranks(share.collective_s, ranks), unit="s"
        )
    yield Constant(name="each layer", value=share.layer_s, unit="s")
    yield Constant(name="each layer, on top with prompts", value=share.prefill_layer_s, unit="s")
    if replica.model.moe is not None:
        yield Constant(name="each expert layer, on top", value=share.moe_layer_s, unit="s")
    yield Constant(name="each sequence", value=share.sequence_s, unit="s")
    yield Constant(name="each pass", value=share.step_s, unit="s")
    yield Constant(name="interference of prompts", value=share.interference, unit="of a prompt")
    yield Constant(name="clumping of arrivals", value=share.clumping, unit="of the others")
    yield Constant(name="server, each request", value=share.ttft_floor_s, unit="s")
    yield Constant(name="before the first token", value=share.ttft_steps, unit="steps")
