"""When what is needed: the day cut into periods of equal demand, and each workload's demand in each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sizing.optimiser.problem import ALWAYS, Demand, Period, Team
from sizing.spec.schedule import HOURS_PER_DAY
from sizing.spec.workload import Serving, Spec, Survive
from sizing.units import HOURS_PER_MONTH, MICRO_USD_PER_USD

MICRO = 1_000_000  # micro-requests per second in one request per second


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The periods of a day, and the hours of each, from the first until before the second; they may pass midnight."""

    periods: tuple[Period, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]  # of each period: ((20, 8),) is 20:00 to 08:00


WHOLE_DAY = Day(periods=ALWAYS, spans=(((0, HOURS_PER_DAY),),))


def day_of(workloads: Sequence[Serving]) -> Day:
    """
    The day of 24 hours, cut wherever the traffic of a workload changes.

    Hours in which every workload has the same share of its peak are one period, wherever in the day they lie: the
    price of a period rests on how many hours it has, not on when they are.
    """
    hours_by_shares: dict[tuple[float, ...], list[int]] = {}
    for hour in range(HOURS_PER_DAY):
        hours_by_shares.setdefault(tuple(share_at(workload, hour) for workload in workloads), []).append(hour)
    if len(hours_by_shares) == 1:
        return WHOLE_DAY
    spans = [_spans(hours) for hours in hours_by_shares.values()]
    periods = [
        Period(name=", ".join(f"{start:02d}-{end:02d}" for start, end in runs), hours=len(hours))
        for runs, hours in zip(spans, hours_by_shares.values(), strict=True)
    ]
    return Day(periods=tuple(periods), spans=tuple(spans))


def share_at(workload: Serving, hour: int) -> float:
    """The share of a workload's peak that arrives in one hour of the day."""
    return next((part.share for part in workload.traffic.day if part.from_h <= hour < part.until_h), 1.0)


def demands_of(spec: Spec, day: Day) -> tuple[Demand, ...]:
    """What each workload of the spec needs in each period of *day*."""
    return tuple(demand_of(workload, day, headroom=spec.headroom) for workload in spec.workloads)


def demand_of(workload: Serving, day: Day, *, headroom: float) -> Demand:
    """
    The traffic of each period with its headroom, in whole micro-requests per second, rounded up.

    The headroom is there after the loss of a zone as well.
    """
    allowed = workload.allowed
    shares = [share_at(workload, spans[0][0]) for spans in day.spans]
    total = [_up(workload.traffic.requests_per_s * share * (1 + headroom) * MICRO) for share in shares]
    firm = [_up(amount * (1 - allowed.spot_share)) for amount in total]
    return Demand(
        workload=workload.name,
        total=tuple(total),
        firm=tuple(firm),
        spot=tuple(
            _up(amount * allowed.min_spot_share) if stays < amount else 0
            for amount, stays in zip(total, firm, strict=True)
        ),
        zone_loss=workload.survive is Survive.ZONE,
        priority=workload.priority,
        regions=frozenset(workload.regions) or None,
        modes=frozenset(allowed.purchase) or None,
    )


def teams_of(spec: Spec) -> tuple[Team, ...]:
    """The teams of the spec that have workloads, by name, with what these may take; a month has 730 hours."""
    found = []
    for team in sorted(spec.teams, key=lambda one: one.name):
        members = frozenset(workload.name for workload in spec.workloads if workload.team == team.name)
        if members:
            budget = None if team.budget_usd_per_month is None else micro_usd_down(team.budget_usd_per_month)
            slots = team.accelerators
            found.append(Team(name=team.name, workloads=members, slots=slots, micro_usd_per_hour=budget))
    return tuple(found)


def budget_of(spec: Spec) -> int | None:
    """What the machines may cost in whole micro-dollars per hour, on average over the day; None: any amount."""
    return None if spec.budget_usd_per_month is None else micro_usd_down(spec.budget_usd_per_month)


def micro_usd_down(usd_per_month: float) -> int:
    """A limit in USD per month, in whole micro-dollars per hour, rounded down; a month has 730 hours."""
    return math.floor(usd_per_month / HOURS_PER_MONTH * MICRO_USD_PER_USD)


def _spans(hours: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Hours of a day as runs, the one that passes midnight last: 0, 1, 22 and 23 are 22 to 2."""
    runs: list[tuple[int, int]] = []
    for hour in hours:
        if runs and runs[-1][1] == hour:
            runs[-1] = (runs[-1][0], hour + 1)
        else:
            runs.append((hour, hour + 1))
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == HOURS_PER_DAY:
        return (*runs[1:-1], (runs[-1][0], runs[0][1]))
    return tuple(runs)


def _up(amount: float) -> int:
    """Rounded up, but for the noise of binary fractions: 12 x 1.2 x 10^6 is 14,400,000, not one more."""
    return math.ceil(round(amount, 3))
