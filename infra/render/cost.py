"""The bill as text: what changes line by line, what is paid by use or once, what no source prices, and the sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.cost.bill import CostChange, CostGroup, CostKind, CostLine
from infra.cost.line import UNTOLD
from infra.render.amounts import Amount, PrintedBill, merged, quantity_text
from sizing.figures import money, plural, signed_money, unit_price
from sizing.table import table, wrapped


def cost_lines(change: CostChange, bill: PrintedBill, *, has_base: bool) -> list[str]:
    """
    The cost section: with a base, what moved and by how much; without, every line with its unit price.

    Equal lines (three NAT gateways) are one row with their quantities added.
    """
    sources = Sources(numbers={})
    lines = _changed_table(bill, sources) if has_base else _full_table(bill, sources)
    lines += [line for note in total_notes(change) for line in wrapped(note, indent="    ", hanging="      ")]
    shown = new_lines(change) if has_base else change.after.lines
    lines += _upfront_lines([x for x in shown if x.kind is CostKind.UPFRONT], sources)
    lines += _usage_lines([x for x in shown if x.kind is CostKind.USAGE and not x.is_unknown], sources)
    lines += _unknown_lines(change, has_base=has_base)
    return [*lines, *sources.lines()]


def new_lines(change: CostChange) -> list[CostLine]:
    """Lines of the new bill that the old one does not have just so."""
    return [x.after for x in change.lines if x.after is not None and not x.is_same]


def total_notes(change: CostChange) -> list[str]:
    """What has to be known of the total: where autoscalers may take it, and which differences it leaves out."""
    notes = []
    least, most = change.after.usd_per_hour_limits
    if (least, most) != (change.after.usd_per_hour,) * 2:
        notes.append(f"autoscalers may take the total from {money(least)} to {money(most)} USD/h")
    missing = len(change.not_compared)
    if missing and change.before is not None:
        notes.append(f"the change leaves out {plural(missing, 'line')} whose price is not known before or after")
    return notes


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources in the order they are first cited, each with its date; the number of a citation is its place."""

    numbers: dict[tuple[str, str], int]

    def cite(self, line: CostLine | None) -> str:
        """[n] of the source of *line*; empty where it has none."""
        if line is None or not line.source:
            return ""
        return f"[{self.numbers.setdefault((line.source, line.as_of), len(self.numbers) + 1)}]"

    def lines(self) -> list[str]:
        """The list of the sources cited, with their dates."""
        if not self.numbers:
            return []
        cited = [
            line
            for (source, as_of), at in self.numbers.items()
            for line in wrapped(f"[{at}] {as_of}: {source}", indent="    ", hanging=" " * 8)
        ]
        return ["", "  prices as of, from", *cited]


def _full_table(bill: PrintedBill, sources: Sources) -> list[str]:
    rows = [["cost", "each", "USD/h", "USD/month", ""]]
    notes = [""]
    for row in bill.rows:
        each = each_text(row.line) if row.line else ""
        rows.append([f"  + {row.name}", each, *_both(row.after), sources.cite(row.line)])
        is_told = row.line is not None and row.line.group is CostGroup.MACHINE
        notes.append(row.line.note if row.line is not None and is_told else "")
    rows.append(["  total", "", *_both(bill.total.after), ""])
    rows += [[f"    {row.name}", "", *_both(row.after), ""] for row in bill.workloads]
    lines = table(rows, align="<>>>u", indent="", elastic=0)
    notes += [""] * (len(lines) - len(notes))
    return [
        each
        for line, note in zip(lines, notes, strict=True)
        for each in (line, *wrapped(note, indent="      ", hanging="        "))
    ]


def _changed_table(bill: PrintedBill, sources: Sources) -> list[str]:
    rows = [["cost, USD/h", "before", "after", "change", "per month", ""]]
    for row in bill.rows:
        cells = [_or_unknown(row.before.usd_per_hour), _or_unknown(row.after.usd_per_hour)]
        change = [signed_text(row.change.usd_per_hour), signed_text(row.change.usd_per_month)] if row.sign else ["", ""]
        rows.append([f"  {row.sign or ' '} {row.name}", *cells, *change, sources.cite(row.line)])
    for indent, row in (("  ", bill.total), *(("    ", x) for x in bill.workloads)):
        cells = [_or_unknown(row.before.usd_per_hour), _or_unknown(row.after.usd_per_hour)]
        change = [signed_text(row.change.usd_per_hour), signed_text(row.change.usd_per_month)]
        rows.append([f"{indent}{row.name}", *cells, *change, ""])
    return table(rows, align="<>>>>u", indent="", elastic=0)


def _upfront_lines(lines: Sequence[CostLine], sources: Sources) -> list[str]:
    """What is paid once: its sum, or what a unit of it costs where the sum is not known; and why that is so."""
    if not lines:
        return []
    rows = []
    for line in merged(lines):
        name = line.item if line.quantity is None else quantity_text(line)
        rows.append([name, upfront_text(line), sources.cite(line)])
        if line.note:
            rows.append([f"  {line.note}", "", ""])
    return ["", "  paid once, at purchase, not in the total", *table(rows, align="<>u", indent="    ", elastic=0)]


def upfront_text(line: CostLine) -> str:
    """What is paid once, in USD; else the price of a unit of it; else that it is not known."""
    if line.upfront_usd is not None:
        return f"{money(line.upfront_usd)} USD"
    return "not known" if line.usd_per_unit is None else f"{unit_price(line.usd_per_unit)} USD/{line.unit}"


def _usage_lines(lines: Sequence[CostLine], sources: Sources) -> list[str]:
    if not lines:
        return []
    rows = [[x.item, unit_price(x.usd_per_unit or 0.0), f"USD/{x.unit}", sources.cite(x)] for x in merged(lines)]
    return ["", "  by use, not in the total", *table(rows, align="<>uu", indent="    ", elastic=0)]


def _unknown_lines(change: CostChange, *, has_base: bool) -> list[str]:
    """What costs something that no source tells, by reason."""
    told = unknown_prices(change, has_base=has_base)
    if not told:
        return []
    reasons = [text for reason in told for text in wrapped(reason, indent="    ", hanging="      ")]
    return ["", "  price not known, not in the total", *reasons]


def unknown_prices(change: CostChange, *, has_base: bool) -> list[str]:
    """What costs something that no source tells, a sentence for each reason; what was so before is only counted."""
    lines = [x for x in (new_lines(change) if has_base else change.after.lines) if x.is_unknown]
    before = len(change.after.unknown) - len(lines)
    by_reason: dict[str, list[str]] = {}
    for line in merged(lines):
        reason = line.note.partition(";")[0] or UNTOLD
        alike = sum(x.quantity is None and x.item == line.item and x.note == line.note for x in lines)
        uncounted = f"{alike} x {line.item}" if alike > 1 else line.item
        by_reason.setdefault(reason, []).append(uncounted if line.quantity in {None, 1} else quantity_text(line))
    told = [f"{reason}: {', '.join(items)}" for reason, items in by_reason.items()]
    return [*told, f"{before} as before"] if before else told


def each_text(line: CostLine) -> str:
    """The price of one unit: 0.045, 0.08/month."""
    if line.usd_per_unit is None:
        return ""
    return unit_price(line.usd_per_unit) + ("/month" if line.unit.endswith("month") else "")


def _both(amount: Amount) -> list[str]:
    return [_or_unknown(amount.usd_per_hour), _or_unknown(amount.usd_per_month)]


def _or_unknown(usd: float | None) -> str:
    return "not known" if usd is None else money(usd)


def signed_text(usd: float | None) -> str:
    """A difference with its sign; that it is not known where it is not."""
    return "not known" if usd is None else signed_money(usd)
