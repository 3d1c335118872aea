"""
Jobs that take all their machines at once, and end in time: what the training issue fills in, and nothing of training.

A gang is all or none: a run of a job holds its machines from its start to its end, side by side in one supply, which
is one zone (or placement group) bought one way. A way is one layout on one machine type; how long the job then takes
is known. `gang_schedule.schedule` answers, `gang_check.broken` tries the answer, `gang_reasons` tells why there is
none.

How a training job is filled in, from its spec and the performance model:

- one `Way` for each machine type and number of machines that the model fits on: *hours* is steps x seconds a step over
  3,600, rounded up, with saving of checkpoints in it, and the start (image, weights, collectives) at its beginning;
- ways of several machines only on machines with a fabric, which is for whoever makes the ways to know;
- *restarts* is 0 for what cannot go on from a checkpoint. Otherwise it is how often the job may be stopped and taken up
  again, anywhere; *restart_h* is what each costs: the start once more, and half the time between two checkpoints;
- one `Supply` for each machine type, zone and way to buy: on demand with the account's quota as *most*; a capacity
  block with its window, its machines and what is paid for all of it up front, at 0 an hour; flex-start with
  *longest_h* of `FLEX_START_H`; a reservation that is paid anyway at 0 an hour; spot with *lost_ppm*, the share of its
  time that interruptions are expected to take, restarts and repeated work included;
- a `Limit` for each quota that several supplies share, in the provider's own unit.

All times are whole hours from now. Deadlines on spot are kept on average, not for sure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sizing.catalog.offer import PurchaseMode
from sizing.optimiser.status import SolverStatus

FLEX_START_H = (
    7 * 24
)  # longest run of flex-start. Source: Google Cloud docs, "Flex-start in GKE": "up to seven days" (read 2026-11)
PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One layout of a job: so many machines of one type at once, and how long it then takes."""

    machine: str
    machines: int  # all or none, at least 1
    hours: int  # of work without any interruption, at least 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that is done once, some time between its release and its deadline."""

    name: str
    ways: tuple[Way, ...]  # it keeps one of them to its end
    deadline_h: int
    release_h: int = 0
    restarts: int = 0  # how often it may be taken up again, anywhere; 0: one run, and never on spot
    restart_h: int = 0  # of work that each restart costs
    priority: int | None = None  # higher is more important; None: must be done


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Machines of one type that can be bought one way, close enough together for one gang."""

    name: str  # p5.48xlarge on_demand use1-az4, or the name of the block
    machine: str
    zone: str
    mode: PurchaseMode
    micro_usd_per_hour: int  # of one machine while it is held
    most: int | None = None  # machines at a time; None: no limit is known
    from_h: int = 0
    until_h: int | None = None  # None: for ever
    longest_h: int | None = None  # of one run; None: any
    lost_ppm: int = 0  # of the time on it, expected
    upfront_micro_usd: int = 0  # for all of it, once anything runs on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What runs at a time over several supplies, in the provider's own unit."""

    name: str
    most: int
    units: tuple[tuple[str, int], ...]  # supply -> how much of it one machine takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Gangs:
    """All jobs, and all that they may run on."""

    jobs: tuple[Job, ...]
    supplies: tuple[Supply, ...]
    limits: tuple[Limit, ...] = ()
    budget_micro_usd: int | None = None  # for everything together
    step_h: int = 1  # runs start and end on whole steps: a coarser grid is faster and never cheaper

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        for text in (*self._names(), *self._numbers()):
            raise ValueError(text)

    def _names(self) -> Iterator[str]:
        """Names that stand for two things, and supplies that are not there."""
        for names in ([job.name for job in self.jobs], [supply.name for supply in self.supplies]):
            if len(set(names)) < len(names):
                yield f"two of {', '.join(sorted(names))} have one name"
        known = {supply.name for supply in self.supplies}
        for limit in self.limits:
            if lacking := sorted({name for name, _ in limit.units} - known):
                yield f"{limit.name} limits supplies that are not there: {', '.join(lacking)}"

    def _numbers(self) -> Iterator[str]:
        """Numbers that mean nothing."""
        if self.step_h < 1:
            yield f"a step of {self.step_h} h"
        for job in self.jobs:
            if any(way.machines < 1 or way.hours < 1 for way in job.ways):
                yield f"{job.name}: a way takes at least one machine for at least one hour"
            if job.release_h < 0 or job.restarts < 0 or job.restart_h < 0:
                yield f"{job.name}: release, restarts and their hours are not negative"
        for supply in self.supplies:
            if not 0 <= supply.lost_ppm < PPM:
                yield f"{supply.name}: a share of {supply.lost_ppm} millionths is lost"

    @property
    def horizon_h(self) -> int:
        """The latest deadline."""
        return max((job.deadline_h for job in self.jobs), default=0)

    def supply(self, name: str) -> Supply:
        """The supply of that name."""
        return next(supply for supply in self.supplies if supply.name == name)

    def window_steps(self, job: Job, supply: Supply) -> tuple[int, int]:
        """First and last step between which *job* may run on *supply*; the last is before the first where never."""
        until = job.deadline_h if supply.until_h is None else min(job.deadline_h, supply.until_h)
        return -(-max(job.release_h, supply.from_h) // self.step_h), until // self.step_h

    def longest_steps(self, job: Job, supply: Supply) -> int:
        """Steps that one run of *job* on *supply* can take at the most; below 1 where none can."""
        first, last = self.window_steps(job, supply)
        return last - first if supply.longest_h is None else min(last - first, supply.longest_h // self.step_h)

    def least_steps(self, way: Way, supply: Supply) -> int:
        """Steps until a job is done in one run on *supply*, with what is expected to be lost there; rounded up."""
        return -(-way.hours * PPM // ((PPM - supply.lost_ppm) * self.step_h))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Machines held by one job, from its start or a restart to its end or a stop."""

    job: str
    way: Way
    supply: str
    from_h: int
    until_h: int

    @property
    def hours(self) -> int:
        """Hours that the machines are held."""
        return self.until_h - self.from_h


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A job that is not done, and why."""

    job: str
    reasons: tuple[str, ...]  # in words, with numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When and where each job runs at least cost, or why not all can."""

    status: SolverStatus  # optimal: every level is proved
    runs: tuple[Run, ...] = ()  # in the order of the jobs, then of time
    unmet: tuple[Unmet, ...] = ()  # left out; where there is no schedule, those that cannot be done together
    micro_usd: int | None = None
    bound_micro_usd: int | None = None  # proved: no schedule that meets as many costs less

    @property
    def finishes_h(self) -> dict[str, int]:
        """When each job that is done ends."""
        return {run.job: run.until_h for run in self.runs}
