"""Several specs, or one on several markets, sized one after the other; what they have in common is worked out once.

How fast a replica is depends neither on how much traffic comes nor on what machines cost: where trials differ in these
alone, the ways to run a workload are weighed once for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sizing.allocation.answer import size
from sizing.allocation.ways.candidates import Weighed, weigh
from sizing.catalog.offer import Offer, PurchaseMode
from sizing.errors import UnknownFact
from sizing.optimiser import Effort, Strategy
from sizing.outcome import NoPlan, Sized
from sizing.plan import PoolRole, SizingPlan
from sizing.spec.workload import Serving, Spec, Survive

if TYPE_CHECKING:
    from sizing.catalog import Catalog
    from sizing.catalog.machine import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One spec on one market."""

    spec: Spec
    catalog: Catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Repricing:
    """Another price of one machine type, or of all that have one accelerator."""

    name: str
    mode: PurchaseMode | None  # None: of every way to buy it for a factor, on demand for a price
    factor: float | None = None
    usd_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """Machines with accelerators of one type, bought one way."""

    machine: str
    mode: PurchaseMode
    nodes: int


class Weighings:
    """The ways to run workloads, each weighed once; of one catalog, whose prices may differ from trial to trial."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[tuple[Serving, tuple[Cloud, ...]], Weighed] = {}

    def of(self, trial: Trial) -> tuple[Weighed, ...]:
        """What was weighed for each workload of *trial*, in its order."""
        clouds = trial.spec.clouds
        return tuple(self._weighed(workload, clouds, trial.catalog) for workload in trial.spec.workloads)

    def _weighed(self, workload: Serving, clouds: tuple[Cloud, ...], catalog: Catalog) -> Weighed:
        key = (as_weighed(workload), clouds)
        if key not in self._found:
            machines = [machine for machine in catalog.machines if machine.cloud in clouds]
            self._found[key] = weigh(workload, catalog, machines)
        return self._found[key]


def as_weighed(workload: Serving) -> Serving:
    """The workload without what weighing does not look at: how much comes and when, where, how bought, for whom."""
    return replace(
        workload,
        traffic=replace(workload.traffic, requests_per_s=1.0, day=()),
        allowed=replace(workload.allowed, spot_share=0.0, min_spot_share=0.0, purchase=()),
        survive=Survive.NONE,
        regions=(),
        team=None,
        priority=None,
        needed=None,
    )


def sweep(
    trials: Iterable[Trial],
    *,
    current: SizingPlan | None,
    weighings: Weighings | None = None,
    strategy: Strategy = Strategy.AUTO,
    effort: Effort = Effort.NORMAL,
) -> Iterator[Sized | NoPlan]:
    """The answer to each of *trials* in their order, each worked out when it is asked for."""
    known = Weighings() if weighings is None else weighings
    for trial in trials:
        yield size(
            trial.spec,
            trial.catalog,
            current=current,
            weighed=known.of(trial),
            alternatives=False,
            strategy=strategy,
            effort=effort,
        )


def repriced(catalog: Catalog, repricings: Sequence[Repricing]) -> Catalog:
    """
    The catalog with other prices.

    Raises:
        UnknownFact: If no machine is named so, nor any accelerator, or if none of them has a price to begin with.
    """
    for repricing in repricings:
        names = _named(catalog, repricing.name)
        offers = tuple(
            replace(offer, usd_per_hour=_price(offer, repricing), price_basis="what if")
            if offer.machine in names and _is_meant(offer, repricing)
            else offer
            for offer in catalog.offers
        )
        if offers == catalog.offers and repricing.factor != 1:
            raise UnknownFact(kind="price of a machine", name=repricing.name)
        catalog = replace(catalog, offers=offers, hash=f"{catalog.hash}, but what if")  # they are other facts
    return catalog


def _named(catalog: Catalog, name: str) -> frozenset[str]:
    """Machine types of this name, or with accelerators of it."""
    names = {machine.name for machine in catalog.machines if name in {machine.name, machine.accelerator}}
    if not names:
        known = [word for one in catalog.machines for word in (one.name, one.accelerator) if word is not None]
        near = sorted({word for word in known if name.lower() in word.lower()})[:3]
        raise UnknownFact(kind="machine or accelerator", name=name, nearest=tuple(near))
    return frozenset(names)


def _is_meant(offer: Offer, repricing: Repricing) -> bool:
    if repricing.mode is not None:
        return offer.mode is repricing.mode
    return repricing.factor is not None or offer.mode is PurchaseMode.ON_DEMAND


def _price(offer: Offer, repricing: Repricing) -> float | None:
    if repricing.factor is None:
        return repricing.usd_per_hour
    return None if offer.usd_per_hour is None else offer.usd_per_hour * repricing.factor


def machines_of(plan: SizingPlan) -> tuple[Machines, ...]:
    """The machines with accelerators of a plan by type and way to buy, in the order of the plan."""
    nodes = Counter[tuple[str, PurchaseMode]]()
    for pool in plan.node_pools:
        if pool.role is PoolRole.ACCELERATOR:
            nodes[pool.machine, pool.mode] += pool.nodes
    return tuple(Machines(machine=machine, mode=mode, nodes=number) for (machine, mode), number in nodes.items())


def machines_that_differ(before: SizingPlan, after: SizingPlan) -> int:
    """How many machines of *after* are bought newly: pool by pool, those beyond what *before* has there."""
    had = Counter({pool.name: pool.nodes for pool in before.node_pools})
    return sum(max(0, pool.nodes - had[pool.name]) for pool in after.node_pools if pool.role is PoolRole.ACCELERATOR)
