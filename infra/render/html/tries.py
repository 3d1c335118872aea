"""What `sizeup whatif` tried, as one page: the answer, the chart, every point with its plan, where machines change."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from infra.render.html.chart import chart_figure
from infra.render.html.markup import Child, document, element
from infra.render.tries_charts import charts_of
from sizing.allocation.whatif.sweep import machines_of
from sizing.allocation.whatif.tried import Tried, Tries
from sizing.diff import diff
from sizing.figures import count, money, percent, plural, signed_money
from sizing.outcome import NoPlan
from sizing.plan import SizingPlan
from sizing.render_changes import plan_change_lines
from sizing.render_sweep import NOTHING_WRITTEN, machines_text, plan_text, title, turn_text
from sizing.spec.change_values import value_text
from sizing.units import usd_per_month

_ALONE = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is loaded, nothing runs


def render_tries_html(tries: Tries) -> str:
    """The whole page; the same tries give the same bytes."""
    return document(f"{tries.stack}: what if", element("main", *_sections(tries)), allowed=_ALONE)


def _sections(tries: Tries) -> list[Child]:
    return [
        _head(tries),
        *(chart_figure(chart) for chart in charts_of(tries)),
        _points(tries),
        _turns(tries),
        _footer(tries),
    ]


def _head(tries: Tries) -> Element:
    today = tries.today
    costs = [one.plan.usd_per_hour for one in tries.tried if one.plan is not None]
    tiles = [
        ("today", "no plan yet" if today is None else f"{money(today.usd_per_hour)} USD/h", _machines(today)),
        ("points", f"{len(tries.tried):,}", f"{plural(len(costs), 'plan')}"),
    ]
    if costs:
        low, high = min(costs), max(costs)
        cost = f"{money(low)} USD/h" if low == high else f"{money(low)} to {money(high)} USD/h"
        tiles.append(("cost", cost, f"{money(usd_per_month(low))} USD a month and more"))
    drawn = [
        element(
            "div",
            element("p", what, class_="what"),
            element("p", value, class_="value"),
            element("p", note, class_="note") if note else None,
            class_="tile",
        )
        for what, value, note in tiles
    ]
    return element("header", element("h1", title(tries)), element("div", *drawn, class_="tiles"))


def _machines(plan: SizingPlan | None) -> str:
    return "" if plan is None else machines_text(machines_of(plan))


def _points(tries: Tries) -> Element:
    """A row for each point; what would change unfolds."""
    moving = tries.moving or tries.fixed
    on_front = {id(one) for one in tries.front}
    heads = [
        *(change.key for change in moving),
        *([tries.axis.label] if tries.axis is not None and tries.axis.name == "changes" else []),
        "USD per hour",
        "change",
        "gap",
        "machines, and what changes against today",
    ]
    last = len(heads) - 1
    return element(
        "section",
        element("h2", "Points"),
        element(
            "table",
            element("thead", element("tr", *(element("th", x, class_=_class(at, last)) for at, x in enumerate(heads)))),
            element("tbody", *(_row(one, tries, is_on_front=id(one) in on_front) for one in tries.tried)),
        ),
        element("p", "In bold: plans that no other beats.", class_="note") if tries.axis is not None else None,
    )


def _class(at: int, last: int) -> str | None:
    return None if at == last else "number"


def _row(one: Tried, tries: Tries, *, is_on_front: bool) -> Element:
    keys = {change.key for change in tries.moving or tries.fixed}
    cells = [value_text(value) for change, value in one.point.settings if change.key in keys]
    if tries.axis is not None and tries.axis.name == "changes":
        cells.append(count(tries.at(one)))
    if isinstance(one.answer, NoPlan):
        cells += ["no plan", "", ""]
        told: list[Child] = [one.answer.reason]
    else:
        plan, gap, today = one.answer.plan, one.answer.outcome.gap, tries.today
        change = "" if today is None else signed_money(plan.usd_per_hour - today.usd_per_hour)
        cells += [money(plan.usd_per_hour), change, "" if gap is None else percent(gap)]
        told = [f"{plan_text(one)} in {plan.region}", _changes(today, plan)]
    return element(
        "tr",
        *(element("td", cell, class_="number") for cell in cells),
        element("td", *told),
        class_="moved" if is_on_front else None,
    )


def _changes(today: SizingPlan | None, plan: SizingPlan) -> Element | None:
    lines = [] if today is None else plan_change_lines(diff(today, plan))
    if not lines:
        return None
    shown = element("pre", "\n".join(line.removeprefix("  ") for line in lines), class_="changes")
    return element("details", element("summary", plural(len(lines), "line")), shown)


def _turns(tries: Tries) -> Element | None:
    if not tries.moving or tries.axis is not None:
        return None
    items = [element("li", turn_text(turn).replace("->", "→")) for turn in tries.turns]
    told = element("ul", *items) if items else element("p", "The same types of machines wherever there is a plan.")
    return element("section", element("h2", "Where the plan changes machine"), told)


def _footer(tries: Tries) -> Element:
    missing = f"Interrupted: {plural(tries.missing, 'more point')} not tried. " if tries.missing else ""
    told = f"{missing}{NOTHING_WRITTEN[0].upper()}{NOTHING_WRITTEN[1:]}."
    plan = next((one.plan for one in tries.tried if one.plan is not None), tries.today)
    facts = None if plan is None else element("p", f"Facts of {plan.facts_as_of}; sizeup {plan.sizeup_version}")
    return element("footer", element("p", told), facts)
