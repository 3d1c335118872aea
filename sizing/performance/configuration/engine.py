"""Inference engines: what they reserve and how they batch by default. Facts by version in `facts/engines.json`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from sizing.catalog.accelerator import Accelerator
from sizing.catalog.provenance import Provenance
from sizing.errors import UnknownFact
from sizing.performance.packaged_facts import as_names, as_number, as_rows, packaged_facts
from sizing.units import GIB, MIB


class CacheRule(StrEnum):
    """What an engine leaves for the cache."""

    SHARE_OF_DEVICE = "share-of-device"  # vLLM: a share of the device less weights, activations and overhead
    SHARE_OF_FREE = "share-of-free"  # TensorRT-LLM: a share of what those leave of the whole device
    ALL_BUT_RESERVE = "all-but-reserve"  # SGLang: the device less weights, context and a reserve for all else


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """Default limits of one forward pass, for devices that match."""

    kinds: tuple[str, ...]  # accelerator kinds; empty: any
    accelerators: tuple[str, ...]  # names that match; empty: any
    except_accelerators: tuple[str, ...]  # names that do not
    least_memory_bytes: int
    max_num_batched_tokens: int
    max_num_seqs: int
    graph_batch: int  # most sequences of a captured graph; 0 where the reserve does not depend on it
    graph_batch_wide: int  # the same with four or more tensor-parallel ranks
    cache_share: float  # most of the engine's memory that the cache may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """A reserve that is set before anything is measured: a sum of terms, and never less than a floor (SGLang)."""

    base_bytes: float
    bytes_per_batched_token: float
    bytes_per_rank: float  # of tensor and pipeline parallelism
    bytes_per_graph_sequence: float
    bytes_per_graph_sequence_dp: float  # for each attention-data-parallel rank beside
    bytes_per_graph_sequence_dp_large: float  # the same where graphs hold more than *large_graph_batch* sequences
    large_graph_batch: int
    least_bytes: float  # on devices with more than *least_above_bytes*
    least_above_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """
    One version of one inference server.

    Reservations are per accelerator, beside the weights and the cache; see `memory` for how they add up, and
    `activations` for what the sampler, buffers and expert workspaces are.
    """

    name: str  # vllm
    version: str
    since: tuple[int, ...]  # the first version that these facts hold for
    cache_rule: CacheRule
    memory_utilisation: float  # share of the device, or of what is free
    overhead_bytes_single: int  # context, allocator and library buffers with one accelerator
    overhead_bytes_staged: int  # the same where a replica has pipeline stages only
    overhead_bytes_linked: int  # the same where tensor or data-parallel ranks exchange (collective buffers)
    graph_bytes: int  # captured graphs inside the budget
    graph_bytes_per_layer: int  # and for each layer
    buffer_bytes: int  # inputs of a pass and workspaces of libraries
    sampler_bytes_per_logit: float  # working copies beside the logits in the model's own format
    sampler_rows: int  # fp32 rows of the whole vocabulary that the kernel works in, beside
    keeps_expert_workspace: bool  # buffers of the experts stay allocated while sampling
    pads_layer_groups: bool  # layers that cache alike come in groups of one size, the last one padded
    block_tokens: int  # the cache is handed out in blocks
    reserve: Reserve | None
    batch_limits: tuple[BatchLimits, ...]  # first match holds
    provenance: Provenance


@cache
def engines() -> tuple[Engine, ...]:
    """All engine versions of the packaged facts, the default version of each name first."""
    return tuple(_engine(row) for row in packaged_facts("engines")["engines"])


def engine_named(name: str, version: str | None = None) -> Engine:
    """
    The engine of that name: the default version, or the facts that hold for *version*.

    Those are the newest that began no later than it (0.18 behaves as the facts of 0.17 on).

    Raises:
        UnknownFact: If the facts hold no such engine, or none as old.
    """
    known = tuple(engine for engine in engines() if engine.name == name)
    if version is None and known:
        return known[0]
    asked = _numbers(version or "")
    older = [engine for engine in known if asked and engine.since <= asked]
    if older:
        return max(older, key=lambda engine: engine.since)
    names = tuple(f"{engine.name} {engine.version}" for engine in engines())
    raise UnknownFact(kind="engine", name=name if version is None else f"{name} {version}", nearest=names)


def batch_limits(engine: Engine, accelerator: Accelerator) -> BatchLimits:
    """The limits that *engine* starts with on *accelerator* when nobody sets them."""
    return next(limits for limits in engine.batch_limits if _matches(limits, accelerator))


def _matches(limits: BatchLimits, accelerator: Accelerator) -> bool:
    return (
        (not limits.kinds or accelerator.kind.value in limits.kinds)
        and (not limits.accelerators or accelerator.name in limits.accelerators)
        and accelerator.name not in limits.except_accelerators
        and accelerator.nominal_memory_bytes >= limits.least_memory_bytes
    )


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 0.15.1 is (0, 15, 1), 1.1.0rc2 is (1, 1, 0)."""
    numbers: list[int] = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _engine(row: dict[str, object]) -> Engine:
    reserve = row.get("reserve")
    return Engine(
        name=str(row["name"]),
        version=str(row["version"]),
        since=_numbers(str(row["since"])),
        cache_rule=CacheRule(str(row["cache_rule"])),
        memory_utilisation=as_number(row["memory_utilisation"]),
        overhead_bytes_single=round(as_number(row["overhead_gib_single"]) * GIB),
        overhead_bytes_staged=round(as_number(row["overhead_gib_staged"]) * GIB),
        overhead_bytes_linked=round(as_number(row["overhead_gib_linked"]) * GIB),
        graph_bytes=round(as_number(row["graph_gib"]) * GIB),
        graph_bytes_per_layer=round(as_number(row["graph_mib_per_layer"]) * MIB),
        buffer_bytes=round(as_number(row["buffer_mib"]) * MIB),
        sampler_bytes_per_logit=as_number(row["sampler_bytes_per_logit"]),
        sampler_rows=round(as_number(row["sampler_rows"])),
        keeps_expert_workspace=bool(row["keeps_expert_workspace"]),
        pads_layer_groups=bool(row["pads_layer_groups"]),
        block_tokens=round(as_number(row["block_tokens"])),
        reserve=_reserve(reserve) if isinstance(reserve, dict) else None,
        batch_limits=tuple(_limits(limits) for limits in as_rows(row["batch_limits"])),
        provenance=Provenance(source=str(row["source"]), as_of=str(row["as_of"])),
    )


def _reserve(row: dict[str, object]) -> Reserve:
    return Reserve(
        base_bytes=as_number(row["base_mib"]) * MIB,
        bytes_per_batched_token=as_number(row["mib_per_batched_token"]) * MIB,
        bytes_per_rank=as_number(row["mib_per_rank"]) * MIB,
        bytes_per_graph_sequence=as_number(row["mib_per_graph_sequence"]) * MIB,
        bytes_per_graph_sequence_dp=as_number(row["mib_per_graph_sequence_dp"]) * MIB,
        bytes_per_graph_sequence_dp_large=as_number(row["mib_per_graph_sequence_dp_large"]) * MIB,
        large_graph_batch=round(as_number(row["large_graph_batch"])),
        least_bytes=as_number(row["least_mib"]) * MIB,
        least_above_bytes=as_number(row["least_above_gib"]) * GIB,
    )


def _limits(row: dict[str, object]) -> BatchLimits:
    return BatchLimits(
        kinds=as_names(row.get("kinds")),
        accelerators=as_names(row.get("accelerators")),
        except_accelerators=as_names(row.get("except_accelerators")),
        least_memory_bytes=round(as_number(row.get("least_memory_gb", 0)) * 10**9),
        max_num_batched_tokens=round(as_number(row["max_num_batched_tokens"])),
        max_num_seqs=round(as_number(row["max_num_seqs"])),
        graph_batch=round(as_number(row.get("graph_batch", 0))),
        graph_batch_wide=round(as_number(row.get("graph_batch_wide", 0))),
        cache_share=as_number(row.get("cache_share", 1.0)),
    )
