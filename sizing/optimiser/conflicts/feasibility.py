"""
Whether a problem has any purchase, as a CP-SAT model in which a literal stands for each requirement.

Exact in every rule that can stand in the way: coverage, zones, packing, quotas, teams, budget. Knows only of workloads
that must be served: others can be left out, so they never stand in the way. Moves are not limited by anything.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.conflicts.looser import ASKED, Key, Place, Requirements, place_of
from sizing.optimiser.conflicts.spending import spent_micro_usd_hours, team_micro_usd_hours
from sizing.optimiser.conflicts.switched import Model, Versions, total
from sizing.optimiser.problem import Choice, Pool, Problem, Quota, Team, replicas_for

if TYPE_CHECKING:  # half a second to import: done where it is first used
    from ortools.sat.python import cp_model

    from sizing.optimiser.conflicts.switched import Variables

Kind = tuple[str, str]  # a workload and a kind of its replicas
AMOUNTS = ("total", "firm", "spot")


def model_of(requirements: Requirements) -> Model:
    """Every rule of the problem, each requirement with its literal."""
    from ortools.sat.python import cp_model  # noqa: PLC0415

    cp = cp_model.CpModel()
    versions = {key: must_be_served(problem) for key, problem in requirements.versions}
    of = Versions(versions=versions, widest=must_be_served(requirements.without(requirements.ids)))
    holds = {name: cp.new_bool_var(name) for name in requirements.ids}
    gone = {key: cp.new_bool_var("") for key in requirements.let_go}
    for key, literal in gone.items():
        for name in sorted(key):
            cp.add_implication(literal, ~holds[name])
    model = Model(cp=cp, of=of, holds=holds, gone=gone, replicas={}, machines={}, options={}, most={})
    _places(model)
    for workload in of.demands:
        _carry(model, workload)
    _apart(model, requirements.apart)
    _pack(model)
    for quota in of.versions[ASKED].quotas:
        _quota(model, quota)
    for team in of.versions[ASKED].teams:
        _team(model, team)
    _budget(model)
    return model


def must_be_served(problem: Problem) -> Problem:
    """The problem of the workloads that may not be left out, with the choices that are theirs."""
    demands = tuple(demand for demand in problem.demands if demand.priority is None)
    names = {demand.workload for demand in demands}
    return replace(problem, demands=demands, choices=tuple(one for one in problem.choices if one.workload in names))


def _places(model: Model) -> None:
    """Variables of replicas wherever they may stand under some key, nought where the keys are not let go."""
    of = model.of
    pools: dict[str, list[Pool]] = {}
    for pool in of.widest.pools:
        pools.setdefault(pool.machine, []).append(pool)
    for choice in _undominated(of):
        demands = of.demands[choice.workload]
        most = max(replicas_for(choice.capacity, each) for each in demands[ASKED].total)
        for pool in pools.get(choice.machine, ()):
            allowed = (of.choices[choice], *_allowed(of, choice.workload, pool))
            if not all(allowed):
                continue
            place = place_of(pool)
            numbers = [model.number(most) for _ in of.widest.periods]
            model.replicas[choice, place] = numbers
            model.options.setdefault((choice.workload, choice.kind, pool.region), model.cp.new_bool_var(""))
            for keys in allowed:
                if ASKED not in keys:
                    for number in numbers:
                        model.unless(keys, number == 0)


def _allowed(of: Versions, workload: str, pool: Pool) -> Iterable[frozenset[Key]]:
    """For each rule on where a workload may stand, the keys under which it may stand on a pool."""
    demands, pools = of.demands[workload], of.pools[place_of(pool)]
    yield frozenset(pools)
    yield of.keys((key, one.only_for is None or workload in one.only_for) for key, one in pools.items())
    yield of.keys((key, one.regions is None or pool.region in one.regions) for key, one in demands.items())
    yield of.keys((key, one.modes is None or pool.mode in one.modes) for key, one in demands.items())
    yield of.keys((key, one.may_use_spot or not pool.is_spot) for key, one in demands.items())


def _undominated(of: Versions) -> list[Choice]:
    """
    The choices whose kind no other kind of the workload replaces wherever it runs, in the order of the problem.

    As many replicas of the other kind as go into the same slots do at least its work, and are there under as little.
    """
    kinds: dict[Kind, dict[str, Choice]] = {}
    for choice in of.widest.choices:
        kinds.setdefault((choice.workload, choice.kind), {})[choice.machine] = choice
    kept = dict(kinds)
    for kind in reversed(kinds):
        rivals = [rival for rival in kept if rival[0] == kind[0] and rival != kind]
        if any(_replaces(of, kinds[rival], kinds[kind]) for rival in rivals):
            del kept[kind]
    return [choice for choice in of.widest.choices if (choice.workload, choice.kind) in kept]


def _replaces(of: Versions, rival: Mapping[str, Choice], kind: Mapping[str, Choice]) -> bool:
    return all(
        machine in rival
        and choice.slots // rival[machine].slots * rival[machine].capacity >= choice.capacity
        and all(any(other <= key for other in of.choices[rival[machine]]) for key in of.choices[choice])
        for machine, choice in kind.items()
    )


def _carry(model: Model, workload: str) -> None:
    """One kind in one region, and enough of it in each period, whichever zone is gone."""
    options = {key: chosen for key, chosen in model.options.items() if key[0] == workload}
    model.cp.add_exactly_one(options.values())
    standing: dict[tuple[str, str], list[tuple[Choice, Place, Variables]]] = {}
    for (choice, place), numbers in model.replicas.items():
        if choice.workload == workload:
            standing.setdefault((choice.kind, place[1]), []).append((choice, place, numbers))
    for (_, kind, region), chosen in options.items():
        here = standing[kind, region]
        most = max(replicas_for(here[0][0].capacity, each) for each in model.of.demands[workload][ASKED].total)
        for _, _, numbers in here:
            for number in numbers:
                model.cp.add(number <= most * chosen)
        for amount in AMOUNTS:
            for period in range(len(model.of.widest.periods)):
                at = [
                    (place, numbers[period])
                    for _, place, numbers in here
                    if amount == "total" or (place[3] is PurchaseMode.SPOT) is (amount == "spot")
                ]
                asked = {
                    key: (replicas_for(here[0][0].capacity, getattr(demand, amount)[period]), demand.zone_loss)
                    for key, demand in model.of.demands[workload].items()
                }
                _cover(model, asked, at, chosen, survives=amount != "spot")


def _cover(
    model: Model,
    asked: Mapping[Key, tuple[int, bool]],
    at: Sequence[tuple[Place, cp_model.IntVar]],
    chosen: cp_model.IntVar,
    *,
    survives: bool,
) -> None:
    """A row for each number of replicas that some key leaves, which keys of less set free; again without each zone."""
    lossy = {key for key, (_, zone_loss) in asked.items() if not zone_loss}
    zones = tuple(dict.fromkeys(place[2] for place, _ in at)) if survives and ASKED not in lossy else ()
    for replicas in sorted({each for each, _ in asked.values() if 0 < each <= asked[ASKED][0]}):
        less = {key for key, (each, _) in asked.items() if each < replicas}
        model.unless(sorted(less, key=sorted), total(number for _, number in at) >= replicas * chosen)
        for lost in zones:
            left = total(number for place, number in at if place[2] != lost)
            model.unless(sorted(less | lossy, key=sorted), left >= replicas * chosen)


def _apart(model: Model, apart: Collection[frozenset[str]]) -> None:
    """All workloads on one cloud."""
    if not apart:
        return
    clouds = [model.cp.new_bool_var("") for _ in apart]
    model.cp.add_exactly_one(clouds)
    for (_, _, region), chosen in model.options.items():
        for cloud, regions in zip(clouds, apart, strict=True):
            if region in regions:
                model.cp.add_implication(chosen, cloud)


def _pack(model: Model) -> None:
    """Slots of replicas within those of machines, and no more machines than there are of a pool."""
    inside: dict[Place, list[tuple[int, Variables]]] = {}
    for (choice, place), numbers in model.replicas.items():
        inside.setdefault(place, []).append((choice.slots, numbers))
    for place, taken in inside.items():
        pools = model.of.pools[place]
        slots = next(iter(pools.values())).slots
        model.machines[place] = []
        for period in range(len(model.of.widest.periods)):
            most = sum(-(-size * model.most_of([numbers[period]]) // slots) for size, numbers in taken)
            machines = model.number(most)
            model.machines[place].append(machines)
            model.cp.add(total(size * numbers[period] for size, numbers in taken) <= slots * machines)
            limits = {key: math.inf if pool.most is None else pool.most for key, pool in pools.items()}
            for limit in sorted({each for each in limits.values() if each < most}):
                more = [key for key, each in limits.items() if each > limit]
                model.unless(more, machines <= int(limit))


def _quota(model: Model, quota: Quota) -> None:
    """What all machines take of a quota in each period; without it, or with a higher one, the row is free."""
    found = {
        key: next((one for one in problem.quotas if one.name == quota.name), None)
        for key, problem in model.of.versions.items()
    }
    units = {place_of(pool): number for one in found.values() if one is not None for pool, number in one.units}
    limits = {key: math.inf if one is None else one.limit for key, one in found.items()}
    for limit in sorted({each for each in limits.values() if each < math.inf}):
        more = [key for key, each in limits.items() if each > limit]
        for taken in usage(model, units):
            model.unless(more, taken <= int(limit))


def usage(model: Model, units: Mapping[Place, int]) -> list[cp_model.LinearExprT]:
    """What machines take of a quota, by period."""
    counted = [(number, model.machines[place]) for place, number in units.items() if place in model.machines]
    return [
        total(number * machines[period] for number, machines in counted)
        for period in range(len(model.of.widest.periods))
    ]


def _team(model: Model, team: Team) -> None:
    """Slots of a team in each period, and its share of the machines' price."""
    found = {
        key: next((one for one in problem.teams if one.name == team.name), None)
        for key, problem in model.of.versions.items()
    }
    limits = {key: math.inf if one is None or one.slots is None else one.slots for key, one in found.items()}
    for limit in sorted({each for each in limits.values() if each < math.inf}):
        more = [key for key, each in limits.items() if each > limit]
        for taken in team_slots(model, team):
            model.unless(more, taken <= int(limit))
    money = {
        key: math.inf if one is None or one.micro_usd_per_hour is None else one.micro_usd_per_hour
        for key, one in found.items()
    }
    for limit in sorted({each for each in money.values() if each < math.inf}):
        more = [key for key, each in money.items() if each > limit]
        spent, scale = team_micro_usd_hours(model, team)
        model.unless(more, spent <= int(limit) * scale * model.of.widest.hours)


def team_slots(model: Model, team: Team) -> list[cp_model.LinearExprT]:
    """Slots that a team's replicas take, by period."""
    own = [
        (choice.slots, numbers) for (choice, _), numbers in model.replicas.items() if choice.workload in team.workloads
    ]
    return [total(slots * numbers[period] for slots, numbers in own) for period in range(len(model.of.widest.periods))]


def _budget(model: Model) -> None:
    """All that is paid, on average over the day."""
    limits = {
        key: math.inf if problem.budget_micro_usd_per_hour is None else problem.budget_micro_usd_per_hour
        for key, problem in model.of.versions.items()
    }
    for limit in sorted({each for each in limits.values() if each < math.inf}):
        more = [key for key, each in limits.items() if each > limit]
        model.unless(more, spent_micro_usd_hours(model) <= int(limit) * model.of.widest.hours)
