"""How much of its data sheet a device reaches: a handful of physical constants per device class, with provenance.

Facts in `facts/efficiencies.json`. Nothing here is per model or per measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import inf
from types import MappingProxyType
from typing import Any

from sizing.catalog.accelerator import Accelerator, Precision
from sizing.catalog.model import Model
from sizing.catalog.provenance import Provenance
from sizing.errors import UnknownFact
from sizing.performance.certainty.estimate import Grade
from sizing.performance.configuration.engine import Engine
from sizing.performance.configuration.replica import Replica
from sizing.performance.packaged_facts import as_names, as_number, as_rows, as_table, packaged_facts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Efficiency:
    """
    Shares of peak (0 to 1) and fixed costs of one device class under one engine.

    Compared by identity: there is one value for each device and engine, and it keys caches.
    """

    device_class: str  # hopper-nvlink
    flops: Mapping[Precision, float]  # of the dense peak of that format, large matrices
    bandwidth: Mapping[Precision, float]  # of HBM bandwidth while weights of that format stream
    attention_flops: float  # of the bf16 peak, in prefill attention
    cache_bandwidth: float  # of HBM bandwidth while the cache streams
    layer_s: float  # per layer and pass: launches, ends of kernels, norms, rotary embedding
    prefill_layer_s: float  # on top in passes with prompts, which no captured graph covers
    moe_layer_s: float  # on top, per mixture-of-experts layer: routing, permutation, grouped kernels
    sequence_s: float  # per sequence and step: scheduler and sampler
    step_s: float  # per pass, whatever its size
    collective_s: Mapping[int, float]  # start of one collective, by ranks
    link_share: Mapping[int, float]  # of link bandwidth that an all-reduce over n ranks reaches, by n
    grouped_flops: float  # of what dense matrices reach, in the grouped products of experts
    unpacked_flops: float  # of what bf16 reaches, where weights are unpacked to it on the way
    routing_variation: float  # standard deviation of the popularity of experts over its mean; see `routing`
    interference: float  # share of a prefill that passes shared with decoding do not hide; 1: all of it
    clumping: float  # closed loop: share of the other prompts that a request meets before its first token, not after
    ttft_floor_s: float  # tokeniser, HTTP and scheduling before the first pass
    ttft_steps: float  # and on top so many steps of the decoding sequences: the running one, scheduling, output
    grade: Grade
    measured: bool  # whether the constants were fitted to measurements of this very device and kind of model

    def spread(self, metric: str, situation: Situation) -> Spread:
        """Interval factors of *metric* on this device."""
        return spread(metric, self.device_class, situation, measured=self.measured)


class Situation(StrEnum):
    """How a replica is run; each has errors of its own."""

    LOOP = "loop"  # a fixed number of requests in flight
    POOLS = "pools"  # prefill and decode apart
    BATCH = "batch"  # whole batches, or one stream, with no server before them
    SATURATED = "saturated"  # as many as memory holds
    OPEN = "open"  # random arrivals


ANY = "any"  # situation, or device class


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Interval factors of one metric: 80 % of measured values lie between low and high times the prediction."""

    low: float
    high: float


def packaged() -> dict[str, Any]:
    """The constants that ship with sizeup, as their document."""
    return packaged_facts("efficiencies")


_IN_USE: ContextVar[Mapping[str, object] | None] = ContextVar("efficiencies in use", default=None)


@contextmanager
def using(document: Mapping[str, object]) -> Iterator[None]:
    """
    Have everything inside the block predicted with these constants instead of the packaged ones.

    They are read again at the entrance: a document that was changed since is seen only by a new block.
    """
    token = _IN_USE.set(document)
    efficiency.cache_clear()
    spread.cache_clear()
    try:
        yield
    finally:
        _IN_USE.reset(token)
        efficiency.cache_clear()
        spread.cache_clear()


def in_use() -> Provenance:
    """Where the constants that predictions use now are from."""
    document = _document()
    return Provenance(source=str(document["source"]), as_of=str(document["as_of"]))


def prior_of(accelerator: Accelerator, engine: Engine) -> Efficiency | None:
    """What the constants in use were before they were fitted; None where their document does not tell (`priors`)."""
    document = _document()
    before = document.get("priors")
    if not isinstance(before, dict):
        return None
    with using({**document, **before}):
        return efficiency(accelerator, engine)


def _document() -> Mapping[str, object]:
    return _IN_USE.get() or packaged()


def device_class(accelerator: Accelerator) -> str:
    """
    The class of devices that shares its efficiencies: the first row of the facts that matches kind, vendor,
    architecture and size of the scale-up domain.

    Raises:
        UnknownFact: If no row matches.
    """
    for row in as_rows(_document()["classes"]):
        if _matches(row, accelerator):
            return str(row["name"])
    raise UnknownFact(kind="device class", name=accelerator.architecture)


def _matches(row: Mapping[str, object], accelerator: Accelerator) -> bool:
    vendors, architectures = as_names(row.get("vendors")), as_names(row.get("architectures"))
    return (
        accelerator.kind.value in as_names(row["kinds"])
        and (not vendors or accelerator.vendor in vendors)
        and (not architectures or accelerator.architecture.startswith(architectures))
        and accelerator.link_domain >= as_number(row.get("least_link_domain", 0))
    )


@lru_cache(maxsize=256)
def efficiency(accelerator: Accelerator, engine: Engine, model: Model | None = None) -> Efficiency:
    """
    The constants that hold for this device under this engine: those of its class, times the engine's factors.

    They are the same for every *model*; intervals are wider where the measurements say little of it.
    """
    name = device_class(accelerator)
    row = next(row for row in as_rows(_document()["classes"]) if row["name"] == name)
    factor = next((row for row in as_rows(_document()["engines"]) if _runs(row, engine)), {})
    overhead = as_number(factor.get("overhead", 1.0))
    return Efficiency(
        device_class=name,
        flops=_by_precision(row["flops"]),
        bandwidth=_by_precision(row["bandwidth"]),
        attention_flops=as_number(row["attention_flops"]),
        cache_bandwidth=as_number(row["cache_bandwidth"]),
        layer_s=as_number(row["layer_us"]) * 1e-6 * overhead,
        prefill_layer_s=as_number(factor.get("prefill_layer_us", 0.0)) * 1e-6,
        moe_layer_s=as_number(row["moe_layer_us"]) * 1e-6 * overhead,
        sequence_s=as_number(row["sequence_us"]) * 1e-6 * as_number(factor.get("sequence", 1.0)),
        step_s=as_number(row["step_us"]) * 1e-6 * overhead,
        collective_s=MappingProxyType({n: us * 1e-6 for n, us in _by_ranks(row["collective_us"]).items()}),
        link_share=_by_ranks(row["link_share"]),
        grouped_flops=as_number(row["grouped_flops"]),
        unpacked_flops=as_number(row["unpacked_flops"]),
        routing_variation=as_number(_document()["routing_variation"]),
        interference=as_number(factor.get("interference", 1.0)),
        clumping=as_number(factor.get("clumping", 1.0)),
        ttft_floor_s=as_number(factor.get("ttft_floor_ms", 20.0)) * 1e-3,
        ttft_steps=as_number(factor.get("ttft_steps", 0.0)),
        grade=Grade(str(row["grade"])),
        measured=accelerator.name in as_names(row.get("measured")) and (model is None or _is_known_kind(model)),
    )


def _is_known_kind(model: Model) -> bool:
    """Whether measurements are of this model, or of others built alike: dense ones with plain attention are."""
    plain = model.moe is None and model.mla is None and model.linear_layers == 0
    return plain or model.name in as_names(_document().get("measured_models"))


def _runs(row: Mapping[str, object], engine: Engine) -> bool:
    """Whether a row of factors is of this engine; a row that names no version is of all of them."""
    return row["name"] == engine.name and row.get("version", engine.version) == engine.version


def efficiency_of(replica: Replica) -> Efficiency:
    """The constants that hold for *replica*: its device, its engine, its model."""
    return efficiency(replica.accelerator, replica.engine, replica.model)


# The physical limit: every unit at its peak and nothing else to wait for.
PERFECT = Efficiency(
    device_class="perfect",
    flops=MappingProxyType(dict.fromkeys(Precision, 1.0)),
    bandwidth=MappingProxyType(dict.fromkeys(Precision, 1.0)),
    attention_flops=1.0,
    cache_bandwidth=1.0,
    layer_s=0.0,
    prefill_layer_s=0.0,
    moe_layer_s=0.0,
    sequence_s=0.0,
    step_s=0.0,
    collective_s=MappingProxyType({2: 0.0}),
    link_share=MappingProxyType({2: 1.0}),
    grouped_flops=1.0,
    unpacked_flops=1.0,
    routing_variation=inf,  # all tokens choose the same experts, on every rank alike
    interference=0.0,
    clumping=0.0,
    ttft_floor_s=0.0,
    ttft_steps=0.0,
    grade=Grade.SPECIFICATION,
    measured=False,
)


@lru_cache(maxsize=1024)
def spread(metric: str, class_name: str, situation: Situation, *, measured: bool = True) -> Spread:
    """
    Interval factors of *metric* (throughput, ttft, tpot): of the situation on the device class, or the next wider set.

    What no measurement is of takes the wider interval of devices and models that were left out of the fit whole.
    """
    inside = as_table(_document()["intervals"])[metric]
    wider = (situation, Situation.LOOP) if situation is Situation.OPEN else (situation,)  # as a server, mostly
    names = [f"{way} {name}" for way in wider for name in (class_name, ANY)] + [f"{ANY} {ANY}"]
    found = _spread(next(inside[name] for name in names if name in inside))
    if measured:
        return found
    wide = _spread(as_table(_document()["outside"])[metric])
    return Spread(low=min(found.low, wide.low), high=max(found.high, wide.high))


def _spread(row: Mapping[str, float]) -> Spread:
    return Spread(low=float(row["low"]), high=float(row["high"]))


def _by_precision(value: object) -> Mapping[Precision, float]:
    given = {Precision(name): float(share) for name, share in as_table(value).items()}
    return MappingProxyType({precision: given.get(precision, given[Precision.BF16]) for precision in Precision})


def _by_ranks(value: object) -> Mapping[int, float]:
    return MappingProxyType({int(ranks): float(share) for ranks, share in as_table(value).items()})
