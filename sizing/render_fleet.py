"""What a plan of many workloads says on one screen: the tightest first, teams, who is left out, what moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sizing.figures import figure, money, percent, plural
from sizing.plan import Bearer, CostShare, Deployment, LeftOut, Promise, SizingPlan
from sizing.render_promises import chance, margin, metric_name, metric_value
from sizing.table import elided, table, wrapped
from sizing.units import usd_per_month

FEW = 8  # workloads that are told one by one
MOST_WORKLOADS = 20  # rows of more; the rest is counted
MOST_TOLD = 12  # of those left out, and of moves
_BEARERS = {
    Bearer.NO_TEAM: "of no team",
    Bearer.IDLE: "idle: paid, carries nothing",
    Bearer.SHARED: "shared: the clusters' own",
}


def is_fleet(plan: SizingPlan) -> bool:
    """Whether there are too many workloads to tell each of them in full."""
    return len({promise.workload for promise in plan.promises}) > FEW


def workload_lines(plan: SizingPlan) -> list[str]:
    """One row a workload: replicas, what they run on, and the promise with the least margin; the tightest first."""
    tightest = {promise.workload: promise for promise in sorted(plan.promises, key=_slack, reverse=True)}
    order = sorted(tightest.values(), key=_slack)
    deployments: dict[str, list[Deployment]] = {}
    for one in plan.deployments:
        deployments.setdefault(one.workload, []).append(one)
    rows = [["workload", "replicas", "on", "tightest", "planned", "margin", "chance"]]
    rows += [_workload_row(promise, deployments.get(promise.workload, [])) for promise in order[:MOST_WORKLOADS]]
    lines = table(rows, align="<><<>>>", elastic=2)
    rest = order[MOST_WORKLOADS:]
    if rest:
        left = margin(rest[0])
        least = "" if left is None else f", each with a margin of {percent(left)} or more"
        lines += wrapped(f"and {len(rest):,} more{least}: --json lists them", indent="  ", hanging="    ")
    if plan.elsewhere:
        regions = Counter(found[0].region for found in deployments.values())
        told = ", ".join(f"{regions[site.region]:,} in {site.region}" for site in plan.sites if regions[site.region])
        lines += wrapped(f"workloads by region: {told}", indent="  ", hanging="    ")
    return lines


def _slack(promise: Promise) -> tuple[float, str]:
    """The margin, by which promises are ordered; memory is filled on purpose, and comes last."""
    left = margin(promise)
    return (float("inf") if left is None or "bytes" in promise.metric else left, promise.workload)


def _workload_row(promise: Promise, deployments: Sequence[Deployment]) -> list[str]:
    on = f"{deployments[0].accelerator} {deployments[0].layout}" if deployments else ""
    left, limit = margin(promise), metric_value(promise.metric, promise.asked)
    return [
        elided(promise.workload, 20),
        f"{sum(one.replicas for one in deployments):,}",
        on,
        f"{metric_name(promise.metric)} {'<=' if promise.at_most else '>='} {limit}",
        metric_value(promise.metric, promise.planned),
        "" if left is None else percent(left),
        chance(promise),
    ]


def binding_text(plan: SizingPlan) -> str:
    """What binds first as load grows: by workload, or for many how often each thing does."""
    binding = [promise for promise in plan.promises if promise.binding]
    if is_fleet(plan):
        counts = Counter(promise.binding for promise in binding)
        return "; ".join(f"{what} of {plural(number, 'promise')}" for what, number in counts.most_common()) or "nothing"
    return "; ".join(f"{x.workload}: {metric_name(x.metric)} by {x.binding}" for x in binding) or "nothing"


def team_lines(shares: Sequence[CostShare]) -> list[str]:
    """What each team bears, and what no team does; all together are the cost."""
    if not shares:
        return []
    rows = [["teams", "accelerators", "USD/h", "USD/month"]]
    rows += [
        [
            one.team or _BEARERS.get(one.bearer, one.bearer.value),
            figure(one.accelerators) if one.accelerators else "",
            money(one.usd_per_hour),
            money(usd_per_month(one.usd_per_hour)),
        ]
        for one in shares
    ]
    return table(rows, align="<>>>")


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Who is not served and why, the most important first."""
    if not left_out:
        return []
    order = sorted(left_out, key=lambda one: (-one.priority, one.workload))
    told = [f"{one.workload}, priority {one.priority}: {one.why}" for one in order]
    return ["left out, the most important first", *_listed(told)]


def move_lines(moves: Sequence[str]) -> list[str]:
    """What moved from the current plan, and when that has paid for itself."""
    return ["moved from the current plan", *_listed(moves)] if moves else []


def _listed(told: Sequence[str]) -> list[str]:
    lines = [line for text in told[:MOST_TOLD] for line in wrapped(text, indent="  - ", hanging="    ")]
    rest = len(told) - MOST_TOLD
    return [*lines, f"  and {rest:,} more: --json lists them"] if rest > 0 else lines
