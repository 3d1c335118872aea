"""One replica: a model, split by a layout, on accelerators of one machine or several, run by an engine."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.accelerator import Accelerator, Precision
from sizing.catalog.model import Model
from sizing.errors import UnknownFact
from sizing.performance.configuration.engine import Engine, batch_limits, engine_named
from sizing.performance.configuration.layout import Layout
from sizing.performance.configuration.speculation import Speculation
from sizing.performance.links.interconnect import interconnect_of
from sizing.performance.links.link import Interconnect


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A served copy of *model*; equal replicas share nothing but the router."""

    model: Model
    accelerator: Accelerator
    layout: Layout
    weights: Precision
    kv: Precision
    engine: Engine
    link: Interconnect  # between its accelerators
    max_num_batched_tokens: int  # of one forward pass
    max_num_seqs: int  # decoded together, per attention-data-parallel rank
    speculation: Speculation | None = None  # what runs ahead of decoding


def replica_on(
    model: Model,
    accelerator: Accelerator,
    *,
    layout: Layout,
    weights: Precision,
    kv: Precision = Precision.BF16,
    engine: str | Engine = "vllm",
    accelerators_in_machine: int = 8,
    network_bytes_per_s: float | None = None,
    fabric: str | None = None,
    speculation: Speculation | None = None,
) -> Replica:
    """
    A replica with the engine's default limits and the machine's own links.

    What does not fit one machine speaks over the network, *network_bytes_per_s* for each accelerator in one direction;
    `network_of` has both network facts of a machine.

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
        link=interconnect_of(
            accelerator,
            accelerators=layout.accelerators,
            accelerators_in_machine=accelerators_in_machine,
            network_bytes_per_s=network_bytes_per_s,
            fabric=fabric,
        ),
        max_num_batched_tokens=limits.max_num_batched_tokens,
        max_num_seqs=limits.max_num_seqs,
        speculation=speculation,
    )
