"""
What a fleet would cost if machines were sold by the slot and workloads could be split: a small linear programme.

Each way of a workload is one kind of replica in one region, on the cheapest slots there, on demand or partly on spot;
quotas are its only rows. It tells which quotas the cheapest fleet would use and how much dearer limits make it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ortools.math_opt.python import mathopt

from benchmarks.fleet_market import Market
from sizing.optimiser.engine.tables import Option, Tables
from sizing.optimiser.problem import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to serve one workload, whole."""

    workload: int
    micro_usd_per_hour: float
    units: Mapping[str, float]  # of each quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Fractions:
    """The cheapest parts of ways."""

    micro_usd_per_hour: float
    used: Mapping[str, float]  # units of each quota


def ways(asked: Tables, sold: Market) -> tuple[Way, ...]:
    """Every way of every workload."""
    units = {pool: (name, each) for name, taken in sold.units.items() for pool, each in taken}
    return tuple(
        Way(workload=option.workload, micro_usd_per_hour=cost, units=taken)
        for place, option in enumerate(asked.options)
        for cost, taken in _ways(asked, place, option, units)
    )


def _ways(
    asked: Tables, place: int, option: Option, units: Mapping[Pool, tuple[str, int]]
) -> Iterator[tuple[float, dict[str, float]]]:
    """Costs and units: all on demand, or what need not be firm on spot."""
    span = asked.places_of[place]
    slots = [
        (asked.problem.pools[asked.pool[at]], int(asked.slots[at]), bool(asked.is_spot[at]))
        for at in range(span.start, span.stop)
    ]
    zones = len(option.zones)
    spread = zones / (zones - 1) if option.zone_loss and zones > 1 else 1.0
    priced = sorted(
        (pool.micro_usd_per_hour / pool.slots * size, number, spot)
        for number, (pool, size, spot) in enumerate(slots)
        if not pool.is_kept
    )
    firm = next((one for one in priced if not one[2]), None)
    spot = next((one for one in priced if one[2]), None)
    total, least = option.total[0] * spread, option.firm[0] * spread
    for parts in ([(firm, total)], [(firm, least), (spot, total - least)]):
        cost = 0.0
        taken: dict[str, float] = {}
        for best, replicas in parts:
            if best is None:
                break
            pool, size, _ = slots[best[1]]
            cost += best[0] * replicas
            name, each = units[pool]
            taken[name] = taken.get(name, 0.0) + replicas * size / pool.slots * each
        else:
            yield cost, taken


def cheapest(found: tuple[Way, ...], limits: Mapping[str, int]) -> Fractions | None:
    """The cheapest parts within *limits*; None where there are none."""
    model = mathopt.Model()
    whole: dict[int, mathopt.LinearConstraint] = {}
    rows = {name: model.add_linear_constraint(ub=float(limit)) for name, limit in limits.items()}
    parts = []
    for way in found:
        part = model.add_variable(lb=0.0)
        parts.append(part)
        model.objective.set_linear_coefficient(part, way.micro_usd_per_hour / 1e6)
        if way.workload not in whole:
            whole[way.workload] = model.add_linear_constraint(lb=1.0, ub=1.0)
        whole[way.workload].set_coefficient(part, 1.0)
        for name, units in way.units.items():
            rows[name].set_coefficient(part, units)
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if not result.has_primal_feasible_solution():
        return None
    values = result.variable_values(parts)
    used: dict[str, float] = {}
    for way, value in zip(found, values, strict=True):
        for name, units in way.units.items():
            used[name] = used.get(name, 0.0) + units * value
    return Fractions(micro_usd_per_hour=result.objective_value() * 1e6, used=used)
