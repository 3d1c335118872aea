"""The bill as text: what changes line by line, what is paid by use, what no source prices, and the sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from infra.cost.bill import CostChange, CostGroup, CostKind, CostLine, LineChange
from infra.cost.line import UNTOLD
from sizing.figures import count, money, plural, signed_money, unit_price
from sizing.table import table, wrapped
from sizing.units import HOURS_PER_MONTH

_MEASURES = frozenset({"GB", "IOPS", "MB/s"})  # units that a quantity is told in; other things are counted


def cost_lines(change: CostChange, *, has_base: bool) -> list[str]:
    """
    The cost section: with a base, what moved and by how much; without, every line with its unit price.

    Equal lines (three NAT gateways) are one row with their quantities added.
    """
    sources = _Sources(numbers={})
    lines = _changed_table(change, sources) if has_base else _full_table(change, sources)
    shown = _new_lines(change) if has_base else change.after.lines
    lines += _usage_lines([x for x in shown if x.kind is CostKind.USAGE and not x.is_unknown], sources)
    lines += _unknown_lines([x for x in shown if x.is_unknown], as_before=len(change.after.unknown))
    return [*lines, *sources.lines()]


def _new_lines(change: CostChange) -> list[CostLine]:
    """Lines of the new bill that the old one does not have just so."""
    return [x.after for x in change.lines if x.after is not None and not x.is_same]


@dataclass(frozen=True, slots=True)
class _Sources:
    """Sources in the order they are first cited, each with its date; the number of a citation is its place."""

    numbers: dict[tuple[str, str], int]

    def cite(self, line: CostLine) -> str:
        """[n] of the source of *line*; empty where it has none."""
        if not line.source:
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


def _full_table(change: CostChange, sources: _Sources) -> list[str]:
    rows = [["cost", "each", "USD/h", "USD/month", ""]]
    for line in sorted(merged(change.after.fixed), key=_dearest_first):
        hourly = line.usd_per_hour or 0.0
        rows.append(
            [f"  + {_quantity(line)}", _each(line), money(hourly), money(hourly * HOURS_PER_MONTH), sources.cite(line)]
        )
        if line.note and line.group is CostGroup.MACHINE:
            rows.append([f"      {line.note}", "", "", "", ""])
    total = change.after
    rows.append(["  total", "", money(total.usd_per_hour), money(total.usd_per_month), ""])
    return table(rows, align="<>>>u", indent="", elastic=0)


def _changed_table(change: CostChange, sources: _Sources) -> list[str]:
    moved = [x for x in change.lines if not x.is_same and not (_is_aside(x.before) and _is_aside(x.after))]
    before = change.before.usd_per_hour if change.before else 0.0
    rows = [["cost, USD/h", "before", "after", "change", "per month", ""]]
    for sign, name, old, new, cited in _changed_rows(moved):
        difference = None if old is None or new is None else new - old
        monthly = None if difference is None else difference * HOURS_PER_MONTH
        cells = [
            f"  {sign} {name}",
            *(_or_unknown(x) for x in (old, new)),
            *(_signed(x) for x in (difference, monthly)),
        ]
        rows.append([*cells, sources.cite(cited)])
    known = [x.after for x in change.lines if x.is_same and x.after is not None and not x.after.is_unknown]
    same = [x.usd_per_hour or 0.0 for x in known if not _is_aside(x)]
    if same:
        rows.append([f"    {plural(len(same), 'line')} unchanged", money(sum(same)), money(sum(same)), "", "", ""])
    total, difference = change.after.usd_per_hour, change.difference_usd_per_hour
    monthly_total = signed_money(difference * HOURS_PER_MONTH)
    rows.append(["  total", money(before), money(total), signed_money(difference), monthly_total, ""])
    return table(rows, align="<>>>>u", indent="", elastic=0)


def _changed_rows(
    moved: Sequence[LineChange],
) -> list[tuple[str, str, float | None, float | None, CostLine]]:
    """Rows of the lines that moved: sign, name, USD/h before and after, and the line whose source is cited."""
    rows = []
    gone = [x.before for x in moved if x.before is not None and x.after is None]
    come = [x.after for x in moved if x.after is not None and x.before is None]
    for change in moved:
        if change.before is not None and change.after is not None:
            old, new = change.before, change.after
            amount = (
                f"{count(old.quantity or 0)} -> {_quantity(new)}" if old.quantity != new.quantity else _quantity(new)
            )
            rows.append(("~", amount, old.usd_per_hour, new.usd_per_hour, new))
    rows += [("+", _quantity(x), 0.0, x.usd_per_hour, x) for x in merged(come)]
    rows += [("-", _quantity(x), x.usd_per_hour, 0.0, x) for x in merged(gone)]
    return rows


def merged(lines: Iterable[CostLine]) -> list[CostLine]:
    """Lines that say the same (item, unit price, source, note) as one, with their quantities and costs added."""
    groups: dict[tuple[object, ...], CostLine] = {}
    for line in lines:
        key = (line.item, line.unit, line.usd_per_unit, line.kind, line.source, line.as_of, line.note)
        known = groups.get(key)
        groups[key] = (
            line
            if known is None
            else replace(
                known,
                quantity=_sum(known.quantity, line.quantity),
                usd_per_hour=_sum(known.usd_per_hour, line.usd_per_hour),
            )
        )
    return list(groups.values())


def _usage_lines(lines: Sequence[CostLine], sources: _Sources) -> list[str]:
    if not lines:
        return []
    rows = [[x.item, unit_price(x.usd_per_unit or 0.0), f"USD/{x.unit}", sources.cite(x)] for x in merged(lines)]
    return ["", "  by use, not in the total", *table(rows, align="<>uu", indent="    ", elastic=0)]


def _unknown_lines(lines: Sequence[CostLine], *, as_before: int) -> list[str]:
    """What costs something that no source tells, by reason; of what was so before, only how many there are."""
    before = as_before - len(lines)
    by_reason: dict[str, list[str]] = {}
    for line in merged(lines):
        reason = line.note.partition(";")[0] or UNTOLD
        alike = sum(x.quantity is None and x.item == line.item and x.note == line.note for x in lines)
        uncounted = f"{alike} x {line.item}" if alike > 1 else line.item
        by_reason.setdefault(reason, []).append(uncounted if line.quantity in {None, 1} else _quantity(line))
    told = [f"{reason}: {', '.join(items)}" for reason, items in by_reason.items()]
    if before:
        told.append(f"{before} as before")
    if not told:
        return []
    reasons = [text for reason in told for text in wrapped(reason, indent="    ", hanging="      ")]
    return ["", "  price not known, not in the total", *reasons]


def _is_aside(line: CostLine | None) -> bool:
    """True for a line that is never in the total: paid by use, or absent."""
    return line is None or line.kind is CostKind.USAGE


def _quantity(line: CostLine) -> str:
    """How much of what: 3 x NAT gateway, 400 GB gp3 disk."""
    amount = "?" if line.quantity is None else count(line.quantity)
    unit = line.unit.removesuffix("-month")
    return f"{amount} {unit} {line.item}" if unit in _MEASURES else f"{amount} x {line.item}"


def _each(line: CostLine) -> str:
    if line.usd_per_unit is None:
        return ""
    return unit_price(line.usd_per_unit) + ("/month" if line.unit.endswith("month") else "")


def _or_unknown(usd: float | None) -> str:
    return "not known" if usd is None else money(usd)


def _signed(usd: float | None) -> str:
    return "not known" if usd is None else signed_money(usd)


def _dearest_first(line: CostLine) -> float:
    """What a person looks at first comes first; equal costs stay in the order of the program."""
    return -(line.usd_per_hour or 0.0)


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
