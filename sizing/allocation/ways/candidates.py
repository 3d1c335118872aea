"""Every way to run a replica of one workload on one machine type: weighed once, whatever the region and the price.

A candidate keeps every objective; what does not is a value too, with what it misses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from sizing.allocation.ways.host import HostNeed, host_misses, host_need, slots_needed
from sizing.allocation.ways.storage import start_miss
from sizing.allocation.ways.support import cache_miss, device_miss, weights_miss
from sizing.catalog.accelerator import Accelerator, Precision
from sizing.catalog.machine import Machine
from sizing.outcome import Miss
from sizing.performance import (
    Excuse,
    Layout,
    OperatingPoint,
    Replica,
    assured_rate,
    legal_layouts,
    legal_precisions,
    replica_on,
)
from sizing.performance.serving.assurance import LATENCIES, surely_missed
from sizing.spec.lengths import within_context
from sizing.spec.workload import Objectives, Serving, Traffic

if TYPE_CHECKING:
    from sizing.catalog import Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One replica on one machine type, and the highest rate at which it keeps every objective."""

    workload: str
    machine: Machine
    replica: Replica
    slots: int  # accelerators of the machine that it occupies
    point: OperatingPoint  # at the highest rate within the objectives, with the confidence that they ask for
    need: HostNeed  # at that rate

    @property
    def kind(self) -> str:
        """Accelerator, layout and precisions: replicas of one kind carry alike."""
        return kind_of(self.replica)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """One way that does not do, and what it misses."""

    workload: str
    what: str  # nvidia-l40s TP4 fp8
    machines: tuple[str, ...]
    misses: tuple[Miss, ...]
    replica: Replica | None  # None: rejected before a layout was tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """All ways of one workload."""

    candidates: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]


def weigh(workload: Serving, catalog: Catalog, machines: Iterable[Machine]) -> Weighed:
    """
    Every layout, precision and machine type for *workload*, in a fixed order.

    Speed depends on the accelerator and on how many of them the machine joins, so it is worked out once for all
    machine types that agree in both.
    """
    found: list[Candidate | Rejected] = []
    for (name, whole), alike in _by_accelerators(workload, machines).items():
        accelerator = catalog.accelerator(name)
        if missed := _device_miss(workload, accelerator, alike):
            found.append(_rejected(workload, name, alike, missed))
            continue
        for weights, kv in _precisions(workload, accelerator):
            if missed := weights_miss(workload.model, accelerator, weights) or cache_miss(accelerator, kv):
                found.append(_rejected(workload, f"{name} {weights}", alike, missed))
                continue
            for layout in _layouts(workload, accelerator, whole, weights):
                replica = replica_on(
                    workload.model,
                    accelerator,
                    layout=layout,
                    weights=weights,
                    kv=kv,
                    engine=workload.engine,
                    accelerators_in_machine=whole,
                )
                found += _on_machines(workload, replica, alike)
    return Weighed(
        candidates=tuple(one for one in found if isinstance(one, Candidate)),
        rejected=tuple(one for one in found if isinstance(one, Rejected)),
    )


def kind_of(replica: Replica) -> str:
    """Accelerator, layout and precisions of a replica: nvidia-h100-80gb TP4 fp8."""
    cache = "" if replica.kv is Precision.BF16 else f", {replica.kv} cache"
    return f"{replica.accelerator.name} {replica.layout} {replica.weights}{cache}"


def _by_accelerators(workload: Serving, machines: Iterable[Machine]) -> dict[tuple[str, int], list[Machine]]:
    """The machine types that the spec allows, by accelerator and number; sorted by name within."""
    allowed = workload.allowed
    groups: dict[tuple[str, int], list[Machine]] = {}
    for machine in sorted(machines, key=lambda one: (one.cloud, one.accelerator or "", one.accelerators, one.name)):
        if machine.accelerator is None:
            continue
        if allowed.accelerators and machine.accelerator not in allowed.accelerators:
            continue
        if allowed.machines and machine.name not in allowed.machines:
            continue
        number = machine.accelerators if machine.accelerator_fraction == 1 else 0  # 0: a share of one
        groups.setdefault((machine.accelerator, number), []).append(machine)
    return groups


def _device_miss(workload: Serving, accelerator: Accelerator, alike: list[Machine]) -> Miss | None:
    """Why no machine of the group can run the engine at all."""
    allowed = workload.allowed
    named = accelerator.name in allowed.accelerators or all(one.name in allowed.machines for one in alike)
    fraction = alike[0].accelerator_fraction
    if fraction != 1:
        text = f"only a {fraction:g} share of an {accelerator.name}: how fast a shared device is, is not modelled"
        return Miss(metric="accelerator_fraction", asked=1.0, reached=fraction, text=text)
    return device_miss(accelerator, named=named)


def _precisions(workload: Serving, accelerator: Accelerator) -> Iterator[tuple[Precision, Precision]]:
    """Weights and cache formats to try: those that the spec allows, or else all that the device runs."""
    weights = workload.allowed.weights or legal_precisions(workload.model, accelerator)
    for kv in workload.allowed.kv or (Precision.BF16, Precision.FP8):
        for one in weights:
            yield one, kv


def _layouts(workload: Serving, accelerator: Accelerator, whole: int, weights: Precision) -> Iterator[Layout]:
    """Legal layouts whose accelerators divide the machine: others cannot fill it, nor pack beside the rest."""
    for layout in legal_layouts(workload.model, accelerator, accelerators_in_machine=whole, weights=weights):
        if whole % layout.accelerators == 0:
            yield layout


def _on_machines(workload: Serving, replica: Replica, alike: list[Machine]) -> Iterator[Candidate | Rejected]:
    """One replica, tried on each machine type with its accelerators."""
    point = rate_within(replica, workload)
    if isinstance(point, Excuse):
        yield _rejected(workload, kind_of(replica), alike, *_misses(workload, replica), replica=replica)
        return
    need = host_need(replica, replace(workload.traffic, requests_per_s=point.requests_per_s))
    for machine in alike:
        slots = slots_needed(machine, accelerators=replica.layout.accelerators, need=need)
        late = start_miss(replica, machine, workload.objectives)
        if slots is None or late is not None:
            misses = [*host_misses(machine, need), *([late] if late is not None else [])]
            yield _rejected(workload, kind_of(replica), [machine], *misses, replica=replica)
        else:
            yield Candidate(
                workload=workload.name, machine=machine, replica=replica, slots=slots, point=point, need=need
            )


def rate_within(replica: Replica, workload: Serving) -> OperatingPoint | Excuse:
    """The highest rate of one replica within the workload's objectives, with the confidence that they ask for."""
    return _rate(replica, _any_rate(workload), workload.objectives, workload.max_context_tokens)


def _any_rate(workload: Serving) -> Traffic:
    """Lengths, hits and burstiness of what a workload serves; the rate is not read: one answer for all rates."""
    return replace(within_context(workload.traffic, workload.max_context_tokens), requests_per_s=1.0)


@lru_cache(maxsize=16384)
def _rate(
    replica: Replica, traffic: Traffic, objectives: Objectives, max_context_tokens: int
) -> OperatingPoint | Excuse:
    return assured_rate(replica, traffic=traffic, objectives=objectives, max_context_tokens=max_context_tokens)


def _misses(workload: Serving, replica: Replica) -> list[Miss]:
    """Everything that the replica misses: memory alone, or each latency that it misses on its own."""
    excuses = surely_missed(
        replica,
        traffic=_any_rate(workload),
        objectives=workload.objectives,
        max_context_tokens=workload.max_context_tokens,
    )
    told = list(LATENCIES)
    return [
        Miss(metric=excuse.metric, asked=excuse.asked, reached=excuse.reached, text=excuse.text)
        for excuse in sorted(excuses, key=lambda one: told.index(one.metric) if one.metric in told else 0)
    ]


def _rejected(
    workload: Serving, what: str, machines: list[Machine], *misses: Miss, replica: Replica | None = None
) -> Rejected:
    return Rejected(
        workload=workload.name,
        what=what,
        machines=tuple(machine.name for machine in machines),
        misses=misses,
        replica=replica,
    )
