"""The sizing: what was asked, what is planned with its interval as a drawing, what runs where, and what moved."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from infra.cost.capacity import CapacityChange
from infra.render.html.markup import Child, element
from sizing.diff import PlanChange
from sizing.figures import percent, plural, rate
from sizing.plan import Deployment, Promise, SizingPlan
from sizing.render import cold_start_text, host_text
from sizing.render_changes import plan_change_lines
from sizing.render_fleet import left_out_lines, team_lines
from sizing.render_machines import commitment_lines
from sizing.render_promises import chance, margin, metric_name, metric_value

_WIDTH, _HEIGHT, _MIDDLE = 220.0, 22.0, 11.0


def requirements_section(plan: SizingPlan, changes: Sequence[PlanChange]) -> Element:
    """Promises, deployments, who is left out, who bears what, and how the plan differs from the one before."""
    moved = plan_change_lines(changes)
    told = [*left_out_lines(plan.left_out), *commitment_lines(plan.commitments), *team_lines(plan.cost_shares)]
    return element(
        "section",
        element("h2", "Sizing"),
        *([element("pre", "\n".join(moved), class_="changes")] if moved else []),
        *([element("pre", "\n".join(told))] if told else []),
        element("table", _promise_head(), element("tbody", *(_promise_row(x) for x in plan.promises))),
        *(_deployment(x) for x in plan.deployments),
        id="sizing",
    )


def capacity_section(changes: Sequence[CapacityChange], *, has_base: bool) -> Element | None:
    """Machines and accelerators, before and after; nothing where there are none."""
    if not changes:
        return None
    rows = [
        element(
            "tr",
            element("td", x.what),
            element("td", _count(x.before), class_="number") if has_base else None,
            element("td", _count(x.after), class_="number"),
            class_=None if x.is_same or not has_base else "moved",
        )
        for x in changes
    ]
    names = ["machines and accelerators", *(["before"] if has_base else []), "after"]
    return element(
        "section",
        element("h2", "Capacity"),
        element("table", element("thead", element("tr", *_heads(names))), element("tbody", *rows)),
        id="capacity",
    )


def _heads(names: Sequence[str]) -> list[Child]:
    return [element("th", name, class_=None if at == 0 else "number") for at, name in enumerate(names)]


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _promise_head() -> Element:
    names = ["requirement", "asked", "planned", "margin", "chance"]
    return element(
        "thead",
        element(
            "tr", *_heads(names), element("th", "80 % interval against what is asked"), element("th", "binds first")
        ),
    )


def _promise_row(promise: Promise) -> Element:
    left = margin(promise)
    asked = f"{'≤' if promise.at_most else '≥'} {metric_value(promise.metric, promise.asked)}"
    return element(
        "tr",
        element("td", f"{promise.workload}: {metric_name(promise.metric)}"),
        element("td", asked, class_="number"),
        element("td", metric_value(promise.metric, promise.planned), class_="number"),
        element("td", "" if left is None else percent(left), class_="number"),
        element("td", chance(promise), class_="number"),
        element("td", _interval(promise)),
        element("td", promise.binding or ""),
    )


def _interval(promise: Promise) -> Element:
    """The interval as a bar, the planned value as a dot, the limit as a line; amber where the interval crosses it."""
    scale = (_WIDTH - 12) / (max(promise.asked, promise.high, promise.planned) or 1.0)
    low, high, planned, asked = (6 + x * scale for x in (promise.low, promise.high, promise.planned, promise.asked))
    crossed = promise.high > promise.asked if promise.at_most else promise.low < promise.asked
    label = (
        f"planned {metric_value(promise.metric, promise.planned)}, between {metric_value(promise.metric, promise.low)} "
        f"and {metric_value(promise.metric, promise.high)}; asked {metric_value(promise.metric, promise.asked)}"
    )
    return element(
        "svg",
        element("title", label),
        element("line", x1=6, x2=_WIDTH - 6, y1=_MIDDLE, y2=_MIDDLE, class_="axis"),
        element("rect", x=low, y=_MIDDLE - 4, width=max(2.0, high - low), height=8, rx=4, class_="interval"),
        element("line", x1=asked, x2=asked, y1=2, y2=_HEIGHT - 2, class_="asked"),
        element("circle", cx=planned, cy=_MIDDLE, r=4, class_="planned"),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        class_=f"range {'crossed' if crossed else 'kept'}",
        role="img",
    )


def _deployment(deployment: Deployment) -> Element:
    engine = deployment.engine
    what = (
        f"{plural(deployment.replicas, 'replica')} of {deployment.model}, {deployment.weights} weights, "
        f"{deployment.kv} KV, {deployment.layout} on {deployment.accelerator} ({', '.join(deployment.machines)})"
    )
    how = (
        f"{rate(deployment.requests_per_s)} and {deployment.concurrency} in flight each; {engine.name} with "
        f"{engine.max_model_len:,} tokens of context, {plural(engine.max_num_seqs, 'sequence')} at once, "
        f"{percent(engine.gpu_memory_utilization)} of memory; {cold_start_text(deployment)}; {host_text(deployment)}"
    )
    return element("p", element("strong", deployment.name), f": {what}; {how}", class_="deployment")
