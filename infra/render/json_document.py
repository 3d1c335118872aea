"""A preview as JSON: the same content as the text, for other tools. The keys are a contract; they stay as they are.

`{stack, plan_changes, steps: [{op, urn, type, name, properties}], cost: {before_usd_per_month, after_usd_per_month,
lines}, rules}` and what else the text tells. Unknown values are "(known after apply)", secrets are "[secret]".
"""

from __future__ import annotations

import dataclasses
import json

from infra.cost.bill import CostChange, CostKind, CostLine, LineChange
from infra.cost.capacity import CapacityChange
from infra.diff.changes import ChangeKind, Op, PropertyChange, Step
from infra.render.property_text import plain
from infra.render.report import Report
from sizing.render_changes import plan_change_document

_MONEY_DIGITS = 6  # micro-dollars: what the solver prices in


def render_json(report: Report) -> str:
    """The whole preview as one JSON document with sorted keys."""
    return json.dumps(document(report), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def document(report: Report) -> dict[str, object]:
    """The preview as JSON holds it."""
    return {
        "stack": report.stack,
        "base": report.resources.base_name,
        "facts_as_of": report.plan.facts_as_of,
        "plan_changes": [plan_change_document(x) for x in report.plan_changes],
        "promises": [dataclasses.asdict(x) for x in report.plan.promises],
        "steps": [_step(x) for x in report.resources.steps],
        "counts": {op.value: report.resources.counts.get(op, 0) for op in Op if op is not Op.SAME},
        "outputs": [_property(x) for x in report.resources.outputs],
        "pending_operations": [dataclasses.asdict(x) for x in report.resources.pending],
        "capacity": [_capacity(x) for x in report.capacity],
        "cost": _cost(report.cost),
        "rules": [dataclasses.asdict(x) for x in report.findings],
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
    return {
        "path": change.path,
        "kind": change.kind.value,
        "old": plain(change.old),
        "new": plain(change.new),
        "replaces": change.replaces.value,
        "certain": change.certain,
    }


def _capacity(change: CapacityChange) -> dict[str, object]:
    kind = "accelerator" if change.is_accelerator else "machine"
    return {"what": change.what, "kind": kind, "before": change.before, "after": change.after}


def _cost(change: CostChange) -> dict[str, object]:
    before = change.before
    return {
        "before_usd_per_hour": _money(before.usd_per_hour if before else 0.0),
        "after_usd_per_hour": _money(change.after.usd_per_hour),
        "before_usd_per_month": _money(before.usd_per_month if before else 0.0),
        "after_usd_per_month": _money(change.after.usd_per_month),
        "difference_usd_per_hour": _money(change.difference_usd_per_hour),
        "unknown_prices": len(change.after.unknown),
        "free_resources": len(change.after.free),
        "lines": [_line_change(x) for x in change.lines],
    }


def _line_change(change: LineChange) -> dict[str, object]:
    return {
        "item": change.item,
        "urn": change.urn,
        "change": _kind(change),
        "difference_usd_per_hour": _money(change.difference_usd_per_hour),
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
        "kind": line.kind.value,
        "in_total": line.kind is CostKind.FIXED and line.usd_per_hour is not None,
        "group": line.group.value,
        "workload": line.workload,
        "source": line.source,
        "as_of": line.as_of,
        "note": line.note,
    }


def _money(usd: float | None) -> float | None:
    return None if usd is None else round(usd, _MONEY_DIGITS)
