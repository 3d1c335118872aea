"""Machines and accelerators before and after, counted from the recorded graphs. Knows no prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from components.graph import Graph, sealed
from infra.cost.pools import MachinePool, machine_pools
from sizing.catalog.catalog import Catalog
from sizing.errors import UnknownFact


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityChange:
    """How many of one thing there are before and after; None where a count is known only after apply."""

    what: str  # p5.48xlarge on demand; nvidia-h100-80gb
    is_accelerator: bool
    before: int | None
    after: int | None

    @property
    def is_same(self) -> bool:
        """True where the count does not move."""
        return self.before == self.after


def capacity_changes(before: Graph, after: Graph, catalog: Catalog) -> tuple[CapacityChange, ...]:
    """Machines by type and purchase mode, then accelerators by name, in the order they first appear."""
    old, new = machine_pools(sealed(before)), machine_pools(sealed(after))
    machines = _joined(_machines(old), _machines(new), is_accelerator=False)
    accelerators = _joined(_accelerators(old, catalog), _accelerators(new, catalog), is_accelerator=True)
    return (*machines, *accelerators)


def _joined(
    before: Mapping[str, int | None], after: Mapping[str, int | None], *, is_accelerator: bool
) -> tuple[CapacityChange, ...]:
    names = [*after, *(name for name in before if name not in after)]
    return tuple(
        CapacityChange(what=x, is_accelerator=is_accelerator, before=before.get(x, 0), after=after.get(x, 0))
        for x in names
    )


def _machines(pools: tuple[MachinePool, ...]) -> Mapping[str, int | None]:
    return _summed([(pool.purchase, pool.nodes) for pool in pools])


def _accelerators(pools: tuple[MachinePool, ...], catalog: Catalog) -> Mapping[str, int | None]:
    counts: list[tuple[str, int | None]] = []
    for pool in pools:
        if not pool.machines:
            continue
        try:
            machine = catalog.machine(pool.cloud, pool.machines[0])
        except UnknownFact:
            continue
        if machine.accelerator is not None:
            counts.append((machine.accelerator, None if pool.nodes is None else pool.nodes * machine.accelerators))
    return _summed(counts)


def _summed(counts: list[tuple[str, int | None]]) -> Mapping[str, int | None]:
    """Sums by name; not known as soon as one of them is not."""
    total: Counter[str] = Counter()
    for name, amount in counts:
        total[name] += amount or 0
    unknown = {name for name, amount in counts if amount is None}
    return {name: None if name in unknown else amount for name, amount in total.items()}
