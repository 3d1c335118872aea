"""The bill as it is printed: rows to the cent, in which every column adds up to its total. For text and Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from infra.cost.bill import CostChange, CostKind, CostLine, LineChange, WorkloadChange, is_in_total
from sizing.figures import CENTS_PER_USD, cents, count, plural, whole_cents
from sizing.units import HOURS_PER_MONTH, usd_per_month

_MEASURES = frozenset({"GB", "IOPS", "MB/s"})  # units that a quantity is told in; other things are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What a row costs, in whole cents of USD; None is not known."""

    hour_cents: int | None
    month_cents: int | None

    @property
    def usd_per_hour(self) -> float | None:
        """USD per hour to the cent."""
        return None if self.hour_cents is None else self.hour_cents / CENTS_PER_USD

    @property
    def usd_per_month(self) -> float | None:
        """USD per month to the cent."""
        return None if self.month_cents is None else self.month_cents / CENTS_PER_USD


NOT_KNOWN = Amount(hour_cents=None, month_cents=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the bill."""

    sign: str  # + ~ -, or blank for what is unchanged or a sum
    name: str  # 3 x NAT gateway; 2 -> 3 x p5.48xlarge on demand; total
    before: Amount
    after: Amount
    change: Amount
    line: CostLine | None = None  # whose price and source are shown


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedBill:
    """All rows; those of the lines, and those of the workloads, each add up to the total in every column."""

    rows: tuple[Row, ...]
    total: Row
    workloads: tuple[Row, ...]  # empty where no workload bears anything of its own


def printed_bill(change: CostChange, *, has_base: bool) -> PrintedBill:
    """The rows of *change*: with a base what moved, and the rest as one; without, every line, the dearest first."""
    found = _moved_rows(change) if has_base else _all_rows(change)
    rest = _unchanged(change) if has_base else None
    stays = None if rest is None else rest.after
    before = _amounts([x.before for x in found], change.before.usd_per_hour if change.before else 0.0, rest=stays)
    after = _amounts([x.after for x in found], change.after.usd_per_hour, rest=stays)
    rows = tuple(
        Row(
            sign=x.sign,
            name=x.name,
            line=x.line,
            before=old,
            after=new,
            change=_difference(old, new) if x.is_comparable else NOT_KNOWN,
        )
        for x, old, new in zip((*found, *([] if rest is None else [rest])), before, after, strict=True)
    )
    moved = [row.change for row in rows if row.sign]
    is_open = bool(moved) and all(x is NOT_KNOWN for x in moved)
    total = Row(
        sign="",
        name="total",
        before=summed(before),
        after=summed(after),
        change=NOT_KNOWN if is_open else summed(moved),
    )
    return PrintedBill(rows=rows, total=total, workloads=_workload_rows(change))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A row before rounding; USD per hour, None where it is not known."""

    sign: str
    name: str
    before: float | None
    after: float | None
    line: CostLine | None = None
    is_comparable: bool = True


def _all_rows(change: CostChange) -> list[_Found]:
    lines = sorted(merged(change.after.fixed), key=lambda line: -(line.usd_per_hour or 0.0))
    return [_Found(sign="+", name=quantity_text(x), before=0.0, after=x.usd_per_hour, line=x) for x in lines]


def _moved_rows(change: CostChange) -> list[_Found]:
    moved = [x for x in change.lines if not x.is_same and any(_is_fixed(side) for side in (x.before, x.after))]
    rows = [_both_sides(x, x.before, x.after) for x in moved if x.before is not None and x.after is not None]
    for is_comparable in (True, False):
        alike = [x for x in moved if x.is_comparable is is_comparable]
        come = merged(x.after for x in alike if x.after is not None and x.before is None)
        gone = merged(x.before for x in alike if x.before is not None and x.after is None)
        for sign, lines in (("+", come), ("-", gone)):
            rows += [_one_side(sign, line, is_comparable=is_comparable) for line in lines]
    return rows


def _both_sides(change: LineChange, old: CostLine, new: CostLine) -> _Found:
    amount = quantity_text(new)
    if old.quantity != new.quantity:
        amount = f"{'?' if old.quantity is None else count(old.quantity)} -> {amount}"
    return _Found(
        sign="~",
        name=amount,
        before=_hourly(old),
        after=_hourly(new),
        line=new,
        is_comparable=change.difference_usd_per_hour is not None,
    )


def _one_side(sign: str, line: CostLine, *, is_comparable: bool) -> _Found:
    hourly = _hourly(line)
    before, after = (0.0, hourly) if sign == "+" else (hourly, 0.0)
    known = is_comparable and hourly is not None
    return _Found(sign=sign, name=quantity_text(line), before=before, after=after, line=line, is_comparable=known)


def _hourly(line: CostLine) -> float | None:
    """What a line adds to the total; nothing where it is paid by use or once, None where it is not known."""
    return line.usd_per_hour if line.kind is CostKind.FIXED else 0.0


def _unchanged(change: CostChange) -> _Found | None:
    """One row for the lines that stay as they are; None where there are none."""
    same = [x.after.usd_per_hour or 0.0 for x in change.lines if x.is_same and x.after and is_in_total(x.after)]
    name = f"{plural(len(same), 'line')} unchanged"
    return _Found(sign="", name=name, before=sum(same), after=sum(same)) if same else None


def _workload_rows(change: CostChange) -> tuple[Row, ...]:
    """A row for each workload and one for what they share; a change is told only where every price of it is known."""
    found = change.workloads
    if len(found) == 1:
        return ()
    before = _amounts([x.before.usd_per_hour for x in found], change.before.usd_per_hour if change.before else 0.0)
    after = _amounts([x.after.usd_per_hour for x in found], change.after.usd_per_hour)
    return tuple(
        Row(
            sign="",
            name=workload_name(x),
            before=old,
            after=new,
            change=NOT_KNOWN if change.not_compared else _difference(old, new),
        )
        for x, old, new in zip(found, before, after, strict=True)
    )


def workload_name(change: WorkloadChange) -> str:
    """What the row of a workload is called."""
    return "shared" if change.workload is None else f"for {change.workload}"


def _amounts(hourly: Sequence[float | None], total: float, *, rest: float | None = None) -> list[Amount]:
    """
    Each part of *total* in whole cents, per hour and per month; None stays not known.

    The *rest*, what did not move, comes last and is the same on both sides: the parts that moved make up for it.
    """
    known = [x or 0.0 for x in hourly]
    hours = _parts(known, total, rest)
    months = _parts([x * HOURS_PER_MONTH for x in known], usd_per_month(total), rest and usd_per_month(rest))
    held = [*hourly, *([] if rest is None else [rest])]
    return [
        NOT_KNOWN if part is None else Amount(hour_cents=hour, month_cents=month)
        for part, hour, month in zip(held, hours, months, strict=True)
    ]


def _parts(known: Sequence[float], total: float, rest: float | None) -> list[int]:
    if rest is None:
        return whole_cents(known, cents(total))
    return [*whole_cents(known, cents(total) - cents(rest)), cents(rest)]


def _difference(before: Amount, after: Amount) -> Amount:
    if before.hour_cents is None or after.hour_cents is None:
        return NOT_KNOWN
    return Amount(
        hour_cents=after.hour_cents - before.hour_cents,
        month_cents=(after.month_cents or 0) - (before.month_cents or 0),
    )


def summed(amounts: Iterable[Amount]) -> Amount:
    """The sum of the amounts that are known."""
    found = tuple(amounts)
    return Amount(hour_cents=sum(x.hour_cents or 0 for x in found), month_cents=sum(x.month_cents or 0 for x in found))


def _is_fixed(line: CostLine | None) -> bool:
    return line is not None and line.kind is CostKind.FIXED


def quantity_text(line: CostLine) -> str:
    """How much of what: 3 x NAT gateway, 400 GB gp3 disk."""
    amount = "?" if line.quantity is None else count(line.quantity)
    unit = line.unit.removesuffix("-month")
    return f"{amount} {unit} {line.item}" if unit in _MEASURES else f"{amount} x {line.item}"


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
                quantity=_added(known.quantity, line.quantity),
                usd_per_hour=_added(known.usd_per_hour, line.usd_per_hour),
                upfront_usd=_added(known.upfront_usd, line.upfront_usd),
            )
        )
    return list(groups.values())


def _added(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other
