"""A fleet as it is built up and changed: what replicas take, the machines that hold it, and whether limits are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sizing.optimiser.engine.machines import Taken, usd
from sizing.optimiser.engine.placed import Placed, bill, machines_for, team_usd_per_hour
from sizing.optimiser.engine.tables import Tables
from sizing.optimiser.problem import Problem, Team

TOLERANCE = 1e-9  # USD per hour


@dataclass(kw_only=True)
class Fleet:
    """Workloads that stand, and the sums that limits are held against; changes as workloads are added and removed."""

    tables: Tables
    placed: dict[int, Placed] = field(default_factory=dict)
    slots: dict[tuple[int, int], int] = field(default_factory=dict)  # by pool and period
    quota_used: dict[tuple[int, int], int] = field(default_factory=dict)  # by quota and period
    team_slots: dict[tuple[str, int], int] = field(default_factory=dict)
    team_usd_per_hour: dict[str, float] = field(default_factory=dict)
    team_of: Mapping[int, Team] = field(default_factory=dict)  # by workload

    def add(self, workload: int, placed: Placed) -> None:
        """Let *workload* stand as *placed*."""
        self.placed[workload] = placed
        self._change(workload, placed, 1)

    def remove(self, workload: int) -> Placed:
        """Take *workload* away; how it stood."""
        placed = self.placed.pop(workload)
        self._change(workload, placed, -1)
        return placed

    def _change(self, workload: int, placed: Placed, sign: int) -> None:
        problem = self.tables.problem
        touched = sorted({int(self.tables.pool[at]) for at, _ in placed.replicas})
        before = {pool: self.machines(pool) for pool in touched}
        for at, replicas in placed.replicas:
            for period, number in enumerate(replicas):
                key = int(self.tables.pool[at]), period
                self.slots[key] = self.slots.get(key, 0) + sign * number * int(self.tables.slots[at])
        for pool in touched:
            for quota, units in self.tables.quotas_of.get(pool, ()):
                for period, (old, new) in enumerate(zip(before[pool], self.machines(pool), strict=True)):
                    self.quota_used[quota, period] = self.quota_used.get((quota, period), 0) + units * (new - old)
        team = self.team_of.get(workload)
        if team is not None:
            money = team_usd_per_hour(self.tables, placed)
            self.team_usd_per_hour[team.name] = self.team_usd_per_hour.get(team.name, 0.0) + sign * money
            for period in range(len(problem.periods)):
                taken = sum(replicas[period] * int(self.tables.slots[at]) for at, replicas in placed.replicas)
                self.team_slots[team.name, period] = self.team_slots.get((team.name, period), 0) + sign * taken

    def machines(self, pool: int) -> list[int]:
        """Machines of *pool* that hold what is taken, by period."""
        of = self.tables.problem.pools[pool]
        counts = [-(-self.slots.get((pool, period), 0) // of.slots) for period in self.tables.periods]
        return [max(counts)] * len(counts) if of.is_kept else counts

    def has_room(self, pool: int, slots: int) -> bool:
        """Whether a replica of *slots* finds free ones on *pool*, or limits allow another machine there."""
        of, problem = self.tables.problem.pools[pool], self.tables.problem
        machines = self.machines(pool)
        if all(n * of.slots - self.slots.get((pool, t), 0) >= slots for t, n in enumerate(machines)):
            return True
        if of.most is not None and max(machines) >= of.most:
            return False
        return all(
            self.quota_used.get((quota, period), 0) + units <= problem.quotas[quota].limit
            for quota, units in self.tables.quotas_of.get(pool, ())
            for period in self.tables.periods
        )

    def keeps_limits(self, workload: int) -> bool:
        """Whether limits that *workload* takes part in are kept as it stands."""
        problem = self.tables.problem
        for at, _ in self.placed[workload].replicas:
            pool = int(self.tables.pool[at])
            most = problem.pools[pool].most
            if most is not None and max(self.machines(pool)) > most:
                return False
            for quota, _ in self.tables.quotas_of.get(pool, ()):
                limit = problem.quotas[quota].limit
                if any(self.quota_used.get((quota, period), 0) > limit for period in self.tables.periods):
                    return False
        if workload in self.team_of and not self._within(self.team_of[workload]):
            return False
        return self._pays()

    def _pays(self) -> bool:
        """Whether the machines are within the budget."""
        problem = self.tables.problem
        if problem.budget_micro_usd_per_hour is None:
            return True
        paid = bill(problem, machines_for(problem, self._held()), self.tables, self.placed)
        return paid.total <= problem.budget_micro_usd_per_hour * problem.hours

    def _held(self) -> dict[tuple[int, int], int]:
        return {key: slots for key, slots in self.slots.items() if slots}

    def _within(self, team: Team) -> bool:
        if team.slots is not None and any(
            self.team_slots.get((team.name, period), 0) > team.slots for period in self.tables.periods
        ):
            return False
        limit = team.micro_usd_per_hour
        return limit is None or self.team_usd_per_hour.get(team.name, 0.0) <= usd(limit) + TOLERANCE

    def _beside_machines(self) -> float:
        """What workloads cost beside machines, in USD per hour."""
        return sum(self.tables.standing[placed.option] for placed in self.placed.values())

    def taken(self, pools: Sequence[int]) -> Taken:
        """What the fleet takes, for a model of other workloads that may stand on *pools*."""
        problem = self.tables.problem
        inside = set(pools)
        outside = sorted({pool for (pool, _), slots in self.slots.items() if slots} - inside)
        quotas = dict(self.quota_used)
        for pool in inside:
            for quota, units in self.tables.quotas_of.get(pool, ()):
                for period, number in enumerate(self.machines(pool)):
                    if number:
                        quotas[quota, period] -= number * units
        hours = [period.hours / problem.hours for period in problem.periods]
        return Taken(
            slots={key: slots for key, slots in self.slots.items() if slots and key[0] in inside},
            quotas=quotas,
            zones=frozenset((problem.pools[pool].region, problem.pools[pool].zone) for pool in outside),
            usd_per_hour=self._beside_machines()
            + sum(
                usd(problem.pools[pool].micro_usd_per_hour) * number * share
                for pool in outside
                for number, share in zip(self.machines(pool), hours, strict=True)
            ),
            team_slots=dict(self.team_slots),
            team_usd_per_hour=dict(self.team_usd_per_hour),
        )


def fleet(tables: Tables, placed: Iterable[tuple[int, Placed]] = ()) -> Fleet:
    """The fleet in which *placed* stand."""
    made = Fleet(tables=tables, team_of=_teams(tables.problem))
    for workload, one in placed:
        made.add(workload, one)
    return made


def _teams(problem: Problem) -> dict[int, Team]:
    by_name = {name: team for team in problem.teams for name in team.workloads}
    return {m: by_name[d.workload] for m, d in enumerate(problem.demands) if d.workload in by_name}
