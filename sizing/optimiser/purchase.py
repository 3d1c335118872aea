"""What a strategy answers to a problem: machines, commitments, where replicas stand, who is left out, and the proof."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.optimiser.problem import Choice, Commitment, Pool
from sizing.optimiser.status import SolverStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """Machines of one pool, in each period of the problem."""

    pool: Pool
    machines: tuple[int, ...]

    @property
    def most(self) -> int:
        """Machines in the period that has most of them."""
        return max(self.machines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Replicas of one choice on one pool, in each period of the problem."""

    choice: Choice
    pool: Pool
    replicas: tuple[int, ...]

    @property
    def most(self) -> int:
        """Replicas in the period that has most of them."""
        return max(self.replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """
    The machines of least cost that were found, or why there are none.

    Cost, objective and bound are None where no purchase was found. The objective is what strategies compare by: the
    cost, with moves priced in where there is a current plan; both are averages over the hours of all periods.
    """

    status: SolverStatus
    bought: tuple[Bought, ...] = ()  # pools with machines only, in the order of the problem
    stands: tuple[Stand, ...] = ()  # in the order of the problem's choices, then of its pools
    committed: tuple[tuple[Commitment, int], ...] = ()  # bought beyond those that are owned, where any
    system_machines: tuple[tuple[str, int], ...] = ()  # by region in use, sorted
    unserved: tuple[str, ...] = ()  # workloads that are left out, in the order of the problem
    micro_usd_per_hour: int | None = None  # rounded up
    objective: float | None = None  # micro-USD per hour
    bound: float | None = None  # of the objective: proved, no purchase that serves as many has less
    interrupted: bool = False  # stopped by the user before its limits

    @property
    def gap(self) -> float | None:
        """Share of the objective that is not proved necessary."""
        if self.objective is None or self.bound is None or self.objective <= 0:
            return None
        return max(0.0, 1 - self.bound / self.objective)
