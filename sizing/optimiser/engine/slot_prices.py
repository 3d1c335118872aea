"""Prices of what replicas take: slots of pools, slots and money of teams, and whole machines that few stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from sizing.optimiser.engine.machines import usd
from sizing.optimiser.engine.tables import Floats, Tables

Link = tuple[int, int, int]  # workload, pool and period
Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class SlotPrices:
    """Prices of what replicas take, and what the machine side is worth at them."""

    slots: Floats  # [pools, periods]
    team_slots: Floats  # [teams, periods]
    team_money: Floats  # [teams]
    machines: Mapping[Link, float]  # of each machine that a workload stands on, beside its slots; 0 where not told
    options: Mapping[int, float]  # of taking an option; 0 where not told
    machine_side: float  # the dual objective without the workloads'

    def mixed(self, other: SlotPrices, share: float) -> SlotPrices:
        """*share* of these prices and the rest of the *other* ones."""
        rest = 1 - share
        return SlotPrices(
            slots=share * self.slots + rest * other.slots,
            team_slots=share * self.team_slots + rest * other.team_slots,
            team_money=share * self.team_money + rest * other.team_money,
            machines=_mixed(self.machines, other.machines, share),
            options=_mixed(self.options, other.options, share),
            machine_side=share * self.machine_side + rest * other.machine_side,
        )


def _mixed(one: Mapping[Key, float], other: Mapping[Key, float], share: float) -> dict[Key, float]:
    return {key: share * one.get(key, 0.0) + (1 - share) * other.get(key, 0.0) for key in {**one, **other}}


def amortised(tables: Tables) -> SlotPrices:
    """Slots at their share of the machine's price, as if every machine were full and nothing were short."""
    problem = tables.problem
    hours = np.array([period.hours for period in problem.periods]) / problem.hours
    slots = np.array([usd(pool.micro_usd_per_hour) / pool.slots for pool in problem.pools])
    return SlotPrices(
        slots=slots[:, None] * hours[None, :],
        team_slots=np.zeros((len(problem.teams), len(hours))),
        team_money=np.zeros(len(problem.teams)),
        machines={},
        options={},
        machine_side=0.0,
    )


def market_prices(tables: Tables) -> SlotPrices:
    """
    Where prices start: slots of machines of which there are only so many, at what others of the type cost at the least.

    Reservations that are paid for look free, and at no price everyone would stand there first.
    """
    found = amortised(tables)
    pools = tables.problem.pools
    dearest = found.slots.max(axis=0, initial=0.0)
    unlimited: dict[str, Floats] = {}
    for at, pool in enumerate(pools):
        if pool.most is None:
            unlimited[pool.machine] = np.minimum(unlimited.get(pool.machine, dearest), found.slots[at])
    for at, pool in enumerate(pools):
        if pool.most is not None:
            found.slots[at] = np.maximum(found.slots[at], unlimited.get(pool.machine, dearest))
    return found


def replica_prices(tables: Tables, prices: SlotPrices) -> Floats:
    """[places, periods]: what one replica costs at *prices*, without those of whole machines."""
    problem = tables.problem
    found = tables.slots[:, None] * prices.slots[tables.pool]
    if not problem.teams:
        return found
    team_of = {name: place for place, team in enumerate(problem.teams) for name in team.workloads}
    workload = [team_of.get(demand.workload, -1) for demand in problem.demands]
    team = np.array([workload[tables.options[j].workload] for j in tables.option])
    inside = np.flatnonzero(team >= 0)
    found[inside] += tables.slots[inside, None] * prices.team_slots[team[inside]]
    shares = amortised(tables).slots[tables.pool[inside]] * tables.slots[inside, None]
    found[inside] += prices.team_money[team[inside], None] * shares
    return found
