"""A rehearsal as a person reads it, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from infra.apply.outcome import Outcome
from infra.diff.changes import Step
from infra.emulation.acts import Act
from infra.emulation.agreement import Agreement
from infra.emulation.rehearsal import Rehearsal
from infra.render.nouns import noun
from sizing.figures import plural
from sizing.table import WIDTH, elided, wrapped

_CLOUDS = {"aws": "AWS", "gcp": "Google Cloud"}
_MOST = 5  # of a kind named one by one
_COUNTED = (("create", "added"), ("update", "changed"), ("replace", "replaced"), ("delete", "destroyed"))


def render_rehearsal(rehearsal: Rehearsal) -> str:
    """Every act: what happened, what the user would have seen, what mended it, and whether state and cloud agree."""
    good = sum(act.ended_well for act in rehearsal.acts)
    verdict = f"all {plural(good, 'act')} ended as they should"
    if not rehearsal.ended_well:
        verdict = f"{len(rehearsal.acts) - good} of {plural(len(rehearsal.acts), 'act')} ended badly"
    lines = [
        f"rehearsal of {rehearsal.stack}: {verdict}, in {rehearsal.seconds:.0f} s",
        f"Pulumi's engine on an emulated {_CLOUDS.get(rehearsal.cloud, rehearsal.cloud)}; no real cloud was asked",
    ]
    for act in rehearsal.acts:
        lines += ["", *_act(act)]
    return "\n".join(lines) + "\n"


def _act(act: Act) -> Iterator[str]:
    sign = "=" if act.ended_well else "!"
    head, time = f"{sign} {act.name}: {act.what}", f"{act.seconds:.0f} s"
    yield f"{elided(head, WIDTH - 8):<{WIDTH - 8}}{time:>8}"
    if act.refused is not None:
        yield from _shown("refused at first:", _before_hint(act.refused))
    if act.outcome is not None and act.outcome.diagnosis is None:
        yield from wrapped(_done(act.outcome), indent="    ")
    elif act.outcome is not None:
        yield from _shown("the user sees:", _failure(act.outcome))
    if act.left is not None and act.left != act.agreement:
        yield from wrapped(f"then: {_agrees(act.left)}", indent="    ", hanging="      ")
    for remark in act.remarks:
        yield from wrapped(remark, indent="    ", hanging="      ")
    if act.mends:
        yield "    mended by:"
        yield from (f"      {command}" for command in act.mends)  # to be copied: never broken, however long
    yield from wrapped(f"{'in the end' if act.left or act.mends else 'now'}: {_agrees(act.agreement)}", indent="    ")


def _before_hint(text: str) -> list[str]:
    """The lines of a refusal without its mend, which is told with what mended it."""
    lines = text.splitlines()
    return lines[: next((at for at, line in enumerate(lines) if line.strip().startswith("hint:")), len(lines))]


def _shown(title: str, lines: list[str]) -> Iterator[str]:
    yield f"    {title}"
    for line in lines:
        stripped = line.lstrip()
        indent = " " * (6 + len(line) - len(stripped))
        yield from wrapped(stripped, indent=indent, hanging=f"{indent}  ")


def _failure(outcome: Outcome) -> list[str]:
    """The message of a run that failed, as `sizeup up` words it."""
    if outcome.diagnosis is None:
        return []
    return [
        f"error: {outcome.stack}: stopped, {outcome.diagnosis.what}; {_done(outcome)}",
        f"  {outcome.diagnosis.said}",
        f"  hint: {outcome.diagnosis.mend}",
    ]


def _done(outcome: Outcome) -> str:
    """What was done in the cloud; components and providers are not in it."""
    counts = Counter(step.op.value for step in outcome.done if _is_in_the_cloud(step))
    return ", ".join(f"{counts[op]} {word}" for op, word in _COUNTED if counts[op]) or "nothing to do"


def _is_in_the_cloud(step: Step) -> bool:
    resource = step.new or step.old
    return resource is not None and resource.custom and not step.type.startswith("pulumi:")


def _agrees(found: Agreement) -> str:
    """Whether state and cloud agree, in a sentence."""
    parts = []
    if found.lost:
        parts.append(f"the state has {_named([held.name for held in found.lost])}, which the cloud has not")
    if found.stray:
        known = [f"{noun(held.type)} {held.name}" for held in found.stray]
        parts.append(f"the cloud has {_named(known)}, of which the state does not know")
    if found.doubled:
        parts.append(f"the cloud has more than one of {_named([urn.rpartition('::')[2] for urn in found.doubled])}")
    if found.pending:
        parts.append(f"{plural(len(found.pending), 'operation')} pending")
    if found.broken:
        parts.append(f"{_named([held.name for held in found.broken])} does not work")
    return "; ".join([_agreed(found), *parts])


def _agreed(found: Agreement) -> str:
    if found.both:
        return f"state and cloud agree on {plural(found.both, 'resource')}"
    if found.kept:
        return f"the state is empty, and the cloud has the {found.kept} that stay on purpose"
    return "state and cloud are empty"


def _named(names: list[str]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def rehearsal_document(rehearsal: Rehearsal) -> dict[str, object]:
    """The rehearsal as JSON holds it."""
    return {
        "stack": rehearsal.stack,
        "cloud": rehearsal.cloud,
        "ended_well": rehearsal.ended_well,
        "seconds": round(rehearsal.seconds, 1),
        "acts": [_act_document(act) for act in rehearsal.acts],
    }


def _act_document(act: Act) -> dict[str, object]:
    failure = None if act.outcome is None else act.outcome.diagnosis
    return {
        "name": act.name,
        "what": act.what,
        "ended_well": act.ended_well,
        "seconds": round(act.seconds, 1),
        "counts": {} if act.outcome is None else {op.value: number for op, number in act.outcome.counts.items()},
        "refused": act.refused,
        "failure": None
        if failure is None
        else {"kind": failure.kind.value, "what": failure.what, "said": failure.said, "mend": failure.mend},
        "left": None if act.left is None else _agreement_document(act.left),
        "remarks": list(act.remarks),
        "mends": list(act.mends),
        "agreement": _agreement_document(act.agreement),
    }


def _agreement_document(found: Agreement) -> dict[str, object]:
    return {
        "whole": found.whole,
        "both": found.both,
        "lost": [held.urn for held in found.lost],
        "stray": [{"urn": held.urn, "id": held.id} for held in found.stray],
        "doubled": list(found.doubled),
        "broken": [held.urn for held in found.broken],
        "pending": list(found.pending),
    }
