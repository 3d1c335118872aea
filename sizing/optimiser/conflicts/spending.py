"""What is paid in a model: machines, commitments, system machines, what stands beside them; and a team's share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.conflicts.looser import Place, place_of
from sizing.optimiser.conflicts.switched import Model, total
from sizing.optimiser.problem import Pool, Team

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from sizing.optimiser.conflicts.switched import Variables


def spent_micro_usd_hours(model: Model) -> cp_model.LinearExprT:
    """Micro-dollar hours of everything over the day."""
    widest, spent = model.of.widest, []
    pools = {place_of(pool): pool for pool in widest.pools}
    for place, numbers in model.machines.items():
        spent.append(pools[place].micro_usd_per_hour * _up_hours(model, numbers, kept=pools[place].is_kept))
    for machine, region in dict.fromkeys((one.machine, one.region) for one in widest.commitments):
        spent.append(_committed(model, machine, region, pools))
    spent += _system(model)
    for standing in widest.standings:
        chosen = [
            one
            for (workload, _, region), one in model.options.items()
            if (workload, region) == (standing.workload, standing.region)
        ]
        spent.append(standing.micro_usd_per_hour * widest.hours * total(chosen))
    return total(spent)


def _committed(model: Model, machine: str, region: str, pools: Mapping[Place, Pool]) -> cp_model.LinearExprT:
    """What commitments to a machine type add: their price, less the on-demand machines that they cover."""
    covered = [
        (pools[place].micro_usd_per_hour, numbers)
        for place, numbers in model.machines.items()
        if place[:2] == (machine, region) and place[3] is PurchaseMode.ON_DEMAND
    ]
    most = sum(model.most_of(numbers) for _, numbers in covered)
    bought, owned, spent = [], 0, []
    for one in model.of.widest.commitments:
        if (one.machine, one.region) == (machine, region):
            number = model.number(most if one.most is None else min(most, one.most))
            bought.append(number)
            owned += one.owned
            spent.append(one.micro_usd_per_hour * model.of.widest.hours * number)
    for place, period in enumerate(model.of.widest.periods):
        free = [model.number(model.most_of([numbers[place]])) for _, numbers in covered]
        for one_free, (_, numbers) in zip(free, covered, strict=True):
            model.cp.add(one_free <= numbers[place])
        model.cp.add(total(free) <= total(bought) + owned)
        spent += [-price * period.hours * one_free for one_free, (price, _) in zip(free, covered, strict=True)]
    return total(spent)


def _system(model: Model) -> list[cp_model.LinearExprT]:
    """System machines: one for each zone in use, and at least so many in a region in use."""
    spent: list[cp_model.LinearExprT] = []
    for site in model.of.widest.sites:
        zones: dict[str, cp_model.IntVar] = {}
        for place, numbers in model.machines.items():
            if place[1] == site.region:
                in_use = zones.setdefault(place[2], model.cp.new_bool_var(""))
                for number in numbers:
                    model.cp.add(number <= model.most_of([number]) * in_use)
        if zones:
            system = model.number(max(len(zones), site.least_system_machines))
            model.cp.add(system >= total(zones.values()))
            for in_use in zones.values():
                model.cp.add(system >= site.least_system_machines * in_use)
            spent.append(site.system_micro_usd_per_hour * model.of.widest.hours * system)
    return spent


def team_micro_usd_per_hour(model: Model, team: Team) -> cp_model.IntVar:
    """What a team spends on average, rounded up, as a variable that is no less."""
    spent, scale = team_micro_usd_hours(model, team)
    micro_usd = model.number(2**50)
    model.cp.add(micro_usd * scale * model.of.widest.hours >= spent)
    return micro_usd


def team_micro_usd_hours(model: Model, team: Team) -> tuple[cp_model.LinearExprT, int]:
    """Micro-dollar hours of a team's replicas over the day, and what they are multiplied by to be whole."""
    own = [
        (choice.slots, next(iter(model.of.pools[place].values())), numbers)
        for (choice, place), numbers in model.replicas.items()
        if choice.workload in team.workloads
    ]
    scale = math.lcm(*(pool.slots for _, pool, _ in own)) if own else 1
    spent = [
        slots * pool.micro_usd_per_hour * (scale // pool.slots) * _up_hours(model, numbers, kept=pool.is_kept)
        for slots, pool, numbers in own
    ]
    return total(spent), scale


def _up_hours(model: Model, numbers: Variables, *, kept: bool) -> cp_model.LinearExprT:
    """Hours that are paid: those in which it is up, or all of them for the most that there are at a time."""
    if not kept or len(numbers) == 1:
        return total(period.hours * number for period, number in zip(model.of.widest.periods, numbers, strict=True))
    most = model.number(model.most_of(numbers))
    for number in numbers:
        model.cp.add(most >= number)
    return model.of.widest.hours * most
