"""A preview as text of one screen, 80 columns wide; the first line is the answer, the last sums up.

Turns the values of `report.py` into text and decides nothing. No colour and no clock: the same report gives the same
bytes, on a terminal and in a pipe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.cost.capacity import CapacityChange
from infra.diff.changes import ChangeKind, PropertyChange, ResourceChanges
from infra.render.cost import cost_lines
from infra.render.property_text import change_text
from infra.render.report import Finding, Report
from infra.render.steps import step_lines, summary
from sizing.figures import plural, signed_money
from sizing.render import headline, requirement_lines
from sizing.render_changes import plan_change_lines
from sizing.table import WIDTH, table, wrapped

_SIGN = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-", ChangeKind.CHANGED: "~"}
_LIMITS = "offline, compared with {base}; not seen: changes made outside, quotas, checks by the provider and the cloud"


def render_text(report: Report, *, full: bool = False) -> str:
    """
    The whole preview: sizing, resources, capacity, cost, findings, and the counts in the last line.

    With *full*, every resource has its own line and every property that differs is shown.
    """
    blocks = [
        [headline(report.plan, name=report.stack, usd_per_hour=report.cost.after.usd_per_hour)],
        requirement_lines(report.plan),
        _indented(plan_change_lines(report.plan_changes)),
        step_lines(report.resources, full=full) or [_no_changes(report.resources)],
        _output_lines(report.resources.outputs),
        _pending_lines(report.resources),
        _capacity_lines(report.capacity, has_base=report.has_base),
        cost_lines(report.cost, has_base=report.has_base),
        _finding_lines(report.findings),
        _note_lines((*report.notes, *report.resources.notes)),
        wrapped(_LIMITS.format(base=report.resources.base_name), indent="  ", hanging="  "),
        [_last_line(report)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _no_changes(changes: ResourceChanges) -> str:
    if not changes.graph.resources:
        return "no resources: the program registers none"
    return f"no changes: all {plural(len(changes.graph.resources), 'resource')} are as in {changes.base_name}"


def _indented(lines: Sequence[str]) -> list[str]:
    return ["sizing changes", *lines] if lines else []


def _output_lines(outputs: Sequence[PropertyChange]) -> list[str]:
    if not outputs:
        return []
    return ["outputs", *(f"  {_SIGN[x.kind]} {change_text(x, width=WIDTH - 4)}" for x in outputs)]


def _pending_lines(changes: ResourceChanges) -> list[str]:
    if not changes.pending:
        return []
    head = "an interrupted run left operations whose outcome is not known; mend the state before deploying"
    return [
        *wrapped(f"! {head}", hanging="  "),
        *(f"  {x.operation} {x.urn.rpartition('::')[2]}" for x in changes.pending),
    ]


def _capacity_lines(changes: Sequence[CapacityChange], *, has_base: bool) -> list[str]:
    """Machines and accelerators: how many there will be, and, with a base, how that differs; unchanged ones hidden."""
    moved = [x for x in changes if not x.is_same]
    if not moved:
        return []
    if not has_base:
        machines = [f"{_count(x.after)} x {x.what}" for x in moved if not x.is_accelerator]
        accelerators = [f"{_count(x.after)} {x.what}" for x in moved if x.is_accelerator]
        held = f"; accelerators: {', '.join(accelerators)}" if accelerators else ""
        return wrapped(f"capacity: {', '.join(machines)}{held}", hanging="  ")
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


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _finding_lines(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    counts = Counter(x.severity for x in findings)
    lines = ["checks: " + ", ".join(plural(number, severity) for severity, number in counts.items())]
    for finding in findings:
        lines += wrapped(f"! {finding.rule} {finding.subject}: {finding.text}", indent="  ", hanging="      ")
        if finding.mend:
            lines += wrapped(f"hint: {finding.mend}", indent="      ", hanging="        ")
    return lines


def _note_lines(notes: Sequence[str]) -> list[str]:
    return [line for note in notes for line in wrapped(note, indent="  note: ", hanging="    ")]


def _last_line(report: Report) -> str:
    """Counts, the difference in cost, and how many prices that difference leaves out."""
    parts = [summary(report.resources), f"{signed_money(report.cost.difference_usd_per_hour)} USD/h"]
    unknown = len(report.cost.after.unknown)
    if unknown:
        parts.append(f"{plural(unknown, 'price')} not known")
    return "; ".join(parts)
