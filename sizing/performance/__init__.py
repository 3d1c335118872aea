"""What a model achieves on a layout of devices, with its error."""

from sizing.performance.certainty.estimate import Estimate, Grade
from sizing.performance.configuration.engine import Engine, engine_named, engines
from sizing.performance.configuration.layout import Layout
from sizing.performance.configuration.legal import legal_layouts
from sizing.performance.configuration.precision import legal_precisions
from sizing.performance.configuration.replica import Replica, replica_on
from sizing.performance.configuration.speculation import Acceptance, Speculation, published_acceptance
from sizing.performance.host.cold_start import ColdStart
from sizing.performance.host.processors import front_ends, vcpus
from sizing.performance.host.startup import checkpoint_bytes, cold_start, disk_bytes, host_memory_bytes, weight_bytes
from sizing.performance.levers.speculation_gain import break_even_sequences, speculation_gain
from sizing.performance.links.interconnect import network_of
from sizing.performance.links.link import Interconnect, Link
from sizing.performance.memory.budget import MemoryBudget, max_sequences, memory_budget
from sizing.performance.serving.assurance import assured_rate
from sizing.performance.serving.cache_tiers import CacheTier, TieredCache, hbm_tier, host_tier, tiered_cache
from sizing.performance.serving.closed_loop import closed_loop, saturated
from sizing.performance.serving.disaggregation import (
    Balance,
    Disaggregation,
    best_pools,
    disaggregation_of,
    pool_balance,
)
from sizing.performance.serving.offline import Makespan, makespan
from sizing.performance.serving.operating_point import Excuse, Latencies, OperatingPoint, Overloaded
from sizing.performance.serving.pool_queueing import disaggregated_highest_rate, disaggregated_open_loop
from sizing.performance.serving.pools import Pools, disaggregated_loop
from sizing.performance.serving.queueing import highest_rate, open_loop
from sizing.performance.serving.tails import Percentiles

__all__ = [
    "Acceptance",
    "Balance",
    "CacheTier",
    "ColdStart",
    "Disaggregation",
    "Engine",
    "Estimate",
    "Excuse",
    "Grade",
    "Interconnect",
    "Latencies",
    "Layout",
    "Link",
    "Makespan",
    "MemoryBudget",
    "OperatingPoint",
    "Overloaded",
    "Percentiles",
    "Pools",
    "Replica",
    "Speculation",
    "TieredCache",
    "assured_rate",
    "best_pools",
    "break_even_sequences",
    "checkpoint_bytes",
    "closed_loop",
    "cold_start",
    "disaggregated_highest_rate",
    "disaggregated_loop",
    "disaggregated_open_loop",
    "disaggregation_of",
    "disk_bytes",
    "engine_named",
    "engines",
    "front_ends",
    "hbm_tier",
    "highest_rate",
    "host_memory_bytes",
    "host_tier",
    "legal_layouts",
    "legal_precisions",
    "makespan",
    "max_sequences",
    "memory_budget",
    "network_of",
    "open_loop",
    "pool_balance",
    "published_acceptance",
    "replica_on",
    "saturated",
    "speculation_gain",
    "tiered_cache",
    "vcpus",
    "weight_bytes",
]
