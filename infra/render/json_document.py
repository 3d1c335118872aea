"""A preview as JSON: the same content as the text, for other tools. The keys are a contract; they stay as they are.

`{stack, plan_changes, steps: [{op, urn, type, name, properties}], cost: {before_usd_per_month, after_usd_per_month,
lines}, rules}` and what else the text tells; `preview.schema.json` beside this module says each key and its type.
Unknown values are "(known after apply)", secrets are "[secret]".
"""

from __future__ import annotations

import dataclasses
import json

from infra.cost.bill import CostChange, CostLine, LineChange, WorkloadChange, is_in_total
from infra.cost.capacity import CapacityChange
from infra.diff.changes import ChangeKind, Op, PropertyChange, Step
from infra.render.pending import settling_commands
from infra.render.property_text import plain, sides
from infra.render.report import Finding, Report
from sizing.render_changes import plan_change_document
from sizing.units import usd_per_month

_MONEY_DIGITS = 6  # micro-dollars: what the solver prices in


def render_json(report: Report) -> str:
    """The whole preview as one JSON document with sorted keys."""
    return json.dumps(document(report), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, object]:
    """The preview as JSON holds it."""
    pending = report.resources.pending
    engine = None if report.differences is None else [dataclasses.asdict(x) for x in report.differences]
    return {
        "stack": report.stack,
        "base": report.resources.base_name,
        "facts_as_of": report.plan.facts_as_of,
        "plan_changes": [plan_change_document(x) for x in report.plan_changes],
        "promises": [dataclasses.asdict(x) for x in report.plan.promises],
        "steps": [_step(x) for x in report.resources.steps],
        "counts": {op.value: report.resources.counts.get(op, 0) for op in Op if op is not Op.SAME},
        "outputs": [_property(x) for x in report.resources.outputs],
        "pending_operations": [dataclasses.asdict(x) for x in pending],
        "settle_commands": settling_commands(report.stack, pending) if pending else [],
        "capacity": [_capacity(x) for x in report.capacity],
        "cost": _cost(report.cost),
        "rules": [_finding(x) for x in report.findings],
        "engine_differences": engine,
        "notes": [*report.notes, *report.resources.notes],
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "op": step.op.value,
        "urn": step.urn,
        "type": step.type,
        "name": step.name,
        "properties": _properties(step),
        "replaces": step.replaces.value,
        "replace_reason": list(step.replace_reason),
        "renamed_from": step.renamed_from,
        "refused": step.protected_error,
        "deletes_first": step.deletes_first,
        "deleted_with": step.deleted_with,
        "already_gone": step.already_gone,
        "retained": step.retained,
        "pending_delete": step.pending_delete,
        "certain": step.certain,
    }


def _properties(step: Step) -> list[dict[str, object]]:
    """What differs; of a new resource all its inputs, as every one is added."""
    if step.op is Op.CREATE and step.new is not None and not step.changes:
        return [
            {"path": key, "kind": ChangeKind.ADDED.value, "new": plain(value)} for key, value in step.new.inputs.items()
        ]
    return [_property(x) for x in step.changes]


def _property(change: PropertyChange) -> dict[str, object]:
    old, new = sides(change)
    return {
        "path": change.path,
        "kind": change.kind.value,
        "old": plain(old),
        "new": plain(new),
        "replaces": change.replaces.value,
        "certain": change.certain,
    }


def _capacity(change: CapacityChange) -> dict[str, object]:
    kind = "accelerator" if change.is_accelerator else "machine"
    return {"what": change.what, "kind": kind, "before": change.before, "after": change.after}


def _finding(finding: Finding) -> dict[str, object]:
    return {**dataclasses.asdict(finding), "stops": finding.stops}


def _cost(change: CostChange) -> dict[str, object]:
    before, after = change.before, change.after
    least, most = after.usd_per_hour_limits
    return {
        "before_usd_per_hour": _money(before.usd_per_hour if before else 0.0),
        "after_usd_per_hour": _money(after.usd_per_hour),
        "after_least_usd_per_hour": _money(least),
        "after_most_usd_per_hour": _money(most),
        "before_usd_per_month": _money(before.usd_per_month if before else 0.0),
        "after_usd_per_month": _money(after.usd_per_month),
        "difference_usd_per_hour": _money(change.difference_usd_per_hour),
        "difference_usd_per_month": _money(change.difference_usd_per_month),
        "before_upfront_usd": _money(before.upfront_usd if before else 0.0),
        "after_upfront_usd": _money(after.upfront_usd),
        "unknown_prices": len(after.unknown),
        "lines_not_compared": len(change.not_compared),
        "free_resources": len(after.free),
        "lines": [_line_change(x) for x in change.lines],
        "workloads": [_workload(x) for x in change.workloads],
    }


def _workload(change: WorkloadChange) -> dict[str, object]:
    """What one workload costs; null as its name stands for what all of them share."""
    return {
        "workload": change.workload,
        "before_usd_per_month": _money(change.before.usd_per_month),
        "after_usd_per_month": _money(change.after.usd_per_month),
        "before_upfront_usd": _money(change.before.upfront_usd),
        "after_upfront_usd": _money(change.after.upfront_usd),
        "unknown_prices": change.after.unknown,
    }


def _line_change(change: LineChange) -> dict[str, object]:
    difference = change.difference_usd_per_hour
    return {
        "item": change.item,
        "urn": change.urn,
        "change": _kind(change),
        "difference_usd_per_hour": _money(difference),
        "difference_usd_per_month": None if difference is None else _money(usd_per_month(difference)),
        "before": _line(change.before),
        "after": _line(change.after),
    }


def _kind(change: LineChange) -> str:
    if change.is_same:
        return "same"
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def _line(line: CostLine | None) -> dict[str, object] | None:
    if line is None:
        return None
    return {
        "quantity": line.quantity,
        "unit": line.unit,
        "usd_per_unit": line.usd_per_unit,
        "usd_per_hour": _money(line.usd_per_hour),
        "upfront_usd": _money(line.upfront_usd),
        "kind": line.kind.value,
        "in_total": is_in_total(line),
        "group": line.group.value,
        "resource": line.resource,
        "workload": line.workload,
        "workload_parts": {x.workload: round(x.part, _MONEY_DIGITS) for x in line.shares},
        "source": line.source,
        "as_of": line.as_of,
        "note": line.note,
    }


def _money(usd: float | None) -> float | None:
    return None if usd is None else round(usd, _MONEY_DIGITS)
