"""A preview as text of one screen, 80 columns wide; the first line is the answer, the last sums up.

Turns the values of `report.py` into text and decides nothing. No colour and no clock: the same report gives the same
bytes, on a terminal and in a pipe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.cost.capacity import CapacityChange
from infra.diff.changes import PropertyChange, ResourceChanges
from infra.render.amounts import PrintedBill, printed_bill
from infra.render.cost import cost_lines, signed_text
from infra.render.pending import settling_commands
from infra.render.property_text import change_text
from infra.render.report import Difference, Finding, Report
from infra.render.steps import CHANGE_SIGNS, step_lines, summary
from sizing.figures import money, plural
from sizing.render import headline, requirement_lines
from sizing.render_changes import plan_change_lines
from sizing.render_fleet import left_out_lines
from sizing.table import WIDTH, table, wrapped

INTERRUPTED = "an interrupted run left operations whose outcome is not known: settle them before anything else"


def render_text(report: Report, *, full: bool = False) -> str:
    """
    The whole preview: sizing, resources, capacity, cost, findings, and the counts in the last line.

    With *full*, every resource has its own line, every property that differs is shown, and every waiver has its reason.
    """
    bill = printed_bill(report.cost, has_base=report.has_base)
    blocks = [
        [headline(report.plan, name=report.stack, usd_per_hour=report.cost.after.usd_per_hour)],
        left_out_lines(report.plan.left_out),
        requirement_lines(report.plan),
        _indented(plan_change_lines(report.plan_changes)),
        step_lines(report.resources, full=full) or [no_changes(report.resources)],
        _output_lines(report.resources.outputs),
        _pending_lines(report),
        _capacity_lines(report.capacity, has_base=report.has_base),
        cost_lines(report.cost, bill, has_base=report.has_base),
        _finding_lines(report.findings, full=full),
        _difference_lines(report.differences),
        _note_lines((*report.notes, *report.resources.notes)),
        wrapped(limits(report), indent="  ", hanging="  "),
        [last_line(report, bill)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def no_changes(changes: ResourceChanges) -> str:
    """That nothing changes, in words."""
    if not changes.graph.resources:
        return "no resources: the program registers none"
    return f"no changes: all {plural(len(changes.graph.resources), 'resource')} are as in {changes.base_name}"


def limits(report: Report) -> str:
    """What the preview was compared with, and what it cannot see."""
    base = report.resources.base_name
    if report.differences is None:
        unseen = "changes made outside, quotas, checks by the provider and the cloud"
        return f"offline, compared with {base}; not seen: {unseen}"
    return f"compared with {base}, and with the preview of Pulumi's engine; not seen: changes made outside, quotas"


def last_line(report: Report, bill: PrintedBill) -> str:
    """Counts, the difference in cost, and how many prices that difference leaves out."""
    change = bill.total.change
    is_small = change.hour_cents == 0 and change.month_cents != 0  # less than a cent an hour is some dollars a month
    moved = (
        f"{signed_text(change.usd_per_month)} USD/month" if is_small else f"{signed_text(change.usd_per_hour)} USD/h"
    )
    parts = [summary(report.resources), moved]
    if report.cost.difference_upfront_usd:
        parts.append(f"{money(report.cost.difference_upfront_usd)} USD at once")
    unknown = len(report.cost.after.unknown)
    if unknown:
        parts.append(f"{plural(unknown, 'price')} not known")
    return "; ".join(parts)


def _indented(lines: Sequence[str]) -> list[str]:
    return ["sizing changes", *lines] if lines else []


def _output_lines(outputs: Sequence[PropertyChange]) -> list[str]:
    if not outputs:
        return []
    return ["outputs", *(f"  {CHANGE_SIGNS[x.kind]} {change_text(x, width=WIDTH - 4)}" for x in outputs)]


def _pending_lines(report: Report) -> list[str]:
    """What an interrupted run left, and the commands that settle it; these are never cut or broken."""
    pending = report.resources.pending
    if not pending:
        return []
    return [
        *wrapped(f"! {INTERRUPTED}", hanging="  "),
        *(f"  {x.operation} {x.urn.rpartition('::')[2]}" for x in pending),
        *(f"    {line}" for line in settling_commands(report.stack, pending)),
    ]


def _capacity_lines(changes: Sequence[CapacityChange], *, has_base: bool) -> list[str]:
    """Machines and accelerators: how many there will be, and, with a base, how that differs; unchanged ones hidden."""
    moved = [x for x in changes if not x.is_same]
    if not moved:
        return []
    if not has_base:
        return wrapped(f"capacity: {capacity_text(moved)}", hanging="  ")
    rows = [["capacity", "before", "after", "change"]]
    for x in moved:
        known = x.before is not None and x.after is not None
        rows.append(
            [
                f"  {x.what}",
                _count(x.before),
                _count(x.after),
                f"{(x.after or 0) - (x.before or 0):+,}" if known else "",
            ]
        )
    return table(rows, align="<>>>", indent="", elastic=0)


def capacity_text(changes: Sequence[CapacityChange]) -> str:
    """How many machines and accelerators there will be, in one clause."""
    machines = [f"{_count(x.after)} x {x.what}" for x in changes if not x.is_accelerator]
    accelerators = [f"{_count(x.after)} {x.what}" for x in changes if x.is_accelerator]
    held = f"; accelerators: {', '.join(accelerators)}" if accelerators else ""
    return f"{', '.join(machines)}{held}"


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def finding_counts(findings: Sequence[Finding]) -> str:
    """How many there are of each severity, and how many are waived: 1 error, 2 warnings, 3 waived."""
    counts = Counter(x.severity for x in findings if not x.waived)
    waived = sum(bool(x.waived) for x in findings)
    told = [plural(number, severity) for severity, number in counts.items()]
    return ", ".join([*told, f"{waived} waived"] if waived else told)


def _finding_lines(findings: Sequence[Finding], *, full: bool) -> list[str]:
    """Every finding that stands, with its mend; those that are waived are counted, in full told with their reasons."""
    if not findings:
        return []
    lines = [f"checks: {finding_counts(findings)}"]
    standing = [x for x in findings if not x.waived]
    for at, finding in enumerate(standing):
        lines += wrapped(f"! {finding.rule} {finding.subject}: {finding.text}", indent="  ", hanging="      ")
        has_same_mend = at + 1 < len(standing) and standing[at + 1].mend == finding.mend
        if finding.mend and not has_same_mend:
            lines += wrapped(f"hint: {finding.mend}", indent="      ", hanging="        ")
    waived = [x for x in findings if x.waived]
    if not waived:
        return lines
    if not full:
        rules = Counter(x.rule for x in waived)
        told = ", ".join(rule if number == 1 else f"{number} x {rule}" for rule, number in rules.items())
        return [*lines, *wrapped(f"waived: {told}; --full tells why", indent="  ", hanging="      ")]
    for finding in waived:
        lines += wrapped(f"waived {finding.rule} {finding.subject}: {finding.text}", indent="  ", hanging="      ")
        lines += wrapped(f"because {finding.waived}", indent="      ", hanging="        ")
    return lines


def _difference_lines(differences: Sequence[Difference] | None) -> list[str]:
    """Where the real engine's preview differs; that it agrees is said as well. Nothing where it was not asked."""
    if differences is None:
        return []
    if not differences:
        return ["Pulumi's engine agrees: it would take the same steps"]
    lines = [f"Pulumi's engine differs in {plural(len(differences), 'step')}"]
    for x in differences:
        lines += wrapped(f"! {x.name}: {difference_text(x)}", indent="  ", hanging="      ")
    return lines


def difference_text(difference: Difference) -> str:
    """What either preview would do: update here, replace by the engine; why."""
    ours, engine = difference.ours or "nothing", difference.engine or "nothing"
    told = f"{ours} here, {engine} by the engine"
    return f"{told}; {difference.detail}" if difference.detail else told


def _note_lines(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in wrapped(note, indent="  note: ", hanging="    ")]
