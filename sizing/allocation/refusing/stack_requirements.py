"""Requirements of a whole stack: quotas, teams, days of capacity blocks, regions, zones, headroom, budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sizing.allocation.buying.quotas import quota_name
from sizing.allocation.refusing.relaxed import Relaxed
from sizing.allocation.refusing.requirement import Asked, Change, in_brackets, requirement, stepped
from sizing.outcome import Requirement
from sizing.spec.capacity import CapacityBlock, QuotaLimit, TeamQuota
from sizing.spec.schedule import Window
from sizing.spec.wording import together
from sizing.spec.workload import Spec

if TYPE_CHECKING:
    from sizing.catalog import Catalog

UNLIMITED = 10**9  # of a quota: more than any account has
HEADROOM_STEPS = 100
USUAL_HEADROOM = 0.2  # of a spec that does not say


def of_stack(spec: Spec, catalog: Catalog, *, nearby: Sequence[str]) -> Iterator[Asked]:
    """Every requirement that is not of one workload; *nearby* are the regions that could be added."""
    yield from (_quota(told, str(catalog.quota(told.cloud, told.quota).unit)) for told in spec.quotas)
    for team in spec.teams:
        if team.accelerators is not None:
            yield _team_slots(team, team.accelerators)
        if team.budget_usd_per_month is not None:
            yield _team_budget(team, team.budget_usd_per_month)
    yield from (_block(block, spec) for block in spec.capacity_blocks if _hull(block, spec) != block.window)
    if nearby:
        yield _regions(spec, catalog, nearby)
    if spec.zones:
        yield _zones(spec)
    if spec.headroom > 0:
        yield _headroom(spec.headroom)
    if spec.budget_usd_per_month is not None:
        yield _budget(spec.budget_usd_per_month)


def _quota(told: QuotaLimit, unit: str) -> Asked:
    name = quota_name(told)

    def put(spec: Spec, limit: int) -> Spec:
        own = (told.cloud, told.quota, told.region)
        quotas = tuple(
            replace(one, limit=limit) if (one.cloud, one.quota, one.region) == own else one for one in spec.quotas
        )
        return replace(spec, quotas=quotas)

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        taken = relaxed.least_of_quota(spec, name)
        if taken is None:
            return None
        limit = max(told.limit, taken)
        return put(spec, limit), f"raise quotas: {name} from {told.limit} to {limit} {unit}"

    return Asked(
        requirement=Requirement(id=f"quotas: {name}", text=f"quotas: {name} at most {told.limit} {unit}"),
        let_go=lambda spec: put(spec, UNLIMITED),
        settle=settle,
    )


def _with_team(spec: Spec, team: TeamQuota) -> Spec:
    return replace(spec, teams=tuple(team if one.name == team.name else one for one in spec.teams))


def _team(spec: Spec, name: str) -> TeamQuota:
    return next(one for one in spec.teams if one.name == name)


def _team_slots(team: TeamQuota, limit: int) -> Asked:
    def put(spec: Spec, accelerators: int | None) -> Spec:
        return _with_team(spec, replace(_team(spec, team.name), accelerators=accelerators))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        taken = relaxed.least_of_team(spec, team.name)
        if taken is None:
            return None
        most = max(limit, taken)
        return put(spec, most), f"teams: raise {team.name} from {limit} to {most} accelerators"

    return Asked(
        requirement=Requirement(
            id=f"teams: {team.name} accelerators", text=f"teams: {team.name} at most {limit} accelerators"
        ),
        let_go=lambda spec: put(spec, None),
        settle=settle,
    )


def _team_budget(team: TeamQuota, limit: float) -> Asked:
    def put(spec: Spec, usd: float | None) -> Spec:
        return _with_team(spec, replace(_team(spec, team.name), budget_usd_per_month=usd))

    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        spent = relaxed.least_spent_by_team(spec, team.name)
        if spent is None:
            return None
        month = max(spent, math.ceil(limit))
        mend = f"teams: raise budget_usd_per_month of {team.name} from {limit:g} to {month}"
        return put(spec, float(month)), mend

    return Asked(
        requirement=Requirement(
            id=f"teams: {team.name} budget_usd_per_month", text=f"teams: {team.name} budget_usd_per_month {limit:g}"
        ),
        let_go=lambda spec: put(spec, None),
        settle=settle,
    )


def _hull(block: CapacityBlock, spec: Spec) -> Window:
    """The days of a block and of everything that could stand on it: what is always needed never can."""
    needed = [one.needed for one in spec.workloads if one.needed is not None]
    return Window(
        start=min([block.window.start, *(one.start for one in needed)]),
        until=max([block.window.until, *(one.until for one in needed)]),
    )


def _block(block: CapacityBlock, spec: Spec) -> Asked:
    """The days of a block: others are proposed at the same price an hour, rounded up to whole USD."""

    def on(window: Window) -> CapacityBlock:
        upfront = math.ceil(block.upfront_usd * window.hours / block.window.hours)
        return replace(block, window=window, upfront_usd=float(upfront))

    def put(looser: Spec, other: CapacityBlock) -> Spec:
        blocks = tuple(other if one.name == block.name else one for one in looser.capacity_blocks)
        return replace(looser, capacity_blocks=blocks)

    def settle(looser: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(looser)
        if found is None:
            return None
        on_it = found.on_block(block.name)
        used = replace(looser, workloads=tuple(one for one in looser.workloads if one.name in on_it))
        other = on(_hull(block, used))
        days = f"from {other.window.start} until {other.window.until}"
        return put(looser, other), f"capacity_blocks: have {block.name} {days} for {other.upfront_usd:.0f} USD"

    return Asked(
        requirement=requirement(
            f"capacity_blocks: {block.name}", f"from {block.window.start} until {block.window.until}"
        ),
        let_go=lambda looser: put(looser, on(_hull(block, spec))),
        settle=settle,
    )


def _zones(spec: Spec) -> Asked:
    def settle(looser: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(looser)
        if found is None:
            return None
        more = sorted(set(found.zones) - set(spec.zones))
        return replace(looser, zones=(*spec.zones, *more)), f"add {together(more)} to zones" if more else ""

    return Asked(
        requirement=requirement("zones", in_brackets(spec.zones)),
        let_go=lambda looser: replace(looser, zones=()),
        settle=settle,
    )


def _regions(spec: Spec, catalog: Catalog, nearby: Sequence[str]) -> Asked:
    """Where zones are named, those of another region have to be named with it."""
    zones = {region: catalog.zones(cloud, region) for cloud in spec.clouds for region in catalog.regions(cloud)}

    def put(looser: Spec, more: Sequence[str]) -> Spec:
        """The spec with *more* regions, and of other new ones no zones."""
        new = [zone for region in more for zone in zones[region]]
        others = {zone for region in nearby for zone in zones[region]} - set(new)
        named = [*(zone for zone in looser.zones if zone not in others), *new] if looser.zones else []
        return replace(looser, regions=(*spec.regions, *more), zones=tuple(dict.fromkeys(named)))

    def settle(looser: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(looser)
        if found is None:
            return None
        more = sorted(set(found.regions) - set(spec.regions))
        new = [zone for region in more for zone in zones[region]] if looser.zones else []
        text = [f"add {together(more)} to regions"] if more else []
        text += [f"add {together(new)} to zones"] if new else []
        return put(looser, more), ", and ".join(text)

    return Asked(
        requirement=requirement("regions", in_brackets(spec.regions)),
        let_go=lambda looser: put(looser, nearby),
        settle=settle,
    )


def _headroom(share: float) -> Asked:
    steps = range(math.ceil(round(share * HEADROOM_STEPS, 6)) - 1, -1, -1)
    return Asked(
        requirement=requirement("headroom", f"{share:g}"),
        let_go=lambda spec: replace(spec, headroom=0.0),
        settle=stepped(
            [step / HEADROOM_STEPS for step in steps],
            lambda spec, value: replace(spec, headroom=value),
            "lower headroom to {}",
        ),
        is_default=share == USUAL_HEADROOM,
    )


def _budget(limit: float) -> Asked:
    def settle(spec: Spec, relaxed: Relaxed) -> Change | None:
        found = relaxed.solved(spec)
        if found is None:
            return None
        month = max(found.usd_per_month, math.ceil(limit))
        return replace(spec, budget_usd_per_month=float(month)), f"raise budget_usd_per_month to {month}"

    return Asked(
        requirement=requirement("budget_usd_per_month", f"{limit:g}"),
        let_go=lambda spec: replace(spec, budget_usd_per_month=None),
        settle=settle,
    )
