"""What is asked: a spec and its workloads, as values in base units. Knows nothing of files (reading is apart)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sizing.catalog.accelerator import Precision
from sizing.catalog.machine import Cloud
from sizing.catalog.model import Model
from sizing.catalog.offer import PurchaseMode
from sizing.spec.capacity import NO_COMMITMENTS, CapacityBlock, Commitments, QuotaLimit, Reservation, TeamQuota
from sizing.spec.schedule import DayPart, Window

PAYBACK_DAYS = 30  # a move away from the current plan must pay for itself within so many days


class Survive(StrEnum):
    """The largest loss that must leave enough capacity for the full traffic."""

    NONE = "none"
    ZONE = "zone"


class Objective(StrEnum):
    """What a plan is best by."""

    COST = "cost"  # the least, with what is asked served
    COST_PER_TOKEN = "cost_per_token"  # noqa: S105  the least by the token of all that is served, beyond the demand too
    MOST_WORK = "most_work"  # the most that machines which are there serve, whatever they cost


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLengths:
    """Lengths of prompts or answers: lognormal through the mean and the 95th percentile, or as *points* tell."""

    mean: float
    p95: float  # equal to the mean: every request is as long
    points: tuple[float, ...] = ()  # equally likely lengths, sorted, whose mean is the mean; empty: lognormal


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What arrives, at the peak that must be served."""

    requests_per_s: float
    input_tokens: TokenLengths
    output_tokens: TokenLengths
    prefix_hit: float  # share of prompt tokens found in the prefix cache, 0 to 1
    burstiness: float  # squared coefficient of variation of the times between arrivals; 1: Poisson
    day: tuple[DayPart, ...] = ()  # share of the peak by hours, all 24 of them, sorted; empty: the peak all day


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """Latency limits, each at the 95th percentile, and how soon a replica is ready; None: not asked."""

    ttft_p95_s: float | None
    tpot_p95_s: float | None
    e2e_p95_s: float | None
    confidence: float = 0.5  # probability, over the error of the prediction, that a plan must keep each limit with
    ready_s: float | None = None  # most seconds from the start of a container to its first answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the engine may choose from; an empty tuple means no restriction."""

    weights: tuple[Precision, ...]
    kv: tuple[Precision, ...]
    accelerators: tuple[str, ...]
    machines: tuple[str, ...]
    spot_share: float  # most of the capacity that may be on spot, 0 to 1
    min_spot_share: float  # least of the capacity that must be on spot, 0 to 1
    purchase: tuple[PurchaseMode, ...] = ()  # ways to buy its machines; empty: any but flex-start


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A decoder model that answers requests within limits."""

    name: str
    model: Model
    traffic: Traffic
    objectives: Objectives
    allowed: Allowed
    survive: Survive
    max_context_tokens: int  # longest prompt plus answer that must be accepted
    engine: str  # vllm
    regions: tuple[str, ...] = ()  # where it may stand; empty: in any region of the spec
    team: str | None = None
    priority: int | None = None  # 1 to 9, higher is more important; None: must be served
    needed: Window | None = None  # None: always


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that one stack asks. Two specs with equal fields have the same hash, wherever they were read from."""

    clouds: tuple[Cloud, ...]
    regions: tuple[str, ...]
    zones: tuple[str, ...]  # empty: any zone of the regions
    budget_usd_per_month: float | None
    headroom: float  # capacity kept free above the stated peak, as a share of it
    workloads: tuple[Serving, ...]
    hash: str  # sha256 of the canonical form, model configurations included
    assumptions: tuple[str, ...]  # defaults that were taken, in words, printed with the plan
    quotas: tuple[QuotaLimit, ...] = ()  # a quota that is not told limits nothing
    reservations: tuple[Reservation, ...] = ()
    capacity_blocks: tuple[CapacityBlock, ...] = ()
    commitments: Commitments = NO_COMMITMENTS
    teams: tuple[TeamQuota, ...] = ()
    payback_days: int = PAYBACK_DAYS
    objective: Objective = Objective.COST
