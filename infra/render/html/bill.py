"""The cost: before and after as stacked bars, and every line with its share of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from infra.cost.bill import Cost, CostChange, CostGroup, CostKind, CostLine, LineChange
from infra.render.html.markup import Child, element
from sizing.figures import count, money, percent, plural, signed_money, unit_price
from sizing.units import usd_per_month

_BAR, _GAP, _LEFT, _WIDTH, _RIGHT = 34.0, 14.0, 60.0, 760.0, 110.0
_MOST_SOURCES = 200  # characters of one source in a tooltip
_NUMBER = {True: "number", False: None}
_NAMES: Mapping[CostGroup, str] = {
    CostGroup.MACHINE: "machines",
    CostGroup.DISK: "disks",
    CostGroup.STORAGE: "storage",
    CostGroup.NETWORK: "network",
    CostGroup.PLATFORM: "platform",
    CostGroup.OTHER: "other",
}


def bill_section(change: CostChange, *, has_base: bool) -> Element:
    """Chart, lines in the total, lines by use, and prices that no source tells."""
    return element(
        "section",
        element("h2", "Cost"),
        _chart(change),
        _legend(change),
        _lines_table(change, has_base=has_base),
        _unchanged(change) if has_base else None,
        _workloads_table(change, has_base=has_base),
        _aside("Paid once, at purchase; not in the total", change.after.upfront, is_open=True),
        _aside("By use, not in the total", change.after.usage),
        _aside("Price not known, not in the total", change.after.unknown),
        id="cost",
    )


def _bars(change: CostChange) -> list[tuple[str, Cost]]:
    before = [] if change.before is None else [("before", change.before)]
    return [*before, ("after", change.after)]


def _by_group(bill: Cost) -> dict[CostGroup, float]:
    """USD per hour of the lines in the total, by what they pay for; groups that cost nothing are left out."""
    sums = {group: sum(x.usd_per_hour or 0.0 for x in bill.fixed if x.group is group) for group in CostGroup}
    return {group: usd for group, usd in sums.items() if usd > 0}


def _chart(change: CostChange) -> Element:
    bars = _bars(change)
    most = max((bill.usd_per_hour for _, bill in bars), default=0.0) or 1.0
    height = len(bars) * (_BAR + _GAP) + _GAP
    drawn: list[Child] = []
    for at, (name, bill) in enumerate(bars):
        drawn += _bar(name, bill, top=_GAP + at * (_BAR + _GAP), scale=(_WIDTH - _LEFT - _RIGHT) / most)
    return element(
        "svg",
        element("title", "Cost per month before and after, by what is paid for"),
        *drawn,
        viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}",
        class_="chart",
        role="img",
    )


def _bar(name: str, bill: Cost, *, top: float, scale: float) -> list[Child]:
    middle = top + _BAR / 2
    parts: list[Child] = [element("text", name, x=_LEFT - 8, y=middle, class_="end")]
    left = _LEFT
    for group, usd in _by_group(bill).items():
        label = f"{_NAMES[group]}: {money(usd_per_month(usd))} USD/month, {percent(usd / bill.usd_per_hour)}"
        width = usd * scale
        parts.append(
            element(
                "rect", element("title", label), x=left, y=top, width=width, height=_BAR, class_=f"group {group.value}"
            )
        )
        left += width
    parts.append(element("text", f"{money(bill.usd_per_month)}", x=left + 8, y=middle))
    return parts


def _legend(change: CostChange) -> Element:
    """The groups with their sums a month: the same numbers as the bars, for whoever cannot see colours."""
    before = _by_group(change.before) if change.before else {}
    after = _by_group(change.after)
    items = [
        element(
            "li",
            element("span", class_=f"swatch {group.value}"),
            f"{_NAMES[group]} {money(usd_per_month(after.get(group, 0.0)))}",
            None
            if change.before is None
            else element("small", f" {signed_money(usd_per_month(after.get(group, 0.0) - before.get(group, 0.0)))}"),
        )
        for group in CostGroup
        if group in before or group in after
    ]
    return element("ul", *items, class_="legend")


def _lines_table(change: CostChange, *, has_base: bool) -> Element:
    """What moved, dearest first, and the total; without a base, every line."""
    lines = [x for x in change.lines if _is_fixed(x.before) or _is_fixed(x.after)]
    shown = [x for x in lines if not (has_base and x.is_same)]
    return element(
        "table",
        _line_heads(has_base=has_base),
        element("tbody", *_line_rows(shown, has_base=has_base), _total_row(change, has_base=has_base)),
        class_="bill",
    )


def _unchanged(change: CostChange) -> Element | None:
    """Lines in the total that stay as they are, folded."""
    lines = [x for x in change.lines if x.is_same and _is_fixed(x.after)]
    if not lines:
        return None
    total = sum(_hourly(x.after) for x in lines)
    title = f"{plural(len(lines), 'line')} unchanged: {money(usd_per_month(total))} USD/month"
    rows = element("tbody", *_line_rows(lines, has_base=True))
    return element("details", element("summary", title), element("table", _line_heads(has_base=True), rows))


def _line_heads(*, has_base: bool) -> Element:
    names = ["USD per month", "for", *(["before", "after", "change"] if has_base else ["each", "after"])]
    return element("thead", element("tr", *(element("th", x, class_=_NUMBER[at > 1]) for at, x in enumerate(names))))


def _line_rows(lines: Sequence[LineChange], *, has_base: bool) -> list[Element]:
    ordered = sorted(lines, key=lambda x: (-abs(x.difference_usd_per_hour or 0.0), -_hourly(x.after)))
    most = max((abs(x.difference_usd_per_hour or 0.0) for x in lines), default=0.0) or 1.0
    return [_line_row(x, most=most, has_base=has_base) for x in ordered]


def _line_row(change: LineChange, *, most: float, has_base: bool) -> Element:
    line = change.after or change.before
    if line is None:
        return element("tr")
    difference = change.difference_usd_per_hour
    if has_base:
        share = abs(difference or 0.0) / most * 100
        direction = "up" if (difference or 0.0) > 0 else "down"
        bar = element("span", class_=f"share {direction}", style=f"width: {share:.1f}%") if difference else None
        cells = [
            element("td", _monthly(change.before), class_="number"),
            element("td", _monthly(change.after), class_="number"),
            element("td", bar, "not known" if difference is None else _signed(difference), class_="number changed"),
        ]
    else:
        cells = [
            element("td", _each(line), class_="number"),
            element("td", _monthly(change.after), class_="number"),
        ]
    source = f"{line.as_of}: {line.source}" if line.source else ""
    return element(
        "tr",
        element("td", _amount(change), title=source[:_MOST_SOURCES] or None),
        element("td", line.resource, element("small", f" {line.workload}") if line.workload else None),
        *cells,
    )


def _total_row(change: CostChange, *, has_base: bool) -> Element:
    before = change.before.usd_per_month if change.before else 0.0
    compared = [
        element("td", money(before), class_="number"),
        element("td", money(change.after.usd_per_month), class_="number"),
        element("td", _signed(change.difference_usd_per_hour), class_="number"),
    ]
    alone: list[Child] = [element("td"), element("td", money(change.after.usd_per_month), class_="number")]
    return element("tr", element("td", "total"), element("td"), *(compared if has_base else alone), class_="total")


def _workloads_table(change: CostChange, *, has_base: bool) -> Element | None:
    """A sum for each workload, then for what they share; nothing where all is shared."""
    if len(change.workloads) == 1:
        return None
    names = ["USD per month, by workload", *(["before"] if has_base else []), "after"]
    rows = [
        element(
            "tr",
            element("td", x.workload or "shared by all"),
            element("td", money(x.before.usd_per_month), class_="number") if has_base else None,
            element("td", money(x.after.usd_per_month), class_="number"),
        )
        for x in change.workloads
    ]
    heads = [element("th", x, class_=_NUMBER[at > 0]) for at, x in enumerate(names)]
    return element("table", element("thead", element("tr", *heads)), element("tbody", *rows), class_="workloads")


def _aside(title: str, lines: Sequence[CostLine], *, is_open: bool = False) -> Element | None:
    """A folded list of what is not in the total, with its price where there is one."""
    if not lines:
        return None
    items = [
        element(
            "li",
            f"{x.item} ({x.resource})",
            f": {money(x.upfront_usd)} USD"
            if x.upfront_usd is not None
            else None
            if x.usd_per_unit is None
            else f": {unit_price(x.usd_per_unit)} USD/{x.unit}",
            element("small", f" {x.note}") if x.note else None,
        )
        for x in lines
    ]
    return element("details", element("summary", f"{title}: {len(lines)}"), element("ul", *items), open=is_open)


def _is_fixed(line: CostLine | None) -> bool:
    return line is not None and line.kind is CostKind.FIXED


def _hourly(line: CostLine | None) -> float:
    return (line.usd_per_hour or 0.0) if line is not None else 0.0


def _amount(change: LineChange) -> str:
    """How much of what, and from how much it came where that moved."""
    line = change.after or change.before
    if line is None:
        return ""
    amount = "?" if line.quantity is None else count(line.quantity)
    unit = f" {line.unit.removesuffix('-month')}" if line.unit.startswith("GB") else " ×"
    old = change.before.quantity if change.before and change.after else None
    was = f"{count(old)} → " if old is not None and old != line.quantity else ""
    return f"{was}{amount}{unit} {line.item}"


def _each(line: CostLine) -> str:
    return "" if line.usd_per_unit is None else f"{unit_price(line.usd_per_unit)} /{line.unit}"


def _monthly(line: CostLine | None) -> str:
    if line is None:
        return ""
    return "not known" if line.usd_per_hour is None else money(usd_per_month(line.usd_per_hour))


def _signed(usd_per_hour: float) -> str:
    return signed_money(usd_per_month(usd_per_hour))
