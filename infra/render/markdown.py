"""A preview as Markdown for a comment on a pull request: the answer first, details folded, within GitHub's limit.

Sections that may be long have room of their own and tell how much they leave out; resources get the room that is left,
those that are replaced or destroyed first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from infra.cost.bill import CostKind
from infra.cost.capacity import CapacityChange
from infra.diff.changes import Op, Step
from infra.render.amounts import PrintedBill, Row, merged, printed_bill, quantity_text, summed
from infra.render.cost import Sources, each_text, new_lines, signed_text, total_notes, unknown_prices, upfront_text
from infra.render.markdown_text import LIMIT, code, details, fenced, fitted, length, prose, row_text, table
from infra.render.nouns import noun
from infra.render.pending import settling_commands
from infra.render.property_text import change_lines
from infra.render.report import Finding, Report
from infra.render.steps import CHANGE_SIGNS, SIGNS, by_component, is_real, op_counts, step_notes, summary
from infra.render.text import (
    INTERRUPTED,
    capacity_text,
    difference_text,
    finding_counts,
    limits,
    no_changes,
)
from sizing.figures import money, plural, unit_price
from sizing.render import headline, requirement_lines
from sizing.render_changes import plan_change_lines
from sizing.render_fleet import left_out_lines

_COLUMNS = re.compile(r"\s{2,}")  # what keeps two parts of a line of text apart
_VALUE_COLUMNS = 160  # of a property's line; what is longer is shown where it differs
_MOST_PROPERTIES = 40  # of one resource; the rest is counted

# Characters of each section that may be long; together they leave some thousands of the limit to the resources.
_CHECKS, _WAIVED, _PENDING, _ENGINE, _NOTES = 10_000, 4_000, 5_000, 3_000, 2_000
_CAPACITY, _CHANGES, _PROMISES = 2_000, 5_000, 3_000
_WORKLOADS, _LINES, _ASIDES, _SOURCES = 2_000, 9_000, 4_000, 4_000
_RANK = (Op.REPLACE, Op.DELETE, Op.UPDATE, Op.IMPORT, Op.CREATE, Op.READ)  # what a reviewer looks at first
_COLOURED = {"~": "!"}  # GitHub colours a line of a diff that begins with the latter, and none with the former


def render_markdown(report: Report) -> str:
    """The whole preview as Markdown of at most 65,536 characters."""
    bill = printed_bill(report.cost, has_base=report.has_base)
    parts = [
        f"### {prose(report.stack)}: {summary(report.resources)}; {_difference(bill)}",
        _answer(report, bill),
        _checks(report.findings),
        _pending(report),
        _engine(report),
        _sizing(report),
        _cost(report, bill),
    ]
    head = "\n\n".join(part for part in parts if part)
    foot = "\n\n".join(part for part in (_notes(report), f"<sub>{prose(limits(report), most=300)}</sub>") if part)
    resources = _resources(report, room=LIMIT - length(head) - length(foot) - len("\n\n") * 2 - 1)
    return "\n\n".join(part for part in (head, resources, foot) if part) + "\n"


def _difference(bill: PrintedBill) -> str:
    change = bill.total.change.usd_per_month
    return "change of cost not known" if change is None else f"{signed_text(change)} USD/month"


def _answer(report: Report, bill: PrintedBill) -> str:
    """What runs where at what price; the cost before and after, and the capacity that moves."""
    words = headline(report.plan, name=report.stack, usd_per_hour=report.cost.after.usd_per_hour)
    parts = [prose(_COLUMNS.sub("; ", words), most=400)]
    if not report.resources.steps:
        parts.append(prose(no_changes(report.resources)))
    moved = [x for x in report.capacity if not x.is_same]
    if report.has_base:
        rows = [
            _money_row("USD/month", bill.total, per_month=True),
            _money_row("USD/hour", bill.total, per_month=False),
        ]
        capacity = [row_text(_capacity_cells(x)) for x in moved]
        listed = fitted(capacity, room=_CAPACITY, more=lambda n: row_text([f"and {n} more", "", "", ""]))
        parts.append("\n".join(x for x in (table(["", "before", "after", "change"], "<>>>", rows), listed) if x))
    elif moved:
        parts.append(prose(f"capacity: {capacity_text(moved)}", most=300))
    unknown = len(report.cost.after.unknown)
    if unknown:
        parts.append(f"{plural(unknown, 'price')} not known, in no total.")
    return "\n\n".join(parts)


def _capacity_cells(change: CapacityChange) -> list[str]:
    known = change.before is not None and change.after is not None
    moved = f"{(change.after or 0) - (change.before or 0):+,}" if known else ""
    return [prose(change.what), _count(change.before), _count(change.after), moved]


def _money_row(name: str, row: Row, *, per_month: bool) -> list[str]:
    amounts = (row.before, row.after, row.change)
    before, after, change = (x.usd_per_month if per_month else x.usd_per_hour for x in amounts)
    return [name, _money(before), _money(after), f"**{signed_text(change)}**"]


def _checks(findings: Sequence[Finding]) -> str:
    """Findings that stand, in the open; waived ones folded with their reasons."""
    if not findings:
        return ""
    standing = [x for x in findings if not x.waived]
    waived = [f"- {code(x.rule)} {prose(x.subject)}: {prose(x.waived)}" for x in findings if x.waived]
    parts = [f"#### Checks: {finding_counts(findings)}"]
    if any(x.stops for x in standing):
        parts.append("> [!CAUTION]\n> Nothing is applied before the errors are mended.")
    if standing:
        rows = [
            row_text([x.severity, code(x.rule), code(x.subject), prose(x.text, most=400), prose(x.mend)])
            for x in standing
        ]
        heads = table(["", "rule", "where", "what", "mend"], "<<<<<", [])
        listed = fitted(rows, room=_CHECKS, more=lambda n: row_text(["", "", "", f"and {n} more", ""]))
        parts.append(f"{heads}\n{listed}")
    if waived:
        listed = fitted(waived, room=_WAIVED, more=lambda n: f"- and {n} more")
        parts.append(details(f"{len(waived)} waived", listed))
    return "\n\n".join(parts)


def _pending(report: Report) -> str:
    pending = report.resources.pending
    if not pending:
        return ""
    lines = [f"# {x.operation} {x.urn.rpartition('::')[2]}" for x in pending]
    commands = settling_commands(report.stack, pending)
    shown = fitted([*lines, *commands], room=_PENDING, more=lambda n: f"# and {n} more lines: sizeup preview")
    return f"> [!CAUTION]\n> {prose(INTERRUPTED)}\n\n{fenced(shown.splitlines(), 'sh')}"


def _engine(report: Report) -> str:
    """Where the real engine's preview differs, or that it agrees; nothing where it was not asked."""
    if report.differences is None:
        return ""
    if not report.differences:
        return "Pulumi's engine agrees: it would take the same steps."
    items = [f"- {code(x.name)}: {prose(difference_text(x))}" for x in report.differences]
    listed = fitted(items, room=_ENGINE, more=lambda n: f"- and {n} more")
    return f"#### Pulumi's engine differs in {plural(len(items), 'step')}\n\n{listed}"


def _sizing(report: Report) -> str:
    """What the plan decides otherwise, in the open; what it promises, folded."""
    lines = [_as_diff(line.strip()) for line in plan_change_lines(report.plan_changes)]
    parts = []
    if lines:
        shown = fitted(lines, room=_CHANGES, more=lambda n: f"  and {n} more")
        parts.append(f"#### Sizing\n\n{fenced(shown.splitlines(), 'diff')}")
    if report.plan.left_out:
        parts.append(fenced(left_out_lines(report.plan.left_out), "text"))
    promises = requirement_lines(report.plan)
    if promises:
        shown = fitted(promises, room=_PROMISES, more=lambda n: f"  and {n} more")
        parts.append(details("promises of the plan", fenced(shown.splitlines(), "text")))
    return "\n\n".join(parts)


def _as_diff(line: str) -> str:
    """A line that begins with a sign, as GitHub colours it."""
    return f"{_COLOURED.get(line[0], line[0])}{line[1:]}" if line.startswith("~ ") else line


def _cost(report: Report, bill: PrintedBill) -> str:
    """Sums by workload in the open; folded, the bill line by line, what is in no total, and the sources."""
    sources = Sources(numbers={})
    parts = ["#### Cost"]
    if bill.workloads:
        rows = [row_text([prose(x.name), *_amount_cells(x, has_base=report.has_base)]) for x in bill.workloads]
        heads = table(["", *_amount_heads(has_base=report.has_base)], "<>>>"[: 4 if report.has_base else 3], [])
        parts.append(f"{heads}\n{fitted(rows, room=_WORKLOADS, more=lambda n: row_text([f'and {n} more']))}")
    body = [
        _bill_table(bill, sources, has_base=report.has_base),
        "\n".join(f"- {prose(x)}" for x in total_notes(report.cost)),
        fitted(_aside_items(report, sources), room=_ASIDES, more=lambda n: f"- and {n} more"),
    ]
    cited = fitted(_source_items(sources), room=_SOURCES, more=lambda n: f"- and {n} more")
    if cited:
        body.append(f"prices as of, from\n{cited}")
    return "\n\n".join([*parts, details("every line", "\n\n".join(x for x in body if x))])


def _bill_table(bill: PrintedBill, sources: Sources, *, has_base: bool) -> str:
    """The bill line by line, with the total."""
    heads = ["", "", "each", *_amount_heads(has_base=has_base)]
    rows = [
        row_text([row.sign, _cited(row, sources), _each(row), *_amount_cells(row, has_base=has_base)])
        for row in bill.rows
    ]
    total = row_text(["", "**total**", "", *_amount_cells(bill.total, has_base=has_base)])
    listed = fitted(rows, room=_LINES, more=lambda n: _rest_row(bill.rows[len(rows) - n :], has_base=has_base))
    return "\n".join(x for x in (table(heads, "<<>>>>"[: len(heads)], []), listed, total) if x)


def _rest_row(rows: Sequence[Row], *, has_base: bool) -> str:
    """One row for those that a comment does not hold, so that the table adds up."""
    before, after, change = (
        summed(amounts) for amounts in zip(*((x.before, x.after, x.change) for x in rows), strict=True)
    )
    rest = Row(sign="", name="", before=before, after=after, change=change)
    return row_text(["", f"and {len(rows)} more", "", *_amount_cells(rest, has_base=has_base)])


def _amount_heads(*, has_base: bool) -> list[str]:
    return ["before, USD/month", "after", "change"] if has_base else ["USD/h", "USD/month"]


def _amount_cells(row: Row, *, has_base: bool) -> list[str]:
    if not has_base:
        return [_money(row.after.usd_per_hour), _money(row.after.usd_per_month)]
    return [
        _money(row.before.usd_per_month),
        _money(row.after.usd_per_month),
        signed_text(row.change.usd_per_month),
    ]


def _cited(row: Row, sources: Sources) -> str:
    return f"{prose(row.name)} {sources.cite(row.line)}".rstrip()


def _each(row: Row) -> str:
    return prose(each_text(row.line)) if row.line is not None else ""


def _aside_items(report: Report, sources: Sources) -> list[str]:
    """What is in no total: paid once, by use, or at a price that is not known."""
    shown = new_lines(report.cost) if report.has_base else report.cost.after.lines
    items = []
    for line in merged(x for x in shown if x.kind is CostKind.UPFRONT):
        name = line.item if line.quantity is None else quantity_text(line)
        told = f"paid once: {name}, {upfront_text(line)}" + (f"; {line.note}" if line.note else "")
        items.append(f"- {prose(told, most=400)} {sources.cite(line)}".rstrip())
    for line in merged(x for x in shown if x.kind is CostKind.USAGE and not x.is_unknown):
        told = f"by use: {line.item}, {unit_price(line.usd_per_unit or 0.0)} USD/{line.unit}"
        items.append(f"- {prose(told)} {sources.cite(line)}".rstrip())
    unknown = unknown_prices(report.cost, has_base=report.has_base)
    return [*items, *(f"- price not known: {prose(told, most=400)}" for told in unknown)]


def _source_items(sources: Sources) -> list[str]:
    return [f"- [{at}] {prose(as_of)}: {prose(source, most=400)}" for (source, as_of), at in sources.numbers.items()]


def _resources(report: Report, *, room: int) -> str:
    """A folded part for each component, as many as *room* holds; what is left out is counted."""
    groups = [(title, [x for x in steps if is_real(x)]) for title, steps in by_component(report.resources)]
    groups = sorted([x for x in groups if x[1]], key=lambda group: min(_RANK.index(x.op) for x in group[1]))
    if not groups:
        return ""
    parts, missing = ["#### Resources"], 0
    left = room - length(parts[0]) - length(_left_out(report, 10**6)) - 2 * len("\n\n")
    for name, steps in groups:
        part, shown = _component(name, steps, room=left)
        if shown:
            parts.append(part)
            left -= length(part) + len("\n\n")
        missing += len(steps) - shown
    return "\n\n".join([*parts, _left_out(report, missing)] if missing else parts)


def _left_out(report: Report, missing: int) -> str:
    """How many resources a comment could not hold, and the command that shows them."""
    command = code(f"sizeup preview {report.stack} --full")
    return f"{plural(missing, 'more resource')} not shown, as a comment holds no more: {command}"


def _component(name: str, steps: Sequence[Step], *, room: int) -> tuple[str, int]:
    """The part of one component in at most *room* characters, and how many of its *steps* it shows."""
    ordered = sorted(steps, key=lambda step: _RANK.index(step.op))
    wanted = [_step_lines(step) for step in ordered]
    heading = f"<b>{prose(name)}</b>: {op_counts(steps)}"
    overhead = length(details(heading, fenced(["`" * 20], "diff")))
    shown, used = 0, overhead
    for lines in wanted:
        used += sum(length(line) + 1 for line in lines)
        if used > room:
            break
        shown += 1
    lines = [line for step in wanted[:shown] for line in step]
    return details(heading, fenced(lines, "diff")), shown


def _step_lines(step: Step) -> list[str]:
    """A resource, what has to be known of it, and its properties that differ, as lines of a diff."""
    lines = [f"{_COLOURED.get(SIGNS[step.op], SIGNS[step.op])} {noun(step.type)} {step.name}"]
    lines += [f"      {note}" for note in step_notes(step)]
    changes = step.changes if step.op in (Op.UPDATE, Op.REPLACE) else ()
    for change in changes[:_MOST_PROPERTIES]:
        sign = _COLOURED.get(CHANGE_SIGNS[change.kind], CHANGE_SIGNS[change.kind])
        lines += [f"{sign}     {line}" for line in change_lines(change, width=_VALUE_COLUMNS)]
    if len(changes) > _MOST_PROPERTIES:
        lines.append(f"      and {plural(len(changes) - _MOST_PROPERTIES, 'more property', 'more properties')}")
    return lines


def _notes(report: Report) -> str:
    notes = [f"- {prose(x, most=400)}" for x in (*report.notes, *report.resources.notes)]
    return fitted(notes, room=_NOTES, more=lambda n: f"- and {n} more notes")


def _money(usd: float | None) -> str:
    return "not known" if usd is None else money(usd)


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"
