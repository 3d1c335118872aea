"""One replica: a model, split by a layout, on accelerators of one machine, run by an engine. What everything is of."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.accelerator import Accelerator, Precision
from sizing.catalog.model import Model
from sizing.errors import UnknownFact
from sizing.performance.engine import Engine, batch_limits, engine_named
from sizing.performance.layout import Layout

# The slowest bus that a card of the catalog may sit on, where no source tells: PCIe 3.0 x8, as the T4 has.
SLOWEST_HOST_LINK_BYTES_PER_S = 8e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Interconnect:
    """The link between the accelerators of one replica."""

    bytes_per_s: float  # one direction, per accelerator
    latency_s: float  # of one message, on top of the start cost of a collective
    domain: int  # most accelerators it joins


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A served copy of *model*; equal replicas share nothing but the router."""

    model: Model
    accelerator: Accelerator
    layout: Layout
    weights: Precision
    kv: Precision
    engine: Engine
    link: Interconnect
    max_num_batched_tokens: int  # of one forward pass
    max_num_seqs: int  # decoded together, per attention-data-parallel rank


def link_of(accelerator: Accelerator, *, accelerators_in_machine: int) -> Interconnect:
    """
    The scale-up link of the accelerator, or the host bus where it has none.

    A host bus joins the cards of one machine; a scale-up link joins as many as its domain, and at least the machine.
    """
    if accelerator.link_bytes_per_s is not None:
        return Interconnect(
            bytes_per_s=accelerator.link_bytes_per_s,
            latency_s=0.0,
            domain=max(accelerator.link_domain, accelerators_in_machine),
        )
    return Interconnect(
        bytes_per_s=accelerator.host_link_bytes_per_s or SLOWEST_HOST_LINK_BYTES_PER_S,
        latency_s=0.0,
        domain=accelerators_in_machine,
    )


def replica_on(
    model: Model,
    accelerator: Accelerator,
    *,
    layout: Layout,
    weights: Precision,
    kv: Precision = Precision.BF16,
    engine: str | Engine = "vllm",
    accelerators_in_machine: int = 8,
) -> Replica:
    """
    A replica with the engine's default limits and the machine's own link.

    Raises:
        UnknownFact: If the engine is unknown, or the accelerator's bandwidth or bf16 peak.
    """
    for fact, value in (
        ("memory bandwidth", accelerator.memory_bytes_per_s),
        ("bf16 peak", accelerator.bf16_flop_per_s),
    ):
        if value is None:
            raise UnknownFact(kind=f"{fact} of accelerator", name=accelerator.name)
    chosen = engine_named(engine) if isinstance(engine, str) else engine
    limits = batch_limits(chosen, accelerator)
    return Replica(
        model=model,
        accelerator=accelerator,
        layout=layout,
        weights=weights,
        kv=kv,
        engine=chosen,
        link=link_of(accelerator, accelerators_in_machine=accelerators_in_machine),
        max_num_batched_tokens=limits.max_num_batched_tokens,
        max_num_seqs=limits.max_num_seqs,
    )
