"""
Answers about specs in which something is let go: whether there is a plan, the cheapest one, the least that it takes.

Many specs are asked about that differ in one thing, so what was weighed or solved once is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sizing.allocation.buying.quotas import quota_name
from sizing.allocation.buying.supply import supply
from sizing.allocation.finding.formulation import Formulation, formulate
from sizing.allocation.refusing.glance import is_possible
from sizing.allocation.ways.candidates import Weighed, weigh
from sizing.catalog.machine import Cloud, Machine
from sizing.catalog.offer import PurchaseMode
from sizing.optimiser import Effort, solve
from sizing.optimiser.conflicts.conflict import least
from sizing.optimiser.conflicts.feasibility import team_slots, usage
from sizing.optimiser.conflicts.left_out import Books
from sizing.optimiser.conflicts.looser import ASKED, place_of
from sizing.optimiser.conflicts.spending import team_micro_usd_per_hour
from sizing.optimiser.conflicts.switched import Model
from sizing.optimiser.problem import Team
from sizing.optimiser.purchase import Purchase
from sizing.optimiser.status import SolverStatus
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

    from sizing.catalog import Catalog

FEW_WORKLOADS = 3  # up to which each relaxed spec is solved as thoroughly as the spec itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """The cheapest plan of a spec, as it was found."""

    formulation: Formulation
    bought: Purchase

    @property
    def usd_per_hour(self) -> float:
        """What it costs."""
        return (self.bought.micro_usd_per_hour or 0) / MICRO_USD_PER_USD

    @property
    def is_proved(self) -> bool:
        """Whether no plan costs less."""
        return self.bought.status is SolverStatus.OPTIMAL

    @property
    def usd_per_month(self) -> int:
        """What it costs in a month of 730 hours, rounded up to whole USD: a budget of as much is enough."""
        return usd_per_month(self.bought.micro_usd_per_hour or 0)

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions in use."""
        return tuple(dict.fromkeys(stand.pool.region for stand in self.bought.stands))

    @property
    def zones(self) -> tuple[str, ...]:
        """Zones in use."""
        return tuple(dict.fromkeys(stand.pool.zone for stand in self.bought.stands))

    def regions_of(self, workload: str) -> tuple[str, ...]:
        """Where a workload stands."""
        return tuple(dict.fromkeys(s.pool.region for s in self.bought.stands if s.choice.workload == workload))

    def machines_of(self, workload: str) -> tuple[str, ...]:
        """Machine types that a workload stands on."""
        return tuple(dict.fromkeys(s.choice.machine for s in self.bought.stands if s.choice.workload == workload))

    def modes_of(self, workload: str) -> tuple[PurchaseMode, ...]:
        """Ways in which the machines of a workload are bought."""
        return tuple(dict.fromkeys(s.pool.mode for s in self.bought.stands if s.choice.workload == workload))

    def accelerators_of(self, workload: str) -> tuple[str, ...]:
        """Accelerators that a workload runs on."""
        found = (self.formulation.candidates[s.choice] for s in self.bought.stands if s.choice.workload == workload)
        return tuple(dict.fromkeys(candidate.replica.accelerator.name for candidate in found))

    def on_block(self, name: str) -> tuple[str, ...]:
        """Workloads that stand on machines of this name."""
        return tuple(dict.fromkeys(s.choice.workload for s in self.bought.stands if s.pool.name == name))


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """Answers from one catalog."""

    catalog: Catalog
    tried: Callable[[], None] = lambda: None  # called before each search: for progress
    _weighed: dict[tuple[Serving, tuple[Cloud, ...]], Weighed] = field(default_factory=dict)
    _solved: dict[Spec, Solved | None] = field(default_factory=dict)
    _possible: dict[Spec, bool] = field(default_factory=dict)

    @cached_property
    def _machines(self) -> dict[Cloud, tuple[Machine, ...]]:
        machines = self.catalog.machines
        return {cloud: tuple(one for one in machines if one.cloud is cloud) for cloud in Cloud}

    def machines(self, clouds: Sequence[Cloud]) -> tuple[Machine, ...]:
        """Every machine type of these clouds."""
        return tuple(machine for cloud in clouds for machine in self._machines[cloud])

    def know(self, spec: Spec, weighed: Sequence[Weighed]) -> None:
        """Take over what was weighed for a spec before."""
        for workload, one in zip(spec.workloads, weighed, strict=True):
            self._weighed[_weighed_for(workload), spec.clouds] = one

    def weighed(self, spec: Spec) -> tuple[Weighed, ...]:
        """The ways of each workload, in the order of the spec."""
        return tuple(self._weigh(workload, spec.clouds) for workload in spec.workloads)

    def _weigh(self, workload: Serving, clouds: tuple[Cloud, ...]) -> Weighed:
        key = (_weighed_for(workload), clouds)
        if key not in self._weighed:
            self.tried()
            self._weighed[key] = weigh(key[0], self.catalog, self.machines(clouds))
        return self._weighed[key]

    def formulations(self, spec: Spec, *, more: Sequence[Machine] = ()) -> tuple[Formulation, ...]:
        """The problem of each cloud that can carry a cluster; pools of *more* machine types too, whoever needs them."""
        weighed = self.weighed(spec)
        useful = {candidate.machine.name: candidate.machine for one in weighed for candidate in one.candidates}
        useful |= {machine.name: machine for machine in more}
        found = []
        for cloud in spec.clouds:
            own = [machine for machine in useful.values() if machine.cloud is cloud]
            sold = supply(spec, self.catalog, cloud=cloud, machines=own)
            found.append(formulate(spec, sold, weighed, current=None))
        return tuple(one for one in found if one is not None)

    def possible(self, spec: Spec) -> bool:
        """Whether there is a plan; False too where a limit stopped the search for one."""
        if spec not in self._possible:
            self.tried()
            self._possible[spec] = any(is_possible(one.problem) for one in self.formulations(spec))
        return self._possible[spec]

    def solved(self, spec: Spec) -> Solved | None:
        """The cheapest plan over all clouds; None where there is none, or none was found."""
        if spec not in self._solved:
            self.tried()
            effort = Effort.NORMAL if len(spec.workloads) <= FEW_WORKLOADS else Effort.LOW
            found = [
                Solved(formulation=one, bought=solve(one.problem, effort=effort)) for one in self.formulations(spec)
            ]
            plans = [one for one in found if one.bought.objective is not None]
            self._solved[spec] = min(plans, key=lambda one: one.bought.objective or 0.0) if plans else None
        return self._solved[spec]

    def least_reached(self, spec: Spec, workload: str, metric: str) -> float | None:
        """The least of a latency that any way of a workload reaches, where none keeps all that is asked."""
        one = next(w for of, w in zip(spec.workloads, self.weighed(spec), strict=True) if of.name == workload)
        misses = (miss for reject in one.rejected for miss in reject.misses)
        reached = [miss.reached for miss in misses if miss.metric == metric and miss.reached is not None]
        return min(reached) if reached and not one.candidates else None

    def least_of_quota(self, spec: Spec, name: str) -> int | None:
        """
        The least that a quota must be for a plan, what reservations take of it included.

        At most what the cheapest plan takes: that much is enough, whether or not a limit stops the search for less.
        """
        cheapest = self.solved(spec)
        if cheapest is None:
            return None
        told = next(one.limit for one in spec.quotas if quota_name(one) == name)
        quotas = [quota for quota in cheapest.formulation.problem.quotas if quota.name == name]
        if not quotas:
            return 0  # no machine of the cheapest plan's cloud counts against it
        enough = Books(problem=cheapest.formulation.problem, purchase=cheapest.bought).quotas[name]

        def measure(model: Model) -> Sequence[cp_model.LinearExprT]:
            return usage(model, {place_of(pool): units for pool, units in quotas[0].units})

        return self._least(cheapest, measure, enough) + told - quotas[0].limit

    def least_of_team(self, spec: Spec, name: str) -> int | None:
        """The fewest accelerators of a team that a plan takes."""
        cheapest = self.solved(spec)
        if cheapest is None:
            return None
        enough = Books(problem=cheapest.formulation.problem, purchase=cheapest.bought).team_slots[name]
        return self._least(cheapest, lambda model: team_slots(model, _team(model, name)), enough)

    def least_spent_by_team(self, spec: Spec, name: str) -> int | None:
        """The least that a team spends in any plan, in whole USD per month, rounded up."""
        cheapest = self.solved(spec)
        if cheapest is None:
            return None
        enough = Books(problem=cheapest.formulation.problem, purchase=cheapest.bought).team_money[name]
        least_of_it = self._least(cheapest, lambda model: [team_micro_usd_per_hour(model, _team(model, name))], enough)
        return usd_per_month(least_of_it)

    def _least(self, of: Solved, measure: Callable[[Model], Sequence[cp_model.LinearExprT]], enough: int) -> int:
        self.tried()
        found = least(of.formulation.problem, measure, most=enough)
        return enough if found is None else found


def usd_per_month(micro_usd_per_hour: int) -> int:
    """What is spent in a month of 730 hours, rounded up to whole USD: a limit of as much is enough."""
    return -(-micro_usd_per_hour * HOURS_PER_MONTH // MICRO_USD_PER_USD)


def _team(model: Model, name: str) -> Team:
    return next(team for team in model.of.versions[ASKED].teams if team.name == name)


def _weighed_for(workload: Serving) -> Serving:
    """The workload with nothing but what its candidates are weighed by, so that equal ones are weighed once."""
    allowed = replace(workload.allowed, spot_share=0.0, min_spot_share=0.0, purchase=())
    traffic = replace(workload.traffic, requests_per_s=1.0, day=())
    return replace(
        workload,
        allowed=allowed,
        traffic=traffic,
        survive=Survive.NONE,
        regions=(),
        team=None,
        priority=None,
        needed=None,
    )
