"""Inference engines: what they reserve and how they batch by default. Facts by version in `facts/engines.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sizing.catalog.accelerator import Accelerator
from sizing.catalog.provenance import Provenance
from sizing.errors import UnknownFact
from sizing.units import GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """Default limits of one forward pass, for devices that match."""

    kinds: tuple[str, ...]  # accelerator kinds; empty: any
    accelerators: tuple[str, ...]  # names that match; empty: any
    except_accelerators: tuple[str, ...]  # names that do not
    least_memory_bytes: int
    max_num_batched_tokens: int
    max_num_seqs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """
    One version of one inference server.

    Reservations are per accelerator, beside the weights and the cache; see `memory` for how they add up.
    """

    name: str  # vllm
    version: str
    memory_utilisation: float  # share of the device (of what weights leave free, if fraction_of_free)
    fraction_of_free: bool
    overhead_bytes_single: int  # context, allocator and library buffers with one accelerator
    overhead_bytes_linked: int  # the same where a replica spans accelerators (collective buffers)
    graph_bytes: int  # captured graphs inside the budget
    forward_bytes_per_intermediate: float  # peak activation per token: this x feed-forward width / tp
    forward_bytes_per_hidden: float  # and this x hidden width
    sampler_bytes_per_logit: float  # sampler peak: this x sequences x vocabulary
    batch_limits: tuple[BatchLimits, ...]  # first match holds
    provenance: Provenance


@cache
def engines() -> tuple[Engine, ...]:
    """All engine versions of the packaged facts, the default version of each name first."""
    document = json.loads(files("sizing.performance").joinpath("facts/engines.json").read_text(encoding="utf-8"))
    return tuple(_engine(row) for row in document["engines"])


def engine_named(name: str, version: str | None = None) -> Engine:
    """
    The engine of that name, in that version or else in the default one.

    Raises:
        UnknownFact: If the facts hold no such engine.
    """
    for engine in engines():
        if engine.name == name and version in {None, engine.version}:
            return engine
    known = tuple(f"{engine.name} {engine.version}" for engine in engines())
    raise UnknownFact(kind="engine", name=name if version is None else f"{name} {version}", nearest=known)


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


def _engine(row: dict[str, object]) -> Engine:
    return Engine(
        name=str(row["name"]),
        version=str(row["version"]),
        memory_utilisation=_number(row["memory_utilisation"]),
        fraction_of_free=bool(row["fraction_of_free"]),
        overhead_bytes_single=round(_number(row["overhead_gib_single"]) * GIB),
        overhead_bytes_linked=round(_number(row["overhead_gib_linked"]) * GIB),
        graph_bytes=round(_number(row["graph_gib"]) * GIB),
        forward_bytes_per_intermediate=_number(row["forward_bytes_per_intermediate"]),
        forward_bytes_per_hidden=_number(row["forward_bytes_per_hidden"]),
        sampler_bytes_per_logit=_number(row["sampler_bytes_per_logit"]),
        batch_limits=tuple(_limits(limits) for limits in _rows(row["batch_limits"])),
        provenance=Provenance(source=str(row["source"]), as_of=str(row["as_of"])),
    )


def _limits(row: dict[str, object]) -> BatchLimits:
    return BatchLimits(
        kinds=_names(row.get("kinds")),
        accelerators=_names(row.get("accelerators")),
        except_accelerators=_names(row.get("except_accelerators")),
        least_memory_bytes=round(_number(row.get("least_memory_gb", 0)) * 10**9),
        max_num_batched_tokens=round(_number(row["max_num_batched_tokens"])),
        max_num_seqs=round(_number(row["max_num_seqs"])),
    )


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"engine facts: {value!r} is not a number")
    return float(value)


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def _rows(value: object) -> list[dict[str, object]]:
    if not isinstance(value, list):
        raise TypeError(f"engine facts: {value!r} is not a list")
    return value
