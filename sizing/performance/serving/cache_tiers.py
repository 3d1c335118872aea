"""Caches of prefixes beyond HBM: how often a request finds its prefix in a tier, and when loading beats reading anew.

Source: performance model section 1.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sizing.performance.configuration.replica import Replica
from sizing.performance.memory.budget import memory_budget, sequence_bytes
from sizing.performance.passes.efficiency import efficiency_of
from sizing.performance.passes.forward import costs_of, prefill_latency_s

# Copies between host and device reach 25 to 55 GB/s of PCIe 5.0's 64 (performance model section 1.10, unverified).
HOST_COPY_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTier:
    """
    Somewhere that prefixes are kept for one replica: HBM, host memory, local NVMe, an object store.

    Raises:
        ValueError: If a figure cannot be.
    """

    name: str
    capacity_bytes: float  # for cached prefixes of the replica
    bytes_per_s: float  # that each accelerator loads from it; infinite where nothing is loaded (HBM)
    latency_s: float = 0.0  # before the first byte

    def __post_init__(self) -> None:
        """Check the figures, once."""
        if self.capacity_bytes < 0 or self.latency_s < 0 or not self.bytes_per_s > 0:
            raise ValueError(f"cache tier {self.name}: capacity and latency are 0 or more, and its rate is above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TierHits:
    """What one tier gives."""

    tier: CacheTier
    share: float  # of requests that find their prefix here, and in no faster tier
    load_s: float  # to bring one prefix into HBM
    saved_s: float  # of prefill by having it

    @property
    def pays(self) -> bool:
        """Whether loading is quicker than reading the prefix anew."""
        return self.load_s < self.saved_s


@dataclass(frozen=True, slots=True, kw_only=True)
class TieredCache:
    """What the tiers do to prompts of one traffic."""

    tiers: tuple[TierHits, ...]
    working_set_bytes: float
    prefix_hit: float  # share of prompt tokens that need no prefill: what `closed_loop` and a traffic take
    load_s: float  # mean over all requests, to be added to TTFT
    prefill_s: float  # mean over all requests, without loading
    cold_prefill_s: float  # of a request that finds nothing

    @property
    def saved_s(self) -> float:
        """Mean time that the tiers save a request before its first token."""
        return self.cold_prefill_s - self.prefill_s - self.load_s


def tiered_cache(
    replica: Replica,
    tiers: Sequence[CacheTier],
    *,
    prefix_tokens: float,
    input_tokens: float,
    prefixes: float,
    recurring: float = 1.0,
    zipf: float = 0.0,
) -> TieredCache:
    """
    Hits by tier for prompts of *input_tokens* that begin with one of *prefixes* different texts of *prefix_tokens*.

    A tier holds the most popular prefixes that fit, and all that faster tiers hold (copies are written through). A hit
    in a tier is used where loading it takes less than prefill of the prefix; otherwise the prefix is read anew.

    Args:
        replica: Whose caches they are; requests are taken to reach the data rank that has their prefix.
        tiers: Fastest first.
        prefix_tokens: Shared tokens of a prompt, at most *input_tokens*.
        input_tokens: Whole prompt, mean.
        prefixes: Different prefixes in use: with their size, the working set.
        recurring: Share of requests whose prefix has been seen before, 0 to 1.
        zipf: Exponent of popularity by rank, 0 (all alike) to below 1.

    Raises:
        ValueError: If a figure cannot be.
    """
    if not 0 <= prefix_tokens <= input_tokens:
        raise ValueError(f"prefix_tokens is {prefix_tokens:g}, but a prefix is a part of {input_tokens:g} tokens")
    if not 0 <= recurring <= 1 or not 0 <= zipf < 1 or prefixes <= 0:
        raise ValueError("recurring is a share, zipf 0 or more and below 1, and there is at least one prefix")
    costs = costs_of(replica, efficiency_of(replica))
    cold_s = prefill_latency_s(costs, new_tokens=input_tokens, cached_tokens=0.0)
    warm_s = prefill_latency_s(costs, new_tokens=input_tokens - prefix_tokens, cached_tokens=prefix_tokens)
    each = prefix_bytes(replica, prefix_tokens)
    working_set = prefixes * each * _accelerators_of_a_rank(replica)
    hits, found = [], 0.0
    for tier in tiers:
        reach = share_of_popular(tier.capacity_bytes / working_set if working_set else 1.0, zipf)
        share = recurring * max(0.0, reach - found)
        found = max(found, reach)
        load_s = tier.latency_s + each / tier.bytes_per_s
        hits.append(TierHits(tier=tier, share=share, load_s=load_s, saved_s=cold_s - warm_s))
    used = sum(hit.share for hit in hits if hit.pays)
    return TieredCache(
        tiers=tuple(hits),
        working_set_bytes=working_set,
        prefix_hit=used * prefix_tokens / input_tokens if input_tokens else 0.0,
        load_s=sum(hit.share * hit.load_s for hit in hits if hit.pays),
        prefill_s=cold_s - used * (cold_s - warm_s),
        cold_prefill_s=cold_s,
    )


def share_of_popular(part: float, zipf: float) -> float:
    """
    Share of requests for the most popular *part* (0 to 1) of many prefixes whose popularity falls as rank^-zipf.

    The sum over ranks as an integral: x^(1 - zipf). Alike prefixes are asked for alike.
    """
    return float(min(1.0, max(0.0, part)) ** (1 - zipf))


def prefix_bytes(replica: Replica, prefix_tokens: float) -> float:
    """Bytes that each accelerator holds of one cached prefix."""
    return sequence_bytes(memory_budget(replica), prefix_tokens) if prefix_tokens > 0 else 0.0


def hbm_tier(replica: Replica, *, sequences: float, context_tokens: float) -> CacheTier:
    """What *sequences* in flight, over all data ranks, leave of the replica's own cache; a hit needs no loading."""
    budget = memory_budget(replica)
    each = sequences / budget.ranks * sequence_bytes(budget, context_tokens)
    free = max(0.0, budget.kv_bytes - each)
    return CacheTier(name="HBM", capacity_bytes=free * replica.layout.accelerators, bytes_per_s=float("inf"))


def host_tier(replica: Replica, *, capacity_bytes: float) -> CacheTier:
    """
    Host memory of *capacity_bytes* behind each accelerator's own bus.

    Raises:
        ValueError: If no source tells the bus.
    """
    bus = replica.accelerator.host_link_bytes_per_s
    if bus is None:
        raise ValueError(f"no source tells the host bus of {replica.accelerator.name}: give the tier's bytes_per_s")
    return CacheTier(name="host memory", capacity_bytes=capacity_bytes, bytes_per_s=bus * HOST_COPY_SHARE)


def _accelerators_of_a_rank(replica: Replica) -> int:
    """Accelerators that hold one sequence's cache between them."""
    layout = replica.layout
    return layout.tp * layout.cp * layout.pp
