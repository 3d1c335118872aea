"""
The cheapest way that a workload stands by itself, within limits and with whole machines, at prices of slots.

At prices of slots alone a workload may spread over more machines than a quota leaves in the whole region, each of them
hardly used. Only ways that keep limits by themselves are columns, which makes the bound of their relaxation tighter.
Where the cheapest way breaks a limit, or stands on machines that have a price beside their slots', a small model of
that option alone finds the cheapest one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sizing.optimiser.engine.compact import Compact, compact, least
from sizing.optimiser.engine.placed import Placed, machines_alone
from sizing.optimiser.engine.pricing import INFINITY, Pricer, costs, placed_at
from sizing.optimiser.engine.slot_prices import Link, SlotPrices, replica_prices
from sizing.optimiser.engine.solving import Limits
from sizing.optimiser.engine.tables import Floats, Tables

LIMITS = Limits(nodes=200)  # such models end after a few


def keeps_limits(tables: Tables, placed: Placed) -> bool:
    """Whether a workload that stands as *placed*, and nobody else, keeps within pools and quotas."""
    return _are_there(tables, machines_alone(tables, placed))


def _are_there(tables: Tables, machines: Mapping[tuple[int, int], int]) -> bool:
    """Whether pools have so many machines, by pool and period, and quotas leave room for them."""
    taken: dict[tuple[int, int], int] = {}
    for (pool, period), number in machines.items():
        if number > tables.most[pool]:
            return False
        for quota, units in tables.quotas_of.get(pool, ()):
            taken[quota, period] = taken.get((quota, period), 0) + units * number
    return all(units <= tables.problem.quotas[quota].limit for (quota, _), units in taken.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheapest:
    """The cheapest ways at some prices."""

    ways: Mapping[int, Placed]  # by workload; none where no option carries it
    place: Floats  # [places, periods]: price of a replica, without those of whole machines
    options: Floats  # of each option what it costs, or a bound below that for those that are not their workload's best


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """The models of options that had to be looked at, made as they are needed."""

    priced: Pricer
    models: dict[int, Compact] = field(default_factory=dict)
    impossible: set[int] = field(default_factory=set)  # options that no way within limits carries

    def cheapest(self, prices: SlotPrices) -> Cheapest:
        """The cheapest way of each workload at *prices*."""
        place = replica_prices(self.priced.tables, prices)
        options = costs(self.priced, place)
        for option, price in prices.options.items():
            options[option] += price
        options[list(self.impossible)] = INFINITY
        found = {
            m: way
            for m in self.priced.with_options.tolist()
            if (way := self._best_of(m, place, options, prices)) is not None
        }
        return Cheapest(ways=found, place=place, options=options)

    def _best_of(self, workload: int, place: Floats, options: Floats, prices: SlotPrices) -> Placed | None:
        """The cheapest way of one workload; what is learned of the cost of its options goes into *options*."""
        own = self.priced.tables.of_workload[workload]
        ways: dict[int, Placed | None] = {}
        while True:
            option = own.start + int(options[own.start : own.stop].argmin())
            if option in ways or options[option] == INFINITY:
                return ways.get(option)
            placed = placed_at(self.priced, option, place)
            if placed is not None and self._is_exact(workload, placed, prices.machines):
                return placed
            ways[option], options[option] = self._within(option, place, options[option], prices)

    def _is_exact(self, workload: int, placed: Placed, machine_prices: Mapping[Link, float]) -> bool:
        """Whether a way costs what its slots do, and keeps limits."""
        machines = machines_alone(self.priced.tables, placed)
        if any((workload, pool, period) in machine_prices for pool, period in machines):
            return False
        return _are_there(self.priced.tables, machines)

    def _within(self, option: int, place: Floats, bound: float, prices: SlotPrices) -> tuple[Placed | None, float]:
        """The cheapest way of an option within limits, and what it costs, or a bound below that."""
        tables = self.priced.tables
        workload = tables.options[option].workload
        if option not in self.models:
            self.models[option] = compact(tables, [workload], options=[option])
        model = self.models[option]
        objective = {variable: float(place[key]) for key, variable in model.replicas.items()}
        for (pool, period), variable in model.machines.count.items():
            price = prices.machines.get((workload, pool, period), 0.0)
            objective[variable] = objective.get(variable, 0.0) + price
        answer = least(model, objective, LIMITS)
        if answer.ended.is_infeasible:
            self.impossible.add(option)
            return None, INFINITY
        beside = tables.standing[option] + prices.options.get(option, 0.0)
        cost = bound if answer.bound is None else max(bound, answer.bound + beside)
        return None if answer.placed is None else answer.placed[workload], cost
