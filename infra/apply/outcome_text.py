"""An outcome as text and as JSON, and the line that each finished operation gets while the engine works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.apply.outcome import Outcome
from infra.diff.changes import Op, Step
from infra.render.nouns import counted, noun
from infra.render.steps import SIGNS
from sizing.figures import plural
from sizing.table import WIDTH, elided, wrapped

_DONE: Mapping[Op, str] = {
    Op.CREATE: "added",
    Op.UPDATE: "changed",
    Op.REPLACE: "replaced",
    Op.DELETE: "destroyed",
    Op.IMPORT: "imported",
    Op.READ: "read",
}
_ALWAYS = (Op.CREATE, Op.UPDATE, Op.DELETE)
_MOST = 10  # resources of one kind named one by one


def render_outcome(outcome: Outcome, *, root: Path) -> str:
    """What was done, what was not, and where the state from before is; the first line is the answer."""
    lines = [_headline(outcome)]
    if outcome.diagnosis is not None:
        lines += wrapped(outcome.diagnosis.said, indent="  ", hanging="    ")
        lines += _listed("failed", outcome.failed)
        lines += _listed("begun, outcome not known", outcome.unfinished)
        lines += _counted("done, and it stays", outcome.done)
        lines += _counted("not begun", outcome.not_begun)
        if not outcome.unfinished:
            lines.append("  the state is whole: it holds what is done")
    if outcome.kept is not None:
        lines.append(f"  the state from before: {outcome.kept.relative_to(root)}")
    if outcome.diagnosis is not None:
        lines += wrapped(f"hint: {outcome.diagnosis.mend}", indent="    ", hanging="      ")
    return "\n".join(lines) + "\n"


def document(outcome: Outcome, *, root: Path) -> dict[str, object]:
    """The outcome as JSON holds it."""
    found = outcome.diagnosis
    return {
        "stack": outcome.stack,
        "verb": outcome.verb,
        "succeeded": found is None,
        "counts": {op.value: outcome.counts.get(op, 0) for op in _DONE},
        "done": _short(outcome.done),
        "failed": _short(outcome.failed),
        "unfinished": _short(outcome.unfinished),
        "not_begun": _short(outcome.not_begun),
        "seconds": round(outcome.seconds, 1),
        "state_before": None if outcome.kept is None else str(outcome.kept.relative_to(root)),
        "failure": None
        if found is None
        else {"kind": found.kind.value, "what": found.what, "said": found.said, "mend": found.mend},
    }


def step_line(step: Step) -> str:
    """One finished operation: `+ VPC network-vpc`."""
    return elided(f"  {SIGNS[step.op]:<3} {noun(step.type)} {step.name}", WIDTH)


def _headline(outcome: Outcome) -> str:
    counts = outcome.counts
    did = ", ".join(f"{counts.get(op, 0)} {verb}" for op, verb in _DONE.items() if op in _ALWAYS or counts.get(op, 0))
    if outcome.diagnosis is None:
        return f"{outcome.stack}: {did}, in {outcome.seconds:.0f} s"
    return f"{outcome.stack}: stopped, {outcome.diagnosis.what}; {did}, in {outcome.seconds:.0f} s"


def _listed(title: str, steps: Iterable[Step]) -> list[str]:
    found = tuple(steps)
    if not found:
        return []
    lines = [f"  {title}:"]
    lines += [elided(f"    {step.op.value} {noun(step.type)} {step.name}", WIDTH) for step in found[:_MOST]]
    return [*lines, f"    and {plural(len(found) - _MOST, 'more')}"] if len(found) > _MOST else lines


def _counted(title: str, steps: Iterable[Step]) -> list[str]:
    real = [step.type for step in steps if _is_real(step)]
    return wrapped(f"{title} ({len(real)}): {counted(real)}", indent="  ", hanging="    ") if real else []


def _is_real(step: Step) -> bool:
    resource = step.new or step.old
    return resource is not None and resource.custom and not step.type.startswith("pulumi:")


def _short(steps: Iterable[Step]) -> list[dict[str, str]]:
    return [{"op": step.op.value, "urn": step.urn} for step in steps]
