"""Prefill and decode apart, and prefixes in tiers, as text."""

from __future__ import annotations

from sizing.figures import bandwidth, figure, memory, percent, rate, seconds
from sizing.performance import Replica
from sizing.performance.serving.cache_tiers import TieredCache
from sizing.performance.serving.disaggregation import Disaggregation
from sizing.performance.serving.pools import Pools, transfer_s
from sizing.table import table, wrapped


def pool_lines(pools: Pools, *, input_tokens: float) -> list[str]:
    """The two pools, and what passes between them."""
    sent = f"a cache of {figure(input_tokens)} tokens is sent in {seconds(transfer_s(pools, input_tokens))}"
    how = ", layer by layer behind the prefill" if pools.layer_streamed else " after the prefill"
    rows = [
        ["prefill", _pool(pools.prefill_replicas, pools.prefill)],
        ["decode", _pool(pools.decode_replicas, pools.decode)],
    ]
    network = f"{sent}{how}, at {bandwidth(pools.transfer_bytes_per_s)} an accelerator"
    return [*table(rows, align="<<"), *wrapped(network, indent="  ", hanging="  ")]


def _pool(replicas: int, replica: Replica) -> str:
    accelerators = replicas * replica.layout.accelerators
    return f"{replicas} x {replica.layout}: {accelerators} accelerators"


def worth_lines(found: Disaggregation) -> list[str]:
    """Whether the pools serve more for the same accelerators than replicas that do both."""
    apart, mixed = (rate(value, "requests") for value in (found.pools_per_accelerator, found.mixed_per_accelerator))
    told = f"within the limits {apart} an accelerator apart, {mixed} mixed"
    if found.mixed_per_accelerator == 0 or found.pools_per_accelerator == 0:
        return wrapped(told, indent="  ", hanging="  ")
    return wrapped(f"{told}: {figure(found.gain)} x", indent="  ", hanging="  ")


def tier_lines(found: TieredCache) -> list[str]:
    """What each tier gives, and what prompts are left with."""
    rows = [["prefixes in", "capacity", "requests", "load", "saves", ""]]
    rows += [
        [
            hit.tier.name,
            memory(hit.tier.capacity_bytes),
            percent(hit.share),
            seconds(hit.load_s),
            seconds(hit.saved_s),
            "" if hit.pays else "reading anew is as quick",
        ]
        for hit in found.tiers
    ]
    whole = (
        f"all prefixes in use take {memory(found.working_set_bytes)}; {percent(found.prefix_hit)} of prompt tokens "
        f"need no prefill, and a request loads for {seconds(found.load_s)} in the mean"
    )
    return [*table(rows, align="<>>>><"), *wrapped(whole, indent="  ", hanging="  ")]
