"""How one plan differs from another, as lines of text and as JSON values; what differs is worked out by `diff`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sizing.diff import Action, FieldChange, Part, PlanChange, Scalar, Subject
from sizing.figures import figure, memory, money, plural, rate, seconds, storage
from sizing.plan import Bucket, Deployment, NodePool, Promise
from sizing.render_promises import metric_name, metric_value
from sizing.table import wrapped

MOST_CHANGES = 60  # that are told one by one
_SIGNS = {Action.ADDED: "+", Action.REMOVED: "-", Action.CHANGED: "~"}
_ASSUMPTIONS = "assumptions"
# What the line of a part leaves out: it follows from another line (the cost of a pool from its machines), is a
# fingerprint, or has lines of its own. All of it is in the JSON.
_FOLLOWS: Mapping[Subject, frozenset[str]] = {
    Subject.PLAN: frozenset({"spec_hash", "facts_hash", _ASSUMPTIONS}),
    Subject.PROMISE: frozenset({"low", "high", "probability"}),
}
_PROVENANCE = frozenset({"price_as_of", "price_source"})
_LABELS = {
    "usd_per_hour": "USD/h",
    "concurrency": "in flight each",
    "layout.tp": "TP",
    "layout.pp": "PP",
    "layout.ep": "EP",
    "layout.dp": "DP",
    "layout.cp": "CP",
    "layout.dcp": "DCP",
    "vcpus": "vCPU",
    "facts_as_of": "facts of",
    "sizeup_version": "sizeup",
    "requests_per_s": "sustains each",
    "cold_start.image_s": "image pulled in",
    "cold_start.bootstrap_s": "bootstrap",
    "cold_start.weights_s": "weights read in",
    "cold_start.compile_s": "compile and warm-up",
    "checkpoint_bytes": "checkpoint",
    "weight_bytes": "weights",
    "host_memory_bytes": "host memory",
}


def render_plan_changes(changes: Sequence[PlanChange]) -> str:
    """What changes from one plan to the other, one line for each part; that nothing does is said in words."""
    return "\n".join(plan_change_lines(changes) or ["the plan does not change"]) + "\n"


def plan_change_lines(changes: Sequence[PlanChange]) -> list[str]:
    """Lines of *changes* with their sign, of very many the first; empty where no decision, promise or total moved."""
    told = [f"{_SIGNS[change.action]} {text}" for change in changes if (text := _text(change))]
    told += _assumed(changes)
    lines = [line for text in told[:MOST_CHANGES] for line in wrapped(text, indent="  ", hanging="      ")]
    rest = len(told) - MOST_CHANGES
    return [*lines, f"  and {plural(rest, 'change')} more: --json lists them"] if rest > 0 else lines


def plan_change_document(change: PlanChange) -> dict[str, object]:
    """One change as JSON holds it, with every field."""
    return {
        "subject": change.subject.value,
        "action": change.action.value,
        "name": change.name,
        "fields": [{"field": x.field, "before": _json(x.before), "after": _json(x.after)} for x in change.fields],
    }


def _text(change: PlanChange) -> str:
    """One change in words; empty where only what follows from others, or a fingerprint, moved."""
    if change.subject is Subject.COST_LINE:
        return ""
    about = f"{change.subject.replace('_', ' ')} {_name(change)}".strip()
    part = change.after or change.before
    if change.action is not Action.CHANGED:
        return f"{about}: {_part_text(part)}" if part is not None else about
    fields = [x for x in change.fields if not _follows(change.subject, x.field)]
    said = ", ".join(_field_text(x, part) for x in fields)
    return f"{about}: {said}" if said else ""


def _assumed(changes: Sequence[PlanChange]) -> list[str]:
    """Assumptions that came and that went, a line each: sentences, which would drown the decisions beside them."""
    return [
        f"{sign} assumed: {text}"
        for change in changes
        if change.subject is Subject.PLAN
        for field in change.fields
        if field.field == _ASSUMPTIONS and isinstance(field.before, tuple) and isinstance(field.after, tuple)
        for sign, texts, others in (("-", field.before, field.after), ("+", field.after, field.before))
        for text in texts
        if text not in others
    ]


def _follows(subject: Subject, field: str) -> bool:
    """Whether a change of *field* follows from others, or is one of sources and dates alone."""
    last = field.rpartition(".")[2]
    return field in _FOLLOWS.get(subject, frozenset()) or last in _PROVENANCE or field.startswith("cost_shares.")


def _name(change: PlanChange) -> str:
    part = change.after or change.before
    return f"{part.workload} {metric_name(part.metric)}" if isinstance(part, Promise) else change.name


def _part_text(part: Part) -> str:
    match part:
        case NodePool():
            return f"{part.nodes} x {part.machine} {part.mode.replace('_', ' ')} in {part.zone}"
        case Deployment():
            what = f"{part.model}, {part.weights} weights, {part.layout} on {part.accelerator}"
            return f"{part.replicas} x {what}"
        case Bucket():
            return f"{part.tier}, {storage(part.bytes)}"
        case Promise():
            limit = metric_value(part.metric, part.asked)
            return f"{'<=' if part.at_most else '>='} {limit}, planned {metric_value(part.metric, part.planned)}"
        case _:
            return f"{part.quantity} x {part.item}"


def _field_text(change: FieldChange, part: Part | None) -> str:
    label = _LABELS.get(change.field, _words(change.field))
    if isinstance(change.before, tuple) and isinstance(change.after, tuple):
        return f"{label} {_list_text(change.before, change.after)}"
    return f"{label} {_value(change.field, change.before, part)} -> {_value(change.field, change.after, part)}"


def _words(field: str) -> str:
    """The name of a field as words: engine max num seqs, replicas on p5-48xlarge-use1-az4, zones in us-west-2."""
    owner, _, last = field.rpartition(".")
    if owner.startswith(("commitments.", "left_out.")):
        what, _, name = owner.partition(".")
        return f"{'left out ' if what == 'left_out' else ''}{name} {last}".replace("_", " ")
    of_region = field.replace("elsewhere.", "zones in ")
    return of_region.replace("placements.", "replicas on ").replace("engine.", "engine ").replace("_", " ")


def _list_text(before: Sequence[str], after: Sequence[str]) -> str:
    """What came to a list and what left it; all of it where only the order moved."""
    said = [f"+ {x}" for x in after if x not in before] + [f"- {x}" for x in before if x not in after]
    return "; ".join(said) or f"{', '.join(before)} -> {', '.join(after)}"


def _value(field: str, value: Scalar, part: Part | None) -> str:
    """A value with the unit that its field states."""
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(part, Promise):
        return metric_value(part.metric, value)
    return _number(field, value)


def _number(field: str, value: float) -> str:
    if field.rpartition(".")[2].endswith(("usd_per_hour", "usd_per_gb_month")):
        return money(value)
    if field.endswith("_per_s"):
        return rate(value)
    if field.endswith("_s"):
        return seconds(value)
    if field.endswith("bytes"):
        return storage(value) if field == "bytes" else memory(value)
    return f"{value:,}" if isinstance(value, int) else figure(value)


def _json(value: Scalar) -> object:
    return list(value) if isinstance(value, tuple) else value
