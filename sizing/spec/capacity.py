"""What an account has and may have: reservations, capacity blocks, commitments, quotas, and what teams share."""

from __future__ import annotations

from dataclasses import dataclass

from sizing.catalog.machine import Cloud
from sizing.catalog.offer import PurchaseMode
from sizing.spec.schedule import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLimit:
    """How much of one quota the account has, reservations included: as the provider's console shows it."""

    cloud: Cloud
    quota: str  # its id in the facts: L-417A185B
    region: str | None  # None: a quota over all regions
    limit: int  # in the quota's own unit: vCPU on AWS, GPUs or chips on Google Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Machines that the account holds in one zone, used or not."""

    name: str  # as the cloud calls it: cr-0123456789abcdef0 on AWS, its name on Google Cloud
    cloud: Cloud
    machine: str
    region: str
    zone: str
    machines: int
    usd_per_hour: float = 0.0  # of one machine; 0: paid anyway, so using it costs nothing more


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityBlock:
    """Machines of one zone that are paid upfront for a few days."""

    name: str  # as the cloud calls it
    cloud: Cloud
    machine: str
    region: str
    zone: str
    machines: int
    window: Window
    upfront_usd: float  # of all machines together

    @property
    def usd_per_hour(self) -> float:
        """What one machine costs in each hour of the block."""
        return self.upfront_usd / (self.machines * self.window.hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedCommitment:
    """Machines that the account pays for all hours already, wherever in a region they run."""

    cloud: Cloud
    machine: str
    region: str
    machines: int
    term: PurchaseMode = PurchaseMode.COMMITTED_1Y  # how it was bought: told with the plan, nothing rests on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitments:
    """Machines that are paid for all hours, for a year or three: which may be bought, and which are owned."""

    terms: tuple[PurchaseMode, ...] = ()  # committed_1y, committed_3y that may be bought; empty: none
    owned: tuple[OwnedCommitment, ...] = ()


NO_COMMITMENTS = Commitments()


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamQuota:
    """What the workloads of one team may take together; None: not limited."""

    name: str
    accelerators: int | None = None  # at a time
    budget_usd_per_month: float | None = None
